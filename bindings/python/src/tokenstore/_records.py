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
from ._verdict import TypeId, Verdict


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
    parent: Union[uuid.UUID, str, bytes, None] = None

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


@dataclass(frozen=True)
class Consumed:
    """What a consume did. True in a condition only if a use was spent.

    `verdict` is the answer, as of a verify; `app_data` is what the token was made with, and `uses_left` how many uses
    it still has: both are None if no use was spent.
    """

    verdict: Verdict
    app_data: Optional[bytes]
    uses_left: Optional[int]

    def __bool__(self) -> bool:
        return self.verdict.allowed

    @property
    def status(self) -> Union[Status, int]:
        """The answer: `OK` if a use was spent."""
        return self.verdict.status


class OldAccess(enum.IntEnum):
    """What a refresh makes of the access token before it."""

    ENDS_NOW = _ffi.ACCESS_ENDS_NOW
    """It ends at once."""
    ENDS_WITH_GRACE = _ffi.ACCESS_ENDS_WITH_GRACE
    """It works for the grace more, if its own life lasts so long."""
    LIVES_ON = _ffi.ACCESS_LIVES_ON
    """It is left alone."""


@dataclass(frozen=True)
class FamilyPolicy:
    """What holds for the families of a type of refresh values.

    `access`, `refresh` and `family` are how long access values, refresh values and families live; no value lives
    longer than its family. `grace` is how long the refresh value before the last refresh gets the same pair again,
    up to a day; `timedelta(0)` is never.
    """

    access: timedelta
    refresh: timedelta
    family: timedelta
    grace: timedelta = timedelta(seconds=30)
    old_access: OldAccess = OldAccess.ENDS_NOW


@dataclass(frozen=True)
class Issued:
    """One of a pair's two values, its token, and when it expires, in UTC."""

    id: uuid.UUID
    value: Secret
    expires: datetime


class Outcome(enum.IntEnum):
    """How a pair came to be."""

    ISSUED = _ffi.ISSUED
    """It is a family's first."""
    ROTATED = _ffi.ROTATED
    """It is the next of its family."""
    REPLAYED = _ffi.REPLAYED
    """The refresh value got it before, and gets it again, byte for byte."""


@dataclass(frozen=True)
class Pair:
    """An access value, which verifies, and a refresh value, which gets the next pair.

    `revision` is the store's number of the change that made the pair.
    """

    family: uuid.UUID
    access: Issued
    refresh: Issued
    outcome: Outcome
    revision: int


@dataclass(frozen=True)
class Refreshed:
    """What a refresh answered. True in a condition only if there is a pair."""

    status: Union[Status, int]
    pair: Optional[Pair]

    def __bool__(self) -> bool:
        return self.pair is not None


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

    `uses_left` is how often it can still be consumed, None if it has no use count; `parent` is the token that it
    hangs on and `family` the family that it is a member of, None for none; `refreshes` is whether its value
    refreshes. `old_value_until` is until when the value before its last rotation works, or worked, None if it was not
    rotated; `old_value_used` is when that value was last accepted since, None for never.
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
    uses_left: Optional[int]
    parent: Optional[uuid.UUID]
    family: Optional[uuid.UUID]
    refreshes: bool
    old_value_until: Optional[datetime]
    old_value_used: Optional[datetime]


@dataclass(frozen=True)
class Page:
    """Some tokens, ascending by id, and the id to go on after; None if there are no more."""

    tokens: List[Token]
    next: Optional[uuid.UUID]


class EventKind(enum.IntEnum):
    """What happened. `REPLAYED` is noted once for each pair."""

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
    CONSUMED = 12
    ROTATED = 13
    PAIR_ISSUED = 14
    REFRESHED = 15
    REPLAYED = 16
    REUSED = 17
    FAMILY_REVOKED = 18
    OWNER_REVOKED = 19
    PRUNED = 20


@dataclass(frozen=True)
class Event:
    """One change to the store: its number, when it was, what happened to which type, token or family, who did it and
    why.

    `owner` is told with `OWNER_REVOKED`: whose tokens; `type` then says if it was one type's alone. `count` is told
    with `REUSED`, how many generations the value lay behind the good one, and with `PRUNED`, how many tokens. `age` is
    told with `REUSED`: how long before the family was refreshed last. All are None otherwise.
    """

    sequence: int
    at: datetime
    kind: Union[EventKind, int]
    type: Optional[TypeId]
    id: Optional[uuid.UUID]
    by: str
    reason: str
    owner: Optional[bytes]
    count: Optional[int]
    age: Optional[timedelta]


@dataclass(frozen=True)
class TypeInfo:
    """A declared type. A lifetime that is None is for ever, or no limit; `uses` that are None are no use count."""

    id: TypeId
    name: str
    prefix: str
    default_lifetime: Optional[timedelta]
    max_lifetime: Optional[timedelta]
    unique_names: bool
    by_name_only: bool
    external: bool
    uses: Optional[int]
    volatile: bool
    families: Optional[FamilyPolicy]


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


def _id_or_none(place: Any) -> Optional[uuid.UUID]:
    return id_of(place) if any(place) else None


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
        uses_left=read.uses_left if read.flags & _ffi.IS_COUNTED else None,
        parent=_id_or_none(read.parent),
        family=_id_or_none(read.family),
        refreshes=bool(read.flags & _ffi.REFRESHES),
        old_value_until=time_or_none(read.old_value_until_ms),
        old_value_used=time_or_none(read.old_value_used_ms),
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
        id=_id_or_none(read.id),
        by=_text(read.by),
        reason=_text(read.reason),
        owner=bytes_at(read.owner) if kind == EventKind.OWNER_REVOKED else None,
        count=read.count if kind in (EventKind.REUSED, EventKind.PRUNED) else None,
        age=timedelta(milliseconds=read.age_ms) if kind == EventKind.REUSED else None,
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
        uses=read.uses or None,
        volatile=bool(read.flags & _ffi.TYPE_VOLATILE),
        families=_families_of(read) if read.flags & _ffi.TYPE_FAMILIES else None,
    )


def _families_of(read: Any) -> FamilyPolicy:
    return FamilyPolicy(
        access=timedelta(milliseconds=read.access_lifetime_ms),
        refresh=timedelta(milliseconds=read.refresh_lifetime_ms),
        family=timedelta(milliseconds=read.family_lifetime_ms),
        grace=timedelta(milliseconds=0 if read.grace_ms == _ffi.NO_GRACE else read.grace_ms),
        old_access=OldAccess(read.old_access),
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
