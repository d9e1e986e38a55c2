"""What callers give, turned into what C takes: bytes, text, times, durations."""

import ctypes
import enum
from datetime import datetime, timedelta, timezone
from typing import Any, Iterable, List, Optional, Union

from . import _ffi
from ._errors import InvalidArgument

BytesLike = Union[bytes, bytearray, memoryview, str]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MS = timedelta(milliseconds=1)
_U64 = (1 << 64) - 1


class Never(enum.Enum):
    """The type of `NEVER`."""

    NEVER = "never"

    def __repr__(self) -> str:
        return "tokenstore.NEVER"


class All(enum.Enum):
    """The type of `ALL`."""

    ALL = "all"

    def __repr__(self) -> str:
        return "tokenstore.ALL"


class AnyType(enum.Enum):
    """The type of `ANY`."""

    ANY = "any"

    def __repr__(self) -> str:
        return "tokenstore.ANY"


class Keep(enum.Enum):
    """The type of `KEEP`."""

    KEEP = "keep"

    def __repr__(self) -> str:
        return "tokenstore.KEEP"


def as_bytes(what: str, given: BytesLike) -> bytes:
    """Bytes as they are; a str as UTF-8."""
    if isinstance(given, bytes):
        return given
    if isinstance(given, str):
        try:
            return given.encode()
        except UnicodeEncodeError:
            # The error would show the text.
            pass
        raise InvalidArgument(f"{what} cannot be written as UTF-8")
    if isinstance(given, (bytearray, memoryview)):
        return bytes(given)
    raise TypeError(f"{what} is str or bytes, not {type(given).__name__}")


def as_text(what: str, given: Union[str, bytes, None]) -> bytes:
    """UTF-8, empty for None. Whether it is UTF-8 is for the library to say."""
    return b"" if given is None else as_bytes(what, given)


def as_path(given: Any) -> bytes:
    """A file name as the operating system has it."""
    import os

    path = os.fsencode(given)
    if b"\0" in path:
        raise InvalidArgument("a path has no NUL in it")
    return path


def as_number(what: str, given: int, low: int = 0, high: int = _U64) -> int:
    """A whole number in a range: ctypes would cut it."""
    if isinstance(given, bool) or not isinstance(given, int):
        raise TypeError(f"{what} is an int, not {type(given).__name__}")
    if not low <= given <= high:
        raise InvalidArgument(f"{what} is from {low} to {high}")
    return int(given)


def as_time_ms(what: str, given: datetime) -> int:
    """Milliseconds since the Unix epoch, rounded down."""
    if not isinstance(given, datetime):
        raise TypeError(f"{what} is a datetime, not {type(given).__name__}")
    if given.utcoffset() is None:
        raise InvalidArgument(f"{what} has no time zone: give an aware datetime, such as one of timezone.utc")
    return (given - _EPOCH) // _MS


def as_duration_ms(what: str, given: timedelta, least: int = 1) -> int:
    """Milliseconds, rounded down, from `least` on."""
    if not isinstance(given, timedelta):
        raise TypeError(f"{what} is a timedelta, not {type(given).__name__}")
    ms = given // _MS
    if ms < least:
        raise InvalidArgument(f"{what} is at least {least} ms")
    return ms


def time_of(ms: int) -> datetime:
    """The time, in UTC, at so many milliseconds since the Unix epoch."""
    return _EPOCH + timedelta(milliseconds=ms)


def time_or_none(ms: int) -> Optional[datetime]:
    """The same, and None for what never is."""
    return None if ms == _ffi.NEVER else time_of(ms)


def duration_or_none(ms: int) -> Optional[timedelta]:
    """A duration; None for 0, which is none."""
    return timedelta(milliseconds=ms) if ms else None


class Keeper:
    """Fills structs with byte strings, and keeps them alive as long as it lives itself."""

    def __init__(self) -> None:
        self._kept: List[Any] = []

    def bytes(self, data: bytes) -> _ffi.Bytes:
        """A byte string for C."""
        self._kept.append(data)
        return _ffi.Bytes(_ffi.address_of(data), len(data))

    def hidden(self, secret: Any) -> _ffi.Bytes:
        """A secret for C."""
        self._kept.append(secret)
        return _ffi.Bytes(ctypes.addressof(secret._buffer), len(secret))

    def projects(self, given: Iterable[BytesLike]) -> Any:
        """An array of projects for C, which may have no place at all."""
        if isinstance(given, (str, bytes, bytearray, memoryview)):
            raise TypeError("projects are a list of projects, not one")
        projects = [self.bytes(as_bytes("a project", project)) for project in given]
        array = (_ffi.Bytes * len(projects))(*projects)
        self._kept.append(array)
        return array


def bytes_at(place: _ffi.Bytes) -> bytes:
    """A copy of what C laid into a buffer."""
    return ctypes.string_at(place.data, place.len) if place.len else b""
