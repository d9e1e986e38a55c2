//! What a run is told.

use tokenstore_benches::Result;

pub(crate) const USAGE: &str = "\
cargo bench --bench languages -- [--quick] [--tokens N] [--rounds N]

  --quick     100,000 tokens and 41 rounds: under a minute
  --tokens N  so many tokens, at least 10,000 (1,000,000)
  --rounds N  so many rounds, from 1 on (101)";

/// How many verifies each contender is timed for in a turn: a few milliseconds, so that a busy machine disturbs few
/// turns.
pub(crate) const ASKED: usize = 10_000;

pub(crate) struct Settings {
    pub(crate) tokens: u32,
    pub(crate) rounds: usize,
}

impl Settings {
    /// From the command line; `None` if help was asked for.
    pub(crate) fn from_args() -> Result<Option<Settings>> {
        let (mut quick, mut tokens, mut rounds) = (false, None, None);
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut number = || -> Result<u32> {
                let text = args.next().ok_or_else(|| format!("{arg} needs a number"))?;
                Ok(text.replace([',', '_'], "").parse()?)
            };
            match arg.as_str() {
                // What cargo adds.
                "--bench" => {}
                "--quick" => quick = true,
                "--tokens" => tokens = Some(number()?),
                "--rounds" => rounds = Some(number()?),
                "--help" | "-h" => return Ok(None),
                other => return Err(format!("{other} is not known\n\n{USAGE}").into()),
            }
        }
        let settings = Settings {
            tokens: tokens.unwrap_or(if quick { 100_000 } else { 1_000_000 }),
            rounds: rounds.unwrap_or(if quick { 41 } else { 101 }) as usize,
        };
        if (settings.tokens as usize) < ASKED || settings.rounds == 0 {
            return Err(format!("too few of them\n\n{USAGE}").into());
        }
        Ok(Some(settings))
    }

    /// The first of the values that a round asks for.
    pub(crate) fn first(&self, round: usize) -> usize {
        round % (self.tokens as usize / ASKED) * ASKED
    }
}
