//! A process is stopped in the middle of things and holds whatever it holds there. The others go on, or are told within
//! the bound that they cannot.

use std::time::{Duration, Instant};

use super::orders::NONE;
use super::probe::{Act, At, Trigger};
use super::scene::{SLACK, Scene, status_of, timed};
use super::talk::{Member, Reply};
use super::{full_or, report};

/// How long a change waits for the place to write.
const BUSY: Duration = Duration::from_millis(400);
/// No call does more operations.
const MANY: usize = 400;
/// What a verify may take while a process is stopped, in the fastest of many thousands.
const MEMORY_SPEED_NS: u64 = 5_000;

/// How the calls of others went meanwhile.
#[derive(Debug, Default)]
struct Tally {
    stops: usize,
    changes: usize,
    busy: usize,
    verified: usize,
    errors: usize,
    slowest_verify_ns: Option<u64>,
    /// The earliest and the latest BUSY.
    first_busy: Option<Duration>,
    last_busy: Option<Duration>,
}

impl Tally {
    /// A change by somebody else: whether it was made. If not, it was BUSY at the bound.
    fn change(&mut self, scene: &mut Scene, place: usize) -> bool {
        let order = format!("revoke {}", scene.id(place));
        let reply = scene.writer.ask(&order);
        if !scene.is_busy(&reply) {
            assert!(reply.ok().starts_with("true "), "{reply:?}");
            scene.is_now(place, "REVOKED");
            self.changes += 1;
            return true;
        }
        self.busy += 1;
        self.first_busy = Some(self.first_busy.map_or(reply.took, |first| first.min(reply.took)));
        self.last_busy = self.last_busy.max(Some(reply.took));
        false
    }

    /// A verify by somebody else of what is revoked: refused, or an error within the bound.
    fn verify(&mut self, scene: &mut Scene, verifier: usize, place: usize) {
        let order = scene.verify(place);
        let reply = scene.verifiers[verifier].ask(&order);
        scene.in_time(&reply);
        match status_of(&reply) {
            "REVOKED" => self.verified += 1,
            "!Busy" | "!Io" => self.errors += 1,
            other => panic!("{other} while a process is stopped: {reply:?}"),
        }
    }

    /// Verifies by somebody who knows all that there is to know: as fast as ever.
    fn spin(&mut self, scene: &mut Scene, place: usize, may_be: &[&str]) {
        let order = format!("spin {} 5", scene.value(place));
        let reply = scene.verifiers[0].ask(&order);
        let words: Vec<&str> = reply.ok().split(' ').collect();
        let [nanos, _count, answers @ ..] = &words[..] else { panic!("{reply:?}") };
        assert!(answers.iter().all(|answer| may_be.contains(answer)), "{reply:?}");
        let nanos: u64 = nanos.parse().expect("nanoseconds");
        self.slowest_verify_ns = self.slowest_verify_ns.max(Some(nanos));
        assert!(nanos < MEMORY_SPEED_NS, "a verify takes {nanos} ns while a process is stopped");
    }

    fn busy_times(&self) -> String {
        match (self.first_busy, self.last_busy) {
            (Some(first), Some(last)) => format!("after {first:.0?} to {last:.0?}"),
            _ => "never".into(),
        }
    }
}

/// At every operation of a commit.
#[test]
fn a_stopped_writer_keeps_others_waiting_no_longer_than_the_bound() {
    let start = Instant::now();
    let mut scene = Scene::new(BUSY);
    let mut tally = Tally::default();
    for nth in (1..MANY).step_by(full_or(1, 6)) {
        let [victims, known, other] = [scene.token(), scene.token(), scene.token()];
        let mut victim = Member::open(&scene.opening.clone().probed());
        victim.ask(&format!("arm {}", Trigger::new(Act::Stop, At::Change, nth))).ok();
        // One of the verifiers has to read this while the process is stopped.
        scene.revoke(known);
        let order = scene.verify(victims);
        scene.verifiers[0].ask(&order).ok();
        victim.tell(&format!("revoke {}", scene.id(victims))).expect("it listens");
        if let Err(reply) = victim.stops_or_replies() {
            reply.ok();
            scene.is_now(victims, "REVOKED");
            scene.all_agree();
            break;
        }
        tally.stops += 1;
        scene.is_open(victims);
        tally.spin(&mut scene, known, &["REVOKED"]);
        tally.verify(&mut scene, 1, known);
        if tally.change(&mut scene, other) {
            tally.verify(&mut scene, 0, other);
        }
        tally.spin(&mut scene, known, &["REVOKED"]);
        victim.go_on();
        let reply = victim.hear().expect("it goes on");
        match reply.error() {
            None => {
                reply.ok();
                scene.is_now(victims, "REVOKED");
            }
            // It waited for longer than it may, stopped as it was.
            Some("Busy") => scene.is_now(victims, "OK"),
            Some(_) => panic!("{reply:?}"),
        }
        victim.ask(&format!("arm {NONE}")).ok();
        scene.all_agree();
        victim.leave();
    }
    assert!(tally.busy > 0 && tally.verified > 0, "{tally:?}");
    finish("writer stopped at each operation of a commit", &tally, scene, start);
}

/// Between the commit and the moment at which the others are told of it; and with a bound that can be told from others.
#[test]
fn a_writer_stopped_before_it_tells_of_its_commit_is_heard_when_it_goes_on() {
    let start = Instant::now();
    let mut scene = Scene::new(Duration::from_secs(1));
    let mut tally = Tally::default();
    for at in [At::Note, At::AfterNote] {
        let [victims, other] = [scene.token(), scene.token()];
        let mut victim = Member::open(&scene.opening.clone().probed());
        victim.ask(&format!("arm {}", Trigger::new(Act::Stop, at, 1))).ok();
        scene.all_know(victims);
        victim.tell(&format!("revoke {}", scene.id(victims))).expect("it listens");
        victim.is_stopped_soon();
        tally.stops += 1;
        // Nobody was told that it is revoked.
        tally.spin(&mut scene, victims, &["OK", "REVOKED"]);
        assert!(!tally.change(&mut scene, other), "two write at once");
        tally.spin(&mut scene, victims, &["OK", "REVOKED"]);
        victim.go_on();
        victim.hear().expect("it goes on").ok();
        scene.is_now(victims, "REVOKED");
        for verifier in 0..2 {
            tally.verify(&mut scene, verifier, victims);
        }
        assert_eq!(tally.errors, 0, "nobody is stopped any more");
        assert!(tally.change(&mut scene, other));
        scene.all_agree();
        victim.leave();
    }
    finish("writer stopped between commit and counter", &tally, scene, start);
}

/// At every read, and at every lock, of catching up.
#[test]
fn a_stopped_verifier_keeps_nobody_waiting_and_is_right_when_it_goes_on() {
    let start = Instant::now();
    let mut scene = Scene::new(BUSY);
    let mut tally = Tally::default();
    for at in [At::Read, At::Change] {
        for nth in 1..MANY {
            let [known, other] = [scene.token(), scene.token()];
            // Its pages are not in memory.
            let mut victim = Member::open(&scene.opening.clone().probed());
            victim.ask(&format!("arm {}", Trigger::new(Act::Stop, at, nth))).ok();
            scene.revoke(known);
            let order = scene.verify(known);
            victim.tell(&order).expect("it listens");
            if let Err(reply) = victim.stops_or_replies() {
                assert_eq!(status_of(&reply), "REVOKED");
                break;
            }
            tally.stops += 1;
            tally.verify(&mut scene, 0, known);
            if tally.change(&mut scene, other) {
                tally.verify(&mut scene, 1, other);
                // What it was reading is overwritten meanwhile, if that is to be.
                for _ in 0..full_or(20, 5) {
                    scene.token();
                }
            }
            victim.go_on();
            let reply = victim.hear().expect("it goes on");
            assert!(matches!(status_of(&reply), "REVOKED" | "!Busy" | "!Io"), "{reply:?}");
            victim.ask(&format!("arm {NONE}")).ok();
            for place in [known, other] {
                let reply = victim.ask(&scene.verify(place));
                assert_eq!(status_of(&reply), scene.status(place), "when it went on: {reply:?}");
            }
            victim.leave();
        }
        scene.all_agree();
    }
    assert!(tally.stops > 2 && tally.changes > 0, "{tally:?}");
    finish("verifier stopped at each read and lock of catching up", &tally, scene, start);
}

/// At every operation of opening, beside others who have the store open and before anybody has.
#[test]
fn a_stopped_opener_keeps_others_waiting_no_longer_than_the_bound() {
    let start = Instant::now();
    let mut scene = Scene::new(BUSY);
    let mut tally = Tally::default();
    let every = full_or(2, 9);
    for nth in (1..MANY).step_by(every) {
        let [known, other] = [scene.token(), scene.token()];
        let trigger = Trigger::new(Act::Stop, At::Change, nth);
        let mut victim = Member::start(&scene.opening.clone().triggered(trigger), |_| ());
        if let Err(reply) = victim.stops_or_replies() {
            reply.ok();
            victim.ask(&format!("arm {NONE}")).ok();
            victim.leave();
            break;
        }
        tally.stops += 1;
        if tally.change(&mut scene, known) {
            tally.verify(&mut scene, 0, known);
        }
        // Somebody else who opens it meanwhile does so, or is told in time.
        let mut opener = Member::start(&scene.opening, |_| ());
        let reply = opener.hear().expect("it opens the store or says why not");
        opened_or_busy(&mut scene, &reply);
        victim.go_on();
        let opened = victim.hear().expect("it goes on");
        if opened_or_busy(&mut scene, &Reply { took: Duration::ZERO, ..opened }) {
            victim.ask(&format!("arm {NONE}")).ok();
            scene.revoke(other);
            assert_eq!(status_of(&victim.ask(&scene.verify(other))), "REVOKED");
            victim.leave();
        }
        scene.all_agree();
    }
    let beside = tally.stops;
    let alone = Scene::new(BUSY);
    let opening = alone.opening.clone();
    let folder = alone.leave();
    for nth in (1..MANY).step_by(every) {
        let trigger = Trigger::new(Act::Stop, At::Change, nth);
        let mut victim = Member::start(&opening.clone().triggered(trigger), |_| ());
        if let Err(reply) = victim.stops_or_replies() {
            reply.ok();
            break;
        }
        tally.stops += 1;
        let (second, took) = timed(|| {
            let mut second = Member::start(&opening, |_| ());
            let reply = second.hear().expect("it opens the store or says why not");
            (reply.error().is_none_or(|kind| matches!(kind, "Busy" | "Locked"))).then_some(second)
        });
        assert!(second.is_some() && took < BUSY + SLACK, "the second opener took {took:?}");
        drop(second);
        victim.go_on();
        victim.hear().expect("it goes on");
    }
    drop(folder);
    assert!(beside > 2 && tally.stops > beside + 2, "{tally:?}");
    finish("opener stopped at operations of opening", &tally, scene, start);
}

/// Whether the store was opened. If not, the answer was BUSY, in time.
fn opened_or_busy(scene: &mut Scene, reply: &Reply) -> bool {
    scene.in_time(reply);
    match reply.error() {
        None => true,
        Some("Busy") => false,
        Some(_) => panic!("opening while a process is stopped: {reply:?}"),
    }
}

fn finish(what: &str, tally: &Tally, scene: Scene, start: Instant) {
    let (longest, bound) = (scene.longest, scene.opening.busy);
    scene.end();
    let Tally { stops, changes, busy, verified, errors, .. } = tally;
    let speed = tally.slowest_verify_ns.map_or(String::new(), |nanos| format!("others took {nanos} ns; "));
    report(format_args!(
        "{what}: {stops} stops; beside them {changes} changes were made and {busy} were BUSY ({}; the bound is {bound:?}), \
         {verified} verifies of a revoked token refused it and {errors} were errors, none let it in; \
         {speed}the longest wait was {longest:.0?}; {:.1} s",
        tally.busy_times(),
        start.elapsed().as_secs_f64()
    ));
}
