//! tokenstore against what people use without it, in one run on one machine: SQLite, LMDB and redb with a hash of
//! their own, and the least that any of them could cost.
//!
//! Every answer is checked: each verify must find its own token, each value that nobody has must be refused. All
//! contenders are asked for the same values in the same order, in rounds in which each takes its turn; a ratio is the
//! median of the rounds' ratios, so that a busy machine disturbs both sides of it.

mod creates;
mod floor;
mod lmdb;
mod load;
mod openings;
mod ours;
mod peer;
mod plain_redb;
mod reads;
mod record;
mod settings;
mod sqlite;
mod threads;

use std::path::Path;
use std::time::Instant;

use tokenstore_benches::{Machine, Report, Result};

use crate::floor::Floor;
use crate::load::Loaded;
use crate::settings::{Settings, USAGE};

fn main() -> Result<()> {
    let Some(settings) = Settings::from_args()? else {
        println!("{USAGE}");
        return Ok(());
    };
    let (machine, start) = (Machine::this(), Instant::now());
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = tempfile::tempdir_in(scratch)?;
    let mut report = Report::default();
    report.add("tokens", f64::from(settings.tokens), "how many tokens each contender holds");
    report.add("rounds", settings.rounds as f64, "how often each contender takes its turn");
    report.add("asked", settings.asked() as f64, "how many verifies it is timed for at each turn");

    let Loaded { mut ours, mut peers, values } = load::measure(&settings, folder.path(), &mut report)?;
    openings::measure(&settings, &mut ours, &mut peers, &mut report)?;
    creates::measure(&settings, &ours, &peers.sqlite, &mut report)?;
    let floor = Floor::new(settings.tokens as usize)?;
    reads::measure(&settings, &ours, &peers, &floor, &values, &mut report)?;
    threads::measure(&settings, &ours, &floor, &values, &mut report);
    creates::measure_used(&settings, &ours, &mut report);
    openings::measure_used(&settings, &mut ours, &mut report)?;

    report.add("run_s", start.elapsed().as_secs_f64(), "how long all this took, in seconds");
    println!("\n{machine}\n{}\n\n{}", command_line(), report.table());
    let json = scratch.parent().unwrap_or(scratch).join("peers.json");
    report.write_json(&json)?;
    println!("written to {}", json.display());
    Ok(())
}

fn command_line() -> String {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    if args.is_empty() {
        "cargo bench --bench peers".to_owned()
    } else {
        format!("cargo bench --bench peers -- {}", args.join(" "))
    }
}

/// Says what is being done, on the side of what the run prints in the end.
fn progress(what: &str) {
    eprintln!("{what} ...");
}
