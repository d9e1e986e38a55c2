//! Handles: pointers to small blocks that are never freed, so that a call on a closed one is an answer and no crash.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use super::error::{Failure, Outcome, finish, tokenstore_error};
use super::status::{TOKENSTORE_CLOSED, TOKENSTORE_PANIC, tokenstore_status};
use crate::store::Store;

/// An open store. `const tokenstore_store *` parameters may be used by several threads at once.
pub struct tokenstore_store(Control<Store>);

/// What a handle can stand for. Each kind has a mark of its own, so that a handle of another kind is known as such.
pub(super) trait Kind {
    const MAGIC: u64;
}

impl Kind for Store {
    const MAGIC: u64 = u64::from_le_bytes(*b"tokstore");
}

/// 64 bytes that stay for the life of the process.
#[repr(align(64))]
pub(super) struct Control<T> {
    magic: AtomicU64,
    /// Null once it is closed.
    object: AtomicPtr<T>,
    /// The block before it in the list of all.
    before: AtomicPtr<u8>,
}

/// The last of all blocks: they are kept and not lost, which tools that look for lost memory can see.
static LAST: AtomicPtr<u8> = AtomicPtr::new(std::ptr::null_mut());

const _: () = assert!(size_of::<Control<Store>>() == 64);

impl<T: Kind> Control<T> {
    pub(super) fn new(object: T) -> Control<T> {
        Control {
            magic: AtomicU64::new(T::MAGIC),
            object: AtomicPtr::new(Box::into_raw(Box::new(object))),
            before: AtomicPtr::default(),
        }
    }

    /// Puts the block into the list of all, from which none is ever taken.
    pub(super) fn keep(&self) {
        let me = std::ptr::from_ref(self).cast_mut().cast();
        let mut last = LAST.load(Ordering::Relaxed);
        loop {
            self.before.store(last, Ordering::Relaxed);
            match LAST.compare_exchange(last, me, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(other) => last = other,
            }
        }
    }

    /// The object, unless it was closed.
    #[inline]
    pub(super) fn get(&self) -> Outcome<&T> {
        if self.magic.load(Ordering::Relaxed) != T::MAGIC {
            return Err(Failure::invalid("a handle is none of this kind"));
        }
        // SAFETY: a pointer that is not null came from `new`, and lives until `close`, which the caller promises not to
        // call beside any other call.
        unsafe { self.object.load(Ordering::Acquire).as_ref() }.ok_or_else(closed)
    }

    /// The object, for good, unless it was closed.
    pub(super) fn take(&self) -> Outcome<Box<T>> {
        self.get()?;
        let object = self.object.swap(std::ptr::null_mut(), Ordering::AcqRel);
        if object.is_null() {
            return Err(closed());
        }
        // SAFETY: it came from `Box::into_raw`, and the swap gives it to one taker.
        Ok(unsafe { Box::from_raw(object) })
    }
}

impl tokenstore_store {
    /// A handle that the caller has until it closes it. Its block is never freed.
    pub(super) fn new(store: Store) -> *mut tokenstore_store {
        let block = Box::leak(Box::new(tokenstore_store(Control::new(store))));
        block.0.keep();
        block
    }

    /// The store of a handle.
    ///
    /// # Safety
    /// A pointer that is not null came from a call that opens a store.
    #[inline]
    pub(super) unsafe fn store<'a>(handle: *const tokenstore_store) -> Outcome<&'a Store> {
        if handle.is_null() || !handle.is_aligned() {
            return Err(Failure::invalid("a handle is NULL or none of a store"));
        }
        // SAFETY: not null, aligned, and blocks are never freed.
        unsafe { (*handle).0.get() }
    }

    /// The store of a handle that is being closed.
    ///
    /// # Safety
    /// As [`store`](tokenstore::store).
    unsafe fn take(handle: *mut tokenstore_store) -> Outcome<Box<Store>> {
        if !handle.is_aligned() {
            return Err(Failure::invalid("a handle is none of a store"));
        }
        // SAFETY: the caller promises that it came from a call that opens a store; blocks are never freed.
        unsafe { (*handle).0.take() }
    }
}

fn closed() -> Failure {
    Failure::new(TOKENSTORE_CLOSED, "the handle was closed")
}

/// Runs a call's body: a panic becomes a status. Bodies clear the outputs before they look at anything else, so that
/// nothing is left in them whatever fails.
pub(super) fn guard(error: *mut tokenstore_error, body: impl FnOnce() -> Outcome) -> tokenstore_status {
    let outcome = catch_unwind(AssertUnwindSafe(body));
    finish(outcome.unwrap_or_else(|_| Err(panicked())), error)
}

/// Runs a body that may change the store: a panic ends all changes to it, since nobody knows how far it came.
///
/// # Safety
/// As [`tokenstore::store`].
pub(super) unsafe fn guard_change(
    handle: *const tokenstore_store,
    error: *mut tokenstore_error,
    body: impl FnOnce() -> Outcome,
) -> tokenstore_status {
    let outcome = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| {
        // SAFETY: handed on.
        if let Ok(store) = unsafe { tokenstore_store::store(handle) } {
            store.poison();
        }
        Err(panicked())
    });
    finish(outcome, error)
}

fn panicked() -> Failure {
    Failure::new(TOKENSTORE_PANIC, "the library failed inside; reopen the store")
}

/// Closes a store: last uses and the mark of the clock are written, the file and its locks let go, and the handle is
/// closed whatever is returned: TOKENSTORE_BUSY, say, if the place to write was not free for that in time. NULL does nothing. A second close, and every other call afterwards, answers
/// TOKENSTORE_CLOSED. In a child process of the one that opened the store it lets nothing of the parent's go, and answers
/// TOKENSTORE_FORKED unless the store is shared. The caller sees to it that no other call on the handle is under way.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenstore_close(
    store: *mut tokenstore_store,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    if store.is_null() {
        return 0;
    }
    guard(error, || {
        // SAFETY: not null; handed on.
        Ok(unsafe { tokenstore_store::take(store) }?.close()?)
    })
}
