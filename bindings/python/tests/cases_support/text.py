"""How bytes are written in a scenario: repetition, then percent-encoding."""

import re
import zlib
from typing import Iterable, Optional

from . import Mistake

# Words with a meaning of their own; a text that reads like one has its first byte encoded.
_SPECIAL = (b"none", b"all", b"never", b"any", b"yes", b"no")
_PLAIN = re.compile(rb"[A-Za-z0-9._~:/@+-]")
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def expand(word: str) -> str:
    """Writes out every `{TEXT*COUNT}`: TEXT, COUNT times, with `$` in it as the number of the turn, from 1 on."""
    out, rest = "", word
    while "{" in rest:
        before, _, after = rest.partition("{")
        inside, closed, rest = after.partition("}")
        if not closed:
            raise Mistake(f"`{word}` has a {{ without a }}")
        out += before
        text, star, count = inside.rpartition("*")
        if star:
            if not count.isdecimal():
                raise Mistake(f"`{count}` is no count in `{word}`")
            out += "".join(text.replace("$", str(turn)) for turn in range(1, int(count) + 1))
        elif inside:
            raise Mistake(f"`{{{inside}}}` has no count")
        else:
            # The place of the value in a header.
            out += "{}"
    return out + rest


def decode(text: str) -> bytes:
    """The bytes of a text in which `%XX` stands for the byte with that number."""
    first, *parts = text.split("%")
    out = first.encode()
    for part in parts:
        if not re.match("[0-9A-Fa-f]{2}", part):
            raise Mistake(f"`{text}` has a % without two hexadecimal digits")
        out += bytes.fromhex(part[:2]) + part[2:].encode()
    return out


def encode(data: bytes) -> str:
    """The one way in which an answer writes these bytes."""
    out = ""
    for place in range(len(data)):
        byte = data[place : place + 1]
        hidden = data in _SPECIAL and place == 0
        out += byte.decode() if _PLAIN.match(byte) and not hidden else f"%{byte[0]:02X}"
    return out


def in_list(items: Iterable[str]) -> str:
    """A list with commas, or `none`."""
    return ",".join(items) or "none"


def native_prefix(value: bytes) -> Optional[bytes]:
    """What a value says of itself by its text alone: its prefix, if it is `<prefix>_<30 base62><6 check
    characters>`.

    Written anew from the documents, so that it shares no mistake with the library.
    """
    found = re.fullmatch(rb"(.*)_[0-9A-Za-z]{30}([0-9A-Za-z]{6})", value, re.DOTALL)
    if not found:
        return None
    check = 0
    for letter in found[2].decode():
        check = check * 62 + _BASE62.index(letter)
    return found[1] if check == zlib.crc32(value[:-6]) else None
