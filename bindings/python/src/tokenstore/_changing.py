"""Changing and ending tokens."""

import ctypes
from datetime import datetime, timedelta
from typing import Any, Callable, Iterable, Optional, Union

from . import _ffi
from ._errors import NotFound
from ._input import (
    All,
    BytesLike,
    Keep,
    Never,
    as_bytes,
    as_duration_ms,
    as_number,
    as_text,
    as_time_ms,
)
from ._records import Change, Created, id_of
from ._secret import Secret, Value, taken
from ._structs import edit_of, target_of
from ._types import Types
from ._typing import AnId, AType, Text


class Changing(Types):
    """The calls that change tokens. All are on the disk when they return."""

    def edit(
        self,
        id: AnId,
        *,
        name: Union[Text, None, Keep] = Keep.KEEP,
        expires: Union[datetime, Never, None] = None,
        lifetime: Optional[timedelta] = None,
        projects: Union[Iterable[BytesLike], All, None] = None,
        app_data: Optional[BytesLike] = None,
        app_word: Optional[int] = None,
        if_owner: Optional[BytesLike] = None,
        if_revision: Optional[int] = None,
        by: Optional[Text] = None,
        reason: Optional[Text] = None,
    ) -> Change:
        """Changes several things of a token in one step: no verify sees one without the others. On the disk when it
        returns.

        What is not given stays. `name` None takes the name away; `projects` replace all that there are. With
        `if_owner` the token must be that owner's, or it raises NotFound; with `if_revision` it must have that
        revision, or it raises RevisionConflict. `by` and `reason` are for the events, at most 255 bytes each.

        Raises NotFound, Revoked, Used, Expired, RevisionConflict, NameTaken, InvalidArgument, LimitReached, in this
        order but for what is out of range at first sight.
        """
        target, kept = target_of(id, if_owner, if_revision, by, reason)
        edit = edit_of(name, expires, lifetime, projects, app_data, app_word, kept)
        return self._change(kept, _ffi.lib.token_edit, target, edit)

    def grant(
        self,
        id: AnId,
        project: BytesLike,
        *,
        if_owner: Optional[BytesLike] = None,
        if_revision: Optional[int] = None,
        by: Optional[Text] = None,
        reason: Optional[Text] = None,
    ) -> Change:
        """Grants a project of 1 to 64 bytes. No change if the token reaches it already. LimitReached at 1,000."""
        target, kept = target_of(id, if_owner, if_revision, by, reason)
        data = as_bytes("a project", project)
        return self._change(kept, _ffi.lib.token_grant, target, data, len(data))

    def ungrant(
        self,
        id: AnId,
        project: BytesLike,
        *,
        if_owner: Optional[BytesLike] = None,
        if_revision: Optional[int] = None,
        by: Optional[Text] = None,
        reason: Optional[Text] = None,
    ) -> Change:
        """Takes a project away. No change if the token does not reach it. GrantIsAll if it is granted all."""
        target, kept = target_of(id, if_owner, if_revision, by, reason)
        data = as_bytes("a project", project)
        return self._change(kept, _ffi.lib.token_ungrant, target, data, len(data))

    def grant_all(
        self,
        id: AnId,
        *,
        if_owner: Optional[BytesLike] = None,
        if_revision: Optional[int] = None,
        by: Optional[Text] = None,
        reason: Optional[Text] = None,
    ) -> Change:
        """Grants all projects, those to come included, in place of the ones granted one by one."""
        target, kept = target_of(id, if_owner, if_revision, by, reason)
        return self._change(kept, _ffi.lib.token_grant_all, target)

    def revoke_grants(
        self,
        id: AnId,
        *,
        if_owner: Optional[BytesLike] = None,
        if_revision: Optional[int] = None,
        by: Optional[Text] = None,
        reason: Optional[Text] = None,
    ) -> Change:
        """Takes all projects away. The token stays, and reaches nothing until it is granted something again."""
        target, kept = target_of(id, if_owner, if_revision, by, reason)
        return self._change(kept, _ffi.lib.token_revoke_grants, target)

    def disable(
        self,
        id: AnId,
        *,
        if_owner: Optional[BytesLike] = None,
        if_revision: Optional[int] = None,
        by: Optional[Text] = None,
        reason: Optional[Text] = None,
    ) -> Change:
        """Switches a token off, until it is enabled. It keeps its name."""
        target, kept = target_of(id, if_owner, if_revision, by, reason)
        return self._change(kept, _ffi.lib.token_disable, target)

    def enable(
        self,
        id: AnId,
        *,
        if_owner: Optional[BytesLike] = None,
        if_revision: Optional[int] = None,
        by: Optional[Text] = None,
        reason: Optional[Text] = None,
    ) -> Change:
        """Switches a token on again."""
        target, kept = target_of(id, if_owner, if_revision, by, reason)
        return self._change(kept, _ffi.lib.token_enable, target)

    def revoke(
        self,
        id: AnId,
        *,
        if_owner: Optional[BytesLike] = None,
        if_revision: Optional[int] = None,
        by: Optional[Text] = None,
        reason: Optional[Text] = None,
    ) -> Change:
        """Revokes a token for good. On the disk when it returns, and no verify that begins afterwards accepts it.

        That holds whatever it raises but NotFound, RevisionConflict, StoreBusy and InvalidArgument. A second one
        changes nothing: the first time and reason stay.
        """
        target, kept = target_of(id, if_owner, if_revision, by, reason)
        return self._change(kept, _ffi.lib.token_revoke, target)

    def delete(
        self,
        id: AnId,
        *,
        if_owner: Optional[BytesLike] = None,
        if_revision: Optional[int] = None,
        by: Optional[Text] = None,
        reason: Optional[Text] = None,
    ) -> Change:
        """Deletes a token: nothing of it stays but its events, and its value is unknown from then on."""
        target, kept = target_of(id, if_owner, if_revision, by, reason)
        return self._change(kept, _ffi.lib.token_delete, target)

    def rotate(
        self,
        id: AnId,
        grace: timedelta,
        *,
        if_owner: Optional[BytesLike] = None,
        if_revision: Optional[int] = None,
        by: Optional[Text] = None,
        reason: Optional[Text] = None,
    ) -> Created:
        """Gives a token another value; `value` of the answer is the only place where it is.

        Id, name, grants and owner stay, `app_data` is cleared. The value before works for `grace` more, which may be
        `timedelta(0)`, up to its expiry, with `old_value` in the verdict; then it is `SUPERSEDED`. One value before is
        remembered: rotating again ends it at once. Raises InvalidArgument for refresh values and tokens with a use
        count, and what `edit` raises.
        """
        target, kept = target_of(id, if_owner, if_revision, by, reason)
        ms = as_duration_ms("a grace", grace, 0)
        buffer, length, made = (ctypes.c_char * _ffi.VALUE_BYTES)(), ctypes.c_size_t(), _ffi.Created()
        error = self._try(_ffi.lib.token_rotate, target, ms, buffer, len(buffer), length, made)
        del kept
        if error is not None:
            raise error
        return Created(id_of(made.id), taken(buffer, 0, length.value), made.revision)

    def revoke_value(
        self,
        value: Value,
        *,
        by: Optional[Text] = None,
        reason: Optional[Text] = None,
    ) -> Change:
        """Revokes the token with this value. A value that nobody has is a success that changes nothing (RFC 7009)."""
        try:
            hidden = Secret(value)
        finally:
            del value
        who, why = as_text("by", by), as_text("a reason", reason)
        return self._change(
            None, _ffi.lib.value_revoke, hidden._buffer, len(hidden), who, len(who), why, len(why)
        )

    def revoke_family(
        self,
        id: AnId,
        *,
        if_owner: Optional[BytesLike] = None,
        if_revision: Optional[int] = None,
        by: Optional[Text] = None,
        reason: Optional[Text] = None,
    ) -> Change:
        """Revokes a family, whatever its size; `id` is the family's. When this returned, nothing of it verifies or
        refreshes. Raises NotFound."""
        target, kept = target_of(id, if_owner, if_revision, by, reason)
        return self._change(kept, _ffi.lib.family_revoke, target)

    def revoke_owner(
        self,
        owner: BytesLike,
        type: Optional[AType] = None,
        *,
        by: Optional[Text] = None,
        reason: Optional[Text] = None,
    ) -> Change:
        """Revokes all that an owner has so far, or all of a type: tokens, and families that hold or issue that type.

        However much that is, it takes one change; what is made afterwards is good. Raises NotFound if the type is not
        declared.
        """
        number = 0 if type is None else self._number(type)
        if type is not None and number == 0:
            # To C zero is all types.
            raise NotFound("there is no type 0")
        whose, who, why = as_bytes("an owner", owner), as_text("by", by), as_text("a reason", reason)
        call = _ffi.lib.owner_revoke
        return self._change(None, call, whose, len(whose), number, who, len(who), why, len(why))

    def prune(self, dead_before: datetime, at_most: int) -> int:
        """Takes out tokens that are dead since before a time, at most `at_most`, which is 1 or more; how many it took.

        Nothing that it takes out turns a refusal into access. Used refresh values stay while their family lives, and
        parents that are not revoked while anything hangs on them.
        """
        before, most = as_time_ms("dead_before", dead_before), as_number("at_most", at_most, 1)
        removed = ctypes.c_uint64()
        self._run(_ffi.lib.prune, before, most, removed)
        return removed.value

    def remove_project(
        self,
        project: BytesLike,
        *,
        by: Optional[Text] = None,
        reason: Optional[Text] = None,
    ) -> int:
        """Takes a project from every live token that was granted it by name; from how many.

        So a project that comes to have the same id is granted to nobody. It goes in steps, each on the disk; if one
        fails, calling again goes on.
        """
        data, who, why = as_bytes("a project", project), as_text("by", by), as_text("a reason", reason)
        removed = ctypes.c_uint64()
        self._run(_ffi.lib.project_remove, data, len(data), who, len(who), why, len(why), removed)
        return removed.value

    def _change(self, kept: Any, call: Callable[..., int], *arguments: Any) -> Change:
        change = _ffi.Change()
        error = self._try(call, *arguments, change)
        del kept
        if error is not None:
            raise error
        return Change(bool(change.changed), change.revision)
