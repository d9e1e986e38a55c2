"""Families: pairs of an access value and a refresh value, from the sign-in to the end of the line."""

import ctypes
from typing import Any, Iterable, Optional, Union

from . import _ffi
from ._errors import InvalidArgument, Refused, Status, TokenstoreError
from ._input import All, BytesLike, Keeper, as_bytes, as_text, time_of
from ._records import Issued, Outcome, Pair, Refreshed, id_of
from ._secret import Secret, Value, taken
from ._structs import new_pair_of
from ._types import Types
from ._typing import AType, Text

# As long as a value of the caller's own may be, so that whatever a refresh hands out again has room.
_LONGEST_VALUE = 8_192


class Families(Types):
    """The calls that make pairs. A pair is on the disk when its call returns."""

    def issue_pair(
        self,
        access_type: AType,
        refresh_type: AType,
        owner: BytesLike,
        client: BytesLike,
        *,
        name: Optional[Text] = None,
        projects: Union[Iterable[BytesLike], All] = (),
        bind_access: bool = False,
        app_data: BytesLike = b"",
        app_word: int = 0,
        by: Optional[Text] = None,
        access: Optional[Value] = None,
        refresh: Optional[Value] = None,
    ) -> Pair:
        """Makes a family and its first pair: an access value, which verifies, and a refresh value, which gets the next
        pair.

        `refresh_type` is one that was declared with `families`, which say how long the values live. `client` is what
        whoever refreshes must show, 1 to 255 bytes: the client's id, in the form that you always use; with
        `bind_access` whoever presents an access value must show it, too, as the query's `binding`. `projects` are
        those that access values reach. `name` is for people and need not be unique; `owner`, `app_data`, `app_word`
        and `by` are as of `create_token`. `access` and `refresh` are values of your own, such as a JWT, 16 to 8,192
        bytes, of types declared `external`; those that are None are made.

        Raises NotFound for a type that is not declared, ValueExists for a value that the store knows, LimitReached,
        InvalidArgument.
        """
        try:
            own = _OwnValues(access, refresh)
        finally:
            del access, refresh
        new, kept = new_pair_of(
            self._number(access_type),
            self._number(refresh_type),
            owner,
            client,
            name,
            projects,
            bind_access,
            app_data,
            app_word,
            by,
        )
        room = _Room()
        error = self._try(_ffi.lib.pair_issue, new, own.struct, room.struct)
        del kept
        if error is not None:
            raise error
        return room.taken()

    def refresh(
        self,
        value: Value,
        client: BytesLike,
        *,
        access: Optional[Value] = None,
        refresh: Optional[Value] = None,
        by: Optional[Text] = None,
    ) -> Pair:
        """Uses a refresh value for the next pair. `client` is what the family was made with.

        The pair's `outcome` is `ROTATED` for exactly one; within the grace every other refresh of the same value is
        `REPLAYED`, with the same pair, also after a crash: whoever lost the reply asks again. `access` and `refresh`
        are values of your own for the next pair, as of `issue_pair`.

        What is refused raises, all of them Refused: Reused for a value that is used later than the grace, or two
        generations back, and then its family is revoked; Malformed, Unknown, WrongType for what is no refresh value,
        Revoked, Expired, Disabled, WrongBinding for another client. Raises ValueExists and InvalidArgument, too.
        """
        try:
            own, hidden = _OwnValues(access, refresh), Secret(value)
        finally:
            del value, access, refresh
        room = _Room()
        error = self._refresh(hidden, client, own, by, room)
        if error is not None:
            raise error
        return room.taken()

    def try_refresh(
        self,
        value: Value,
        client: BytesLike,
        *,
        access: Optional[Value] = None,
        refresh: Optional[Value] = None,
        by: Optional[Text] = None,
    ) -> Refreshed:
        """As `refresh`, but what is refused is an answer without a pair: false in a condition, and `status` says why.

        Raises only for trouble, and for what is wrong with the other arguments.
        """
        try:
            own, hidden = _OwnValues(access, refresh), Secret(value)
        finally:
            del value, access, refresh
        room = _Room()
        error = self._refresh(hidden, client, own, by, room)
        if isinstance(error, Refused):
            return Refreshed(Status(error.status), None)
        if error is not None:
            raise error
        return Refreshed(Status.OK, room.taken())

    def _refresh(
        self, value: Secret, client: BytesLike, own: "_OwnValues", by: Optional[Text], room: "_Room"
    ) -> Optional[TokenstoreError]:
        shown, who = as_bytes("a client", client), as_text("by", by)
        call = _ffi.lib.pair_refresh
        return self._try(
            call, value._buffer, len(value), shown, len(shown), own.struct, who, len(who), room.struct
        )


class _OwnValues:
    """Values of the caller's for a pair, as C takes them. No repr shows one."""

    def __init__(self, access: Optional[Value], refresh: Optional[Value]) -> None:
        self.struct: Optional[_ffi.PairValues] = None
        self._keeper = Keeper()
        try:
            hidden = (_own(access), _own(refresh))
        finally:
            del access, refresh
        if hidden[0] is None and hidden[1] is None:
            return
        self.struct = _ffi.PairValues()
        if hidden[0] is not None:
            self.struct.access = self._keeper.hidden(hidden[0])
        if hidden[1] is not None:
            self.struct.refresh = self._keeper.hidden(hidden[1])


def _own(value: Optional[Value]) -> Optional[Secret]:
    try:
        hidden = None if value is None else Secret(value)
    finally:
        del value
    if hidden is not None and not 1 <= len(hidden) <= _LONGEST_VALUE:
        # To C an empty one is none, and for a longer one there is no room.
        raise InvalidArgument("a value of your own has 16 to 8,192 bytes; None is one that is made")
    return hidden


class _Room:
    """Where C puts a pair."""

    def __init__(self) -> None:
        self._buffers = [(ctypes.c_char * _LONGEST_VALUE)() for _ in range(2)]
        self.struct: Any = _ffi.Pair()
        self.struct.access, self.struct.refresh = map(ctypes.addressof, self._buffers)
        self.struct.access_capacity = self.struct.refresh_capacity = _LONGEST_VALUE

    def taken(self) -> Pair:
        """The pair. Its values are nowhere else afterwards."""
        made, (access, refresh) = self.struct, self._buffers
        return Pair(
            family=id_of(made.family),
            access=Issued(
                id_of(made.access_id), taken(access, 0, made.access_len), time_of(made.access_expires_ms)
            ),
            refresh=Issued(
                id_of(made.refresh_id), taken(refresh, 0, made.refresh_len), time_of(made.refresh_expires_ms)
            ),
            outcome=Outcome(made.outcome),
            revision=made.revision,
        )
