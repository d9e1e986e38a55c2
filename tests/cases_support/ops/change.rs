//! Changing tokens by their ids.

use tokenstore::{Change, Edit, Id, Store, Target};

use crate::cases_support::Mistake;
use crate::cases_support::answer::{Answer, changed_name};
use crate::cases_support::args::Args;
use crate::cases_support::cells::{Call, Cell, On};
use crate::cases_support::world::World;

/// `TOKEN` or `FAMILY`, or `id:UUID` for any id.
pub(super) fn subject(world: &mut World, word: &str) -> Result<Id, Mistake> {
    match word.strip_prefix("id:") {
        Some(uuid) => uuid.parse().map_err(|_| format!("`{uuid}` is no UUID")),
        None => match world.family(word) {
            Some(family) => Ok(family.id),
            None => world.known(word).map(|known| known.id),
        },
    }
}

/// `TOKEN [if_owner=] [if_revision=] [by=] [reason=]`.
pub(super) fn target(world: &mut World, args: &mut Args) -> Result<(Id, Target), Mistake> {
    let id = subject(world, &args.next("a token")?)?;
    let mut target = Target::new(id);
    if let Some(owner) = args.bytes("if_owner")? {
        target = target.owner(owner);
    }
    if let Some(revision) = args.number("if_revision")? {
        target = target.revision(revision);
    }
    if let Some(by) = args.text("by")? {
        target = target.by(by);
    }
    if let Some(reason) = args.text("reason")? {
        target = target.reason(reason);
    }
    Ok((id, target))
}

/// Makes a change and notes what it did.
fn change(
    world: &mut World,
    call: Call,
    id: Id,
    run: impl FnOnce(&Store) -> tokenstore::Result<Change>,
) -> Result<Answer, Mistake> {
    let on = world.on(id);
    let answer = Answer::change(run(world.store()?));
    match answer.result.as_str() {
        "CHANGED" if matches!(call, Call::Revoke | Call::Delete) => world.note_end(id)?,
        "CHANGED" => world.note_change(id)?,
        "EXPIRED" => world.decide(),
        _ => {}
    }
    Ok(answer.cell(call, on))
}

type Run = fn(&Store, Target) -> tokenstore::Result<Change>;

/// The changes that need nothing but a target.
pub(super) fn plain(world: &mut World, name: &str, mut args: Args) -> Result<Answer, Mistake> {
    let (id, target) = target(world, &mut args)?;
    args.finish()?;
    let (call, run): (Call, Run) = match name {
        "grant_all" => (Call::GrantAll, |store, target| store.grant_all(target)),
        "revoke_grants" => (Call::RevokeGrants, |store, target| store.revoke_grants(target)),
        "disable" => (Call::Disable, |store, target| store.disable(target)),
        "enable" => (Call::Enable, |store, target| store.enable(target)),
        "revoke" => (Call::Revoke, |store, target| store.revoke(target)),
        "delete" => (Call::Delete, |store, target| store.delete(target)),
        _ => return Err(format!("there is no change `{name}`")),
    };
    change(world, call, id, |store| run(store, target))
}

/// `edit TOKEN [name=] [expires=|lifetime=] [projects=] [data=] [word=] ...`.
pub(super) fn edit(world: &mut World, mut args: Args) -> Result<Answer, Mistake> {
    let (id, target) = target(world, &mut args)?;
    let name = args.name()?;
    let mut edit = match &name {
        Some(Some(name)) => Edit::new().name(name),
        Some(None) => Edit::new().no_name(),
        None => Edit::new(),
    };
    if let Some(expiry) = args.expiry()? {
        edit = edit.expires(expiry);
    }
    if let Some(grants) = args.grants()? {
        edit = edit.grants(grants);
    }
    if let Some(data) = args.bytes("data")? {
        edit = edit.app_data(data);
    }
    if let Some(word) = args.number("word")? {
        edit = edit.app_word(word);
    }
    args.finish()?;
    let namesake = on_namesake(world, id, name.flatten().as_deref());
    let mut answer = change(world, Call::Edit, id, |store| store.edit(target, &edit))?;
    if let Some(on) = namesake.filter(|_| matches!(answer.result.as_str(), "CHANGED" | "NAME_TAKEN")) {
        answer.cells.push(Cell { call: Call::EditName, on, answer: answer.result.clone() });
    }
    Ok(answer)
}

/// The state of another token that holds a name which this one is to get.
fn on_namesake(world: &World, id: Id, name: Option<&str>) -> Option<On> {
    let known = world.all_known().find(|(_, known)| known.id == id)?.1;
    if name.is_none() || known.token.name.as_deref() == name || known.token.family.is_some() {
        return None;
    }
    Some(world.on_namesake(known.token.type_id, &known.token.owner, name, Some(id)))
}

/// `grant TOKEN project= ...`.
pub(super) fn grant(world: &mut World, mut args: Args) -> Result<Answer, Mistake> {
    let (id, target) = target(world, &mut args)?;
    let project = args.bytes("project")?.ok_or("`project=` is missing")?;
    args.finish()?;
    change(world, Call::Grant, id, |store| store.grant(target, project))
}

/// `ungrant TOKEN project= ...`.
pub(super) fn ungrant(world: &mut World, mut args: Args) -> Result<Answer, Mistake> {
    let (id, target) = target(world, &mut args)?;
    let project = args.bytes("project")?.ok_or("`project=` is missing")?;
    args.finish()?;
    change(world, Call::Ungrant, id, |store| store.ungrant(target, project))
}

/// `remove_project project= [by=] [reason=]`: the field `tokens` is how many were changed.
pub(super) fn remove_project(world: &mut World, mut args: Args) -> Result<Answer, Mistake> {
    let project = args.bytes("project")?.ok_or("`project=` is missing")?;
    let by = args.text("by")?.unwrap_or_default();
    let reason = args.text("reason")?.unwrap_or_default();
    args.finish()?;
    let removed = match world.store()?.remove_project(&project, &by, &reason) {
        Ok(removed) => removed,
        Err(error) => return Ok(Answer::error(&error).cell(Call::RemoveProject, On::Open)),
    };
    let mut answer = Answer::new(changed_name(removed > 0)).field("tokens", removed);
    answer = answer.cell(Call::RemoveProject, On::Open);
    let before: Vec<_> = world
        .all_known()
        .filter(|(_, known)| !known.deleted)
        .map(|(_, known)| (known.id, known.token.revision, world.on(known.id)))
        .collect();
    for (id, revision, on) in before {
        world.note_change(id)?;
        let changed = world.all_known().any(|(_, known)| known.id == id && known.token.revision != revision);
        let cell = Cell { call: Call::RemoveProject, on, answer: changed_name(changed).to_owned() };
        answer.cells.push(cell);
    }
    Ok(answer)
}
