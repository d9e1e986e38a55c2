"""Judging values, and what else is done with a value."""

from typing import Any, Dict, List, NamedTuple, Optional, Union

import tokenstore

from . import Mistake
from .answer import Answer
from .args import Args, number
from .text import decode, encode, in_list
from .world import World, ms_of


class Presented(NamedTuple):
    """A value as it is presented, and the token whose own value it is, unchanged."""

    value: bytes
    of: Optional[str]


def presented_in(world: World, args: Args) -> Presented:
    """`TOKEN` or `value=`, and changes to it."""
    of, given = args.next_if_any(), args.bytes("value")
    if (of is None) == (given is None):
        raise Mistake("either a token or `value=`")
    original = world.known(of).value if of is not None else bytes(given or b"")
    value = _mutated(world, args, bytearray(original))
    return Presented(value, of if value == original else None)


def _mutated(world: World, args: Args, value: bytearray) -> bytes:
    """`flip=N` `case=N` `put=N:TEXT` `truncate=N` `prepend=` `append=` `append_value=TOKEN`, in this order."""

    def place(at: int) -> int:
        if not 0 <= at < len(value):
            raise Mistake(f"the value has no byte {at}")
        return at

    flip, case, put, cut = args.number("flip"), args.number("case"), args.word("put"), args.number("truncate")
    if flip is not None:
        value[place(flip)] ^= 1
    if case is not None:
        letters = (at for at in range(place(case), len(value)) if bytes(value[at : at + 1]).isalpha())
        letter = next(letters, None)
        if letter is None:
            raise Mistake("no letter from there on")
        value[letter] ^= 0x20
    if put is not None:
        at, colon, text = put.partition(":")
        if not colon:
            raise Mistake("`put` is PLACE:TEXT")
        start = place(number(at))
        value[start : start + 1] = decode(text)
    if cut is not None:
        del value[max(len(value) - cut, 0) :]
    value[:0] = args.bytes("prepend") or b""
    value += args.bytes("append") or b""
    token = args.word("append_value")
    if token is not None:
        value += world.known(token).value
    return bytes(value)


def _asked(world: World, args: Args) -> Dict[str, Any]:
    """`type=NAME|any [project=] [binding=]`."""
    name = args.required("type")
    type: Union[int, tokenstore.AnyType] = tokenstore.ANY if name == "any" else world.type_id(name)
    return {"type": type, "project": args.bytes("project"), "binding": args.bytes("binding")}


def verify(world: World, args: Args) -> Answer:
    presented, asked = presented_in(world, args), _asked(world, args)
    args.finish()
    # Once as sugar, once by a query made before, once by the verb that raises: they must agree.
    verdict = world.store.verify(presented.value, **asked)
    again = world.store.verify(presented.value, world.store.query(**asked))
    if verdict != again:
        raise Mistake(f"two ways to ask are answered {verdict} and {again}")
    _check_require(world, presented, asked, verdict)
    return _judged(world, presented, verdict)


def _check_require(world: World, presented: Presented, asked: Dict[str, Any], verdict: Any) -> None:
    came: object
    try:
        came = world.store.require(presented.value, **asked)
    except tokenstore.Refused as refusal:
        if refusal.status == 0 or refusal.status != refusal.verdict.status:
            raise Mistake(f"{refusal!r} has the verdict {refusal.verdict}") from None
        came = refusal.verdict
    if came != verdict:
        raise Mistake(f"require says {came}, verify {verdict}")


def authorization(world: World, args: Args) -> Answer:
    """`{}` in the header is where the value stands. A header without a place for a value stands alone."""
    before, place, after = args.required("as").partition("{}")
    presented = presented_in(world, args) if place else Presented(b"", None)
    header = decode(before) + presented.value + decode(after)
    asked = _asked(world, args)
    args.finish()
    return _judged(world, presented, world.store.verify(header, header=True, **asked))


def consume(world: World, args: Args) -> Answer:
    presented, asked = presented_in(world, args), _asked(world, args)
    args.finish()
    if world.other_verb():
        try:
            consumed = world.store.redeem(presented.value, **asked)
        except tokenstore.Refused as refusal:
            consumed = tokenstore.Consumed(refusal.verdict, None, None)
    else:
        consumed = world.store.consume(presented.value, **asked)
    data, left = consumed.app_data, consumed.uses_left
    answer = _judged(world, presented, consumed.verdict)
    if {bool(consumed), data is not None, left is not None} != {consumed.verdict.allowed}:
        raise Mistake(f"{consumed.status}, but {left} uses are left")
    if data is not None and left is not None:
        answer.fields.update(data=encode(data), uses_left=str(left))
    return answer


def verify_many(world: World, args: Args) -> Answer:
    names, raw = args.next_if_any(), args.word("raw")
    presented = [Presented(world.known(name).value, name) for name in (names.split(",") if names else [])]
    presented += [Presented(decode(text), None) for text in (raw.split(",") if raw is not None else [])]
    asked = _asked(world, args)
    args.finish()
    verdicts = world.store.verify_many([one.value for one in presented], world.store.query(**asked))
    if len(verdicts) != len(presented) or verdicts.statuses != [verdict.status for verdict in verdicts]:
        raise Mistake("the statuses are not those of the verdicts")
    results: List[str] = []
    for one, verdict in zip(presented, verdicts):
        results.append(_judged(world, one, verdict).result)
    return Answer(in_list(results), allowed=verdicts.allowed)


def revoke_value(world: World, args: Args) -> Answer:
    presented, by, reason = presented_in(world, args), args.text("by"), args.text("reason")
    args.finish()
    return Answer.change(world.store.revoke_value(presented.value, by=by, reason=reason))


def _judged(world: World, presented: Presented, verdict: tokenstore.Verdict) -> Answer:
    """A verdict as an answer. What must hold of every verdict is checked here."""
    status = tokenstore.Status(verdict.status)
    if verdict.allowed != (status == tokenstore.Status.OK) or bool(verdict) != verdict.allowed:
        raise Mistake(f"{status.name}, but allowed is {verdict.allowed}")
    named = status not in (tokenstore.Status.MALFORMED, tokenstore.Status.UNKNOWN)
    if (verdict.id is not None) != named:
        raise Mistake(f"{status.name}, but the identity is {verdict.id}")
    if not named:
        if (verdict.owner, verdict.type, verdict.app_word, verdict.revision, verdict.expires) != (
            0,
            0,
            0,
            0,
            None,
        ):
            raise Mistake(f"{status.name}, but something is told of a token")
        return Answer(status.name)
    token = world.name_of(verdict.id)
    if presented.of is not None and world.known(presented.of).id != verdict.id:
        raise Mistake(f"the value is another token's: {token}'s")
    if token != "?":
        world.known(token).owner = verdict.owner
    owner = world.store.owner(verdict)
    if verdict.all_projects and verdict.no_projects:
        raise Mistake("all projects and none at once")
    return Answer(
        status.name,
        token=token,
        owner="none" if owner is None else encode(owner),
        type=world.type_name(verdict.type),
        expires=ms_of(verdict.expires),
        word=verdict.app_word,
        revision=verdict.revision,
        projects="all" if verdict.all_projects else "none" if verdict.no_projects else "some",
        old_value="yes" if verdict.old_value else "no",
    )


OPERATIONS: Dict[str, Any] = {
    "verify": verify,
    "authorization": authorization,
    "verify_many": verify_many,
    "consume": consume,
    "revoke_value": revoke_value,
}
