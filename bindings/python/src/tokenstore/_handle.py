"""Handles: addresses that C gave, and that are closed when no call uses them any more.

A close that races a call is the caller's error in C, so Python must see to it that none does. A handle is an `int`,
and the object itself is what each call is given: while a call runs, its arguments hold the object, and so the
object's own end is the end of the last call. That costs a call nothing, and needs no lock; reference counts are
atomic in every CPython. So no function may keep a handle in a variable when it raises: a traceback would keep it
open.
"""

import os
import threading
from typing import Any, Callable, ClassVar, Optional

from ._errors import ForkedStore, StoreBusy, TokenstoreError

# How long a close waits for calls that other threads have under way.
_CLOSE_WAIT_S = 30.0


class _Closing:
    """What the end of a handle tells those who wait for it."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.error: Optional[TokenstoreError] = None


class Handle(int):
    """An open handle. Zero is a closed one, to which C answers without touching anything."""

    # How many forks lie between this process and the first.
    forks: ClassVar[int] = 0

    def __new__(
        cls, address: int, close: Callable[[int], Optional[TokenstoreError]], *, goes_on: bool = False
    ) -> "Handle":
        self = super().__new__(cls, address)
        self._close = close
        self._goes_on = goes_on
        self._forks = Handle.forks
        self._closing = _Closing()
        return self

    _close: Callable[[int], Optional[TokenstoreError]]
    _goes_on: bool
    _forks: int
    _closing: _Closing

    def is_parents(self) -> bool:
        """Whether it is the parent's alone: made before a fork."""
        return self._forks != type(self).forks

    def in_child(self) -> "Handle":
        """What it is in a forked child: for one that goes on, another that is the child's own.

        The parent's may be held there by calls of threads that the child does not have, and so never end.
        """
        return Handle(int(self), self._close, goes_on=True) if self._goes_on else self

    def __del__(self) -> None:
        # What a parent opened is the parent's: here nothing of it is touched.
        if self and not self.is_parents():
            try:
                self._closing.error = self._close(int(self))
            finally:
                self._closing.ended.set()


CLOSED = Handle(0, lambda _: None)


def end(owner: Any, wait_s: float = _CLOSE_WAIT_S) -> None:
    """Closes `owner._handle`, and waits until the last call on it is over. Does nothing if it is closed.

    Raises what closing said; StoreBusy if a call does not end in time: then the last one to end closes it.
    """
    handle = owner._handle
    if not handle:
        return
    if handle.is_parents():
        del handle
        raise ForkedStore("the store was opened before a fork, not shared, and belongs to the parent process")
    closing = handle._closing
    owner._handle = CLOSED
    # If no call is under way this is the last reference, and the handle is closed here.
    del handle
    if not closing.ended.wait(wait_s):
        raise StoreBusy("calls are still under way; the last of them closes the store")
    if closing.error is not None:
        raise closing.error


def _in_child() -> None:
    Handle.forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
