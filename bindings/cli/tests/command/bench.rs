//! What the tests share: a store in a folder of its own, and runs of the command on it.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// The command, with these arguments.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tokenstore"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the command, with `stdin` to read.
pub(crate) fn run(args: &[&str], stdin: &[u8]) -> Ran {
    let mut child = command(args).stdin(Stdio::piped()).spawn().expect("the command starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    // A command that fails before it reads does not mind.
    let _unread = pipe.write_all(stdin);
    drop(pipe);
    Ran::new(child.wait_with_output().expect("the command ends"))
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn new(output: Output) -> Ran {
        let text = |bytes| String::from_utf8(bytes).expect("text");
        let ran = Ran {
            code: output.status.code().expect("no signal"),
            out: text(output.stdout),
            err: text(output.stderr),
        };
        assert!(!ran.err.contains("panicked"), "{ran:?}");
        ran
    }

    /// The run, if it ended so.
    #[track_caller]
    pub(crate) fn code(self, code: i32) -> Ran {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A list: an object a line.
    pub(crate) fn json_lines(&self) -> Vec<serde_json::Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect()
    }

    pub(crate) fn error_json(&self) -> serde_json::Value {
        serde_json::from_str(&self.err).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A store with a type `server`, prefix `srv`, and one `jwt` that takes values made elsewhere.
pub(crate) struct Bench {
    folder: TempDir,
}

/// A token that was made on a bench.
pub(crate) struct Made {
    pub(crate) id: String,
    pub(crate) value: String,
}

impl Bench {
    pub(crate) fn new() -> Bench {
        let bench = Bench { folder: tempfile::tempdir().expect("a folder") };
        bench.run(&["init"]).code(0);
        bench.run(&["type", "declare", "server", "srv"]).code(0);
        bench.run(&["type", "declare", "jwt", "jwt", "--accepts-external"]).code(0);
        bench
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file with these bytes; its path.
    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.path(name);
        fs::write(&path, bytes).expect("a file");
        path.to_str().expect("UTF-8").to_owned()
    }

    pub(crate) fn store(&self) -> String {
        self.path("tokens.store").to_str().expect("UTF-8").to_owned()
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, b"")
    }

    /// Runs the command on the store, with `stdin` to read.
    pub(crate) fn run_with(&self, args: &[&str], stdin: &[u8]) -> Ran {
        run(&[&["--store", &self.store()], args].concat(), stdin)
    }

    /// Runs a command of which JSON comes back.
    #[track_caller]
    pub(crate) fn json(&self, args: &[&str]) -> serde_json::Value {
        self.run(&[&["--json"], args].concat()).code(0).json()
    }

    /// Makes a token of type `server` for `acme`.
    #[track_caller]
    pub(crate) fn create(&self, more: &[&str]) -> Made {
        let made = self.json(&[&["create", "server", "acme"], more].concat());
        let text = |name: &str| made[name].as_str().expect("text").to_owned();
        Made { id: text("id"), value: text("value") }
    }

    /// What a verify of any type says of a value, and with which exit code.
    #[track_caller]
    pub(crate) fn status(&self, value: &str, more: &[&str]) -> (String, i32) {
        let ran = self.run_with(&[&["--json", "verify", "--any-type"], more].concat(), value.as_bytes());
        (ran.json()["status"].as_str().expect("a status").to_owned(), ran.code)
    }
}

/// A status with the exit code that goes with it.
pub(crate) fn said(status: &str) -> (String, i32) {
    (status.to_owned(), if status == "OK" { 0 } else { 1 })
}
