//! The same tokens into every contender. What tokenstore and SQLite take for it is the first figure.

use std::path::Path;
use std::time::{Duration, Instant};

use tokenstore::{Created, NewToken};
use tokenstore_benches::{PREFIX, Report, Result, Settings, Target, Typical, Values, progress};

use crate::lmdb::Lmdb;
use crate::ours::Ours;
use crate::peer::{Peer, Row};
use crate::plain_redb::PlainRedb;
use crate::sqlite::Sqlite;

/// How many tokens a commit has.
const COMMIT: usize = 4_096;
/// How many tokens one contender takes before it is the next one's turn.
const TURN: u32 = 16 * COMMIT as u32;
/// What a value has besides its prefix.
const TAIL_BYTES: usize = 37;

pub(crate) struct Peers {
    pub(crate) sqlite: Sqlite,
    pub(crate) lmdb: Lmdb,
    pub(crate) redb: PlainRedb,
}

pub(crate) struct Loaded {
    pub(crate) ours: Ours,
    pub(crate) peers: Peers,
    pub(crate) values: Values,
}

pub(crate) fn measure(settings: &Settings, folder: &Path, report: &mut Report) -> Result<Loaded> {
    progress("importing the tokens");
    let ours = Ours::create(folder)?;
    let mut peers = Peers {
        sqlite: Sqlite::create(folder)?,
        lmdb: Lmdb::create(folder)?,
        redb: PlainRedb::create(folder)?,
    };
    let mut values = Values::new(settings.tokens, PREFIX.len() + TAIL_BYTES);
    let (mut ours_time, mut sqlite_time) = (Duration::ZERO, Duration::ZERO);
    for first in (0..settings.tokens).step_by(TURN as usize) {
        let numbers = first..(first + TURN).min(settings.tokens);
        let tokens: Vec<Typical> =
            numbers.map(|number| Typical::new(number.into(), settings.tokens.into())).collect();
        let new: Vec<NewToken> = tokens.iter().map(|token| token.to_new_token(ours.type_id)).collect();

        let start = Instant::now();
        let created: Vec<Created> =
            ours.store.create_many(&new).into_iter().collect::<tokenstore::Result<_>>()?;
        ours_time += start.elapsed();

        for (token, created) in tokens.iter().zip(&created) {
            values.put(token.number as usize, created.value.as_bytes());
        }
        let rows: Vec<Row<'_>> =
            tokens.into_iter().map(|token| Row::new(values.of(token.number as usize), token)).collect();
        let start = Instant::now();
        rows.chunks(COMMIT).try_for_each(|rows| peers.sqlite.insert(rows))?;
        sqlite_time += start.elapsed();

        for rows in rows.chunks(COMMIT) {
            peers.lmdb.insert(rows)?;
            peers.redb.insert(rows)?;
        }
    }
    peers.sqlite.warm()?;
    peers.lmdb.warm()?;
    peers.redb.warm()?;

    let each = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(settings.tokens);
    report.aim(
        "import_vs_sqlite",
        sqlite_time.as_secs_f64() / ours_time.as_secs_f64(),
        Target::AtLeast(2.0),
        "SQLite's time to take all tokens, 4,096 a commit, over create_many's; making the values is in ours alone",
    );
    report.add("import_us", each(ours_time), "create_many, us a token");
    report.add(
        "sqlite_import_us",
        each(sqlite_time),
        "SQLite, us a token: unique digest, unique (owner, name)",
    );
    Ok(Loaded { ours, peers, values })
}
