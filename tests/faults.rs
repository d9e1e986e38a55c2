//! A disk that fails, a process that is killed, a process that is forked: what was acknowledged stays, and what was
//! being revoked is not let in again.
//!
//! A failed sync does not mean that nothing was written, and the next one says that all is well, because the kernel has
//! given up on the pages. Databases that tried again lost data by it for twenty years; handlers that ignored the error
//! told users that a token was revoked, while it went on working. Forked children have closed databases that were not
//! theirs, and let a second writer in.
//!
//! So every operation on the disk is made to fail, in turn, once or from then on, with nothing, half or all of it
//! written. The caller must hear of it; tokens that the failed change did not touch must be answered as before, and
//! the one that it touched by what its old and its new state both allow; later changes must be refused; and the file
//! must open as exactly what was acknowledged, or that and the one change that failed, whether what was not synced is
//! lost or not. Child processes make changes and are killed in the middle of it; others are forked off and do to the
//! parent's store what they should not.
//!
//! `TOKENSTORE_LONG=1` goes on for longer; `TOKENSTORE_SEED` repeats the choices of a run.

mod support;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use support::child;
use support::choices::STEP_KINDS;
use support::disk::{Disk, Fate, Image, Op};
use support::killed::{self, Told};
use support::look::SAID;
use support::quiet::quietly;
use support::random::{Random, long};
use support::steps::{Failed, Step};
use support::story::{KEYS, Opener, Story};
use support::world::{START, World};
use tokenstore::{
    Clock, Edit, ErrorKind, Expiry, Filter, Grants, Id, ManualClock, NewToken, Options, Query, Status, Store,
    Token, TypePolicy, Value,
};

/// How an operation on the disk fails.
#[derive(Clone, Copy, Debug)]
struct Fault {
    error: i32,
    /// All that follow fail, too.
    lasts: bool,
    /// How much of a write is done all the same, in quarters.
    quarters: usize,
}

const FAULTS: [Fault; 5] = [
    Fault { error: libc::EIO, lasts: false, quarters: 0 },
    Fault { error: libc::EIO, lasts: false, quarters: 4 },
    Fault { error: libc::EIO, lasts: true, quarters: 2 },
    Fault { error: libc::ENOSPC, lasts: false, quarters: 1 },
    Fault { error: libc::ENOSPC, lasts: true, quarters: 0 },
];

/// The call in which a story stopped.
#[derive(Debug)]
enum Stopped {
    Create,
    Open,
    Step(Step),
    Close,
}

#[test]
fn no_failing_operation_loses_what_was_acknowledged_or_lets_in_what_was_ended() {
    let (seed, start) = (Random::seed(), Instant::now());
    let stories = if long() { 40 } else { 1 };
    let tally = Mutex::new(BTreeMap::new());
    let (runs, images) = (AtomicUsize::new(0), AtomicUsize::new(0));
    for story in 0..stories {
        let seed = seed.wrapping_add(story);
        let next = AtomicUsize::new(0);
        let work = || {
            loop {
                let place = next.fetch_add(1, Ordering::SeqCst);
                let (n, fault) = (place / FAULTS.len(), FAULTS[place % FAULTS.len()]);
                let ran = quietly(|| fail_at(seed, n, fault)).and_then(|ran| ran);
                match ran {
                    Ok(None) => return,
                    Ok(Some((heard, opened))) => {
                        runs.fetch_add(1, Ordering::Relaxed);
                        images.fetch_add(opened, Ordering::Relaxed);
                        let mut tally = tally.lock().expect("no panic under it");
                        *tally.entry(heard).or_insert(0) += 1;
                    }
                    Err(wrong) => panic!("seed {seed}, {fault:?} at operation {n}: {wrong}"),
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..std::thread::available_parallelism().map_or(2, |count| count.get().min(8)) {
                scope.spawn(work);
            }
        });
    }
    let (runs, images) = (runs.into_inner(), images.into_inner());
    let seconds = start.elapsed().as_secs_f64();
    writeln!(
        std::io::stdout(),
        "faults: {runs} runs, {images} images opened, 0 wrong, {seconds:.1} s, seed {seed}"
    )
    .expect("a standard output");
    writeln!(std::io::stdout(), "  {:?}", tally.into_inner().expect("no panic under it"))
        .expect("a standard output");
    assert!(runs > 500);
}

/// Tells a story to a disk whose operation number `n` fails. Returns what the caller heard, and in how many images
/// the outcome was looked for; None if the story has no such operation.
fn fail_at(seed: u64, n: usize, fault: Fault) -> Result<Option<(String, usize)>, String> {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let disk = Disk::meddled(Image::default(), move |op| {
        let place = counted.fetch_add(1, Ordering::SeqCst);
        if place == n || place > n && fault.lasts {
            let len = if let Op::Write { data, .. } = op { data.len() } else { 0 };
            Fate::Fail(fault.error, len * fault.quarters / 4)
        } else {
            Fate::Do
        }
    });
    let mut story = match Story::begin(seed, Arc::clone(&disk), None) {
        Ok(story) => story,
        Err(error) => {
            heard(&Stopped::Create, &error, fault)?;
            let world = World::new(None, support::story::MAX_EVENTS);
            let opened = open_what_is_left(&disk, &[world], true)?;
            return Ok(Some((format!("Create {:?}", error.kind()), opened)));
        }
    };
    let Err(stop) = tell(&mut story) else {
        // An operation that nothing hangs on may fail unheard, as long as nothing was to be acknowledged after it.
        return if count.load(Ordering::SeqCst) <= n {
            Ok(None)
        } else {
            open_what_is_left(&disk, &[story.world], false).map(|opened| Some(("nothing".into(), opened)))
        };
    };
    let Stop { stopped, failed: Failed { error, next, between } } = *stop;
    heard(&stopped, &error, fault).map_err(|wrong| format!("{stopped:?}: {wrong}"))?;
    let mut worlds = match &stopped {
        Stopped::Step(step) => after_a_failure(&mut story, step, &next)
            .map_err(|wrong| format!("after {step:?} failed with {error:?}: {wrong}"))?,
        _ => vec![story.world, *next],
    };
    worlds.extend(between);
    let opened = open_what_is_left(&disk, &worlds, false);
    let opened = opened.map_err(|wrong| format!("{stopped:?} failed with {error:?}, reopened: {wrong}"))?;
    let call = match stopped {
        Stopped::Step(Step::ChangeKey(_)) => "ChangeKey",
        Stopped::Step(Step::Flush) => "Flush",
        Stopped::Step(_) => "change",
        Stopped::Create => "Create",
        Stopped::Open => "Open",
        Stopped::Close => "Close",
    };
    Ok(Some((format!("{call} {:?}", error.kind()), opened)))
}

/// Where a story stopped, and what its caller heard.
struct Stop {
    stopped: Stopped,
    failed: Failed,
}

/// Every kind of call, or in the short form half of them, until one fails.
fn tell(story: &mut Story) -> Result<(), Box<Stop>> {
    let open = |story: &mut Story| {
        story.open().map_err(|error| {
            let failed = Failed { error, next: Box::new(story.world.clone()), between: Vec::new() };
            Box::new(Stop { stopped: Stopped::Open, failed })
        })
    };
    let close = |story: &mut Story| {
        let next = Box::new(story.world.after_close(story.clock.now()));
        let stop = |error| {
            Box::new(Stop { stopped: Stopped::Close, failed: Failed { error, next, between: Vec::new() } })
        };
        story.close().map_err(stop)
    };
    let take = |story: &mut Story, step| {
        let taken = story.take(&step);
        taken.map_err(|failed| Box::new(Stop { stopped: Stopped::Step(step), failed }))
    };
    open(story)?;
    for step in story.first_steps(8) {
        take(story, step)?;
    }
    for _ in 0..if long() { STEP_KINDS } else { STEP_KINDS / 2 } {
        story.pass_time();
        let step = story.next_step();
        take(story, step)?;
    }
    take(story, Step::ChangeKey(KEYS[1]))?;
    close(story)?;
    open(story)?;
    for _ in 0..3 {
        let step = story.next_step();
        take(story, step)?;
    }
    close(story)
}

/// What the caller is told must say that the disk failed.
fn heard(stopped: &Stopped, error: &tokenstore::Error, fault: Fault) -> Result<(), String> {
    let right = match (stopped, error.kind()) {
        (_, ErrorKind::Io) => error.os_error() == Some(fault.error),
        (Stopped::Step(_), ErrorKind::CommitUnknown) => true,
        _ => false,
    };
    if right { Ok(()) } else { Err(format!("heard {error:?}, {:?}", error.os_error())) }
}

/// What the open store must be like after a change of it failed. Returns what the file may hold then.
fn after_a_failure(story: &mut Story, step: &Step, next: &World) -> Result<Vec<World>, String> {
    let now = story.clock.now();
    let as_both_allow = |story: &Story| {
        story.world.check_both(next, story.store(), now)?;
        if let Step::Register(_, value) = step {
            let verdict = story.store().verify(value, &tokenstore::Query::any_type());
            let status = verdict.map(|verdict| verdict.status());
            if status.as_ref().ok() != Some(&tokenstore::Status::Unknown) {
                return Err(format!("a token that may not be there is shown: {status:?}"));
            }
        }
        Ok(())
    };
    as_both_allow(story)?;
    let mut worlds = vec![story.world.clone(), next.clone()];
    if let Step::ChangeKey(key) = step {
        // No token is touched by it. If changes go on, what they acknowledge counts.
        let victim = story.world.live(now)[0];
        match story.take(&Step::Revoke(victim)) {
            Ok(()) => worlds = vec![story.world.clone(), story.world.clone().under(*key)],
            Err(Failed { next: revoked, .. }) => {
                worlds.extend([World::clone(&revoked), revoked.under(*key)]);
            }
        }
    } else {
        let late = story.store().declare(&TypePolicy::new("late", "late"));
        let flushed = story.store().flush();
        for kind in [late.map(drop), flushed].map(|result| result.map_err(|error| error.kind())) {
            if kind != Err(ErrorKind::Poisoned) {
                return Err(format!("a later change was answered with {kind:?}"));
            }
        }
        as_both_allow(story)?;
        story.world.check_ended(story.store())?;
        // Whatever they answer, they answer.
        let _either = story.store().list(&tokenstore::Filter::new());
        let _either = story.store().stats();
        as_both_allow(story)?;
    }
    let _either = story.close();
    Ok(worlds)
}

/// Opens what the next process may find: all that was written, or only what was synced.
fn open_what_is_left(disk: &Disk, worlds: &[World], may_be_refused: bool) -> Result<usize, String> {
    let worlds: Vec<Arc<World>> = worlds.iter().cloned().map(Arc::new).collect();
    let mut durable = Image::default();
    let mut unsynced: Vec<Op> = Vec::new();
    for op in disk.ops() {
        match op {
            Op::Sync => unsynced.drain(..).for_each(|op| op.apply(&mut durable)),
            // The kernel gave up on these pages; they may still be seen until the machine is started anew.
            Op::FailedSync => unsynced.clear(),
            op => unsynced.push(op),
        }
    }
    let seen = disk.image();
    let mut count = 0;
    for (what, image) in [("all that was written", seen), ("what was synced", durable)] {
        let opener = Opener::new();
        let disk = Disk::new(image.clone());
        if may_be_refused && opener.options(None).open_on(&disk.backend()).is_err() {
            continue;
        }
        let checked = Opener::new().check(&Disk::new(image.clone()), &worlds, true);
        checked.map_err(|wrong| format!("{what}: {wrong}\n{}", support::keep(&image)))?;
        count += 1;
    }
    Ok(count)
}

/// A new store whose disk fails the sync or note that is so many ahead, when it is told to.
fn store_to_fail(options: &Options) -> (Store, Arc<AtomicUsize>) {
    let ahead = Arc::new(AtomicUsize::new(usize::MAX));
    let left = Arc::clone(&ahead);
    let disk = Disk::meddled(Image::default(), move |op| {
        let is_sync_or_note = matches!(op, Op::Sync | Op::Write { offset: ..4096, .. });
        if !is_sync_or_note || left.load(Ordering::SeqCst) == usize::MAX {
            return Fate::Do;
        }
        if left.fetch_sub(1, Ordering::SeqCst) > 0 {
            return Fate::Do;
        }
        left.store(usize::MAX, Ordering::SeqCst);
        Fate::Fail(libc::EIO, 0)
    });
    options.create_on(&disk.backend()).unwrap();
    let store = options.open_on(&disk.backend()).unwrap();
    (store, ahead)
}

/// A commit has a first sync, a second and a note: whichever fails, the caller is told that nobody knows what is in the
/// file, and verifies go by what both the old and the new state allow.
#[test]
fn between_two_states_only_what_both_allow_is_answered() {
    let soon = Duration::from_secs(60);
    let late = Duration::from_secs(3_600);
    let all = ["a", "b", "c"];
    type Change = fn(&Store, Id) -> tokenstore::Result<tokenstore::Change>;
    // What is done to a token that is granted a and b for an hour; what it reaches then, and whether it does after
    // two minutes.
    let cases: [(&str, Change, &[&str], bool); 15] = [
        (
            "other grants",
            |store, id| store.edit(id, &Edit::new().grants(Grants::projects(["b", "c"]))),
            &["b"],
            true,
        ),
        ("all grants", |store, id| store.grant_all(id), &["a", "b"], true),
        ("no grants", |store, id| store.revoke_grants(id), &[], true),
        ("a grant", |store, id| store.grant(id, "c"), &["a", "b"], true),
        ("one grant less", |store, id| store.ungrant(id, "a"), &["b"], true),
        (
            "an earlier expiry",
            |store, id| store.edit(id, &Edit::new().expires(Expiry::In(Duration::from_secs(60)))),
            &["a", "b"],
            false,
        ),
        (
            "a later expiry",
            |store, id| store.edit(id, &Edit::new().expires(Expiry::Never)),
            &["a", "b"],
            true,
        ),
        ("a name", |store, id| store.edit(id, &Edit::new().name("name")), &["a", "b"], true),
        ("another app_word", |store, id| store.edit(id, &Edit::new().app_word(8)), &[], false),
        ("disable", |store, id| store.disable(id), &[], false),
        (
            "another value, with a grace",
            |store, id| store.rotate(id, Duration::from_secs(600)).and_then(|_| store.grant(id, "b")),
            &["a", "b"],
            true,
        ),
        (
            "another value, at once",
            |store, id| store.rotate(id, Duration::ZERO).and_then(|_| store.grant(id, "b")),
            &[],
            false,
        ),
        ("revoke", |store, id| store.revoke(id), &[], false),
        ("delete", |store, id| store.delete(id), &[], false),
        (
            "a project removed everywhere",
            |store, id| store.remove_project("b", "", "").and_then(|_| store.grant(id, "b")),
            &["a"],
            true,
        ),
    ];
    for (what, change, reaches, lasts) in cases {
        for (place, step) in ["the first sync", "the second sync", "the note"].into_iter().enumerate() {
            let clock = ManualClock::new(START);
            let (store, ahead) = store_to_fail(&Options::new().clock(Clock::Manual(Arc::clone(&clock))));
            let server = store.declare(&TypePolicy::new("server", "srv")).unwrap();
            let new =
                NewToken::new(server, "acme").grants(Grants::projects(["a", "b"])).expires(Expiry::In(late));
            let token = store.create(&new).unwrap();
            let bystander = store.create(&new.clone().grants(Grants::projects(["a"]))).unwrap();
            let value = token.value.as_bytes();
            let reached = |value: &[u8]| -> Vec<&str> {
                let allows = |project: &&str| {
                    store.verify(value, &Query::of_type(server).project(project)).unwrap().allowed()
                };
                all.into_iter().filter(allows).collect()
            };
            ahead.store(place, Ordering::SeqCst);
            let context = format!("{what}, {step}");
            assert_eq!(change(&store, token.id).unwrap_err().kind(), ErrorKind::CommitUnknown, "{context}");
            assert_eq!(reached(value), reaches, "{context}");
            assert_eq!(reached(bystander.value.as_bytes()), ["a"], "{context}");
            assert_eq!(store.revoke(bystander.id).unwrap_err().kind(), ErrorKind::Poisoned, "{context}");
            clock.advance(2 * soon);
            assert_eq!(!reached(value).is_empty(), lasts && !reaches.is_empty(), "{context}");
        }
    }
}

/// A rotation that may not be there ends the values that it may have ended, and nothing that hangs on the token.
#[test]
fn a_rotation_that_fails_leaves_what_hangs_on_the_token_alone() {
    for place in 0..3 {
        let (store, ahead) = store_to_fail(&Options::new());
        let server = store.declare(&TypePolicy::new("server", "srv")).unwrap();
        let hour = Duration::from_secs(3_600);
        let parent = store.create(&NewToken::new(server, "acme")).unwrap();
        let child = store.create(&NewToken::new(server, "acme").parent(parent.id)).unwrap();
        let second = store.rotate(parent.id, hour).unwrap();
        ahead.store(place, Ordering::SeqCst);
        assert_eq!(store.rotate(parent.id, hour).unwrap_err().kind(), ErrorKind::CommitUnknown);
        let status =
            |value: &Value| store.verify(value.as_bytes(), &Query::of_type(server)).unwrap().status();
        assert_eq!(status(&parent.value), Status::Superseded, "{place}");
        assert_eq!(status(&second.value), Status::Ok, "{place}");
        assert_eq!(status(&child.value), Status::Ok, "{place}");
    }
}

/// A token whose creation failed is not shown; nor is a type.
#[test]
fn what_may_not_be_there_is_not_shown() {
    for place in 0..3 {
        let (store, ahead) = store_to_fail(&Options::new());
        let external = store.declare(&TypePolicy::new("external", "ext").accepts_external(true)).unwrap();
        ahead.store(place, Ordering::SeqCst);
        let value = b"a value that was made elsewhere";
        let made = store.create_from_value(&NewToken::new(external, "acme"), value);
        assert_eq!(made.unwrap_err().kind(), ErrorKind::CommitUnknown);
        let verdict = store.verify(value, &Query::any_type()).unwrap();
        assert_eq!(verdict.status(), Status::Unknown);
    }
    let (store, ahead) = store_to_fail(&Options::new());
    ahead.store(1, Ordering::SeqCst);
    let declared = store.declare(&TypePolicy::new("server", "srv"));
    assert_eq!(declared.unwrap_err().kind(), ErrorKind::CommitUnknown);
    assert_eq!(store.find_type("server"), None);
}

/// What lies beneath may fail in a way that nobody thought of. That ends the store, not the process, and loses nothing.
#[test]
fn a_panic_beneath_is_an_error_and_loses_nothing() {
    let seed = Random::seed();
    let mut answers = BTreeMap::new();
    for n in 0.. {
        let count = Arc::new(AtomicUsize::new(0));
        let (counted, panicked) = (Arc::clone(&count), Arc::new(AtomicBool::new(false)));
        let panics = Arc::clone(&panicked);
        let disk = Disk::meddled(Image::default(), move |op| {
            // redb writes its pages under a lock that it wants again while it unwinds: what panics there ends the
            // process, whatever is above.
            let may_panic = matches!(op, Op::Sync | Op::SetLen(_) | Op::Write { offset: ..4096, .. });
            if may_panic && counted.fetch_add(1, Ordering::SeqCst) == n {
                panics.store(true, Ordering::SeqCst);
                panic!("a test's panic");
            }
            Fate::Do
        });
        let ran = quietly(|| {
            let mut story = Story::begin(seed, Arc::clone(&disk), None).map_err(|error| {
                assert_eq!(error.kind(), ErrorKind::Corrupt);
                "create"
            })?;
            let Err(stop) = tell(&mut story) else { return Ok(()) };
            let Stop { stopped, failed: Failed { error, next, between } } = *stop;
            let (what, kind) = match &stopped {
                Stopped::Create | Stopped::Open => ("open", ErrorKind::Corrupt),
                Stopped::Step(_) => ("a change", ErrorKind::Panic),
                Stopped::Close => ("close", ErrorKind::Panic),
            };
            assert_eq!(error.kind(), kind, "{stopped:?}: {error}");
            let mut worlds = vec![story.world.clone(), World::clone(&next)];
            if let Stopped::Step(step) = &stopped {
                worlds = after_a_failure(&mut story, step, &next).unwrap_or_else(|wrong| panic!("{wrong}"));
            }
            worlds.extend(between);
            open_what_is_left(&disk, &worlds, false).unwrap_or_else(|wrong| panic!("{stopped:?}: {wrong}"));
            Err(what)
        });
        let stopped = ran.unwrap_or_else(|wrong| panic!("seed {seed}, operation {n}: {wrong}"));
        if !panicked.load(Ordering::SeqCst) {
            break;
        }
        *answers.entry(stopped.err()).or_insert(0) += 1;
    }
    writeln!(std::io::stdout(), "panics beneath: {answers:?}, seed {seed}").expect("a standard output");
}

/// A read that fails is no reason to show fewer tokens, and one that gives another bit than was written is found out
/// while the file is opened.
#[test]
fn no_failing_or_lying_read_is_believed() {
    let (seed, start) = (Random::seed(), Instant::now());
    let mut story = Story::begin(seed, Disk::new(Image::default()), None).expect("a new store");
    story.open().expect("the new store opens");
    for step in story.first_steps(40) {
        story.go(&step);
    }
    let (image, world) = (story.disk.image(), Arc::new(story.world.clone()));
    let misread = |n: usize, lie: Option<u64>| {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let disk = Disk::misread(image.clone(), move |out| {
            if counted.fetch_add(1, Ordering::SeqCst) == n {
                let Some(seed) = lie else { return Err(std::io::Error::from_raw_os_error(libc::EIO)) };
                let mut random = Random::new(seed);
                out[random.below(out.len())] ^= 1 << random.below(8);
            }
            Ok(())
        });
        (disk, count)
    };
    let opener = Opener::new();
    let (disk, count) = misread(usize::MAX, None);
    let store = opener.options(None).open_on(&disk.backend()).expect("a healthy disk");
    let while_opening = count.load(Ordering::SeqCst);
    world.check(&store, START).expect("a healthy disk");
    let reads = count.load(Ordering::SeqCst);
    drop(store);

    let mut outcomes = BTreeMap::new();
    for n in 0..reads {
        let lies = if long() { 1_000 } else { 16 };
        for lie in [None].into_iter().chain((0..lies).map(|lie| Some(seed ^ (n as u64) << 32 ^ lie))) {
            let context = format!("seed {seed}, read {n} of {while_opening} and {reads}, lie {lie:?}");
            let (disk, _) = misread(n, lie);
            let opened = quietly(|| match opener.options(None).open_on(&disk.backend()) {
                Ok(store) => match world.check(&store, START) {
                    Err(said) if said.starts_with(SAID) => Ok("an error later".into()),
                    // The open has looked at every page, and then the disk gave another page than it had: a list
                    // that follows it may skip tokens. SECURITY.md says so. Verifies do not read the disk.
                    Err(said) if lie.is_some() && said.starts_with("the next token of the list") => {
                        Ok("a list that skips".into())
                    }
                    other => other.map(|()| "the latest state".to_owned()),
                },
                Err(error) => Ok(format!("{:?}", error.kind())),
            });
            let outcome =
                opened.and_then(|opened| opened).unwrap_or_else(|wrong| panic!("{context}: {wrong}"));
            if lie.is_none() {
                assert_eq!(outcome, if n < while_opening { "Io" } else { "an error later" }, "{context}");
            }
            // Whatever opening wrote, the next one finds the latest state. After a lie, which may have been written
            // down since, an error will do.
            let again = quietly(|| {
                let (opener, disk) = (Opener::new(), Disk::new(disk.image()));
                match (lie, opener.open_as(&disk, std::slice::from_ref(&world))) {
                    (None, Ok((store, world))) => opener.go_on(store, &world, &disk, true),
                    (Some(_), Err(said)) if said.starts_with("open: ") || said.starts_with(SAID) => Ok(()),
                    (_, opened) => opened.map(drop),
                }
            });
            again.and_then(|again| again).unwrap_or_else(|wrong| panic!("{context}, the next time: {wrong}"));
            let how = if lie.is_none() { "failing" } else { "lying" };
            *outcomes.entry((how, outcome)).or_insert(0) += 1;
        }
    }
    writeln!(
        std::io::stdout(),
        "reads: {reads}, {:.1} s, seed {seed}: {outcomes:?}",
        start.elapsed().as_secs_f64()
    )
    .expect("a standard output");
}

/// What other processes do, for the tests below.
#[test]
fn child() {
    let Some(task) = child::task() else { return };
    let (what, path) = task.split_once(' ').expect("a task and a path");
    match what {
        "open" => {
            let opened = Options::new().open(path);
            child::say(&opened.map_or_else(|error| format!("{:?}", error.kind()), |_| "Ok".into()));
        }
        "fork" => fork_and_wait(path),
        _ => killed::make_changes(path, what.parse().expect("a seed")),
    }
}

/// Opens a store, forks off a child that lives until it is told to go, and waits to be killed.
fn fork_and_wait(path: &str) {
    let _store = Options::new().open(path).expect("a store to open");
    let told = Path::new(path).with_extension("go");
    let _forked = child::fork(|_| {
        while !told.exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        child::say("the child was still there");
    });
    child::say("forked");
    std::thread::sleep(Duration::from_secs(60));
}

/// A process that dies says nothing and cleans nothing up. What it was answered stays, of what it was not, each change
/// is whole or not at all.
#[test]
fn a_killed_process_leaves_all_that_was_acknowledged() {
    let (seed, start) = (Random::seed(), Instant::now());
    let mut random = Random::new(seed);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let rounds = if long() { 5_000 } else { 60 };
    let (mut acknowledged, mut under_way, mut kept) = (0, 0, 0);
    let mut told: BTreeMap<Id, Told> = BTreeMap::new();
    let (mut path, mut was_open) = (folder.path().join("none"), false);
    for round in 0..rounds {
        if round % 6 == 0 {
            (path, was_open) = (folder.path().join(format!("store {round}")), false);
            told.clear();
        }
        let task = format!("{} {}", random.next() >> 16, path.display());
        let mut process = child::Listened::start(child::command("child", &task));
        // Most are killed in the middle of changes, some while they make or open the store.
        if !random.once_in(4) {
            process.wait_for(" did ");
        }
        std::thread::sleep(Duration::from_millis(random.below(60) as u64));
        process.kill();
        let lines = process.lines();
        let mut heard = killed::hear(&lines, &mut told);
        was_open |= heard.opened;
        acknowledged += heard.acknowledged;
        under_way += heard.pending.len();

        if !path.exists() {
            assert!(!was_open, "seed {seed}, round {round}: the store is gone");
            continue;
        }
        let store = Options::new().open(&path);
        let store = store.unwrap_or_else(|error| panic!("seed {seed}, round {round}: {error:?}"));
        let mut tokens: BTreeMap<Id, Token> = BTreeMap::new();
        let mut filter = Filter::new().with_dead();
        loop {
            let page = store.list(&filter).unwrap();
            tokens.extend(page.tokens.into_iter().map(|token| (token.id, token)));
            let Some(next) = page.next else { break };
            filter = filter.after(next);
        }
        for (id, before) in &mut told {
            let token = tokens.remove(id);
            let is = |told: &Told| token.as_ref().map_or(told.deleted, |token| told.is(token));
            let on_its_way = heard.pending.values().find(|change| change.id == id.to_string());
            let after = on_its_way.map(|change| before.after(&change.what, &change.project));
            if let Some(after) = after.filter(|after| after != before && is(after)) {
                *before = after;
                kept += 1;
            }
            assert!(
                is(before),
                "seed {seed}, round {round}: {token:?} was {before:?}, and then {on_its_way:?}"
            );
            let Some(value) = &before.value else { continue };
            for project in killed::PROJECTS {
                let verdict = store.verify(value.as_bytes(), &Query::any_type().project(project)).unwrap();
                assert_eq!(
                    verdict.status(),
                    before.status(project),
                    "seed {seed}, round {round}: {before:?}"
                );
            }
        }
        for (id, token) in tokens {
            let maker = heard.pending.iter().find(|(thread, change)| {
                change.what == "create" && token.owner == format!("thread {thread}").into_bytes()
            });
            let (thread, change) =
                maker.unwrap_or_else(|| panic!("seed {seed}, round {round}: nobody made {token:?}"));
            let made = Told { projects: [change.project.clone()].into(), ..Told::default() };
            assert!(made.is(&token), "seed {seed}, round {round}: {token:?} is not {made:?}");
            let thread = *thread;
            heard.pending.remove(&thread);
            told.insert(id, made);
            kept += 1;
        }
        store.close().unwrap();
    }
    writeln!(
        std::io::stdout(),
        "kill -9: {rounds} rounds, {acknowledged} changes acknowledged, {under_way} under way of which {kept} were \
         kept, 0 lost, {:.1} s, seed {seed}",
        start.elapsed().as_secs_f64()
    ).expect("a standard output");
    assert!(acknowledged > rounds);
    let left = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    for name in left {
        let name = name.into_string().unwrap();
        assert!(
            name.starts_with("store ") || name.starts_with(".store ") && name.ends_with(".new"),
            "{name}"
        );
    }
}

/// Says what a store answers to each call, as soon as it does.
fn say_every_answer(say: &mut dyn FnMut(&str), store: &Store, id: Id, value: &[u8]) {
    fn kind<T>(result: tokenstore::Result<T>) -> Option<ErrorKind> {
        result.err().map(|error| error.kind())
    }
    let server = store.find_type("server").expect("the type is declared");
    let new = NewToken::new(server, "acme");
    let named = new.clone().name("name");
    let query = Query::any_type();
    let calls: [(&str, &dyn Fn() -> Option<ErrorKind>); EVERY_CALL] = [
        ("verify", &|| kind(store.verify(value, &query))),
        ("verify_authorization", &|| kind(store.verify_authorization(value, &query))),
        ("verify_many", &|| kind(store.verify_many(&[value], &query, &mut [Default::default()]))),
        ("get", &|| kind(store.get(id))),
        ("list", &|| kind(store.list(&Filter::new()))),
        ("list of an owner", &|| kind(store.list(&Filter::new().owner("acme")))),
        ("events", &|| kind(store.events(0, 10))),
        ("declare", &|| kind(store.declare(&TypePolicy::new("another", "another")))),
        ("create", &|| kind(store.create(&new))),
        ("create_many", &|| store.create_many([&new]).pop().and_then(kind)),
        ("create_if_absent", &|| kind(store.create_if_absent(&named))),
        ("edit", &|| kind(store.edit(id, &Edit::new().app_word(1)))),
        ("grant", &|| kind(store.grant(id, "p"))),
        ("remove_project", &|| kind(store.remove_project("p", "", ""))),
        ("revoke", &|| kind(store.revoke(id))),
        ("revoke_value", &|| kind(store.revoke_value(value, "", ""))),
        ("revoke_value of nobody's", &|| kind(store.revoke_value(b"a value of nobody's", "", ""))),
        ("delete", &|| kind(store.delete(id))),
        ("flush", &|| kind(store.flush())),
        ("change_key", &|| kind(store.change_key(None))),
        ("stats", &|| kind(store.stats())),
        ("close", &|| kind(store.close())),
    ];
    for (call, answer) in calls {
        say(&format!("{call}..."));
        say(&format!("{:?}", answer()));
    }
}

const EVERY_CALL: usize = 22;

/// Whether a forked child's calls were all refused as a child's are.
fn all_forked(lines: &[String]) -> bool {
    let answers: Vec<&String> = lines.iter().skip(1).step_by(2).collect();
    answers.len() == EVERY_CALL && answers.iter().all(|answer| *answer == "Some(Forked)")
}

/// A store on a file, with a token in it.
fn store_with_a_token(path: &Path) -> (Store, Id, Vec<u8>) {
    let store = Options::new().create(path).unwrap();
    let server = store.declare(&TypePolicy::new("server", "srv")).unwrap();
    let made = store.create(&NewToken::new(server, "acme")).unwrap();
    let value = made.value.as_bytes().to_vec();
    (store, made.id, value)
}

fn opened_elsewhere(path: &Path) -> Vec<String> {
    child::lines_of(child::command("child", &format!("open {}", path.display())))
}

/// A forked child that closed a database once let its parent's lock go, and marked a live file as closed.
#[test]
fn a_forked_child_cannot_use_or_let_go_its_parents_store() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join("store");
    let (store, id, value) = store_with_a_token(&path);
    let mut store = Some(store);
    for drops in [false, true] {
        let forked = child::fork(|say| {
            if let Some(store) = &store {
                say_every_answer(say, store, id, &value);
            }
            if drops {
                // The child's copy; the parent's stays.
                drop(store.take());
            }
            say(&format!("{:?}", Options::new().open(&path).map_err(|error| error.kind()).err()));
        });
        let mut lines = forked.lines();
        assert_eq!(lines.pop().as_deref(), Some("Some(Locked)"));
        assert!(all_forked(&lines), "{lines:?}");
        // The parent's lock holds, and its store works.
        assert_eq!(opened_elsewhere(&path), ["Locked"]);
        let store = store.as_ref().expect("the parent has its store");
        assert!(store.verify(&value, &Query::any_type()).unwrap().allowed());
        store.grant(id, format!("project {drops}")).unwrap();
    }
    let store = store.take().expect("the parent has its store");
    store.close().unwrap();
    assert_eq!(opened_elsewhere(&path), ["Ok"]);
    let grants = Options::new().open(&path).unwrap().get(id).unwrap().grants;
    assert_eq!(grants, Grants::projects(["project false", "project true"]));
}

/// A child that goes on living must not keep the file from others once its parent has let it go.
#[test]
fn a_forked_child_keeps_nobody_out() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join("store");
    let (store, id, value) = store_with_a_token(&path);
    let (until, go_on) = std::io::pipe().unwrap();
    let forked = child::fork(|say| {
        let mut until = until;
        // Waits for the parent's word, its copy of the store still there.
        let _word = until.read_exact(&mut [0]);
        let opened = Options::new().open(&path);
        let verdict = opened.and_then(|own| own.verify(&value, &Query::any_type()));
        say(&format!("{:?}", verdict.map(|verdict| verdict.status())));
        say(&format!("{:?}", store.get(id).map_err(|error| error.kind()).err()));
    });
    store.close().unwrap();
    assert_eq!(opened_elsewhere(&path), ["Ok"]);
    (&go_on).write_all(b".").unwrap();
    assert_eq!(forked.lines(), ["Ok(Ok)", "Some(Forked)"]);
}

/// Nor may it if its parent is killed, and lets nothing go itself.
#[test]
fn a_forked_child_of_a_killed_process_keeps_nobody_out() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join("store");
    let (store, _, _) = store_with_a_token(&path);
    store.close().unwrap();
    let mut process = child::Listened::start(child::command("child", &format!("fork {}", path.display())));
    process.wait_for("forked");
    assert_eq!(opened_elsewhere(&path), ["Locked"]);
    process.kill();
    let opened = opened_elsewhere(&path);
    std::fs::write(path.with_extension("go"), "").unwrap();
    assert_eq!(process.lines(), ["forked", "the child was still there"]);
    assert_eq!(opened, ["Ok"]);
}

/// A fork comes at any moment: while another thread holds every lock there is, say, which in the child nobody lets go.
#[test]
fn a_child_forked_in_the_middle_of_changes_does_not_hang() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join("store");
    let (store, id, value) = store_with_a_token(&path);
    let stop = AtomicBool::new(false);
    let changes = AtomicUsize::new(0);
    let forks = if long() { 2_000 } else { 60 };
    {
        let (store, stop, changes) = (&store, &stop, &changes);
        std::thread::scope(|scope| {
            for thread in 0..3 {
                scope.spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        match thread {
                            0 => drop(store.grant(id, "p").and_then(|_| store.ungrant(id, "p")).unwrap()),
                            1 => store.flush().unwrap(),
                            _ => drop(store.stats().unwrap()),
                        }
                        changes.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            let mut random = Random::new(Random::seed());
            for fork in 0..forks {
                std::thread::sleep(Duration::from_micros(random.below(3_000) as u64));
                let forked = child::fork(|say| {
                    say_every_answer(say, store, id, &value);
                    say("drops");
                    child::drop_copy(store);
                    say("dropped");
                });
                let mut lines = forked.lines();
                if lines.pop().as_deref() != Some("dropped") || lines.pop().is_none() || !all_forked(&lines) {
                    stop.store(true, Ordering::Relaxed);
                    panic!("fork {fork}: the child said {lines:?} and a little more, and then hung");
                }
            }
            stop.store(true, Ordering::Relaxed);
        });
    }
    writeln!(std::io::stdout(), "forks: {forks} beside {} changes", changes.load(Ordering::Relaxed))
        .expect("a standard output");
    store.close().unwrap();
    assert_eq!(opened_elsewhere(&path), ["Ok"]);
}
