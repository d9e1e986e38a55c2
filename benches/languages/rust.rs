//! The contender in Rust: the same program again, told to be it. It does what `child.c` does for the others.

use std::io::{BufRead as _, Write as _};

use rustix::time::{ClockId, clock_gettime};
use tokenstore::{Options, Query, Store, Verdict};
use tokenstore_benches::{Result, SHARED_PROJECT};

use crate::prepared::{TYPE_NAME, USE_RESOLUTION};

/// The first argument of a program that is to be the contender.
pub(crate) const CALL: &str = "be-the-contender-in-rust";
/// How many values a batch has, here and in `child.h`.
const BATCH: usize = 256;

/// Values that lie one behind the other, and the number that each of their tokens has.
#[derive(Clone, Copy)]
struct Asked<'a> {
    bytes: &'a [u8],
    width: usize,
    numbers: &'a [u64],
}

pub(crate) fn child(mut args: impl Iterator<Item = String>) -> Result<()> {
    let (Some(store), Some(values), Some(numbers)) = (args.next(), args.next(), args.next()) else {
        return Err("STORE VALUES NUMBERS".into());
    };
    let (bytes, numbers) = (std::fs::read(values)?, std::fs::read(numbers)?);
    let numbers: Vec<u64> = numbers.as_chunks().0.iter().map(|number| u64::from_ne_bytes(*number)).collect();
    let width = bytes.len() / numbers.len();
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
        let asked = Asked {
            bytes: &bytes[first * width..(first + count) * width],
            width,
            numbers: &numbers[first..first + count],
        };
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
fn singles(store: &Store, query: &Query, asked: Asked<'_>) -> usize {
    let mut right = 0;
    for (value, number) in asked.bytes.chunks_exact(asked.width).zip(asked.numbers) {
        let verdict = store.verify(value, query).expect("the query is good");
        // All of it lies in memory, as it does for whoever calls through the C interface.
        right += usize::from(is(std::hint::black_box(&verdict), *number));
    }
    right
}

#[inline(never)]
fn batches(store: &Store, query: &Query, asked: Asked<'_>) -> usize {
    let mut verdicts = [Verdict::default(); BATCH];
    let mut right = 0;
    let runs = asked.bytes.chunks(BATCH * asked.width).zip(asked.numbers.chunks(BATCH));
    for (bytes, numbers) in runs {
        let mut values = [&[][..]; BATCH];
        for (place, value) in values.iter_mut().zip(bytes.chunks_exact(asked.width)) {
            *place = value;
        }
        let (values, verdicts) = (&values[..numbers.len()], &mut verdicts[..numbers.len()]);
        store.verify_many(values, query, verdicts).expect("the query is good");
        right += verdicts.iter().zip(numbers).filter(|(verdict, number)| is(verdict, **number)).count();
    }
    right
}

#[inline]
fn is(verdict: &Verdict, number: u64) -> bool {
    verdict.allowed() && verdict.identity().is_some_and(|who| who.app_word == number)
}
