//! How a call ends: its exit code, and the line for people when it failed.

use std::io;
use std::process::ExitCode;

use serde_json::json;
use tokenstore::{Error, ErrorKind};

use crate::output::note;

/// The exit codes, as the help prints them.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  yes: the value is accepted, or what was asked is done
  1  no: a verify, a consume or a refresh that is refused, a change that the store refused, a demo
     whose answers differ
  2  wrong arguments, among them a type that is not declared and a file that cannot be read
  3  trouble with the store, which says nothing about any token: it cannot be opened, is locked,
     damaged, or under another key; or the answer cannot be written";

/// A call that went through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Accepted, or done.
    Yes,
    /// Understood, and not so.
    No,
}

impl Answer {
    pub(crate) fn yes_if(yes: bool) -> Answer {
        if yes { Answer::Yes } else { Answer::No }
    }

    pub(crate) fn exit_code(self) -> ExitCode {
        match self {
            Answer::Yes => ExitCode::SUCCESS,
            Answer::No => ExitCode::from(1),
        }
    }
}

/// A call that did not go through. No variant holds a token's value.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An argument is wrong in a way that only the store, or a file, could tell.
    Usage(String),
    /// The store refused, or is in trouble.
    Store(Error),
    /// The store cannot be opened as the line asks, and what to do about it.
    Opening(Error, &'static str),
    /// The system did not give what a store of our own needs.
    Trouble(String),
    /// Standard output cannot be written.
    Output(io::Error),
    /// A value was made, and could not be handed over: what became of it.
    ValueLost(String, io::Error),
}

impl Failure {
    /// Says what went wrong on standard error, and returns the exit code.
    pub(crate) fn report(&self, json: bool) -> ExitCode {
        if self.is_lost_reader() {
            return ExitCode::SUCCESS;
        }
        let (kind, message) = (self.kind(), self.message());
        if json {
            note(&json!({ "error": { "kind": kind, "message": message } }).to_string());
        } else {
            note(&format!("tokenstore: {kind}: {message}"));
        }
        ExitCode::from(self.code())
    }

    /// Whether it is only that whoever reads the output has read enough, like `head`. The work was done by then.
    pub(crate) fn is_lost_reader(&self) -> bool {
        matches!(self, Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    fn code(&self) -> u8 {
        match self {
            Failure::Usage(_) => 2,
            Failure::Store(error) if error.is_refusal() => 1,
            Failure::Store(error) if error.kind() == ErrorKind::InvalidArgument => 2,
            Failure::Store(_)
            | Failure::Opening(..)
            | Failure::Trouble(_)
            | Failure::Output(_)
            | Failure::ValueLost(..) => 3,
        }
    }

    fn kind(&self) -> &'static str {
        let kind = match self {
            Failure::Usage(_) => ErrorKind::InvalidArgument,
            Failure::Store(error) | Failure::Opening(error, _) => error.kind(),
            Failure::Trouble(_) | Failure::Output(_) | Failure::ValueLost(..) => ErrorKind::Io,
        };
        kind.name()
    }

    fn message(&self) -> String {
        match self {
            Failure::Usage(message) | Failure::Trouble(message) => message.clone(),
            Failure::Store(error) => error.to_string(),
            Failure::Opening(error, advice) => format!("{error}; {advice}"),
            Failure::Output(error) => format!("writing the answer: {error}"),
            Failure::ValueLost(lost, error) => format!("{lost}: {error}"),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Store(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Output(error)
    }
}
