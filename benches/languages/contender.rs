//! A contender as a process of its own, which waits until it is its turn.

use std::process::Command;

use tokenstore_benches::{Prepared, Result, Worker};

pub(crate) struct Contender(Worker);

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
        let mut worker = Worker::start(name, program)?;
        worker.ready()?;
        Ok(Contender(worker))
    }

    /// # Panics
    /// Unless every answer was the right token.
    pub(crate) fn take(&mut self, Turn { kind, first, count, times }: Turn) -> Result<Took> {
        let Contender(worker) = self;
        worker.tell(&format!("{kind} {first} {count} {times}"))?;
        let line = worker.hear()?;
        let words: Vec<&str> = line.split(' ').collect();
        let [ns, right, allocations] = words[..] else {
            return Err(format!("{} said {line:?}", worker.name()).into());
        };
        assert_eq!(right.parse(), Ok(count * times), "{}: a verify took a token for another", worker.name());
        Ok(Took { ns_each: ns.parse::<f64>()? / (count * times) as f64, allocations: allocations.parse()? })
    }

    /// Lets it close its store and end.
    pub(crate) fn end(self) -> Result<()> {
        self.0.end()
    }
}
