//! Durable creates by several processes: each is on the disk, and known to all of them, when it returns.

use std::path::PathBuf;

use tokenstore::{Options, Query};
use tokenstore_benches::{Prepared, Report, Result, Settings, Values, Worker, median, progress};

use crate::child::Mode;
use crate::crew;

/// How many tokens each process makes in a turn.
const EACH: usize = 20;

/// Processes that have one store open, and what they made.
struct Crew {
    name: &'static str,
    meaning: &'static str,
    store: PathBuf,
    workers: Vec<Worker>,
    /// The tokens' numbers and values.
    made: Vec<(u64, String)>,
    /// In creates a second, turn by turn.
    rates: Vec<f64>,
    /// The longest that one of them took, in ms.
    longest_ms: f64,
}

pub(crate) fn measure(settings: &Settings, prepared: &Prepared, report: &mut Report) -> Result<()> {
    progress("creating with several processes");
    let mut crews = [
        (
            Mode::Exclusive,
            1,
            "create_exclusive",
            "durable creates a second by one process that has the store for itself",
        ),
        (Mode::Shared, 1, "create_shared_1", "by one process in a shared store"),
        (Mode::Shared, 2, "create_shared_2", "by two processes together, one store"),
        (Mode::Shared, 4, "create_shared_4", "by four processes together, one store"),
    ]
    .into_iter()
    .map(|(mode, processes, name, meaning)| {
        let store = prepared.store_for(name)?;
        let workers = (0..processes).map(|_| crew::start(name, mode, &store, prepared));
        let workers = workers.collect::<Result<_>>()?;
        let (made, rates) = (Vec::new(), Vec::new());
        Ok(Crew { name, meaning, store, workers, made, rates, longest_ms: 0.0 })
    })
    .collect::<Result<Vec<_>>>()?;
    for crew in &mut crews {
        crew.workers.iter_mut().try_for_each(Worker::ready)?;
    }
    // The first round only warms the caches.
    for round in 0..=settings.rounds {
        for turn in 0..crews.len() {
            // Who goes first in one round goes last in another.
            let crew = (turn + round) % crews.len();
            crews[crew].create(settings.tokens, round > 0)?;
        }
    }

    let values = Values::read(&prepared.values, &prepared.numbers)?;
    for crew in &mut crews {
        crew.workers.drain(..).try_for_each(Worker::end)?;
        crew.check(&values)?;
        report.add(format!("{}_per_s", crew.name), median(crew.rates.clone()), crew.meaning);
    }
    for crew in &crews {
        report.add(
            format!("{}_longest_ms", crew.name),
            crew.longest_ms,
            "the longest of these creates, in ms",
        );
    }
    Ok(())
}

impl Crew {
    /// Has each of its processes make tokens.
    fn create(&mut self, tokens: u32, counts: bool) -> Result<()> {
        let first = u64::from(tokens) + self.made.len() as u64;
        let number = |process: usize| first + (process * EACH) as u64;
        let answers =
            crew::at_once(&mut self.workers, |process| format!("create {} {EACH}", number(process)))?;
        let mut ns = 0.0_f64;
        for (process, answer) in answers.iter().enumerate() {
            let [all_ns, longest_ns, values @ ..] = &answer[..] else {
                return Err(format!("{} said {answer:?}", self.name).into());
            };
            assert_eq!(values.len(), EACH);
            ns = ns.max(all_ns.parse()?);
            if counts {
                self.longest_ms = self.longest_ms.max(longest_ns.parse::<f64>()? / 1e6);
            }
            self.made.extend((number(process)..).zip(values.iter().cloned()));
        }
        if counts {
            self.rates.push((EACH * answers.len()) as f64 / ns * 1e9);
        }
        Ok(())
    }

    /// # Panics
    /// Unless the tokens that were there and those that were made are there, and nothing else.
    fn check(&self, values: &Values) -> Result<()> {
        let store = Options::new().open(&self.store)?;
        assert_eq!(store.stats()?.tokens as usize, values.all().len() + self.made.len(), "{}", self.name);
        let made = self.made.iter().map(|(number, value)| (value.as_bytes(), *number));
        for (value, number) in made.chain(values.all().iter()) {
            let verdict = store.verify(value, &Query::any_type())?;
            let found = verdict.identity().filter(|_| verdict.allowed()).map(|who| who.app_word);
            assert_eq!(found, Some(number), "{}: a token is missing", self.name);
        }
        Ok(store.close()?)
    }
}
