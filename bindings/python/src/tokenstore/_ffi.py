"""The C interface: its numbers, its structs and its calls, as `include/tokenstore.h` has them.

A test compiles what is written here against the header: every number, every size and offset, every argument.

The library is loaded twice. A call through `CDLL` lets the interpreter's lock go, and has to wait for it
afterwards: up to 5 ms beside one busy thread. A verify that is asked not to wait reads memory alone and is done in
less than a microsecond, so it goes through `PyDLL`, which keeps the lock. (CPython documents `PyDLL` for calls of its
own C interface. Nothing here calls that; what is wanted is only that the lock is kept.)
"""

import ctypes
import os
import sys
from ctypes import POINTER, c_char_p, c_int32, c_int64, c_size_t, c_uint8, c_uint32, c_uint64, c_void_p
from typing import Any, Callable, Dict, List, Tuple

VERSION = "0.1.0"
VERSION_NUMBER = 1000
ABI = 0

SHARED = 1
CHECK_REVISION = 1
CHECK_OWNER = 2
EDIT_NAME = 1
EDIT_EXPIRES_AT = 2
EDIT_EXPIRES_IN = 4
EDIT_GRANTS = 8
EDIT_APP_DATA = 16
EDIT_APP_WORD = 32
VALUE_BYTES = 64
NEVER = 9223372036854775807
ALL_PROJECTS = 1
EXPIRES_AT = 2
EXPIRES_IN = 4
CREATED = 1
EXISTING = 2
ERROR_TEXT_BYTES = 248
IS_BOUND = 8
IS_DISABLED = 16
LIST_TYPE = 1
LIST_DEAD = 4
LIST_PROJECT = 8
LIST_EXPIRES_BEFORE = 16
LIST_UNUSED_SINCE = 32
LIST_STATES = 64
TYPE_SHARED_NAMES = 1
TYPE_BY_NAME_ONLY = 2
TYPE_EXTERNAL = 4
ANY_TYPE = 1
CHECK_PROJECT = 2
CHECK_BINDING = 4
HEADER = 8
NO_WAIT = 16
HAS_NO_PROJECTS = 1
HAS_ALL_PROJECTS = 2
OLD_VALUE = 4
TYPE_VOLATILE = 8
TYPE_FAMILIES = 16
ACCESS_ENDS_NOW = 0
ACCESS_ENDS_WITH_GRACE = 1
ACCESS_LIVES_ON = 2
NO_GRACE = 18446744073709551615
IS_COUNTED = 32
REFRESHES = 64
APP_DATA_BYTES = 4096
BIND_ACCESS = 2
ISSUED = 1
ROTATED = 2
REPLAYED = 3

Id = c_uint8 * 16


class Bytes(ctypes.Structure):
    """Bytes by address and length. Whoever fills it in keeps the bytes alive."""

    _fields_ = [("data", c_void_p), ("len", c_size_t)]
    data: Any
    len: int


class Growing(ctypes.Structure):
    """A struct whose first member is its size."""

    struct_size: int

    def __init__(self) -> None:
        super().__init__(struct_size=ctypes.sizeof(self))


class Target(Growing):
    _fields_ = [
        ("struct_size", c_size_t),
        ("id", Id),
        ("flags", c_uint32),
        ("reserved", c_uint32),
        ("revision", c_uint64),
        ("owner", Bytes),
        ("by", Bytes),
        ("reason", Bytes),
    ]


class Edit(Growing):
    _fields_ = [
        ("struct_size", c_size_t),
        ("fields", c_uint32),
        ("flags", c_uint32),
        ("name", Bytes),
        ("expires_ms", c_int64),
        ("projects", POINTER(Bytes)),
        ("project_count", c_size_t),
        ("app_data", Bytes),
        ("app_word", c_uint64),
    ]


class Change(ctypes.Structure):
    _fields_ = [("revision", c_uint64), ("changed", c_uint32), ("reserved", c_uint32)]
    revision: int
    changed: int


class Error(ctypes.Structure):
    _fields_ = [("status", c_int32), ("os_error", c_int32), ("message", ctypes.c_char * ERROR_TEXT_BYTES)]
    status: int
    os_error: int
    message: bytes


class NewToken(Growing):
    _fields_ = [
        ("struct_size", c_size_t),
        ("type", c_uint32),
        ("flags", c_uint32),
        ("owner", Bytes),
        ("name", Bytes),
        ("expires_ms", c_int64),
        ("projects", POINTER(Bytes)),
        ("project_count", c_size_t),
        ("binding", Bytes),
        ("app_data", Bytes),
        ("app_word", c_uint64),
        ("by", Bytes),
        ("parent", Id),
    ]


class Created(ctypes.Structure):
    _fields_ = [("id", Id), ("revision", c_uint64), ("outcome", c_uint32), ("reserved", c_uint32)]
    id: Any
    revision: int
    outcome: int


class Options(Growing):
    _fields_ = [
        ("struct_size", c_size_t),
        ("key", c_void_p),
        ("cache_bytes", c_uint64),
        ("use_resolution_ms", c_uint64),
        ("max_events", c_uint64),
        ("busy_timeout_ms", c_uint64),
        ("clock", c_void_p),
        ("flags", c_uint32),
        ("reserved", c_uint32),
    ]


class Token(Growing):
    _fields_ = [
        ("struct_size", c_size_t),
        ("id", Id),
        ("type", c_uint32),
        ("state", c_int32),
        ("flags", c_uint32),
        ("reserved", c_uint32),
        ("created_ms", c_int64),
        ("expires_ms", c_int64),
        ("last_used_ms", c_int64),
        ("revoked_ms", c_int64),
        ("app_word", c_uint64),
        ("revision", c_uint64),
        ("owner", Bytes),
        ("name", Bytes),
        ("reason", Bytes),
        ("app_data", Bytes),
        ("projects", POINTER(Bytes)),
        ("project_count", c_size_t),
        ("uses_left", c_uint32),
        ("reserved_2", c_uint32),
        ("parent", Id),
        ("family", Id),
        ("old_value_until_ms", c_int64),
        ("old_value_used_ms", c_int64),
    ]


class Filter(Growing):
    _fields_ = [
        ("struct_size", c_size_t),
        ("flags", c_uint32),
        ("type", c_uint32),
        ("owner", Bytes),
        ("name_prefix", Bytes),
        ("project", Bytes),
        ("expires_before_ms", c_int64),
        ("unused_since_ms", c_int64),
        ("states", c_uint32),
        ("page_size", c_uint32),
        ("after", Id),
    ]


class Event(Growing):
    _fields_ = [
        ("struct_size", c_size_t),
        ("sequence", c_uint64),
        ("at_ms", c_int64),
        ("kind", c_uint32),
        ("type", c_uint32),
        ("id", Id),
        ("by", Bytes),
        ("reason", Bytes),
        ("owner", Bytes),
        ("count", c_uint64),
        ("age_ms", c_uint64),
    ]


class Stats(Growing):
    _fields_ = [
        ("struct_size", c_size_t),
        ("tokens", c_uint64),
        ("types", c_uint64),
        ("sequence", c_uint64),
        ("first_event", c_uint64),
        ("file_bytes", c_uint64),
        ("index_bytes", c_uint64),
    ]


class Policy(Growing):
    _fields_ = [
        ("struct_size", c_size_t),
        ("name", Bytes),
        ("prefix", Bytes),
        ("default_lifetime_ms", c_uint64),
        ("max_lifetime_ms", c_uint64),
        ("flags", c_uint32),
        ("reserved", c_uint32),
        ("uses", c_uint32),
        ("old_access", c_uint32),
        ("access_lifetime_ms", c_uint64),
        ("refresh_lifetime_ms", c_uint64),
        ("family_lifetime_ms", c_uint64),
        ("grace_ms", c_uint64),
    ]


class NewPair(Growing):
    _fields_ = [
        ("struct_size", c_size_t),
        ("access_type", c_uint32),
        ("refresh_type", c_uint32),
        ("flags", c_uint32),
        ("reserved", c_uint32),
        ("owner", Bytes),
        ("binding", Bytes),
        ("name", Bytes),
        ("projects", POINTER(Bytes)),
        ("project_count", c_size_t),
        ("app_data", Bytes),
        ("app_word", c_uint64),
        ("by", Bytes),
    ]


class PairValues(Growing):
    _fields_ = [("struct_size", c_size_t), ("access", Bytes), ("refresh", Bytes)]


class Pair(Growing):
    _fields_ = [
        ("struct_size", c_size_t),
        ("access", c_void_p),
        ("access_capacity", c_size_t),
        ("refresh", c_void_p),
        ("refresh_capacity", c_size_t),
        ("access_len", c_size_t),
        ("refresh_len", c_size_t),
        ("family", Id),
        ("access_id", Id),
        ("refresh_id", Id),
        ("access_expires_ms", c_int64),
        ("refresh_expires_ms", c_int64),
        ("revision", c_uint64),
        ("outcome", c_uint32),
        ("reserved", c_uint32),
    ]


class Query(Growing):
    _fields_ = [
        ("struct_size", c_size_t),
        ("type", c_uint32),
        ("flags", c_uint32),
        ("project", c_void_p),
        ("project_len", c_size_t),
        ("binding", c_void_p),
        ("binding_len", c_size_t),
    ]


class Verdict(ctypes.Structure):
    """Its members have an underscore, since the public class has what they mean under their names."""

    _fields_ = [
        ("_allowed", c_uint32),
        ("_status", c_int32),
        ("_id", Id),
        ("_owner", c_uint64),
        ("_app_word", c_uint64),
        ("_expires_ms", c_int64),
        ("_revision", c_uint64),
        ("_type", c_uint32),
        ("_flags", c_uint32),
    ]
    _allowed: int
    _status: int
    _id: Any
    _owner: int
    _app_word: int
    _expires_ms: int
    _revision: int
    _type: int
    _flags: int


# What a handle is to ctypes: an address. `POINTER(...)` costs a fifth more in each call.
_HANDLE = c_void_p
_HANDLE_OUT = POINTER(c_void_p)
# Bytes with a length beside them: NULs in them mean nothing.
_TEXT = c_char_p
_BUFFER = c_void_p
_SIZE_OUT = POINTER(c_size_t)
_ERROR = POINTER(Error)

# The three last arguments of what is read into a buffer.
_READ = [_BUFFER, c_size_t, _SIZE_OUT]
_ON_TARGET = [_HANDLE, POINTER(Target), POINTER(Change), _ERROR]
_ON_PROJECT = [_HANDLE, POINTER(Target), _TEXT, c_size_t, POINTER(Change), _ERROR]
_CREATE = [_HANDLE, POINTER(NewToken), _BUFFER, c_size_t, _SIZE_OUT, POINTER(Created), _ERROR]
_VERIFY = [_HANDLE, _TEXT, c_size_t, c_void_p, POINTER(Verdict)]

# Every call of the header: what it returns, and what it takes.
PROTOTYPES: Dict[str, Tuple[Any, List[Any]]] = {
    "version_number": (c_uint32, []),
    "version_text": (c_char_p, []),
    "abi": (c_uint32, []),
    "memzero": (None, [_BUFFER, c_size_t]),
    "status_name": (c_char_p, [c_int32]),
    "create": (c_int32, [_TEXT, POINTER(Options), _HANDLE_OUT, _ERROR]),
    "open": (c_int32, [_TEXT, POINTER(Options), _HANDLE_OUT, _ERROR]),
    "open_in_memory": (c_int32, [POINTER(Options), _HANDLE_OUT, _ERROR]),
    "close": (c_int32, [_HANDLE, _ERROR]),
    "flush": (c_int32, [_HANDLE, _ERROR]),
    "change_key": (c_int32, [_HANDLE, _TEXT, _ERROR]),
    "clock_new": (c_int32, [c_int64, _HANDLE_OUT, _ERROR]),
    "clock_advance": (c_int32, [_HANDLE, c_uint64]),
    "clock_set": (c_int32, [_HANDLE, c_int64]),
    "clock_now": (c_int32, [_HANDLE, POINTER(c_int64)]),
    "clock_close": (c_int32, [_HANDLE]),
    "type_declare": (c_int32, [_HANDLE, POINTER(Policy), POINTER(c_uint32), _ERROR]),
    "type_find": (c_int32, [_HANDLE, _TEXT, c_size_t, POINTER(c_uint32), _ERROR]),
    "type_get": (c_int32, [_HANDLE, c_uint32, POINTER(Policy), *_READ, _ERROR]),
    "token_create": (c_int32, _CREATE),
    "token_create_if_absent": (c_int32, _CREATE),
    "token_create_from_value": (
        c_int32,
        [_HANDLE, POINTER(NewToken), _TEXT, c_size_t, POINTER(Created), _ERROR],
    ),
    "token_create_many": (
        c_int32,
        [
            _HANDLE,
            POINTER(NewToken),
            c_size_t,
            _BUFFER,
            _SIZE_OUT,
            POINTER(Created),
            POINTER(c_int32),
            _ERROR,
        ],
    ),
    "verify": (c_int32, _VERIFY),
    "verify_many": (
        c_int32,
        [_HANDLE, _TEXT, c_size_t, c_void_p, c_size_t, c_void_p, POINTER(Verdict)],
    ),
    "owner": (c_int32, [_HANDLE, c_uint64, *_READ, _ERROR]),
    "token_edit": (c_int32, [_HANDLE, POINTER(Target), POINTER(Edit), POINTER(Change), _ERROR]),
    "token_grant": (c_int32, _ON_PROJECT),
    "token_ungrant": (c_int32, _ON_PROJECT),
    "token_grant_all": (c_int32, _ON_TARGET),
    "token_revoke_grants": (c_int32, _ON_TARGET),
    "token_disable": (c_int32, _ON_TARGET),
    "token_enable": (c_int32, _ON_TARGET),
    "token_revoke": (c_int32, _ON_TARGET),
    "token_delete": (c_int32, _ON_TARGET),
    "value_revoke": (
        c_int32,
        [_HANDLE, _TEXT, c_size_t, _TEXT, c_size_t, _TEXT, c_size_t, POINTER(Change), _ERROR],
    ),
    "project_remove": (
        c_int32,
        [_HANDLE, _TEXT, c_size_t, _TEXT, c_size_t, _TEXT, c_size_t, POINTER(c_uint64), _ERROR],
    ),
    "token_get": (c_int32, [_HANDLE, _TEXT, POINTER(Token), *_READ, _ERROR]),
    "list_open": (c_int32, [_HANDLE, POINTER(Filter), _HANDLE_OUT, _ERROR]),
    "list_next": (c_int32, [_HANDLE, POINTER(Token), *_READ, _ERROR]),
    "list_close": (c_int32, [_HANDLE]),
    "event_next": (c_int32, [_HANDLE, c_uint64, POINTER(Event), *_READ, _ERROR]),
    "get_stats": (c_int32, [_HANDLE, POINTER(Stats), _ERROR]),
    "consume": (c_int32, [*_VERIFY, _BUFFER, c_size_t, _SIZE_OUT, POINTER(c_uint32), _ERROR]),
    "pair_issue": (c_int32, [_HANDLE, POINTER(NewPair), POINTER(PairValues), POINTER(Pair), _ERROR]),
    "pair_refresh": (
        c_int32,
        [
            _HANDLE,
            _TEXT,
            c_size_t,
            _TEXT,
            c_size_t,
            POINTER(PairValues),
            _TEXT,
            c_size_t,
            POINTER(Pair),
            _ERROR,
        ],
    ),
    "family_revoke": (c_int32, _ON_TARGET),
    "owner_revoke": (
        c_int32,
        [
            _HANDLE,
            _TEXT,
            c_size_t,
            c_uint32,
            _TEXT,
            c_size_t,
            _TEXT,
            c_size_t,
            POINTER(Change),
            _ERROR,
        ],
    ),
    "token_rotate": (
        c_int32,
        [_HANDLE, POINTER(Target), c_uint64, _BUFFER, c_size_t, _SIZE_OUT, POINTER(Created), _ERROR],
    ),
    "prune": (c_int32, [_HANDLE, c_int64, c_uint64, POINTER(c_uint64), _ERROR]),
}


def _candidates() -> List[str]:
    """Where the library may be, in this order."""
    named = os.environ.get("TOKENSTORE_LIBRARY")
    if named:
        # Nothing else is tried: who names one wants no other.
        return [named]
    suffix = ".dylib" if sys.platform == "darwin" else ".so"
    beside = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_lib", "libtokenstore" + suffix)
    loaders = f"libtokenstore.{ABI}.dylib" if sys.platform == "darwin" else f"libtokenstore.so.{ABI}"
    return [beside, loaders]


def _load() -> Tuple[str, "ctypes.CDLL"]:
    tried = []
    for path in _candidates():
        try:
            return path, ctypes.CDLL(path)
        except OSError as error:
            tried.append(f"\n  {path}: {error}")
    raise ImportError(
        "the tokenstore library was not found; TOKENSTORE_LIBRARY may name it. Tried:" + "".join(tried)
    )


def _function(library: "ctypes.CDLL", name: str) -> Callable[..., Any]:
    try:
        function = library["tokenstore_" + name]
    except AttributeError as error:
        raise ImportError(f"{path} has no tokenstore_{name}: {error}") from None
    function.restype, function.argtypes = PROTOTYPES[name]
    return function


def _check_version() -> None:
    """A library of another ABI has other structs; an older one lacks calls."""
    found = _function(_waiting, "version_number")()
    text = _function(_waiting, "version_text")().decode()
    abi = _function(_waiting, "abi")()
    if abi != ABI or found < VERSION_NUMBER:
        raise ImportError(
            f"{path} is tokenstore {text} with ABI {abi}; this package is {VERSION} and needs ABI {ABI} "
            f"and {VERSION} or later"
        )


path, _waiting = _load()
_check_version()
# PyPy has no PyDLL.
_holding: "ctypes.CDLL" = getattr(ctypes, "PyDLL", ctypes.CDLL)(path)


class _Calls:
    """The calls, by their names without the prefix; the interpreter's lock is let go."""

    def __init__(self) -> None:
        for name in PROTOTYPES:
            setattr(self, name, _function(_waiting, name))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        raise AttributeError(f"the header has no tokenstore_{name}")


lib = _Calls()

# What does not wait, with the interpreter's lock kept: a verify whose query says so, and an owner, but for the first
# call in a forked child.
verify_holding = _function(_holding, "verify")
owner_holding = _function(_holding, "owner")


def address_of(data: bytes) -> Any:
    """Where the bytes lie. They must be kept alive by whoever uses it."""
    return ctypes.cast(c_char_p(data), c_void_p).value


def version_text() -> str:
    """The version of the library that was loaded."""
    text: bytes = lib.version_text()
    return text.decode()
