//! The program as a worker: it has a store open, and does what each line says.

use std::io::{BufRead as _, Write as _};
use std::path::Path;
use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};
use tokenstore::{Options, Query, Store, TypeId};
use tokenstore_benches::{Result, TYPE_NAME, Typical, USE_RESOLUTION, Values, Window};

/// The first argument of a program that is to be a worker.
pub(crate) const CALL: &str = "be-a-worker";

/// Who may have a store open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// One process alone.
    Exclusive,
    /// Several.
    Shared,
}

impl Mode {
    const ALL: [Mode; 2] = [Mode::Exclusive, Mode::Shared];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Mode::Exclusive => "exclusive",
            Mode::Shared => "shared",
        }
    }

    pub(crate) fn options(self) -> Options {
        Options::new().use_resolution(USE_RESOLUTION).shared(self == Mode::Shared)
    }
}

struct Child {
    store: Store,
    type_id: TypeId,
    values: Values,
}

pub(crate) fn run(mut args: impl Iterator<Item = String>) -> Result<()> {
    let (Some(mode), Some(path), Some(values), Some(numbers)) =
        (args.next(), args.next(), args.next(), args.next())
    else {
        return Err("MODE STORE VALUES NUMBERS".into());
    };
    let mode = Mode::ALL.into_iter().find(|known| known.name() == mode).ok_or("no such mode")?;
    let values = Values::read(Path::new(&values), Path::new(&numbers))?;
    let store = mode.options().open(path)?;
    let type_id = store.find_type(TYPE_NAME).ok_or("the type is not declared")?;
    let child = Child { store, type_id, values };
    let mut out = std::io::stdout();
    writeln!(out, "ready")?;
    for line in std::io::stdin().lock().lines() {
        let answer = child.answer(&line?)?;
        // In one piece, so that whoever waits wakes up once.
        out.write_all(format!("{answer}\n").as_bytes())?;
    }
    Ok(child.store.close()?)
}

impl Child {
    fn answer(&self, line: &str) -> Result<String> {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["verify", first, count, start_ns] => {
                let (first, count) = (first.parse::<usize>()?, count.parse::<usize>()?);
                let asked = self.values.window(first..first + count);
                let start = wait_until(start_ns.parse()?);
                let right = self.verify(asked);
                Ok(format!("{} {right}", start.elapsed().as_nanos()))
            }
            ["look", place] => self.look(place.parse()?),
            ["create", first, count, start_ns] => {
                self.create(first.parse()?, count.parse()?, start_ns.parse()?)
            }
            _ => Err(format!("{line} is nothing to do").into()),
        }
    }

    /// How many of these values verify as their token.
    #[inline(never)]
    fn verify(&self, asked: Window<'_>) -> usize {
        let query = Query::of_type(self.type_id);
        let mut right = 0;
        for (value, number) in asked.iter() {
            let verdict = self.store.verify(std::hint::black_box(value), &query).expect("the query is good");
            right += usize::from(
                verdict.allowed() && verdict.identity().is_some_and(|who| who.app_word == number),
            );
        }
        right
    }

    /// Verifies one value: the time it took, the answer, and the token's number.
    fn look(&self, place: usize) -> Result<String> {
        let query = Query::of_type(self.type_id);
        let value = self.values.window(place..place + 1).values().next().ok_or("no such place")?;
        let start = Instant::now();
        let verdict = self.store.verify(value, &query);
        let time = start.elapsed();
        let verdict = verdict?;
        let word = verdict.identity().map_or(0, |who| who.app_word);
        Ok(format!("{} {} {word}", time.as_nanos(), verdict.status().name()))
    }

    /// Makes tokens one by one: the time all took, the longest one, and their values.
    fn create(&self, first: u64, count: u64, start_ns: u64) -> Result<String> {
        let new: Vec<_> = (first..first + count)
            .map(|number| Typical::new(number, self.values.all().len() as u64).to_new_token(self.type_id))
            .collect();
        let (mut made, mut longest_ns) = (Vec::with_capacity(new.len()), 0);
        let start = wait_until(start_ns);
        for token in &new {
            let before = Instant::now();
            made.push(self.store.create(token)?);
            longest_ns = longest_ns.max(before.elapsed().as_nanos());
        }
        let mut answer = format!("{} {longest_ns}", start.elapsed().as_nanos());
        for created in &made {
            answer.push(' ');
            answer.push_str(created.value.as_str());
        }
        Ok(answer)
    }
}

/// Waits, busily, so that several processes begin at once.
fn wait_until(start_ns: u64) -> Instant {
    while monotonic_ns() < start_ns {
        std::hint::spin_loop();
    }
    Instant::now()
}

/// The time of a clock that all processes have.
pub(crate) fn monotonic_ns() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
