//! A process that forks: its child goes on with the store by itself, and holds nothing of its parent's when that dies.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tokenstore::{Query, Store};

use super::child;
use super::probe::{Act, At, Trigger};
use super::scene::Scene;
use super::talk::Member;
use super::{full_or, report};

const BUSY: Duration = Duration::from_secs(2);
/// No change does more operations.
const MANY: usize = 400;

/// The file at whose sight this process's idle children go.
static GO: OnceLock<PathBuf> = OnceLock::new();

/// The file for a store's.
pub(crate) fn go_file(store: &Path) -> PathBuf {
    store.with_extension("go")
}

/// Sets the file, before any child is forked.
pub(crate) fn end_children_at(store: &Path) {
    GO.get_or_init(|| go_file(store));
}

/// Forks a child that does nothing until it is told to go, or 20 s have passed.
pub(crate) fn leave_an_idle_child() {
    let go = GO.get().expect("it was set at the start");
    let _forked = child::fork(|_| {
        while !go.exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
    });
}

/// Forks a child. An idle one stays; one that verifies says what it found, first without waiting.
pub(crate) fn in_a_child(store: &Store, words: &[&str]) -> String {
    let value = match words {
        ["idle"] => {
            leave_an_idle_child();
            return "ok".into();
        }
        ["verify", value] => value.as_bytes(),
        _ => panic!("an order is {words:?}"),
    };
    let forked = child::fork(|say| {
        for query in [Query::any_type().no_wait(), Query::any_type(), Query::any_type().no_wait()] {
            match store.verify(value, &query) {
                Ok(verdict) => say(verdict.status().name()),
                Err(error) => say(error.kind().name()),
            }
        }
        say(store.close().map_or_else(|error| error.kind().name(), |()| "CLOSED"));
    });
    format!("ok {}", forked.lines().join(" "))
}

/// A lock is of the open file, which a forked child has open, too.
#[test]
fn a_parent_killed_in_a_commit_leaves_nothing_locked_by_its_child() {
    let start = Instant::now();
    let mut scene = Scene::new(BUSY);
    let mut killed = [0; 2];
    for (way, act) in [Act::Kill, Act::ForkAndKill].into_iter().enumerate() {
        for nth in (1..MANY).step_by(full_or(2, 7)) {
            let [touched, other] = [scene.token(), scene.token()];
            let mut parent = Member::open(&scene.opening.clone().probed());
            if act == Act::Kill {
                // Forked before; the other way it is forked in the middle of the commit.
                parent.ask("fork idle").ok();
            }
            parent.ask(&format!("arm {}", Trigger::new(act, At::Change, nth))).ok();
            if let Ok(reply) = parent.ask_to(&format!("revoke {}", scene.id(touched))) {
                reply.ok();
                scene.is_now(touched, "REVOKED");
                break;
            }
            parent.dies();
            killed[way] += 1;
            scene.is_open(touched);
            scene.revoke(other);
            scene.all_agree();
        }
    }
    let go = go_file(&scene.opening.path);
    std::fs::write(go, "").expect("a file can be written");
    assert!(killed.iter().all(|killed| *killed > 2), "{killed:?}");
    let longest = scene.longest;
    scene.end();
    report(format_args!(
        "forks: {} parents killed in a commit beside a child forked before, {} beside one forked in it; the next change \
         always came through, the longest wait was {longest:.0?}; {:.1} s",
        killed[0],
        killed[1],
        start.elapsed().as_secs_f64()
    ));
}

#[test]
fn a_forked_child_goes_on_with_an_opening_of_its_own() {
    let start = Instant::now();
    let mut scene = Scene::new(BUSY);
    let rounds = full_or(20, 4);
    for _ in 0..rounds {
        let touched = scene.token();
        let mut parent = Member::open(&scene.opening);
        parent.ask(&scene.verify(touched)).ok();
        let order = format!("fork verify {}", scene.value(touched));
        assert_eq!(parent.ask(&order).ok(), "STALE OK OK CLOSED");
        // The parent knows nothing of this yet, and the child must not say what the parent knows.
        scene.revoke(touched);
        assert_eq!(parent.ask(&order).ok(), "STALE REVOKED REVOKED CLOSED");
        // What the child closed was its own.
        let other = scene.token();
        let order = format!("revoke {}", scene.id(other));
        parent.ask(&order).ok();
        scene.is_now(other, "REVOKED");
        scene.all_agree();
        parent.leave();
    }
    scene.end();
    report(format_args!(
        "forks: {} children verified with the store of their parents, and closed it; {:.1} s",
        2 * rounds,
        start.elapsed().as_secs_f64()
    ));
}
