"""The store: making, opening and closing it. Its other calls stand in files of their own, by what they are about."""

import atexit
import ctypes
import os
import weakref
from datetime import timedelta
from types import TracebackType
from typing import Any, Callable, Optional, Type

from . import _ffi
from ._changing import Changing
from ._clock import ManualClock
from ._errors import ForkedStore, StoreClosed, TokenstoreError, error_from
from ._families import Families
from ._handle import Handle, end
from ._input import as_path
from ._judging import Judging
from ._making import Making
from ._reading import Reading
from ._secret import key_buffer
from ._structs import options_of
from ._typing import Key, PathLike


def _close_store(address: int) -> Optional[TokenstoreError]:
    told = _ffi.Error()
    status = _ffi.lib.close(address, told)
    return error_from(status, told) if status else None


class Store(Making, Judging, Families, Changing, Reading):
    """An open store. Make one by `create`, `open` or `in_memory`; every method may be called by any thread at once.

    A `with` block closes it. A change is on the disk when its call returns, and a revocation is seen by the very
    next verify: of this process, and of all that have the store open if they opened it `shared`. After a fork, the
    child goes on with a shared store by itself; with any other, every call in the child raises `ForkedStore`. Every
    method raises `StoreClosed` after `close`, and a `TokenstoreError` for what goes wrong with the file.

    Owners, projects, bindings and `app_data` are bytes; a str is taken as its UTF-8. Times are aware datetimes and
    durations timedeltas, both to the millisecond, rounded down.
    """

    def __init__(self) -> None:
        raise TypeError("a store is made by Store.create, Store.open or Store.in_memory")

    # Making, opening, closing

    @classmethod
    def create(
        cls,
        path: PathLike,
        *,
        key: Optional[Key] = None,
        cache_bytes: Optional[int] = None,
        use_resolution: Optional[timedelta] = None,
        max_events: Optional[int] = None,
        busy_timeout: Optional[timedelta] = None,
        shared: bool = False,
        clock: Optional[ManualClock] = None,
    ) -> "Store":
        """Makes a new store at `path` and opens it; it is on the disk when this returns.

        `key` is 32 random bytes of yours, without which the file says nothing. `cache_bytes` is memory for the
        file's pages, from 1 MiB on (32 MiB). `use_resolution` is how precisely last uses are noted, from 1 s to a
        day (a minute). `max_events` is how many events are kept (65,536). `busy_timeout` is how long a change waits
        for the place to write, and a verify for what another process changed (5 s). `clock` is for tests.

        With `shared` several processes may have the store open, all of them so. Each verifies from its own memory,
        and what one changed, the very next verify of every other sees. It takes a file system of this machine. Types
        declared `volatile` are on the disk then, as all others.

        Raises AlreadyExists if anything is at `path`, StoreIOError, Unsupported, InvalidArgument.
        """
        try:
            hidden = key_buffer(key)
        finally:
            del key
        options, kept = options_of(hidden, cache_bytes, use_resolution, max_events, busy_timeout, shared, clock)
        return cls._opened(options, kept, _ffi.lib.create, as_path(path))

    @classmethod
    def open(
        cls,
        path: PathLike,
        *,
        key: Optional[Key] = None,
        cache_bytes: Optional[int] = None,
        use_resolution: Optional[timedelta] = None,
        max_events: Optional[int] = None,
        busy_timeout: Optional[timedelta] = None,
        shared: bool = False,
        clock: Optional[ManualClock] = None,
    ) -> "Store":
        """Opens the store at `path`, after checking every page and row of it. It never makes a file.

        The options are those of `create`. Raises StoreMissing (a FileNotFoundError) if nothing is there,
        StoreLocked if it is open elsewhere and not `shared` by all, WrongKey, Corrupt, RolledBack, Unsupported,
        StoreIOError.
        """
        try:
            hidden = key_buffer(key)
        finally:
            del key
        options, kept = options_of(hidden, cache_bytes, use_resolution, max_events, busy_timeout, shared, clock)
        return cls._opened(options, kept, _ffi.lib.open, as_path(path))

    @classmethod
    def in_memory(
        cls,
        *,
        key: Optional[Key] = None,
        cache_bytes: Optional[int] = None,
        use_resolution: Optional[timedelta] = None,
        max_events: Optional[int] = None,
        busy_timeout: Optional[timedelta] = None,
        shared: bool = False,
        clock: Optional[ManualClock] = None,
    ) -> "Store":
        """Makes a store in memory, for tests: everything works, and nothing stays. It takes no key, and is this
        process's alone, also if it is `shared`."""
        try:
            hidden = key_buffer(key)
        finally:
            del key
        options, kept = options_of(hidden, cache_bytes, use_resolution, max_events, busy_timeout, shared, clock)
        return cls._opened(options, kept, _ffi.lib.open_in_memory)

    @classmethod
    def _opened(cls, options: _ffi.Options, kept: Any, call: Callable[..., int], *path: bytes) -> "Store":
        address, told = ctypes.c_void_p(), _ffi.Error()
        status = call(*path, options, address, told)
        del kept
        if status:
            raise error_from(status, told)
        self = cls.__new__(cls)
        shared = bool(options.flags & _ffi.SHARED)
        self._handle = Handle(address.value or 0, _close_store, goes_on=shared)
        _open_stores.add(self)
        return self

    def close(self) -> None:
        """Writes last uses and the mark of the clock, and lets the file go. Does nothing if it is closed.

        It waits for calls that other threads have under way; calls that begin afterwards raise StoreClosed. The
        store is closed whatever is raised: StoreBusy if a call takes longer than 30 s, whose end closes it, or what
        writing said. In the child of a fork nothing of the parent's is let go: a shared store is closed for the child
        alone, with any other it raises ForkedStore.
        """
        end(self)

    def __enter__(self) -> "Store":
        if self.closed:
            raise StoreClosed("the store was closed")
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        try:
            self.close()
        except ForkedStore:
            # A child that leaves the block of its parent has done nothing wrong.
            pass

    def __repr__(self) -> str:
        return "<tokenstore.Store, closed>" if self.closed else "<tokenstore.Store>"

    def __reduce__(self) -> Any:
        raise TypeError("a store is not pickled or copied: it is this process's")

    def flush(self) -> None:
        """Writes last uses and the mark of the clock to the disk now, instead of with the next changes or the close."""
        self._run(_ffi.lib.flush)

    def change_key(self, key: Optional[Key]) -> None:
        """Puts the file under another key of 32 bytes, or under none. When it returns, it opens with that key alone."""
        try:
            hidden = key_buffer(key)
        finally:
            del key
        self._run(_ffi.lib.change_key, hidden)


_open_stores: "weakref.WeakSet[Store]" = weakref.WeakSet()


def _in_child() -> None:
    # After the hook of _handle, which was registered before: these handles are of this side of the fork.
    for store in list(_open_stores):
        store._handle = store._handle.in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)


@atexit.register
def _close_all() -> None:
    """Last uses are written at the end of a process that closes nothing. Who is still in a call is not waited for."""
    for store in list(_open_stores):
        try:
            end(store, wait_s=0.0)
        except TokenstoreError:
            # There is nobody to tell.
            pass
