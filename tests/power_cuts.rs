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

use std::collections::HashSet;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use support::cuts::{Cut, Depth, cuts};
use support::disk::{Disk, Fate, Image, Op};
use support::quiet::quietly;
use support::random::{Random, long};
use support::steps::Step;
use support::story::{KEYS, MAX_EVENTS, Opener, Story};
use support::world::World;

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
        };
        let wrong = check_life(&life, &depth, seed, &tally, usize::MAX);
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
    let depth = |is_last| Depth {
        tear_all: is_last && long(),
        tear_sectors: false,
        random: if long() { 6 } else { 1 },
    };
    for base in 0..bases {
        let moment = random.below(life.ops.len() + 1);
        let Some(worlds) = life.worlds(moment) else { continue };
        let (durable, unsynced) = life.at(moment);
        let after = if base % 2 == 0 {
            // The power comes back, the store is opened, and the power goes again.
            let all = cuts(&unsynced, depth(true), &mut random);
            let image = random.pick(&all).image(&durable, &unsynced);
            Life::of_recovery(image, Vec::new(), worlds)
        } else {
            // The process dies, the store is opened by another, and then the power goes: the page cache showed what
            // was never synced.
            Life::of_recovery(durable, unsynced, worlds)
        };
        let after = after.unwrap_or_else(|wrong| panic!("seed {seed}, base {base}: {wrong}"));
        let wrong = check_life(&after, &depth, seed, &tally, usize::MAX);
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
        let depth = |_| Depth { tear_all: false, tear_sectors: false, random: 1 };
        let wrong = check_life(&life, &depth, seed, &tally, 1);
        writeln!(std::io::stdout(), "without {what}: wrong after {tally}: {}", first_line(&wrong))
            .expect("a standard output");
        assert!(!wrong.is_empty(), "seed {seed}: a disk without {what} was not found out");
    }
}

fn first_line(lines: &[String]) -> &str {
    lines.first().and_then(|line| line.lines().next()).unwrap_or("nothing")
}

/// What happened on a disk, and what was promised when.
struct Life {
    /// What was on the platter before, and what was written but not synced.
    durable: Image,
    pending: Vec<Op>,
    ops: Vec<Op>,
    /// After how many operations what was acknowledged; one of these worlds.
    promises: Vec<Promise>,
}

struct Promise {
    at: usize,
    worlds: Vec<Arc<World>>,
    call: String,
}

impl Life {
    /// Opens a disk, makes a change, and records what that does to the disk.
    fn of_recovery(durable: Image, pending: Vec<Op>, worlds: Vec<Arc<World>>) -> Result<Life, String> {
        let mut image = durable.clone();
        pending.iter().for_each(|op| op.apply(&mut image));
        let disk = Disk::new(image);
        let mut promises = vec![Promise { at: 0, worlds: worlds.clone(), call: "the cut".into() }];
        let opener = Opener::new();
        let (store, world) = opener.open_as(&disk, &worlds)?;
        promises.push(Promise { at: disk.op_count(), worlds: vec![world.clone()], call: "open".into() });
        let (step, after) = opener.further_change(&store, &world)?;
        let call = format!("{step:?}");
        promises.push(Promise { at: disk.op_count(), worlds: vec![Arc::new(after)], call });
        let ops = disk.ops();
        Ok(Life { durable, pending, ops, promises })
    }

    /// The disk after so many operations: what is on the platter, and what was not synced.
    fn at(&self, moment: usize) -> (Image, Vec<Op>) {
        let (mut durable, mut unsynced) = (self.durable.clone(), self.pending.clone());
        for op in &self.ops[..moment] {
            match op {
                Op::Sync => unsynced.drain(..).for_each(|op| op.apply(&mut durable)),
                op => unsynced.push(op.clone()),
            }
        }
        (durable, unsynced)
    }

    /// How many promises were made by then, and whether something happened since the last.
    fn stage(&self, moment: usize) -> (usize, bool) {
        let made = self.promises.iter().filter(|promise| promise.at <= moment).count();
        (made, made > 0 && self.promises[made - 1].at < moment)
    }

    /// What a store may be after so many operations: what was acknowledged, or what was on its way. None if nothing
    /// was promised yet.
    fn worlds(&self, moment: usize) -> Option<Vec<Arc<World>>> {
        let (made, goes_on) = self.stage(moment);
        let mut worlds = self.promises[made.checked_sub(1)?].worlds.clone();
        if let Some(next) = self.promises.get(made).filter(|_| goes_on) {
            worlds.extend(next.worlds.iter().cloned());
        }
        Some(worlds)
    }

    fn call(&self, moment: usize) -> &str {
        let next = self.promises.iter().find(|promise| promise.at >= moment);
        next.map_or("the end", |promise| &promise.call)
    }
}

/// Tells a story of changes to a store on a disk that asks `meddle`, with the number of syncs before it in this call.
fn tell(seed: u64, turns: usize, meddle: impl Fn(usize, &Op) -> Fate + Send + 'static) -> Life {
    let syncs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&syncs);
    let disk = Disk::meddled(Image::default(), move |op| {
        let is_sync = usize::from(matches!(op, Op::Sync));
        meddle(counted.fetch_add(is_sync, Ordering::SeqCst), op)
    });
    let mut promises = Vec::new();
    let mut promise = |world: &World, call: String| {
        syncs.store(0, Ordering::SeqCst);
        promises.push(Promise { at: disk.op_count(), worlds: vec![Arc::new(world.clone())], call });
    };
    let mut story = Story::begin(seed, Arc::clone(&disk), None).expect("a new store");
    promise(&story.world, "create".into());
    story.open().expect("the new store opens");
    promise(&story.world, "open".into());

    let mut steps = story.first_steps(24);
    steps.push(Step::ChangeKey(KEYS[2]));
    let mut steps = steps.into_iter();
    for turn in 0..turns {
        story.pass_time();
        let step = steps.next().unwrap_or_else(|| match turn {
            _ if turn == turns / 2 => Step::ChangeKey(KEYS[if seed.is_multiple_of(2) { 0 } else { 3 }]),
            _ => story.next_step(),
        });
        story.go(&step);
        promise(&story.world, format!("{step:?}").chars().take(60).collect());
        story.check().unwrap_or_else(|wrong| panic!("seed {seed}, after {step:?}: {wrong}"));
        if turn % 12 == 11 {
            story.close().expect("a healthy disk");
            promise(&story.world, "close".into());
            story.pass_time();
            story.open().expect("a closed store opens");
            promise(&story.world, "open".into());
        }
    }
    story.close().expect("a healthy disk");
    promise(&story.world, "close".into());
    Life { durable: Image::default(), pending: Vec::new(), ops: disk.ops(), promises }
}

#[derive(Default)]
struct Tally {
    moments: AtomicUsize,
    images: AtomicUsize,
    refused: AtomicUsize,
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [moments, images, refused] =
            [&self.moments, &self.images, &self.refused].map(|count| count.load(Ordering::Relaxed));
        write!(f, "{images} images of {moments} moments")?;
        if refused > 0 { write!(f, " ({refused} before creation returned, refused)") } else { Ok(()) }
    }
}

/// Builds every image and opens it; returns what was wrong, at most about `limit`.
fn check_life(
    life: &Life,
    depth: &(dyn Fn(bool) -> Depth + Sync),
    seed: u64,
    tally: &Tally,
    limit: usize,
) -> Vec<String> {
    // From one sync to the next, so that no image is tried twice.
    let syncs = life.ops.iter().enumerate().filter(|(_, op)| matches!(op, Op::Sync));
    let mut starts: Vec<usize> = vec![0];
    starts.extend(syncs.map(|(place, _)| place + 1));
    let (next, stop, wrong) = (AtomicUsize::new(0), AtomicBool::new(false), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let place = next.fetch_add(1, Ordering::SeqCst);
            let Some(start) = starts.get(place).filter(|_| !stop.load(Ordering::SeqCst)) else { return };
            let end = starts.get(place + 1).map_or(life.ops.len(), |next| next - 1);
            let mut tried = HashSet::new();
            for moment in *start..=end {
                tally.moments.fetch_add(1, Ordering::Relaxed);
                let mut random = Random::new(seed ^ (moment as u64) << 32);
                let (durable, unsynced) = life.at(moment);
                for cut in cuts(&unsynced, depth(moment == end), &mut random) {
                    let image = cut.image(&durable, &unsynced);
                    if !tried.insert((image.differences(&durable), life.stage(moment))) {
                        continue;
                    }
                    tally.images.fetch_add(1, Ordering::Relaxed);
                    let worlds = life.worlds(moment);
                    if let Err(what) = check_image(&image, worlds.as_deref(), random.once_in(2), tally) {
                        let mut wrong = wrong.lock().expect("no panic under it");
                        wrong.push(describe(life, moment, &cut, &image, &what, limit));
                        stop.store(wrong.len() >= limit.min(5), Ordering::SeqCst);
                        if stop.load(Ordering::SeqCst) {
                            return;
                        }
                    }
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, |count| count.get().min(8)) {
            scope.spawn(work);
        }
    });
    wrong.into_inner().expect("no panic under it")
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

fn describe(life: &Life, moment: usize, cut: &Cut, image: &Image, what: &str, limit: usize) -> String {
    let (unsynced, call) = (life.at(moment).1, life.call(moment));
    // The values in a store are random: the image itself is what repeats this. A disk that lies needs no such proof.
    let kept = if limit == usize::MAX { format!("\n{}", support::keep(image)) } else { String::new() };
    format!("{what}\nat operation {moment}, in {call}\nof {unsynced:?}\nleft {cut:?}{kept}")
}
