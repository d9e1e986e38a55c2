//! SQLite: SHA-256, one table, write-ahead log, everything in its cache.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};
use tokenstore_benches::Result;

use crate::peer::{Peer, Row, TYPE, accept, now_ms};

/// Without row ids a verify goes down one tree instead of two.
const TABLE: &str = "
    CREATE TABLE tokens (
        digest BLOB PRIMARY KEY,
        number INTEGER NOT NULL,
        expires_ms INTEGER NOT NULL,
        type INTEGER NOT NULL,
        revoked INTEGER NOT NULL,
        owner TEXT NOT NULL,
        name TEXT NOT NULL,
        projects TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX names ON tokens (owner, name);";

const INSERT: &str = "
    INSERT INTO tokens (digest, number, expires_ms, type, revoked, owner, name, projects)
    VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7)";

const SELECT: &str = "SELECT number, expires_ms, type, revoked, owner FROM tokens WHERE digest = ?1";

pub(crate) struct Sqlite {
    connection: Connection,
    path: PathBuf,
}

impl Sqlite {
    fn open(path: PathBuf) -> Result<Sqlite> {
        let connection = Connection::open(&path)?;
        connection.busy_timeout(Duration::from_secs(600))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "cache_size", -(4 << 20))?;
        Ok(Sqlite { connection, path })
    }

    /// Another connection to the same file.
    pub(crate) fn another(&self) -> Result<Sqlite> {
        Sqlite::open(self.path.clone())
    }

    /// Puts one row in, in a durable commit.
    pub(crate) fn create_token(&self, row: &Row<'_>) -> Result<()> {
        let Row { value, token, expires_ms } = row;
        let digest = Sha256::digest(value);
        let projects = token.projects.join(" ");
        let mut insert = self.connection.prepare_cached(INSERT)?;
        insert.execute(params![
            digest.as_slice(),
            token.number as i64,
            expires_ms,
            TYPE,
            token.owner,
            token.name,
            projects
        ])?;
        Ok(())
    }

    fn verifier(&self) -> Result<impl FnMut(&[u8]) -> Option<u64>> {
        let mut select = self.connection.prepare(SELECT)?;
        let now_ms = now_ms();
        Ok(move |value: &[u8]| {
            let digest = Sha256::digest(value);
            let mut rows = select.query([digest.as_slice()]).expect("SQLite answers");
            let row = rows.next().expect("SQLite answers")?;
            accept(
                row.get::<_, i64>(0).expect("a number").cast_unsigned(),
                row.get(2).expect("a type"),
                row.get(1).expect("an expiry"),
                row.get(3).expect("a flag"),
                row.get_ref(4).and_then(|owner| Ok(owner.as_bytes()?)).expect("an owner"),
                now_ms,
            )
        })
    }
}

impl Peer for Sqlite {
    fn create(folder: &Path) -> Result<Sqlite> {
        let sqlite = Sqlite::open(folder.join("sqlite"))?;
        sqlite.connection.execute_batch(TABLE)?;
        Ok(sqlite)
    }

    fn insert(&mut self, rows: &[Row<'_>]) -> Result<()> {
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        rows.iter().try_for_each(|row| self.create_token(row))?;
        self.connection.execute_batch("COMMIT")?;
        Ok(())
    }

    fn warm(&mut self) -> Result<()> {
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        self.connection.query_row("SELECT sum(number) FROM tokens", [], |_| Ok(()))?;
        Ok(())
    }

    fn held(&self) -> Result<impl FnMut(&[u8]) -> Option<u64>> {
        let transaction = self.connection.unchecked_transaction()?;
        let mut verify = self.verifier()?;
        Ok(move |value: &[u8]| {
            let _held = &transaction;
            verify(value)
        })
    }

    fn each(&self) -> Result<impl FnMut(&[u8]) -> Option<u64>> {
        self.verifier()
    }

    fn used_bytes(&self) -> Result<u64> {
        let pragma = |name| self.connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let bytes = (pragma("page_count")? - pragma("freelist_count")?) * pragma("page_size")?;
        Ok(u64::try_from(bytes)?)
    }
}
