//! How processes that share a store keep out of each other's way: locks on bytes far behind the end of the file.
//!
//! They are locks of the open file (OFD), which the kernel takes back from whoever dies, and redb's own lie elsewhere. An
//! exclusive opener's lock covers all of them.
//!
//! | byte | held |
//! |---|---|
//! | `BASE` | alone, while a store is opened or put under another key |
//! | `BASE` + 1 | alone, by who writes: around a commit, its note, and making it known; and while redb opens the file |
//! | `BASE` + 2 | with others, by each process that has the store open |
//! | `BASE` + 3 | alone, by who writes next |
//! | `BASE` + 4 | alone, by who is about to write redb's own header: who would read it waits for a moment |
//! | `BASE` + 16 to 79 | with others, by each: one byte for each version of what is said here |
//! | `BASE` + 128 to 191 | alone, by each: its place in the table of holders |

use std::ops::{Bound, Range};
use std::time::{Duration, Instant};

use redb::BackendError;

use super::disk::Disk;
use super::wait::patiently;
use crate::error::{Error, ErrorKind, Result};

/// redb's own bytes begin here; with the first it keeps its place to write.
const REDB_WRITING: u64 = 1 << 62;
const BASE: u64 = 1 << 61;
const OPENING: u64 = BASE;
const WRITING: u64 = BASE + 1;
const OPEN: u64 = BASE + 2;
const NEXT: u64 = BASE + 3;
const GATE: u64 = BASE + 4;
/// How long one waits at the gate: whoever has it may have been stopped.
pub(super) const COURTESY: Duration = Duration::from_millis(20);
const VERSIONS: Range<u64> = BASE + 16..BASE + 80;
/// The version of how processes share a store: these locks, the header's board, and how changes are followed. Whatever a
/// process of another version would do wrong takes the next number.
const VERSION: u64 = VERSIONS.start;
pub(super) const HOLDERS: Range<u64> = BASE + 128..BASE + 192;

const BUSY: &str = "the place to write was not free in time";

/// A lock on a byte.
pub(super) struct Held {
    disk: Disk,
    byte: u64,
    is_mine: bool,
}

fn held(disk: &Disk, byte: u64) -> Held {
    Held { disk: disk.clone(), byte, is_mine: true }
}

impl Held {
    /// Leaves it to whoever took the same lock again, by the same open file, to let it go.
    pub(super) fn hand_over(mut self) {
        self.is_mine = false;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.is_mine {
            // A lock that cannot be let go goes with the file.
            let _unheard = self.disk.unlock_range(Bound::Included(self.byte), Bound::Included(self.byte));
        }
    }
}

/// What a process holds as long as it has the store open.
pub(super) struct Sharing {
    _version: Held,
    _open: Held,
    _place: Option<Held>,
}

/// A store that is being opened, which one process does at a time.
pub(super) struct Opening {
    opening: Held,
    version: Held,
    /// Whether nobody has it open.
    pub(super) is_first: bool,
}

impl Opening {
    /// # Errors
    /// Locked if another process has it for itself alone, Unsupported if one of another version has it or the file system
    /// cannot lock, Busy if another opens it for too long.
    pub(super) fn begin(disk: &Disk, most: Duration) -> Result<Opening> {
        let version = try_shared(disk, VERSION)?
            .ok_or_else(|| Error::new(ErrorKind::Locked, "the store is open elsewhere, alone"))?;
        let others = [VERSIONS.start..VERSION, VERSION + 1..VERSIONS.end];
        for range in others.into_iter().filter(|range| !range.is_empty()) {
            if is_held(disk, range)? {
                return Err(other_version());
            }
        }
        let opening = hold_opening(disk, most)?;
        let is_first = !is_held(disk, OPEN..OPEN + 1)?;
        Ok(Opening { opening, version, is_first })
    }

    /// The store is open: the next may open it.
    pub(super) fn end(self, place: Option<Held>) -> Result<Sharing> {
        let open = try_shared(&self.version.disk, OPEN)?;
        let open = open.ok_or_else(|| Error::new(ErrorKind::Locked, "the store is open elsewhere, alone"))?;
        let Opening { opening, version, is_first: _ } = self;
        drop(opening);
        Ok(Sharing { _version: version, _open: open, _place: place })
    }
}

/// The refusal of who would share the store with a process that does so in another way.
pub(super) fn other_version() -> Error {
    let message = "another process has the store open with a version that shares it in another way";
    Error::new(ErrorKind::Unsupported, message)
}

/// Keeps others from opening the store.
pub(super) fn hold_opening(disk: &Disk, most: Duration) -> Result<Held> {
    hold(disk, OPENING, Instant::now(), most, "another process is opening the store")
}

/// The place to write, which one process has at a time.
///
/// One waits for it and the others wait for that one's place, or who writes without a pause would have it for ever: trying
/// again is slower than taking what one has just let go. Whoever waited for half of the time goes on without, since the
/// one that is next may have been stopped.
pub(super) fn hold_writing(disk: &Disk, since: Instant, most: Duration) -> Result<Held> {
    let next = try_for(disk, NEXT, since, most / 2).map_err(lock_error)?;
    let place = hold(disk, WRITING, since, most, BUSY);
    drop(next);
    place
}

/// Goes before those who read redb's header, until it is dropped. They have it together, and there might always be one
/// of them. Like the next place to write it is only asked for.
pub(super) fn go_before_readers(
    disk: &Disk,
    most: Duration,
) -> std::result::Result<Option<Held>, BackendError> {
    try_for(disk, GATE, Instant::now(), most.min(COURTESY))
}

/// Lets who is about to write redb's header go before.
pub(super) fn let_writer_go_before(disk: &Disk, most: Duration) -> std::result::Result<(), BackendError> {
    let is_free = || {
        let held = disk.query_lock_range(Bound::Included(GATE), Bound::Included(GATE))?;
        Ok((!held).then_some(()))
    };
    patiently(Instant::now(), most.min(COURTESY), is_free).map(|_free_or_not| ())
}

/// redb's own place to write, before redb takes it. Whoever opens or closes the store has it for a moment, too.
pub(super) fn hold_redb_writing(disk: &Disk, since: Instant, most: Duration) -> Result<Held> {
    hold(disk, REDB_WRITING, since, most, BUSY)
}

/// The first free place in the table of holders, if there is one.
pub(super) fn hold_place(disk: &Disk) -> Result<Option<(usize, Held)>> {
    for (place, byte) in HOLDERS.enumerate() {
        let taken = disk.try_lock_range(Bound::Included(byte), Bound::Included(byte));
        if taken.map_err(lock_error)? {
            return Ok(Some((place, held(disk, byte))));
        }
    }
    Ok(None)
}

/// Whether another process holds a byte of these.
pub(super) fn is_held(disk: &Disk, bytes: Range<u64>) -> Result<bool> {
    disk.query_lock_range(Bound::Included(bytes.start), Bound::Excluded(bytes.end)).map_err(lock_error)
}

fn hold(disk: &Disk, byte: u64, since: Instant, most: Duration, busy: &'static str) -> Result<Held> {
    let lock = try_for(disk, byte, since, most).map_err(lock_error)?;
    lock.ok_or_else(|| Error::new(ErrorKind::Busy, busy))
}

fn try_for(
    disk: &Disk,
    byte: u64,
    since: Instant,
    most: Duration,
) -> std::result::Result<Option<Held>, BackendError> {
    patiently(since, most, || {
        let taken = disk.try_lock_range(Bound::Included(byte), Bound::Included(byte))?;
        Ok(taken.then(|| held(disk, byte)))
    })
}

fn try_shared(disk: &Disk, byte: u64) -> Result<Option<Held>> {
    let taken = disk.try_lock_shared_range(Bound::Included(byte), Bound::Included(byte));
    Ok(taken.map_err(lock_error)?.then(|| held(disk, byte)))
}

fn lock_error(error: BackendError) -> Error {
    match error {
        BackendError::Io(error) => Error::io("locking the store", &error),
        _ => Error::new(ErrorKind::Unsupported, "the file system cannot lock parts of files"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use redb::backends::{FileBackend, InMemoryBackend};

    use super::*;

    const MOST: Duration = Duration::from_millis(50);

    /// The same file as two processes have it.
    fn two_disks() -> (tempfile::TempDir, Disk, Disk) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let open = || -> Disk {
            let file =
                std::fs::File::options().read(true).write(true).create(true).truncate(false).open(&path);
            Arc::new(FileBackend::new(file.unwrap()).unwrap())
        };
        let (one, other) = (open(), open());
        (folder, one, other)
    }

    fn kind<T>(result: Result<T>) -> ErrorKind {
        result.err().expect("a refusal").kind()
    }

    #[test]
    fn who_shares_in_another_way_is_noticed_by_both() {
        let (_folder, one, other) = two_disks();
        for foreign in [VERSION + 1, VERSIONS.end - 1] {
            let held = try_shared(&other, foreign).unwrap();
            assert!(held.is_some());
            assert_eq!(kind(Opening::begin(&one, MOST)), ErrorKind::Unsupported);
            drop(held);
            assert!(Opening::begin(&one, MOST).unwrap().is_first);
        }
    }

    #[test]
    fn one_process_opens_at_a_time_and_the_first_knows_that_it_is() {
        let (_folder, one, other) = two_disks();
        let first = Opening::begin(&one, MOST).unwrap();
        assert!(first.is_first);
        assert_eq!(kind(Opening::begin(&other, MOST)), ErrorKind::Busy);
        let open = first.end(None).unwrap();
        assert!(!Opening::begin(&other, MOST).unwrap().is_first);
        drop(open);
        assert!(Opening::begin(&other, MOST).unwrap().is_first);
    }

    #[test]
    fn who_has_the_file_alone_keeps_everybody_out() {
        let (_folder, one, other) = two_disks();
        assert!(other.try_lock_range(Bound::Unbounded, Bound::Unbounded).unwrap());
        assert_eq!(kind(Opening::begin(&one, MOST)), ErrorKind::Locked);
    }

    #[test]
    fn a_wait_is_as_long_as_was_said() {
        let (_folder, one, other) = two_disks();
        let held = hold_writing(&other, Instant::now(), MOST).unwrap();
        let start = Instant::now();
        assert_eq!(kind(hold_writing(&one, start, MOST)), ErrorKind::Busy);
        assert!(start.elapsed() >= MOST);
        drop(held);
        hold_writing(&one, Instant::now(), Duration::ZERO).unwrap();
    }

    /// Where the length of the file is put right before redb looks at it, redb's own lock must be the one that is held.
    #[test]
    fn redb_keeps_its_place_to_write_where_we_look_for_it() {
        let (folder, one, other) = two_disks();
        let path = folder.path().join("redb");
        let mut builder = redb::Database::builder();
        builder.set_concurrency_mode(redb::ConcurrencyMode::MultiWriter);
        let database = builder.create(&path).unwrap();
        drop((one, other));
        let file = std::fs::File::options().read(true).write(true).open(&path).unwrap();
        let disk: Disk = Arc::new(FileBackend::new(file).unwrap());
        let take = || hold_redb_writing(&disk, Instant::now(), Duration::ZERO);
        let transaction = database.begin_write().unwrap();
        assert_eq!(kind(take()), ErrorKind::Busy);
        drop(transaction);
        drop(take().unwrap());
        take().unwrap().hand_over();
        assert!(matches!(database.try_begin_write(), Err(redb::TransactionError::WouldBlock)));
    }

    #[test]
    fn a_file_that_cannot_be_locked_is_not_shared() {
        let disk: Disk = Arc::new(InMemoryBackend::new());
        assert_eq!(kind(Opening::begin(&disk, MOST)), ErrorKind::Unsupported);
    }
}
