//! The one error type: a kind to act on, a line for people.

use std::borrow::Cow;
use std::fmt;

/// What went wrong, or why a change was refused.
///
/// Kinds up to [`LimitReached`](ErrorKind::LimitReached) are refusals: the call was understood, and nothing was
/// changed. [`Error::is_refusal`] tells them from trouble with the store, which is no statement about a token
/// (a service answers 503 to it, never 401).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No such token or type, or the token has another owner than the one expected.
    NotFound,
    /// The token is revoked; only revoking and deleting it are left.
    Revoked,
    /// The token's uses ran out; only revoking and deleting it are left.
    Used,
    /// The token has expired; only revoking and deleting it are left.
    Expired,
    /// A live token of this owner holds the name.
    NameTaken,
    /// The store already knows this value.
    ValueExists,
    /// A type of this name exists with another policy, or its prefix belongs to another type.
    TypeConflict,
    /// The token's revision is not the expected one.
    RevisionConflict,
    /// One project cannot be taken from a token that is granted all of them: replace the grants instead.
    GrantIsAll,
    /// A documented limit is reached (number of types, of projects of a token, size of the index).
    LimitReached,

    /// An argument is out of its documented range.
    InvalidArgument,
    /// There is a file at this path already.
    AlreadyExists,
    /// The operating system reported an error.
    Io,
    /// The file is not a store, or is damaged. Nothing was opened.
    Corrupt,
    /// The file holds an older state than one it acknowledged.
    RolledBack,
    /// The key is not this store's; or one was given and none is needed, or the reverse.
    WrongKey,
    /// The file was written by a newer version, or its file system lacks what a store needs.
    Unsupported,
    /// Another process, or this one, has the store open, and not both shared.
    Locked,
    /// The place to write was not free within its bound, or another process kept a part of the file locked for longer.
    /// Nothing was changed.
    Busy,
    /// Memory is behind what another process changed, and the call was asked not to wait: call again without that.
    Stale,
    /// The store was closed.
    Closed,
    /// The store was opened before a `fork`, is not shared, and belongs to the parent process.
    Forked,
    /// A commit failed after it may have reached the disk. The change may or may not be there after a reopen.
    CommitUnknown,
    /// An earlier failure ended all changes; reopen the store. Verifying goes on.
    Poisoned,
    /// The library failed inside. The store takes no more changes.
    Panic,
}

impl ErrorKind {
    /// Every kind.
    pub const ALL: [ErrorKind; 25] = [
        ErrorKind::NotFound,
        ErrorKind::Revoked,
        ErrorKind::Used,
        ErrorKind::Expired,
        ErrorKind::NameTaken,
        ErrorKind::ValueExists,
        ErrorKind::TypeConflict,
        ErrorKind::RevisionConflict,
        ErrorKind::GrantIsAll,
        ErrorKind::LimitReached,
        ErrorKind::InvalidArgument,
        ErrorKind::AlreadyExists,
        ErrorKind::Io,
        ErrorKind::Corrupt,
        ErrorKind::RolledBack,
        ErrorKind::WrongKey,
        ErrorKind::Unsupported,
        ErrorKind::Locked,
        ErrorKind::Busy,
        ErrorKind::Stale,
        ErrorKind::Closed,
        ErrorKind::Forked,
        ErrorKind::CommitUnknown,
        ErrorKind::Poisoned,
        ErrorKind::Panic,
    ];

    /// The name in capitals, as the documents and the command write it.
    pub fn name(self) -> &'static str {
        match self {
            ErrorKind::NotFound => "NOT_FOUND",
            ErrorKind::Revoked => "REVOKED",
            ErrorKind::Used => "USED",
            ErrorKind::Expired => "EXPIRED",
            ErrorKind::NameTaken => "NAME_TAKEN",
            ErrorKind::ValueExists => "VALUE_EXISTS",
            ErrorKind::TypeConflict => "TYPE_CONFLICT",
            ErrorKind::RevisionConflict => "REVISION_CONFLICT",
            ErrorKind::GrantIsAll => "GRANT_IS_ALL",
            ErrorKind::LimitReached => "LIMIT_REACHED",
            ErrorKind::InvalidArgument => "INVALID_ARGUMENT",
            ErrorKind::AlreadyExists => "ALREADY_EXISTS",
            ErrorKind::Io => "IO",
            ErrorKind::Corrupt => "CORRUPT",
            ErrorKind::RolledBack => "ROLLED_BACK",
            ErrorKind::WrongKey => "WRONG_KEY",
            ErrorKind::Unsupported => "UNSUPPORTED",
            ErrorKind::Locked => "LOCKED",
            ErrorKind::Busy => "BUSY",
            ErrorKind::Stale => "STALE",
            ErrorKind::Closed => "CLOSED",
            ErrorKind::Forked => "FORKED",
            ErrorKind::CommitUnknown => "COMMIT_UNKNOWN",
            ErrorKind::Poisoned => "POISONED",
            ErrorKind::Panic => "PANIC",
        }
    }
}

/// An error: a [kind](ErrorKind), a line for people, and the operating system's error where there is one.
///
/// It never holds a token's value or a key.
#[derive(Clone)]
pub struct Error {
    kind: ErrorKind,
    message: Cow<'static, str>,
    os: Option<i32>,
}

/// A result whose error is [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Error {
        Error { kind, message: message.into(), os: None }
    }

    pub(crate) fn invalid(message: impl Into<Cow<'static, str>>) -> Error {
        Error::new(ErrorKind::InvalidArgument, message)
    }

    pub(crate) fn corrupt(message: impl Into<Cow<'static, str>>) -> Error {
        Error::new(ErrorKind::Corrupt, message)
    }

    pub(crate) fn not_found() -> Error {
        Error::new(ErrorKind::NotFound, "no such token")
    }

    /// An operating system's error, with what was being done.
    pub(crate) fn io(doing: &str, error: &std::io::Error) -> Error {
        Error { kind: ErrorKind::Io, message: format!("{doing}: {error}").into(), os: error.raw_os_error() }
    }

    /// The same error under another kind.
    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Error {
        self.kind = kind;
        self
    }

    /// The line for people.
    #[cfg(not(test))]
    pub(crate) fn into_message(self) -> Cow<'static, str> {
        self.message
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The operating system's error number, if it reported one.
    pub fn os_error(&self) -> Option<i32> {
        self.os
    }

    /// True if the call was understood and refused, and nothing was changed; false for a wrong argument and for
    /// trouble with the store.
    pub fn is_refusal(&self) -> bool {
        match self.kind {
            ErrorKind::NotFound
            | ErrorKind::Revoked
            | ErrorKind::Used
            | ErrorKind::Expired
            | ErrorKind::NameTaken
            | ErrorKind::ValueExists
            | ErrorKind::TypeConflict
            | ErrorKind::RevisionConflict
            | ErrorKind::GrantIsAll
            | ErrorKind::LimitReached => true,
            ErrorKind::InvalidArgument
            | ErrorKind::AlreadyExists
            | ErrorKind::Io
            | ErrorKind::Corrupt
            | ErrorKind::RolledBack
            | ErrorKind::WrongKey
            | ErrorKind::Unsupported
            | ErrorKind::Locked
            | ErrorKind::Busy
            | ErrorKind::Stale
            | ErrorKind::Closed
            | ErrorKind::Forked
            | ErrorKind::CommitUnknown
            | ErrorKind::Poisoned
            | ErrorKind::Panic => false,
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
