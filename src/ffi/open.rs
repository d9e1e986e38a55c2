//! Making and opening stores; their options; a clock for tests.

use std::ffi::{CStr, OsStr, c_char};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::error::{Failure, Outcome, tokenstore_error};
use super::handle::{Control, Kind, guard, guard_change, tokenstore_store};
use super::input::{self, Growing};
use super::status::tokenstore_status;
use crate::clock::{Clock, ManualClock, from_ms, to_ms};
use crate::options::Options;
use crate::store::Store;

/// How to make or open a store. Set struct_size to its size and everything else to zeros, which are the defaults.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tokenstore_options {
    /// sizeof(tokenstore_options).
    pub struct_size: usize,
    /// The store's key of 32 random bytes, or NULL for a store without one.
    pub key: *const u8,
    /// Bytes of memory for the file's pages, from 1 MiB on; 0 is 32 MiB.
    pub cache_bytes: u64,
    /// How precisely last uses are noted, in ms from 1,000 to 86,400,000; 0 is a minute.
    pub use_resolution_ms: u64,
    /// How many events the log keeps; 0 is 65,536.
    pub max_events: u64,
    /// How long a change waits for the place to write, among all threads and processes, and anything in a shared store for
    /// another process, in ms; 0 is 5,000.
    pub busy_timeout_ms: u64,
    /// A clock for tests, or NULL for the system's. It may be closed while the store is open.
    pub clock: *const tokenstore_clock,
    /// TOKENSTORE_SHARED, or 0.
    pub flags: u32,
    /// Zero.
    pub reserved: u32,
}

/// Of options: several processes may have the store open, all of them so. Each verifies from its own memory; what one
/// changed, the very next verify of every other sees, once the change returned. The first call after another process's
/// change reads what changed, about 0.1 ms, and answers TOKENSTORE_BUSY, or what else keeps it from that,
/// rather than from before it. A child process goes on with its own opening, which its first call makes. Types in memory
/// alone are on the disk. Linux, and a file system of this machine, alone; nobody may truncate or overwrite the file while
/// it is open.
pub const TOKENSTORE_SHARED: u32 = 1;

// SAFETY: repr(C), begins with its size, and holds only integers and pointers.
unsafe impl Growing for tokenstore_options {
    const FIRST_SIZE: usize = 56;
}

/// A clock that stands until it is moved: for tests.
pub struct tokenstore_clock(Control<Arc<ManualClock>>);

impl Kind for Arc<ManualClock> {
    const MAGIC: u64 = u64::from_le_bytes(*b"tokclock");
}

impl tokenstore_clock {
    /// # Safety
    /// A pointer that is not null came from tokenstore_clock_new.
    unsafe fn get<'a>(clock: *const tokenstore_clock) -> Outcome<&'a Arc<ManualClock>> {
        if clock.is_null() || !clock.is_aligned() {
            return Err(Failure::invalid("a handle is NULL or none of a clock"));
        }
        // SAFETY: not null, aligned, and blocks are never freed.
        unsafe { (*clock).0.get() }
    }
}

/// # Safety
/// Pointers are null or good for the struct and what it points to.
unsafe fn options(options: *const tokenstore_options) -> Outcome<Options> {
    if options.is_null() {
        return Ok(Options::new());
    }
    // SAFETY: handed on.
    let given = unsafe { input::growing(options) }?;
    let tokenstore_options {
        struct_size: _,
        key,
        cache_bytes,
        use_resolution_ms,
        max_events,
        busy_timeout_ms,
        clock,
        flags,
        reserved,
    } = given;
    input::flags(flags, TOKENSTORE_SHARED)?;
    input::flags(reserved, 0)?;
    let mut options = Options::new().shared(flags & TOKENSTORE_SHARED != 0);
    if !key.is_null() {
        // SAFETY: the caller promises 32 bytes, which are always aligned.
        options = options.key(unsafe { &*key.cast::<[u8; 32]>() });
    }
    if cache_bytes != 0 {
        options = options.cache_bytes(usize::try_from(cache_bytes).unwrap_or(usize::MAX));
    }
    if use_resolution_ms != 0 {
        options = options.use_resolution(Duration::from_millis(use_resolution_ms));
    }
    if max_events != 0 {
        options = options.max_events(max_events);
    }
    if busy_timeout_ms != 0 {
        options = options.busy_timeout(Duration::from_millis(busy_timeout_ms));
    }
    if !clock.is_null() {
        // SAFETY: handed on.
        options = options.clock(Clock::Manual(Arc::clone(unsafe { tokenstore_clock::get(clock) }?)));
    }
    Ok(options)
}

/// # Safety
/// A pointer that is not null points to a NUL-terminated string.
unsafe fn path<'a>(path: *const c_char) -> Outcome<&'a Path> {
    if path.is_null() {
        return Err(Failure::invalid("a path is NULL"));
    }
    // SAFETY: not null, and the caller promises a NUL.
    let bytes = unsafe { CStr::from_ptr(path) }.to_bytes();
    if bytes.is_empty() {
        Err(Failure::invalid("a path is empty"))
    } else {
        Ok(Path::new(OsStr::from_bytes(bytes)))
    }
}

/// # Safety
/// `store` is null or may be written.
unsafe fn hand_out(
    store: *mut *mut tokenstore_store,
    error: *mut tokenstore_error,
    open: impl FnOnce() -> Outcome<Store>,
) -> tokenstore_status {
    guard(error, || {
        // SAFETY: handed on.
        let mut out = unsafe { input::cleared(store, std::ptr::null_mut()) }?;
        out.set(tokenstore_store::new(open()?));
        Ok(())
    })
}

/// Makes a new store at `path`, a NUL-terminated file name, and opens it. `options` may be NULL. The file is readable
/// and writable by its owner alone, and is there whole or not at all; it is on the disk when this returns. `*store` is
/// NULL unless TOKENSTORE_OK is returned; close it by tokenstore_close. TOKENSTORE_ALREADY_EXISTS if anything is there.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_create(
    path: *const c_char,
    options: *const tokenstore_options,
    store: *mut *mut tokenstore_store,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    // SAFETY: every pointer is handed on as the caller gave it, to what checks it.
    unsafe { hand_out(store, error, || Ok(self::options(options)?.create(self::path(path)?)?)) }
}

/// Opens the store at `path`, a NUL-terminated file name, after checking every page and row of it. `options` may be
/// NULL. It never makes a file. `*store` is NULL unless TOKENSTORE_OK is returned; close it by tokenstore_close.
/// TOKENSTORE_WRONG_KEY, TOKENSTORE_LOCKED if it is open elsewhere and not both are shared, whose text names the file and a
/// process where that is known, TOKENSTORE_BUSY if another process opens it for too long, TOKENSTORE_CORRUPT,
/// TOKENSTORE_ROLLED_BACK, TOKENSTORE_UNSUPPORTED, TOKENSTORE_IO.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_open(
    path: *const c_char,
    options: *const tokenstore_options,
    store: *mut *mut tokenstore_store,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    // SAFETY: as in tokenstore_create.
    unsafe { hand_out(store, error, || Ok(self::options(options)?.open(self::path(path)?)?)) }
}

/// Makes a store in memory, for tests: everything works, and nothing stays. `options` may be NULL, and has no key.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_open_in_memory(
    options: *const tokenstore_options,
    store: *mut *mut tokenstore_store,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    // SAFETY: as in tokenstore_create.
    unsafe { hand_out(store, error, || Ok(self::options(options)?.in_memory()?)) }
}

/// Writes last uses and the mark of the clock to the disk now, instead of with the next changes or at the close.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_flush(
    store: *const tokenstore_store,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    // SAFETY: handed on.
    unsafe { guard_change(store, error, || Ok(tokenstore_store::store(store)?.flush()?)) }
}

/// Puts the file under another key of 32 bytes, or under none if `key` is NULL. When it returns, the file opens with
/// that key alone.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_change_key(
    store: *const tokenstore_store,
    key: *const u8,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    // SAFETY: the caller promises that `key` is NULL or points to 32 bytes, which are always aligned.
    unsafe {
        guard_change(store, error, || {
            Ok(tokenstore_store::store(store)?.change_key(key.cast::<[u8; 32]>().as_ref())?)
        })
    }
}

/// Makes a clock for tests that shows `now_ms`, of the years 0 to 9999. Close it by tokenstore_clock_close.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_clock_new(
    now_ms: i64,
    clock: *mut *mut tokenstore_clock,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    guard(error, || {
        // SAFETY: handed on.
        let mut out = unsafe { input::cleared(clock, std::ptr::null_mut()) }?;
        let made = Control::new(ManualClock::new(time_of(now_ms)?));
        let block = Box::leak(Box::new(tokenstore_clock(made)));
        block.0.keep();
        out.set(block);
        Ok(())
    })
}

/// Lets `by_ms` milliseconds pass, not beyond the year 9999.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_clock_advance(
    clock: *const tokenstore_clock,
    by_ms: u64,
) -> tokenstore_status {
    guard(std::ptr::null_mut(), || {
        // SAFETY: handed on.
        unsafe { tokenstore_clock::get(clock) }?.advance(Duration::from_millis(by_ms));
        Ok(())
    })
}

/// Sets the clock, forward or back, as an operator would, within the years 0 to 9999: no time passes.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_clock_set(
    clock: *const tokenstore_clock,
    now_ms: i64,
) -> tokenstore_status {
    guard(std::ptr::null_mut(), || {
        // SAFETY: handed on.
        unsafe { tokenstore_clock::get(clock) }?.set(time_of(now_ms)?);
        Ok(())
    })
}

/// What the clock shows.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_clock_now(
    clock: *const tokenstore_clock,
    now_ms: *mut i64,
) -> tokenstore_status {
    guard(std::ptr::null_mut(), || {
        // SAFETY: handed on.
        let (mut out, clock) = unsafe { (input::cleared(now_ms, 0)?, tokenstore_clock::get(clock)?) };
        out.set(to_ms(clock.now()));
        Ok(())
    })
}

/// Lets a clock go. Stores that use it keep it. NULL does nothing; a second close answers TOKENSTORE_CLOSED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenstore_clock_close(clock: *mut tokenstore_clock) -> tokenstore_status {
    if clock.is_null() {
        return 0;
    }
    guard(std::ptr::null_mut(), || {
        // SAFETY: handed on; blocks are never freed.
        unsafe { tokenstore_clock::get(clock) }?;
        // SAFETY: checked just now.
        drop(unsafe { (*clock).0.take() }?);
        Ok(())
    })
}

/// A time of the years 0 to 9999.
pub(super) fn time_of(ms: i64) -> Outcome<time::OffsetDateTime> {
    if (-62_167_219_200_000..253_402_300_800_000).contains(&ms) {
        Ok(from_ms(ms))
    } else {
        Err(Failure::invalid("a time is before the year 0 or after the year 9999"))
    }
}
