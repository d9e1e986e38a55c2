//! The numbers that calls answer with.

use std::ffi::c_char;

use crate::error::ErrorKind;
use crate::verdict::Status;

/// What a call answers: 0 is success, 1 to 99 are answers that a caller expects, 100 and up are errors. Only
/// TOKENSTORE_OK allows anything. The numbers stay.
pub type tokenstore_status = i32;

/// Done; and of a verify: allowed.
pub const TOKENSTORE_OK: tokenstore_status = 0;
/// No value of this store looks like this.
pub const TOKENSTORE_MALFORMED: tokenstore_status = 1;
/// No token has this value.
pub const TOKENSTORE_UNKNOWN: tokenstore_status = 2;
/// The token is revoked.
pub const TOKENSTORE_REVOKED: tokenstore_status = 3;
/// The value was replaced by a newer one.
pub const TOKENSTORE_SUPERSEDED: tokenstore_status = 4;
/// The token's uses ran out.
pub const TOKENSTORE_USED: tokenstore_status = 5;
/// The token's time ran out.
pub const TOKENSTORE_EXPIRED: tokenstore_status = 6;
/// The token is switched off.
pub const TOKENSTORE_DISABLED: tokenstore_status = 7;
/// The token is of another type than the one expected.
pub const TOKENSTORE_WRONG_TYPE: tokenstore_status = 8;
/// The token is bound and no equal binding was shown, or it is not bound and one was.
pub const TOKENSTORE_WRONG_BINDING: tokenstore_status = 9;
/// The token does not reach the project.
pub const TOKENSTORE_NO_GRANT: tokenstore_status = 10;
/// The value refreshes; it never verifies.
pub const TOKENSTORE_MUST_REFRESH: tokenstore_status = 11;
/// The token has a use count; verify does not spend it.
pub const TOKENSTORE_MUST_CONSUME: tokenstore_status = 12;
/// Of tokenstore_verify_many: not all are allowed.
pub const TOKENSTORE_SOME_REFUSED: tokenstore_status = 13;
/// Another process changed the store, or this one is a fork's child, and TOKENSTORE_NO_WAIT was asked for: ask again
/// without it.
pub const TOKENSTORE_STALE: tokenstore_status = 14;
/// Of a refresh: the value was used before, and its time to be replayed is over. Its family is revoked now.
pub const TOKENSTORE_REUSED: tokenstore_status = 15;
/// Of a consume: the token has no use count.
pub const TOKENSTORE_NOT_COUNTED: tokenstore_status = 16;
/// No such token or type, or the token has another owner than the one expected.
pub const TOKENSTORE_NOT_FOUND: tokenstore_status = 20;
/// A live token of this owner holds the name.
pub const TOKENSTORE_NAME_TAKEN: tokenstore_status = 21;
/// The store already knows this value.
pub const TOKENSTORE_VALUE_EXISTS: tokenstore_status = 22;
/// A type of this name has another policy, or its prefix is another type's.
pub const TOKENSTORE_TYPE_CONFLICT: tokenstore_status = 23;
/// The token's revision is not the expected one.
pub const TOKENSTORE_REVISION_CONFLICT: tokenstore_status = 24;
/// One project cannot be taken from a token that is granted all.
pub const TOKENSTORE_GRANT_IS_ALL: tokenstore_status = 25;
/// A documented limit is reached.
pub const TOKENSTORE_LIMIT_REACHED: tokenstore_status = 26;
/// There is nothing more: the end of a list, or of the events.
pub const TOKENSTORE_END: tokenstore_status = 27;
/// An argument is out of its documented range.
pub const TOKENSTORE_INVALID_ARGUMENT: tokenstore_status = 100;
/// A buffer is too small; the length it needs is given. Nothing was changed.
pub const TOKENSTORE_BUFFER_TOO_SMALL: tokenstore_status = 101;
/// There is a file at this path already.
pub const TOKENSTORE_ALREADY_EXISTS: tokenstore_status = 102;
/// The operating system reported an error.
pub const TOKENSTORE_IO: tokenstore_status = 103;
/// The file is no store, or is damaged.
pub const TOKENSTORE_CORRUPT: tokenstore_status = 104;
/// The file holds an older state than one it acknowledged.
pub const TOKENSTORE_ROLLED_BACK: tokenstore_status = 105;
/// The key is not this store's; or one was given and none is needed, or the reverse.
pub const TOKENSTORE_WRONG_KEY: tokenstore_status = 106;
/// The file was written by a newer version, or lies where files cannot be locked.
pub const TOKENSTORE_UNSUPPORTED: tokenstore_status = 107;
/// The store is open elsewhere, and not both are shared.
pub const TOKENSTORE_LOCKED: tokenstore_status = 108;
/// The place to write was not free in time, or another process kept a part of the file locked. Nothing was changed.
pub const TOKENSTORE_BUSY: tokenstore_status = 109;
/// The store was closed.
pub const TOKENSTORE_CLOSED: tokenstore_status = 110;
/// The store was opened before a fork, is not shared, and belongs to the parent process.
pub const TOKENSTORE_FORKED: tokenstore_status = 111;
/// A commit failed after it may have reached the disk.
pub const TOKENSTORE_COMMIT_UNKNOWN: tokenstore_status = 112;
/// An earlier failure ended all changes; reopen the store. After one inside the library, what reads the file answers it,
/// too. Verifying goes on.
pub const TOKENSTORE_POISONED: tokenstore_status = 113;
/// The library failed inside.
pub const TOKENSTORE_PANIC: tokenstore_status = 114;

/// The number of a verdict's status, which is the status's own.
pub(super) fn of_status(status: Status) -> tokenstore_status {
    status as i32
}

/// The number of an error's kind.
pub(super) fn of_kind(kind: ErrorKind) -> tokenstore_status {
    match kind {
        ErrorKind::NotFound => TOKENSTORE_NOT_FOUND,
        ErrorKind::Revoked => TOKENSTORE_REVOKED,
        ErrorKind::Used => TOKENSTORE_USED,
        ErrorKind::Expired => TOKENSTORE_EXPIRED,
        ErrorKind::NameTaken => TOKENSTORE_NAME_TAKEN,
        ErrorKind::ValueExists => TOKENSTORE_VALUE_EXISTS,
        ErrorKind::TypeConflict => TOKENSTORE_TYPE_CONFLICT,
        ErrorKind::RevisionConflict => TOKENSTORE_REVISION_CONFLICT,
        ErrorKind::GrantIsAll => TOKENSTORE_GRANT_IS_ALL,
        ErrorKind::LimitReached => TOKENSTORE_LIMIT_REACHED,
        ErrorKind::InvalidArgument => TOKENSTORE_INVALID_ARGUMENT,
        ErrorKind::AlreadyExists => TOKENSTORE_ALREADY_EXISTS,
        ErrorKind::Io => TOKENSTORE_IO,
        ErrorKind::Corrupt => TOKENSTORE_CORRUPT,
        ErrorKind::RolledBack => TOKENSTORE_ROLLED_BACK,
        ErrorKind::WrongKey => TOKENSTORE_WRONG_KEY,
        ErrorKind::Unsupported => TOKENSTORE_UNSUPPORTED,
        ErrorKind::Locked => TOKENSTORE_LOCKED,
        ErrorKind::Busy => TOKENSTORE_BUSY,
        ErrorKind::Stale => TOKENSTORE_STALE,
        ErrorKind::Closed => TOKENSTORE_CLOSED,
        ErrorKind::Forked => TOKENSTORE_FORKED,
        ErrorKind::CommitUnknown => TOKENSTORE_COMMIT_UNKNOWN,
        ErrorKind::Poisoned => TOKENSTORE_POISONED,
        ErrorKind::Panic => TOKENSTORE_PANIC,
    }
}

/// Every number and its name.
const NAMES: [(tokenstore_status, &str); 40] = [
    (TOKENSTORE_OK, "OK\0"),
    (TOKENSTORE_MALFORMED, "MALFORMED\0"),
    (TOKENSTORE_UNKNOWN, "UNKNOWN\0"),
    (TOKENSTORE_REVOKED, "REVOKED\0"),
    (TOKENSTORE_SUPERSEDED, "SUPERSEDED\0"),
    (TOKENSTORE_USED, "USED\0"),
    (TOKENSTORE_EXPIRED, "EXPIRED\0"),
    (TOKENSTORE_DISABLED, "DISABLED\0"),
    (TOKENSTORE_WRONG_TYPE, "WRONG_TYPE\0"),
    (TOKENSTORE_WRONG_BINDING, "WRONG_BINDING\0"),
    (TOKENSTORE_NO_GRANT, "NO_GRANT\0"),
    (TOKENSTORE_MUST_REFRESH, "MUST_REFRESH\0"),
    (TOKENSTORE_MUST_CONSUME, "MUST_CONSUME\0"),
    (TOKENSTORE_SOME_REFUSED, "SOME_REFUSED\0"),
    (TOKENSTORE_STALE, "STALE\0"),
    (TOKENSTORE_REUSED, "REUSED\0"),
    (TOKENSTORE_NOT_COUNTED, "NOT_COUNTED\0"),
    (TOKENSTORE_NOT_FOUND, "NOT_FOUND\0"),
    (TOKENSTORE_NAME_TAKEN, "NAME_TAKEN\0"),
    (TOKENSTORE_VALUE_EXISTS, "VALUE_EXISTS\0"),
    (TOKENSTORE_TYPE_CONFLICT, "TYPE_CONFLICT\0"),
    (TOKENSTORE_REVISION_CONFLICT, "REVISION_CONFLICT\0"),
    (TOKENSTORE_GRANT_IS_ALL, "GRANT_IS_ALL\0"),
    (TOKENSTORE_LIMIT_REACHED, "LIMIT_REACHED\0"),
    (TOKENSTORE_END, "END\0"),
    (TOKENSTORE_INVALID_ARGUMENT, "INVALID_ARGUMENT\0"),
    (TOKENSTORE_BUFFER_TOO_SMALL, "BUFFER_TOO_SMALL\0"),
    (TOKENSTORE_ALREADY_EXISTS, "ALREADY_EXISTS\0"),
    (TOKENSTORE_IO, "IO\0"),
    (TOKENSTORE_CORRUPT, "CORRUPT\0"),
    (TOKENSTORE_ROLLED_BACK, "ROLLED_BACK\0"),
    (TOKENSTORE_WRONG_KEY, "WRONG_KEY\0"),
    (TOKENSTORE_UNSUPPORTED, "UNSUPPORTED\0"),
    (TOKENSTORE_LOCKED, "LOCKED\0"),
    (TOKENSTORE_BUSY, "BUSY\0"),
    (TOKENSTORE_CLOSED, "CLOSED\0"),
    (TOKENSTORE_FORKED, "FORKED\0"),
    (TOKENSTORE_COMMIT_UNKNOWN, "COMMIT_UNKNOWN\0"),
    (TOKENSTORE_POISONED, "POISONED\0"),
    (TOKENSTORE_PANIC, "PANIC\0"),
];

/// The name of a status, such as "NAME_TAKEN"; "?" for a number that is none. The text is the library's own and stays.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn tokenstore_status_name(status: tokenstore_status) -> *const c_char {
    let name = NAMES.iter().find(|(number, _)| *number == status).map_or("?\0", |(_, name)| name);
    name.as_ptr().cast()
}
