//! What Python takes, which its own program measures.

use std::process::Command;

use tokenstore_benches::{Report, Result, Settings, Target};

use crate::compiled::{Compiled, run, source};

/// What the program's figures should be, and mean.
const FIGURES: [(&str, Option<Target>, &str); 9] = [
    ("verify_ns", None, "a verify from Python, one at a time, random order"),
    ("bare_call_ns", None, "a call from Python that does nothing, with a verify's arguments"),
    ("verify_vs_bare_call", Some(Target::AtMost(2.0)), "the one over the other"),
    ("batch_of_1000_ns", None, "one of a batch of 1,000 from Python"),
    ("batch_of_10000_ns", None, "one of a batch of 10,000"),
    ("busy_p50_us", None, "a verify beside a busy thread of Python, in us: half are faster"),
    ("busy_p99_us", Some(Target::AtMost(100.0)), "the same: 99 of 100 are faster"),
    ("busy_released_p50_us", None, "the same if a verify let go the interpreter's lock: half are faster"),
    ("busy_released_p99_us", None, "the same: 99 of 100 are faster"),
];

/// Adds what the program tells, as `python_...`, and its batches over C's.
pub(crate) fn measure(
    settings: &Settings,
    compiled: &Compiled,
    c_batch_ns: f64,
    report: &mut Report,
) -> Result<()> {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut program = Command::new(python);
    program.arg(source("python_verify.py")).arg("--library").arg(&compiled.library);
    program.arg("--bare").arg(&compiled.bare).args(["--tokens", &settings.tokens.to_string()]);
    // Nothing of a run stays in the tree.
    let said = run(program.env("PYTHONDONTWRITEBYTECODE", "1"))?;
    let said: serde_json::Value = serde_json::from_str(&said)?;
    let figure = |name: &str| {
        let figure = said.get(name).and_then(serde_json::Value::as_f64);
        figure.ok_or_else(|| format!("python_verify.py does not tell {name}:\n{said}"))
    };
    for (name, target, meaning) in FIGURES {
        let (name, value) = (format!("python_{name}"), figure(name)?);
        match target {
            Some(target) => report.aim(name, value, target, meaning),
            None => report.add(name, value, meaning),
        }
    }
    report.aim(
        "python_batch_vs_c",
        c_batch_ns / figure("batch_ns")?,
        Target::AtLeast(0.6),
        "how many a second Python verifies in batches, over C",
    );
    Ok(())
}
