"""The structs that calls are given, out of their arguments."""

import ctypes
import uuid
from datetime import datetime, timedelta
from typing import Any, Iterable, Optional, Tuple, Union

from . import _ffi
from ._clock import ManualClock
from ._errors import InvalidArgument, NotFound
from ._input import (
    All,
    BytesLike,
    Keep,
    Keeper,
    Never,
    as_bytes,
    as_duration_ms,
    as_number,
    as_text,
    as_time_ms,
)
from ._records import FamilyPolicy, NewToken, OldAccess


# How many tokens or events a page has at most.
PAGE = 1_000
_U32 = (1 << 32) - 1


def id_bytes(id: Any) -> bytes:
    """An id's 16 bytes, out of a UUID, its text or its bytes."""
    if isinstance(id, uuid.UUID):
        return id.bytes
    if isinstance(id, str):
        try:
            return uuid.UUID(id).bytes
        except ValueError:
            raise InvalidArgument("an id is no UUID") from None
    if isinstance(id, bytes):
        if len(id) != 16:
            raise InvalidArgument("an id has 16 bytes")
        return id
    raise TypeError(f"an id is a UUID, not {type(id).__name__}")


def target_of(
    id: Any,
    if_owner: Optional[BytesLike],
    if_revision: Optional[int],
    by: Union[str, bytes, None],
    reason: Union[str, bytes, None],
) -> Tuple[_ffi.Target, Keeper]:
    """Whom a change is for."""
    target, keeper = _ffi.Target(), Keeper()
    target.id = _ffi.Id.from_buffer_copy(id_bytes(id))
    if if_owner is not None:
        target.flags |= _ffi.CHECK_OWNER
        target.owner = keeper.bytes(as_bytes("an owner", if_owner))
    if if_revision is not None:
        target.flags |= _ffi.CHECK_REVISION
        target.revision = as_number("a revision", if_revision)
    target.by = keeper.bytes(as_text("by", by))
    target.reason = keeper.bytes(as_text("a reason", reason))
    return target, keeper


def _expiry(
    expires: Union[datetime, Never, None], lifetime: Optional[timedelta], at: int, within: int
) -> Tuple[int, int]:
    """The flag and the number of an expiry."""
    if lifetime is None:
        if expires is None:
            return 0, 0
        return at, _ffi.NEVER if isinstance(expires, Never) else as_time_ms("expires", expires)
    if expires is not None:
        raise InvalidArgument("either expires or lifetime")
    return within, as_duration_ms("a lifetime", lifetime)


def _name(name: Union[str, bytes]) -> bytes:
    text = as_text("a name", name)
    if not text:
        # To C an empty one is none.
        raise InvalidArgument("a name has 1 to 255 bytes; None is no name")
    return text


def new_token_of(new: NewToken, number: int, struct: Any, keeper: Keeper) -> None:
    """Fills in a token to be made."""
    struct.type = number
    struct.owner = keeper.bytes(as_bytes("an owner", new.owner))
    if new.name is not None:
        struct.name = keeper.bytes(_name(new.name))
    flag, struct.expires_ms = _expiry(new.expires, new.lifetime, _ffi.EXPIRES_AT, _ffi.EXPIRES_IN)
    struct.flags = flag
    _fill_grants(struct, new.projects, keeper)
    if new.binding is not None:
        binding = as_bytes("a binding", new.binding)
        if not binding:
            # To C an empty one is none: the token would be bound to nothing.
            raise InvalidArgument("a binding has 1 to 255 bytes; None is no binding")
        struct.binding = keeper.bytes(binding)
    struct.app_data = keeper.bytes(as_bytes("app_data", new.app_data))
    struct.app_word = as_number("app_word", new.app_word)
    struct.by = keeper.bytes(as_text("by", new.by))
    if new.parent is not None:
        parent = id_bytes(new.parent)
        if not any(parent):
            # To C zeros are no parent.
            raise NotFound("no such token")
        struct.parent = _ffi.Id.from_buffer_copy(parent)


def _fill_grants(struct: Any, projects: Union[Iterable[BytesLike], All], keeper: Keeper) -> None:
    if isinstance(projects, All):
        struct.flags |= _ffi.ALL_PROJECTS
    else:
        struct.projects = array = keeper.projects(projects)
        struct.project_count = len(array)


def new_pair_of(
    access_number: int,
    refresh_number: int,
    owner: BytesLike,
    client: BytesLike,
    name: Union[str, bytes, None],
    projects: Union[Iterable[BytesLike], All],
    bind_access: bool,
    app_data: BytesLike,
    app_word: int,
    by: Union[str, bytes, None],
) -> Tuple[_ffi.NewPair, Keeper]:
    """A family to be made."""
    new, keeper = _ffi.NewPair(), Keeper()
    new.access_type, new.refresh_type = access_number, refresh_number
    new.flags = _ffi.BIND_ACCESS if bind_access else 0
    new.owner = keeper.bytes(as_bytes("an owner", owner))
    new.binding = keeper.bytes(as_bytes("a client", client))
    if name is not None:
        new.name = keeper.bytes(_name(name))
    _fill_grants(new, projects, keeper)
    new.app_data = keeper.bytes(as_bytes("app_data", app_data))
    new.app_word = as_number("app_word", app_word)
    new.by = keeper.bytes(as_text("by", by))
    return new, keeper


def edit_of(
    name: Union[str, bytes, None, Keep],
    expires: Union[datetime, Never, None],
    lifetime: Optional[timedelta],
    projects: Union[Iterable[BytesLike], All, None],
    app_data: Optional[BytesLike],
    app_word: Optional[int],
    keeper: Keeper,
) -> _ffi.Edit:
    """Changes to a token."""
    edit = _ffi.Edit()
    if not isinstance(name, Keep):
        edit.fields |= _ffi.EDIT_NAME
        if name is not None:
            edit.name = keeper.bytes(_name(name))
    flag, edit.expires_ms = _expiry(expires, lifetime, _ffi.EDIT_EXPIRES_AT, _ffi.EDIT_EXPIRES_IN)
    edit.fields |= flag
    if projects is not None:
        edit.fields |= _ffi.EDIT_GRANTS
        _fill_grants(edit, projects, keeper)
    if app_data is not None:
        edit.fields |= _ffi.EDIT_APP_DATA
        edit.app_data = keeper.bytes(as_bytes("app_data", app_data))
    if app_word is not None:
        edit.fields |= _ffi.EDIT_APP_WORD
        edit.app_word = as_number("app_word", app_word)
    return edit


def options_of(
    key: Any,
    cache_bytes: Optional[int],
    use_resolution: Optional[timedelta],
    max_events: Optional[int],
    busy_timeout: Optional[timedelta],
    shared: bool,
    clock: Optional[ManualClock],
) -> Tuple[_ffi.Options, Any]:
    """How to open a store. Zero is a default to C, and refused here."""
    options = _ffi.Options()
    options.flags = _ffi.SHARED if shared else 0
    if key is not None:
        options.key = ctypes.addressof(key)
    if cache_bytes is not None:
        options.cache_bytes = as_number("cache_bytes", cache_bytes, 1)
    if use_resolution is not None:
        options.use_resolution_ms = as_duration_ms("use_resolution", use_resolution)
    if max_events is not None:
        options.max_events = as_number("max_events", max_events, 1)
    if busy_timeout is not None:
        options.busy_timeout_ms = as_duration_ms("busy_timeout", busy_timeout)
    if clock is not None:
        if not isinstance(clock, ManualClock):
            raise TypeError(f"a clock is a ManualClock, not {type(clock).__name__}")
        options.clock = int(clock._handle)
    return options, (key, clock)


def policy_of(
    name: Union[str, bytes],
    prefix: Union[str, bytes],
    default_lifetime: Optional[timedelta],
    max_lifetime: Optional[timedelta],
    unique_names: bool,
    by_name_only: bool,
    external: bool,
    uses: Optional[int],
    volatile: bool,
    families: Optional[FamilyPolicy],
) -> Tuple[_ffi.Policy, Keeper]:
    """A type to be declared."""
    policy, keeper = _ffi.Policy(), Keeper()
    policy.name = keeper.bytes(as_text("a name", name))
    policy.prefix = keeper.bytes(as_text("a prefix", prefix))
    if default_lifetime is not None:
        policy.default_lifetime_ms = as_duration_ms("default_lifetime", default_lifetime)
    if max_lifetime is not None:
        policy.max_lifetime_ms = as_duration_ms("max_lifetime", max_lifetime)
    policy.flags = (
        (0 if unique_names else _ffi.TYPE_SHARED_NAMES)
        | (_ffi.TYPE_BY_NAME_ONLY if by_name_only else 0)
        | (_ffi.TYPE_EXTERNAL if external else 0)
        | (_ffi.TYPE_VOLATILE if volatile else 0)
    )
    if uses is not None:
        policy.uses = as_number("uses", uses, 1, _U32)
    if families is not None:
        _fill_families(policy, families)
    return policy, keeper


def _fill_families(policy: Any, families: FamilyPolicy) -> None:
    if not isinstance(families, FamilyPolicy):
        raise TypeError(f"families are a FamilyPolicy, not {type(families).__name__}")
    policy.flags |= _ffi.TYPE_FAMILIES
    policy.access_lifetime_ms = as_duration_ms("access", families.access)
    policy.refresh_lifetime_ms = as_duration_ms("refresh", families.refresh)
    policy.family_lifetime_ms = as_duration_ms("family", families.family)
    # To C zero is the default.
    policy.grace_ms = as_duration_ms("grace", families.grace, 0) or _ffi.NO_GRACE
    policy.old_access = as_number("old_access", families.old_access, 0, max(OldAccess))


def filter_of(
    owner: Optional[BytesLike],
    number: Optional[int],
    states: Optional[Iterable[int]],
    dead: bool,
    name_prefix: Union[str, bytes, None],
    project: Optional[BytesLike],
    expires_before: Optional[datetime],
    unused_since: Optional[datetime],
    after: Any,
    page_size: Optional[int],
) -> Tuple[_ffi.Filter, Keeper]:
    """Which tokens to list."""
    filter, keeper = _ffi.Filter(), Keeper()
    if owner is not None:
        filter.flags |= _ffi.CHECK_OWNER
        filter.owner = keeper.bytes(as_bytes("an owner", owner))
    if number is not None:
        filter.flags |= _ffi.LIST_TYPE
        filter.type = number
    if states is not None:
        filter.flags |= _ffi.LIST_STATES
        for state in states:
            filter.states |= 1 << as_number("a state", state, 0, 31)
    if dead:
        filter.flags |= _ffi.LIST_DEAD
    filter.name_prefix = keeper.bytes(as_text("a prefix of names", name_prefix))
    if project is not None:
        filter.flags |= _ffi.LIST_PROJECT
        filter.project = keeper.bytes(as_bytes("a project", project))
    if expires_before is not None:
        filter.flags |= _ffi.LIST_EXPIRES_BEFORE
        filter.expires_before_ms = as_time_ms("expires_before", expires_before)
    if unused_since is not None:
        filter.flags |= _ffi.LIST_UNUSED_SINCE
        filter.unused_since_ms = as_time_ms("unused_since", unused_since)
    if after is not None:
        filter.after = _ffi.Id.from_buffer_copy(id_bytes(after))
    if page_size is not None:
        filter.page_size = as_number("page_size", page_size, 1, PAGE)
    return filter, keeper
