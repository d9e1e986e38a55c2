//! Stores to damage, damages, and what opening a damaged file comes to.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokenstore::ErrorKind;

use super::disk::{Disk, Image};
use super::past_us::HEADER;
use super::quiet::quietly;
use super::random::long;
use super::steps::Step;
use super::story::{KEYS, Opener, Story};
use super::world::{START, World};

/// The byte that says which of redb's two commits is the latest.
pub(crate) const GOD_BYTE: usize = HEADER + 9;

/// A store's file, what it must show, and what it was before.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) image: Image,
    pub(crate) world: Arc<World>,
    /// The file after each of the changes before, the oldest first.
    pub(crate) older: Vec<Image>,
}

/// A store that is closed, and one that is copied while it is open.
pub(crate) fn subjects(seed: u64, tokens: usize) -> [Subject; 2] {
    let tell = |key, name, closes: bool| {
        let mut story = Story::begin(seed, Disk::new(Image::default()), key).expect("a new store");
        story.open().expect("the new store opens");
        let mut older = Vec::new();
        let mut steps = story.first_steps(tokens);
        steps.extend((0..if long() { 40 } else { 20 }).map(|_| Step::Flush));
        for step in steps {
            older.push(story.disk.image());
            story.pass_time();
            let step = if let Step::Flush = step { story.next_step() } else { step };
            story.go(&step);
        }
        // The last word is a revocation.
        older.push(story.disk.image());
        let victim = story.world.live(story.clock.now())[0];
        story.go(&Step::Revoke(victim));
        story.check().unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"));
        if closes {
            older.push(story.disk.image());
            story.close().expect("a healthy disk");
        }
        Subject { name, image: story.disk.image(), world: Arc::new(story.world), older }
    };
    [tell(None, "closed", true), tell(KEYS[1], "killed", false)]
}

/// What opening a file came to.
#[derive(PartialEq, Debug)]
pub(crate) enum Outcome {
    Refused(ErrorKind),
    Latest,
    Wrong(String),
}

/// Opens a file as whoever finds it does.
pub(crate) fn judge(image: &Image, world: &Arc<World>, goes_on: bool) -> Outcome {
    let opener = Opener::new();
    let open = |disk: &Arc<Disk>| opener.options(world.key.as_ref()).open_on(&disk.backend());
    let disk = Disk::new(image.clone());
    let judged = quietly(|| {
        let store = match open(&disk) {
            Ok(store) => store,
            Err(refusal) => return Ok(Some(refusal)),
        };
        world.check(&store, START)?;
        // It may be as it was before the close, which changes no more than the mark.
        let world = World::clone(world).vague(true);
        if goes_on { opener.go_on(store, &world, &disk, true).map(|()| None) } else { Ok(None) }
    });
    let refusal = match judged.and_then(|judged| judged) {
        Ok(None) => return Outcome::Latest,
        Ok(Some(refusal)) => refusal,
        Err(what) => return Outcome::Wrong(what),
    };
    match refusal.kind() {
        ErrorKind::Corrupt | ErrorKind::RolledBack | ErrorKind::Unsupported | ErrorKind::WrongKey => {}
        _ => return Outcome::Wrong(format!("refused, but with {refusal:?}")),
    }
    // What the attempt wrote must not turn the refusal into a store.
    let again = Disk::new(disk.image());
    let judged = quietly(|| open(&again).map_or(Ok(()), |store| world.check(&store, START)));
    match judged.and_then(|judged| judged) {
        Ok(()) => Outcome::Refused(refusal.kind()),
        Err(what) => Outcome::Wrong(format!("refused with {refusal:?}, and the second time {what}")),
    }
}

/// Outcomes by class of damage.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) classes: Mutex<BTreeMap<String, BTreeMap<String, usize>>>,
    slowest: Mutex<Duration>,
}

/// One damage: its class, what exactly, and the damaged file.
pub(crate) type Damage<'a> = (&'a str, String, Box<dyn Fn(&Image) -> Image + Sync + 'a>);

impl Tally {
    /// Does each damage to the subject, and fails the test for the first that is neither refused nor the latest state.
    pub(crate) fn sweep(&self, seed: u64, subject: &Subject, damages: &[Damage<'_>]) {
        let next = AtomicUsize::new(0);
        let wrong = Mutex::new(Vec::new());
        let work = || {
            while let Some((place, (class, what, damage))) = {
                let place = next.fetch_add(1, Ordering::SeqCst);
                damages.get(place).map(|damage| (place, damage))
            } {
                let image = damage(&subject.image);
                let start = Instant::now();
                let outcome = judge(&image, &subject.world, place % 16 == 0);
                let took = start.elapsed();
                let mut slowest = self.slowest.lock().expect("no panic under it");
                *slowest = took.max(*slowest);
                drop(slowest);
                self.count(&format!("{}, {class}", subject.name), &outcome);
                if let Outcome::Wrong(wrong_how) = outcome {
                    let mut wrong = wrong.lock().expect("no panic under it");
                    if wrong.len() < 5 {
                        wrong.push(format!("{class}, {what}: {wrong_how}\n{}", super::keep(&image)));
                    }
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..std::thread::available_parallelism().map_or(2, |count| count.get().min(8)) {
                scope.spawn(work);
            }
        });
        let wrong = wrong.into_inner().expect("no panic under it");
        assert!(wrong.is_empty(), "seed {seed}, {}: {}", subject.name, wrong.join("\n"));
    }

    fn count(&self, class: &str, outcome: &Outcome) {
        let outcome = match outcome {
            Outcome::Refused(kind) => format!("{kind:?}"),
            Outcome::Latest => "the latest state".into(),
            Outcome::Wrong(_) => "WRONG".into(),
        };
        let mut classes = self.classes.lock().expect("no panic under it");
        *classes.entry(class.to_owned()).or_default().entry(outcome).or_default() += 1;
    }

    pub(crate) fn report(&self, what: &str, seed: u64, start: Instant) {
        let mut text = String::new();
        let mut all = 0;
        for (class, outcomes) in &*self.classes.lock().expect("no panic under it") {
            let of: usize = outcomes.values().sum();
            all += of;
            let outcomes: Vec<String> =
                outcomes.iter().map(|(outcome, count)| format!("{count} {outcome}")).collect();
            let _infallible = writeln!(text, "  {class}: {of}: {}", outcomes.join(", "));
        }
        let slowest = *self.slowest.lock().expect("no panic under it");
        let seconds = start.elapsed().as_secs_f64();
        writeln!(
            std::io::stdout(),
            "{what}: {all} files, {seconds:.1} s, the slowest {slowest:.0?}, seed {seed}\n{text}"
        )
        .expect("a standard output");
    }
}

pub(crate) fn each<'a>(class: &'a str, what: String, damage: impl Fn(&mut Image) + Sync + 'a) -> Damage<'a> {
    let damaged = move |image: &Image| {
        let mut image = image.clone();
        damage(&mut image);
        image
    };
    (class, what, Box::new(damaged))
}
