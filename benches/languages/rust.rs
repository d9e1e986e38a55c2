//! The contender in Rust: the same program again, told to be it. It does what `child.c` does for the others.

use std::io::{BufRead as _, Write as _};
use std::path::Path;

use rustix::time::{ClockId, clock_gettime};
use tokenstore::{Options, Query, Store, Verdict};
use tokenstore_benches::{Result, SHARED_PROJECT, TYPE_NAME, USE_RESOLUTION, Values, Window};

/// The first argument of a program that is to be the contender.
pub(crate) const CALL: &str = "be-the-contender-in-rust";
/// How many values a batch has, here and in `child.h`.
const BATCH: usize = 256;

pub(crate) fn child(mut args: impl Iterator<Item = String>) -> Result<()> {
    let (Some(store), Some(values), Some(numbers)) = (args.next(), args.next(), args.next()) else {
        return Err("STORE VALUES NUMBERS".into());
    };
    let values = Values::read(Path::new(&values), Path::new(&numbers))?;
    let store = Options::new().use_resolution(USE_RESOLUTION).open(store)?;
    let type_id = store.find_type(TYPE_NAME).ok_or("the type is not declared")?;
    let mut out = std::io::stdout();
    writeln!(out, "ready")?;

    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split(' ').collect();
        let [name, first, count, times] = words[..] else {
            return Err(format!("{line} is no turn").into());
        };
        let (first, count, times) =
            (first.parse::<usize>()?, count.parse::<usize>()?, times.parse::<usize>()?);
        let asked = values.window(first..first + count);
        let query = match name {
            "project" => Query::of_type(type_id).project(SHARED_PROJECT),
            _ => Query::of_type(type_id),
        };
        let run = if name == "batch" { batches } else { singles };
        let start = cpu_ns();
        let right: usize = (0..times).map(|_| run(&store, &query, asked)).sum();
        // Allocations are counted from C, where it takes no unsafe code.
        writeln!(out, "{} {right} 0", cpu_ns() - start)?;
    }
    Ok(store.close()?)
}

/// This thread's time on the processor: while another program has it, no time passes.
fn cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

#[inline(never)]
fn singles(store: &Store, query: &Query, asked: Window<'_>) -> usize {
    let mut right = 0;
    for (value, number) in asked.iter() {
        let verdict = store.verify(value, query).expect("the query is good");
        // All of it lies in memory, as it does for whoever calls through the C interface.
        right += usize::from(is(std::hint::black_box(&verdict), number));
    }
    right
}

#[inline(never)]
fn batches(store: &Store, query: &Query, asked: Window<'_>) -> usize {
    let mut verdicts = [Verdict::default(); BATCH];
    let mut right = 0;
    for batch in asked.chunks(BATCH) {
        let mut values = [&[][..]; BATCH];
        for (place, value) in values.iter_mut().zip(batch.values()) {
            *place = value;
        }
        let (values, verdicts) = (&values[..batch.len()], &mut verdicts[..batch.len()]);
        store.verify_many(values, query, verdicts).expect("the query is good");
        right +=
            verdicts.iter().zip(batch.iter()).filter(|(verdict, (_, number))| is(verdict, *number)).count();
    }
    right
}

#[inline]
fn is(verdict: &Verdict, number: u64) -> bool {
    verdict.allowed() && verdict.identity().is_some_and(|who| who.app_word == number)
}
