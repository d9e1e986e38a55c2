//! A store in a file whose openings are all recorded together: what was done to the file, in the order in which it was.

use std::fs::File;
use std::io;
use std::ops::Bound;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use redb::{BackendError, StorageBackend};
use tokenstore::{Options, Store};

use super::disk::{Image, Op, PAGE};
use super::story::Place;

/// A store's file, to be opened shared or alone. Its syncs are left out: whoever reads it reads it through the kernel, and
/// what a power cut leaves is built from the record.
pub(crate) struct OnFile {
    path: PathBuf,
    shared: bool,
    record: Arc<Record>,
}

/// What was done to a file.
#[derive(Default)]
struct Record(Mutex<Vec<Op>>);

impl Record {
    fn lock(&self) -> MutexGuard<'_, Vec<Op>> {
        // A panic that a test waits for may go through here.
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Does something, so that what others do comes before it or after it, and notes it if it was done.
    fn note(&self, op: Op, run: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let mut ops = self.lock();
        run()?;
        ops.push(op);
        Ok(())
    }
}

impl OnFile {
    pub(crate) fn new(path: &Path, shared: bool) -> OnFile {
        OnFile { path: path.to_owned(), shared, record: Arc::default() }
    }

    /// Begins the record anew.
    pub(crate) fn forget(&self) {
        self.record.lock().clear();
    }
}

impl Place for OnFile {
    fn open(&self, options: &Options) -> tokenstore::Result<Store> {
        let recorded = |file| -> Arc<dyn StorageBackend> {
            Arc::new(Recorded { file, record: Arc::clone(&self.record) })
        };
        options.clone().shared(self.shared).open_through(&self.path, &recorded)
    }

    fn ops(&self) -> Vec<Op> {
        self.record.lock().clone()
    }

    /// A copy, beside it.
    fn left(&self) -> OnFile {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = self.path.with_extension(format!("left {number}"));
        std::fs::copy(&self.path, &path).expect("a file can be copied");
        OnFile::new(&path, self.shared)
    }
}

impl Drop for OnFile {
    fn drop(&mut self) {
        // Thousands are made.
        let _gone = std::fs::remove_file(&self.path);
    }
}

/// Puts an image into a file. What is zero is left out.
pub(crate) fn put(image: &Image, path: &Path) -> io::Result<()> {
    let file = File::create(path)?;
    file.set_len(image.len() as u64)?;
    for number in 0..image.page_count() {
        let page = image.page(number);
        if page.iter().any(|byte| *byte != 0) {
            let at = number * PAGE;
            file.write_all_at(&page[..PAGE.min(image.len() - at)], at as u64)?;
        }
    }
    Ok(())
}

#[derive(Debug)]
struct Recorded {
    file: Arc<dyn StorageBackend>,
    record: Arc<Record>,
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Record")
    }
}

impl StorageBackend for Recorded {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.record.note(Op::SetLen(len as usize), || self.file.set_len(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.record.note(Op::Sync, || Ok(()))
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let op = Op::Write { offset: offset as usize, data: data.into() };
        self.record.note(op, || self.file.write(offset, data))
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.query_lock_range(start, end)
    }
}
