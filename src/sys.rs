//! What the standard library does not offer: the coarse clock, pages of zeroed words, and what a child process must
//! do first. With `src/ffi`, the only place that may hold unsafe code.

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// Real time in milliseconds since the Unix epoch, behind by at most the kernel's tick (1 to 10 ms).
#[inline]
pub(crate) fn coarse_now_ms() -> i64 {
    #[cfg(target_os = "linux")]
    const CLOCK: libc::clockid_t = libc::CLOCK_REALTIME_COARSE;
    #[cfg(not(target_os = "linux"))]
    const CLOCK: libc::clockid_t = libc::CLOCK_REALTIME;
    clock_ms(CLOCK)
}

/// Milliseconds that have passed since an arbitrary point, sleep included where the system can tell.
pub(crate) fn monotonic_ms() -> i64 {
    #[cfg(target_os = "linux")]
    const CLOCK: libc::clockid_t = libc::CLOCK_BOOTTIME;
    #[cfg(not(target_os = "linux"))]
    const CLOCK: libc::clockid_t = libc::CLOCK_MONOTONIC;
    clock_ms(CLOCK)
}

#[inline]
fn clock_ms(clock: libc::clockid_t) -> i64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a timespec that may be written. Every clock that is named above exists on its platform; if
    // the call failed all the same, `now` would stay at zero.
    unsafe { libc::clock_gettime(clock, &mut now) };
    now.tv_sec * 1_000 + now.tv_nsec / 1_000_000
}

/// Keeps something to the end of the process: lost on purpose, and still to be found by tools that look for lost memory.
pub(crate) fn keep_for_ever<T: Send + 'static>(kept: Box<T>) {
    struct Kept {
        _kept: Box<dyn std::any::Any + Send>,
        _before: AtomicPtr<Kept>,
    }
    static LAST: AtomicPtr<Kept> = AtomicPtr::new(std::ptr::null_mut());
    // No lock, which a thread may have held that does not exist in a forked child.
    let kept = Box::into_raw(Box::new(Kept { _kept: kept, _before: AtomicPtr::default() }));
    let before = LAST.swap(kept, Ordering::AcqRel);
    // SAFETY: it was made just now, is never freed, and nobody else writes to it.
    unsafe { (*kept)._before.store(before, Ordering::Release) };
}

/// Zeroed 64-bit words in pages of their own: they cost memory once they are touched, and can be given back while
/// others may still read them (who then read zeros).
pub(crate) struct Words {
    first: NonNull<AtomicU64>,
    len: usize,
    /// What they lie in, with other parts of it.
    map: Arc<Map>,
}

// SAFETY: the words are atomics, shared like any `&[AtomicU64]`, in a mapping that lives as long as they do.
unsafe impl Send for Words {}
// SAFETY: as above.
unsafe impl Sync for Words {}

/// A private anonymous mapping.
struct Map {
    start: NonNull<libc::c_void>,
    bytes: usize,
}

// SAFETY: it is an address and a length; who reads the memory does so through atomics.
unsafe impl Send for Map {}
// SAFETY: as above.
unsafe impl Sync for Map {}

impl Drop for Map {
    fn drop(&mut self) {
        // SAFETY: the mapping was made with this length, and every part of it is gone.
        unsafe { libc::munmap(self.start.as_ptr(), self.bytes) };
    }
}

const HUGE_PAGE: usize = 2 << 20;
const PAGE: usize = 4096;

impl Words {
    /// `len` zeroed words, on huge pages where that is worth it and the system allows it.
    pub(crate) fn new(len: usize) -> io::Result<Words> {
        let bytes = len.checked_mul(8).filter(|bytes| (1..isize::MAX as usize / 2).contains(bytes));
        let bytes = bytes.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        let huge = bytes >= HUGE_PAGE;
        let map_bytes = if huge { bytes + HUGE_PAGE } else { bytes };
        // SAFETY: a new private anonymous mapping at an address of the kernel's choice touches no other memory.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                map_bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start).ok_or_else(|| io::Error::from(io::ErrorKind::OutOfMemory))?;
        let map = Arc::new(Map { start, bytes: map_bytes });
        let skip = if huge { start.as_ptr().addr().wrapping_neg() & (HUGE_PAGE - 1) } else { 0 };
        // SAFETY: `skip` is under a huge page, by which the mapping is longer than `bytes`.
        let first = unsafe { start.byte_add(skip) }.cast::<AtomicU64>();
        #[cfg(target_os = "linux")]
        if huge {
            // SAFETY: the range lies within the mapping, which is ours. Advice that is refused changes nothing.
            unsafe { libc::madvise(first.as_ptr().cast(), bytes, libc::MADV_HUGEPAGE) };
        }
        Ok(Words { first, len, map })
    }

    /// The same words in parts of `len` each, the last of which may be shorter: small tables side by side lie on
    /// huge pages, too.
    pub(crate) fn into_parts(self, len: usize) -> Vec<Words> {
        let starts = (0..self.len).step_by(len.max(1));
        starts
            .map(|start| Words {
                // SAFETY: `start` is under the words' number, so that it lies in the mapping.
                first: unsafe { self.first.add(start) },
                len: len.min(self.len - start),
                map: Arc::clone(&self.map),
            })
            .collect()
    }

    /// Gives the memory back, as far as it is whole pages. Whoever still reads sees zeros there.
    pub(crate) fn discard(&self) {
        #[cfg(target_os = "linux")]
        {
            let start = self.first.as_ptr().addr();
            let skip = start.wrapping_neg() & (PAGE - 1);
            let bytes = (self.len * 8).saturating_sub(skip) & !(PAGE - 1);
            if bytes > 0 {
                // SAFETY: these whole pages lie within these words, which are part of a private anonymous mapping of
                // ours: the kernel replaces them by zero pages, which are valid words. Readers hold atomics and expect
                // any value.
                unsafe {
                    libc::madvise(self.first.as_ptr().byte_add(skip).cast(), bytes, libc::MADV_DONTNEED)
                };
            }
        }
    }
}

impl std::ops::Deref for Words {
    type Target = [AtomicU64];

    #[inline]
    fn deref(&self) -> &[AtomicU64] {
        // SAFETY: `first` is aligned, and `len` words from it lie in the mapping, which lives as long as `self`. It
        // was zeroed by the kernel, and any bytes are valid words.
        unsafe { std::slice::from_raw_parts(self.first.as_ptr(), self.len) }
    }
}

/// How many stores a process can have open at once.
pub(crate) const MAX_OPEN_FILES: usize = 1_024;

static FORKS: AtomicU32 = AtomicU32::new(0);
static NULL_FD: AtomicI32 = AtomicI32::new(-1);
static OPEN_FDS: [AtomicI32; MAX_OPEN_FILES] = [const { AtomicI32::new(-1) }; MAX_OPEN_FILES];

/// How many forks lie between this process and the first. What was made under another number is a parent's.
#[inline]
pub(crate) fn forks() -> u32 {
    FORKS.load(Ordering::Relaxed)
}

/// A descriptor that a child process loses when it is forked, so that it holds no lock of its parent's.
#[derive(Debug)]
pub(crate) struct ParentOnly {
    place: &'static AtomicI32,
    fd: RawFd,
}

impl ParentOnly {
    /// Registers `file`'s descriptor. It must be dropped before `file` is closed.
    pub(crate) fn new(file: &impl AsRawFd) -> io::Result<ParentOnly> {
        prepare_for_fork()?;
        let fd = file.as_raw_fd();
        for place in &OPEN_FDS {
            if place.compare_exchange(-1, fd, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
                return Ok(ParentOnly { place, fd });
            }
        }
        Err(io::Error::other("this process has too many stores open"))
    }

    /// Puts /dev/null in the descriptor's place now: the file is let go, with its locks, though something broken may
    /// still hold the descriptor.
    pub(crate) fn sever(&self) {
        // SAFETY: both are open descriptors: `fd` until `self` is dropped, the other for ever. No memory is involved.
        unsafe { libc::dup2(NULL_FD.load(Ordering::SeqCst), self.fd) };
    }
}

impl Drop for ParentOnly {
    fn drop(&mut self) {
        self.place.store(-1, Ordering::SeqCst);
    }
}

/// Installs, once a process, what a forked child does first.
fn prepare_for_fork() -> io::Result<()> {
    static READY: OnceLock<Result<(), i32>> = OnceLock::new();
    let ready = READY.get_or_init(|| {
        // SAFETY: the path is a NUL-terminated literal; the call has no other condition.
        let null = unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) };
        if null < 0 {
            return Err(io::Error::last_os_error().raw_os_error().unwrap_or(0));
        }
        NULL_FD.store(null, Ordering::SeqCst);
        // SAFETY: `in_child` is a function that lives as long as the library, which is linked so that it is never
        // unloaded, and it does only what is allowed between fork and exec.
        match unsafe { libc::pthread_atfork(None, None, Some(in_child)) } {
            0 => Ok(()),
            error => Err(error),
        }
    });
    ready.map_err(io::Error::from_raw_os_error)
}

/// Runs in a forked child before anything else: plain atomics and dup2, both async-signal-safe.
extern "C" fn in_child() {
    FORKS.fetch_add(1, Ordering::SeqCst);
    let null = NULL_FD.load(Ordering::SeqCst);
    for place in &OPEN_FDS {
        let fd = place.load(Ordering::SeqCst);
        if fd >= 0 {
            // SAFETY: both are descriptors of this process. The parent's store file is closed in the child alone;
            // its locks stay with the parent, which has the description open.
            unsafe { libc::dup2(null, fd) };
        }
    }
}

/// Renames `from` to `to` if nothing is there.
pub(crate) fn rename_noreplace(from: &std::path::Path, to: &std::path::Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::ffi::OsStrExt;
        let c = |path: &std::path::Path| std::ffi::CString::new(path.as_os_str().as_bytes());
        let (from_c, to_c) = (c(from)?, c(to)?);
        // SAFETY: both are NUL-terminated paths that outlive the call.
        let done = unsafe {
            libc::renameat2(
                libc::AT_FDCWD,
                from_c.as_ptr(),
                libc::AT_FDCWD,
                to_c.as_ptr(),
                libc::RENAME_NOREPLACE,
            )
        };
        if done == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.raw_os_error() != Some(libc::EINVAL) {
            return Err(error);
        }
    }
    // A file system without the flag: a hard link does not replace either.
    std::fs::hard_link(from, to)?;
    std::fs::remove_file(from)
}
