//! What the standard library does not offer: the coarse clock, pages of words, which file systems are a network's, and
//! what a child process must do first. With `src/ffi`, the only place that may hold unsafe code.

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

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

/// 64-bit words in pages of their own. Anonymous ones are zeros at first, cost memory once they are touched, and can be
/// given back while others may still read them (who then read zeros). Those of a file are the same words in every process
/// that has them.
#[derive(Clone)]
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

/// A mapping.
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

    /// The words of a file's first page from byte `from` on. The page is there as long as nobody truncates the file; the
    /// descriptor may be closed.
    #[cfg(target_os = "linux")]
    pub(crate) fn of_first_page(file: &std::fs::File, from: usize) -> io::Result<Words> {
        if file.metadata()?.len() < PAGE as u64 || !from.is_multiple_of(8) || from >= PAGE {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        // SAFETY: a new mapping at an address of the kernel's choice touches no other memory.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                PAGE,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start).ok_or_else(|| io::Error::from(io::ErrorKind::OutOfMemory))?;
        let map = Arc::new(Map { start, bytes: PAGE });
        // SAFETY: `from` is within the page. Other processes write these words through atomics as well; whoever wrote
        // them otherwise would change numbers, which any bytes are, and no pointer is among them.
        let first = unsafe { start.byte_add(from) }.cast::<AtomicU64>();
        Ok(Words { first, len: (PAGE - from) / 8, map })
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
        // was filled by the kernel, and any bytes are valid words.
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
    /// Opens a file and registers its descriptor, which must be dropped before the file is closed. No fork comes between
    /// the two, for whose child would have the file open as long as it lives.
    pub(crate) fn open<F: AsRawFd, E>(
        open: impl FnOnce() -> Result<F, E>,
    ) -> io::Result<Result<(F, ParentOnly), E>> {
        prepare_for_fork()?;
        hold_forks();
        let opened = open().map(|file| {
            let fd = file.as_raw_fd();
            let free = |place: &&AtomicI32| {
                place.compare_exchange(-1, fd, Ordering::SeqCst, Ordering::SeqCst).is_ok()
            };
            let place = OPEN_FDS.iter().find(free);
            (file, place.map(|place| ParentOnly { place, fd }))
        });
        let_forks();
        match opened {
            Ok((file, Some(parent_only))) => Ok(Ok((file, parent_only))),
            Ok((_, None)) => Err(io::Error::other("this process has too many stores open")),
            Err(error) => Ok(Err(error)),
        }
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
        // SAFETY: these functions live as long as the library, which is linked so that it is never unloaded, and the
        // child's does only what is allowed between fork and exec.
        match unsafe { libc::pthread_atfork(Some(before_fork), Some(in_parent), Some(in_child)) } {
            0 => Ok(()),
            error => Err(error),
        }
    });
    ready.map_err(io::Error::from_raw_os_error)
}

/// Whether a thread forks, or is between opening a file and registering it. No lock of the standard library: it is let go
/// by whoever runs on the other side of a fork.
static FORKING: AtomicBool = AtomicBool::new(false);

fn hold_forks() {
    while FORKING.swap(true, Ordering::SeqCst) {
        std::thread::yield_now();
    }
}

fn let_forks() {
    FORKING.store(false, Ordering::SeqCst);
}

extern "C" fn before_fork() {
    hold_forks();
}

extern "C" fn in_parent() {
    let_forks();
}

/// Runs in a forked child before anything else: plain atomics and dup2, both async-signal-safe.
extern "C" fn in_child() {
    let_forks();
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

/// What a process made, and a forked child replaces by what it makes for itself.
pub(crate) struct OfProcess<T: Send + 'static> {
    current: AtomicPtr<T>,
    /// The number of forks of a process of which a thread is at it.
    replacing: AtomicU32,
}

/// The number of no process.
const NOBODY: u32 = u32::MAX;

/// How often it is looked whether another thread is done.
const REPLACED_YET: Duration = Duration::from_millis(1);

// SAFETY: it hands out `&T` to every thread that has it, and takes and drops `T`s.
unsafe impl<T: Send + Sync + 'static> Sync for OfProcess<T> {}

impl<T: Send + 'static> OfProcess<T> {
    pub(crate) fn new(made: T) -> OfProcess<T> {
        OfProcess {
            current: AtomicPtr::new(Box::into_raw(Box::new(made))),
            replacing: AtomicU32::new(NOBODY),
        }
    }

    #[inline]
    pub(crate) fn get(&self) -> &T {
        // SAFETY: it came from `Box::into_raw`. What is replaced is never freed, and the last is freed with `self`.
        unsafe { &*self.current.load(Ordering::Acquire) }
    }

    /// Has one thread of this process make what takes the place of a parent's, while the others wait for it; the parent's
    /// stays where it is, for who may still hold a reference. `is_own` tells whether that is done.
    pub(crate) fn replace<E>(
        &self,
        is_own: impl Fn(&T) -> bool,
        make: impl FnOnce(&T) -> Result<T, E>,
    ) -> Result<&T, E> {
        // Nothing that a thread may have held when it was lost in a fork: a parent's claim is another number.
        loop {
            let other = self.replacing.load(Ordering::Acquire);
            let free = other != forks();
            if free
                && self
                    .replacing
                    .compare_exchange(other, forks(), Ordering::AcqRel, Ordering::Relaxed)
                    .is_ok()
            {
                break;
            }
            if !free {
                std::thread::sleep(REPLACED_YET);
            }
        }
        let claim = Claim(&self.replacing);
        if !is_own(self.get()) {
            let made = Box::into_raw(Box::new(make(self.get())?));
            let before = self.current.swap(made, Ordering::AcqRel);
            // SAFETY: it came from `Box::into_raw`, and the swap gave it to this thread alone. The box is not freed.
            keep_for_ever(unsafe { Box::from_raw(before) });
        }
        drop(claim);
        Ok(self.get())
    }
}

/// Lets the next one try, whatever came of this one.
struct Claim<'a>(&'a AtomicU32);

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.0.store(NOBODY, Ordering::Release);
    }
}

impl<T: Send + 'static> Drop for OfProcess<T> {
    fn drop(&mut self) {
        // SAFETY: it came from `Box::into_raw`, nobody else has `self` any more, and no reference outlives it.
        drop(unsafe { Box::from_raw(self.current.load(Ordering::Acquire)) });
    }
}

/// Whether a file lies on another machine's disk, whose processes map pages of their own: the file system's name.
#[cfg(target_os = "linux")]
pub(crate) fn network_file_system(file: &std::fs::File) -> io::Result<Option<&'static str>> {
    let mut about = std::mem::MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: the descriptor is open, and there is room for the answer.
    if unsafe { libc::fstatfs(file.as_raw_fd(), about.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call succeeded, so that it was filled in.
    let kind = unsafe { about.assume_init() }.f_type;
    Ok(network_name(kind as u32))
}

/// By the numbers of the kernel's linux/magic.h, which are 32 bits wide.
#[cfg(target_os = "linux")]
fn network_name(kind: u32) -> Option<&'static str> {
    const NETWORK: [(u32, &str); 13] = [
        (0x6969, "NFS"),
        (0x517b, "SMB"),
        (0xff53_4d42, "CIFS"),
        (0xfe53_4d42, "SMB"),
        (0x0102_1997, "9P"),
        (0x00c3_6400, "Ceph"),
        (0x5346_414f, "AFS"),
        (0x6b41_4653, "AFS"),
        (0x7375_7245, "Coda"),
        (0x0bd0_0bd0, "Lustre"),
        (0x7461_636f, "OCFS2"),
        (0x0116_1970, "GFS2"),
        (0x4750_4653, "GPFS"),
    ];
    NETWORK.iter().find(|(number, _)| *number == kind).map(|(_, name)| *name)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_networks_file_systems_are_known_by_their_numbers() {
        for (number, name) in [(0x6969, "NFS"), (0xff53_4d42, "CIFS"), (0x0102_1997, "9P")] {
            assert_eq!(network_name(number), Some(name));
        }
        // ext4, XFS, Btrfs, tmpfs, overlayfs.
        for number in [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0x794c_7630] {
            assert_eq!(network_name(number), None);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_words_of_a_files_page_are_the_same_for_all_who_have_them() {
        let file = tempfile::tempfile().unwrap();
        assert!(Words::of_first_page(&file, 2048).is_err(), "there is no page yet");
        file.set_len(4096).unwrap();
        let (one, other) =
            (Words::of_first_page(&file, 2048).unwrap(), Words::of_first_page(&file, 2048).unwrap());
        assert_eq!((one.len(), one[0].load(Ordering::Relaxed)), (256, 0));
        one[255].store(7, Ordering::Release);
        assert_eq!(other[255].load(Ordering::Acquire), 7);
        let mut bytes = [0; 8];
        std::os::unix::fs::FileExt::read_exact_at(&file, &mut bytes, 4088).unwrap();
        assert_eq!(u64::from_le_bytes(bytes), 7);
    }

    #[test]
    fn what_is_replaced_stays_for_who_holds_it() {
        let cell = OfProcess::new(1_u32);
        let old = cell.get();
        assert_eq!(cell.replace(|known| *known == 2, |_| Err::<u32, _>("no")), Err("no"));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    assert_eq!(cell.replace(|known| *known == 2, |known| Ok::<_, ()>(known + 1)), Ok(&2))
                });
            }
        });
        assert_eq!((*old, *cell.get()), (1, 2));
    }
}
