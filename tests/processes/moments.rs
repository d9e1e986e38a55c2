//! A process dies at each single operation on the disk of a commit, of opening and of closing, and between the commit and
//! the moment at which the others are told of it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::opening::Opening;
use super::orders::NONE;
use super::probe::{Act, At, Trigger};
use super::scene::{BATCH, Scene, status_of};
use super::talk::{Gone, Member};
use super::{full_or, report};

const BUSY: Duration = Duration::from_secs(2);

/// No commit, no opening and no closing has more operations.
const MANY: usize = 400;

#[test]
fn a_writer_may_die_at_any_operation_of_a_commit() {
    let (start, mut longest) = (Instant::now(), Duration::ZERO);
    let every = full_or(1, 5);
    for what in ["revoke", "create-many", "delete"] {
        let mut scene = Scene::new(BUSY);
        let (mut died, mut done) = (0, 0);
        for nth in (1..MANY).step_by(every) {
            if what == "create-many" && nth > 1 {
                // In a small file, which has to grow for it.
                longest = longest.max(scene.longest);
                std::mem::replace(&mut scene, Scene::new(BUSY)).end();
            }
            let touched = scene.token();
            let batches = scene.batches();
            let mut victim = Member::open(&scene.opening.clone().probed());
            victim.ask(&format!("arm {}", Trigger::new(Act::Kill, At::Change, nth))).ok();
            scene.all_know(touched);
            match victim.ask_to(&order(&scene, what, touched)) {
                Err(Gone) => victim.dies(),
                Ok(reply) => {
                    reply.ok();
                    scene.is_now(touched, after(what));
                    let operations = operations_of(&mut victim);
                    victim.leave();
                    assert!(nth > operations.values().sum(), "{what} was through at operation {nth}");
                    assert!(
                        what != "create-many" || operations.contains_key("set_len"),
                        "the file did not grow"
                    );
                    report(format_args!(
                        "{what}: a process died before one of its operations {died} times ({}); {done} times the change was \
                         made, and all agreed",
                        in_words(&operations)
                    ));
                    break;
                }
            }
            died += 1;
            scene.is_open(touched);
            scene.comes_first(nth, touched);
            scene.all_agree();
            done += usize::from(scene.status(touched) != "OK" || scene.batches() != batches);
            // Whatever the dead one left behind the file's end, the next may need it.
            let order = format!("create-many {BATCH} 4000 server batch - {NONE} 0 {NONE}");
            let reply = scene.writer.ask(&order);
            scene.in_time(&reply);
            reply.ok();
        }
        assert!(0 < done && done < died, "{what}: {done} of {died} were made");
        longest = longest.max(scene.longest);
        scene.end();
    }
    report(format_args!(
        "dying in a commit: the longest wait was {longest:.0?}, the bound is {BUSY:?}; {:.1} s",
        start.elapsed().as_secs_f64()
    ));
}

/// The change is on the disk, and the others are not told of it.
#[test]
fn a_writer_may_die_between_the_commit_and_telling_the_others() {
    let start = Instant::now();
    let mut scene = Scene::new(BUSY);
    let rounds = full_or(60, 10);
    for at in [At::Note, At::AfterNote] {
        for round in 0..rounds {
            let touched = scene.token();
            let mut victim = Member::open(&scene.opening.clone().probed());
            victim.ask(&format!("arm {}", Trigger::new(Act::Kill, at, 1))).ok();
            scene.all_know(touched);
            let order = format!("revoke {}", scene.id(touched));
            assert!(victim.ask_to(&order).is_err(), "it came through");
            victim.dies();
            scene.is_open(touched);
            if round % 5 == 4 {
                // Who asked for it asks another process for it: that has nothing to do, and it has to hold.
                let reply = scene.writer.ask(&order);
                assert!(reply.ok().starts_with("false "), "{at:?}, round {round}: {reply:?}");
            } else {
                scene.comes_first(round % 5, touched);
            }
            if round % 5 != 3 {
                // Told or not, whoever verifies now is told by who came first.
                let order = scene.verify(touched);
                for verifier in &mut scene.verifiers {
                    let reply = verifier.ask(&order);
                    assert!(reply.ok().starts_with("REVOKED/"), "{at:?}, round {round}: {reply:?}");
                }
            }
            scene.all_agree();
            assert_eq!(scene.status(touched), "REVOKED", "{at:?}, round {round}");
        }
    }
    let longest = scene.longest;
    scene.end();
    report(format_args!(
        "between commit and counter: {rounds} processes died before the note and {rounds} after it; whoever wrote or opened \
         next told all; the longest wait was {longest:.0?}; {:.1} s",
        start.elapsed().as_secs_f64()
    ));
}

/// Nobody asks whether a reader holds something.
#[test]
fn a_verifier_may_die_at_any_operation_of_catching_up() {
    let start = Instant::now();
    let mut scene = Scene::new(BUSY);
    let mut died = 0;
    for at in [At::Read, At::Change] {
        for nth in 1..MANY {
            let touched = scene.token();
            let mut victim = Member::open(&scene.opening.clone().probed());
            victim.ask(&format!("arm {}", Trigger::new(Act::Kill, at, nth))).ok();
            scene.revoke(touched);
            if let Ok(reply) = victim.ask_to(&scene.verify(touched)) {
                assert_eq!(status_of(&reply), "REVOKED");
                break;
            }
            victim.dies();
            died += 1;
            scene.comes_first(nth, touched);
        }
        scene.all_agree();
    }
    assert!(died > 2, "{died}");
    let longest = scene.longest;
    scene.end();
    report(format_args!(
        "dying while catching up, {died} times: the longest wait was {longest:.0?}; {:.1} s",
        start.elapsed().as_secs_f64()
    ));
}

/// Beside others, and with nobody else there.
#[test]
fn a_process_may_die_at_any_operation_of_opening_and_closing() {
    let start = Instant::now();
    let mut scene = Scene::new(BUSY);
    let every = full_or(1, 4);
    let [mut openings, mut closings] = [0; 2];
    for nth in (1..MANY).step_by(every) {
        if !dies_opening(&scene.opening, nth) {
            break;
        }
        openings += 1;
        let touched = scene.token();
        scene.comes_first(nth, touched);
        scene.all_agree();
    }
    for nth in (1..MANY).step_by(every) {
        let touched = scene.token();
        let value = scene.value(touched).to_owned();
        if !dies_closing(&scene.opening, nth, &value) {
            break;
        }
        closings += 1;
        scene.comes_first(nth, touched);
        scene.all_agree();
    }
    let touched = scene.token();
    let (opening, value, longest) = (scene.opening.clone(), scene.value(touched).to_owned(), scene.longest);
    let _folder = scene.leave();
    let [mut openings_alone, mut closings_alone] = [0; 2];
    let comes_next = || {
        let mut next = Member::open(&opening);
        let reply = next.ask(&format!("verify {value} {NONE} {NONE}"));
        assert_eq!(status_of(&reply), "OK", "whoever opens it next");
        next.leave();
    };
    for nth in (1..MANY).step_by(every) {
        if !dies_opening(&opening, nth) {
            break;
        }
        openings_alone += 1;
        comes_next();
    }
    for nth in (1..MANY).step_by(every) {
        if !dies_closing(&opening, nth, &value) {
            break;
        }
        closings_alone += 1;
        comes_next();
    }
    let all = [openings, closings, openings_alone, closings_alone];
    assert!(all.iter().all(|died| *died > 2), "{all:?}");
    report(format_args!(
        "dying while opening {openings} times beside others and {openings_alone} times alone, while closing {closings} times \
         beside others and {closings_alone} times alone: the longest wait was {longest:.0?}; {:.1} s",
        start.elapsed().as_secs_f64()
    ));
}

/// Whether a process dies at an operation of opening, or there are not as many.
fn dies_opening(opening: &Opening, nth: usize) -> bool {
    let trigger = Trigger::new(Act::Kill, At::Change, nth);
    let mut victim = Member::start(&opening.clone().triggered(trigger), |_| ());
    let opened = victim.hear();
    if let Ok(reply) = opened {
        reply.ok();
        victim.ask(&format!("arm {NONE}")).ok();
        victim.leave();
        return false;
    }
    victim.dies();
    true
}

/// Whether a process dies at an operation of closing. It has a use to write then.
fn dies_closing(opening: &Opening, nth: usize, value: &str) -> bool {
    let mut victim = Member::open(&opening.clone().probed());
    victim.ask(&format!("verify {value} {NONE} {NONE}")).ok();
    victim.ask(&format!("arm {}", Trigger::new(Act::Kill, At::Change, nth))).ok();
    if let Ok(reply) = victim.ask_to("close") {
        reply.ok();
        return false;
    }
    victim.dies();
    true
}

/// The order for a change.
fn order(scene: &Scene, what: &str, touched: usize) -> String {
    match what {
        "create-many" => format!("create-many {BATCH} 4000 server batch - {NONE} 0 {NONE}"),
        _ => format!("{what} {}", scene.id(touched)),
    }
}

fn after(what: &str) -> &'static str {
    match what {
        "revoke" => "REVOKED",
        "delete" => "UNKNOWN",
        _ => "OK",
    }
}

/// What a process did to its disk since it was told to die there, but for reads. It is to live from now on.
fn operations_of(member: &mut Member) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    let reply = member.ask("operations");
    for operation in reply.ok().split(' ').filter(|operation| *operation != "read") {
        *counts.entry(operation.to_owned()).or_insert(0) += 1;
    }
    member.ask(&format!("arm {NONE}")).ok();
    counts
}

fn in_words(counts: &BTreeMap<String, usize>) -> String {
    counts.iter().map(|(what, count)| format!("{count} {what}")).collect::<Vec<_>>().join(", ")
}
