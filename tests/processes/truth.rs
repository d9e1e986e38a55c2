//! One truth, in turns: a process makes a change, and every other is asked for it as soon as it has returned.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Instant;

use tokenstore::{EventKind, Store};

use super::crew::{Crew, check_dump, new_store};
use super::known::Known;
use super::lane::Lane;
use super::opening::Opening;
use super::orders;
use super::random::Random;
use super::scene::SLACK;
use super::{folder, full_or, report};

const WRITERS: usize = 2;
const VERIFIERS: usize = 4;

/// Two processes write and four verify; all of them, and whoever opens the store afterwards, say the same at the end.
#[test]
fn a_change_that_returned_in_one_process_is_seen_by_the_next_verify_of_every_other() {
    let (seed, start, folder) = (Random::seed(), Instant::now(), folder());
    let opening = Opening::of(folder.path().join("tokens.store"));
    new_store(&opening);
    let crew = Crew::gather(seed, &opening, WRITERS, VERIFIERS);
    let each = full_or(10_000, 400) / WRITERS;
    let mut lanes: Vec<Lane<'_>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..WRITERS)
            .map(|number| {
                let mut lane = Lane::new(&crew, number);
                scope.spawn(move || {
                    while lane.verified < each {
                        lane.turn();
                    }
                    lane
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no process was stale")).collect()
    });
    let changes: usize = lanes.iter().map(|lane| lane.changes).sum();
    let verified: usize = lanes.iter().map(|lane| lane.verified).sum();
    let seconds = start.elapsed().as_secs_f64();
    lanes.iter().for_each(|lane| lane.check_all(folder.path()));

    // Dead tokens go in one process, and are gone in all.
    let pruned: u64 = lanes.iter_mut().map(Lane::prune).sum();
    lanes.iter().for_each(|lane| lane.check_all(folder.path()));
    let known: Vec<Known> = lanes.into_iter().flat_map(|lane| lane.known).collect();

    let (answers, allowed) = (crew.answers.load(Ordering::Relaxed), crew.allowed.load(Ordering::Relaxed));
    let (stale, longest) = (crew.stale.load(Ordering::Relaxed), crew.longest_wait());
    drop(crew);
    let events = check_file(&opening, &known, folder.path());
    assert!(longest.0 < opening.busy + SLACK, "a call took {longest:?}");
    assert!(stale > 0, "no call that was not to wait came between a change and a verify");
    report(format_args!(
        "one truth: {changes} changes by {WRITERS} processes, each looked for in {VERIFIERS} others at once, {verified} of \
         them by a plain verify, others by a call that was not to wait ({stale} STALE) or one that shows tokens; {answers} \
         answers, {allowed} of them OK, 0 stale; {pruned} pruned; {} tokens and {events} events in the file; the longest \
         call took {:.0?} ({}); {seconds:.1} s, seed {seed}",
        known.len(),
        longest.0,
        longest.1,
    ));
}

/// Whoever opens the store with nobody else there must find these tokens in it, and an event for every change. Returns
/// how many events.
pub(crate) fn check_file(opening: &Opening, known: &[Known], folder: &Path) -> u64 {
    let (events, dump) = fresh_opening(opening, folder);
    check_dump(&dump, known, "a fresh opening");
    events
}

/// What whoever opens the store with nobody else there finds in it: how many events, and the tokens, a line each. Figures
/// and log must be whole.
pub(crate) fn fresh_opening(opening: &Opening, folder: &Path) -> (u64, String) {
    let opening = opening.clone().exclusive();
    let store = opening.options().open(&opening.path).expect("nobody else has the store open");
    let file = folder.join("dump of the file");
    let file_text = file.display().to_string();
    let answer = orders::carry_out(&store, &["dump", orders::NONE, &file_text]);
    let dump = std::fs::read_to_string(&file).expect("a dump");
    assert_eq!(answer, format!("ok {}", dump.lines().count()));
    let stats = store.stats().expect("figures");
    assert_eq!(stats.tokens, dump.lines().count() as u64, "the file's count of tokens");
    let kinds = check_events(&store);
    assert_eq!(kinds.values().sum::<u64>(), stats.sequence + 1 - stats.first_event);
    store.close().expect("a healthy disk");
    (stats.sequence, dump)
}

/// The log has no gap; how many there are of each kind.
fn check_events(store: &Store) -> BTreeMap<&'static str, u64> {
    let stats = store.stats().expect("figures");
    let mut expected = stats.first_event..=stats.sequence;
    let (mut kinds, mut after) = (BTreeMap::new(), 0);
    loop {
        let page = store.events(after, 1_000).expect("events");
        let Some(last) = page.last() else { break };
        after = last.sequence;
        for event in page {
            assert_eq!(Some(event.sequence), expected.next(), "a gap in the log");
            *kinds.entry(EventKind::name(event.kind)).or_insert(0) += 1;
        }
    }
    assert_eq!(expected.next(), None, "the log ends too early");
    kinds
}
