//! A store on a disk in memory and what happens to it, and how others open that disk afterwards.

use std::sync::Arc;
use std::time::Duration;

use tokenstore::{Clock, ErrorKind, ManualClock, Options, Store};

use super::disk::Disk;
use super::random::Random;
use super::steps::{Failed, STEP_KINDS, Step, types};
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

/// An open store, and what it must hold.
pub(crate) struct Story {
    pub(crate) disk: Arc<Disk>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) world: World,
    pub(crate) random: Random,
    store: Option<Store>,
    /// Kinds of steps still to come up before any comes up again.
    kinds: Vec<usize>,
}

impl Story {
    /// Makes a store on an empty disk. It is not open yet.
    pub(crate) fn begin(seed: u64, disk: Arc<Disk>, key: Option<[u8; 32]>) -> tokenstore::Result<Story> {
        let clock = ManualClock::new(START);
        options(&clock, key.as_ref()).create_on(&disk.backend())?;
        let (world, random) = (World::new(key, MAX_EVENTS), Random::new(seed));
        Ok(Story { disk, clock, world, random, store: None, kinds: Vec::new() })
    }

    pub(crate) fn open(&mut self) -> tokenstore::Result<()> {
        self.store = Some(options(&self.clock, self.world.key.as_ref()).open_on(&self.disk.backend())?);
        Ok(())
    }

    pub(crate) fn store(&self) -> &Store {
        self.store.as_ref().expect("the story's store is open")
    }

    /// Declares the types, and makes some tokens.
    pub(crate) fn first_steps(&mut self, tokens: usize) -> Vec<Step> {
        let mut steps: Vec<Step> = types().map(Step::Declare).into();
        steps.push(Step::CreateMany(self.world.any_plans(tokens, &mut self.random)));
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
        Ok(())
    }

    /// Whether the open store is what it must be.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.world.check(self.store(), self.clock.now())
    }

    pub(crate) fn close(&mut self) -> tokenstore::Result<()> {
        let store = self.store.take().expect("the story's store is open");
        store.close()?;
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
    pub(crate) fn open_as(
        &self,
        disk: &Arc<Disk>,
        worlds: &[Arc<World>],
    ) -> Result<(Store, Arc<World>), String> {
        let mut keys: Vec<_> = worlds.iter().map(|world| world.key).collect();
        keys.sort();
        keys.dedup();
        for other in KEYS.iter().filter(|other| !keys.contains(other)) {
            match self.options(other.as_ref()).open_on(&disk.backend()) {
                Err(error) if error.kind() == ErrorKind::WrongKey => {}
                other => return Err(format!("open by a key that does not hold: {other:?}")),
            }
        }
        let mut opened = Err("no key fits".to_owned());
        for key in &keys {
            match self.options(key.as_ref()).open_on(&disk.backend()) {
                Ok(store) => {
                    opened = Ok((store, *key));
                    break;
                }
                Err(error) if error.kind() == ErrorKind::WrongKey && keys.len() > 1 => {}
                Err(error) => return Err(format!("open: {error:?}")),
            }
        }
        let (store, key) = opened?;
        let mut wrong = String::new();
        for world in worlds.iter().filter(|world| world.key == key) {
            match world.check(&store, self.clock.now()) {
                Ok(()) => {
                    let world = Arc::new(world.meet_strangers(&store));
                    return Ok((store, world));
                }
                Err(what) => wrong = what,
            }
        }
        Err(wrong)
    }

    /// Makes a change, much later, and says which.
    pub(crate) fn further_change(&self, store: &Store, world: &World) -> Result<(Step, World), String> {
        self.clock.advance(END);
        let now = self.clock.now();
        let done = world.sequence();
        let step = match types().get(done as usize) {
            Some(policy) => Step::Declare(policy.clone()),
            None => world.any_step(&mut Random::new(done), now),
        };
        let after = world.take(store, &step, now);
        let after = after.map_err(|failed| format!("a further change, {step:?}: {:?}", failed.error))?;
        Ok((step, after))
    }

    /// Whether a disk opens as one of these worlds, and goes on from there.
    pub(crate) fn check(&self, disk: &Arc<Disk>, worlds: &[Arc<World>], closes: bool) -> Result<(), String> {
        let (store, world) = self.open_as(disk, worlds)?;
        self.go_on(store, &world, disk, closes)
    }

    /// Whether a store takes a further change, and keeps it over a close or, if it is not closed, the end of the
    /// process.
    pub(crate) fn go_on(
        &self,
        store: Store,
        world: &World,
        disk: &Arc<Disk>,
        closes: bool,
    ) -> Result<(), String> {
        let (step, after) = self.further_change(&store, world)?;
        after.check(&store, self.clock.now()).map_err(|wrong| format!("after {step:?}: {wrong}"))?;
        let (disk, after) = if closes {
            store.close().map_err(|error| format!("close: {error:?}"))?;
            (Arc::clone(disk), after.after_close(self.clock.now()))
        } else {
            (Disk::new(disk.image()), after)
        };
        self.clock.set(START);
        let opened = self.open_as(&disk, &[Arc::new(after)]);
        opened.map(drop).map_err(|wrong| format!("opened again after {step:?}: {wrong}"))
    }
}
