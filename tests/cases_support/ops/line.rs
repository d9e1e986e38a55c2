//! Other values for tokens, and the ends of many tokens at once.

use std::time::Duration;

use tokenstore::{Id, State};

use super::change::target;
use crate::cases_support::Mistake;
use crate::cases_support::answer::Answer;
use crate::cases_support::args::Args;
use crate::cases_support::cells::{Call, Cell, On};
use crate::cases_support::world::{World, time_at};

/// `rotate TOKEN to=NAME grace=MS ...`: NAME is a word for the new value, TOKEN stays one for the value before.
pub(super) fn rotate(world: &mut World, mut args: Args) -> Result<Answer, Mistake> {
    let (id, target) = target(world, &mut args)?;
    let name = args.required("to")?;
    let grace = args.number("grace")?.ok_or("`grace=` is missing")?;
    args.finish()?;
    let on = world.on(id);
    let answer = match world.store()?.rotate(target, Duration::from_millis(grace)) {
        Ok(made) if made.id != id => return Err("the new value is another token's".to_owned()),
        Ok(made) => {
            world.name_next_value(&name, id, made.value.as_bytes())?;
            Answer::new("CHANGED").field("revision", made.revision)
        }
        Err(error) => Answer::error(&error),
    };
    if answer.result == "EXPIRED" {
        world.decide();
    }
    Ok(answer.cell(Call::Rotate, on))
}

/// `revoke_owner owner= [type=] [by=] [reason=]`.
pub(super) fn revoke_owner(world: &mut World, mut args: Args) -> Result<Answer, Mistake> {
    let owner = args.bytes("owner")?.ok_or("`owner=` is missing")?;
    let type_id = args.word("type").map(|name| world.type_id(&name)).transpose()?;
    let by = args.text("by")?.unwrap_or_default();
    let reason = args.text("reason")?.unwrap_or_default();
    args.finish()?;
    let before = states(world);
    let revoked = world.store()?.revoke_owner(&owner, type_id, &by, &reason);
    let mut answer = Answer::change(revoked).cell(Call::RevokeOwner, On::Open);
    if answer.result != "CHANGED" {
        return Ok(answer);
    }
    world.note_owners_end(&owner, type_id);
    for (name, id, on) in before.into_iter().filter(|(_, _, on)| !on.is_revoked() && *on != On::Orphan) {
        let token = world.store()?.get(id).map_err(|error| format!("{name} cannot be read: {error}"))?;
        let ended = token.state == State::Revoked;
        if ended != (world.on(id) == On::Orphan) {
            return Err(format!("{name} is {:?} now", token.state));
        }
        let result = if ended { "ENDED" } else { "SPARED" };
        answer.cells.push(Cell { call: Call::RevokeOwner, on, answer: result.to_owned() });
    }
    Ok(answer)
}

/// `prune before=TIME limit=N`: the field `tokens` is how many were taken out.
pub(super) fn prune(world: &mut World, mut args: Args) -> Result<Answer, Mistake> {
    let before = time_at(args.number("before")?.ok_or("`before=` is missing")?)?;
    let limit = args.number("limit")?.ok_or("`limit=` is missing")?;
    args.finish()?;
    let held = states(world);
    let pruned = match world.store()?.prune(before, limit) {
        Ok(pruned) => pruned,
        Err(error) => return Ok(Answer::error(&error).cell(Call::Prune, On::Open)),
    };
    let mut answer = Answer::new("OK").field("tokens", pruned).cell(Call::Prune, On::Open);
    let mut gone = 0;
    for (_, id, on) in held {
        world.note_change(id)?;
        let result = if world.on(id) == On::Deleted { "GONE" } else { "KEPT" };
        gone += u64::from(result == "GONE");
        answer.cells.push(Cell { call: Call::Prune, on, answer: result.to_owned() });
    }
    if gone != pruned {
        return Err(format!("{pruned} are said to be taken out, and {gone} are gone"));
    }
    Ok(answer)
}

/// Every token that there is, by its first name, and what it is.
fn states(world: &World) -> Vec<(String, Id, On)> {
    let tokens = world.all_known().filter(|(_, known)| !known.later_name && !known.deleted);
    tokens.map(|(name, known)| (name.clone(), known.id, world.on(known.id))).collect()
}
