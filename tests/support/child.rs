//! Other processes: this test program run again for one of its tests, which then does what the parent asked for and
//! says how it went, line by line; and a fork of this process.

use std::io::{BufRead, BufReader, PipeReader, PipeWriter, Read, Write};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Where a child finds what it is asked for. Without it, its test has nothing to do.
const TASK: &str = "TOKENSTORE_CHILD_TASK";
/// What the child's lines begin with, to tell them from the test runner's.
const MARK: &str = "child: ";

/// What the parent asked this process for, if it is a child.
pub(crate) fn task() -> Option<String> {
    std::env::var(TASK).ok()
}

/// Says a line to the parent, at once.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // A parent that does not listen any more is no reason to stop.
    let _unheard = out.write_all(format!("{MARK}{line}\n").as_bytes()).and_then(|()| out.flush());
}

/// This program again, for the test `test` and `task`.
pub(crate) fn command(test: &str, task: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]);
    command.env(TASK, task).stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

/// The same behind a line of shell, which sets what a process inherits: `exec "$0" "$@"` follows it.
pub(crate) fn command_after(shell: &str, test: &str, task: &str) -> Command {
    let plain = command(test, task);
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{shell}; exec \"$0\" \"$@\"")]);
    command.arg(plain.get_program()).args(plain.get_args());
    command.env(TASK, task).stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

/// Runs a command to its end, and returns what its child said.
pub(crate) fn lines_of(mut command: Command) -> Vec<String> {
    let output = command.output().expect("a child runs");
    lines(&String::from_utf8_lossy(&output.stdout))
}

/// What a child said, whole lines alone.
pub(crate) fn lines(out: &str) -> Vec<String> {
    let whole = out.rfind('\n').map_or("", |end| &out[..end]);
    // The test runner ends no line before a test's first output.
    whole.lines().filter_map(|line| line.find(MARK).map(|at| line[at + MARK.len()..].to_owned())).collect()
}

/// A child process that is listened to while it runs.
pub(crate) struct Listened {
    process: std::process::Child,
    said: Arc<Mutex<String>>,
    listener: std::thread::JoinHandle<()>,
}

impl Listened {
    pub(crate) fn start(mut command: Command) -> Listened {
        let mut process = command.spawn().expect("a child starts");
        let said = Arc::new(Mutex::new(String::new()));
        let mut out = BufReader::new(process.stdout.take().expect("its output is a pipe"));
        let heard = Arc::clone(&said);
        let listener = std::thread::spawn(move || {
            let mut line = String::new();
            while out.read_line(&mut line).is_ok_and(|bytes| bytes > 0) {
                heard.lock().expect("no panic under it").push_str(&line);
                line.clear();
            }
        });
        Listened { process, said, listener }
    }

    /// Waits until the child has said this, or ended, or 20 s have passed.
    pub(crate) fn wait_for(&mut self, what: &str) {
        for _ in 0..20_000 {
            let said = self.said.lock().expect("no panic under it").contains(what);
            if said || !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Kills it.
    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("a child can be killed");
        self.process.wait().expect("a child can be waited for");
    }

    /// What it said, and what its own children said, once they are all gone.
    pub(crate) fn lines(self) -> Vec<String> {
        self.listener.join().expect("the listener does not panic");
        lines(&self.said.lock().expect("no panic under it"))
    }
}

/// A forked child that has not been waited for.
pub(crate) struct Forked {
    pid: libc::pid_t,
    said: PipeReader,
}

/// Forks, and has the child run `run` and end. A child that hangs is ended after 20 s and has said nothing.
pub(crate) fn fork(run: impl FnOnce(&mut dyn FnMut(&str))) -> Forked {
    // What is set up once must not be half set up in the child.
    let _ready = super::quiet::quietly(|| ());
    let (said, out) = std::io::pipe().expect("a pipe");
    match fork_process() {
        0 => {
            drop(said);
            end_as_child(run, out)
        }
        pid => {
            assert!(pid > 0, "fork: {}", std::io::Error::last_os_error());
            Forked { pid, said }
        }
    }
}

/// Drops a forked child's copy of what its parent goes on using.
#[allow(unsafe_code)]
pub(crate) fn drop_copy<T>(copy: &T) {
    // SAFETY: called in a forked child, whose memory is its own and whose other threads do not exist; nothing uses the
    // copy after this, since the child ends without running destructors.
    drop(unsafe { std::ptr::read(copy) });
}

fn end_as_child(run: impl FnOnce(&mut dyn FnMut(&str)), mut out: PipeWriter) -> ! {
    let mut say = |line: &str| {
        let _unheard = out.write_all(format!("{line}\n").as_bytes());
    };
    let ran = super::quiet::quietly(|| run(&mut say));
    if let Err(panic) = ran {
        say(&panic);
    }
    exit_at_once()
}

impl Forked {
    /// Waits for the child's end, and returns what it said.
    pub(crate) fn lines(mut self) -> Vec<String> {
        let mut said = String::new();
        self.said.read_to_string(&mut said).expect("a pipe can be read");
        self.wait();
        said.lines().map(str::to_owned).collect()
    }

    #[allow(unsafe_code)]
    fn wait(&self) {
        let mut status = 0;
        // SAFETY: `status` may be written, and the child was forked by this process and not waited for.
        unsafe { libc::waitpid(self.pid, &mut status, 0) };
    }
}

#[allow(unsafe_code)]
fn fork_process() -> libc::pid_t {
    // SAFETY: the child runs ordinary code beside locks that other threads may have held. What it calls is what this
    // tests, the system's allocator is made for it, and the alarm ends a child that waits for ever.
    match unsafe { libc::fork() } {
        0 => {
            // SAFETY: no memory is involved.
            unsafe { libc::alarm(20) };
            0
        }
        pid => pid,
    }
}

#[allow(unsafe_code)]
fn exit_at_once() -> ! {
    // SAFETY: ends the process without running what the parent registered for its own end.
    unsafe { libc::_exit(0) }
}
