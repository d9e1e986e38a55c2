"""The operations, each named as in a scenario."""

import inspect
from datetime import timedelta
from typing import Any, Dict, List, Optional, Union

import tokenstore

from . import Mistake, families, judging
from .answer import Answer, changed_name
from .args import Args, name_in, number, target, utf8
from .text import encode, in_list, native_prefix
from .world import World, ms_of, time_at

MOST_EVENTS = 1_000


def run(world: World, words: List[str]) -> Optional[Answer]:
    """Runs one line. None is an operation that answers nothing: a move of the clock."""
    name, *rest = words
    operation = OPERATIONS.get(name)
    if operation is None:
        raise Mistake(f"there is no operation `{name}`")
    args = Args(rest)
    try:
        answer = operation(world, args)
    except tokenstore.TokenstoreError as error:
        return Answer.error(error)
    except OverflowError:
        # A duration that Python's own types refuse, before the package sees it.
        return Answer("INVALID_ARGUMENT")
    return None if answer is None else answer


# The clock


def advance(world: World, args: Args) -> None:
    _move(world, args, lambda ms: world.clock.advance(time_at(ms) - time_at(0)))


def clock(world: World, args: Args) -> None:
    _move(world, args, lambda ms: world.clock.set(time_at(ms)))


def _move(world: World, args: Args, move: Any) -> None:
    ms = number(args.next("a number of milliseconds"))
    args.finish()
    # The store is made before the clock moves, also where no line says so.
    assert world.store is not None
    move(ms)


# The store and its types


def store(world: World, args: Args) -> Answer:
    place = args.next("`memory` or `file`")
    world.settings = {}
    _settings(world, args)
    args.finish()
    if world.has_store:
        raise Mistake("a store is made once, in the first line of a scenario")
    if place == "memory":
        world.store = tokenstore.Store.in_memory(**world.options())
    elif place == "file":
        world.store = tokenstore.Store.create(world.path(), **world.options())
    else:
        raise Mistake(f"a store is in memory or in a file, not in `{place}`")
    return Answer("OK")


def create_again(world: World, args: Args) -> Answer:
    args.finish()
    _must_have_file(world)
    tokenstore.Store.create(world.path(), **world.options()).close()
    return Answer("OK")


def open_again(world: World, args: Args) -> Answer:
    args.finish()
    _must_have_file(world)
    tokenstore.Store.open(world.path(), **world.options()).close()
    return Answer("OK")


def open_elsewhere(world: World, args: Args) -> Answer:
    args.finish()
    tokenstore.Store.open(world.path() + ".nothing").close()
    return Answer("OK")


def reopen(world: World, args: Args) -> Answer:
    _settings(world, args)
    args.finish()
    _must_have_file(world)
    world.store.close()
    world.store = tokenstore.Store.open(world.path(), **world.options())
    return Answer("OK")


def _settings(world: World, args: Args) -> None:
    word, events = args.word("key"), args.number("max_events")
    if word is not None:
        world.settings["key"] = _key(word)
    if events is not None:
        world.settings["max_events"] = events


def _key(word: str) -> Optional[bytes]:
    """A letter is the key of 32 such letters; `none` is no key."""
    if word == "none":
        return None
    if len(word) != 1:
        raise Mistake(f"a key is one letter or `none`, not `{word}`")
    return word.encode() * 32


def _must_have_file(world: World) -> None:
    if not world.has_file:
        raise Mistake("this needs `store file` in the first line")


def close(world: World, args: Args) -> Answer:
    args.finish()
    # A second close is none in Python, and no error.
    if world.store.closed:
        return Answer("CLOSED")
    world.store.close()
    return Answer("OK")


def flush(world: World, args: Args) -> Answer:
    args.finish()
    world.store.flush()
    return Answer("OK")


def change_key(world: World, args: Args) -> Answer:
    key = _key(args.required("key"))
    args.finish()
    world.store.change_key(key)
    world.settings["key"] = key
    return Answer("OK")


def type(world: World, args: Args) -> Answer:
    name = args.next_if_any()
    if name is None:
        # A name that is no word stands in `name=`.
        name = utf8(args.required("name"))
    prefix = utf8(args.required("prefix"))
    default, longest = args.duration("default"), args.duration("max")
    unique, by_name, external = (args.flag(key) for key in ("unique_names", "by_name_only", "external"))
    uses, volatile, family_policy = args.number("uses"), args.flag("volatile"), families.policy(args)
    args.finish()
    id = world.store.declare(
        name,
        prefix,
        default_lifetime=default,
        max_lifetime=longest,
        unique_names=unique is not False,
        by_name_only=bool(by_name),
        external=bool(external),
        **args.given(uses=uses, volatile=volatile, families=family_policy),
    )
    world.declared(name, id)
    return Answer("OK", number=id)


def find_type(world: World, args: Args) -> Answer:
    name = args.next("a type's name")
    args.finish()
    id = world.store.find_type(name)
    if id is None:
        return Answer("NONE")
    return Answer("OK", number=id, prefix=world.store.type_info(id).prefix)


def types(world: World, args: Args) -> Answer:
    args.finish()
    return Answer("OK", list=in_list(encode(type.name.encode()) for type in world.store.types()))


def stats(world: World, args: Args) -> Answer:
    args.finish()
    read = world.store.stats()
    return Answer(
        "OK", tokens=read.tokens, types=read.types, sequence=read.sequence, first_event=read.first_event
    )


# Making tokens


def _wanted(world: World, args: Args) -> Dict[str, Any]:
    """`type= owner= [expires=|lifetime=] [projects=] [binding=] [parent=] [data=] [word=] [by=]`."""
    parent = args.word("parent")
    type = world.type_id(args.required("type"))
    owner = args.bytes("owner")
    if owner is None:
        raise Mistake("`owner=` is missing")
    return {
        "type": type,
        "owner": owner,
        **args.expiry(),
        **args.grants(),
        **args.given(
            binding=args.bytes("binding"),
            app_data=args.bytes("data"),
            app_word=args.number("word"),
            by=args.text("by"),
            parent=None if parent is None else world.id_of(parent),
        ),
    }


def create(world: World, args: Args) -> Answer:
    token, name = args.next("a name for the token"), name_in(args)
    wanted = _wanted(world, args)
    args.finish()
    return _created(world, token, world.store.create_token(name=name, **wanted))


def _created(world: World, token: str, made: Union[tokenstore.Created, tokenstore.TokenstoreError]) -> Answer:
    if isinstance(made, tokenstore.TokenstoreError):
        return Answer.error(made)
    world.name_token(token, made.id, made.value.reveal().encode())
    return Answer("CREATED", revision=made.revision)


def create_many(world: World, args: Args) -> Answer:
    tokens = args.next("names for the tokens").split(",")
    text = args.text("names")
    names: List[Optional[str]] = [] if text is None else list(text.split(","))
    wanted = _wanted(world, args)
    args.finish()
    names += [None] * (len(tokens) - len(names))
    news = [tokenstore.NewToken(name=name, **wanted) for name in names[: len(tokens)]]
    made: List[Union[tokenstore.Created, tokenstore.TokenstoreError]]
    try:
        made = world.store.create_many(news)
    except tokenstore.TokenstoreError as error:
        made = [error] * len(tokens)
    return Answer(in_list(_created(world, token, one).result for token, one in zip(tokens, made)))


def create_if_absent(world: World, args: Args) -> Answer:
    token, name = args.next("a name for the token"), name_in(args)
    wanted = _wanted(world, args)
    args.finish()
    made = world.store.create_if_absent(name=name, **wanted)
    if isinstance(made, tokenstore.Existing):
        return Answer("EXISTING", token=world.name_of(made.id))
    return _created(world, token, made)


def create_from_value(world: World, args: Args) -> Answer:
    token, of = args.next("a name for the token"), args.word("value_of")
    value = args.bytes("value") if of is None else world.known(of).value
    if value is None:
        raise Mistake("`value=` is missing")
    name = name_in(args)
    wanted = _wanted(world, args)
    args.finish()
    made = world.store.create_from_value(value, name=name, **wanted)
    world.name_token(token, made.id, value)
    return Answer("CREATED", revision=made.revision)


# Changing tokens


def _plain(name: str) -> Any:
    """A change that needs nothing but a target."""

    def change(world: World, args: Args) -> Answer:
        id, checks = target(world, args)
        args.finish()
        return Answer.change(getattr(world.store, name)(id, **checks))

    return change


def _on_project(name: str) -> Any:
    def change(world: World, args: Args) -> Answer:
        id, checks = target(world, args)
        project = args.bytes("project")
        args.finish()
        if project is None:
            raise Mistake("`project=` is missing")
        return Answer.change(getattr(world.store, name)(id, project, **checks))

    return change


def edit(world: World, args: Args) -> Answer:
    id, checks = target(world, args)
    changes: Dict[str, Any] = {}
    word = args.word("name")
    if word is not None:
        changes["name"] = None if word == "none" else utf8(word)
    changes.update(args.expiry())
    changes.update(args.grants())
    changes.update(args.given(app_data=args.bytes("data"), app_word=args.number("word")))
    args.finish()
    return Answer.change(world.store.edit(id, **changes, **checks))


def rotate(world: World, args: Args) -> Answer:
    id, checks = target(world, args)
    name, grace = args.required("to"), args.duration("grace")
    args.finish()
    if grace is None:
        raise Mistake("`grace=` is missing")
    made = world.store.rotate(id, grace, **checks)
    if made.id != id:
        raise Mistake("the new value is another token's")
    world.name_token(name, id, made.value.reveal().encode())
    return Answer("CHANGED", revision=made.revision)


def revoke_owner(world: World, args: Args) -> Answer:
    owner, type, by, reason = args.bytes("owner"), args.word("type"), args.text("by"), args.text("reason")
    args.finish()
    if owner is None:
        raise Mistake("`owner=` is missing")
    id = None if type is None else world.type_id(type)
    return Answer.change(world.store.revoke_owner(owner, id, by=by, reason=reason))


def prune(world: World, args: Args) -> Answer:
    before, limit = number(args.required("before")), number(args.required("limit"))
    args.finish()
    return Answer("OK", tokens=world.store.prune(time_at(before), limit))


def remove_project(world: World, args: Args) -> Answer:
    project, by, reason = args.bytes("project"), args.text("by"), args.text("reason")
    args.finish()
    if project is None:
        raise Mistake("`project=` is missing")
    removed = world.store.remove_project(project, by=by, reason=reason)
    return Answer(changed_name(removed > 0), tokens=removed)


# Reading


def value(world: World, args: Args) -> Answer:
    """The shape of a value, read by the rules of the documents and without the store."""
    known = world.known(args.next("a token"))
    args.finish()
    prefix = native_prefix(known.value)
    if prefix is None:
        return Answer("OTHER", length=len(known.value))
    return Answer("NATIVE", length=len(known.value), prefix=encode(prefix))


def owner(world: World, args: Args) -> Answer:
    known = world.known(args.next("a token"))
    args.finish()
    if known.owner is None:
        raise Mistake("no verify told this token's owner yet")
    found = world.store.owner(known.owner)
    return Answer("NONE") if found is None else Answer("OK", owner=encode(found))


def get(world: World, args: Args) -> Answer:
    id, checks = target(world, args)
    args.finish()
    token = world.store.get(id, **checks)
    yes_no = {True: "yes", False: "no"}
    projects = "all"
    if not isinstance(token.projects, tokenstore.All):
        projects = in_list(map(encode, token.projects))
    return Answer(
        "OK",
        state=token.state.name,
        name="none" if token.name is None else encode(token.name.encode()),
        owner=encode(token.owner),
        type=world.type_name(token.type),
        created=ms_of(token.created),
        expires=ms_of(token.expires),
        last_used=ms_of(token.last_used),
        projects=projects,
        bound=yes_no[token.bound],
        disabled=yes_no[token.disabled],
        revoked=ms_of(token.revoked, "no"),
        reason="none" if token.reason is None else encode(token.reason.encode()),
        word=token.app_word,
        data=encode(token.app_data),
        revision=token.revision,
        uses_left=_or_word(token.uses_left, "none"),
        parent="none" if token.parent is None else world.name_of(token.parent),
        family="none" if token.family is None else world.name_of(token.family),
        refreshes=yes_no[token.refreshes],
        old_until=ms_of(token.old_value_until, "no"),
        old_used=ms_of(token.old_value_used),
    )


def _or_word(given: Optional[object], none: str) -> str:
    return none if given is None else str(given)


def list_(world: World, args: Args) -> Answer:
    type, states, after = args.word("type"), args.word("states"), args.word("after")
    before, since = args.number("expires_before"), args.number("unused_since")
    asked = args.given(
        owner=args.bytes("owner"),
        type=None if type is None else world.type_id(type),
        states=None if states is None else [_state(state) for state in states.split(",")],
        dead=args.flag("dead"),
        name_prefix=args.text("name_prefix"),
        project=args.bytes("project"),
        expires_before=None if before is None else time_at(before),
        unused_since=None if since is None else time_at(since),
        after=None if after is None else world.id_of(after),
        limit=args.number("limit"),
    )
    args.finish()
    page = world.store.list_page(**asked)
    names = in_list(world.name_of(token.id) for token in page.tokens)
    return Answer("OK", tokens=names, next="no" if page.next is None else world.name_of(page.next))


def _state(name: str) -> tokenstore.State:
    if name not in tokenstore.State.__members__:
        raise Mistake(f"there is no state `{name}`")
    return tokenstore.State[name]


def events(world: World, args: Args) -> Answer:
    asked = args.given(after=args.number("after"), limit=args.number("limit"))
    args.finish()
    found = world.store.events_page(**asked)
    if any(later.sequence != event.sequence + 1 for event, later in zip(found, found[1:])):
        raise Mistake("the numbers of the events do not ascend by one")
    entries = in_list(f"{_kind(event)}:{_about(world, event)}" for event in found)
    return Answer("OK", first=found[0].sequence if found else "none", list=entries)


def event(world: World, args: Args) -> Answer:
    sequence = number(args.next("an event's number"))
    args.finish()
    found = world.store.events_page(after=max(sequence - 1, 0), limit=1)
    if not found or found[0].sequence != sequence:
        return Answer("NONE")
    one = found[0]
    return Answer(
        "OK",
        kind=_kind(one),
        of=_about(world, one),
        at=ms_of(one.at),
        by=encode(one.by.encode()),
        reason=encode(one.reason.encode()),
        owner="none" if one.owner is None else encode(one.owner),
        count=_or_word(one.count, "none"),
        age=_or_word(None if one.age is None else one.age // timedelta(milliseconds=1), "none"),
    )


def _kind(event: tokenstore.Event) -> str:
    return tokenstore.EventKind(event.kind).name.lower()


def _about(world: World, event: tokenstore.Event) -> str:
    """What an event happened to: a token, a family or a type, by its name in the scenario; `none` of them."""
    if event.id is None and event.type is None:
        return "none"
    if event.id is not None and event.type is None:
        return world.name_of(event.id)
    if event.id is None and event.type is not None:
        return world.type_name(event.type)
    return "?"


OPERATIONS: Dict[str, Any] = {
    **{
        name.rstrip("_"): operation
        for name, operation in list(globals().items())
        if inspect.isfunction(operation)
        and operation.__module__ == __name__
        and name[0] != "_"
        and name != "run"
    },
    **{
        name: _plain(name) for name in ("grant_all", "revoke_grants", "disable", "enable", "revoke", "delete")
    },
    **{name: _on_project(name) for name in ("grant", "ungrant")},
    **judging.OPERATIONS,
    **families.OPERATIONS,
}
