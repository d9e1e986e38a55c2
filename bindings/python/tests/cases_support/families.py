"""Families: what is declared of them, pairs issued and refreshed, and the end of the line."""

from datetime import timedelta
from typing import Any, Dict, List, Optional

import tokenstore

from . import Mistake
from .answer import Answer
from .args import Args, name_in, number, target
from .judging import presented_in
from .world import World, ms_of

_OLD_ACCESS = {
    "now": tokenstore.OldAccess.ENDS_NOW,
    "grace": tokenstore.OldAccess.ENDS_WITH_GRACE,
    "on": tokenstore.OldAccess.LIVES_ON,
}


def policy(args: Args) -> Optional[tokenstore.FamilyPolicy]:
    """`access= refresh= family= [grace=MS|none] [old_access=now|grace|on]`, of a type of refresh values."""
    access, refresh, family = (args.duration(key) for key in ("access", "refresh", "family"))
    grace, old = args.word("grace"), args.word("old_access")
    if (access, refresh, family, grace, old) == (None,) * 5:
        return None
    if access is None or refresh is None or family is None:
        raise Mistake("`access`, `refresh` and `family` stand together")
    if grace == "0":
        raise Mistake("no grace is `grace=none`")
    if old is not None and old not in _OLD_ACCESS:
        raise Mistake(f"`old_access` is now, grace or on, not `{old}`")
    more: Dict[str, Any] = {}
    if grace is not None:
        more["grace"] = timedelta(milliseconds=0 if grace == "none" else number(grace))
    if old is not None:
        more["old_access"] = _OLD_ACCESS[old]
    return tokenstore.FamilyPolicy(access, refresh, family, **more)


def _own_values(world: World, args: Args) -> Dict[str, bytes]:
    """`[access_value=|access_value_of=] [refresh_value=|refresh_value_of=]`."""
    found = {}
    for key in ("access", "refresh"):
        value, of = args.bytes(f"{key}_value"), args.word(f"{key}_value_of")
        if value is not None and of is not None:
            raise Mistake(f"either `{key}_value` or `{key}_value_of`")
        if of is not None:
            value = world.known(of).value
        if value is not None:
            found[key] = value
    return found


def issue_pair(world: World, args: Args) -> Answer:
    family, access, refresh = (
        args.next("a name for the family"),
        args.required("access"),
        args.required("refresh"),
    )
    access_type = world.type_id(args.required("access_type"))
    refresh_type = world.type_id(args.required("refresh_type"))
    owner, client = args.bytes("owner"), args.bytes("client")
    if owner is None or client is None:
        raise Mistake("`owner=` or `client=` is missing")
    more: Dict[str, Any] = {
        **args.grants(),
        **args.given(
            name=name_in(args),
            bind_access=args.flag("bind_access"),
            app_data=args.bytes("data"),
            app_word=args.number("word"),
            by=args.text("by"),
        ),
        **_own_values(world, args),
    }
    args.finish()
    world.must_be_free(family, access, refresh)
    pair = world.store.issue_pair(access_type, refresh_type, owner, client, **more)
    if pair.outcome is not tokenstore.Outcome.ISSUED:
        raise Mistake(f"a family's first pair is {pair.outcome!r}")
    world.name_family(family, pair.family)
    _name_members(world, pair, [access, refresh])
    return _pair(world, "CREATED", pair)


def refresh(world: World, args: Args) -> Answer:
    presented, client = presented_in(world, args), args.bytes("client")
    if client is None:
        raise Mistake("`client=` is missing")
    names = [name for name in (args.word("access"), args.word("refresh")) if name is not None]
    if len(names) == 1:
        raise Mistake("`access` and `refresh` stand together")
    more: Dict[str, Any] = {**_own_values(world, args), **args.given(by=args.text("by"))}
    args.finish()
    world.must_be_free(*names)
    if world.other_verb():
        refreshed = world.store.try_refresh(presented.value, client, **more)
        if bool(refreshed) != (refreshed.status == tokenstore.Status.OK):
            raise Mistake(f"{refreshed.status!r} with {refreshed.pair}")
        if refreshed.pair is None:
            return Answer(tokenstore.Status(refreshed.status).name)
        pair = refreshed.pair
    else:
        pair = world.store.refresh(presented.value, client, **more)
    if pair.outcome is tokenstore.Outcome.ROTATED:
        if not names:
            raise Mistake("a pair was made, and the line has no names for it")
        _name_members(world, pair, names)
    elif pair.outcome is tokenstore.Outcome.REPLAYED:
        _check_same(world, pair)
    else:
        raise Mistake(f"a refresh is no {pair.outcome!r}")
    return _pair(world, pair.outcome.name, pair)


def _name_members(world: World, pair: tokenstore.Pair, names: List[str]) -> None:
    for name, issued in zip(names, (pair.access, pair.refresh)):
        world.name_token(name, issued.id, issued.value.reveal().encode())


def _check_same(world: World, pair: tokenstore.Pair) -> None:
    """What is handed out again is what the lines named."""
    for issued in (pair.access, pair.refresh):
        name = world.name_of(issued.id)
        if world.known(name).value != issued.value.reveal().encode():
            raise Mistake(f"another value than the one that {name} was made with")


def _pair(world: World, result: str, pair: tokenstore.Pair) -> Answer:
    return Answer(
        result,
        family=world.name_of(pair.family),
        access=world.name_of(pair.access.id),
        refresh=world.name_of(pair.refresh.id),
        access_expires=ms_of(pair.access.expires),
        refresh_expires=ms_of(pair.refresh.expires),
        revision=pair.revision,
    )


def revoke_family(world: World, args: Args) -> Answer:
    id, checks = target(world, args)
    args.finish()
    return Answer.change(world.store.revoke_family(id, **checks))


OPERATIONS: Dict[str, Any] = {
    "issue_pair": issue_pair,
    "refresh": refresh,
    "revoke_family": revoke_family,
}
