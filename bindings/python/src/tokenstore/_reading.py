"""Reading what the store has."""

import ctypes
from datetime import datetime
from typing import Iterable, Iterator, List, Optional

from . import _ffi
from ._errors import End, InvalidArgument, NotFound, RevisionConflict, TokenstoreError
from ._handle import Handle
from ._input import BytesLike, as_bytes, as_number
from ._records import Event, Page, Stats, Token, event_of, stats_of, token_of
from ._structs import PAGE, filter_of, id_bytes, target_of
from ._types import Types
from ._typing import AnId, AType, Text


def _close_list(address: int) -> Optional[TokenstoreError]:
    _ffi.lib.list_close(address)
    return None


class Reading(Types):
    """The calls that read."""

    def get(
        self, id: AnId, *, if_owner: Optional[BytesLike] = None, if_revision: Optional[int] = None
    ) -> Token:
        """A token as it is now. Raises NotFound, also for another owner than `if_owner`; RevisionConflict."""
        # Only to refuse what every other call refuses.
        target_of(id, if_owner, if_revision, None, None)
        if if_owner is not None and not 1 <= len(as_bytes("an owner", if_owner)) <= 255:
            raise InvalidArgument("an owner has 1 to 255 bytes")
        token = token_of(self._read(_ffi.Token(), _ffi.lib.token_get, before=(id_bytes(id),)))
        if if_owner is not None and token.owner != as_bytes("an owner", if_owner):
            raise NotFound("no such token")
        if if_revision is not None and token.revision != if_revision:
            raise RevisionConflict("the token's revision is not the expected one")
        return token

    def list(
        self,
        *,
        owner: Optional[BytesLike] = None,
        type: Optional[AType] = None,
        states: Optional[Iterable[int]] = None,
        dead: bool = False,
        name_prefix: Optional[Text] = None,
        project: Optional[BytesLike] = None,
        expires_before: Optional[datetime] = None,
        unused_since: Optional[datetime] = None,
        after: Optional[AnId] = None,
        page_size: Optional[int] = None,
    ) -> Iterator[Token]:
        """The tokens, ascending by id, read as they are asked for: each is what it is when its page is read.

        Only live ones, unless `dead` or `states` (of `State`) say otherwise. `project` is those that reach it,
        `expires_before` and `unused_since` are times; one that was never used counts from its creation. `after` is
        the id to go on behind. `page_size` is how many are read from the file at a time, 1 to 1,000: more are
        faster, fewer are newer (1,000). What is asked for is checked at once. It holds nothing of the store while it
        stands still.
        """
        number = None if type is None else self._number(type)
        filter, kept = filter_of(
            owner, number, states, dead, name_prefix, project, expires_before, unused_since, after, page_size
        )
        address = ctypes.c_void_p()
        self._run(_ffi.lib.list_open, filter, address)
        del kept
        return self._listed(Handle(address.value or 0, _close_list))

    def _listed(self, listing: Handle) -> Iterator[Token]:
        while True:
            try:
                token = token_of(self._read(_ffi.Token(), _ffi.lib.list_next, listing=listing))
            except End:
                return
            yield token

    def list_page(
        self,
        *,
        limit: int = PAGE,
        owner: Optional[BytesLike] = None,
        type: Optional[AType] = None,
        states: Optional[Iterable[int]] = None,
        dead: bool = False,
        name_prefix: Optional[Text] = None,
        project: Optional[BytesLike] = None,
        expires_before: Optional[datetime] = None,
        unused_since: Optional[datetime] = None,
        after: Optional[AnId] = None,
    ) -> Page:
        """As `list`, at most `limit` (1 to 1,000) at a time, and the id to give as `after` for the next page."""
        as_number("a limit", limit, 1, PAGE)
        tokens: List[Token] = []
        for token in self.list(
            owner=owner,
            type=type,
            states=states,
            dead=dead,
            name_prefix=name_prefix,
            project=project,
            expires_before=expires_before,
            unused_since=unused_since,
            after=after,
            # One more tells whether there are more.
            page_size=min(limit + 1, PAGE),
        ):
            if len(tokens) == limit:
                return Page(tokens, tokens[-1].id)
            tokens.append(token)
        return Page(tokens, None)

    def events(self, *, after: int = 0) -> Iterator[Event]:
        """What happened, from the event behind the one numbered `after` on, read as it is asked for.

        It ends with the newest. A gap in front of the first shows that the log has dropped events.
        """
        self._usable()
        return self._happened(as_number("after", after))

    def _happened(self, after: int) -> Iterator[Event]:
        while True:
            try:
                event = event_of(self._read(_ffi.Event(), _ffi.lib.event_next, before=(after,)))
            except End:
                return
            yield event
            after = event.sequence

    def events_page(self, *, after: int = 0, limit: int = PAGE) -> List[Event]:
        """As `events`, at most `limit` (1 to 1,000)."""
        as_number("a limit", limit, 1, PAGE)
        found: List[Event] = []
        for event in self.events(after=after):
            found.append(event)
            if len(found) == limit:
                break
        return found

    def stats(self) -> Stats:
        """Figures of the store."""
        read = _ffi.Stats()
        self._run(_ffi.lib.get_stats, read)
        return stats_of(read)

    def _usable(self) -> None:
        self._run(_ffi.lib.get_stats, _ffi.Stats())
