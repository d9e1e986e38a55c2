//! redb as the storage, behind our header.
//!
//! Commits are two-phase: a one-phase commit whose pages are damaged later is taken back in silence when the file is
//! opened after a crash. Opening checks every page's checksum: without that, redb trusts the file.

use std::ops::Bound;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redb::backends::InMemoryBackend;
use redb::{
    ConcurrencyMode, Database, ReadOnlyTable, ReadableDatabase, ReadableTable, TableDefinition,
    TransactionError, WriteTransaction,
};

use super::disk::{Disk, RedbPart};
use super::header::{self, Identity, Notes};
use super::holders;
use super::seen::Seen;
use super::sharing::{self, Held, Opening, Sharing};
use super::wait::patiently;
use super::{
    Batch, CommitError, Committed, EachEvent, EachRecord, How, Opened, OpenedBy, Rows, Snapshot, Storage,
    Writer,
};
use crate::board::Board;
use crate::error::{Error, ErrorKind, Result};
use crate::id::Id;
use crate::key::{DataKey, Keys, new_data_key};
use crate::record::{Head, RecordKey, Table, encode_head, seal};
use crate::sys::ParentOnly;
use crate::value::fill_random;

const RECORDS: TableDefinition<'_, &RecordKey, &[u8]> = TableDefinition::new("records");
const HEAD: TableDefinition<'_, u8, &[u8]> = TableDefinition::new("head");
const EVENTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("events");
const LAST_USES: TableDefinition<'_, &[u8; 16], i64> = TableDefinition::new("last_uses");

struct RedbStorage {
    // Dropped first: the descriptor must leave the list before it is closed.
    parent_only: Option<ParentOnly>,
    database: Database,
    /// The header's side; none in memory.
    anchor: Option<Anchor>,
    board: Board,
    /// What is held among other processes; none alone.
    shared: Option<Shared>,
}

struct Shared {
    _sharing: Sharing,
    /// How long one waits for another.
    most: Duration,
    seen: Arc<Seen>,
}

struct Anchor {
    disk: Disk,
    identity: std::sync::Mutex<Identity>,
    notes: Notes,
}

/// Writes a new store on an empty disk, and lets it go.
pub(crate) fn create_on(disk: &Disk, caller_key: Option<&[u8; 32]>, head: &Head) -> Result<()> {
    let data_key = new_data_key()?;
    let mut store_id = [0; 16];
    fill_random(&mut store_id)?;
    header::write_identity(disk, &Identity::new(store_id, &data_key, caller_key)?)?;
    Notes::start(disk, Keys::derive(&data_key, &store_id))?;
    // Nobody else knows of the file yet.
    let part = RedbPart { disk: Arc::clone(disk), most: Duration::ZERO, seen: Seen::new() };
    let database = Database::builder().create_with_backend(part).map_err(database_error)?;
    first_commit(&database, &Keys::derive(&data_key, &store_id), head)?;
    database.close().map_err(|error| storage_error(error.into()))?;
    disk.sync_data().map_err(|error| Error::io("syncing the new store", &error))
}

/// Opens the store on a disk. If it is to be shared, `board` is what all who share it look at.
pub(crate) fn open_on(
    disk: &Disk,
    parent_only: Option<ParentOnly>,
    board: Option<Board>,
    how: &How<'_>,
) -> Result<Opened> {
    let most = how.shared.unwrap_or_default();
    let opening = how.shared.map(|most| Opening::begin(disk, most)).transpose()?;
    let identity = header::read_identity(disk)?;
    let data_key = match how.key {
        OpenedBy::CallerKey(caller_key) => identity.unwrap(caller_key)?,
        OpenedBy::Parent(parent) if identity.store_id == *parent.store_id => parent.data_key.clone(),
        OpenedBy::Parent(_) => return Err(Error::corrupt("the file holds another store by now")),
    };
    // redb's open takes its place to write: whoever waits for ours gets it in turn.
    let place = opening.as_ref().map(|_| sharing::hold_writing(disk, Instant::now(), most)).transpose()?;
    // Who comes later finds a file that was checked, and in use.
    let seen = Seen::new();
    let is_checked = opening.as_ref().is_some_and(|opening| !opening.is_first);
    let database = Database::builder()
        .set_cache_size(how.cache_bytes)
        .set_check_integrity_on_open(!is_checked)
        .set_concurrency_mode(match opening {
            Some(_) => ConcurrencyMode::MultiWriter,
            None => ConcurrencyMode::ExclusiveWriter,
        })
        .create_with_backend(RedbPart { disk: Arc::clone(disk), most, seen: Arc::clone(&seen) })
        .map_err(database_error)?;
    seen.opened();
    drop(place);
    header::mend_identity(disk, &identity)?;
    let store_id = identity.store_id;
    let notes = Notes::read(disk, Keys::derive(&data_key, &store_id))?;
    let acknowledged = match how.key {
        OpenedBy::CallerKey(_) => notes.acknowledged(),
        OpenedBy::Parent(parent) => notes.acknowledged().max(parent.generation),
    };
    let anchor = Anchor { disk: Arc::clone(disk), identity: std::sync::Mutex::new(identity), notes };
    let (board, shared) = match (opening, board) {
        (Some(opening), Some(board)) => {
            if opening.is_first {
                board.clear();
            }
            let place = holders::note_shared(disk, opening.is_first)?;
            (board, Some(Shared { _sharing: opening.end(place)?, most, seen }))
        }
        _ => {
            // Only a file has somebody else to whom it may be refused.
            if parent_only.is_some() {
                holders::note_alone(disk)?;
            }
            (Board::private()?, None)
        }
    };
    let alone = shared.is_none();
    let storage =
        Box::new(RedbStorage { parent_only, database, anchor: Some(anchor), board: board.clone(), shared });
    Ok(Opened { storage, data_key, store_id, acknowledged, file: None, board, alone })
}

/// A new store in memory alone.
pub(crate) fn in_memory(head: &Head) -> Result<Opened> {
    let data_key = new_data_key()?;
    let store_id = [0; 16];
    let database = Database::builder().create_with_backend(InMemoryBackend::new()).map_err(database_error)?;
    first_commit(&database, &Keys::derive(&data_key, &store_id), head)?;
    let board = Board::private()?;
    let storage = Box::new(RedbStorage {
        parent_only: None,
        database,
        anchor: None,
        board: board.clone(),
        shared: None,
    });
    Ok(Opened { storage, data_key, store_id, acknowledged: 0, file: None, board, alone: true })
}

/// Makes the tables and the head.
fn first_commit(database: &Database, keys: &Keys, head: &Head) -> Result<()> {
    let row = seal(keys, Table::Head, &[0], &encode_head(head)?).bytes;
    let write = || -> std::result::Result<(), redb::Error> {
        let mut transaction = database.begin_write()?;
        transaction.set_two_phase_commit(true);
        transaction.open_table(RECORDS)?;
        transaction.open_table(EVENTS)?;
        transaction.open_table(LAST_USES)?;
        transaction.open_table(HEAD)?.insert(0, row.as_slice())?;
        transaction.commit()?;
        Ok(())
    };
    write().map_err(storage_error)
}

impl RedbStorage {
    /// Begins a transaction, and takes the place to write among processes that share the store.
    fn begin_write(&self, deadline: Duration) -> Result<(WriteTransaction, Option<Held>)> {
        let since = Instant::now();
        let taken = match (&self.shared, &self.anchor) {
            (Some(shared), Some(anchor)) => {
                let place = sharing::hold_writing(&anchor.disk, since, deadline)?;
                let redbs = sharing::hold_redb_writing(&anchor.disk, since, deadline)?;
                let aligned = shared.seen.align(&anchor.disk);
                aligned.map_err(|error| Error::io("preparing to write", &error))?;
                Some((place, redbs))
            }
            _ => None,
        };
        let begun = patiently(since, deadline, || match self.database.try_begin_write() {
            Ok(transaction) => Ok(Some(transaction)),
            Err(TransactionError::WouldBlock) => Ok(None),
            Err(error) => Err(storage_error(error.into())),
        })?;
        let busy = || Error::new(ErrorKind::Busy, "the place to write was not free in time");
        let mut transaction = begun.ok_or_else(busy)?;
        transaction.set_two_phase_commit(true);
        // The transaction took redb's lock as well, and lets it go at its end.
        let place = taken.map(|(place, redbs)| {
            redbs.hand_over();
            place
        });
        Ok((transaction, place))
    }
}

impl Storage for RedbStorage {
    fn read(&self) -> Result<Box<dyn Snapshot + '_>> {
        let open = || -> std::result::Result<RedbSnapshot, redb::Error> {
            let transaction = self.database.begin_read()?;
            Ok(RedbSnapshot {
                head: transaction.open_table(HEAD)?,
                records: transaction.open_table(RECORDS)?,
                events: transaction.open_table(EVENTS)?,
                last_uses: transaction.open_table(LAST_USES)?,
            })
        };
        Ok(Box::new(open().map_err(storage_error)?))
    }

    fn begin(&self, deadline: Duration) -> Result<Box<dyn Writer + '_>> {
        let (transaction, place) = self.begin_write(deadline)?;
        if let (Some(_), Some(anchor)) = (&place, &self.anchor) {
            anchor.notes.read_again(&anchor.disk)?;
        }
        Ok(Box::new(RedbWriter { transaction, place, storage: self }))
    }

    fn used_bytes(&self, deadline: Duration) -> Result<u64> {
        let (transaction, _place) = self.begin_write(deadline)?;
        let stats = transaction.stats().map_err(|error| storage_error(error.into()))?;
        transaction.abort().map_err(|error| storage_error(error.into()))?;
        Ok(stats.allocated_pages() * stats.page_size() as u64)
    }

    fn change_key(&self, data_key: &DataKey, caller_key: Option<&[u8; 32]>) -> Result<()> {
        let Some(anchor) = &self.anchor else {
            return Err(Error::new(ErrorKind::Unsupported, "a store in memory has no key"));
        };
        let mut identity = anchor.identity.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let _opening = match &self.shared {
            Some(Shared { most, .. }) => {
                // Another process may have changed it.
                let opening = sharing::hold_opening(&anchor.disk, *most)?;
                *identity = header::read_identity(&anchor.disk)?;
                Some(opening)
            }
            None => None,
        };
        let next = identity.rewrap(data_key, caller_key)?;
        header::write_identity(&anchor.disk, &next)?;
        *identity = next;
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<()> {
        let RedbStorage { parent_only, database, anchor, board: _, shared } = *self;
        let mut aligned = Ok(());
        if let (Some(shared), Some(anchor)) = (&shared, &anchor) {
            // The close commits once more, if redb's place to write is free, and lets all locks go.
            let held = sharing::hold_redb_writing(&anchor.disk, Instant::now(), Duration::ZERO);
            if let Ok(held) = held {
                aligned = shared.seen.align(&anchor.disk);
                held.hand_over();
            }
        }
        let closed = database.close().map_err(|error| storage_error(error.into()));
        drop(shared);
        drop(parent_only);
        drop(anchor);
        closed.and(aligned.map_err(|error| Error::io("closing the store", &error)))
    }

    fn abandon(self: Box<Self>) {
        if let Some(parent_only) = &self.parent_only {
            parent_only.sever();
        }
        crate::sys::keep_for_ever(self);
    }
}

struct RedbSnapshot {
    head: ReadOnlyTable<u8, &'static [u8]>,
    records: ReadOnlyTable<&'static RecordKey, &'static [u8]>,
    events: ReadOnlyTable<u64, &'static [u8]>,
    last_uses: ReadOnlyTable<&'static [u8; 16], i64>,
}

impl Rows for RedbSnapshot {
    fn head(&self) -> Result<Option<Vec<u8>>> {
        let row = self.head.get(0).map_err(|error| storage_error(error.into()))?;
        Ok(row.map(|row| row.value().to_vec()))
    }

    fn get(&self, key: &RecordKey) -> Result<Option<Vec<u8>>> {
        let row = self.records.get(key).map_err(|error| storage_error(error.into()))?;
        Ok(row.map(|row| row.value().to_vec()))
    }
}

impl Snapshot for RedbSnapshot {
    fn scan(&self, after: Option<&RecordKey>, each: &mut EachRecord<'_>) -> Result<()> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rows = self.records.range::<&RecordKey>((from, Bound::Unbounded));
        for row in rows.map_err(|error| storage_error(error.into()))? {
            let (key, bytes) = row.map_err(|error| storage_error(error.into()))?;
            if !each(key.value(), bytes.value())? {
                break;
            }
        }
        Ok(())
    }

    fn events(&self, first: u64, each: &mut EachEvent<'_>) -> Result<()> {
        for row in self.events.range(first..).map_err(|error| storage_error(error.into()))? {
            let (sequence, bytes) = row.map_err(|error| storage_error(error.into()))?;
            if !each(sequence.value(), bytes.value())? {
                break;
            }
        }
        Ok(())
    }

    fn last_use(&self, id: Id) -> Result<Option<i64>> {
        let row = self.last_uses.get(id.as_bytes()).map_err(|error| storage_error(error.into()))?;
        Ok(row.map(|row| row.value()))
    }
}

struct RedbWriter<'a> {
    transaction: WriteTransaction,
    /// The place to write among processes.
    place: Option<Held>,
    storage: &'a RedbStorage,
}

impl Rows for RedbWriter<'_> {
    fn head(&self) -> Result<Option<Vec<u8>>> {
        let head = || -> std::result::Result<Option<Vec<u8>>, redb::Error> {
            let head = self.transaction.open_table(HEAD)?;
            Ok(head.get(0)?.map(|row| row.value().to_vec()))
        };
        head().map_err(storage_error)
    }

    fn get(&self, key: &RecordKey) -> Result<Option<Vec<u8>>> {
        let get = || -> std::result::Result<Option<Vec<u8>>, redb::Error> {
            let records = self.transaction.open_table(RECORDS)?;
            Ok(records.get(key)?.map(|row| row.value().to_vec()))
        };
        get().map_err(storage_error)
    }
}

impl Writer for RedbWriter<'_> {
    fn commit(self: Box<Self>, batch: &Batch) -> std::result::Result<Committed, CommitError> {
        let RedbWriter { transaction, place, storage } = *self;
        let is_shared = storage.shared.is_some();
        write_batch(&transaction, batch, is_shared)
            .map_err(|error| CommitError::NotDone(storage_error(error)))?;
        transaction.commit().map_err(|error| CommitError::Unknown(storage_error(error.into())))?;
        // The commit is on the disk. If the note is not written, a later rollback of it might go unnoticed: to the
        // caller that is an unknown outcome like any other.
        if let Some(anchor) = &storage.anchor {
            anchor.notes.acknowledge(&anchor.disk, batch.generation).map_err(CommitError::Unknown)?;
        }
        Ok(Committed { board: storage.board.clone(), generation: batch.generation, _place: place })
    }
}

fn write_batch(
    transaction: &WriteTransaction,
    batch: &Batch,
    is_shared: bool,
) -> std::result::Result<(), redb::Error> {
    let Batch { records, events, first_event, last_uses, head, generation: _ } = batch;
    let mut table = transaction.open_table(RECORDS)?;
    for (key, row) in records {
        match row {
            Some(row) => table.insert(key, row.as_slice())?,
            None => table.remove(key)?,
        };
    }
    let mut table = transaction.open_table(EVENTS)?;
    for (sequence, row) in events {
        table.insert(sequence, row.as_slice())?;
    }
    table.retain_in(..*first_event, |_, _| false)?;
    if !last_uses.is_empty() {
        let mut table = transaction.open_table(LAST_USES)?;
        for (id, at_ms) in last_uses {
            match at_ms {
                // Another process may have written a later use.
                Some(at_ms) if is_shared => {
                    let known = table.get(id.as_bytes())?.map(|row| row.value());
                    table.insert(id.as_bytes(), known.unwrap_or(*at_ms).max(*at_ms))?
                }
                Some(at_ms) => table.insert(id.as_bytes(), at_ms)?,
                None => table.remove(id.as_bytes())?,
            };
        }
    }
    transaction.open_table(HEAD)?.insert(0, head.as_slice())?;
    Ok(())
}

fn database_error(error: redb::DatabaseError) -> Error {
    match error {
        redb::DatabaseError::DatabaseAlreadyOpen => {
            Error::new(ErrorKind::Locked, "the store is open elsewhere, in this process or another")
        }
        redb::DatabaseError::LockProtocolMismatch => sharing::other_version(),
        other => storage_error(other.into()),
    }
}

fn storage_error(error: redb::Error) -> Error {
    match error {
        // What is no redb file arrives as an I/O error without an error of the system's.
        redb::Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            Error::corrupt(format!("the file is damaged: {error}"))
        }
        redb::Error::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Error::corrupt("the file is shorter than it should be")
        }
        redb::Error::Io(error) if error.kind() == std::io::ErrorKind::Unsupported => {
            Error::io("opening the store", &error).with_kind(ErrorKind::Unsupported)
        }
        redb::Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => {
            Error::io("waiting for the store", &error).with_kind(ErrorKind::Busy)
        }
        redb::Error::Io(error) => Error::io("reading or writing the store", &error),
        redb::Error::Corrupted(what) => Error::corrupt(format!("the file is damaged: {what}")),
        redb::Error::UpgradeRequired(version) => {
            // There never was a store on another format of redb.
            Error::corrupt(format!("the file is damaged: its pages say format {version}"))
        }
        redb::Error::TableDoesNotExist(_) | redb::Error::TableTypeMismatch { .. } => {
            Error::corrupt("the file is damaged: a table is missing")
        }
        redb::Error::PreviousIo => {
            Error::new(ErrorKind::Poisoned, "an earlier error of the disk ended this store")
        }
        redb::Error::DatabaseClosed => Error::new(ErrorKind::Closed, "the store is closed"),
        redb::Error::LockPoisoned(_) => Error::new(ErrorKind::Panic, "the storage failed inside"),
        other => Error::new(ErrorKind::Io, format!("the storage answered: {other}")),
    }
}
