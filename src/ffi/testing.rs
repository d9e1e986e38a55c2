//! What only the project's own tests call: ways to make the library fail inside. In no header, and in no build without
//! the feature `testing`.

use std::io;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use redb::backends::InMemoryBackend;
use redb::{BackendError, StorageBackend};

use super::error::tokenstore_error;
use super::handle::{guard, guard_change, tokenstore_store};
use super::input;
use super::status::tokenstore_status;
use crate::options::Options;

/// A disk in memory, one sync of which panics.
#[derive(Debug)]
struct Panicking {
    disk: InMemoryBackend,
    syncs_left: AtomicU64,
}

impl StorageBackend for Panicking {
    fn len(&self) -> io::Result<u64> {
        self.disk.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.disk.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        let left = self.syncs_left.fetch_sub(1, Ordering::Relaxed);
        assert!(left != 1, "a test asked for this panic");
        self.disk.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        // A file grows by what is written behind its end; the disk in memory does not by itself.
        let end = offset + data.len() as u64;
        if end > self.disk.len()? {
            self.disk.set_len(end)?;
        }
        self.disk.write(offset, data)
    }

    // Nobody else has this disk. Parts of it cannot be locked, which is what some files answer, too.
    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        match (start, end) {
            (Bound::Unbounded | Bound::Included(0), Bound::Unbounded) => Ok(true),
            _ => Err(BackendError::Unsupported),
        }
    }

    fn unlock_range(&self, _start: Bound<u64>, _end: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }
}

/// Panics in the middle of a call that may change the store.
#[allow(clippy::panic)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenstore_testing_panic(
    store: *const tokenstore_store,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    // SAFETY: handed on.
    unsafe {
        guard_change(store, error, || {
            tokenstore_store::store(store)?.alive()?;
            panic!("a test asked for this panic")
        })
    }
}

/// Opens a store in memory whose disk panics at the `syncs`-th sync from now on: in a commit, that is, on the thread
/// that commits for all.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenstore_testing_open_panicking(
    syncs: u64,
    store: *mut *mut tokenstore_store,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    guard(error, || {
        // SAFETY: handed on.
        let mut out = unsafe { input::out(store) }?;
        out.set(std::ptr::null_mut());
        let panicking =
            Arc::new(Panicking { disk: InMemoryBackend::new(), syncs_left: AtomicU64::new(u64::MAX) });
        let disk: Arc<dyn StorageBackend> = Arc::clone(&panicking) as _;
        Options::new().create_on(&disk)?;
        let opened = Options::new().open_on(&disk)?;
        panicking.syncs_left.store(syncs, Ordering::Relaxed);
        out.set(tokenstore_store::new(opened));
        Ok(())
    })
}
