"""What a verify asks, and what it answers."""

import ctypes
import uuid
from datetime import datetime
from typing import Any, Iterator, List, Optional, Sequence, Union, overload

from . import _ffi
from ._errors import Status
from ._input import AnyType, BytesLike, as_bytes, as_number, time_or_none


class TypeId(int):
    """The number of a type in its store: an int that says what it is."""

    def __repr__(self) -> str:
        return f"TypeId({int(self)})"

    __str__ = int.__repr__


class OwnerRef(int):
    """Where an owner's bytes are, for `Store.owner`."""

    def __repr__(self) -> str:
        return f"OwnerRef({int(self)})"

    __str__ = int.__repr__


class Query:
    """What a verify asks for besides the value. Make it once and use it again, in any thread.

    `type` is the type to accept, or `ANY`, which takes any but those that are accepted by name only. With
    `project` the token must reach it, with `binding` it must be bound to it; None asks nothing. With `header`
    the value is a whole `Authorization` header value, bare or after ``Bearer`` or ``Token`` and spaces. Numbers
    of types are those of one store; `Store.query` takes a type's name, too.

    With `no_wait` a verify never waits: in a shared store of which another process changed something that this one
    has not read yet, and in a fork's child before its first call, its answer is `STALE`, which allows nothing. Ask
    again by a query without it, in another thread. A consume writes, and waits whatever the query says.
    """

    __slots__ = ("_kept", "_quick", "_patient", "_no_wait", "_shown")

    def __init__(
        self,
        type: Union[int, AnyType],
        *,
        project: Optional[BytesLike] = None,
        binding: Optional[BytesLike] = None,
        header: bool = False,
        no_wait: bool = False,
    ) -> None:
        asked = _ffi.Query()
        flags = _ffi.HEADER if header else 0
        if isinstance(type, AnyType):
            flags |= _ffi.ANY_TYPE
        else:
            asked.type = as_number("a type", type, 1, 0xFFFF_FFFF)
        kept: List[Any] = []
        if project is not None:
            data = as_bytes("a project", project)
            asked.project, asked.project_len = _ffi.address_of(data), len(data)
            flags |= _ffi.CHECK_PROJECT
            kept.append(data)
        if binding is not None:
            data = as_bytes("a binding", binding)
            asked.binding, asked.binding_len = _ffi.address_of(data), len(data)
            flags |= _ffi.CHECK_BINDING
            kept.append(data)
        asked.flags = flags
        quick = _ffi.Query.from_buffer_copy(asked)
        quick.flags = flags | _ffi.NO_WAIT
        self._kept = (kept, asked, quick)
        self._shown = type
        # Addresses: an argument that ctypes need not look into.
        self._patient = ctypes.addressof(asked)
        self._quick = ctypes.addressof(quick)
        self._no_wait = no_wait

    def __repr__(self) -> str:
        # A binding may be a secret.
        return f"<tokenstore.Query type={self._shown!r}>"

    def __reduce__(self) -> Any:
        raise TypeError("a Query is not pickled: its addresses are this process's")


class Verdict(_ffi.Verdict):
    """The answer of a verify. True in a condition only if the value is accepted.

    Who presented the value is told with `OK` and with every refusal but `MALFORMED` and `UNKNOWN`; otherwise `id`
    is None.
    """

    def __bool__(self) -> bool:
        return self._allowed == 1

    @property
    def allowed(self) -> bool:
        """Whether the value is accepted."""
        return self._allowed == 1

    @property
    def status(self) -> Union[Status, int]:
        """The answer: a `Status`, or a number of a newer library that is none."""
        try:
            return Status(self._status)
        except ValueError:
            return self._status

    @property
    def id(self) -> Optional[uuid.UUID]:
        """The token, or None if the value is nobody's."""
        found = bytes(self._id)
        return uuid.UUID(bytes=found) if any(found) else None

    @property
    def owner(self) -> OwnerRef:
        """Where its owner's bytes are, for `Store.owner`."""
        return OwnerRef(self._owner)

    @property
    def type(self) -> TypeId:
        """Its type."""
        return TypeId(self._type)

    @property
    def app_word(self) -> int:
        """Your number."""
        return self._app_word

    @property
    def revision(self) -> int:
        """The store's number of the token's last change."""
        return self._revision

    @property
    def expires(self) -> Optional[datetime]:
        """When it expires, in UTC; None if never, or if the value is nobody's."""
        return time_or_none(self._expires_ms) if any(self._id) else None

    @property
    def all_projects(self) -> bool:
        """Whether the token reaches all projects, those to come included."""
        return bool(self._flags & _ffi.HAS_ALL_PROJECTS)

    @property
    def no_projects(self) -> bool:
        """Whether the token reaches no project at all."""
        return bool(self._flags & _ffi.HAS_NO_PROJECTS)

    @property
    def old_value(self) -> bool:
        """Whether the value was replaced by a newer one and still works for a while."""
        return bool(self._flags & _ffi.OLD_VALUE)

    def __eq__(self, other: object) -> bool:
        return bytes(self) == bytes(other) if isinstance(other, Verdict) else NotImplemented

    def __hash__(self) -> int:
        return hash(bytes(self))

    def __repr__(self) -> str:
        status = self.status
        name = status.name if isinstance(status, Status) else str(status)
        return f"<tokenstore.Verdict {name} id={self.id}>"


class Verdicts(Sequence[Verdict]):
    """The answers of `Store.verify_many`, in the order of the values."""

    __slots__ = ("_array", "_all_allowed")

    def __init__(self, array: Any, all_allowed: bool) -> None:
        self._array = array
        # What C said of them all.
        self._all_allowed = all_allowed

    def __len__(self) -> int:
        return len(self._array)

    @overload
    def __getitem__(self, place: int) -> Verdict: ...
    @overload
    def __getitem__(self, place: slice) -> List[Verdict]: ...
    def __getitem__(self, place: Union[int, slice]) -> Union[Verdict, List[Verdict]]:
        found: Union[Verdict, List[Verdict]] = self._array[place]
        return found

    def __iter__(self) -> Iterator[Verdict]:
        return iter(self._array)

    @property
    def allowed(self) -> int:
        """How many are allowed."""
        if self._all_allowed:
            return len(self._array)
        # Each is 1 or 0.
        return _column(self._array, _ffi.Verdict._allowed).tobytes().count(1)

    @property
    def all_allowed(self) -> bool:
        """Whether all are."""
        return self._all_allowed

    @property
    def statuses(self) -> List[int]:
        """The statuses alone, several times as fast as verdict by verdict."""
        return _column(self._array, _ffi.Verdict._status).tolist()

    def __repr__(self) -> str:
        return f"<tokenstore.Verdicts {self.allowed} of {len(self)} allowed>"


def _column(array: Any, member: Any) -> memoryview:
    """A member of 32 bits of each struct."""
    words = memoryview(array).cast("B").cast("i")
    return words[member.offset // 4 :: ctypes.sizeof(_ffi.Verdict) // 4]
