"""Values and keys, kept from being shown by accident."""

import ctypes
import hmac
from typing import Any, NoReturn, Optional, Union

from . import _ffi
from ._errors import InvalidArgument
from ._input import BytesLike

KEY_BYTES = 32


class Secret:
    """A token's value. No `repr`, format, log or traceback shows it; `reveal()` does.

    Every call that takes a value takes a `Secret`, too. It is overwritten by `wipe()`, or when it is garbage. It
    cannot be pickled or copied.
    """

    __slots__ = ("_buffer", "__weakref__")
    _buffer: Any

    def __init__(self, value: "Value") -> None:
        """Copies a value of your own. What it was copied from stays with you."""
        self._buffer = None
        try:
            held = presented(value)
            kind = type(value).__name__
        finally:
            del value
        if held is None:
            raise TypeError(f"a value is str, bytes or Secret, not {kind}")
        self._buffer = (ctypes.c_char * len(held)).from_buffer_copy(held)

    def reveal(self) -> str:
        """The value as text, to be shown or sent once. ValueError after `wipe()`, or if it is not UTF-8."""
        text: Optional[str]
        try:
            text = bytes(_alive(self)).decode()
        except UnicodeDecodeError:
            # The error would hold the value.
            text = None
        if text is None:
            raise ValueError("the value is not UTF-8")
        return text

    def wipe(self) -> None:
        """Overwrites the value. Text that `reveal()` made stays; Python cannot overwrite that."""
        buffer = self._buffer
        if buffer is not None:
            self._buffer = None
            _ffi.lib.memzero(ctypes.addressof(buffer), len(buffer))

    def __len__(self) -> int:
        return 0 if self._buffer is None else len(self._buffer)

    def __bool__(self) -> bool:
        return self._buffer is not None

    def __eq__(self, other: object) -> bool:
        """In a time that does not depend on where they differ."""
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(bytes(_alive(self)), bytes(_alive(other)))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "<tokenstore.Secret>" if self else "<tokenstore.Secret, wiped>"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is neither pickled nor copied")

    def __del__(self) -> None:
        # At the end of the process the library may be gone before.
        if self._buffer is not None and _ffi is not None:
            self.wipe()


Value = Union[BytesLike, Secret]


def _alive(secret: Secret) -> Any:
    buffer = secret._buffer
    if buffer is None:
        raise ValueError("the value was wiped")
    return buffer


def presented(value: Any) -> Any:
    """What C is given for a value: bytes, or an array whose repr shows nothing. None for what is no value.

    It raises nothing, since a traceback would show what it was given. A str that is no text is a value that nobody
    has.
    """
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if isinstance(value, Secret):
        return value._buffer
    try:
        return bytes(memoryview(value))
    except (TypeError, ValueError, BufferError):
        return None


def taken(buffer: Any, start: int, length: int) -> Secret:
    """A secret of a part of a buffer, which is overwritten there."""
    place = ctypes.addressof(buffer) + start
    secret = Secret.__new__(Secret)
    secret._buffer = (ctypes.c_char * length)()
    ctypes.memmove(secret._buffer, place, length)
    _ffi.lib.memzero(place, length)
    return secret


def key_buffer(key: Union[bytes, bytearray, memoryview, None]) -> Any:
    """A key in an array whose repr shows nothing; None for none."""
    if key is None:
        return None
    kind = type(key).__name__
    held = bytes(key) if isinstance(key, (bytes, bytearray, memoryview)) else None
    del key
    if held is None:
        raise TypeError(f"a key is bytes, not {kind}")
    if len(held) != KEY_BYTES:
        del held
        raise InvalidArgument(f"a key has {KEY_BYTES} bytes")
    return (ctypes.c_char * KEY_BYTES).from_buffer_copy(held)
