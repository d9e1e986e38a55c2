//! How a process opens the store: told to it when it is started.

use std::path::PathBuf;
use std::time::Duration;

use tokenstore::{Options, Result, Store};

use super::probe::{Probe, Trigger};

/// Path, options, and what the disk is to do to the process.
#[derive(Clone, Debug)]
pub(crate) struct Opening {
    pub(crate) path: PathBuf,
    pub(crate) shared: bool,
    pub(crate) busy: Duration,
    pub(crate) max_events: u64,
    /// The key's bytes; 0 is none.
    pub(crate) key: u8,
    /// Whether its disk is watched.
    pub(crate) probed: bool,
    /// What happens while it opens.
    pub(crate) trigger: Option<Trigger>,
}

impl Opening {
    /// A shared one with the usual options.
    pub(crate) fn of(path: impl Into<PathBuf>) -> Opening {
        Opening {
            path: path.into(),
            shared: true,
            // Longer than a disk stalls that is busy with something else.
            busy: Duration::from_secs(20),
            max_events: 65_536,
            key: 0,
            probed: false,
            trigger: None,
        }
    }

    pub(crate) fn exclusive(self) -> Opening {
        Opening { shared: false, ..self }
    }

    pub(crate) fn busy(self, busy: Duration) -> Opening {
        Opening { busy, ..self }
    }

    pub(crate) fn probed(self) -> Opening {
        Opening { probed: true, ..self }
    }

    /// Opened through a disk that does this.
    pub(crate) fn triggered(self, trigger: Trigger) -> Opening {
        Opening { probed: true, trigger: Some(trigger), ..self }
    }

    pub(crate) fn options(&self) -> Options {
        let options = Options::new().shared(self.shared).busy_timeout(self.busy).max_events(self.max_events);
        match self.key {
            0 => options,
            key => options.key(&[key; 32]),
        }
    }

    /// Makes the store, and lets it go.
    pub(crate) fn create(&self) {
        let store = self.options().create(&self.path).expect("a new store");
        store.close().expect("a healthy disk");
    }

    /// Opens the store, through `probe` if its disk is watched.
    pub(crate) fn open(&self, probe: &Probe) -> Result<Store> {
        match self.probed {
            true => self.options().open_through(&self.path, &|disk| probe.over(disk)),
            false => self.options().open(&self.path),
        }
    }

    /// As text, the path last.
    pub(crate) fn task(&self) -> String {
        let Opening { path, shared, busy, max_events, key, probed, trigger } = self;
        let trigger = trigger.map_or("-".to_owned(), |trigger| trigger.to_string());
        format!("{shared} {} {max_events} {key} {probed} {trigger} {}", busy.as_millis(), path.display())
    }

    /// The reverse of [`task`](Opening::task).
    pub(crate) fn of_task(task: &str) -> Opening {
        let words: Vec<&str> = task.splitn(7, ' ').collect();
        let [shared, busy, max_events, key, probed, trigger, path] = words[..] else {
            panic!("a task is {task:?}");
        };
        Opening {
            path: path.into(),
            shared: shared == "true",
            busy: Duration::from_millis(busy.parse().expect("milliseconds")),
            max_events: max_events.parse().expect("a number of events"),
            key: key.parse().expect("a key's byte"),
            probed: probed == "true",
            trigger: Trigger::of_text(trigger),
        }
    }
}
