//! A disk that ends or stops its own process at a chosen operation, or fails there, and counts operations.

use std::fmt;
use std::io;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use redb::{BackendError, StorageBackend};
use rustix::process::{Signal, getpid, kill_process};

use super::forks;

/// Where the notes of acknowledged generations lie.
const NOTES: std::ops::Range<u64> = 1024..2048;

/// What happens to the process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Act {
    /// SIGKILL.
    Kill,
    /// SIGSTOP.
    Stop,
    /// The operation fails, once.
    Fail,
    /// It forks an idle child, and dies.
    ForkAndKill,
}

/// At which operations it may happen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum At {
    /// Before any but a read.
    Change,
    /// Before a read.
    Read,
    /// Before the note is written.
    Note,
    /// After the note was written, which is before the counter is raised.
    AfterNote,
}

/// What happens, and at which operation of its kind, from 1 on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Trigger {
    pub(crate) act: Act,
    pub(crate) at: At,
    pub(crate) nth: usize,
}

impl Trigger {
    pub(crate) fn new(act: Act, at: At, nth: usize) -> Trigger {
        Trigger { act, at, nth }
    }

    /// The reverse of its text; None for any other.
    pub(crate) fn of_text(text: &str) -> Option<Trigger> {
        let words: Vec<&str> = text.split('/').collect();
        let [act, at, nth] = words[..] else { return None };
        let act = [Act::Kill, Act::Stop, Act::Fail, Act::ForkAndKill]
            .into_iter()
            .find(|known| format!("{known:?}") == act)?;
        let at = [At::Change, At::Read, At::Note, At::AfterNote]
            .into_iter()
            .find(|known| format!("{known:?}") == at)?;
        Some(Trigger { act, at, nth: nth.parse().ok()? })
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}/{:?}/{}", self.act, self.at, self.nth)
    }
}

/// What a process sees of its disk, and what is to happen there.
#[derive(Clone, Default)]
pub(crate) struct Probe(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    trigger: Option<Trigger>,
    /// How many operations of the trigger's kind there were.
    seen: usize,
    /// Every operation since the trigger was set.
    operations: Vec<&'static str>,
}

impl Probe {
    /// The disk, watched.
    pub(crate) fn over(&self, disk: Arc<dyn StorageBackend>) -> Arc<dyn StorageBackend> {
        Arc::new(Watched { disk, probe: self.clone() })
    }

    /// From now on, operations are counted, and this happens.
    pub(crate) fn arm(&self, trigger: Option<Trigger>) {
        *self.state() = State { trigger, ..State::default() };
    }

    /// The operations since it was armed.
    pub(crate) fn operations(&self) -> Vec<&'static str> {
        self.state().operations.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no panic under it")
    }

    /// An operation is about to be done, or a note has just been written.
    fn at(&self, what: &'static str, kinds: &[At]) -> io::Result<()> {
        let mut state = self.state();
        if !kinds.contains(&At::AfterNote) {
            state.operations.push(what);
        }
        let Some(trigger) = state.trigger.filter(|trigger| kinds.contains(&trigger.at)) else {
            return Ok(());
        };
        state.seen += 1;
        if state.seen != trigger.nth {
            return Ok(());
        }
        // Whoever goes on after a stop may be asked what there was.
        drop(state);
        match trigger.act {
            Act::Kill => die(),
            Act::Stop => stop(),
            Act::Fail => return Err(io::Error::from_raw_os_error(libc::EIO)),
            Act::ForkAndKill => {
                forks::leave_an_idle_child();
                die();
            }
        }
        Ok(())
    }
}

fn die() -> ! {
    kill_process(getpid(), Signal::KILL).expect("a process can kill itself");
    loop {
        std::thread::park();
    }
}

/// Stops the process. What comes next is done when it is told to go on.
fn stop() {
    kill_process(getpid(), Signal::STOP).expect("a process can stop itself");
    // Another thread may be the one that takes the signal, a moment later.
    std::thread::sleep(Duration::from_millis(30));
}

struct Watched {
    disk: Arc<dyn StorageBackend>,
    probe: Probe,
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watched")
    }
}

impl StorageBackend for Watched {
    fn len(&self) -> io::Result<u64> {
        self.disk.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.probe.at("read", &[At::Read])?;
        self.disk.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.probe.at("set_len", &[At::Change])?;
        self.disk.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.probe.at("sync", &[At::Change])?;
        self.disk.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if !NOTES.contains(&offset) {
            self.probe.at("write", &[At::Change])?;
            return self.disk.write(offset, data);
        }
        self.probe.at("note", &[At::Change, At::Note])?;
        self.disk.write(offset, data)?;
        self.probe.at("note", &[At::AfterNote])?;
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.probe.at("close", &[At::Change])?;
        self.disk.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.probe.at("lock", &[At::Change])?;
        self.disk.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.probe.at("lock", &[At::Change])?;
        self.disk.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.probe.at("lock", &[At::Change])?;
        self.disk.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.probe.at("lock", &[At::Change])?;
        self.disk.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.probe.at("unlock", &[At::Change])?;
        self.disk.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.disk.query_lock_range(start, end)
    }
}
