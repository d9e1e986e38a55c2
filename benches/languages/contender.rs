//! A contender as a process of its own, which waits until it is its turn.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use tokenstore_benches::Result;

use crate::prepared::Prepared;

pub(crate) struct Contender {
    name: &'static str,
    process: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

/// What a contender is asked for in its turn.
#[derive(Clone, Copy)]
pub(crate) struct Turn {
    /// `single`, `project` or `batch`.
    pub(crate) kind: &'static str,
    pub(crate) first: usize,
    pub(crate) count: usize,
    /// How often the same values are gone through.
    pub(crate) times: usize,
}

/// What it took.
pub(crate) struct Took {
    pub(crate) ns_each: f64,
    pub(crate) allocations: u64,
}

impl Contender {
    /// Starts a program with a copy of the store, and waits until it has opened it.
    pub(crate) fn start(name: &'static str, mut program: Command, prepared: &Prepared) -> Result<Contender> {
        program.arg(prepared.store_for(name)?).args([&prepared.values, &prepared.numbers]);
        let mut process = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let to = process.stdin.take();
        let from = BufReader::new(process.stdout.take().ok_or("no output")?);
        let mut contender = Contender { name, process, to, from };
        match contender.line()?.as_str() {
            "ready" => Ok(contender),
            other => Err(format!("{name} said {other:?}").into()),
        }
    }

    /// # Panics
    /// Unless every answer was the right token.
    pub(crate) fn take(&mut self, Turn { kind, first, count, times }: Turn) -> Result<Took> {
        let to = self.to.as_mut().ok_or("the contender has ended")?;
        writeln!(to, "{kind} {first} {count} {times}")?;
        let line = self.line()?;
        let words: Vec<&str> = line.split(' ').collect();
        let [ns, right, allocations] = words[..] else {
            return Err(format!("{} said {line:?}", self.name).into());
        };
        assert_eq!(right.parse(), Ok(count * times), "{}: a verify took a token for another", self.name);
        Ok(Took { ns_each: ns.parse::<f64>()? / (count * times) as f64, allocations: allocations.parse()? })
    }

    /// Lets it close its store and end.
    pub(crate) fn end(mut self) -> Result<()> {
        self.to = None;
        let status = self.process.wait()?;
        if status.success() { Ok(()) } else { Err(format!("{}: {status}", self.name).into()) }
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.from.read_line(&mut line)?;
        if line.is_empty() {
            return Err(format!("{} ended: {}", self.name, self.process.wait()?).into());
        }
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Contender {
    fn drop(&mut self) {
        // One that is still there after an error ends when it is told nothing more.
        self.to = None;
        let _ended = self.process.wait();
    }
}
