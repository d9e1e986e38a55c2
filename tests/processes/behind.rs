//! A process that missed more than the event log still tells.

use std::time::Instant;

use super::crew::{Crew, new_store};
use super::known::{Fate, Known};
use super::lane::Lane;
use super::opening::Opening;
use super::probe::{Act, At, Trigger};
use super::random::Random;
use super::scene::status_of;
use super::talk::Member;
use super::truth::check_file;
use super::{folder, full_or, report};

/// How many events the log keeps.
const EVENTS: u64 = 16;

#[test]
fn a_process_too_far_behind_for_the_log_rebuilds_and_is_right() {
    let (seed, start, folder) = (Random::seed(), Instant::now(), folder());
    let opening = Opening { max_events: EVENTS, ..Opening::of(folder.path().join("tokens.store")) };
    new_store(&opening);
    let crew = Crew::gather(seed, &opening, 1, 3);
    let mut lane = Lane::new(&crew, 0);
    let (rounds, missed) = (full_or(8, 2), full_or(300, 60));
    let (mut pruned, mut reading) = (0, 0);
    for round in 0..rounds {
        // One is stopped, the others are just not asked; and one is stopped while it reads, when it has found where.
        let first = crew.verifiers[0].member();
        first.stop();
        let mut late = Member::open(&opening.clone().probed());
        late.ask(&format!("arm {}", Trigger::new(Act::Stop, At::Read, 3 + round % 4))).ok();
        lane.asks = false;
        lane.miss(1);
        late.tell(&lane.verify_one()).expect("it listens");
        let is_reading = late.stops_or_replies().is_ok();
        reading += usize::from(is_reading);
        lane.miss(missed);
        pruned += lane.prune();
        lane.declare_one();
        lane.miss(missed / 2);
        lane.asks = true;
        first.go_on();
        drop(first);
        lane.check_all(folder.path());
        if is_reading {
            late.go_on();
            // It answers of any moment from the order on, or not at all.
            late.hear().expect("it goes on").ok();
        }
        late.ask("arm -").ok();
        for known in lane.known.iter().filter(|known| known.fate == Fate::Lives).take(50) {
            let check = known.check(None, true);
            let reply = late.ask(&format!("verify {}", check.words));
            assert!(check.is_met_by(reply.ok()), "seed {seed}: {} to {check:?}", status_of(&reply));
        }
        late.leave();
    }
    let (changes, known) = (lane.changes, lane.known);
    let answers = crew.answers.load(std::sync::atomic::Ordering::Relaxed);
    drop(crew);
    check_file(&opening, &known, folder.path());
    assert!(pruned > 0 && reading > 0, "{pruned} pruned, {reading} stopped while they read");
    report(format_args!(
        "too far behind: {rounds} times 4 processes missed {missed} changes and more with a log of {EVENTS} events, {reading} \
         of them stopped while they read; {changes} changes, {pruned} pruned; {answers} answers, 0 stale; {:.1} s, seed \
         {seed}",
        start.elapsed().as_secs_f64()
    ));
}

/// Everybody is too far behind, always.
#[test]
fn a_log_of_one_event_is_enough() {
    let (seed, start, folder) = (Random::seed(), Instant::now(), folder());
    let opening = Opening { max_events: 1, ..Opening::of(folder.path().join("tokens.store")) };
    new_store(&opening);
    let crew = Crew::gather(seed, &opening, 2, 2);
    let mut lanes = [0, 1].map(|number| Lane::new(&crew, number));
    for turn in 0..full_or(600, 60) {
        lanes[turn % 2].turn();
    }
    lanes.iter().for_each(|lane| lane.check_all(folder.path()));
    let changes: usize = lanes.iter().map(|lane| lane.changes).sum();
    let known: Vec<Known> = lanes.into_iter().flat_map(|lane| lane.known).collect();
    drop(crew);
    check_file(&opening, &known, folder.path());
    report(format_args!(
        "a log of one event: {changes} changes, 0 stale; {:.1} s, seed {seed}",
        start.elapsed().as_secs_f64()
    ));
}
