//! A change that was acknowledged survives a power cut, whenever it comes.
//!
//! Stores of tokens have come back from a power cut with a revoked token alive, because a revocation was answered
//! before it was on the disk, because two writes reached the disk in another order than they were made in, or because
//! the recovery after the cut was itself cut short. No test on a healthy disk can see that: a file system shows what
//! was written whether or not it is on the platter.
//!
//! So a story of changes is told to a store on a disk that records every write, every change of length and every sync.
//! Then, for every moment of the record, the disk is built as a power cut at that moment may leave it: what was synced
//! is there; of what was not, nothing, everything, all but one piece, one piece alone, pieces torn at sectors, or any
//! choice. Every such disk must open as exactly what was acknowledged by then, or that and the one change that was
//! under way, whole; it must take a further change, and keep it. The same is done again with the writes that opening
//! such a disk makes, and with those of opening after a crash of the process alone.
//!
//! And since a test of this kind is worth what it catches, disks that skip syncs are told the same story, and must be
//! found out.
//!
//! `TOKENSTORE_LONG=1` tells longer stories and cuts them in more ways; `TOKENSTORE_SEED` repeats one.

mod support;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use support::cuts::{Depth, cuts};
use support::disk::{Disk, Fate, Image, Op};
use support::life::{self, Life, Promise, Tally, check_life};
use support::quiet::quietly;
use support::random::{Random, long};
use support::story::{MAX_EVENTS, Opener, Story};
use support::world::World;
use tokenstore::EventKind;

#[test]
fn what_was_acknowledged_survives_a_power_cut_at_any_moment() {
    let seed = Random::seed();
    let start = Instant::now();
    let (stories, turns) = if long() { (4, 60) } else { (1, 34) };
    let tally = Tally::default();
    for story in 0..stories {
        let life = tell(seed.wrapping_add(story), turns, |_, _| Fate::Do);
        let depth = |is_last| Depth {
            tear_all: is_last || long(),
            tear_sectors: long(),
            random: if long() { 24 } else { 2 },
            one_in: 1,
        };
        let wrong = check_life(&life, &depth, seed, &tally, usize::MAX, &checked(&tally));
        assert!(wrong.is_empty(), "seed {seed}: {}", wrong.join("\n"));
    }
    writeln!(
        std::io::stdout(),
        "power cuts: {tally}, 0 wrong, {:.1} s, seed {seed}",
        start.elapsed().as_secs_f64()
    )
    .expect("a standard output");
    assert!(tally.images.load(Ordering::Relaxed) >= 5_000);
}

#[test]
fn a_recovery_can_be_cut_short_again_and_a_crash_be_followed_by_a_power_cut() {
    let seed = Random::seed();
    let mut random = Random::new(seed);
    let start = Instant::now();
    let (bases, turns) = if long() { (400, 60) } else { (24, 26) };
    let life = tell(seed, turns, |_, _| Fate::Do);
    let tally = Tally::default();
    let on_disk = |image: &Image| Disk::new(image.clone());
    let depth = |is_last| Depth {
        tear_all: is_last && long(),
        tear_sectors: false,
        random: if long() { 6 } else { 1 },
        one_in: 1,
    };
    for base in 0..bases {
        let moment = random.below(life.ops.len() + 1);
        let Some(worlds) = life.worlds(moment) else { continue };
        let (durable, unsynced) = life.at(moment);
        let after = if base % 2 == 0 {
            // The power comes back, the store is opened, and the power goes again.
            let all = cuts(&unsynced, depth(true), &mut random);
            let image = random.pick(&all).image(&durable, &unsynced);
            Life::of_recovery(image, Vec::new(), worlds, on_disk)
        } else {
            // The process dies, the store is opened by another, and then the power goes: the page cache showed what
            // was never synced.
            Life::of_recovery(durable, unsynced, worlds, on_disk)
        };
        let after = after.unwrap_or_else(|wrong| panic!("seed {seed}, base {base}: {wrong}"));
        let wrong = check_life(&after, &depth, seed, &tally, usize::MAX, &checked(&tally));
        assert!(wrong.is_empty(), "seed {seed}, base {base} at {moment}: {}", wrong.join("\n"));
    }
    writeln!(
        std::io::stdout(),
        "cuts of {bases} recoveries: {tally}, 0 wrong, {:.1} s, seed {seed}",
        start.elapsed().as_secs_f64()
    )
    .expect("a standard output");
    assert!(tally.images.load(Ordering::Relaxed) >= 500);
}

/// What does not come up in stories is not cut either. And without any cut, after each step, the store must be what the
/// model says, open and opened again.
#[test]
fn every_kind_of_change_comes_up_and_stays() {
    let (seed, start) = (Random::seed(), Instant::now());
    let (stories, turns) = if long() { (400, 90) } else { (16, 70) };
    let (mut kinds, mut steps_taken) = (BTreeMap::new(), 0);
    for story in 0..stories {
        let seed = seed.wrapping_add(story);
        let mut story = Story::begin(seed, Disk::new(Image::default()), None).expect("a new store");
        story.open().expect("the new store opens");
        let mut steps = story.first_steps(24).into_iter();
        for turn in 0..turns {
            story.pass_time();
            let step = steps.next().unwrap_or_else(|| story.next_step());
            story.go(&step);
            story.check().unwrap_or_else(|wrong| panic!("seed {seed}, after {step:?}: {wrong}"));
            if turn % 8 == 7 {
                let left = Disk::new(story.disk.image());
                let checked = Opener::new().check(&left, &[Arc::new(story.world.clone())], turn % 16 == 7);
                checked.unwrap_or_else(|wrong| panic!("seed {seed}, opened after {step:?}: {wrong}"));
            }
            steps_taken += 1;
        }
        story.world.event_kinds().for_each(|kind| *kinds.entry(kind.name()).or_insert(0) += 1);
    }
    writeln!(
        std::io::stdout(),
        "{steps_taken} steps of {stories} stories, 0 wrong, {:.1} s, seed {seed}: {kinds:?}",
        start.elapsed().as_secs_f64()
    )
    .expect("a standard output");
    for kind in EventKind::ALL {
        assert!(kinds.contains_key(kind.name()), "seed {seed}: {} did not come up", kind.name());
    }
}

/// Without either of a commit's two syncs, some cut loses what was acknowledged: if the check did not see that, it
/// would not see it of a store that forgets one.
#[test]
fn a_disk_that_skips_a_sync_is_found_out() {
    let seed = Random::seed();
    type Skip = fn(usize) -> bool;
    let skips: [(&str, Skip); 3] = [
        ("the first sync of every call", |syncs| syncs == 0),
        ("the second sync of every call", |syncs| syncs == 1),
        ("every sync", |_| true),
    ];
    for (what, skip) in skips {
        let meddle = move |syncs, op: &Op| match op {
            Op::Sync if skip(syncs) => Fate::Skip,
            _ => Fate::Do,
        };
        let life = tell(seed, 14, meddle);
        let tally = Tally::default();
        let depth = |_| Depth { tear_all: false, tear_sectors: false, random: 1, one_in: 1 };
        let wrong = check_life(&life, &depth, seed, &tally, 1, &checked(&tally));
        writeln!(std::io::stdout(), "without {what}: wrong after {tally}: {}", first_line(&wrong))
            .expect("a standard output");
        assert!(!wrong.is_empty(), "seed {seed}: a disk without {what} was not found out");
    }
}

fn first_line(lines: &[String]) -> &str {
    lines.first().and_then(|line| line.lines().next()).unwrap_or("nothing")
}

/// Tells a story of changes to a store on a disk that asks `meddle`, with the number of syncs before it in this call.
fn tell(seed: u64, turns: usize, meddle: impl Fn(usize, &Op) -> Fate + Send + 'static) -> Life {
    let syncs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&syncs);
    let disk = Disk::meddled(Image::default(), move |op| {
        let is_sync = usize::from(matches!(op, Op::Sync));
        meddle(counted.fetch_add(is_sync, Ordering::SeqCst), op)
    });
    let mut story = Story::begin(seed, Arc::clone(&disk), None).expect("a new store");
    syncs.store(0, Ordering::SeqCst);
    let mut promises = vec![Promise::new(disk.op_count(), vec![Arc::new(story.world.clone())], "create")];
    let steps = story.first_steps(24);
    promises.extend(life::tell(&mut story, steps, turns, &|| syncs.store(0, Ordering::SeqCst)));
    Life { durable: Image::default(), pending: Vec::new(), ops: disk.ops(), promises }
}

/// How images are checked, and counted.
fn checked(tally: &Tally) -> impl Fn(&Image, Option<&[Arc<World>]>, bool) -> Result<(), String> {
    |image, worlds, closes| check_image(image, worlds, closes, tally)
}

fn check_image(
    image: &Image,
    worlds: Option<&[Arc<World>]>,
    closes: bool,
    tally: &Tally,
) -> Result<(), String> {
    let opener = Opener::new();
    match worlds {
        Some(worlds) => quietly(|| opener.check(&Disk::new(image.clone()), worlds, closes))?,
        // Nobody was told that the store is made. It may be refused; if it opens, it must be whole.
        None => {
            let opened = quietly(|| opener.options(None).open_on(&Disk::new(image.clone()).backend()))?;
            if opened.is_err() {
                tally.refused.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            }
            drop(opened);
            let new = [Arc::new(World::new(None, MAX_EVENTS))];
            quietly(|| opener.check(&Disk::new(image.clone()), &new, closes))?
        }
    }
}
