//! What happened on a disk, and every image that a power cut at any moment of it may leave.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::cuts::{Cut, Depth, cuts};
use super::disk::{Image, Op};
use super::random::Random;
use super::steps::Step;
use super::story::{KEYS, Opener, Place, Story};
use super::world::World;

/// What happened on a disk, and what was promised when.
pub(crate) struct Life {
    /// What was on the platter before, and what was written but not synced.
    pub(crate) durable: Image,
    pub(crate) pending: Vec<Op>,
    pub(crate) ops: Vec<Op>,
    pub(crate) promises: Vec<Promise>,
}

/// What a call that returned acknowledged.
#[derive(Clone)]
pub(crate) struct Promise {
    /// After how many operations.
    at: usize,
    /// It is one of these worlds.
    worlds: Vec<Arc<World>>,
    /// What may be there while the call is under way, beside what was before it and these.
    on_the_way: Vec<Arc<World>>,
    call: String,
}

impl Promise {
    pub(crate) fn new(at: usize, worlds: Vec<Arc<World>>, call: impl Into<String>) -> Promise {
        Promise { at, worlds, on_the_way: Vec::new(), call: call.into() }
    }

    pub(crate) fn by_way_of(mut self, on_the_way: Vec<World>) -> Promise {
        self.on_the_way = on_the_way.into_iter().map(Arc::new).collect();
        self
    }
}

/// Tells a story of changes, beginning with the open, these steps, and another key; what was acknowledged when. `heard` is
/// called after each call.
pub(crate) fn tell<P: Place>(
    story: &mut Story<P>,
    mut steps: Vec<Step>,
    turns: usize,
    heard: &dyn Fn(),
) -> Vec<Promise> {
    let mut promises = Vec::new();
    let mut say = |story: &Story<P>, call: &str, between: Vec<World>| {
        heard();
        let (at, world) = (story.disk.ops().len(), Arc::new(story.world.clone()));
        promises.push(Promise::new(at, vec![world], call).by_way_of(between));
    };
    story.open().expect("the new store opens");
    say(story, "open", Vec::new());
    steps.push(Step::ChangeKey(KEYS[2]));
    let mut steps = steps.into_iter();
    for turn in 0..turns {
        story.pass_time();
        let step = steps.next().unwrap_or_else(|| match turn {
            _ if turn == turns / 2 => Step::ChangeKey(KEYS[[0, 3][story.random.below(2)]]),
            _ => story.next_step(),
        });
        let between = story.world.between(&step, story.clock.now());
        story.go(&step);
        let call: String = format!("{step:?}").chars().take(60).collect();
        say(story, &call, between);
        story.check().unwrap_or_else(|wrong| panic!("after {step:?}: {wrong}"));
        // One opening leaves, the other goes on, and another comes.
        if story.openings > 1 && turn % 12 == 4 {
            story.close_one().expect("a healthy disk");
            say(story, "close of one", Vec::new());
        } else if story.openings > 1 && turn % 12 == 6 {
            story.open().expect("an open store opens");
            say(story, "open of one", Vec::new());
        }
        if turn % 12 == 11 {
            story.close().expect("a healthy disk");
            say(story, "close", Vec::new());
            story.pass_time();
            story.open().expect("a closed store opens");
            say(story, "open", Vec::new());
        }
    }
    story.close().expect("a healthy disk");
    say(story, "close", Vec::new());
    promises
}

impl Life {
    /// Opens a disk, makes a change, and records what that does to the disk, which is in `place`.
    pub(crate) fn of_recovery<P: Place>(
        durable: Image,
        pending: Vec<Op>,
        worlds: Vec<Arc<World>>,
        place: impl FnOnce(&Image) -> P,
    ) -> Result<Life, String> {
        let mut image = durable.clone();
        pending.iter().for_each(|op| op.apply(&mut image));
        let disk = place(&image);
        let op_count = || disk.ops().len();
        let mut promises = vec![Promise::new(0, worlds.clone(), "the cut")];
        let opener = Opener::new();
        let (store, world) = opener.open_as(&disk, &worlds)?;
        promises.push(Promise::new(op_count(), vec![world.clone()], "open"));
        let (step, between, after) = opener.further_change(&store, &world)?;
        let last = Promise::new(op_count(), vec![Arc::new(after)], format!("{step:?}"));
        promises.push(last.by_way_of(between));
        let ops = disk.ops();
        Ok(Life { durable, pending, ops, promises })
    }

    /// The same on a disk that skips syncs, chosen by how many came before in the same call.
    pub(crate) fn without_syncs(&self, is_skipped: impl Fn(usize) -> bool) -> Life {
        let Life { durable, pending, ops: all, promises: all_promises } = self;
        let (mut ops, mut promises, mut done) = (Vec::new(), Vec::new(), 0);
        for promise in all_promises {
            let mut syncs = 0;
            for op in &all[done..promise.at] {
                let is_sync = matches!(op, Op::Sync);
                if !(is_sync && is_skipped(syncs)) {
                    ops.push(op.clone());
                }
                syncs += usize::from(is_sync);
            }
            done = promise.at;
            promises.push(Promise { at: ops.len(), ..promise.clone() });
        }
        Life { durable: durable.clone(), pending: pending.clone(), ops, promises }
    }

    /// The disk after so many operations: what is on the platter, and what was not synced.
    pub(crate) fn at(&self, moment: usize) -> (Image, Vec<Op>) {
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
    pub(crate) fn worlds(&self, moment: usize) -> Option<Vec<Arc<World>>> {
        let (made, goes_on) = self.stage(moment);
        let mut worlds = self.promises[made.checked_sub(1)?].worlds.clone();
        if let Some(next) = self.promises.get(made).filter(|_| goes_on) {
            worlds.extend(next.on_the_way.iter().chain(&next.worlds).cloned());
        }
        Some(worlds)
    }

    fn call(&self, moment: usize) -> &str {
        let next = self.promises.iter().find(|promise| promise.at >= moment);
        next.map_or("the end", |promise| &promise.call)
    }
}

/// How much was tried.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) moments: AtomicUsize,
    pub(crate) images: AtomicUsize,
    pub(crate) refused: AtomicUsize,
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [moments, images, refused] =
            [&self.moments, &self.images, &self.refused].map(|count| count.load(Ordering::Relaxed));
        write!(f, "{images} images of {moments} moments")?;
        if refused > 0 { write!(f, " ({refused} before creation returned, refused)") } else { Ok(()) }
    }
}

/// Whether an image is one of these worlds, or if nothing was promised yet, whatever it may be then. Whether the store is
/// closed in the end is chosen for it.
pub(crate) type Check<'a> = dyn Fn(&Image, Option<&[Arc<World>]>, bool) -> Result<(), String> + Sync + 'a;

/// Builds every image and has it checked; returns what was wrong, at most about `limit`.
pub(crate) fn check_life(
    life: &Life,
    depth: &(dyn Fn(bool) -> Depth + Sync),
    seed: u64,
    tally: &Tally,
    limit: usize,
    check: &Check<'_>,
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
                    if let Err(what) = check(&image, worlds.as_deref(), random.once_in(2)) {
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

fn describe(life: &Life, moment: usize, cut: &Cut, image: &Image, what: &str, limit: usize) -> String {
    let (unsynced, call) = (life.at(moment).1, life.call(moment));
    // The values in a store are random: the image itself is what repeats this. A disk that lies needs no such proof.
    let kept = if limit == usize::MAX { format!("\n{}", super::keep(image)) } else { String::new() };
    format!("{what}\nat operation {moment}, in {call}\nof {unsynced:?}\nleft {cut:?}{kept}")
}
