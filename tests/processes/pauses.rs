//! Processes are stopped at random and go on after a moment, as those of a machine that is short of time do.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::crew::{Crew, new_store};
use super::kills::Done;
use super::known::Known;
use super::lane::Lane;
use super::opening::Opening;
use super::random::Random;
use super::scene::SLACK;
use super::truth::check_file;
use super::{folder, full_or, report};

const WRITERS: usize = 2;
const VERIFIERS: usize = 4;
/// The longest pause. It is shorter than a change waits, so that none is refused.
const PAUSE: Duration = Duration::from_millis(200);

#[test]
fn processes_that_pause_delay_others_and_do_no_more() {
    let (seed, start, folder) = (Random::seed(), Instant::now(), folder());
    let opening = Opening::of(folder.path().join("tokens.store"));
    new_store(&opening);
    let crew = Crew::gather(seed, &opening, WRITERS, VERIFIERS);
    let enough = full_or(120, 12);
    let (pauses, done) = (AtomicUsize::new(0), Default::default());
    let lanes: Vec<Lane<'_>> = std::thread::scope(|scope| {
        let pauser = scope.spawn(|| {
            let _done = Done(&done);
            let mut random = Random::new(seed ^ 0x7061_7573);
            while pauses.load(Ordering::SeqCst) < enough && !done.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_micros(random.below(30_000) as u64));
                pause(&crew, &mut random);
                pauses.fetch_add(1, Ordering::SeqCst);
            }
        });
        let threads: Vec<_> = (0..WRITERS)
            .map(|number| {
                let (done, mut lane) = (&done, Lane::new(&crew, number));
                scope.spawn(move || {
                    let _done = Done(done);
                    while !done.load(Ordering::SeqCst) {
                        lane.turn();
                    }
                    lane
                })
            })
            .collect();
        pauser.join().expect("every process goes on");
        threads.into_iter().map(|thread| thread.join().expect("no process was stale")).collect()
    });
    lanes.iter().for_each(|lane| lane.check_all(folder.path()));
    let changes: usize = lanes.iter().map(|lane| lane.changes).sum();
    let known: Vec<Known> = lanes.into_iter().flat_map(|lane| lane.known).collect();
    let (answers, longest) = (crew.answers.load(Ordering::Relaxed), crew.longest_wait());
    drop(crew);
    check_file(&opening, &known, folder.path());
    assert!(longest.0 < PAUSE + SLACK, "a call took {longest:?}");
    report(format_args!(
        "pauses: {enough} of up to {PAUSE:?} at random, beside {changes} changes; {answers} answers, 0 stale, no change \
         refused; the longest call took {:.0?} ({}); {:.1} s, seed {seed}",
        longest.0,
        longest.1,
        start.elapsed().as_secs_f64()
    ));
}

/// Stops a process for a moment.
fn pause(crew: &Crew, random: &mut Random) {
    let seats = if random.once_in(2) { &crew.writers } else { &crew.verifiers };
    let process = random.pick(seats).process.lock().expect("no test failed").clone();
    let pid = Pid::from_child(&process.lock().expect("no test failed"));
    kill_process(pid, Signal::STOP).expect("a child can be stopped");
    std::thread::sleep(PAUSE.mul_f64(random.below(1_000) as f64 / 1_000.0));
    kill_process(pid, Signal::CONT).expect("a child can go on");
}
