//! redb without tokenstore: a keyed hash, one table, everything in its cache.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use redb::{Builder, Database, ReadableDatabase, ReadableTable, TableDefinition};
use tokenstore_benches::Result;

use crate::peer::{Peer, Row, now_ms};
use crate::record::{Digest, digest, encode, verify};

const TOKENS: TableDefinition<'_, &Digest, &[u8]> = TableDefinition::new("tokens");
const CACHE_BYTES: usize = 4 << 30;

pub(crate) struct PlainRedb {
    /// None only while it is being reopened.
    database: Option<Database>,
    path: PathBuf,
}

impl PlainRedb {
    fn database(&self) -> &Database {
        self.database.as_ref().expect("it is open")
    }

    /// Opens the file anew and reads every value; returns how long that took.
    pub(crate) fn reopen_and_scan(&mut self) -> Result<Duration> {
        self.database = None;
        let start = Instant::now();
        self.database = Some(Builder::new().set_cache_size(CACHE_BYTES).open(&self.path)?);
        let table = self.database().begin_read()?.open_table(TOKENS)?;
        let mut sum = 0_u64;
        for row in table.iter()? {
            let (_, record) = row?;
            sum = record.value().iter().fold(sum, |sum, byte| sum.wrapping_add(u64::from(*byte)));
        }
        black_box(sum);
        Ok(start.elapsed())
    }
}

impl Peer for PlainRedb {
    fn create(folder: &Path) -> Result<PlainRedb> {
        let path = folder.join("redb");
        let database = Builder::new().set_cache_size(CACHE_BYTES).create(&path)?;
        Ok(PlainRedb { database: Some(database), path })
    }

    fn insert(&mut self, rows: &[Row<'_>]) -> Result<()> {
        let transaction = self.database().begin_write()?;
        let mut table = transaction.open_table(TOKENS)?;
        for row in rows {
            table.insert(&digest(row.value), encode(row).as_slice())?;
        }
        drop(table);
        Ok(transaction.commit()?)
    }

    fn warm(&mut self) -> Result<()> {
        self.reopen_and_scan().map(drop)
    }

    fn held(&self) -> Result<impl FnMut(&[u8]) -> Option<u64>> {
        let table = self.database().begin_read()?.open_table(TOKENS)?;
        let now_ms = now_ms();
        Ok(move |value: &[u8]| verify(table.get(&digest(value)).expect("redb answers")?.value(), now_ms))
    }

    fn each(&self) -> Result<impl FnMut(&[u8]) -> Option<u64>> {
        let now_ms = now_ms();
        Ok(move |value: &[u8]| {
            let transaction = self.database().begin_read().expect("redb answers");
            let table = transaction.open_table(TOKENS).expect("redb answers");
            verify(table.get(&digest(value)).expect("redb answers")?.value(), now_ms)
        })
    }

    fn used_bytes(&self) -> Result<u64> {
        let transaction = self.database().begin_write()?;
        let stats = transaction.stats()?;
        transaction.abort()?;
        Ok(stats.allocated_pages() * stats.page_size() as u64)
    }
}
