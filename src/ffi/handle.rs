//! Handles: pointers to small blocks that are never freed, so that a call on a closed one is an answer and no crash.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use super::error::{Failure, Outcome, finish, tokenstore_error};
use super::status::{TOKENSTORE_CLOSED, TOKENSTORE_INVALID_ARGUMENT, TOKENSTORE_PANIC, tokenstore_status};
use crate::store::Store;

/// An open store. `const tokenstore *` parameters may be used by several threads at once.
pub struct tokenstore(Control<Store>);

/// 64 bytes that stay for the life of the process.
#[repr(align(64))]
pub(super) struct Control<T> {
    magic: AtomicU64,
    /// Null once it is closed.
    object: AtomicPtr<T>,
}

const MAGIC: u64 = u64::from_le_bytes(*b"tokstore");

const _: () = assert!(size_of::<Control<Store>>() == 64);

impl<T> Control<T> {
    pub(super) fn new(object: T) -> Control<T> {
        Control { magic: AtomicU64::new(MAGIC), object: AtomicPtr::new(Box::into_raw(Box::new(object))) }
    }

    /// The object, unless it was closed.
    #[inline]
    pub(super) fn get(&self) -> Outcome<&T> {
        if self.magic.load(Ordering::Relaxed) != MAGIC {
            return Err(Failure::invalid("a handle is none of this kind"));
        }
        // SAFETY: a pointer that is not null came from `new`, and lives until `close`, which the caller promises not to
        // call beside any other call.
        unsafe { self.object.load(Ordering::Acquire).as_ref() }
            .ok_or_else(|| Failure::new(TOKENSTORE_CLOSED, "the handle was closed"))
    }

    /// The object, for good; none if it was closed before.
    pub(super) fn take(&self) -> Option<Box<T>> {
        if self.magic.load(Ordering::Relaxed) != MAGIC {
            return None;
        }
        let object = self.object.swap(std::ptr::null_mut(), Ordering::AcqRel);
        // SAFETY: it came from `Box::into_raw`, and the swap gives it to one taker.
        (!object.is_null()).then(|| unsafe { Box::from_raw(object) })
    }
}

impl tokenstore {
    /// A handle that the caller has until it closes it. Its block is never freed.
    pub(super) fn new(store: Store) -> *mut tokenstore {
        Box::into_raw(Box::new(tokenstore(Control::new(store))))
    }

    /// The store of a handle.
    ///
    /// # Safety
    /// A pointer that is not null came from a call that opens a store.
    #[inline]
    pub(super) unsafe fn store<'a>(handle: *const tokenstore) -> Outcome<&'a Store> {
        if handle.is_null() || !handle.is_aligned() {
            return Err(Failure::invalid("a handle is NULL or none of a store"));
        }
        // SAFETY: not null, aligned, and blocks are never freed.
        unsafe { (*handle).0.get() }
    }

    pub(super) unsafe fn take(handle: *mut tokenstore) -> Option<Box<Store>> {
        // SAFETY: as in `store`.
        if handle.is_null() || !handle.is_aligned() { None } else { unsafe { (*handle).0.take() } }
    }
}

/// Runs a call's body: a panic becomes a status.
pub(super) fn guard(error: *mut tokenstore_error, body: impl FnOnce() -> Outcome) -> tokenstore_status {
    let outcome = catch_unwind(AssertUnwindSafe(body));
    finish(outcome.unwrap_or_else(|_| Err(panicked())), error)
}

/// Runs a body that may change the store: a panic ends all changes to it, since nobody knows how far it came.
///
/// # Safety
/// As [`tokenstore::store`].
pub(super) unsafe fn guard_change(
    handle: *const tokenstore,
    error: *mut tokenstore_error,
    body: impl FnOnce(&Store) -> Outcome,
) -> tokenstore_status {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: handed on.
        let store = unsafe { tokenstore::store(handle) }?;
        catch_unwind(AssertUnwindSafe(|| body(store))).unwrap_or_else(|_| {
            store.poison();
            Err(panicked())
        })
    }));
    finish(outcome.unwrap_or_else(|_| Err(panicked())), error)
}

fn panicked() -> Failure {
    Failure::new(TOKENSTORE_PANIC, "the library failed inside; reopen the store")
}

/// Closes a store: last uses and the mark of the clock are written, the file and its locks let go, and the handle is
/// closed whatever is returned. NULL does nothing. A second close, and every other call afterwards, answers
/// TOKENSTORE_CLOSED. In a child process of the one that opened the store it answers TOKENSTORE_FORKED and lets nothing
/// of the parent's go. The caller sees to it that no other call on the handle is under way.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenstore_close(
    store: *mut tokenstore,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    if store.is_null() {
        return 0;
    }
    guard(error, || {
        if !store.is_aligned() {
            return Err(Failure::new(TOKENSTORE_INVALID_ARGUMENT, "a handle is none of a store"));
        }
        // SAFETY: not null and aligned; the caller promises that it came from a call that opens a store.
        let store = unsafe { tokenstore::take(store) };
        let store = store.ok_or_else(|| Failure::new(TOKENSTORE_CLOSED, "the handle was closed"))?;
        Ok(store.close()?)
    })
}
