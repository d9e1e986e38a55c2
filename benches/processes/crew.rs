//! Workers, and how they are told to begin at once.

use std::path::Path;
use std::process::Command;

use tokenstore_benches::{Prepared, Result, Worker};

use crate::child::{CALL, Mode, monotonic_ns};

/// How long before its start a turn is told: until then all have read it.
const HEAD_START_NS: u64 = 1_000_000;

/// Starts a process that opens the store. It is not waited for.
pub(crate) fn start(name: &str, mode: Mode, store: &Path, prepared: &Prepared) -> Result<Worker> {
    let mut program = Command::new(std::env::current_exe()?);
    program.args([CALL, mode.name()]).arg(store).args([&prepared.values, &prepared.numbers]);
    Worker::start(name, program)
}

/// Tells each worker a line that ends with the time to begin, the same for all. What each answers, in words.
pub(crate) fn at_once(workers: &mut [Worker], line: impl Fn(usize) -> String) -> Result<Vec<Vec<String>>> {
    let start_ns = monotonic_ns() + HEAD_START_NS;
    for (place, worker) in workers.iter_mut().enumerate() {
        worker.tell(&format!("{} {start_ns}", line(place)))?;
    }
    workers.iter_mut().map(|worker| Ok(words(&worker.hear()?))).collect()
}

/// A worker's answer.
pub(crate) fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}
