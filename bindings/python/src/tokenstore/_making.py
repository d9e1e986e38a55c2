"""Making tokens."""

import ctypes
from datetime import datetime, timedelta
from typing import Any, Callable, Iterable, List, Optional, Union

from . import _ffi
from ._errors import InvalidArgument, NotFound, Status, TokenstoreError, error_of
from ._input import All, BytesLike, Keeper, Never
from ._records import Created, Existing, NewToken, Registered, id_of
from ._secret import Secret, Value, taken
from ._structs import new_token_of
from ._types import Types
from ._typing import AnId, AType, Text


class Making(Types):
    """The calls that make tokens."""

    def create_token(
        self,
        type: AType,
        owner: BytesLike,
        name: Optional[Text] = None,
        *,
        expires: Union[datetime, Never, None] = None,
        lifetime: Optional[timedelta] = None,
        projects: Union[Iterable[BytesLike], All] = (),
        binding: Optional[BytesLike] = None,
        app_data: BytesLike = b"",
        app_word: int = 0,
        by: Optional[Text] = None,
        parent: Optional[AnId] = None,
    ) -> Created:
        """Makes a token. It is on the disk when this returns; `value` of the answer is the only place where its
        value is.

        `owner` has 1 to 255 bytes; `name` 1 to 255 bytes of UTF-8, no other live token of the owner may have it.
        `expires` is a time or `NEVER`, `lifetime` a duration from now; without both the type's default holds.
        `projects` are those that it reaches, each 1 to 64 bytes, at most 1,000, or `ALL`. `binding` is what a
        presenter must also show, 1 to 255 bytes. `app_data` is up to 4,096 bytes and `app_word` a number below
        2**64 of your own. `by` is who makes it, for the events. `parent` is the token it hangs on: it expires no
        later, and dies when that one is revoked or deleted; at most four below the first.

        Raises NameTaken, NotFound for a type that is not declared or a parent that is not there, LimitReached,
        InvalidArgument, and Revoked, Used or Expired for a parent that is.
        """
        new = NewToken(
            type, owner, name, expires, lifetime, projects, binding, app_data, app_word, by, parent
        )
        made, buffer, length = self._create(_ffi.lib.token_create, new)
        return Created(id_of(made.id), taken(buffer, 0, length), made.revision)

    def create_if_absent(
        self,
        type: AType,
        owner: BytesLike,
        name: Optional[Text],
        *,
        expires: Union[datetime, Never, None] = None,
        lifetime: Optional[timedelta] = None,
        projects: Union[Iterable[BytesLike], All] = (),
        binding: Optional[BytesLike] = None,
        app_data: BytesLike = b"",
        app_word: int = 0,
        by: Optional[Text] = None,
        parent: Optional[AnId] = None,
    ) -> Union[Created, Existing]:
        """Makes a token unless a live one of its type and owner has its name: then `Existing`, without a value.

        The arguments are those of `create_token`; it needs a name, and its type unique ones. Raises NameTaken if a
        token of another type holds the name, and what `create_token` raises.
        """
        new = NewToken(
            type, owner, name, expires, lifetime, projects, binding, app_data, app_word, by, parent
        )
        made, buffer, length = self._create(_ffi.lib.token_create_if_absent, new)
        if made.outcome == _ffi.EXISTING:
            return Existing(id_of(made.id))
        return Created(id_of(made.id), taken(buffer, 0, length), made.revision)

    def _create(self, call: Callable[..., int], new: NewToken) -> Any:
        struct, keeper = _ffi.NewToken(), Keeper()
        new_token_of(new, self._number(new.type), struct, keeper)
        buffer, length, made = (ctypes.c_char * _ffi.VALUE_BYTES)(), ctypes.c_size_t(), _ffi.Created()
        self._run(call, struct, buffer, len(buffer), length, made)
        del keeper
        return made, buffer, length.value

    def create_from_value(
        self,
        value: Value,
        type: AType,
        owner: BytesLike,
        name: Optional[Text] = None,
        *,
        expires: Union[datetime, Never, None] = None,
        lifetime: Optional[timedelta] = None,
        projects: Union[Iterable[BytesLike], All] = (),
        binding: Optional[BytesLike] = None,
        app_data: BytesLike = b"",
        app_word: int = 0,
        by: Optional[Text] = None,
        parent: Optional[AnId] = None,
    ) -> Registered:
        """Makes a token whose value was made elsewhere: 16 to 8,192 bytes that nobody can guess.

        The type must be declared `external`; the other arguments are those of `create_token`. Raises ValueExists if
        the store knows the value, and what `create_token` raises.
        """
        try:
            hidden = Secret(value)
        finally:
            del value
        new = NewToken(
            type, owner, name, expires, lifetime, projects, binding, app_data, app_word, by, parent
        )
        struct, keeper, made = _ffi.NewToken(), Keeper(), _ffi.Created()
        new_token_of(new, self._number(type), struct, keeper)
        self._run(_ffi.lib.token_create_from_value, struct, hidden._buffer, len(hidden), made)
        del keeper
        return Registered(id_of(made.id), made.revision)

    def create_many(self, tokens: Iterable[NewToken]) -> List[Union[Created, TokenstoreError]]:
        """Makes many tokens with few commits, all on the disk when this returns.

        Each is made or refused by itself: the answer has, in the same order, what was made, or the exception that
        `create_token` would have raised. It is raised only if nothing could be made of any.
        """
        answers: List[Union[Created, TokenstoreError, None]] = []
        structs: List[_ffi.NewToken] = []
        places: List[int] = []
        keeper = Keeper()
        for new in tokens:
            struct = _ffi.NewToken()
            try:
                new_token_of(new, self._number(new.type), struct, keeper)
            except (InvalidArgument, NotFound) as error:
                answers.append(error)
                continue
            places.append(len(answers))
            structs.append(struct)
            answers.append(None)
        count = len(structs)
        array = (_ffi.NewToken * count)(*structs)
        buffer = (ctypes.c_char * (_ffi.VALUE_BYTES * count))()
        lengths, made, statuses = (
            (ctypes.c_size_t * count)(),
            (_ffi.Created * count)(),
            (ctypes.c_int32 * count)(),
        )
        if count or self.closed:
            problem = self._try(_ffi.lib.token_create_many, array, count, buffer, lengths, made, statuses)
            if problem is not None and problem.status != Status.SOME_REFUSED:
                raise problem
            # What is wrong with the store and not with a token is said once.
            if len(set(statuses)) == 1 and statuses[0] > Status.INVALID_ARGUMENT:
                raise error_of(statuses[0], "")
        del keeper
        for n, place in enumerate(places):
            if statuses[n]:
                answers[place] = error_of(statuses[n], "")
            else:
                value = taken(buffer, n * _ffi.VALUE_BYTES, lengths[n])
                answers[place] = Created(id_of(made[n].id), value, made[n].revision)
        return [answer for answer in answers if answer is not None]
