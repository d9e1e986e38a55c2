//! Other processes, as the test talks to them: a line to each, and a line back.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::child;
use super::opening::Opening;

/// How long a reply may take, whatever was asked. Whoever takes longer hangs, and the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process of ours, shared with who kills it.
pub(crate) type Process = Arc<Mutex<Child>>;

/// A process that has the store open, or tries to. It is killed when this is dropped.
pub(crate) struct Member {
    process: Process,
    pid: Pid,
    orders: ChildStdin,
    said: Receiver<String>,
}

/// The process ended before it replied.
#[derive(Debug)]
pub(crate) struct Gone;

/// What a process replied, and how long it was at it.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) took: Duration,
    pub(crate) text: String,
}

impl Reply {
    /// What follows "ok". Anything else fails the test.
    pub(crate) fn ok(&self) -> &str {
        match self.text.strip_prefix("ok") {
            Some(rest) => rest.trim_start(),
            None => panic!("a process replied {:?} after {:?}", self.text, self.took),
        }
    }

    /// The error's kind, if it is one.
    pub(crate) fn error(&self) -> Option<&str> {
        self.text.strip_prefix("error ")?.split(' ').next()
    }
}

impl Member {
    /// Starts a process, which opens the store at once and then says so. `known` is told of it before that.
    pub(crate) fn start(opening: &Opening, known: impl FnOnce(&Process)) -> Member {
        let mut command = child::command("member", &opening.task());
        let mut process = command.stdin(Stdio::piped()).spawn().expect("a process starts");
        let orders = process.stdin.take().expect("its input is a pipe");
        let mut out = BufReader::new(process.stdout.take().expect("its output is a pipe"));
        let pid = Pid::from_child(&process);
        let process = Arc::new(Mutex::new(process));
        known(&process);
        let (heard, said) = channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            while out.read_line(&mut line).is_ok_and(|bytes| bytes > 0) {
                let replies = child::lines(&line);
                if replies.into_iter().any(|reply| heard.send(reply).is_err()) {
                    return;
                }
                line.clear();
            }
        });
        Member { process, pid, orders, said }
    }

    /// Starts a process that has the store open when this returns.
    pub(crate) fn open(opening: &Opening) -> Member {
        let mut member = Member::start(opening, |_| ());
        member.hear().expect("a process opens the store").ok();
        member
    }

    /// Sends an order. The reply is to be heard.
    pub(crate) fn tell(&mut self, order: &str) -> Result<(), Gone> {
        let sent = self.orders.write_all(format!("{order}\n").as_bytes());
        sent.and_then(|()| self.orders.flush()).map_err(|_| Gone)
    }

    /// The reply to the last order, or to being started.
    pub(crate) fn hear(&mut self) -> Result<Reply, Gone> {
        let until = Instant::now() + PATIENCE;
        let mut ended = false;
        let line = loop {
            match self.said.recv_timeout(Duration::from_millis(50)) {
                Ok(line) => break line,
                Err(RecvTimeoutError::Disconnected) => return Err(Gone),
                // A child of its own may hold its output open.
                Err(RecvTimeoutError::Timeout) if ended => return Err(Gone),
                Err(RecvTimeoutError::Timeout) => ended = self.has_ended(),
            }
            assert!(Instant::now() < until, "process {:?} does not reply in {PATIENCE:?}", self.pid);
        };
        let (micros, text) = line.split_once(' ').expect("a time and a reply");
        let took = Duration::from_micros(micros.parse().expect("microseconds"));
        Ok(Reply { took, text: text.to_owned() })
    }

    /// Gives an order to a process that may end at it.
    pub(crate) fn ask_to(&mut self, order: &str) -> Result<Reply, Gone> {
        self.tell(order).and_then(|()| self.hear())
    }

    /// Gives an order to a process that is to survive it.
    pub(crate) fn ask(&mut self, order: &str) -> Reply {
        match self.ask_to(order) {
            Ok(reply) => reply,
            Err(Gone) => panic!("a process ended at {order:?}"),
        }
    }

    /// Waits until the process, which is to die, is gone. That it dies of SIGKILL is checked.
    pub(crate) fn dies(&mut self) {
        use std::os::unix::process::ExitStatusExt as _;
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            let ended = self.process.lock().expect("no panic under it").try_wait();
            if let Some(status) = ended.expect("a child can be waited for") {
                assert_eq!(status.signal(), Some(9), "a process ended otherwise: {status}");
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("process {:?} does not die", self.pid);
    }

    /// Has it close the store and end.
    pub(crate) fn leave(mut self) {
        self.ask("close").ok();
    }

    pub(crate) fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Stops it where it is.
    pub(crate) fn stop(&self) {
        kill_process(self.pid, Signal::STOP).expect("a child can be stopped");
        self.is_stopped_soon();
    }

    /// Waits until it has stopped.
    pub(crate) fn is_stopped_soon(&self) {
        assert!(self.stops_or(|| false), "process {:?} does not stop", self.pid);
    }

    /// Waits until it has stopped, or has said something: whether it stopped.
    pub(crate) fn stops_or_replies(&mut self) -> Result<(), Reply> {
        let mut reply = None;
        let stopped = self.stops_or(|| {
            reply = self.said.try_recv().ok();
            reply.is_some()
        });
        match reply {
            _ if stopped => Ok(()),
            None => panic!("process {:?} neither stops nor replies", self.pid),
            Some(line) => {
                let (micros, text) = line.split_once(' ').expect("a time and a reply");
                let took = Duration::from_micros(micros.parse().expect("microseconds"));
                Err(Reply { took, text: text.to_owned() })
            }
        }
    }

    fn stops_or(&self, mut other: impl FnMut() -> bool) -> bool {
        let until = Instant::now() + PATIENCE;
        let stat = format!("/proc/{}/stat", self.pid());
        while Instant::now() < until {
            let stat = std::fs::read_to_string(&stat).unwrap_or_default();
            // Behind the program's name, in parentheses, is a letter for the state.
            if stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T')) {
                return true;
            }
            if other() {
                return false;
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        false
    }

    /// Has it go on after a stop.
    pub(crate) fn go_on(&self) {
        kill_process(self.pid, Signal::CONT).expect("a child can go on");
    }

    fn has_ended(&self) -> bool {
        let ended = self.process.lock().expect("no panic under it").try_wait();
        ended.is_ok_and(|status| status.is_some())
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // Another test that failed may have left the lock behind in a panic.
        let mut process = self.process.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // It may have ended by itself.
        let _ended = process.kill();
        let _waited = process.wait();
    }
}
