"""Reading what has strings: C lays them into a buffer, which is made as large as they need."""

import ctypes
from typing import Any, Callable, Optional, Tuple

from . import _ffi
from ._errors import Status
from ._handle import Handle

# Enough for a token with a few projects and no app_data to speak of.
_FIRST_BYTES = 1024


def read_into(
    store: Any, struct: Any, call: Callable[..., int], before: Tuple[Any, ...], listing: Optional[Handle]
) -> Tuple[int, _ffi.Error]:
    """Makes a call that fills `struct`, and keeps its buffer with it; what it answered.

    A list's call is not given the store, but reads it: then the store is held by `_beside`. Nothing is raised here.
    """
    capacity = _FIRST_BYTES
    while True:
        buffer = (ctypes.c_char * capacity)()
        needed, told = ctypes.c_size_t(), _ffi.Error()
        if listing is None:
            status = call(store._handle, *before, struct, buffer, capacity, needed, told)
        else:
            status = _beside(store._handle, call, listing, struct, buffer, capacity, needed, told)
        if status != Status.BUFFER_TOO_SMALL:
            struct.buffer = buffer
            return status, told
        # It may have grown again when it is read again.
        capacity = max(needed.value, capacity + 1)


def _beside(store: Handle, call: Callable[..., int], *arguments: Any) -> int:
    """Makes a call while the store's handle is held. What a list has read already is not shown of a store that was
    closed, or is a parent's."""
    if not store:
        return int(Status.CLOSED)
    return int(Status.FORKED) if store.is_parents() else call(*arguments)
