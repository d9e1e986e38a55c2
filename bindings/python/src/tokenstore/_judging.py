"""Judging values: the hot path."""

import ctypes
from typing import Any, Iterable, List, Optional, Union, overload

from . import _ffi
from ._batch import Chunk, chunks_of, place_of, verdicts_of
from ._errors import InvalidArgument, Status, StoreClosed, TokenstoreError, error_of, refused
from ._input import AnyType, BytesLike, as_number
from ._records import Consumed
from ._secret import Secret, Value, presented
from ._types import Types
from ._typing import AType
from ._verdict import Query, Verdict, Verdicts

# Found without looking into a module.
_verify = _ffi.verify_holding
_STALE = int(Status.STALE)
_TROUBLE = 100


class Judging(Types):
    """The calls that judge values."""

    def query(
        self,
        *,
        type: Union[AType, AnyType],
        project: Optional[BytesLike] = None,
        binding: Optional[BytesLike] = None,
        header: bool = False,
        no_wait: bool = False,
    ) -> Query:
        """What a verify asks for besides the value: see `Query`. A type may be given by its name. Raises NotFound."""
        number = type if isinstance(type, AnyType) else self._number(type)
        return Query(number, project=project, binding=binding, header=header, no_wait=no_wait)

    @overload
    def verify(self, value: Value, query: Query) -> Verdict: ...
    @overload
    def verify(
        self,
        value: Value,
        query: None = None,
        *,
        type: Union[AType, AnyType],
        project: Optional[BytesLike] = None,
        binding: Optional[BytesLike] = None,
        header: bool = False,
    ) -> Verdict: ...
    def verify(
        self,
        value: Value,
        query: Optional[Query] = None,
        *,
        type: Union[AType, AnyType, None] = None,
        project: Optional[BytesLike] = None,
        binding: Optional[BytesLike] = None,
        header: bool = False,
    ) -> Verdict:
        """Judges a value. It reads memory alone and waits for nobody, so that an event loop may call it; but in a
        shared store the first one after another process's change reads the change first: see `Query` for `no_wait`.

        The answer is true in a condition only if the value is accepted; `status` says why not. Either a query made
        before, or what it would be made of. Nothing is trimmed: every byte counts, unless the query asks for
        `header`.

        Raises only for trouble (StoreClosed, ForkedStore, InvalidArgument ...), which is no statement about the
        value: a service answers 503 to it, and not 401.
        """
        shown: Any = None
        try:
            if (
                query.__class__ is not Query
                or type is not None
                or project is not None
                or binding is not None
                or header
            ):
                query = self._query(query, type, project, binding, header)
            # A Secret that nobody else holds is overwritten when it is let go, so it is held until the answer is there.
            shown = value if value.__class__ is bytes else presented(value)
            if shown is None:
                raise TypeError(
                    f"a value is str, bytes or a Secret that was not wiped, not {value.__class__.__name__}"
                )
            verdict = Verdict()
            status = _verify(self._handle, shown, len(shown), query._quick, verdict)
            if status == _STALE and not query._no_wait:
                status = _ffi.lib.verify(self._handle, shown, len(shown), query._patient, verdict)
            if status >= _TROUBLE:
                raise self._trouble(status)
            return verdict
        finally:
            # A traceback may show what a frame holds.
            del value, shown

    def require(
        self,
        value: Value,
        query: Optional[Query] = None,
        *,
        type: Union[AType, AnyType, None] = None,
        project: Optional[BytesLike] = None,
        binding: Optional[BytesLike] = None,
        header: bool = False,
    ) -> Verdict:
        """As `verify`, but what is not accepted raises: Revoked, Expired, WrongType, NoGrant ..., all of them
        Refused.

        The exception's `verdict` is the whole answer.
        """
        try:
            query = self._query(query, type, project, binding, header)
            verdict = self.verify(value, query)
        finally:
            del value
        if verdict._allowed != 1:
            raise refused(verdict)
        return verdict

    def _query(
        self,
        query: Optional[Query],
        type: Union[AType, AnyType, None],
        project: Optional[BytesLike],
        binding: Optional[BytesLike],
        header: bool,
    ) -> Query:
        if query is None:
            if type is None:
                raise TypeError("a verify needs a query, or a type, which may be ANY")
            return self.query(type=type, project=project, binding=binding, header=header)
        if not isinstance(query, Query):
            raise TypeError(f"a query is made by Store.query; this is {query.__class__.__name__}")
        if type is not None or project is not None or binding is not None or header:
            raise TypeError("either a query, or what it is made of")
        return query

    def consume(
        self,
        value: Value,
        query: Optional[Query] = None,
        *,
        type: Union[AType, AnyType, None] = None,
        project: Optional[BytesLike] = None,
        binding: Optional[BytesLike] = None,
        header: bool = False,
    ) -> Consumed:
        """Spends a use of a value, if a verify would admit it. The answer is true in a condition only if it did.

        Exactly one consume wins each use; to the losers of the last one the status is `USED`. It is `NOT_COUNTED` for
        a token without a use count, and otherwise what a verify answers. A refusal spends nothing. The use is on the
        disk when this returns, unless the type is volatile and the store not shared. The arguments are those of
        `verify`.

        Raises only for trouble, with which there is no access; with CommitUnknown the use may be gone.
        """
        try:
            hidden = Secret(value)
        finally:
            del value
        query = self._query(query, type, project, binding, header)
        verdict, told = Verdict(), _ffi.Error()
        data, length, left = (
            (ctypes.c_char * _ffi.APP_DATA_BYTES)(),
            ctypes.c_size_t(),
            ctypes.c_uint32(),
        )
        status = _ffi.lib.consume(
            self._handle,
            hidden._buffer,
            len(hidden),
            query._patient,
            verdict,
            data,
            len(data),
            length,
            left,
            told,
        )
        if status >= _TROUBLE:
            raise self._error(status, told)
        if verdict._allowed != 1:
            return Consumed(verdict, None, None)
        return Consumed(verdict, data.raw[: length.value], left.value)

    def redeem(
        self,
        value: Value,
        query: Optional[Query] = None,
        *,
        type: Union[AType, AnyType, None] = None,
        project: Optional[BytesLike] = None,
        binding: Optional[BytesLike] = None,
        header: bool = False,
    ) -> Consumed:
        """As `consume`, but what is refused raises: Used, Expired, NotCounted ..., all of them Refused.

        The exception's `verdict` is the whole answer.
        """
        try:
            consumed = self.consume(
                value, query, type=type, project=project, binding=binding, header=header
            )
        finally:
            del value
        if not consumed:
            raise refused(consumed.verdict)
        return consumed

    def verify_many(self, values: Iterable[Value], query: Query) -> Verdicts:
        """Judges many values by one query, at a fraction of the time each; fastest if all are bytes, or all str, of
        one length.

        The answers are in the order of the values. Raises only for trouble, as `verify` does.
        """
        try:
            query = self._query(query, None, None, None, False)
            chunks: Optional[List[Chunk]] = chunks_of(values)
            if chunks is None:
                raise TypeError("a value is str, bytes or a Secret that was not wiped")
            verdicts = verdicts_of(Verdict, sum(chunk.places for chunk in chunks))()
            if not chunks and self.closed:
                raise StoreClosed("the store was closed")
            chunk: Optional[Chunk]
            asked = query._quick if query._no_wait else query._patient
            all_allowed = True
            for chunk in chunks:
                place = place_of(verdicts, chunk)
                status = _ffi.lib.verify_many(
                    self._handle, chunk.joined, chunk.stride, chunk.lens, chunk.places, asked, place
                )
                if status >= _TROUBLE:
                    raise self._trouble(status)
                all_allowed = all_allowed and status == 0
            return Verdicts(verdicts, all_allowed)
        finally:
            values = ()
            chunks = None
            chunk = None

    def owner(self, of: Union[Verdict, int]) -> Optional[bytes]:
        """The owner whom a verdict refers to; None if its last token was deleted since, or if the verdict is a parent
        process's. Reads memory alone."""
        reference = of._owner if isinstance(of, Verdict) else as_number("an owner", of)
        buffer, length, told = (ctypes.c_char * 255)(), ctypes.c_size_t(), _ffi.Error()
        status = _ffi.owner_holding(self._handle, reference, buffer, 255, length, told)
        if status and status != Status.NOT_FOUND:
            raise self._error(status, told)
        return None if status else buffer.raw[: length.value]

    def _trouble(self, status: int) -> TokenstoreError:
        """The error of a verify, to which C gives no text."""
        if not self._handle:
            return StoreClosed("the store was closed")
        if status == Status.INVALID_ARGUMENT:
            return InvalidArgument("a query's project has 1 to 64 bytes, its binding 1 to 255")
        return error_of(status, "")
