//! Many processes read the file without a pause, so that there is always one that does: who writes, or opens, gets its
//! turn all the same.

use std::time::{Duration, Instant};

use super::crew::new_store;
use super::opening::Opening;
use super::orders::NONE;
use super::scene::SLACK;
use super::talk::Member;
use super::{folder, report};

/// How many read, and how many open while they do.
const READERS: usize = 32;
const OPENERS: usize = 3;
/// How long a change waits; they read for twice as long.
const BUSY: Duration = Duration::from_secs(2);

#[test]
fn readers_without_a_pause_keep_nobody_from_writing() {
    let (start, folder) = (Instant::now(), folder());
    let opening = Opening::of(folder.path().join("tokens.store")).busy(BUSY);
    new_store(&opening);
    let mut writer = Member::open(&opening);
    writer.ask(&format!("create server acme - {NONE} 0 {NONE}")).ok();
    let mut readers: Vec<Member> = (0..READERS).map(|_| Member::open(&opening)).collect();
    let millis = 2 * BUSY.as_millis();
    for reader in &mut readers {
        reader.tell(&format!("list-on acme {millis}")).expect("it listens");
    }
    writer.tell(&format!("create-on {millis} server other - {NONE} 0 {NONE}")).expect("it listens");
    let openers: Vec<Member> = (0..OPENERS).map(|_| Member::open(&opening)).collect();
    // How often, and the longest.
    let tally = |member: &mut Member| -> (usize, Duration) {
        let reply = member.hear().expect("it replies");
        let (count, longest) = reply.ok().split_once(' ').expect("two numbers");
        let longest = longest.parse().map(Duration::from_micros).expect("microseconds");
        (count.parse().expect("a number"), longest)
    };
    let (changes, longest) = tally(&mut writer);
    let read: Vec<(usize, Duration)> = readers.iter_mut().map(tally).collect();
    let reads: usize = read.iter().map(|(count, _)| count).sum();
    let longest_read = read.iter().map(|(_, longest)| *longest).max().expect("readers");
    for member in openers.into_iter().chain(readers).chain([writer]) {
        member.leave();
    }
    assert!(changes > 0 && longest < BUSY + SLACK, "{changes} changes, the longest took {longest:?}");
    assert!(longest_read < BUSY + SLACK, "a list took {longest_read:?}");
    report(format_args!(
        "readers: {READERS} processes made {reads} lists without a pause, the longest took {longest_read:.0?}; beside them \
         {changes} changes, the longest took {longest:.0?}, and {OPENERS} processes opened the store; {:.1} s",
        start.elapsed().as_secs_f64()
    ));
}
