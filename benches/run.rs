//! A run from its start to the figures on the screen and in a file.

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::{Machine, Report, Result};

/// A run of a benchmark.
pub struct Run {
    bench: &'static str,
    scratch: PathBuf,
    machine: Machine,
    start: Instant,
}

impl Run {
    /// It starts now. `scratch` is where cargo lets benchmarks write.
    pub fn new(bench: &'static str, scratch: &str) -> Run {
        Run { bench, scratch: scratch.into(), machine: Machine::this(), start: Instant::now() }
    }

    /// Where there is room for what the run makes.
    pub fn scratch(&self) -> &Path {
        &self.scratch
    }

    /// Prints the machine, the command and all figures, and writes the figures into the target folder.
    ///
    /// # Errors
    /// What writing the file said.
    pub fn finish(self, mut report: Report) -> Result<()> {
        let Run { bench, scratch, machine, start } = self;
        report.add("run_s", start.elapsed().as_secs_f64(), "how long all this took, in seconds");
        println!("\n{machine}\n{}\n\n{}", command_line(bench), report.table());
        let json = scratch.parent().unwrap_or(&scratch).join(format!("{bench}.json"));
        report.write_json(&json)?;
        println!("written to {}", json.display());
        Ok(())
    }
}

fn command_line(bench: &str) -> String {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let line = format!("cargo bench --bench {bench}");
    if args.is_empty() { line } else { format!("{line} -- {}", args.join(" ")) }
}

/// Says what is being done, on the side of what the run prints in the end.
pub fn progress(what: &str) {
    eprintln!("{what} ...");
}
