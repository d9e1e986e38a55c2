"""What is made, and what is read."""

import enum
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Iterable, List, Optional, Tuple, Union

from . import _ffi
from ._errors import Status
from ._input import All, BytesLike, Never, bytes_at, duration_or_none, time_of, time_or_none
from ._secret import Secret
from ._verdict import TypeId


@dataclass
class NewToken:
    """A token to be made by `Store.create_many`. What each field means is said at `Store.create_token`."""

    type: Union[int, str]
    owner: BytesLike
    name: Union[str, bytes, None] = None
    expires: Union[datetime, Never, None] = None
    lifetime: Optional[timedelta] = None
    projects: Union[Iterable[BytesLike], All] = ()
    binding: Optional[BytesLike] = None
    app_data: BytesLike = b""
    app_word: int = 0
    by: Union[str, bytes, None] = None

    def __repr__(self) -> str:
        # A binding may be a secret.
        return f"<tokenstore.NewToken type={self.type!r} owner={self.owner!r} name={self.name!r}>"


@dataclass(frozen=True)
class Created:
    """A token that was made now. Its value is here and nowhere else."""

    id: uuid.UUID
    value: Secret
    revision: int


@dataclass(frozen=True)
class Registered:
    """A token that was made now from a value of the caller's."""

    id: uuid.UUID
    revision: int


@dataclass(frozen=True)
class Existing:
    """A token that was there. Its value is not known to the store."""

    id: uuid.UUID


@dataclass(frozen=True)
class Change:
    """What a change did: whether anything was changed, and the token's revision now, 0 if it is gone."""

    changed: bool
    revision: int

    def __bool__(self) -> bool:
        return self.changed


class State(enum.IntEnum):
    """What a token is now, the first that fits."""

    ACTIVE = Status.OK
    REVOKED = Status.REVOKED
    SUPERSEDED = Status.SUPERSEDED
    USED = Status.USED
    EXPIRED = Status.EXPIRED
    DISABLED = Status.DISABLED


@dataclass(frozen=True)
class Token:
    """A token as the store keeps it. Its value is not here, nor any hash of it.

    Times are in UTC. `expires` and `last_used` are None for never, `revoked` is None if it was not, `projects` is
    `ALL` or those that it is granted one by one, ascending.
    """

    id: uuid.UUID
    type: TypeId
    state: State
    owner: bytes
    name: Optional[str]
    projects: Union[Tuple[bytes, ...], All]
    created: datetime
    expires: Optional[datetime]
    last_used: Optional[datetime]
    revoked: Optional[datetime]
    reason: Optional[str]
    bound: bool
    disabled: bool
    app_data: bytes
    app_word: int
    revision: int


@dataclass(frozen=True)
class Page:
    """Some tokens, ascending by id, and the id to go on after; None if there are no more."""

    tokens: List[Token]
    next: Optional[uuid.UUID]


class EventKind(enum.IntEnum):
    """What happened."""

    TYPE_DECLARED = 1
    CREATED = 2
    EDITED = 3
    GRANTED = 4
    UNGRANTED = 5
    GRANTED_ALL = 6
    GRANTS_REVOKED = 7
    DISABLED = 8
    ENABLED = 9
    REVOKED = 10
    DELETED = 11


@dataclass(frozen=True)
class Event:
    """One change to the store: its number, when it was, what happened to which type or token, who did it and why."""

    sequence: int
    at: datetime
    kind: Union[EventKind, int]
    type: Optional[TypeId]
    id: Optional[uuid.UUID]
    by: str
    reason: str


@dataclass(frozen=True)
class TypeInfo:
    """A declared type. A lifetime that is None is for ever, or no limit."""

    id: TypeId
    name: str
    prefix: str
    default_lifetime: Optional[timedelta]
    max_lifetime: Optional[timedelta]
    unique_names: bool
    by_name_only: bool
    external: bool


@dataclass(frozen=True)
class Stats:
    """Figures of a store.

    How many tokens it holds, dead ones included; how many types; the number of the last change; the oldest event
    that is kept; how many bytes of the file's pages are in use; how many bytes of memory the index takes.
    """

    tokens: int
    types: int
    sequence: int
    first_event: int
    file_bytes: int
    index_bytes: int


def id_of(place: Any) -> uuid.UUID:
    """The id in an array of 16 bytes."""
    return uuid.UUID(bytes=bytes(place))


def _text(place: _ffi.Bytes) -> str:
    # The library keeps nothing but UTF-8.
    return bytes_at(place).decode()


def token_of(read: Any) -> Token:
    """A token out of the struct and the buffer that it points into."""
    projects: Union[Tuple[bytes, ...], All]
    if read.flags & _ffi.HAS_ALL_PROJECTS:
        projects = All.ALL
    else:
        projects = tuple(bytes_at(read.projects[place]) for place in range(read.project_count))
    revoked = time_or_none(read.revoked_ms)
    return Token(
        id=id_of(read.id),
        type=TypeId(read.type),
        state=State(read.state),
        owner=bytes_at(read.owner),
        name=_text(read.name) if read.name.len else None,
        projects=projects,
        created=time_of(read.created_ms),
        expires=time_or_none(read.expires_ms),
        last_used=time_or_none(read.last_used_ms),
        revoked=revoked,
        reason=None if revoked is None else _text(read.reason),
        bound=bool(read.flags & _ffi.IS_BOUND),
        disabled=bool(read.flags & _ffi.IS_DISABLED),
        app_data=bytes_at(read.app_data),
        app_word=read.app_word,
        revision=read.revision,
    )


def event_of(read: Any) -> Event:
    """An event out of the struct and the buffer that it points into."""
    kind: Union[EventKind, int]
    try:
        kind = EventKind(read.kind)
    except ValueError:
        kind = read.kind
    return Event(
        sequence=read.sequence,
        at=time_of(read.at_ms),
        kind=kind,
        type=TypeId(read.type) if read.type else None,
        id=id_of(read.id) if any(read.id) else None,
        by=_text(read.by),
        reason=_text(read.reason),
    )


def type_of(number: int, read: Any) -> TypeInfo:
    """A type out of the struct and the buffer that it points into."""
    return TypeInfo(
        id=TypeId(number),
        name=_text(read.name),
        prefix=_text(read.prefix),
        default_lifetime=duration_or_none(read.default_lifetime_ms),
        max_lifetime=duration_or_none(read.max_lifetime_ms),
        unique_names=not read.flags & _ffi.TYPE_SHARED_NAMES,
        by_name_only=bool(read.flags & _ffi.TYPE_BY_NAME_ONLY),
        external=bool(read.flags & _ffi.TYPE_EXTERNAL),
    )


def stats_of(read: Any) -> Stats:
    """Figures out of the struct."""
    return Stats(
        tokens=read.tokens,
        types=read.types,
        sequence=read.sequence,
        first_event=read.first_event,
        file_bytes=read.file_bytes,
        index_bytes=read.index_bytes,
    )
