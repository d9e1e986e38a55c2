//! The file's first 4 KiB are ours, the rest is redb's. What lies below both is a [`StorageBackend`]: a file, or what
//! a test puts in its place.

use std::io;
use std::ops::Bound;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redb::{BackendError, StorageBackend};

use super::seen::Seen;
use super::sharing;
use super::wait::patiently;

/// Where redb's part begins.
pub(super) const HEADER_BYTES: u64 = 4096;

/// The whole store, as bytes.
pub(crate) type Disk = Arc<dyn StorageBackend>;

/// redb's part of a disk. Locks are handed on as they are: both sides of a lock see the same offsets. Where redb would
/// wait for ever, for a process that was stopped say, it waits for `most`.
#[derive(Debug)]
pub(super) struct RedbPart {
    pub(super) disk: Disk,
    pub(super) most: Duration,
    pub(super) seen: Arc<Seen>,
}

fn is_whole(start: Bound<u64>, end: Bound<u64>) -> bool {
    matches!(start, Bound::Unbounded | Bound::Included(0)) && end == Bound::Unbounded
}

/// Whether it is redb's header, which processes that share a store lock to read or write it.
fn is_header(start: Bound<u64>, end: Bound<u64>) -> bool {
    matches!((start, end), (Bound::Included(0), Bound::Excluded(..=HEADER_BYTES)))
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

impl RedbPart {
    fn wait(
        &self,
        since: Instant,
        try_once: impl Fn() -> Result<bool, BackendError>,
    ) -> Result<(), BackendError> {
        let taken = patiently(since, self.most, || try_once().map(|taken| taken.then_some(())))?;
        taken.ok_or_else(|| {
            let message = "another process kept a part of the file locked for too long";
            BackendError::Io(io::Error::new(io::ErrorKind::TimedOut, message))
        })
    }
}

impl StorageBackend for RedbPart {
    fn len(&self) -> io::Result<u64> {
        let len = self.disk.len()?.saturating_sub(HEADER_BYTES);
        self.seen.looked_at(len);
        Ok(len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.disk.read(offset + HEADER_BYTES, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.set_len(len + HEADER_BYTES)?;
        self.seen.made_long(len);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.disk.write(offset + HEADER_BYTES, data)?;
        if let (0, Some(header)) = (offset, data.first_chunk()) {
            self.seen.wrote(header);
        }
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.disk.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        must_lock(start, end, self.disk.try_lock_range(start, end))
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        must_lock(start, end, self.disk.try_lock_shared_range(start, end))
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        let since = Instant::now();
        let _before = match is_header(start, end) {
            true => sharing::go_before_readers(&self.disk, self.most)?,
            false => None,
        };
        self.wait(since, || self.try_lock_range(start, end))
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        let since = Instant::now();
        if is_header(start, end) {
            sharing::let_writer_go_before(&self.disk, self.most)?;
        }
        self.wait(since, || self.try_lock_shared_range(start, end))
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.disk.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.disk.query_lock_range(start, end)
    }
}

#[cfg(test)]
mod tests {
    use redb::backends::FileBackend;
    use redb::{ConcurrencyMode, Database, ReadableDatabase};

    use super::*;

    /// Where who reads redb's header must be held back, redb must ask for the bytes that are taken for its header.
    #[test]
    fn who_reads_redbs_header_lets_who_is_about_to_write_it_go_before() {
        let most = Duration::from_secs(20);
        let file = tempfile::NamedTempFile::new().expect("a file");
        let disk = || -> Disk { Arc::new(FileBackend::new(file.reopen().expect("a file")).expect("a file")) };
        let part = RedbPart { disk: disk(), most, seen: Seen::new() };
        let mut builder = Database::builder();
        builder.set_concurrency_mode(ConcurrencyMode::MultiWriter);
        let database = builder.create_with_backend(part).expect("a database");
        let other = disk();
        let read = || {
            let start = Instant::now();
            drop(database.begin_read().expect("a healthy disk"));
            start.elapsed()
        };
        let before = sharing::go_before_readers(&other, most).expect("locks");
        assert!(before.is_some() && read() >= sharing::COURTESY);
        drop(before);
        assert!((0..5).any(|_| read() < sharing::COURTESY), "nobody is to be let go before");
        // Who writes it waits for that place.
        let transaction = database.begin_write().expect("a healthy disk");
        let before = sharing::go_before_readers(&other, most).expect("locks");
        assert!(before.is_some());
        std::thread::scope(|scope| {
            let commit = scope.spawn(|| transaction.commit().expect("a healthy disk"));
            std::thread::sleep(sharing::COURTESY / 2);
            assert!(!commit.is_finished());
            drop(before);
        });
    }
}
