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
mod sqlite;
mod threads;

use tokenstore_benches::{Report, Result, Run, Settings, Size, Usage};

use crate::floor::Floor;
use crate::load::Loaded;

const USAGE: Usage = Usage {
    bench: "peers",
    full: Size { tokens: 1_000_000, rounds: 7 },
    quick: Size { tokens: 100_000, rounds: 5 },
    asked: 10_000..=200_000,
};

fn main() -> Result<()> {
    let Some(settings) = Settings::from_args(&USAGE)? else {
        println!("{USAGE}");
        return Ok(());
    };
    let run = Run::new(USAGE.bench, env!("CARGO_TARGET_TMPDIR"));
    let folder = tempfile::tempdir_in(run.scratch())?;
    let mut report = Report::default();
    report.add("tokens", f64::from(settings.tokens), "how many tokens each contender holds");
    report.add("rounds", settings.rounds as f64, "how often each contender takes its turn");
    report.add("asked", settings.asked as f64, "how many verifies it is timed for at each turn");

    let Loaded { mut ours, mut peers, values } = load::measure(&settings, folder.path(), &mut report)?;
    openings::measure(&settings, &mut ours, &mut peers, &mut report)?;
    creates::measure(&settings, &ours, &peers.sqlite, &mut report)?;
    let floor = Floor::new(settings.tokens as usize)?;
    reads::measure(&settings, &ours, &peers, &floor, &values, &mut report)?;
    threads::measure(&settings, &ours, &floor, &values, &mut report);
    creates::measure_used(&settings, &ours, &mut report);
    openings::measure_used(&settings, &mut ours, &mut report)?;

    run.finish(report)
}
