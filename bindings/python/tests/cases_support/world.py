"""What a scenario is played in: a store, a clock that stands until it is moved, and the names that the lines use."""

import os
import tempfile
import uuid
from datetime import datetime, timedelta, timezone
from types import TracebackType
from typing import Any, Dict, Optional, Type

import tokenstore

from . import Mistake

# What the clock shows at the start of a scenario. Every time in a scenario is in milliseconds after it.
START = datetime(2026, 1, 1, tzinfo=timezone.utc)


def time_at(ms: int) -> datetime:
    """A moment, from the milliseconds in a scenario."""
    try:
        return START + timedelta(milliseconds=ms)
    except OverflowError:
        raise Mistake(f"{ms} is beyond any calendar") from None


def ms_of(time: Optional[datetime], never: str = "never") -> str:
    """The reverse, and a word for None."""
    return never if time is None else str((time - START) // timedelta(milliseconds=1))


class Known:
    """A token that a line named."""

    def __init__(self, id: uuid.UUID, value: bytes) -> None:
        self.id = id
        self.value = value
        # Where the last verify said that its owner is.
        self.owner: Optional[int] = None


class World:
    """The world of one scenario."""

    def __init__(self) -> None:
        self.clock = tokenstore.ManualClock(START)
        # What is given when the store is made and opened.
        self.settings: Dict[str, Any] = {}
        self._store: Optional[tokenstore.Store] = None
        self._folder: Optional["tempfile.TemporaryDirectory[str]"] = None
        self._types: Dict[str, tokenstore.TypeId] = {}
        self._tokens: Dict[str, Known] = {}
        self._families: Dict[str, uuid.UUID] = {}
        self._turns = 0

    def __enter__(self) -> "World":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        if self._store is not None:
            self._store.close()
        if self._folder is not None:
            self._folder.cleanup()

    @property
    def has_store(self) -> bool:
        """Whether one was made."""
        return self._store is not None

    @property
    def has_file(self) -> bool:
        """Whether it is in a file."""
        return self._folder is not None

    @property
    def store(self) -> tokenstore.Store:
        """The store, which is one in memory unless a line said otherwise."""
        if self._store is None:
            self._store = tokenstore.Store.in_memory(**self.options())
        return self._store

    @store.setter
    def store(self, store: tokenstore.Store) -> None:
        self._store = store

    def options(self) -> Dict[str, Any]:
        """The options of the store."""
        return {"clock": self.clock, **self.settings}

    def path(self) -> str:
        """Where the store's file is, or would be: in memory, as nothing here is about what a disk keeps."""
        if self._folder is None:
            shared = "/dev/shm"
            self._folder = tempfile.TemporaryDirectory(dir=shared if os.path.isdir(shared) else None)
        return os.path.join(self._folder.name, "tokens.store")

    def declared(self, name: str, id: tokenstore.TypeId) -> None:
        """A name for a type."""
        self._types[name] = id

    def type_id(self, name: str) -> tokenstore.TypeId:
        """The type of this name, or `number:N` for a number that this store has not given to any."""
        if name in self._types:
            return self._types[name]
        head, _, number = name.partition(":")
        if head != "number" or not number.isdecimal():
            raise Mistake(f"no line declared the type `{name}`")
        return tokenstore.TypeId(number)

    def type_name(self, id: int) -> str:
        """The reverse."""
        return next((name for name, known in self._types.items() if known == id), f"number:{id}")

    def known(self, name: str) -> Known:
        """The token that a line named so."""
        if name not in self._tokens:
            raise Mistake(f"no line made a token `{name}`")
        return self._tokens[name]

    def must_be_free(self, *names: str) -> None:
        """No word stands for two things."""
        for name in names:
            if name in self._tokens or name in self._families:
                raise Mistake(f"there is a token or a family `{name}` already")

    def name_token(self, name: str, id: uuid.UUID, value: bytes) -> None:
        """A name for a token that was just made, or for another value of one, and that can be read."""
        self.must_be_free(name)
        if self.store.get(id).id != id:
            raise Mistake("a new token reads as another one")
        self._tokens[name] = Known(id, value)

    def name_family(self, name: str, id: uuid.UUID) -> None:
        """A name for a family that was just made."""
        self.must_be_free(name)
        self._families[name] = id

    def id_of(self, word: str) -> uuid.UUID:
        """`TOKEN` or `FAMILY`, or `id:UUID` for any id."""
        if word.startswith("id:"):
            return uuid.UUID(word[3:])
        return self._families[word] if word in self._families else self.known(word).id

    def name_of(self, id: Optional[uuid.UUID]) -> str:
        """The first name of a token or a family with this id; `?` if it has none."""
        named = next((name for name, known in self._tokens.items() if known.id == id), None)
        return named or next((name for name, known in self._families.items() if known == id), "?")

    def other_verb(self) -> bool:
        """Of two verbs that do the same, and that cannot both be called, each has its turn."""
        self._turns += 1
        return self._turns % 2 == 0
