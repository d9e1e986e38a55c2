"""A clock for tests."""

import ctypes
from datetime import datetime, timedelta
from typing import Any, Optional

from . import _ffi
from ._errors import TokenstoreError, error_from, error_of
from ._handle import CLOSED, Handle
from ._input import as_duration_ms, as_time_ms, time_of


def _close(address: int) -> Optional[TokenstoreError]:
    _ffi.lib.clock_close(address)
    return None


class ManualClock:
    """A clock that stands until it is moved: for tests. Give it to a store as `clock=`; many may share it.

    It needs no closing. A store that uses it keeps it.
    """

    def __init__(self, now: datetime) -> None:
        """A clock that shows `now`, an aware datetime. InvalidArgument if it has no time zone."""
        self._handle: Handle = CLOSED
        address, told = ctypes.c_void_p(), _ffi.Error()
        status = _ffi.lib.clock_new(as_time_ms("a time", now), address, told)
        if status:
            raise error_from(status, told)
        self._handle = Handle(address.value or 0, _close)

    def advance(self, by: timedelta) -> None:
        """Lets time pass: at least 1 ms, in whole ms."""
        self._check(_ffi.lib.clock_advance(self._handle, as_duration_ms("a duration", by)))

    def set(self, now: datetime) -> None:
        """Sets the clock, forward or back, as an operator would: no time passes."""
        self._check(_ffi.lib.clock_set(self._handle, as_time_ms("a time", now)))

    def now(self) -> datetime:
        """What the clock shows, in UTC."""
        shown = ctypes.c_int64()
        self._check(_ffi.lib.clock_now(self._handle, shown))
        return time_of(shown.value)

    def _check(self, status: int) -> None:
        if status:
            raise error_of(status, "the clock cannot show such a time")

    def __repr__(self) -> str:
        return f"<tokenstore.ManualClock {self.now().isoformat()}>"

    def __reduce__(self) -> Any:
        raise TypeError("a clock is not pickled or copied: it is this process's")
