"""Types of tokens."""

import ctypes
from datetime import timedelta
from typing import List, Optional

from . import _ffi
from ._base import Base
from ._errors import NotFound
from ._input import as_number, as_text
from ._records import FamilyPolicy, TypeInfo, type_of
from ._structs import policy_of
from ._typing import AType, Text
from ._verdict import TypeId


class Types(Base):
    """The calls about types."""

    def declare(
        self,
        name: Text,
        prefix: Text,
        *,
        default_lifetime: Optional[timedelta] = None,
        max_lifetime: Optional[timedelta] = None,
        unique_names: bool = True,
        by_name_only: bool = False,
        external: bool = False,
        uses: Optional[int] = None,
        volatile: bool = False,
        families: Optional[FamilyPolicy] = None,
    ) -> TypeId:
        """Declares a type of tokens, or finds it if it is declared alike. It is on the disk when this returns.

        `name` has 1 to 255 bytes, `prefix` is what values begin with, before an underscore: 1 to 16 of a-z, 0-9 and
        _. `default_lifetime` is how long a token lives whose creation does not say (for ever), `max_lifetime` the
        longest, edits included (no limit). With `by_name_only` only a query that names the type accepts its tokens;
        with `external` they may be made from values of yours.

        With `uses` its tokens can be consumed that often, and are not verified. With `volatile` they live in memory
        alone: tickets of some seconds, which have `uses`, a `default_lifetime`, no name and no parent, are in no list
        and no event, and are unknown after a close or a crash; in a shared store they are on the disk, as all
        others. With `families` it is a type of refresh values.

        Raises TypeConflict if the name has another policy or the prefix is another type's, InvalidArgument,
        LimitReached.
        """
        policy, kept = policy_of(
            name,
            prefix,
            default_lifetime,
            max_lifetime,
            unique_names,
            by_name_only,
            external,
            uses,
            volatile,
            families,
        )
        number = ctypes.c_uint32()
        self._run(_ffi.lib.type_declare, policy, number)
        del kept
        return TypeId(number.value)

    def find_type(self, name: Text) -> Optional[TypeId]:
        """The type of this name, or None."""
        text, number = as_text("a name", name), ctypes.c_uint32()
        error = self._try(_ffi.lib.type_find, text, len(text), number)
        if isinstance(error, NotFound):
            return None
        if error is not None:
            raise error
        return TypeId(number.value)

    def type_info(self, type: AType) -> TypeInfo:
        """What was declared for a type. Raises NotFound."""
        number = self._number(type)
        read = self._read(_ffi.Policy(), _ffi.lib.type_get, before=(number,))
        return type_of(number, read)

    def types(self) -> List[TypeInfo]:
        """The declared types, in the order of their numbers."""
        found: List[TypeInfo] = []
        while True:
            try:
                found.append(self.type_info(len(found) + 1))
            except NotFound:
                return found

    def _number(self, type: AType) -> int:
        """A type's number, which may be given by its name."""
        if not isinstance(type, str):
            return as_number("a type", type, 0, 0xFFFF_FFFF)
        number = self.find_type(type)
        if number is None:
            raise NotFound(f"there is no type {type!r}")
        return number
