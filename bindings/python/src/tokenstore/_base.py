"""What all calls of a store have in common: how they are made, and how they fail."""

from typing import Any, Callable, Optional

from . import _ffi
from ._errors import StoreClosed, TokenstoreError, error_from
from ._handle import CLOSED, Handle
from ._read import read_into


class Base:
    """A handle, and calls with it. None of these keeps it in a variable: see _handle."""

    _handle: Handle = CLOSED

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return not self._handle

    def _try(self, call: Callable[..., int], *arguments: Any) -> Optional[TokenstoreError]:
        """Makes a call that begins with the store and ends with the error; what it raised."""
        told = _ffi.Error()
        status = call(self._handle, *arguments, told)
        return self._error(status, told) if status else None

    def _run(self, call: Callable[..., int], *arguments: Any) -> None:
        error = self._try(call, *arguments)
        if error is not None:
            raise error

    def _read(
        self,
        struct: Any,
        call: Callable[..., int],
        *,
        before: Any = (),
        listing: Optional[Handle] = None,
    ) -> Any:
        """Reads a struct whose strings lie in a buffer, which stays with it."""
        status, told = read_into(self, struct, call, before, listing)
        if status:
            raise self._error(status, told)
        return struct

    def _error(self, status: int, told: _ffi.Error) -> TokenstoreError:
        if not self._handle:
            # C was given no handle, and says so.
            return StoreClosed("the store was closed")
        return error_from(status, told)
