//! What it costs that several processes have one store open, and what it gives.
//!
//! Three questions: whether a process verifies as fast in a shared store as in one that it has for itself, while nobody
//! writes; how long the first verify takes after another process changed something; and how many durable creates one,
//! two and four processes make. Every process is this program started anew, and told what to do by lines; the parent
//! waits meanwhile, so that as many processes are busy as are told to be. Rates are measured in rounds in which each way
//! takes its turn, and a ratio is the median of the rounds' ratios, so that a busy machine disturbs both sides of it.
//! Every answer is checked.

mod child;
mod creates;
mod crew;
mod follows;
mod rates;

use tokenstore_benches::{Prepared, Report, Result, Run, Settings, Size, Usage, progress};

const USAGE: Usage = Usage {
    bench: "processes",
    full: Size { tokens: 1_000_000, rounds: 21 },
    quick: Size { tokens: 100_000, rounds: 7 },
    asked: 10_000..=50_000,
};

/// How many tokens the stores have in which something is changed; rates are measured among so many, too.
const FEW: u32 = 100_000;

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    if args.next().as_deref() == Some(child::CALL) {
        return child::run(args);
    }
    let Some(settings) = Settings::from_args(&USAGE)? else {
        println!("{USAGE}");
        return Ok(());
    };
    let run = Run::new(USAGE.bench, env!("CARGO_TARGET_TMPDIR"));
    let few = Settings { tokens: settings.tokens.min(FEW), ..settings };
    let mut report = Report::default();
    report.add("rounds", settings.rounds as f64, "how often each number of processes takes its turn; verifies three times as often, after each of three openings");
    report.add("asked", settings.asked as f64, "how many verifies a process is timed for at each turn");

    // Their owner's alone, and gone when what they are for is done: there are values in them.
    let folder = tempfile::tempdir_in(run.scratch())?;
    progress("making tokens");
    let prepared = Prepared::new(few.tokens, folder.path())?;
    rates::measure(&few, &prepared, &mut report)?;
    if settings.tokens > few.tokens {
        let folder = tempfile::tempdir_in(run.scratch())?;
        progress("making more tokens");
        let prepared = Prepared::new(settings.tokens, folder.path())?;
        rates::measure(&settings, &prepared, &mut report)?;
    }
    follows::measure(&few, &prepared, &mut report)?;
    creates::measure(&few, &prepared, &mut report)?;
    run.finish(report)
}
