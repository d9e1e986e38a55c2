//! Verifying, one thread.

use std::collections::HashMap;
use std::time::Duration;

use tokenstore::Status;
use tokenstore_benches::{Report, Result, Settings, Target, Values, Window, median, progress};

use crate::floor::{self, Floor};
use crate::load::Peers;
use crate::ours::{Ours, Strangers};
use crate::peer::{Peer, now_ms, time_hits, time_misses};

/// What a round asks for.
#[derive(Clone, Copy)]
struct Asked<'a> {
    known: Window<'a>,
    unknown: Window<'a>,
    garbled: Window<'a>,
}

type Turn<'a> = Box<dyn FnMut(Asked<'_>) -> Result<Duration> + 'a>;

/// The time of a verify of each contender in each round, in nanoseconds.
#[derive(Default)]
struct Times(HashMap<&'static str, Vec<f64>>);

impl Times {
    fn add(&mut self, name: &'static str, time: Duration, asked: usize) {
        self.0.entry(name).or_default().push(time.as_secs_f64() * 1e9 / asked as f64);
    }

    fn ns(&self, name: &str) -> f64 {
        median(self.0[name].clone())
    }

    /// The median over the rounds of one's time over another's.
    fn ratio(&self, name: &str, over: &str) -> f64 {
        median(self.0[name].iter().zip(&self.0[over]).map(|(time, over)| time / over).collect())
    }
}

pub(crate) fn measure(
    settings: &Settings,
    ours: &Ours,
    peers: &Peers,
    floor: &Floor,
    values: &Values,
    report: &mut Report,
) -> Result<()> {
    let strangers = Strangers::new(settings.asked)?;
    check_refusals(ours, peers, &strangers)?;
    let asked = |round| Asked {
        known: values.window(settings.places(round)),
        unknown: strangers.unknown.all(),
        garbled: strangers.garbled.all(),
    };
    let mut times = Times::default();

    progress("verifying for the first time");
    for round in 0..settings.rounds {
        let known = asked(round).known;
        times.add("first_floor", floor.time(known), known.len());
        times.add("first", time_hits(known, ours.verifier(ours.query())), known.len());
    }

    progress("verifying in rounds");
    let mut first_turns = first_turns(ours, peers, floor);
    let mut later_turns = later_turns(ours, peers);
    let mut minute = None;
    for round in 0..=settings.rounds {
        // A token's first use in a minute is noted, which is measured above: here that is done before.
        if minute.replace(now_ms() / 60_000) != Some(now_ms() / 60_000) {
            ours.time_batches(values.all(), &ours.query());
            floor.time(values.all());
        }
        let mut take = |(name, run): &mut (&'static str, Turn<'_>), asked: Asked<'_>| -> Result<()> {
            let time = run(asked)?;
            // The first round only warms the caches.
            if round > 0 {
                times.add(name, time, asked.known.len());
            }
            Ok(())
        };
        // Who goes first in one round goes last in the next.
        let count = first_turns.len();
        for turn in 0..count {
            take(&mut first_turns[(turn + round) % count], asked(round))?;
        }
        // Everybody was asked for these values by now: the others get values that nobody was asked for lately.
        for (turn, contender) in later_turns.iter_mut().enumerate() {
            take(contender, asked(round + 1 + turn))?;
        }
    }
    drop((first_turns, later_turns));
    tell(&times, report);
    report.add(
        "floor_on_huge_pages",
        floor.huge_page_share,
        "how much of the floor's table is on huge pages, 1 is all",
    );
    Ok(())
}

/// Who is asked for the same values in a round.
fn first_turns<'a>(ours: &'a Ours, peers: &'a Peers, floor: &'a Floor) -> Vec<(&'static str, Turn<'a>)> {
    let Peers { sqlite, lmdb, redb } = peers;
    vec![
        ("floor", Box::new(|asked| Ok(floor.time(asked.known)))),
        ("verify", Box::new(|asked| Ok(time_hits(asked.known, ours.verifier(ours.query()))))),
        ("lmdb", Box::new(|asked| Ok(time_hits(asked.known, lmdb.held()?)))),
        ("redb", Box::new(|asked| Ok(time_hits(asked.known, redb.held()?)))),
        ("sqlite", Box::new(|asked| Ok(time_hits(asked.known, sqlite.each()?)))),
        ("hash", Box::new(|asked| Ok(floor::time_hash(asked.known)))),
    ]
}

/// The same contenders asked in other ways.
fn later_turns<'a>(ours: &'a Ours, peers: &'a Peers) -> Vec<(&'static str, Turn<'a>)> {
    let Peers { sqlite, lmdb, redb } = peers;
    vec![
        ("project", Box::new(|asked| Ok(time_hits(asked.known, ours.verifier(ours.project_query()))))),
        ("lmdb_each", Box::new(|asked| Ok(time_hits(asked.known, lmdb.each()?)))),
        ("new_query", Box::new(|asked| Ok(time_hits(asked.known, ours.project_verifier())))),
        ("redb_each", Box::new(|asked| Ok(time_hits(asked.known, redb.each()?)))),
        ("batch", Box::new(|asked| Ok(ours.time_batches(asked.known, &ours.query())))),
        ("sqlite_held", Box::new(|asked| Ok(time_hits(asked.known, sqlite.held()?)))),
        ("batch_project", Box::new(|asked| Ok(ours.time_batches(asked.known, &ours.project_query())))),
        ("unknown", Box::new(|asked| Ok(time_misses(asked.unknown, ours.verifier(ours.query()))))),
        ("garbled", Box::new(|asked| Ok(time_misses(asked.garbled, ours.verifier(ours.query()))))),
    ]
}

/// What nobody has is refused by all, and by tokenstore for the right reason.
fn check_refusals(ours: &Ours, peers: &Peers, strangers: &Strangers) -> Result<()> {
    for (window, status) in
        [(strangers.unknown.all(), Status::Unknown), (strangers.garbled.all(), Status::Malformed)]
    {
        for value in window.values() {
            assert_eq!(ours.store.verify(value, &ours.query())?.status(), status);
        }
        time_misses(window, peers.sqlite.held()?);
        time_misses(window, peers.lmdb.held()?);
        time_misses(window, peers.redb.held()?);
    }
    Ok(())
}

fn tell(times: &Times, report: &mut Report) {
    use Target::{AtLeast, AtMost};
    let aims = [
        (
            "verify_vs_sqlite",
            "sqlite",
            "verify",
            AtLeast(20.0),
            "SQLite's time over ours, prepared, a statement each",
        ),
        (
            "verify_vs_lmdb",
            "lmdb",
            "verify",
            AtLeast(5.0),
            "LMDB's time over ours, its transaction held all the time",
        ),
        (
            "verify_vs_redb",
            "redb",
            "verify",
            AtLeast(10.0),
            "plain redb's time over ours, its table held all the time",
        ),
        (
            "verify_vs_floor",
            "verify",
            "floor",
            AtMost(1.35),
            "our time over the floor's: one keyed hash, one read",
        ),
        (
            "batch_vs_single",
            "verify",
            "batch",
            AtLeast(2.0),
            "a verify's time alone over its time in a batch of 256",
        ),
    ];
    for (name, of, over, target, meaning) in aims {
        report.aim(name, times.ratio(of, over), target, meaning);
    }
    let ratios = [
        (
            "verify_vs_sqlite_held",
            "sqlite_held",
            "verify",
            "SQLite's in one transaction, blind to revocations",
        ),
        ("verify_vs_lmdb_each", "lmdb_each", "verify", "LMDB's in a transaction for each verify"),
        ("verify_vs_redb_each", "redb_each", "verify", "plain redb's in a transaction for each verify"),
        ("verify_project_vs_floor", "project", "floor", "our time with a project checked over the floor's"),
        (
            "verify_first_use_vs_floor",
            "first",
            "first_floor",
            "our time when each use is the minute's first, and noted",
        ),
        (
            "miss_vs_floor",
            "unknown",
            "floor",
            "our time for a value that nobody has over the floor's for known ones",
        ),
    ];
    for (name, of, over, meaning) in ratios {
        report.add(name, times.ratio(of, over), meaning);
    }
    let absolutes = [
        (
            "verify_ns",
            "verify",
            "a verify, in ns, as all that follow; with type, expiry and revocation checked",
        ),
        ("verify_project_ns", "project", "the same with a project checked, by a query made once"),
        ("verify_project_new_query_ns", "new_query", "the same by a query made for each verify"),
        ("verify_batch_ns", "batch", "one of a batch of 256"),
        ("verify_batch_project_ns", "batch_project", "the same with a project checked"),
        ("verify_first_use_ns", "first", "a verify that notes the first use in a minute"),
        ("miss_ns", "unknown", "a value of the right make that nobody has"),
        ("malformed_ns", "garbled", "a value with a wrong check character, refused before it is hashed"),
        ("hash_ns", "hash", "the keyed hash alone"),
        ("floor_ns", "floor", "the floor: the keyed hash and one read that depends on it"),
        ("sqlite_ns", "sqlite", "SQLite"),
        ("sqlite_held_ns", "sqlite_held", "SQLite in one transaction"),
        ("lmdb_ns", "lmdb", "LMDB in one transaction"),
        ("lmdb_each_ns", "lmdb_each", "LMDB"),
        ("redb_ns", "redb", "plain redb in one transaction"),
        ("redb_each_ns", "redb_each", "plain redb"),
    ];
    for (name, of, meaning) in absolutes {
        report.add(name, times.ns(of), meaning);
    }
}
