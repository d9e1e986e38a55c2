"""Many values in one buffer, at a fixed stride, as C takes them."""

import ctypes
import struct
from functools import lru_cache
from typing import Any, Iterator, List, NamedTuple, Optional

from . import _ffi
from ._secret import presented

# Values of unequal length are padded to the longest: so many at once, and one that is very long by itself, so that it
# does not make the buffer of all the others huge.
_CHUNK = 1_000
_LONGEST_PADDED = 16 * 1024
# Between values that are all of one length: joining them so shows that they are, at less than asking each.
_BETWEEN = b"\n"


class Chunk(NamedTuple):
    """Values for one call, and an array of their lengths. No repr of it may be shown: it holds values."""

    start: int
    places: int
    joined: bytes
    stride: int
    lens: Any


def chunks_of(values: Any) -> Optional[List[Chunk]]:
    """The values, joined; None if one of them is no value. It raises nothing that would show one."""
    held: List[Any] = list(values)
    if not held:
        return []
    equal = _equal(held)
    if equal is not None:
        return [equal]
    # Secrets that nobody else holds are overwritten when they are let go, so these are held until they are copied.
    shown = [presented(value) for value in held]
    if any(value is None for value in shown):
        return None
    copied = [bytes(value) for value in shown]
    equal = _equal(copied)
    return list(_unequal(copied)) if equal is None else [equal]


def _equal(held: List[Any]) -> Optional[Chunk]:
    """Values of one length and kind, with a byte between each two, which is no part of any."""
    joined = _joined(held)
    if joined is None:
        return None
    count = len(held)
    stride, rest = divmod(len(joined) + len(_BETWEEN), count)
    # If that byte is wherever a value would end, and nowhere else, that is where all of them end.
    if rest or joined[stride - 1 :: stride] != _BETWEEN * (count - 1) or joined.count(_BETWEEN) != count - 1:
        return None
    # Behind the last value is the NUL that is behind all bytes.
    return Chunk(0, count, joined, stride, struct.pack("N", stride - 1) * count)


def _joined(held: List[Any]) -> Optional[bytes]:
    """All of them if they are bytes, or all text."""
    try:
        return _BETWEEN.join(held)
    except (TypeError, ValueError, BufferError):
        pass
    try:
        return _BETWEEN.decode().join(held).encode("utf-8", "surrogatepass")
    except TypeError:
        return None


def _unequal(held: List[bytes]) -> Iterator[Chunk]:
    lens = list(map(len, held))
    start = 0
    while start < len(held):
        end = start + 1
        if lens[start] <= _LONGEST_PADDED:
            while end < len(held) and end - start < _CHUNK and lens[end] <= _LONGEST_PADDED:
                end += 1
        # A stride of 0 would leave no byte to point at.
        stride = max(max(lens[start:end]), 1)
        joined = b"".join([value.ljust(stride) for value in held[start:end]])
        array = (ctypes.c_size_t * (end - start))(*lens[start:end])
        yield Chunk(start, end - start, joined, stride, array)
        start = end


@lru_cache(maxsize=64)
def verdicts_of(kind: Any, count: int) -> Any:
    """The type of an array of verdicts, which takes longer to make than an array."""
    return kind * count


def place_of(verdicts: Any, chunk: Chunk) -> Any:
    """Where the verdicts of a chunk go."""
    return ctypes.cast(
        ctypes.addressof(verdicts) + chunk.start * ctypes.sizeof(_ffi.Verdict), ctypes.POINTER(_ffi.Verdict)
    )
