//! Verifying, two threads.

use std::sync::Barrier;
use std::time::Duration;

use tokenstore_benches::{Report, Settings, Target, Values, median, progress};

use crate::floor::{self, Floor};
use crate::ours::Ours;
use crate::peer::time_hits;

/// More than elsewhere: whatever else runs on the machine disturbs two threads on two cores more than one.
const ROUNDS: usize = 3;

pub(crate) fn measure(settings: &Settings, ours: &Ours, floor: &Floor, values: &Values, report: &mut Report) {
    progress("verifying with two threads");
    let (mut ratios, mut gains) = (Vec::new(), Vec::new());
    let (mut hash_gains, mut floor_gains) = (Vec::new(), Vec::new());
    ours.time_batches(values.all(), &ours.query());
    for round in 0..settings.rounds * ROUNDS {
        let windows = [0, 1, 2].map(|turn| values.window(settings.places(round + turn)));
        let gain = gain_of_two(|turn| time_hits(windows[turn], ours.verifier(ours.query())));
        let hash_gain = gain_of_two(|turn| floor::time_hash(windows[turn]));
        ratios.push(gain / hash_gain);
        gains.push(gain);
        hash_gains.push(hash_gain);
        floor_gains.push(gain_of_two(|turn| floor.time(windows[turn])));
    }
    report.aim(
        "two_threads_gain",
        median(ratios),
        Target::AtLeast(0.95),
        "two threads' rate over one's, over the same of the hash alone, which shares nothing",
    );
    report.add("two_threads_vs_one", median(gains), "two threads' rate over one's");
    report.add("two_threads_vs_one_hash", median(hash_gains), "the same of the hash alone");
    report.add(
        "two_threads_vs_one_floor",
        median(floor_gains),
        "the same of the floor, whose reads share a table",
    );
}

/// The rate of two threads over the rate of one. Each of the three does as much, the one first.
fn gain_of_two(work: impl Fn(usize) -> Duration + Sync) -> f64 {
    let alone = work(0);
    let start = Barrier::new(2);
    let together = |turn| {
        start.wait();
        work(turn)
    };
    let times = std::thread::scope(|scope| {
        let other = scope.spawn(|| together(1));
        [together(2), other.join().expect("the other thread verifies")]
    });
    times.iter().map(|time| alone.as_secs_f64() / time.as_secs_f64()).sum()
}
