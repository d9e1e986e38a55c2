//! What a verify costs from each language, on equal stores with the same values in the same order.
//!
//! Rust, C and C++ are each a process of their own with a copy of one store, all waiting for their turn. A figure of one
//! over another is the median over rounds in which each had its turn, and time is the thread's time on the processor, so
//! that a busy machine disturbs little, and all of them. Every answer is checked. The C and C++ programs are compiled
//! against the shared library of this very build.

mod compiled;
mod contender;
mod prepared;
mod python;
mod rust;
mod settings;
mod turns;

use std::path::Path;
use std::time::Instant;

use tokenstore_benches::{Machine, Report, Result};

use crate::compiled::Compiled;
use crate::prepared::Prepared;
use crate::settings::{ASKED, Settings, USAGE};

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    if args.next().as_deref() == Some(rust::CALL) {
        return rust::child(args);
    }
    let Some(settings) = Settings::from_args()? else {
        println!("{USAGE}");
        return Ok(());
    };
    let (machine, start) = (Machine::this(), Instant::now());
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    // Its owner's alone, and gone when the run ends: there are values in it.
    let folder = tempfile::tempdir_in(scratch)?;
    let mut report = Report::default();
    report.add("tokens", f64::from(settings.tokens), "how many tokens each language's store holds");
    report.add("rounds", settings.rounds as f64, "how often each language takes its turn");
    report.add("asked", ASKED as f64, "how many verifies it is timed for at each turn");

    progress("compiling");
    let compiled = Compiled::new(folder.path())?;
    progress("making the tokens");
    let prepared = Prepared::new(settings.tokens, folder.path())?;
    let batch_ns = turns::measure(&settings, &compiled, &prepared, &mut report)?;
    progress("verifying from Python");
    // If there is no Python, the run fails, but not before the others' figures are told.
    let python = python::measure(&settings, &compiled, batch_ns, &mut report);

    report.add("run_s", start.elapsed().as_secs_f64(), "how long all this took, in seconds");
    println!("\n{machine}\n{}\n\n{}", command_line(), report.table());
    let json = scratch.parent().unwrap_or(scratch).join("languages.json");
    report.write_json(&json)?;
    println!("written to {}", json.display());
    python
}

fn command_line() -> String {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    if args.is_empty() {
        "cargo bench --bench languages".to_owned()
    } else {
        format!("cargo bench --bench languages -- {}", args.join(" "))
    }
}

/// Says what is being done, on the side of what the run prints in the end.
fn progress(what: &str) {
    eprintln!("{what} ...");
}
