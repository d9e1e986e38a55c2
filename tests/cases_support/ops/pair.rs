//! Families: pairs issued and refreshed, and the end of the line.

use tokenstore::{NewPair, Pair, PairValues, Refresh, Status, TypePolicy};

use super::change::target;
use super::verify::{on_of, presented};
use crate::cases_support::Mistake;
use crate::cases_support::answer::Answer;
use crate::cases_support::args::Args;
use crate::cases_support::cells::{Call, On};
use crate::cases_support::line::KnownFamily;
use crate::cases_support::world::{World, ms_of};

/// Values of the caller's own for a pair.
struct OwnValues {
    access: Option<Vec<u8>>,
    refresh: Option<Vec<u8>>,
}

impl OwnValues {
    /// `[access_value=|access_value_of=] [refresh_value=|refresh_value_of=]`.
    fn read(world: &mut World, args: &mut Args) -> Result<OwnValues, Mistake> {
        let mut read = |key: &str| match (args.bytes(key)?, args.word(&format!("{key}_of"))) {
            (Some(_), Some(_)) => Err(format!("either `{key}` or `{key}_of`")),
            (value, None) => Ok(value),
            (None, Some(token)) => world.known(&token).map(|known| Some(known.value.clone())),
        };
        Ok(OwnValues { access: read("access_value")?, refresh: read("refresh_value")? })
    }

    fn are_given(&self) -> bool {
        self.access.is_some() || self.refresh.is_some()
    }

    fn as_given(&self) -> PairValues<'_> {
        PairValues { access: self.access.as_deref(), refresh: self.refresh.as_deref() }
    }

    /// What the token is that has one of the values already.
    fn held_by(&self, world: &World) -> On {
        let values = self.access.iter().chain(&self.refresh);
        let held: Vec<On> = values.map(|value| world.on_value(value)).collect();
        let rank = |on: &&On| (**on != On::Nobody, **on != On::Deleted);
        held.iter().max_by_key(rank).copied().unwrap_or(On::Nobody)
    }
}

/// `issue_pair FAMILY access=TOKEN refresh=TOKEN access_type= refresh_type= owner= client= [name=] [projects=]
/// [bind_access=yes] [data=] [word=] [by=] [access_value=] [refresh_value=]`.
pub(super) fn issue_pair(world: &mut World, mut args: Args) -> Result<Answer, Mistake> {
    let family = args.next("a name for the family")?;
    let names = (args.required("access")?, args.required("refresh")?);
    let access_type = world.type_id(&args.required("access_type")?)?;
    let refresh_type = world.type_id(&args.required("refresh_type")?)?;
    let owner = args.bytes("owner")?.ok_or("`owner=` is missing")?;
    let client = args.bytes("client")?.ok_or("`client=` is missing")?;
    let mut new = NewPair::new(access_type, refresh_type, &owner, client);
    if let Some(name) = args.name()?.flatten() {
        new = new.name(name);
    }
    if let Some(grants) = args.grants()? {
        new = new.grants(grants);
    }
    new = new.bind_access(args.flag("bind_access")?.unwrap_or(false));
    if let Some(data) = args.bytes("data")? {
        new = new.app_data(data);
    }
    if let Some(word) = args.number("word")? {
        new = new.app_word(word);
    }
    if let Some(by) = args.text("by")? {
        new = new.by(by);
    }
    let own = OwnValues::read(world, &mut args)?;
    args.finish()?;
    for word in [&family, &names.0, &names.1] {
        world.must_be_free(word)?;
    }
    let held = own.held_by(world);
    let store = world.store()?;
    let (call, on, issued) = match own.are_given() {
        true => (Call::IssuePairFromValues, held, store.issue_pair_from_values(&new, own.as_given())),
        false => (Call::IssuePair, On::Open, store.issue_pair(&new)),
    };
    let pair = match issued {
        Ok(pair) => pair,
        Err(error) => return Ok(Answer::error(&error).cell(call, on)),
    };
    let policy = store.policy(refresh_type).and_then(TypePolicy::family_policy).copied();
    let policy = policy.ok_or("a pair was made of a type that has no families")?;
    let now_ms = ms_of(store.get(pair.refresh.id).map_err(|error| error.to_string())?.created);
    let known = KnownFamily {
        id: pair.family,
        owner,
        types: [refresh_type, access_type],
        expires_ms: now_ms.saturating_add(policy.lifetimes().2.as_millis() as i64),
        old_access: policy.fate_of_old_access(),
        access: pair.access.id,
        revoked: false,
        killed: false,
    };
    world.name_family(&family, known)?;
    name_members(world, &pair, &names)?;
    Ok(pair_fields(world, Answer::new("CREATED"), &pair).cell(call, on))
}

fn name_members(world: &mut World, pair: &Pair, names: &(String, String)) -> Result<(), Mistake> {
    world.name_token(&names.0, pair.access.id, pair.access.value.as_bytes())?;
    world.name_token(&names.1, pair.refresh.id, pair.refresh.value.as_bytes())
}

fn pair_fields(world: &World, answer: Answer, pair: &Pair) -> Answer {
    answer
        .field("family", world.name_of(pair.family))
        .field("access", world.name_of(pair.access.id))
        .field("refresh", world.name_of(pair.refresh.id))
        .field("access_expires", ms_of(pair.access.expires))
        .field("refresh_expires", ms_of(pair.refresh.expires))
        .field("revision", pair.revision)
}

/// `refresh TOKEN|value= client= [access=TOKEN refresh=TOKEN] [access_value=] [refresh_value=] [by=]`.
pub(super) fn refresh(world: &mut World, mut args: Args) -> Result<Answer, Mistake> {
    let presented = presented(world, &mut args)?;
    let client = args.bytes("client")?.ok_or("`client=` is missing")?;
    let names = match (args.word("access"), args.word("refresh")) {
        (Some(access), Some(refresh)) => Some((access, refresh)),
        (None, None) => None,
        _ => return Err("`access` and `refresh` stand together".to_owned()),
    };
    let own = OwnValues::read(world, &mut args)?;
    let by = args.text("by")?;
    args.finish()?;
    for word in names.iter().flat_map(|(access, refresh)| [access, refresh]) {
        world.must_be_free(word)?;
    }
    let on = on_of(world, presented.of.as_deref());
    let store = world.store()?;
    let (call, refreshed) = match own.are_given() || by.is_some() {
        true => {
            let by = by.unwrap_or_default();
            let refreshed = store.refresh_to_values(&presented.value, client, own.as_given(), &by);
            (Call::RefreshToValues, refreshed)
        }
        false => (Call::Refresh, store.refresh(&presented.value, client)),
    };
    let answer = match refreshed {
        Ok(Refresh::Rotated(pair)) => {
            let names = names.ok_or("a pair was made, and the line has no names for it")?;
            name_members(world, &pair, &names)?;
            let used = presented.of.as_deref().ok_or("a value that no line named got a pair")?;
            let used = world.known(used)?.id;
            world.note_refresh(used, pair.family, pair.access.id)?;
            pair_fields(world, Answer::new("ROTATED"), &pair)
        }
        Ok(Refresh::Replayed(pair)) => {
            for issued in [&pair.access, &pair.refresh] {
                let name = world.name_of(issued.id);
                if world.known(&name)?.value != issued.value.as_bytes() {
                    return Err(format!("another value than the one that {name} was made with"));
                }
            }
            world.decide();
            pair_fields(world, Answer::new("REPLAYED"), &pair)
        }
        Ok(Refresh::Refused(status)) => {
            refused(world, status, presented.of.as_deref())?;
            Answer::new(status.name())
        }
        Err(error) => Answer::error(&error),
    };
    Ok(answer.cell(call, on))
}

/// Notes what a refusal did: one kind of them ends the family.
fn refused(world: &mut World, status: Status, of: Option<&str>) -> Result<(), Mistake> {
    match (status, of) {
        (Status::Expired, _) => world.decide(),
        (Status::Reused, Some(used)) => {
            let id = world.known(used)?.id;
            world.note_end(id)?;
        }
        _ => {}
    }
    Ok(())
}

/// `revoke_family FAMILY [if_owner=] [if_revision=] [by=] [reason=]`.
pub(super) fn revoke_family(world: &mut World, mut args: Args) -> Result<Answer, Mistake> {
    let word = args.next("a family")?;
    args.put_back(word.clone());
    let (id, target) = target(world, &mut args)?;
    args.finish()?;
    let on = world.on_family(&word);
    let answer = Answer::change(world.store()?.revoke_family(target));
    if answer.result == "CHANGED"
        && let Some(family) = world.family_of(id)
    {
        family.revoked = true;
        let member = family.access;
        world.note_change(member)?;
    }
    // A family of which nothing is left may be gone itself.
    let is_left = world.all_known().any(|(_, known)| known.token.family == Some(id) && !known.deleted);
    let found = !matches!(answer.result.as_str(), "NOT_FOUND" | "INVALID_ARGUMENT");
    let on = if found || on == On::Nobody || is_left { on } else { On::Deleted };
    Ok(answer.cell(Call::RevokeFamily, on))
}
