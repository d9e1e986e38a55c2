//! A program that works beside the benchmark.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::Result;

/// A process that is told lines, answers each with a line, and ends when it is told nothing more.
pub struct Worker {
    name: String,
    process: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Worker {
    /// Starts a program, which says `ready` when it is.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(name: impl Into<String>, mut program: Command) -> Result<Worker> {
        let mut process = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let to = process.stdin.take();
        let from = BufReader::new(process.stdout.take().ok_or("no output")?);
        Ok(Worker { name: name.into(), process, to, from })
    }

    /// Waits until it is ready.
    ///
    /// # Errors
    /// If it ends before, or says anything else.
    pub fn ready(&mut self) -> Result<()> {
        match self.hear()?.as_str() {
            "ready" => Ok(()),
            other => Err(format!("{} said {other:?}", self.name).into()),
        }
    }

    /// Tells it a line, and goes on.
    ///
    /// # Errors
    /// If it has ended.
    pub fn tell(&mut self, line: &str) -> Result<()> {
        let to = self.to.as_mut().ok_or("the worker was told to end")?;
        // In one piece, so that it wakes up once.
        Ok(to.write_all(format!("{line}\n").as_bytes())?)
    }

    /// Waits for its next line.
    ///
    /// # Errors
    /// If it has ended.
    pub fn hear(&mut self) -> Result<String> {
        let mut line = String::new();
        self.from.read_line(&mut line)?;
        if line.is_empty() {
            return Err(format!("{} ended: {}", self.name, self.process.wait()?).into());
        }
        Ok(line.trim_end().to_owned())
    }

    /// Lets it end.
    ///
    /// # Errors
    /// If it fails.
    pub fn end(mut self) -> Result<()> {
        self.to = None;
        let status = self.process.wait()?;
        if status.success() { Ok(()) } else { Err(format!("{}: {status}", self.name).into()) }
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // One that is still there after an error ends when it is told nothing more.
        self.to = None;
        let _ended = self.process.wait();
    }
}
