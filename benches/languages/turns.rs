//! Rust, C and C++ in turns.

use std::process::Command;

use tokenstore_benches::{Prepared, Report, Result, Settings, Target, median, progress};

use crate::compiled::Compiled;
use crate::contender::{Contender, Turn};
use crate::rust;

/// How many values fit into the processor's own memory, so that the call itself is what takes the time.
const HOT: usize = 1_000;

/// What is measured: its name, the loop, whether it is over a few values again and again.
const KINDS: [(&str, &str, bool); 4] = [
    ("verify", "single", false),
    ("verify_project", "project", false),
    ("verify_hot", "single", true),
    ("verify_batch", "batch", false),
];
/// Their places.
const SINGLE: usize = 0;
const PROJECT: usize = 1;
const SINGLE_HOT: usize = 2;
const BATCH: usize = 3;

/// One contender's times in each round, of each kind.
struct Times([Vec<f64>; KINDS.len()]);

impl Times {
    fn new() -> Times {
        Times(std::array::from_fn(|_| Vec::new()))
    }

    /// The median of the rounds.
    fn ns(&self, kind: usize) -> f64 {
        median(self.0[kind].clone())
    }

    /// The median of what this takes longer than another in the same round.
    fn over(&self, other: &Times, kind: usize) -> f64 {
        median(self.0[kind].iter().zip(&other.0[kind]).map(|(ns, other)| ns - other).collect())
    }
}

/// Measures all; what one of a batch takes from C, in ns.
pub(crate) fn measure(
    settings: &Settings,
    compiled: &Compiled,
    prepared: &Prepared,
    report: &mut Report,
) -> Result<f64> {
    progress("opening a store in each language");
    let mut in_rust = Command::new(std::env::current_exe()?);
    in_rust.arg(rust::CALL);
    let mut contenders = [
        Contender::start("rust", in_rust, prepared)?,
        Contender::start("c", Command::new(&compiled.c), prepared)?,
        Contender::start("cpp", Command::new(&compiled.cpp), prepared)?,
    ];
    // A token's first use in a day is noted, which is no part of what is measured.
    for contender in &mut contenders {
        contender.take(Turn { kind: "single", first: 0, count: settings.tokens as usize, times: 1 })?;
    }

    progress("verifying in rounds");
    let mut times = contenders.each_ref().map(|_| Times::new());
    let mut allocations = [0; 3];
    // The first round only warms the caches.
    for round in 0..=settings.rounds {
        for (kind, (_, run, hot)) in KINDS.into_iter().enumerate() {
            let (first, count) = (settings.places(round).start, settings.asked);
            let turn = match hot {
                true => Turn { kind: run, first, count: HOT, times: count / HOT },
                false => Turn { kind: run, first, count, times: 1 },
            };
            for place in 0..contenders.len() {
                // Who goes first in one round goes last in another.
                let who = (place + round) % contenders.len();
                let took = contenders[who].take(turn)?;
                allocations[who] += took.allocations;
                if round > 0 {
                    times[who].0[kind].push(took.ns_each);
                }
            }
        }
    }
    contenders.into_iter().try_for_each(Contender::end)?;
    tell(&times, allocations, report);
    let [_, c, _] = times;
    Ok(c.ns(BATCH))
}

fn tell([rust, c, cpp]: &[Times; 3], [_, c_allocations, cpp_allocations]: [u64; 3], report: &mut Report) {
    let at_most = Target::AtMost(10.0);
    report.aim(
        "c_minus_rust_ns",
        c.over(rust, SINGLE),
        at_most,
        "a verify from C, longer than from Rust by so many ns",
    );
    report.aim(
        "c_minus_rust_hot_ns",
        c.over(rust, SINGLE_HOT),
        at_most,
        "the same with 1,000 values again and again",
    );
    report.aim(
        "c_minus_rust_project_ns",
        c.over(rust, PROJECT),
        at_most,
        "the same as the first with a project checked",
    );
    report.aim(
        "cpp_minus_c_ns",
        cpp.over(c, SINGLE),
        at_most,
        "a verify by tokenstore.hpp, longer than from C",
    );
    report.aim(
        "cpp_minus_c_hot_ns",
        cpp.over(c, SINGLE_HOT),
        at_most,
        "the same with 1,000 values again and again",
    );
    let none = Target::AtMost(0.0);
    report.aim("c_allocations", c_allocations as f64, none, "what all verifies from C allocated");
    report.aim("cpp_allocations", cpp_allocations as f64, none, "the same by tokenstore.hpp");
    for (language, times) in [("rust", rust), ("c", c), ("cpp", cpp)] {
        for (kind, (name, ..)) in KINDS.into_iter().enumerate() {
            report.add(format!("{language}_{name}_ns"), times.ns(kind), meaning(name));
        }
    }
}

fn meaning(name: &str) -> &'static str {
    match name {
        "verify" => "a verify, in ns, as all that follow: random order, type checked",
        "verify_project" => "the same with a project checked",
        "verify_hot" => "the same as the first with 1,000 values again and again",
        _ => "one of a batch of 256",
    }
}
