//! A disk in memory that keeps a record of what was done to it, and can be told to lie or to fail.

use std::io;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use redb::{BackendError, StorageBackend};

pub(crate) const PAGE: usize = 4096;

/// The bytes of a disk. A clone shares its pages until one of the two is written to.
#[derive(Clone, Default)]
pub(crate) struct Image {
    pages: Vec<Arc<[u8; PAGE]>>,
    len: usize,
}

impl Image {
    pub(crate) fn of(bytes: &[u8]) -> Image {
        let mut image = Image::default();
        image.write(0, bytes);
        image
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.len];
        self.read(0, &mut bytes);
        bytes
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// How many pages it has, a last one that is not whole included.
    pub(crate) fn page_count(&self) -> usize {
        self.pages.len()
    }

    pub(crate) fn page(&self, page: usize) -> &[u8; PAGE] {
        &self.pages[page]
    }

    /// False if that is beyond the end.
    pub(crate) fn read(&self, offset: usize, out: &mut [u8]) -> bool {
        if offset + out.len() > self.len {
            return false;
        }
        for_each_page(offset, out.len(), |page, within, part| {
            out[part].copy_from_slice(&self.pages[page][within]);
        });
        true
    }

    /// Writes, and grows if that is beyond the end.
    pub(crate) fn write(&mut self, offset: usize, data: &[u8]) {
        if offset + data.len() > self.len {
            self.set_len(offset + data.len());
        }
        for_each_page(offset, data.len(), |page, within, part| {
            Arc::make_mut(&mut self.pages[page])[within].copy_from_slice(&data[part]);
        });
    }

    pub(crate) fn set_len(&mut self, len: usize) {
        static ZEROS: [u8; PAGE] = [0; PAGE];
        if len < self.len && !len.is_multiple_of(PAGE) {
            // What lies behind a new end comes back as zeros.
            Arc::make_mut(&mut self.pages[len / PAGE])[len % PAGE..].fill(0);
        }
        if len.div_ceil(PAGE) > self.pages.len() {
            let zeros = Arc::new(ZEROS);
            self.pages.resize(len.div_ceil(PAGE), zeros);
        } else {
            self.pages.truncate(len.div_ceil(PAGE));
        }
        self.len = len;
    }

    pub(crate) fn flip(&mut self, bit: usize) {
        Arc::make_mut(&mut self.pages[bit / 8 / PAGE])[bit / 8 % PAGE] ^= 1 << (bit % 8);
    }

    /// What tells it from other images that were made from `base`: its length and the pages that differ.
    pub(crate) fn differences(&self, base: &Image) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.len.to_le_bytes());
        for (place, page) in self.pages.iter().enumerate() {
            let same = base.pages.get(place).is_some_and(|old| Arc::ptr_eq(old, page) || old == page);
            if !same {
                hasher.update(&place.to_le_bytes()).update(&page[..]);
            }
        }
        *hasher.finalize().as_bytes()
    }
}

/// Calls `each` with a page, the range within it, and the range of the data that goes there.
fn for_each_page(
    offset: usize,
    len: usize,
    mut each: impl FnMut(usize, std::ops::Range<usize>, std::ops::Range<usize>),
) {
    let mut done = 0;
    while done < len {
        let at = offset + done;
        let part = (PAGE - at % PAGE).min(len - done);
        each(at / PAGE, at % PAGE..at % PAGE + part, done..done + part);
        done += part;
    }
}

/// What was done to a disk.
#[derive(Clone)]
pub(crate) enum Op {
    Write {
        offset: usize,
        data: Arc<[u8]>,
    },
    SetLen(usize),
    /// Everything before it is on the platter.
    Sync,
    /// It was asked for and failed. What had not been synced before may be on the platter or not, and no later sync
    /// will bring it there: the kernel has marked those pages clean.
    FailedSync,
}

impl Op {
    pub(crate) fn apply(&self, image: &mut Image) {
        match self {
            Op::Write { offset, data } => image.write(*offset, data),
            Op::SetLen(len) => image.set_len(*len),
            Op::Sync | Op::FailedSync => {}
        }
    }
}

impl std::fmt::Debug for Op {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Op::Write { offset, data } => write!(f, "write {} at {offset}", data.len()),
            Op::SetLen(len) => write!(f, "set_len {len}"),
            Op::Sync => f.write_str("sync"),
            Op::FailedSync => f.write_str("failed sync"),
        }
    }
}

/// What a disk makes of an operation.
pub(crate) enum Fate {
    Do,
    /// It says that it was done, and did nothing.
    Skip,
    /// It fails with this error of the system's, after the first so many bytes of a write.
    Fail(i32, usize),
}

/// Decides on each operation before it is done.
pub(crate) type Meddler = Box<dyn FnMut(&Op) -> Fate + Send>;

/// A disk.
pub(crate) struct Disk {
    state: Mutex<State>,
    locked: AtomicBool,
}

/// Changes what a read gave, or has it fail.
pub(crate) type ReadMeddler = Box<dyn FnMut(&mut [u8]) -> io::Result<()> + Send>;

struct State {
    image: Image,
    ops: Vec<Op>,
    meddler: Option<Meddler>,
    read_meddler: Option<ReadMeddler>,
}

impl Disk {
    pub(crate) fn new(image: Image) -> Arc<Disk> {
        let state = Mutex::new(State { image, ops: Vec::new(), meddler: None, read_meddler: None });
        Arc::new(Disk { state, locked: AtomicBool::new(false) })
    }

    pub(crate) fn meddled(image: Image, meddler: impl FnMut(&Op) -> Fate + Send + 'static) -> Arc<Disk> {
        let disk = Disk::new(image);
        disk.state().meddler = Some(Box::new(meddler));
        disk
    }

    /// A disk whose reads are meddled with.
    pub(crate) fn misread(
        image: Image,
        meddler: impl FnMut(&mut [u8]) -> io::Result<()> + Send + 'static,
    ) -> Arc<Disk> {
        let disk = Disk::new(image);
        disk.state().read_meddler = Some(Box::new(meddler));
        disk
    }

    /// As the options take it.
    pub(crate) fn backend(self: &Arc<Disk>) -> Arc<dyn StorageBackend> {
        Arc::<Disk>::clone(self)
    }

    /// What a reader sees now: everything that was done, synced or not.
    pub(crate) fn image(&self) -> Image {
        self.state().image.clone()
    }

    /// How many operations were recorded.
    pub(crate) fn op_count(&self) -> usize {
        self.state().ops.len()
    }

    pub(crate) fn ops(&self) -> Vec<Op> {
        self.state().ops.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic that a test waits for may go through here.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn run(&self, op: Op) -> io::Result<()> {
        let State { image, ops, meddler, .. } = &mut *self.state();
        match meddler.as_mut().map_or(Fate::Do, |meddler| meddler(&op)) {
            Fate::Do => {
                op.apply(image);
                ops.push(op);
                Ok(())
            }
            Fate::Skip => Ok(()),
            Fate::Fail(error, bytes) => {
                match op {
                    Op::Write { offset, data } if bytes > 0 => {
                        let op = Op::Write { offset, data: data[..bytes.min(data.len())].into() };
                        op.apply(image);
                        ops.push(op);
                    }
                    Op::Sync => ops.push(Op::FailedSync),
                    _ => {}
                }
                Err(io::Error::from_raw_os_error(error))
            }
        }
    }
}

impl std::fmt::Debug for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Disk")
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().image.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let fits = usize::try_from(offset).ok().filter(|offset| offset.checked_add(out.len()).is_some());
        let State { image, read_meddler, .. } = &mut *self.state();
        if !fits.is_some_and(|offset| image.read(offset, out)) {
            // As a file does.
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "failed to fill whole buffer"));
        }
        read_meddler.as_mut().map_or(Ok(()), |meddler| meddler(out))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.run(Op::SetLen(len as usize))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.run(Op::Sync)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.run(Op::Write { offset: offset as usize, data: data.into() })
    }

    fn close(&self) -> io::Result<()> {
        self.locked.store(false, Ordering::SeqCst);
        Ok(())
    }

    // One lock, on the whole. Parts cannot be locked, which is what some files answer, too.
    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        match (start, end) {
            (Bound::Unbounded | Bound::Included(0), Bound::Unbounded) => {
                Ok(!self.locked.swap(true, Ordering::SeqCst))
            }
            _ => Err(BackendError::Unsupported),
        }
    }

    fn unlock_range(&self, _start: Bound<u64>, _end: Bound<u64>) -> Result<(), BackendError> {
        self.locked.store(false, Ordering::SeqCst);
        Ok(())
    }
}
