//! Many processes have one truth.
//!
//! Stores that several processes cache let a revoked token in until the cache of the last one has expired, and those
//! that share a file lose a change, or hang, when one of the processes dies at the wrong moment. Here processes are
//! started that share one store; a change that returned in one is asked for in every other by its very next verify;
//! processes are killed and stopped at any moment and at every single operation on the disk. What every process and a
//! fresh opening say at the end is compared with what was acknowledged.
//!
//! `cargo test --release --test processes -- --nocapture` does all of it and prints how much that was; without
//! `--release`, and without `TOKENSTORE_LONG=1`, it is a shorter form.

// Of what other tests share, what is for processes.
#[allow(dead_code)]
#[path = "support/child.rs"]
mod child;
#[path = "support/quiet.rs"]
mod quiet;
#[allow(dead_code)]
#[path = "support/random.rs"]
mod random;

#[path = "processes/board.rs"]
mod board;
#[path = "processes/crew.rs"]
mod crew;
#[path = "processes/ends.rs"]
mod ends;
#[path = "processes/known.rs"]
mod known;
#[path = "processes/lane.rs"]
mod lane;
#[path = "processes/member.rs"]
mod member;
#[path = "processes/opening.rs"]
mod opening;
#[path = "processes/orders.rs"]
mod orders;
#[path = "processes/probe.rs"]
mod probe;
#[path = "processes/scene.rs"]
mod scene;
#[path = "processes/talk.rs"]
mod talk;

#[path = "processes/behind.rs"]
mod behind;
#[path = "processes/failures.rs"]
mod failures;
#[path = "processes/forks.rs"]
mod forks;
#[path = "processes/free.rs"]
mod free;
#[path = "processes/kills.rs"]
mod kills;
#[path = "processes/modes.rs"]
mod modes;
#[path = "processes/moments.rs"]
mod moments;
#[path = "processes/once.rs"]
mod once;
#[path = "processes/pauses.rs"]
mod pauses;
#[path = "processes/readers.rs"]
mod readers;
#[path = "processes/stops.rs"]
mod stops;
#[path = "processes/truth.rs"]
mod truth;

use std::io::Write as _;

/// What the other processes do.
#[test]
fn member() {
    let Some(task) = child::task() else { return };
    member::live(&task);
}

/// So many, or a part of that in the short form.
fn full_or(full: usize, short: usize) -> usize {
    if !cfg!(debug_assertions) || random::long() { full } else { short }
}

/// A folder for stores that goes with the test.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder")
}

/// Prints what was found.
fn report(text: std::fmt::Arguments<'_>) {
    writeln!(std::io::stdout(), "{text}").expect("a standard output");
}
