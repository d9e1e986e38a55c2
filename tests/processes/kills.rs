//! Processes are killed at random, in the middle of changes, of catching up and of opening, while the others go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::crew::{Crew, Seat, new_store};
use super::known::Known;
use super::lane::Lane;
use super::opening::Opening;
use super::random::Random;
use super::scene::SLACK;
use super::truth::check_file;
use super::{folder, full_or, report};

const WRITERS: usize = 2;
const VERIFIERS: usize = 4;
/// How long a change may wait for the place to write.
const BUSY: Duration = Duration::from_secs(3);

#[test]
fn killed_processes_lose_nothing_and_keep_nobody_waiting() {
    let (seed, start, folder) = (Random::seed(), Instant::now(), folder());
    let opening = Opening::of(folder.path().join("tokens.store")).busy(BUSY);
    new_store(&opening);
    let crew = Crew::gather(seed, &opening, WRITERS, VERIFIERS);
    let enough = full_or(150, 16);
    let kills = Kills::default();
    let lanes: Vec<Lane<'_>> = std::thread::scope(|scope| {
        let killer = scope.spawn(|| kill(&crew, &kills, enough));
        let threads: Vec<_> = (0..WRITERS)
            .map(|number| {
                let (kills, folder, mut lane) = (&kills, folder.path(), Lane::new(&crew, number));
                scope.spawn(move || {
                    // If this panics, the killer is told.
                    let _done = Done(&kills.done);
                    let mut checked = 0;
                    while !kills.done.load(Ordering::SeqCst) {
                        let was_killed = lane.killed_turn(folder);
                        kills.at_changes.fetch_add(usize::from(was_killed), Ordering::SeqCst);
                        // After each kill, whoever it was.
                        let count = kills.of_all();
                        if count > checked {
                            checked = count;
                            lane.check_all(folder);
                        }
                    }
                    lane
                })
            })
            .collect();
        killer.join().expect("the killer goes on");
        threads.into_iter().map(|thread| thread.join().expect("nothing was lost")).collect()
    });
    lanes.iter().for_each(|lane| lane.check_all(folder.path()));
    let changes: usize = lanes.iter().map(|lane| lane.changes).sum();
    let known: Vec<Known> = lanes.into_iter().flat_map(|lane| lane.known).collect();
    let (answers, longest) = (crew.answers.load(Ordering::Relaxed), crew.longest_wait());
    drop(crew);
    let events = check_file(&opening, &known, folder.path());
    assert!(longest.0 < BUSY + SLACK, "a call took {longest:?}");
    let [writers, verifiers, openings] =
        [&kills.writers, &kills.verifiers, &kills.openings].map(|count| count.load(Ordering::SeqCst));
    report(format_args!(
        "kills: {} processes killed at random ({writers} that write, {} of them in a change; {verifiers} that verify; \
         {openings} of all while they opened) beside {changes} changes; {answers} answers, 0 stale, 0 lost; {} tokens and \
         {events} events in the file; the longest call took {:.0?} ({}), the bound is {BUSY:?}; {:.1} s, seed {seed}",
        writers + verifiers,
        kills.at_changes.load(Ordering::SeqCst),
        known.len(),
        longest.0,
        longest.1,
        start.elapsed().as_secs_f64()
    ));
}

#[derive(Default)]
struct Kills {
    done: AtomicBool,
    writers: AtomicUsize,
    verifiers: AtomicUsize,
    openings: AtomicUsize,
    at_changes: AtomicUsize,
}

impl Kills {
    fn of_all(&self) -> usize {
        self.writers.load(Ordering::SeqCst) + self.verifiers.load(Ordering::SeqCst)
    }
}

/// Sets a flag at the end, in a panic, too.
pub(crate) struct Done<'a>(pub(crate) &'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Kills one process after the other, more often those that write.
fn kill(crew: &Crew, kills: &Kills, enough: usize) {
    let _done = Done(&kills.done);
    let mut random = Random::new(crew.seed ^ 0x6b69_6c6c);
    while kills.of_all() < enough && !kills.done.load(Ordering::SeqCst) {
        let writes = random.once_in(2);
        let (seats, count) = match writes {
            true => (&crew.writers, &kills.writers),
            false => (&crew.verifiers, &kills.verifiers),
        };
        let seat: &Seat = random.pick(seats);
        // Long enough for changes in between, or, at times, too short to have opened.
        let wait = if random.once_in(4) { random.below(15_000) } else { 40_000 + random.below(120_000) };
        std::thread::sleep(Duration::from_micros(wait as u64));
        let process = Arc::clone(&seat.process.lock().expect("no test failed"));
        let mut process = process.lock().expect("no test failed");
        // It may have been killed already, and not be missed yet.
        if process.try_wait().is_ok_and(|ended| ended.is_none()) {
            process.kill().expect("a child can be killed");
            process.wait().expect("a child can be waited for");
            kills.openings.fetch_add(usize::from(!seat.is_open.load(Ordering::SeqCst)), Ordering::SeqCst);
            count.fetch_add(1, Ordering::SeqCst);
        }
    }
}
