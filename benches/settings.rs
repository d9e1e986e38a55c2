//! What a run is told on its command line.

use std::fmt;
use std::ops::{Range, RangeInclusive};

use crate::Result;

/// How a benchmark is started, and how much it does if it is not told.
#[derive(Clone, Debug)]
pub struct Usage {
    /// Its name, as `cargo bench --bench` has it.
    pub bench: &'static str,
    /// What it takes for itself, and with `--quick`.
    pub full: Size,
    /// It takes under a minute.
    pub quick: Size,
    /// How many verifies one is timed for in a turn: as many as let no round ask for another's tokens, within these.
    pub asked: RangeInclusive<usize>,
}

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// How many tokens there are.
    pub tokens: u32,
    /// How often all that is measured takes its turn.
    pub rounds: usize,
}

/// What a run was told.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How many tokens there are.
    pub tokens: u32,
    /// How often all that is measured takes its turn.
    pub rounds: usize,
    /// How many verifies one is timed for in a turn.
    pub asked: usize,
}

impl Settings {
    /// From the command line; `None` if help was asked for.
    ///
    /// # Errors
    /// If the line cannot be read.
    pub fn from_args(usage: &Usage) -> Result<Option<Settings>> {
        let (mut size, mut tokens, mut rounds) = (usage.full, None, None);
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut number = || -> Result<u32> {
                let text = args.next().ok_or_else(|| format!("{arg} needs a number"))?;
                Ok(text.replace([',', '_'], "").parse()?)
            };
            match arg.as_str() {
                // What cargo adds.
                "--bench" => {}
                "--quick" => size = usage.quick,
                "--tokens" => tokens = Some(number()?),
                "--rounds" => rounds = Some(number()? as usize),
                "--help" | "-h" => return Ok(None),
                other => return Err(format!("{other} is not known\n\n{usage}").into()),
            }
        }
        let (tokens, rounds) = (tokens.unwrap_or(size.tokens), rounds.unwrap_or(size.rounds));
        if (tokens as usize) < *usage.asked.start() || rounds == 0 {
            return Err(format!("too few of them\n\n{usage}").into());
        }
        let asked = (tokens as usize / rounds).clamp(*usage.asked.start(), *usage.asked.end());
        Ok(Some(Settings { tokens, rounds, asked }))
    }

    /// The places of the values that a round asks for.
    pub fn places(&self, round: usize) -> Range<usize> {
        let windows = self.tokens as usize / self.asked;
        let start = round % windows * self.asked;
        start..start + self.asked
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Usage { bench, full, quick, asked } = self;
        let [quick_tokens, full_tokens] = [quick.tokens, full.tokens].map(|tokens| grouped(tokens as usize));
        let least = grouped(*asked.start());
        write!(
            f,
            "cargo bench --bench {bench} -- [--quick] [--tokens N] [--rounds N]\n\n  \
             --quick     {quick_tokens} tokens and {} rounds: under a minute\n  \
             --tokens N  so many tokens, at least {least} ({full_tokens})\n  \
             --rounds N  so many rounds, from 1 on ({})",
            quick.rounds, full.rounds
        )
    }
}

/// A number with a comma before each three digits.
fn grouped(number: usize) -> String {
    match number {
        under if under < 1_000 => under.to_string(),
        over => format!("{},{:03}", grouped(over / 1_000), over % 1_000),
    }
}
