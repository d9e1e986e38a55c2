//! The file's first 4 KiB are ours, the rest is redb's. What lies below both is a [`StorageBackend`]: a file, or what
//! a test puts in its place.

use std::io;
use std::ops::Bound;
use std::sync::Arc;

use redb::{BackendError, StorageBackend};

/// Where redb's part begins.
pub(super) const HEADER_BYTES: u64 = 4096;

/// The whole store, as bytes.
pub(crate) type Disk = Arc<dyn StorageBackend>;

/// redb's part of a disk. Locks are handed on as they are: both sides of a lock see the same offsets.
#[derive(Debug)]
pub(super) struct RedbPart(pub(super) Disk);

fn is_whole(start: Bound<u64>, end: Bound<u64>) -> bool {
    matches!(start, Bound::Unbounded | Bound::Included(0)) && end == Bound::Unbounded
}

/// redb opens a file without any lock where locks are not supported. A store must not.
fn must_lock<T>(
    start: Bound<u64>,
    end: Bound<u64>,
    locked: Result<T, BackendError>,
) -> Result<T, BackendError> {
    match locked {
        Err(BackendError::Unsupported) if is_whole(start, end) => Err(BackendError::Io(io::Error::new(
            io::ErrorKind::Unsupported,
            "the file system cannot lock files",
        ))),
        other => other,
    }
}

impl StorageBackend for RedbPart {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.len()?.saturating_sub(HEADER_BYTES))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset + HEADER_BYTES, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len + HEADER_BYTES)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset + HEADER_BYTES, data)
    }

    fn close(&self) -> io::Result<()> {
        self.0.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        must_lock(start, end, self.0.try_lock_range(start, end))
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        must_lock(start, end, self.0.try_lock_shared_range(start, end))
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        must_lock(start, end, self.0.lock_range(start, end))
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        must_lock(start, end, self.0.lock_shared_range(start, end))
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.query_lock_range(start, end)
    }
}
