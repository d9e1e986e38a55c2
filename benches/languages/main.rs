//! What a verify costs from each language, on equal stores with the same values in the same order.
//!
//! Rust, C and C++ are each a process of their own with a copy of one store, all waiting for their turn. A figure of one
//! over another is the median over rounds in which each had its turn, and time is the thread's time on the processor, so
//! that a busy machine disturbs little, and all of them. Every answer is checked. The C and C++ programs are compiled
//! against the shared library of this very build.

mod compiled;
mod contender;
mod python;
mod rust;
mod turns;

use tokenstore_benches::{Prepared, Report, Result, Run, Settings, Size, Usage, progress};

use crate::compiled::Compiled;

/// A turn takes a few milliseconds, so that a busy machine disturbs few turns.
const ASKED: usize = 10_000;

const USAGE: Usage = Usage {
    bench: "languages",
    full: Size { tokens: 1_000_000, rounds: 101 },
    quick: Size { tokens: 100_000, rounds: 41 },
    asked: ASKED..=ASKED,
};

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    if args.next().as_deref() == Some(rust::CALL) {
        return rust::child(args);
    }
    let Some(settings) = Settings::from_args(&USAGE)? else {
        println!("{USAGE}");
        return Ok(());
    };
    let run = Run::new(USAGE.bench, env!("CARGO_TARGET_TMPDIR"));
    // Its owner's alone, and gone when the run ends: there are values in it.
    let folder = tempfile::tempdir_in(run.scratch())?;
    let mut report = Report::default();
    report.add("tokens", f64::from(settings.tokens), "how many tokens each language's store holds");
    report.add("rounds", settings.rounds as f64, "how often each language takes its turn");
    report.add("asked", settings.asked as f64, "how many verifies it is timed for at each turn");

    progress("compiling");
    let compiled = Compiled::new(folder.path())?;
    progress("making the tokens");
    let prepared = Prepared::new(settings.tokens, folder.path())?;
    let batch_ns = turns::measure(&settings, &compiled, &prepared, &mut report)?;
    progress("verifying from Python");
    // If there is no Python, the run fails, but not before the others' figures are told.
    let python = python::measure(&settings, &compiled, batch_ns, &mut report);

    run.finish(report)?;
    python
}
