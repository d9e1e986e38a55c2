"""The arguments of a line. Whatever is not taken is a mistake, so that a misspelt key fails."""

import re
import uuid
from datetime import timedelta
from typing import Any, Dict, List, Optional, Tuple

import tokenstore

from . import Mistake
from .text import decode, expand
from .world import World, time_at


class Args:
    """What follows an operation's name."""

    def __init__(self, words: List[str]) -> None:
        self._plain: List[str] = []
        self._named: Dict[str, str] = {}
        for word in map(expand, words):
            key, equals, value = word.partition("=")
            if not equals:
                self._plain.append(word)
            elif key in self._named:
                raise Mistake(f"`{key}` is given twice")
            else:
                self._named[key] = value

    def next(self, what: str) -> str:
        """The next word without a key."""
        if not self._plain:
            raise Mistake(f"{what} is missing")
        return self._plain.pop(0)

    def next_if_any(self) -> Optional[str]:
        """The next word without a key, if there is one."""
        return self._plain.pop(0) if self._plain else None

    def word(self, key: str) -> Optional[str]:
        """The value of a key as it is written."""
        return self._named.pop(key, None)

    def required(self, key: str) -> str:
        """The value of a key that must stand."""
        word = self.word(key)
        if word is None:
            raise Mistake(f"`{key}=` is missing")
        return word

    def bytes(self, key: str) -> Optional[bytes]:
        """Bytes."""
        word = self.word(key)
        return None if word is None else decode(word)

    def text(self, key: str) -> Optional[str]:
        """Text of UTF-8."""
        word = self.word(key)
        return None if word is None else utf8(word)

    def number(self, key: str) -> Optional[int]:
        """A number."""
        word = self.word(key)
        return None if word is None else number(word)

    def flag(self, key: str) -> Optional[bool]:
        """Yes or no."""
        word = self.word(key)
        if word not in ("yes", "no", None):
            raise Mistake(f"`{key}` is yes or no, not `{word}`")
        return None if word is None else word == "yes"

    def duration(self, key: str) -> Optional[timedelta]:
        """Milliseconds. OverflowError beyond any duration of Python's."""
        ms = self.number(key)
        return None if ms is None else timedelta(milliseconds=ms)

    def expiry(self) -> Dict[str, Any]:
        """`expires=` a moment or `never`, or `lifetime=` from now."""
        word, lifetime = self.word("expires"), self.duration("lifetime")
        if word is not None and lifetime is not None:
            raise Mistake("either `expires` or `lifetime`")
        if word is None:
            return {} if lifetime is None else {"lifetime": lifetime}
        return {"expires": tokenstore.NEVER if word == "never" else time_at(number(word))}

    def grants(self) -> Dict[str, Any]:
        """`projects=all`, `projects=none`, or a list."""
        word = self.word("projects")
        if word is None:
            return {}
        if word == "all":
            return {"projects": tokenstore.ALL}
        return {"projects": [] if word == "none" else [decode(project) for project in word.split(",")]}

    def given(self, **values: Any) -> Dict[str, Any]:
        """Those that were given."""
        return {name: value for name, value in values.items() if value is not None}

    def finish(self) -> None:
        """Every word and every key must have been taken."""
        left = self._plain + list(self._named)
        if left:
            raise Mistake(f"this operation knows no `{'`, `'.join(left)}`")


def number(word: str) -> int:
    """A number, which may be negative."""
    if not re.fullmatch(r"-?[0-9]+", word):
        raise Mistake(f"`{word}` is no number that fits")
    return int(word)


def utf8(word: str) -> str:
    """Text out of percent-encoded UTF-8."""
    try:
        return decode(word).decode()
    except UnicodeDecodeError:
        raise Mistake(f"`{word}` is no UTF-8") from None


def name_in(args: Args) -> Optional[str]:
    """`name=none` is no name."""
    word = args.word("name")
    return None if word in (None, "none") else utf8(str(word))


def target(world: World, args: Args) -> Tuple[uuid.UUID, Dict[str, Any]]:
    """`TOKEN [if_owner=] [if_revision=] [by=] [reason=]`."""
    id = world.id_of(args.next("a token"))
    return id, args.given(
        if_owner=args.bytes("if_owner"),
        if_revision=args.number("if_revision"),
        by=args.text("by"),
        reason=args.text("reason"),
    )
