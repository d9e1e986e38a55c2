//! Where rows are kept. Above this line nothing knows which storage it is; below it nothing knows what a token is.

mod disk;
mod file;
mod header;
mod holders;
mod redb;
mod seen;
mod sharing;
mod wait;

use std::time::Duration;

use crate::board::Board;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::key::DataKey;
use crate::record::RecordKey;

pub(crate) use self::file::{create_file, open_file};
pub(crate) use self::redb::in_memory;
#[cfg(feature = "testing")]
pub(crate) use self::redb::{create_on, open_on};

/// What opening gives: the storage, its data key, its id, the generation that it last acknowledged, and the board.
pub(crate) struct Opened {
    pub(crate) storage: Box<dyn Storage>,
    pub(crate) data_key: DataKey,
    pub(crate) store_id: [u8; 16],
    pub(crate) acknowledged: u64,
    /// Its file, if it is one.
    pub(crate) file: Option<FileId>,
    pub(crate) board: Board,
    /// Whether no other process changes it while it is open.
    pub(crate) alone: bool,
}

/// How a file is opened.
pub(crate) struct How<'a> {
    pub(crate) key: OpenedBy<'a>,
    pub(crate) cache_bytes: usize,
    /// Together with others, each of which may be waited for so long.
    pub(crate) shared: Option<Duration>,
    /// What a test puts between the store and its file.
    pub(crate) wrap: &'a WrapDisk<'a>,
}

/// What stands between a store and its file: nothing, or a test's way to stop or to fail a process at a chosen moment.
pub(crate) type WrapDisk<'a> = dyn Fn(disk::Disk) -> disk::Disk + 'a;

/// What opens a file.
pub(crate) enum OpenedBy<'a> {
    /// The caller's key, or none.
    CallerKey(Option<&'a [u8; 32]>),
    /// What a parent process had of this store.
    Parent(Inherited<'a>),
}

/// What a child process knows of its parent's store.
#[derive(Clone, Copy)]
pub(crate) struct Inherited<'a> {
    pub(crate) data_key: &'a DataKey,
    pub(crate) store_id: &'a [u8; 16],
    pub(crate) file: FileId,
    /// Up to which change the store is, at least.
    pub(crate) generation: u64,
}

/// Which file it is, whatever its name: its device and its number there.
pub(crate) type FileId = (u64, u64);

/// A transactional store of rows. Every row is opaque bytes here.
pub(crate) trait Storage: Send + Sync {
    /// A snapshot to read from. Short-lived: it keeps old pages in use.
    fn read(&self) -> Result<Box<dyn Snapshot + '_>>;

    /// The place to write, of which there is one, among all processes.
    ///
    /// # Errors
    /// Busy if it is not free within `deadline`.
    fn begin(&self, deadline: Duration) -> Result<Box<dyn Writer + '_>>;

    /// Wraps the data key anew under another key of the caller, durably.
    fn change_key(&self, data_key: &DataKey, caller_key: Option<&[u8; 32]>) -> Result<()>;

    /// How many bytes of pages hold something.
    fn used_bytes(&self, deadline: Duration) -> Result<u64>;

    /// Lets the file go, with all that is committed on the disk.
    fn close(self: Box<Self>) -> Result<()>;

    /// Lets the file and its locks go without touching the engine beneath, which a panic may have left broken or
    /// which belongs to a parent process.
    fn abandon(self: Box<Self>);
}

/// Rows by their keys.
pub(crate) trait Rows {
    /// The head row.
    fn head(&self) -> Result<Option<Vec<u8>>>;
    /// A record.
    fn get(&self, key: &RecordKey) -> Result<Option<Vec<u8>>>;
}

/// One committed state.
pub(crate) trait Snapshot: Rows {
    /// Calls `each` for the records behind `after`, ascending, until it says that it has enough.
    fn scan(&self, after: Option<&RecordKey>, each: &mut EachRecord<'_>) -> Result<()>;
    /// Calls `each` for the events from `first` on, ascending, until it says that it has enough.
    fn events(&self, first: u64, each: &mut EachEvent<'_>) -> Result<()>;
    /// When a token was used last.
    fn last_use(&self, id: Id) -> Result<Option<i64>>;
}

/// Takes a record; `false` is enough.
pub(crate) type EachRecord<'a> = dyn FnMut(&RecordKey, &[u8]) -> Result<bool> + 'a;
/// Takes an event; `false` is enough.
pub(crate) type EachEvent<'a> = dyn FnMut(u64, &[u8]) -> Result<bool> + 'a;

/// Everything that one commit writes.
#[derive(Default)]
pub(crate) struct Batch {
    /// Records to put, or to take out.
    pub(crate) records: Vec<(RecordKey, Option<Vec<u8>>)>,
    /// Events to add.
    pub(crate) events: Vec<(u64, Vec<u8>)>,
    /// Events below this number go.
    pub(crate) first_event: u64,
    /// Last uses to set, or to forget.
    pub(crate) last_uses: Vec<(Id, Option<i64>)>,
    /// The head row.
    pub(crate) head: Vec<u8>,
    /// The sequence number that this commit ends with.
    pub(crate) generation: u64,
}

/// The place to write, with the rows as they are before the commit. Dropping it leaves everything as it was.
pub(crate) trait Writer: Rows {
    /// Writes the batch. When it returns, the batch is on the disk and the generation is noted. The place to write is held
    /// until the answer is dropped, which makes the generation known to all who have the store open.
    fn commit(self: Box<Self>, batch: &Batch) -> std::result::Result<Committed, CommitError>;
}

/// What a commit leaves to its writer: to show the change to its own readers before everybody hears of it.
pub(crate) struct Committed {
    board: Board,
    generation: u64,
    _place: Option<sharing::Held>,
}

impl Drop for Committed {
    fn drop(&mut self) {
        self.board.raise_generation(self.generation);
    }
}

/// Why a commit did not happen, or may not have.
#[derive(Debug)]
pub(crate) enum CommitError {
    /// Nothing of it is there.
    NotDone(Error),
    /// It may be there or not.
    Unknown(Error),
}
