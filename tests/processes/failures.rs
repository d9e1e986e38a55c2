//! One process's disk fails, at each single operation of a commit. The others go on, and it lets nobody in who is out.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::orders::NONE;
use super::probe::{Act, At, Trigger};
use super::report;
use super::scene::{Scene, status_of};
use super::talk::Member;

const BUSY: Duration = Duration::from_millis(400);
/// No commit has more operations.
const MANY: usize = 400;

#[test]
fn a_disk_that_fails_one_process_fails_no_other() {
    let start = Instant::now();
    let mut scene = Scene::new(BUSY);
    let (mut failures, mut made, mut told) = (0, 0, BTreeMap::<String, usize>::new());
    for nth in 1..MANY {
        let [touched, other] = [scene.token(), scene.token()];
        let mut victim = Member::open(&scene.opening.clone().probed());
        victim.ask(&format!("arm {}", Trigger::new(Act::Fail, At::Change, nth))).ok();
        let reply = victim.ask(&format!("revoke {}", scene.id(touched)));
        let operations = victim.ask("operations");
        let seen = operations.ok().split(' ').filter(|operation| *operation != "read").count();
        victim.ask(&format!("arm {NONE}")).ok();
        if seen < nth {
            reply.ok();
            scene.is_now(touched, "REVOKED");
            victim.leave();
            break;
        }
        failures += 1;
        match reply.error() {
            None => scene.is_now(touched, "REVOKED"),
            Some("Io" | "CommitUnknown" | "Poisoned" | "Busy") => scene.is_open(touched),
            Some(_) => panic!("operation {nth} failed: {reply:?}"),
        }
        *told.entry(reply.error().unwrap_or("OK").to_owned()).or_default() += 1;
        scene.in_time(&reply);
        // It may still hold what it could not let go.
        let order = format!("revoke {}", scene.id(other));
        let reply = scene.writer.ask(&order);
        let busy = scene.is_busy(&reply);
        if !busy {
            reply.ok();
            scene.is_now(other, "REVOKED");
            let verdict = victim.ask(&scene.verify(other));
            assert_ne!(status_of(&verdict), "OK", "operation {nth} failed, and it lets in who is out");
            scene.all_agree();
            // What was or was not made, it does not allow more than the others do.
            let verdict = victim.ask(&scene.verify(touched));
            let allows = status_of(&verdict) == "OK";
            assert!(!allows || scene.status(touched) == "OK", "operation {nth} failed: {verdict:?}");
        }
        drop(victim);
        if busy {
            scene.revoke(other);
        }
        scene.all_agree();
        made += usize::from(scene.status(touched) == "REVOKED");
    }
    assert!(failures > 10 && 0 < made && made < failures, "{made} of {failures}: {told:?}");
    scene.end();
    report(format_args!(
        "disk failures: one process's disk failed at {failures} operations of a commit: {told:?}; {made} times the change was made, \
         and all others agreed; {:.1} s",
        start.elapsed().as_secs_f64()
    ));
}
