//! What only the project's own tests call: ways to make the library fail inside. In no header, and in no build without
//! the feature `testing`.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use redb::StorageBackend;
use redb::backends::InMemoryBackend;

use super::error::tokenstore_error;
use super::handle::{guard, guard_change, tokenstore};
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
        self.disk.write(offset, data)
    }
}

/// Panics in the middle of a call that may change the store.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenstore_testing_panic(
    store: *const tokenstore,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    // SAFETY: handed on.
    unsafe { guard_change(store, error, |_| panic!("a test asked for this panic")) }
}

/// Opens a store in memory whose disk panics at the `syncs`-th sync from now on: in a commit, that is, on the thread
/// that commits for all.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenstore_testing_open_panicking(
    syncs: u64,
    store: *mut *mut tokenstore,
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
        out.set(tokenstore::new(opened));
        Ok(())
    })
}
