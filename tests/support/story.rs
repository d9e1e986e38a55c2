//! A store on a disk in memory and what happens to it, and how others open that disk afterwards.

use std::sync::Arc;
use std::time::Duration;

use tokenstore::{Clock, ErrorKind, ManualClock, Options, Store};

use super::choices::STEP_KINDS;
use super::disk::{Disk, Op};
use super::random::Random;
use super::steps::{Failed, Step, types};
use super::world::{START, World};

/// The keys that stories use: of them, only the one that holds may open a file.
pub(crate) const KEYS: [Option<[u8; 32]>; 4] = [None, Some([3; 32]), Some([7; 32]), Some([9; 32])];

/// No story lasts longer.
const END: Duration = Duration::from_secs(12 * 3_600);
/// Few, so that old ones go while the story is told.
pub(crate) const MAX_EVENTS: u64 = 60;

fn options(clock: &Arc<ManualClock>, key: Option<&[u8; 32]>) -> Options {
    let options = Options::new()
        .clock(Clock::Manual(Arc::clone(clock)))
        .max_events(MAX_EVENTS)
        .cache_bytes(1 << 20)
        .use_resolution(Duration::from_secs(1));
    match key {
        Some(key) => options.key(key),
        None => options,
    }
}

/// Where a store is.
pub(crate) trait Place: Sized {
    fn open(&self, options: &Options) -> tokenstore::Result<Store>;

    /// What is left of it when the process that has it open ends here.
    fn left(&self) -> Self;

    /// What was done to it.
    fn ops(&self) -> Vec<Op>;
}

impl Place for Arc<Disk> {
    fn open(&self, options: &Options) -> tokenstore::Result<Store> {
        options.open_on(&self.backend())
    }

    fn left(&self) -> Arc<Disk> {
        Disk::new(self.image())
    }

    fn ops(&self) -> Vec<Op> {
        Disk::ops(self)
    }
}

/// Tells the seed of a story that went wrong.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the story's seed is {}", self.0);
        }
    }
}

/// A store that is open, once or several times, and what it must hold.
pub(crate) struct Story<P: Place = Arc<Disk>> {
    pub(crate) disk: P,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) world: World,
    pub(crate) random: Random,
    /// How often it is opened. The openings take their steps in turns.
    pub(crate) openings: usize,
    stores: Vec<Store>,
    steps_taken: usize,
    _seed: Seed,
    /// Kinds of steps still to come up before any comes up again.
    kinds: Vec<usize>,
}

impl Story {
    /// Makes a store on an empty disk. It is not open yet.
    pub(crate) fn begin(seed: u64, disk: Arc<Disk>, key: Option<[u8; 32]>) -> tokenstore::Result<Story> {
        Opener::new().options(key.as_ref()).create_on(&disk.backend())?;
        Ok(Story::of_new(seed, disk, key, 1))
    }
}

impl<P: Place> Story<P> {
    /// The story of a store that was just made. It is not open yet.
    pub(crate) fn of_new(seed: u64, disk: P, key: Option<[u8; 32]>, openings: usize) -> Story<P> {
        let (world, random) = (World::new(key, MAX_EVENTS), Random::new(seed));
        let (clock, stores, kinds) = (ManualClock::new(START), Vec::new(), Vec::new());
        Story { disk, clock, world, random, openings, stores, steps_taken: 0, _seed: Seed(seed), kinds }
    }

    pub(crate) fn open(&mut self) -> tokenstore::Result<()> {
        while self.stores.len() < self.openings {
            self.stores.push(self.disk.open(&options(&self.clock, self.world.key.as_ref()))?);
        }
        Ok(())
    }

    /// Closes one of several openings. The next open brings another in its place.
    pub(crate) fn close_one(&mut self) -> tokenstore::Result<()> {
        self.stores.remove(0).close()?;
        self.world = self.world.after_close(self.clock.now());
        Ok(())
    }

    /// The opening whose turn it is.
    pub(crate) fn store(&self) -> &Store {
        &self.stores[self.steps_taken % self.stores.len()]
    }

    /// Declares the types, and makes some tokens and a family.
    pub(crate) fn first_steps(&mut self, tokens: usize) -> Vec<Step> {
        let mut steps: Vec<Step> = types().map(Step::Declare).into();
        let now = self.clock.now();
        steps.push(Step::CreateMany(self.world.any_plans(tokens, &mut self.random, now)));
        steps.push(self.world.issue_step(&mut self.random, now));
        steps
    }

    /// A step of a kind that did not come up for longest.
    pub(crate) fn next_step(&mut self) -> Step {
        let now = self.clock.now();
        if self.kinds.is_empty() {
            self.kinds.extend(0..STEP_KINDS);
        }
        let kind = self.kinds.swap_remove(self.random.below(self.kinds.len()));
        let step = self.world.step_of(kind, &mut self.random, now);
        step.unwrap_or_else(|| self.world.any_step(&mut self.random, now))
    }

    /// Lets some minutes pass.
    pub(crate) fn pass_time(&mut self) {
        self.clock.advance(Duration::from_millis(self.random.below(400_000) as u64));
        assert!(self.clock.now() < START + END);
    }

    /// Takes a step on a healthy disk.
    pub(crate) fn go(&mut self, step: &Step) {
        if let Err(failed) = self.take(step) {
            panic!("on a healthy disk, {step:?}: {:?}", failed.error);
        }
    }

    /// Takes a step. If it fails, the story's world is as it was.
    pub(crate) fn take(&mut self, step: &Step) -> Result<(), Failed> {
        self.world = self.world.take(self.store(), step, self.clock.now())?;
        self.steps_taken += 1;
        Ok(())
    }

    /// Whether the open store is what it must be, in every opening.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.stores.iter().try_for_each(|store| self.world.check(store, self.clock.now()))
    }

    pub(crate) fn close(&mut self) -> tokenstore::Result<()> {
        for store in std::mem::take(&mut self.stores) {
            store.close()?;
        }
        self.world = self.world.after_close(self.clock.now());
        Ok(())
    }
}

/// Opens disks by a clock of its own. It shows the beginning of the story, so that only the mark in the file tells
/// what has expired since.
pub(crate) struct Opener {
    clock: Arc<ManualClock>,
}

impl Opener {
    pub(crate) fn new() -> Opener {
        Opener { clock: ManualClock::new(START) }
    }

    pub(crate) fn options(&self, key: Option<&[u8; 32]>) -> Options {
        options(&self.clock, key)
    }

    /// Opens the store and finds which of these worlds it is.
    pub(crate) fn open_as<P: Place>(
        &self,
        disk: &P,
        worlds: &[Arc<World>],
    ) -> Result<(Store, Arc<World>), String> {
        let mut keys: Vec<_> = worlds.iter().map(|world| world.key).collect();
        keys.sort();
        keys.dedup();
        for other in KEYS.iter().filter(|other| !keys.contains(other)) {
            match disk.open(&self.options(other.as_ref())) {
                Err(error) if error.kind() == ErrorKind::WrongKey => {}
                other => return Err(format!("open by a key that does not hold: {other:?}")),
            }
        }
        let mut opened = Err("no key fits".to_owned());
        for key in &keys {
            match disk.open(&self.options(key.as_ref())) {
                Ok(store) => {
                    opened = Ok((store, *key));
                    break;
                }
                Err(error) if error.kind() == ErrorKind::WrongKey && keys.len() > 1 => {}
                Err(error) => return Err(format!("open: {error:?}")),
            }
        }
        let (store, key) = opened?;
        let (mut found, mut wrong) = (None, String::new());
        for world in worlds.iter().filter(|world| world.key == key) {
            match (world.check(&store, self.clock.now()), &mut found) {
                (Ok(()), None) => found = Some(World::clone(world)),
                (Ok(()), Some(found)) => *found = found.clone().vague(true),
                (Err(what), _) => wrong = what,
            }
        }
        let world = found.ok_or(wrong)?;
        let world = Arc::new(world.meet_strangers(&store));
        Ok((store, world))
    }

    /// Makes a change, much later, and says which, what may be seen of it meanwhile, and what is true then.
    pub(crate) fn further_change(
        &self,
        store: &Store,
        world: &World,
    ) -> Result<(Step, Vec<World>, World), String> {
        self.clock.advance(END);
        let now = self.clock.now();
        let done = world.sequence();
        let step = match types().get(done as usize) {
            Some(policy) => Step::Declare(policy.clone()),
            None => world.any_step(&mut Random::new(done), now),
        };
        let after = world.take(store, &step, now);
        let after = after.map_err(|failed| format!("a further change, {step:?}: {:?}", failed.error))?;
        let between = world.between(&step, now);
        Ok((step, between, after))
    }

    /// Whether a disk opens as one of these worlds, and goes on from there.
    pub(crate) fn check<P: Place>(
        &self,
        disk: &P,
        worlds: &[Arc<World>],
        closes: bool,
    ) -> Result<(), String> {
        let (store, world) = self.open_as(disk, worlds)?;
        self.go_on(store, &world, disk, closes)
    }

    /// Whether a store says once more what it said last, takes a further change, and keeps it over a close or, if it is
    /// not closed, the end of the process.
    pub(crate) fn go_on<P: Place>(
        &self,
        store: Store,
        world: &World,
        disk: &P,
        closes: bool,
    ) -> Result<(), String> {
        let mut world = world.clone();
        for probe in world.probes() {
            let again = world.take(&store, &probe, self.clock.now());
            world = again.map_err(|failed| format!("{probe:?} again: {:?}", failed.error))?;
        }
        let (step, _, after) = self.further_change(&store, &world)?;
        after.check(&store, self.clock.now()).map_err(|wrong| format!("after {step:?}: {wrong}"))?;
        let (left, after) = if closes {
            store.close().map_err(|error| format!("close: {error:?}"))?;
            (None, after.after_close(self.clock.now()))
        } else {
            (Some(disk.left()), after)
        };
        self.clock.set(START);
        let opened = self.open_as(left.as_ref().unwrap_or(disk), &[Arc::new(after)]);
        opened.map(drop).map_err(|wrong| format!("opened again after {step:?}: {wrong}"))
    }
}
