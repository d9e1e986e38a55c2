//! redb's part of a file, written past the engine, as an accident or an attacker with redb at hand would: its
//! checksums and commits come out right.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use redb::{
    BackendError, Database, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition,
    WriteTransaction,
};

use super::disk::{Disk, Image};

/// Where redb's part begins.
pub(crate) const HEADER: usize = 4096;

/// The key of a record.
pub(crate) type Key = [u8; 17];

pub(crate) const RECORDS: TableDefinition<'_, &Key, &[u8]> = TableDefinition::new("records");
pub(crate) const HEAD: TableDefinition<'_, u8, &[u8]> = TableDefinition::new("head");
pub(crate) const EVENTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("events");
pub(crate) const LAST_USES: TableDefinition<'_, &[u8; 16], i64> = TableDefinition::new("last_uses");

/// redb's part of a file, for who writes to it past us.
#[derive(Debug)]
struct RedbPart(Arc<Disk>);

impl StorageBackend for RedbPart {
    fn len(&self) -> std::io::Result<u64> {
        Ok(self.0.len()?.saturating_sub(HEADER as u64))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        self.0.read(offset + HEADER as u64, out)
    }

    fn set_len(&self, len: u64) -> std::io::Result<()> {
        self.0.set_len(len + HEADER as u64)
    }

    fn sync_data(&self) -> std::io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> std::io::Result<()> {
        self.0.write(offset + HEADER as u64, data)
    }

    fn close(&self) -> std::io::Result<()> {
        self.0.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.try_lock_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.unlock_range(start, end)
    }
}

/// Every row of a file.
#[derive(Clone, Default)]
pub(crate) struct Rows {
    pub(crate) records: BTreeMap<Key, Vec<u8>>,
    pub(crate) head: Vec<u8>,
    pub(crate) events: BTreeMap<u64, Vec<u8>>,
}

pub(crate) fn rows(image: &Image) -> Rows {
    let database = Database::builder()
        .create_with_backend(RedbPart(Disk::new(image.clone())))
        .expect("redb opens its part");
    let transaction = database.begin_read().expect("redb reads");
    let records = transaction.open_table(RECORDS).expect("there are records");
    let events = transaction.open_table(EVENTS).expect("there are events");
    let head = transaction.open_table(HEAD).expect("there is a head");
    Rows {
        records: (records.iter().expect("redb reads"))
            .map(|row| row.map(|(key, row)| (*key.value(), row.value().to_vec())).expect("redb reads"))
            .collect(),
        head: head.get(0).expect("redb reads").expect("there is a head").value().to_vec(),
        events: (events.iter().expect("redb reads"))
            .map(|row| row.map(|(key, row)| (key.value(), row.value().to_vec())).expect("redb reads"))
            .collect(),
    }
}

/// Lets `change` write to redb's part, as it likes, and closes it: checksums and commits are redb's own.
pub(crate) fn written(image: &Image, change: impl FnOnce(&WriteTransaction)) -> Image {
    let disk = Disk::new(image.clone());
    let database =
        Database::builder().create_with_backend(RedbPart(Arc::clone(&disk))).expect("redb opens its part");
    let mut transaction = database.begin_write().expect("redb writes");
    transaction.set_two_phase_commit(true);
    change(&transaction);
    transaction.commit().expect("redb commits");
    database.close().expect("redb closes");
    disk.image()
}

pub(crate) fn put_record(image: &Image, key: &Key, row: Option<&[u8]>) -> Image {
    written(image, |transaction| {
        let mut records = transaction.open_table(RECORDS).expect("there are records");
        match row {
            Some(row) => records.insert(key, row).map(drop),
            None => records.remove(key).map(drop),
        }
        .expect("redb writes");
    })
}

pub(crate) fn put_event(image: &Image, sequence: u64, row: Option<&[u8]>) -> Image {
    written(image, |transaction| {
        let mut events = transaction.open_table(EVENTS).expect("there are events");
        match row {
            Some(row) => events.insert(sequence, row).map(drop),
            None => events.remove(sequence).map(drop),
        }
        .expect("redb writes");
    })
}

pub(crate) fn put_head(image: &Image, row: &[u8]) -> Image {
    written(image, |transaction| {
        let mut head = transaction.open_table(HEAD).expect("there is a head");
        head.insert(0, row).expect("redb writes");
    })
}

/// Puts back every row of an older state: one that was whole and right once.
pub(crate) fn put_all(image: &Image, then: &Rows) -> Image {
    written(image, |transaction| {
        let mut records = transaction.open_table(RECORDS).expect("there are records");
        records.retain(|_, _| false).expect("redb writes");
        for (key, row) in &then.records {
            records.insert(key, row.as_slice()).expect("redb writes");
        }
        let mut events = transaction.open_table(EVENTS).expect("there are events");
        events.retain(|_, _| false).expect("redb writes");
        for (sequence, row) in &then.events {
            events.insert(sequence, row.as_slice()).expect("redb writes");
        }
        let mut head = transaction.open_table(HEAD).expect("there is a head");
        head.insert(0, then.head.as_slice()).expect("redb writes");
    })
}
