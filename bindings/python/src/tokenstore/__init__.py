"""tokenstore: issues, verifies and revokes API tokens, keeping only their hashes in one file.

    import tokenstore

    with tokenstore.Store.create("tokens.store") as store:
        server = store.declare("server", "srv")
        created = store.create_token(server, "acme", name="deploy", projects=["A-1"])
        print("shown once:", created.value.reveal())
        asks = store.query(type=server, project="A-1")
        assert store.verify(created.value, asks)
        store.revoke(created.id)
        assert not store.verify(created.value, asks)

`Store` has the calls, `Query` what a verify asks, `Verdict` what it answers, `Secret` a value that nothing shows by
accident, `Pair` an access value and a refresh value, `Consumed` a use that was spent. Every exception is a
`TokenstoreError`, one class for each status.
"""

from typing import Final, Literal

from ._clock import ManualClock
from ._errors import (
    AlreadyExists,
    BufferTooSmall,
    CommitUnknown,
    Corrupt,
    Disabled,
    End,
    Expired,
    ForkedStore,
    GrantIsAll,
    InvalidArgument,
    LibraryPanic,
    LimitReached,
    Malformed,
    MustConsume,
    MustRefresh,
    NameTaken,
    NoGrant,
    NotCounted,
    NotFound,
    Poisoned,
    Refused,
    Reused,
    RevisionConflict,
    Revoked,
    RolledBack,
    SomeRefused,
    Stale,
    Status,
    StoreBusy,
    StoreClosed,
    StoreIOError,
    StoreLocked,
    StoreMissing,
    Superseded,
    TokenstoreError,
    TypeConflict,
    Unknown,
    Unsupported,
    Used,
    ValueExists,
    WrongBinding,
    WrongKey,
    WrongType,
)
from ._ffi import VERSION, version_text
from ._input import All, AnyType, Keep, Never
from ._records import (
    Change,
    Consumed,
    Created,
    Event,
    EventKind,
    Existing,
    FamilyPolicy,
    Issued,
    NewToken,
    OldAccess,
    Outcome,
    Page,
    Pair,
    Refreshed,
    Registered,
    State,
    Stats,
    Token,
    TypeInfo,
)
from ._secret import Secret
from ._store import Store
from ._verdict import OwnerRef, Query, TypeId, Verdict, Verdicts

__version__ = VERSION

NEVER: Final[Literal[Never.NEVER]] = Never.NEVER
"""Of `expires`: the token never expires."""

ALL: Final[Literal[All.ALL]] = All.ALL
"""Of `projects`: all, those to come included."""

ANY: Final[Literal[AnyType.ANY]] = AnyType.ANY
"""Of a query's `type`: any but those that are accepted by name only."""

KEEP: Final[Literal[Keep.KEEP]] = Keep.KEEP
"""Of an edit: stays as it is."""

__all__ = [
    "ALL",
    "ANY",
    "KEEP",
    "NEVER",
    "All",
    "AlreadyExists",
    "AnyType",
    "BufferTooSmall",
    "Change",
    "CommitUnknown",
    "Consumed",
    "Corrupt",
    "Created",
    "Disabled",
    "End",
    "Event",
    "EventKind",
    "Existing",
    "Expired",
    "FamilyPolicy",
    "ForkedStore",
    "GrantIsAll",
    "InvalidArgument",
    "Issued",
    "Keep",
    "LibraryPanic",
    "LimitReached",
    "Malformed",
    "ManualClock",
    "MustConsume",
    "MustRefresh",
    "NameTaken",
    "Never",
    "NewToken",
    "NoGrant",
    "NotCounted",
    "NotFound",
    "OldAccess",
    "Outcome",
    "OwnerRef",
    "Page",
    "Pair",
    "Poisoned",
    "Query",
    "Refreshed",
    "Refused",
    "Registered",
    "Reused",
    "RevisionConflict",
    "Revoked",
    "RolledBack",
    "Secret",
    "SomeRefused",
    "Stale",
    "State",
    "Stats",
    "Status",
    "Store",
    "StoreBusy",
    "StoreClosed",
    "StoreIOError",
    "StoreLocked",
    "StoreMissing",
    "Superseded",
    "Token",
    "TokenstoreError",
    "TypeConflict",
    "TypeId",
    "TypeInfo",
    "Unknown",
    "Unsupported",
    "Used",
    "ValueExists",
    "Verdict",
    "Verdicts",
    "WrongBinding",
    "WrongKey",
    "WrongType",
    "version_text",
]
