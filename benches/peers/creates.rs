//! Durable creates: each is on the disk when it returns.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Barrier, Mutex};
use std::time::{Duration, Instant};

use tokenstore_benches::{Report, Result, Settings, Target, Typical, progress};

use crate::ours::{Ours, spare_values};
use crate::peer::Row;
use crate::sqlite::Sqlite;

/// How many creates one makes before it is the other's turn.
const TURN: usize = 10;
/// How many turns each gets in a round.
const TURNS: usize = 6;
const THREADS: usize = 64;
/// How many creates each of the threads makes in one of their rounds.
const EACH_OURS: usize = 24;
const EACH_SQLITE: usize = 6;
const THREAD_ROUNDS: usize = 3;

/// Hands out tokens that were never made.
struct Fresh {
    tokens: u64,
    next: AtomicU64,
    /// Values for SQLite, which makes none.
    values: Mutex<Vec<Vec<u8>>>,
}

impl Fresh {
    fn token(&self) -> Typical {
        Typical::new(self.next.fetch_add(1, Ordering::Relaxed), self.tokens)
    }

    fn create(&self, ours: &Ours) {
        ours.store.create(&self.token().to_new_token(ours.type_id)).expect("a durable create");
    }

    fn insert(&self, sqlite: &Sqlite) {
        let value = self.values.lock().expect("no thread failed").pop().expect("there are enough values");
        sqlite.create_token(&Row::new(&value, self.token())).expect("a durable insert");
    }
}

pub(crate) fn measure(settings: &Settings, ours: &Ours, sqlite: &Sqlite, report: &mut Report) -> Result<()> {
    let tokens = u64::from(settings.tokens);
    let turns = settings.rounds * TURNS;
    let values = spare_values(turns * TURN + 2 * THREAD_ROUNDS * THREADS * EACH_SQLITE)?;
    let fresh = Fresh { tokens, next: AtomicU64::new(tokens), values: Mutex::new(values) };

    progress("creating with one thread");
    let (mut ours_time, mut sqlite_time) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..turns {
        ours_time += timed(|| (0..TURN).for_each(|_| fresh.create(ours)));
        sqlite_time += timed(|| (0..TURN).for_each(|_| fresh.insert(sqlite)));
    }
    let each_us = |time: Duration| time.as_secs_f64() * 1e6 / (turns * TURN) as f64;
    let (ours_us, sqlite_us) = (each_us(ours_time), each_us(sqlite_time));
    report.aim(
        "create_vs_sqlite",
        sqlite_us / ours_us,
        Target::AtLeast(1.0 / 1.9),
        "SQLite's time for a durable create over ours: above 1 we are faster (two syncs against its one)",
    );
    report.add("create_us", ours_us, "a durable create, in us");
    report.add("sqlite_create_us", sqlite_us, "SQLite's, WAL, synchronous=FULL, its checkpoints included");

    progress("creating with 64 threads");
    let connections: Vec<Mutex<Sqlite>> =
        (0..THREADS).map(|_| sqlite.another().map(Mutex::new)).collect::<Result<_>>()?;
    let (mut ours_time, mut sqlite_time, mut shared_time) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    for _ in 0..THREAD_ROUNDS {
        ours_time += together(EACH_OURS, |_| fresh.create(ours));
        sqlite_time += together(EACH_SQLITE, |thread| fresh.insert(&locked(&connections[thread])));
        shared_time += together(EACH_SQLITE, |_| fresh.insert(&locked(&connections[0])));
    }
    let rate = |each: usize, time: Duration| (each * THREADS * THREAD_ROUNDS) as f64 / time.as_secs_f64();
    let ours_rate = rate(EACH_OURS, ours_time);
    let (sqlite_rate, shared_rate) = (rate(EACH_SQLITE, sqlite_time), rate(EACH_SQLITE, shared_time));
    report.aim(
        "create_64_threads_vs_one",
        ours_rate * ours_us / 1e6,
        Target::AtLeast(8.0),
        "64 threads' rate of durable creates over one's",
    );
    report.aim(
        "create_64_vs_sqlite_64",
        ours_rate / sqlite_rate,
        Target::AtLeast(5.0),
        "our rate with 64 threads over SQLite's with as many connections and a busy timeout",
    );
    report.add(
        "create_64_vs_sqlite_64_one_connection",
        ours_rate / shared_rate,
        "the same over SQLite's with one connection that 64 threads take turns at",
    );
    report.add("create_64_per_s", ours_rate, "durable creates a second with 64 threads");
    report.add("sqlite_create_64_per_s", sqlite_rate, "SQLite's, a connection each");
    report.add("sqlite_create_64_one_connection_per_s", shared_rate, "SQLite's, one connection");
    Ok(())
}

/// The same once verifies left last uses behind, which commits write out on the way.
pub(crate) fn measure_used(settings: &Settings, ours: &Ours, report: &mut Report) {
    progress("creating with uses to write out");
    let used = settings.rounds * TURN;
    let token = |number| {
        let name = format!("Last key {number}");
        Typical { name, ..Typical::new(number as u64, settings.tokens.into()) }.to_new_token(ours.type_id)
    };
    let time = timed(|| {
        for number in 0..used {
            ours.store.create(&token(number)).expect("a durable create");
        }
    });
    report.add(
        "create_used_us",
        time.as_secs_f64() * 1e6 / used as f64,
        "a durable create, in us, when every token was verified since the store was opened: uses are written out, too",
    );
}

fn locked(connection: &Mutex<Sqlite>) -> std::sync::MutexGuard<'_, Sqlite> {
    connection.lock().expect("no thread failed")
}

/// The time that all threads together take to do the work so often each.
fn together(each: usize, work: impl Fn(usize) + Sync) -> Duration {
    let start = Barrier::new(THREADS + 1);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (start, work) = (&start, &work);
                scope.spawn(move || {
                    start.wait();
                    (0..each).for_each(|_| work(thread));
                })
            })
            .collect();
        start.wait();
        timed(|| threads.into_iter().for_each(|thread| thread.join().expect("no thread failed")))
    })
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}
