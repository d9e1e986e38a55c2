//! How a store is made and opened.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::store::Store;

/// How to make or open a store.
///
/// ```no_run
/// # fn main() -> tokenstore::Result<()> {
/// let key = [0x42; 32]; // 32 random bytes that you keep outside the file
/// let store = tokenstore::Options::new().key(&key).create("tokens.store")?;
/// store.close()?;
/// let store = tokenstore::Options::new().key(&key).open("tokens.store")?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Options {
    pub(crate) key: Option<Box<Zeroizing<[u8; 32]>>>,
    pub(crate) clock: Clock,
    pub(crate) cache_bytes: usize,
    pub(crate) use_resolution: Duration,
    pub(crate) max_events: u64,
    pub(crate) busy_timeout: Duration,
    pub(crate) shared: bool,
}

impl Options {
    /// No key, the system's clock, 32 MiB of page cache, uses noted to the minute, 65,536 events, and 5 s of waiting
    /// for the place to write.
    pub fn new() -> Options {
        Options {
            key: None,
            clock: Clock::System,
            cache_bytes: 32 << 20,
            use_resolution: Duration::from_secs(60),
            max_events: 65_536,
            busy_timeout: Duration::from_secs(5),
            shared: false,
        }
    }

    /// The 32 random bytes that this store's file cannot be used without. Whoever has the file and not the key can
    /// neither check a guessed value nor change the file unnoticed. A lost key cannot be replaced: the tokens are lost
    /// with it.
    pub fn key(mut self, key: &[u8; 32]) -> Options {
        self.key = Some(Box::new(Zeroizing::new(*key)));
        self
    }

    /// Where the time comes from.
    pub fn clock(mut self, clock: Clock) -> Options {
        self.clock = clock;
        self
    }

    /// How much memory the file's pages may take, in bytes, from 1 MiB on. Verifying needs none of it.
    pub fn cache_bytes(mut self, bytes: usize) -> Options {
        self.cache_bytes = bytes;
        self
    }

    /// How precisely last uses are noted, from 1 s to 1 day: a token's use is noted at most once in such a time.
    pub fn use_resolution(mut self, resolution: Duration) -> Options {
        self.use_resolution = resolution;
        self
    }

    /// How many events the log keeps, from 1 on.
    pub fn max_events(mut self, events: u64) -> Options {
        self.max_events = events;
        self
    }

    /// How long a change waits for the place to write, which one change has at a time among all threads and processes,
    /// before it answers [`Busy`](crate::ErrorKind::Busy). In a [shared](Options::shared) store it is also how long
    /// anything waits for another process that keeps a part of the file locked.
    pub fn busy_timeout(mut self, timeout: Duration) -> Options {
        self.busy_timeout = timeout;
        self
    }

    /// Whether several processes may have the store open, all of them so. Each verifies from its own memory; what one
    /// changed, the very next verify of every other sees, once the change returned. The first call after another process's
    /// change reads what changed, about 0.1 ms; if that cannot be had within the
    /// [timeout](Options::busy_timeout), the answer is an error and never one of before.
    ///
    /// A child process of one that has it open goes on with its own opening of it, which its first call makes. Types
    /// [in memory alone](crate::TypePolicy::volatile) are on the disk, as all others. Last uses are in the memory of
    /// whoever judged until they are written, as in every store: others see them then.
    ///
    /// One process opens it at a time, and the first has every page checked, which takes about half a second a million
    /// tokens: if many start together on a large store, let them wait for longer.
    ///
    /// A store in memory has one process, shared or not. A file takes Linux and a file system of this machine, whose files can be locked in parts and mapped. Nobody may
    /// truncate or overwrite the file while it is open: to put back a copy, close the store everywhere and rename the
    /// copy to its place.
    ///
    /// ```
    /// # use tokenstore::{NewToken, Options, Query, Status, TypePolicy};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("tokens.store");
    /// let one = Options::new().shared(true).create(&path)?;
    /// let other = Options::new().shared(true).open(&path)?; // usually in another process
    /// let server = one.declare(&TypePolicy::new("server", "srv"))?;
    /// let created = one.create(&NewToken::new(server, "acme"))?;
    /// let value = created.value.as_bytes();
    /// assert!(other.verify(value, &Query::of_type(server))?.allowed());
    /// other.revoke(created.id)?;
    /// assert_eq!(one.verify(value, &Query::of_type(server))?.status(), Status::Revoked);
    /// # Ok::<(), tokenstore::Error>(())
    /// ```
    pub fn shared(mut self, shared: bool) -> Options {
        self.shared = shared;
        self
    }

    /// Makes a new store at `path` and opens it. The file is readable and writable by its owner alone, and is there
    /// whole or not at all, also after a power cut; it is on the disk when this returns.
    ///
    /// # Errors
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) if anything is there;
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) for an option out of its range;
    /// [`Io`](crate::ErrorKind::Io).
    pub fn create(&self, path: impl AsRef<Path>) -> Result<Store> {
        self.check()?;
        Engine::create(path.as_ref(), self).map(Store::new)
    }

    /// Opens the store at `path`, after checking every page and every row of it. It never makes one.
    ///
    /// # Errors
    /// [`Io`](crate::ErrorKind::Io) if it cannot be opened; [`Corrupt`](crate::ErrorKind::Corrupt) if it is no store
    /// or damaged; [`RolledBack`](crate::ErrorKind::RolledBack) if it lost what it had acknowledged;
    /// [`WrongKey`](crate::ErrorKind::WrongKey); [`Locked`](crate::ErrorKind::Locked) if it is open already and not both
    /// are shared: the message names the file and, where it is known, a process that has it;
    /// [`Unsupported`](crate::ErrorKind::Unsupported) if it was written by a newer version, lies where files cannot be
    /// locked, or is to be shared where that cannot be, or with a process whose version shares it in another way;
    /// [`Busy`](crate::ErrorKind::Busy) if another process is opening it for too long.
    pub fn open(&self, path: impl AsRef<Path>) -> Result<Store> {
        self.check()?;
        Engine::open(path.as_ref(), self).map(Store::new)
    }

    /// A new store in memory, for tests: everything works, and nothing stays.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) for an option out of its range, a key among them.
    pub fn in_memory(&self) -> Result<Store> {
        self.check()?;
        if self.key.is_some() {
            return Err(Error::invalid("a store in memory takes no key"));
        }
        Engine::in_memory(self).map(Store::new)
    }

    fn check(&self) -> Result<()> {
        if self.cache_bytes < 1 << 20 {
            return Err(Error::invalid("the cache has at least 1 MiB"));
        }
        let day = Duration::from_secs(24 * 60 * 60);
        if !(Duration::from_secs(1)..=day).contains(&self.use_resolution) {
            return Err(Error::invalid("the resolution of last uses is from 1 s to 1 day"));
        }
        if self.max_events == 0 {
            return Err(Error::invalid("the log keeps at least 1 event"));
        }
        Ok(())
    }

    pub(crate) fn caller_key(&self) -> Option<&[u8; 32]> {
        self.key.as_ref().map(|key| &***key)
    }
}

impl Default for Options {
    fn default() -> Options {
        Options::new()
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("has_key", &self.key.is_some())
            .field("clock", &self.clock)
            .field("cache_bytes", &self.cache_bytes)
            .finish_non_exhaustive()
    }
}

/// What stands between a store and its file: a test's way to stop or to fail a process at a chosen moment.
#[doc(hidden)]
#[cfg(feature = "testing")]
pub type WrapDisk<'a> =
    dyn Fn(std::sync::Arc<dyn redb::StorageBackend>) -> std::sync::Arc<dyn redb::StorageBackend> + 'a;

/// For the project's own tests: stores on whatever takes bytes.
#[cfg(feature = "testing")]
impl Options {
    /// Writes a new store on `disk` and lets it go.
    #[doc(hidden)]
    pub fn create_on(&self, disk: &std::sync::Arc<dyn redb::StorageBackend>) -> Result<()> {
        Engine::create_on(disk, self)
    }

    /// Opens the store at `path` with `wrap` between the store and its file.
    #[doc(hidden)]
    pub fn open_through(&self, path: impl AsRef<Path>, wrap: &WrapDisk<'_>) -> Result<Store> {
        self.check()?;
        Engine::open_through(path.as_ref(), self, wrap).map(Store::new)
    }

    /// Opens the store on `disk`.
    #[doc(hidden)]
    pub fn open_on(&self, disk: &std::sync::Arc<dyn redb::StorageBackend>) -> Result<Store> {
        Engine::open_on(disk, self).map(Store::new)
    }
}
