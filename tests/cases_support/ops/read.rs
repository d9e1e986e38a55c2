//! Reading what the store has.

use tokenstore::{Event, EventDetail, Filter, Grants, State, Token};

use super::change::{subject, target};
use crate::cases_support::Mistake;
use crate::cases_support::answer::Answer;
use crate::cases_support::args::{Args, number};
use crate::cases_support::cells::{Call, Cell, On};
use crate::cases_support::text::{capitals, encode, list as in_list, native_prefix};
use crate::cases_support::world::{World, ms_of, time_at};

/// `value TOKEN`: the shape of a value, read by the rules of the documents and without the store.
pub(super) fn value(world: &mut World, mut args: Args) -> Result<Answer, Mistake> {
    let name = args.next("a token")?;
    args.finish()?;
    let value = &world.known(&name)?.value;
    let answer = match native_prefix(value) {
        Some(prefix) => Answer::new("NATIVE").field("prefix", encode(prefix)),
        None => Answer::new("OTHER"),
    };
    Ok(answer.field("length", value.len()))
}

/// `owner TOKEN`: the owner's bytes, found by what the last verify of the token's value said.
pub(super) fn owner(world: &mut World, mut args: Args) -> Result<Answer, Mistake> {
    let name = args.next("a token")?;
    args.finish()?;
    let owner = world.known(&name)?.owner.ok_or("no verify told this token's owner yet")?;
    let answer = match world.store()?.owner(owner) {
        Ok(Some(owner)) => Answer::new("OK").field("owner", encode(&owner)),
        Ok(None) => Answer::new("NONE"),
        Err(error) => Answer::error(&error),
    };
    Ok(answer.cell(Call::Owner, On::Open))
}

/// `get TOKEN [if_owner=] [if_revision=]`.
pub(super) fn get(world: &mut World, mut args: Args) -> Result<Answer, Mistake> {
    let (id, target) = target(world, &mut args)?;
    args.finish()?;
    let on = world.on(id);
    let answer = match world.store()?.get(target) {
        Ok(token) => {
            if token.state == State::Expired {
                world.decide();
            }
            token_fields(world, token)
        }
        Err(error) => Answer::error(&error),
    };
    Ok(answer.cell(Call::Get, on))
}

fn token_fields(world: &World, token: Token) -> Answer {
    let Token { name, state, owner, grants, revocation, app_data, .. } = &token;
    let yes_no = |yes: bool| if yes { "yes" } else { "no" };
    let projects = match grants {
        Grants::All => "all".to_owned(),
        Grants::Projects(projects) => in_list(projects.iter().map(|project| encode(project))),
    };
    let revoked =
        revocation.as_ref().map_or_else(|| "no".to_owned(), |revoked| ms_of(revoked.at).to_string());
    let reason =
        revocation.as_ref().map_or_else(|| "none".to_owned(), |revoked| encode(revoked.reason.as_bytes()));
    Answer::new("OK")
        .field("state", capitals(&format!("{state:?}")))
        .field("name", name.as_ref().map_or_else(|| "none".to_owned(), |name| encode(name.as_bytes())))
        .field("owner", encode(owner))
        .field("type", world.type_name(token.type_id))
        .field("created", ms_of(token.created))
        .field("expires", token.expires.map_or_else(|| "never".to_owned(), |at| ms_of(at).to_string()))
        .field("last_used", token.last_used.map_or_else(|| "never".to_owned(), |at| ms_of(at).to_string()))
        .field("projects", projects)
        .field("bound", yes_no(token.bound))
        .field("disabled", yes_no(token.disabled))
        .field("revoked", revoked)
        .field("reason", reason)
        .field("word", token.app_word)
        .field("data", encode(app_data))
        .field("revision", token.revision)
        .field("uses_left", or_word(token.uses_left, "none"))
        .field("parent", token.parent.map_or_else(|| "none".to_owned(), |id| world.name_of(id)))
        .field("family", token.family.map_or_else(|| "none".to_owned(), |id| world.name_of(id)))
        .field("refreshes", yes_no(token.refreshes))
        .field("old_until", or_word(token.old_value.map(|old| ms_of(old.until)), "no"))
        .field("old_used", or_word(token.old_value.and_then(|old| old.last_used).map(ms_of), "never"))
}

fn or_word(number: Option<impl ToString>, none: &str) -> String {
    number.map_or_else(|| none.to_owned(), |number| number.to_string())
}

/// `list [owner=] [type=] [states=] [dead=yes] [name_prefix=] [project=] [expires_before=] [unused_since=] [after=]
/// [limit=]`.
pub(super) fn list(world: &mut World, mut args: Args) -> Result<Answer, Mistake> {
    let filter = filter(world, &mut args)?;
    args.finish()?;
    let page = match world.store()?.list(&filter) {
        Ok(page) => page,
        Err(error) => return Ok(Answer::error(&error).cell(Call::List, On::Open)),
    };
    if page.tokens.iter().any(|token| token.state == State::Expired) {
        world.decide();
    }
    let names = page.tokens.iter().map(|token| world.name_of(token.id));
    let next = page.next.map_or_else(|| "no".to_owned(), |id| world.name_of(id));
    let mut answer = Answer::new("OK").field("tokens", in_list(names)).field("next", next);
    answer = answer.cell(Call::List, On::Open);
    for (_, known) in world.all_known() {
        let shown = page.tokens.iter().any(|token| token.id == known.id);
        let shown = if shown { "LISTED" } else { "HIDDEN" };
        answer.cells.push(Cell { call: Call::List, on: world.on(known.id), answer: shown.to_owned() });
    }
    Ok(answer)
}

fn filter(world: &mut World, args: &mut Args) -> Result<Filter, Mistake> {
    let mut filter = Filter::new();
    if let Some(owner) = args.bytes("owner")? {
        filter = filter.owner(owner);
    }
    if let Some(name) = args.word("type") {
        filter = filter.of_type(world.type_id(&name)?);
    }
    if let Some(states) = args.word("states") {
        filter = filter.states(states.split(',').map(state).collect::<Result<Vec<_>, _>>()?);
    }
    if args.flag("dead")? == Some(true) {
        filter = filter.with_dead();
    }
    if let Some(prefix) = args.text("name_prefix")? {
        filter = filter.name_prefix(prefix);
    }
    if let Some(project) = args.bytes("project")? {
        filter = filter.project(project);
    }
    if let Some(at) = args.number("expires_before")? {
        filter = filter.expires_before(time_at(at)?);
    }
    if let Some(at) = args.number("unused_since")? {
        filter = filter.unused_since(time_at(at)?);
    }
    if let Some(after) = args.word("after") {
        filter = filter.after(subject(world, &after)?);
    }
    match args.number("limit")? {
        Some(limit) => Ok(filter.limit(limit)),
        None => Ok(filter),
    }
}

fn state(name: &str) -> Result<State, Mistake> {
    let states =
        [State::Active, State::Disabled, State::Expired, State::Revoked, State::Superseded, State::Used];
    let named = states.into_iter().find(|state| capitals(&format!("{state:?}")) == name);
    named.ok_or_else(|| format!("there is no state `{name}`"))
}

/// `events [after=] [limit=]`: their kinds, with what each happened to.
pub(super) fn events(world: &mut World, mut args: Args) -> Result<Answer, Mistake> {
    let after = args.number("after")?.unwrap_or(0);
    let limit = args.number("limit")?.unwrap_or(1_000);
    args.finish()?;
    let events = match world.store()?.events(after, limit) {
        Ok(events) => events,
        Err(error) => return Ok(Answer::error(&error).cell(Call::Events, On::Open)),
    };
    if events.windows(2).any(|pair| pair[1].sequence != pair[0].sequence + 1) {
        return Err("the numbers of the events do not ascend by one".to_owned());
    }
    let first = events.first().map_or_else(|| "none".to_owned(), |event| event.sequence.to_string());
    let entries =
        in_list(events.iter().map(|event| format!("{}:{}", event.kind.name(), about(world, event))));
    let mut answer = Answer::new("OK").field("first", first).field("list", entries);
    answer = answer.cell(Call::Events, On::Open);
    for event in events {
        let cell = Cell { call: Call::EventKinds, on: On::Open, answer: event.kind.name().to_owned() };
        answer.cells.push(cell);
    }
    Ok(answer)
}

/// What an event happened to: a token, a family or a type, by its name in the scenario; `none` is all of the store.
fn about(world: &World, event: &Event) -> String {
    match (event.id, event.type_id) {
        (Some(id), None) => world.name_of(id),
        (None, Some(type_id)) => world.type_name(type_id),
        (None, None) => "none".to_owned(),
        (Some(_), Some(_)) => "?".to_owned(),
    }
}

/// `event NUMBER`: one event, whole.
pub(super) fn event(world: &mut World, mut args: Args) -> Result<Answer, Mistake> {
    let sequence: u64 = number(&args.next("an event's number")?)?;
    args.finish()?;
    let events = match world.store()?.events(sequence.saturating_sub(1), 1) {
        Ok(events) => events,
        Err(error) => return Ok(Answer::error(&error).cell(Call::Events, On::Open)),
    };
    let answer = match events.first().filter(|event| event.sequence == sequence) {
        None => Answer::new("NONE"),
        Some(event) => event_fields(world, event),
    };
    Ok(answer)
}

fn event_fields(world: &World, event: &Event) -> Answer {
    let (mut owner, mut count, mut age) = (None, None, None);
    match &event.detail {
        Some(EventDetail::Reuse { distance, age: how_old }) => {
            (count, age) = (Some(u64::from(*distance)), Some(how_old.as_millis()));
        }
        Some(EventDetail::Owner(whose)) => owner = Some(encode(whose)),
        Some(EventDetail::Pruned(tokens)) => count = Some(*tokens),
        Some(_) | None => {}
    }
    Answer::new("OK")
        .field("kind", event.kind.name())
        .field("of", about(world, event))
        .field("at", ms_of(event.at))
        .field("by", encode(event.by.as_bytes()))
        .field("reason", encode(event.reason.as_bytes()))
        .field("owner", or_word(owner, "none"))
        .field("count", or_word(count, "none"))
        .field("age", or_word(age, "none"))
}

pub(super) fn stats(world: &mut World, args: Args) -> Result<Answer, Mistake> {
    args.finish()?;
    let answer = match world.store()?.stats() {
        Ok(stats) => Answer::new("OK")
            .field("tokens", stats.tokens)
            .field("types", stats.types)
            .field("sequence", stats.sequence)
            .field("first_event", stats.first_event),
        Err(error) => Answer::error(&error),
    };
    Ok(answer.cell(Call::Stats, On::Open))
}
