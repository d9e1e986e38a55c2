"""Statuses, and an exception for each that is raised."""

import enum
import errno
from typing import Any, ClassVar, Dict, Optional, Tuple, Type

from . import _ffi


class Status(enum.IntEnum):
    """What a call answers. The numbers stay.

    0 is success, 1 to 99 are answers that a caller expects, 100 and up are trouble. Only `OK` allows anything.
    """

    OK = 0
    MALFORMED = 1
    UNKNOWN = 2
    REVOKED = 3
    SUPERSEDED = 4
    USED = 5
    EXPIRED = 6
    DISABLED = 7
    WRONG_TYPE = 8
    WRONG_BINDING = 9
    NO_GRANT = 10
    MUST_REFRESH = 11
    MUST_CONSUME = 12
    SOME_REFUSED = 13
    STALE = 14
    REUSED = 15
    NOT_COUNTED = 16
    NOT_FOUND = 20
    NAME_TAKEN = 21
    VALUE_EXISTS = 22
    TYPE_CONFLICT = 23
    REVISION_CONFLICT = 24
    GRANT_IS_ALL = 25
    LIMIT_REACHED = 26
    END = 27
    INVALID_ARGUMENT = 100
    BUFFER_TOO_SMALL = 101
    ALREADY_EXISTS = 102
    IO = 103
    CORRUPT = 104
    ROLLED_BACK = 105
    WRONG_KEY = 106
    UNSUPPORTED = 107
    LOCKED = 108
    BUSY = 109
    CLOSED = 110
    FORKED = 111
    COMMIT_UNKNOWN = 112
    POISONED = 113
    PANIC = 114


class TokenstoreError(Exception):
    """What every call raises: a subclass for each status.

    `status` is the status's number, `name` its name, such as ``NAME_TAKEN``, and `os_error` the operating system's
    error number, or 0. The text is for people, and never holds a token's value or a key.
    """

    status: int = -1
    _by_status: ClassVar[Dict[int, Type["TokenstoreError"]]] = {}

    def __init_subclass__(cls, status: Optional[Status] = None, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        if status is not None:
            cls.status = int(status)
            TokenstoreError._by_status[cls.status] = cls

    def __init__(self, message: str, os_error: int = 0) -> None:
        super().__init__(message)
        self._message = message
        self.os_error = os_error
        if isinstance(self, OSError):
            _tell_errno(self, os_error or _ERRNO.get(self.status), message)

    @property
    def name(self) -> str:
        """The name of the status."""
        text: bytes = _ffi.lib.status_name(self.status)
        return text.decode()

    def __str__(self) -> str:
        return self._message

    def __reduce__(self) -> Tuple[Any, ...]:
        return type(self), (self._message, self.os_error), self.__dict__


def _tell_errno(error: OSError, number: Optional[int], message: str) -> None:
    error.errno, error.strerror = number, message


class Refused(TokenstoreError):
    """A token is not accepted, or not in a state to be changed.

    `verdict` is the whole answer if a verify or a consume gave it, otherwise None.
    """

    verdict: Any = None


class Malformed(Refused, status=Status.MALFORMED):
    """No value of this store looks like this."""


class Unknown(Refused, status=Status.UNKNOWN):
    """No token has this value."""


class Revoked(Refused, status=Status.REVOKED):
    """The token is revoked."""


class Superseded(Refused, status=Status.SUPERSEDED):
    """The value was replaced by a newer one."""


class Used(Refused, status=Status.USED):
    """The token's uses ran out."""


class Expired(Refused, status=Status.EXPIRED):
    """The token's time ran out."""


class Disabled(Refused, status=Status.DISABLED):
    """The token is switched off."""


class WrongType(Refused, status=Status.WRONG_TYPE):
    """The token is of another type than the one expected."""


class WrongBinding(Refused, status=Status.WRONG_BINDING):
    """The token is bound and no equal binding was shown, or it is not bound and one was."""


class NoGrant(Refused, status=Status.NO_GRANT):
    """The token does not reach the project."""


class MustRefresh(Refused, status=Status.MUST_REFRESH):
    """The value refreshes; it never verifies."""


class MustConsume(Refused, status=Status.MUST_CONSUME):
    """The token has a use count; verify does not spend it."""


class Reused(Refused, status=Status.REUSED):
    """Of a refresh: the value was used before, and its time to be replayed is over. Its family is revoked now."""


class NotCounted(Refused, status=Status.NOT_COUNTED):
    """Of a consume: the token has no use count."""


class SomeRefused(TokenstoreError, status=Status.SOME_REFUSED):
    """Not all of several were done. `create_many` and `verify_many` say of each instead."""


class Stale(TokenstoreError, status=Status.STALE):
    """The answer would have to wait, and the query was made with `no_wait`: ask again without it."""


class NotFound(TokenstoreError, LookupError, status=Status.NOT_FOUND):
    """No such token or type, or the token has another owner than the one expected."""


class NameTaken(TokenstoreError, status=Status.NAME_TAKEN):
    """A live token of this owner holds the name."""


class ValueExists(TokenstoreError, status=Status.VALUE_EXISTS):
    """The store already knows this value."""


class TypeConflict(TokenstoreError, status=Status.TYPE_CONFLICT):
    """A type of this name has another policy, or its prefix is another type's."""


class RevisionConflict(TokenstoreError, status=Status.REVISION_CONFLICT):
    """The token's revision is not the expected one."""


class GrantIsAll(TokenstoreError, status=Status.GRANT_IS_ALL):
    """One project cannot be taken from a token that is granted all."""


class LimitReached(TokenstoreError, status=Status.LIMIT_REACHED):
    """A documented limit is reached."""


class End(TokenstoreError, LookupError, status=Status.END):
    """There is nothing more. Lists and events end instead, so nothing raises it."""


class InvalidArgument(TokenstoreError, ValueError, status=Status.INVALID_ARGUMENT):
    """An argument is out of its documented range."""


class BufferTooSmall(TokenstoreError, status=Status.BUFFER_TOO_SMALL):
    """A buffer is too small. The package makes a larger one, so nothing raises it."""


class AlreadyExists(TokenstoreError, FileExistsError, status=Status.ALREADY_EXISTS):
    """There is a file at this path already."""


class StoreIOError(TokenstoreError, OSError, status=Status.IO):
    """The operating system reported an error: see `errno`."""


class StoreMissing(StoreIOError, FileNotFoundError):
    """There is no file at this path."""


class Corrupt(TokenstoreError, status=Status.CORRUPT):
    """The file is no store, or is damaged. Nothing was opened."""


class RolledBack(TokenstoreError, status=Status.ROLLED_BACK):
    """The file holds an older state than one it acknowledged."""


class WrongKey(TokenstoreError, status=Status.WRONG_KEY):
    """The key is not this store's; or one was given and none is needed, or the reverse."""


class Unsupported(TokenstoreError, status=Status.UNSUPPORTED):
    """The file was written by a newer version, or lies where files cannot be locked."""


class StoreLocked(TokenstoreError, BlockingIOError, status=Status.LOCKED):
    """The store is open elsewhere, in this process or another, and not shared by all."""


class StoreBusy(TokenstoreError, TimeoutError, status=Status.BUSY):
    """The place to write, or to read what others changed, was not free in time. Nothing was changed."""


class StoreClosed(TokenstoreError, status=Status.CLOSED):
    """The store was closed."""


class ForkedStore(TokenstoreError, status=Status.FORKED):
    """The store was opened before a fork, not shared, and belongs to the parent process."""


class CommitUnknown(TokenstoreError, status=Status.COMMIT_UNKNOWN):
    """A commit failed after it may have reached the disk. The change may or may not be there after a reopen."""


class Poisoned(TokenstoreError, status=Status.POISONED):
    """An earlier failure ended all changes; reopen the store. Verifying goes on."""


class LibraryPanic(TokenstoreError, status=Status.PANIC):
    """The library failed inside."""


# What `errno` is for errors that the operating system had no part in.
_ERRNO = {
    int(Status.ALREADY_EXISTS): errno.EEXIST,
    int(Status.LOCKED): errno.EAGAIN,
    int(Status.BUSY): errno.ETIMEDOUT,
    int(Status.IO): errno.EIO,
}


def error_of(status: int, message: str, os_error: int = 0) -> TokenstoreError:
    """The exception for a status; the base itself for one that is not known here."""
    kind = TokenstoreError._by_status.get(status, TokenstoreError)
    if status == Status.IO and os_error == errno.ENOENT:
        kind = StoreMissing
    error = kind(message or kind.__doc__ or "", os_error)
    error.status = status
    return error


def error_from(status: int, told: _ffi.Error) -> TokenstoreError:
    """The exception for what a call answered and told."""
    return error_of(status, told.message.decode("utf-8", "replace"), told.os_error)


def refused(verdict: Any) -> TokenstoreError:
    """The exception for a verdict that allows nothing."""
    error = error_of(verdict._status, "")
    if isinstance(error, Refused):
        error.verdict = verdict
    return error
