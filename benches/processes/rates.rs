//! How fast processes verify while nobody writes: with a store each, and with one store that they share.

use std::ops::Range;

use tokenstore_benches::{Prepared, Report, Result, Settings, Target, Worker, median, progress};

use crate::child::Mode;
use crate::crew;

/// How often all stores are opened anew: where a process's memory comes to lie is a matter of luck.
const OPENINGS: usize = 3;
/// How many turns each gets in a round that is asked for, of each opening.
const TURNS: usize = 3;
const AT_LEAST: Target = Target::AtLeast(0.9);

/// What a verify takes in each of two processes, in ns, turn by turn.
#[derive(Default)]
struct Times([Vec<f64>; 2]);

/// The times in one mode.
#[derive(Default)]
struct OfMode {
    /// One process after the other.
    alone: Times,
    /// Both at once.
    both: Times,
}

impl Times {
    /// Adds both processes' times in a round that is not the first.
    fn add(&mut self, round: usize, ns: &[f64]) {
        for (times, ns) in self.0.iter_mut().zip(ns).filter(|_| round > 0) {
            times.push(*ns);
        }
    }

    /// The median, of both processes.
    fn ns(&self) -> f64 {
        median(self.0.concat())
    }

    /// The median of one process's rate over its rate in other turns.
    fn rate_over(&self, other: &Times, process: usize) -> f64 {
        let turns = self.0[process].iter().zip(&other.0[process]);
        median(turns.map(|(ns, other_ns)| other_ns / ns).collect())
    }
}

pub(crate) fn measure(settings: &Settings, prepared: &Prepared, report: &mut Report) -> Result<()> {
    let label = label(settings.tokens);
    progress(&format!("verifying among {label} tokens"));
    let copy = |name| prepared.store_for(name);
    let (first, second, both) = (copy("first")?, copy("second")?, copy("both")?);
    let (mut exclusive, mut shared) = (OfMode::default(), OfMode::default());
    for _ in 0..OPENINGS {
        let start = |mode, store| crew::start(Mode::name(mode), mode, store, prepared);
        let mut with_one_each = [start(Mode::Exclusive, &first)?, start(Mode::Exclusive, &second)?];
        let mut with_one = [start(Mode::Shared, &both)?, start(Mode::Shared, &both)?];
        for workers in [&mut with_one_each, &mut with_one] {
            workers.iter_mut().try_for_each(Worker::ready)?;
            // A token's first use in a day is noted, which is no part of what is measured.
            turn(workers, 0..settings.tokens as usize)?;
        }
        // The first round only warms the caches.
        for round in 0..=settings.rounds * TURNS {
            let places = settings.places(round);
            let mut ways = [(&mut with_one_each, &mut exclusive), (&mut with_one, &mut shared)];
            // Who goes first in one round goes last in the next.
            ways.rotate_left(round % 2);
            for (workers, times) in &mut ways {
                let alone = workers.chunks_mut(1).map(|worker| turn(worker, places.clone()));
                let alone = alone.collect::<Result<Vec<_>>>()?.concat();
                times.alone.add(round, &alone);
            }
            for (workers, times) in &mut ways {
                times.both.add(round, &turn(&mut workers[..], places.clone())?);
            }
        }
        with_one_each.into_iter().chain(with_one).try_for_each(Worker::end)?;
    }
    tell(&label, &exclusive, &shared, report);
    Ok(())
}

/// Has workers verify the values in these places, all at once. What a verify takes in each of them, in ns.
///
/// # Panics
/// Unless every answer was the right token.
fn turn(workers: &mut [Worker], places: Range<usize>) -> Result<Vec<f64>> {
    let answers = crew::at_once(workers, |_| format!("verify {} {}", places.start, places.len()))?;
    answers
        .iter()
        .map(|answer| match &answer[..] {
            [ns, right] => {
                assert_eq!(right.parse(), Ok(places.len()), "a verify took a token for another");
                Ok(ns.parse::<f64>()? / places.len() as f64)
            }
            _ => Err(format!("{answer:?} is no answer").into()),
        })
        .collect()
}

fn tell(label: &str, exclusive: &OfMode, shared: &OfMode, report: &mut Report) {
    for (process, which) in ["first", "second"].into_iter().enumerate() {
        report.aim(
            format!("shared_vs_exclusive_{which}_{label}"),
            shared.both.rate_over(&exclusive.both, process),
            AT_LEAST,
            format!("two processes at once: the {which} one's rate in one shared store over that with a store each"),
        );
    }
    for (process, which) in ["first", "second"].into_iter().enumerate() {
        report.aim(
            format!("shared_vs_exclusive_{which}_alone_{label}"),
            shared.alone.rate_over(&exclusive.alone, process),
            AT_LEAST,
            format!("the {which} one's alone, the other waiting for its turn"),
        );
    }
    for (name, times, meaning) in [
        (
            "exclusive",
            &exclusive.alone,
            "a verify, in ns, as all that follow: one process after the other, a store each",
        ),
        ("shared", &shared.alone, "one process after the other, one store"),
        ("exclusive_two", &exclusive.both, "two processes at once, a store each"),
        ("shared_two", &shared.both, "two processes at once, one store"),
    ] {
        report.add(format!("{name}_ns_{label}"), times.ns(), meaning);
    }
}

/// A number of tokens in short.
fn label(tokens: u32) -> String {
    match tokens {
        millions if millions % 1_000_000 == 0 => format!("{}m", millions / 1_000_000),
        thousands if thousands % 1_000 == 0 => format!("{}k", thousands / 1_000),
        other => other.to_string(),
    }
}
