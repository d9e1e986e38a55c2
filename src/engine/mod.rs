//! The engine: one store, open. Verifies read the index; changes go through the queue to the storage and then to the
//! index.

mod book;
mod change;
mod commit;
mod families;
mod follow;
mod list;
mod marks;
mod open;
mod owners;
mod pending;
mod prune;
mod queue;
mod sessions;
mod tickets;
mod types;
mod verify;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use self::book::Book;
use self::commit::Desk;
use self::queue::Queue;
use self::tickets::Tickets;
pub(crate) use self::types::Types;
use crate::board::Board;
use crate::clock::Now;
use crate::error::{Error, ErrorKind, Result};
use crate::index::Index;
use crate::key::{DataKey, Keys};
use crate::plan::{Answer, Op};
use crate::policy::{TypeId, TypePolicy};
use crate::storage::{FileId, Storage};
use crate::sys;

pub(crate) use self::follow::stale;
pub use self::list::Stats;
pub(crate) use self::queue::{MAX_BATCH_BYTES, MAX_BATCH_OPS};

/// An open store.
pub(crate) struct Engine {
    keys: Box<Keys>,
    data_key: DataKey,
    now: Now,
    types: Types,
    index: Index,
    queue: Queue,
    /// Held by who writes, from the wait for the place to write until the answer.
    turn: Mutex<()>,
    /// Held by who changes the index: never while the disk or another process is waited for.
    desk: Mutex<Desk>,
    /// Up to which change the index goes.
    applied: AtomicU64,
    /// Up to which change there is something to know, here or in another process.
    board: Board,
    book: Mutex<Book>,
    /// What lives in memory alone, once there is any.
    tickets: OnceLock<Tickets>,
    /// None once the store is closed.
    storage: RwLock<Option<Box<dyn Storage>>>,
    health: AtomicU8,
    /// How many forks lay behind the process that opened it.
    forks: u32,
    /// How a child process opens the same store for itself, if it may.
    again: Option<open::Again>,
    file: Option<FileId>,
    settings: Settings,
}

/// What of the options is still needed.
struct Settings {
    use_resolution_ms: i64,
    max_events: u64,
    busy_timeout: Duration,
    /// Whether no other process has the store open, so that memory alone can tell of a token.
    alone: bool,
}

/// How an engine is. It only ever gets worse.
mod health {
    pub(super) const GOOD: u8 = 0;
    /// A commit failed: no more changes.
    pub(super) const FAILED: u8 = 1;
    /// The library panicked: no more changes, and the storage is not to be touched.
    pub(super) const PANICKED: u8 = 2;
    pub(super) const CLOSED: u8 = 3;
}

impl Engine {
    /// Whether anything may be asked of it.
    #[inline]
    fn usable(&self) -> Result<()> {
        if self.forks == sys::forks() && self.health.load(Ordering::Relaxed) != health::CLOSED {
            return Ok(());
        }
        Err(self.why_unusable())
    }

    #[cold]
    fn why_unusable(&self) -> Error {
        if self.health.load(Ordering::Relaxed) == health::CLOSED {
            Error::new(ErrorKind::Closed, "the store is closed")
        } else {
            Error::new(ErrorKind::Forked, "the store was opened before a fork; open it in the child anew")
        }
    }

    /// Whether this process opened it.
    #[inline]
    pub(crate) fn is_own(&self) -> bool {
        self.forks == sys::forks()
    }

    /// Whether a child process may open the store for itself, unless it was closed.
    pub(crate) fn can_open_again(&self) -> bool {
        self.again.is_some() && self.health.load(Ordering::Relaxed) != health::CLOSED
    }

    /// The policy of a type whose tokens are in memory alone, as long as no other process is to know of them.
    pub(crate) fn ticket_policy(&self, type_id: TypeId) -> Option<&TypePolicy> {
        self.types.get(type_id).filter(|policy| policy.is_volatile() && self.settings.alone)
    }

    /// The declared types.
    pub(crate) fn types(&self) -> &Types {
        &self.types
    }

    /// The id of the token with this digest.
    pub(crate) fn id_of(&self, digest: &crate::key::Digest) -> Option<crate::id::Id> {
        let ticket = || self.tickets.get()?.index.peek(digest);
        self.index.peek(digest).or_else(ticket).map(|(id, _, _)| id)
    }

    /// Ends all changes, after a panic.
    #[cfg(not(test))]
    pub(crate) fn poison(&self) {
        self.worsen(health::PANICKED);
    }

    /// An error if it takes no changes.
    pub(crate) fn changeable(&self) -> Result<()> {
        self.usable()?;
        match self.health.load(Ordering::Acquire) {
            health::GOOD => Ok(()),
            health::CLOSED => Err(self.why_unusable()),
            _ => {
                Err(Error::new(ErrorKind::Poisoned, "an earlier failure ended all changes; reopen the store"))
            }
        }
    }

    fn worsen(&self, to: u8) {
        self.health.fetch_max(to, Ordering::AcqRel);
    }

    /// Runs one operation.
    pub(crate) fn run(&self, op: Op) -> Result<Answer> {
        self.run_many(vec![op])?.pop().unwrap_or_else(|| Err(no_answer()))
    }

    /// Runs operations, at most [`MAX_BATCH_OPS`] and about [`MAX_BATCH_BYTES`] of them, in one commit.
    pub(crate) fn run_many(&self, ops: Vec<Op>) -> Result<Vec<Result<Answer>>> {
        // Before any lock: in a forked child a lock may be held by a thread that does not exist there.
        self.changeable()?;
        let run = |ops, waited| self.commit(ops, waited);
        Ok(self.queue.submit(ops, run, || self.worsen(health::PANICKED)))
    }

    /// Runs what reads the storage: a panic of it comes out as an error.
    fn with_storage<T>(&self, read: impl FnOnce(&dyn Storage) -> Result<T>) -> Result<T> {
        self.usable()?;
        if self.health.load(Ordering::Acquire) == health::PANICKED {
            return Err(Error::new(ErrorKind::Poisoned, "the library failed inside; reopen the store"));
        }
        let storage = self.storage.read().unwrap_or_else(PoisonError::into_inner);
        let storage =
            storage.as_deref().ok_or_else(|| Error::new(ErrorKind::Closed, "the store is closed"))?;
        match catch_unwind(AssertUnwindSafe(|| read(storage))) {
            Ok(result) => result,
            Err(_) => {
                self.worsen(health::PANICKED);
                Err(Error::new(ErrorKind::Panic, "the library failed inside; reopen the store"))
            }
        }
    }

    /// Wraps the data key under another key of the caller.
    pub(crate) fn change_key(&self, caller_key: Option<&[u8; 32]>) -> Result<()> {
        self.changeable()?;
        let _turn = lock(&self.turn);
        self.with_storage(|storage| storage.change_key(&self.data_key, caller_key))
    }

    /// Writes out what is only in memory, and lets the file go.
    pub(crate) fn close(&self) -> Result<()> {
        if !self.is_own() && self.can_open_again() {
            // The parent's, of which nothing is let go here; this process never opened it.
            self.worsen(health::CLOSED);
            return Ok(());
        }
        self.usable()?;
        let _turn = lock(&self.turn);
        let flushed = match self.health.load(Ordering::Acquire) {
            health::GOOD => self.flush_uses(),
            health::CLOSED => return Err(self.why_unusable()),
            _ => Ok(()),
        };
        let panicked = self.health.load(Ordering::Acquire) == health::PANICKED;
        self.worsen(health::CLOSED);
        let storage = self.storage.write().unwrap_or_else(PoisonError::into_inner).take();
        let closed = match storage {
            Some(storage) if panicked => {
                storage.abandon();
                Ok(())
            }
            Some(storage) => close_storage(storage),
            None => Ok(()),
        };
        flushed.and(closed)
    }
}

impl Drop for Engine {
    /// Closes the store if it was not. What that says is lost: call close to hear it.
    fn drop(&mut self) {
        let storage = self.storage.get_mut().unwrap_or_else(PoisonError::into_inner);
        if storage.is_none() {
            return;
        }
        if self.forks != sys::forks() {
            // The parent's store: nothing of it may be touched or let go here, least of all its locks.
            if let Some(storage) = storage.take() {
                storage.abandon();
            }
            return;
        }
        let _unheard = self.close();
    }
}

fn close_storage(storage: Box<dyn Storage>) -> Result<()> {
    catch_unwind(AssertUnwindSafe(|| storage.close()))
        .unwrap_or_else(|_| Err(Error::new(ErrorKind::Panic, "the storage failed while it was closed")))
}

fn no_answer() -> Error {
    Error::new(ErrorKind::Panic, "the library failed inside; reopen the store")
}

fn no_such_type() -> Error {
    Error::new(ErrorKind::NotFound, "no such type")
}

/// Locks. A panic under a lock ends all changes by itself, so that a poisoned lock says nothing more.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
