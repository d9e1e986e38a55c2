//! Judging values, and what else is done with a value.

use tokenstore::{Consumed, Query, Status, Verdict};

use crate::cases_support::Mistake;
use crate::cases_support::answer::Answer;
use crate::cases_support::args::{Args, number};
use crate::cases_support::cells::{Call, On};
use crate::cases_support::text::{decode, encode, list};
use crate::cases_support::world::{World, ms_of};

/// A value as it is presented.
pub(super) struct Presented {
    pub(super) value: Vec<u8>,
    /// The token whose own value it is, unchanged.
    pub(super) of: Option<String>,
}

/// `TOKEN` or `value=`, and changes to it: `flip=N` `case=N` `put=N:TEXT` `truncate=N` `prepend=` `append=`
/// `append_value=TOKEN`, made in this order.
pub(super) fn presented(world: &mut World, args: &mut Args) -> Result<Presented, Mistake> {
    let of = args.next_if_any();
    let original = match (&of, args.bytes("value")?) {
        (Some(name), None) => world.known(name)?.value.clone(),
        (None, Some(value)) => value,
        _ => return Err("either a token or `value=`".to_owned()),
    };
    let value = mutated(world, args, original.clone())?;
    let of = of.filter(|_| value == original);
    Ok(Presented { value, of })
}

fn mutated(world: &mut World, args: &mut Args, mut value: Vec<u8>) -> Result<Vec<u8>, Mistake> {
    let place = |value: &[u8], place: usize| {
        if place < value.len() { Ok(place) } else { Err(format!("the value has no byte {place}")) }
    };
    if let Some(at) = args.number("flip")? {
        let at = place(&value, at)?;
        value[at] ^= 1;
    }
    if let Some(from) = args.number("case")? {
        let from: usize = place(&value, from)?;
        let letter = value[from..].iter_mut().find(|byte| byte.is_ascii_alphabetic());
        *letter.ok_or("no letter from there on")? ^= 0x20;
    }
    if let Some(word) = args.word("put") {
        let (at, text) = word.split_once(':').ok_or("`put` is PLACE:TEXT")?;
        let at = place(&value, number(at)?)?;
        value.splice(at..=at, decode(text)?);
    }
    if let Some(bytes) = args.number::<usize>("truncate")? {
        value.truncate(value.len().saturating_sub(bytes));
    }
    if let Some(text) = args.bytes("prepend")? {
        value.splice(0..0, text);
    }
    if let Some(text) = args.bytes("append")? {
        value.extend(text);
    }
    if let Some(token) = args.word("append_value") {
        value.extend(&world.known(&token)?.value);
    }
    Ok(value)
}

/// `type=NAME|any [project=] [binding=]`.
fn query(world: &mut World, args: &mut Args) -> Result<Query, Mistake> {
    let mut query = match args.required("type")?.as_str() {
        "any" => Query::any_type(),
        name => Query::of_type(world.type_id(name)?),
    };
    if let Some(project) = args.bytes("project")? {
        query = query.project(project);
    }
    if let Some(binding) = args.bytes("binding")? {
        query = query.binding(binding);
    }
    Ok(query)
}

/// `verify TOKEN|value= type= ...`.
pub(super) fn verify(world: &mut World, mut args: Args) -> Result<Answer, Mistake> {
    let presented = presented(world, &mut args)?;
    let query = query(world, &mut args)?;
    args.finish()?;
    let on = on_of(world, presented.of.as_deref());
    let verdict = world.store()?.verify(&presented.value, &query);
    judged(world, Call::Verify, on, &presented, verdict)
}

/// `consume TOKEN|value= type= ...`.
pub(super) fn consume(world: &mut World, mut args: Args) -> Result<Answer, Mistake> {
    let presented = presented(world, &mut args)?;
    let query = query(world, &mut args)?;
    args.finish()?;
    let on = on_of(world, presented.of.as_deref());
    let consumed = match world.store()?.consume(&presented.value, &query) {
        Ok(consumed) => consumed,
        Err(error) => return judged(world, Call::Consume, on, &presented, Err(error)),
    };
    let Consumed { verdict, app_data, uses_left, .. } = consumed;
    if verdict.allowed() != app_data.is_some() || verdict.allowed() != uses_left.is_some() {
        return Err(format!("{}, but {uses_left:?} uses are left", verdict.status()));
    }
    let mut answer = judged(world, Call::Consume, on, &presented, Ok(verdict))?;
    if let (Some(data), Some(uses_left), Some(who)) = (app_data, uses_left, verdict.identity()) {
        world.note_change(who.id)?;
        answer = answer.field("data", encode(&data)).field("uses_left", uses_left);
    }
    Ok(answer)
}

/// `authorization TOKEN|value= as=HEADER type= ...`: `{}` in the header is where the value stands. A header without a
/// place for a value stands alone.
pub(super) fn authorization(world: &mut World, mut args: Args) -> Result<Answer, Mistake> {
    let header = args.required("as")?;
    let (header, presented) = match header.split_once("{}") {
        Some((before, after)) => {
            let presented = presented(world, &mut args)?;
            ([decode(before)?, presented.value.clone(), decode(after)?].concat(), presented)
        }
        None => (decode(&header)?, Presented { value: Vec::new(), of: None }),
    };
    let query = query(world, &mut args)?;
    args.finish()?;
    let on = on_of(world, presented.of.as_deref());
    let verdict = world.store()?.verify_authorization(&header, &query);
    // A header that is wrong hides a value that is right: then it is nobody's.
    let on = match verdict.as_ref().map(Verdict::status) {
        Ok(Status::Malformed) => On::Nobody,
        Ok(Status::Unknown) if on != On::Deleted => On::Nobody,
        _ => on,
    };
    judged(world, Call::Authorization, on, &presented, verdict)
}

/// `verify_many TOKEN,TOKEN,... [raw=TEXT,TEXT,...] type= ...`: the answers in this order, and how many are OK.
pub(super) fn verify_many(world: &mut World, mut args: Args) -> Result<Answer, Mistake> {
    let mut presented = Vec::new();
    for name in args.next_if_any().iter().flat_map(|names| names.split(',')) {
        presented.push(Presented { value: world.known(name)?.value.clone(), of: Some(name.to_owned()) });
    }
    for raw in args.word("raw").iter().flat_map(|raw| raw.split(',')) {
        presented.push(Presented { value: decode(raw)?, of: None });
    }
    let query = query(world, &mut args)?;
    args.finish()?;
    let states: Vec<On> = presented.iter().map(|one| on_of(world, one.of.as_deref())).collect();
    let values: Vec<&[u8]> = presented.iter().map(|one| one.value.as_slice()).collect();
    let mut verdicts = vec![Verdict::default(); values.len()];
    let judged_all = world.store()?.verify_many(&values, &query, &mut verdicts);
    let mut cells = Vec::new();
    let allowed = match judged_all {
        Ok(allowed) => allowed,
        Err(error) => {
            if verdicts.iter().any(|verdict| *verdict != Verdict::default()) {
                return Err("a verdict was written although the call failed".to_owned());
            }
            let mut answer = Answer::error(&error);
            for on in states {
                answer = answer.cell(Call::VerifyMany, on);
            }
            return Ok(answer);
        }
    };
    let mut results = Vec::new();
    for ((one, on), verdict) in presented.iter().zip(states).zip(verdicts) {
        let answer = judged(world, Call::VerifyMany, on, one, Ok(verdict))?;
        results.push(answer.result);
        cells.extend(answer.cells);
    }
    let mut answer = Answer::new(list(results)).field("allowed", allowed);
    answer.cells = cells;
    Ok(answer)
}

pub(super) fn on_of(world: &World, name: Option<&str>) -> On {
    name.map_or(On::Nobody, |name| world.on_named(name))
}

/// A verdict as an answer. What must hold of every verdict is checked here.
fn judged(
    world: &mut World,
    call: Call,
    on: On,
    presented: &Presented,
    verdict: tokenstore::Result<Verdict>,
) -> Result<Answer, Mistake> {
    let verdict = match verdict {
        Ok(verdict) => verdict,
        Err(error) => return Ok(Answer::error(&error).cell(call, on)),
    };
    let status = verdict.status();
    let named = !matches!(status, Status::Malformed | Status::Unknown);
    if verdict.allowed() != (status == Status::Ok) {
        return Err(format!("{status}, but allowed() is {}", verdict.allowed()));
    }
    if verdict.identity().is_some() != named {
        return Err(format!("{status}, but the identity is {:?}", verdict.identity()));
    }
    let answer = Answer::new(status.name());
    let Some(who) = verdict.identity() else { return Ok(answer.cell(call, on)) };
    match status {
        Status::Expired => world.decide(),
        // The end of an old value is as final as an expiry.
        Status::Superseded if who.old_value() => world.decide(),
        _ => world.see(),
    }
    let token = world.name_of(who.id);
    if let Some(name) = &presented.of
        && world.known(name)?.id != who.id
    {
        return Err(format!("the value is another token's: {token}'s"));
    }
    if let Ok(known) = world.known(&token) {
        known.owner = Some(who.owner);
    }
    let owner = world.store()?.owner(who.owner).map_err(|error| error.to_string())?;
    let projects = match (who.all_projects(), who.no_projects()) {
        (true, false) => "all",
        (false, true) => "none",
        (false, false) => "some",
        (true, true) => return Err("all projects and none at once".to_owned()),
    };
    let answer = answer
        .field("token", token)
        .field("owner", owner.map_or_else(|| "none".to_owned(), |owner| encode(&owner)))
        .field("type", world.type_name(who.type_id))
        .field("expires", who.expires().map_or_else(|| "never".to_owned(), |at| ms_of(at).to_string()))
        .field("word", who.app_word)
        .field("revision", who.revision)
        .field("projects", projects)
        .field("old_value", if who.old_value() { "yes" } else { "no" });
    // Bytes that are no token's as they stand, but are accepted: only what is written out as a value may be.
    Ok(if presented.of.is_some() { answer.cell(call, on) } else { answer })
}

/// `revoke_value TOKEN|value= [by=] [reason=]`.
pub(super) fn revoke_value(world: &mut World, mut args: Args) -> Result<Answer, Mistake> {
    let presented = presented(world, &mut args)?;
    let by = args.text("by")?.unwrap_or_default();
    let reason = args.text("reason")?.unwrap_or_default();
    args.finish()?;
    let on = world.on_value(&presented.value);
    let answer = Answer::change(world.store()?.revoke_value(&presented.value, &by, &reason));
    if answer.result == "CHANGED" {
        let holders = world.all_known().filter(|(_, known)| known.value == presented.value);
        let ids: Vec<_> = holders.map(|(_, known)| known.id).collect();
        ids.into_iter().try_for_each(|id| world.note_end(id))?;
    }
    Ok(answer.cell(Call::RevokeValue, on))
}
