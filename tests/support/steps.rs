//! Steps that change a store.

use std::fmt;
use std::time::Duration;

use time::OffsetDateTime;
use tokenstore::{
    Change, CreatedOrExisting, Edit, Error, Expiry, FamilyPolicy, Grants, Id, NewPair, NewToken, OldAccess,
    Pair, PairValues, Query, Refresh, Result, Store, Target, TypePolicy,
};

use super::look::type_id;
use super::world::World;

/// One call.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Declare(TypePolicy),
    Create(Plan),
    CreateIfAbsent(Plan),
    CreateMany(Vec<Plan>),
    /// With a value made elsewhere.
    Register(Plan, Vec<u8>),
    Grant(Id, &'static str),
    Ungrant(Id, &'static str),
    GrantAll(Id),
    RevokeGrants(Id),
    RemoveProject(&'static str),
    Edit(Id, Changes),
    Disable(Id),
    Enable(Id),
    Revoke(Id),
    RevokeValue(Id),
    Delete(Id),
    /// Another value; the one before works for so long.
    Rotate(Id, Duration),
    Consume(Id),
    /// A family whose refresh values are of this type, with what the plan says.
    IssuePair(Plan, u16),
    /// With the value of this token, whatever became of it.
    Refresh(Id),
    /// By the number of the event that made it.
    RevokeFamily(u64),
    /// Of a type, or all.
    RevokeOwner(Vec<u8>, Option<u16>),
    /// What died before.
    Prune(OffsetDateTime),
    Flush,
    ChangeKey(Option<[u8; 32]>),
}

/// What a call that succeeded came to.
#[derive(Default)]
pub(crate) struct Done {
    /// The tokens that it made, with their values.
    pub(super) made: Vec<(Id, Vec<u8>)>,
    /// The family whose pair they are.
    pub(super) family: Option<Id>,
    /// A token's other value.
    pub(super) value: Option<Vec<u8>>,
    /// A pair that was handed out again: tokens, values and expiries.
    pub(super) replayed: Vec<(Id, Vec<u8>, OffsetDateTime)>,
    /// The answer, of a call that has more than one.
    pub(super) said: String,
}

/// A token to be made.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) type_number: u16,
    pub(crate) owner: Vec<u8>,
    pub(crate) name: Option<String>,
    pub(crate) lifetime: Option<Duration>,
    pub(crate) grants: Grants,
    pub(crate) binding: Option<Vec<u8>>,
    pub(crate) parent: Option<Id>,
    pub(crate) app_word: u64,
    pub(crate) app_data: Vec<u8>,
}

/// What an edit names.
#[derive(Clone, Default)]
pub(crate) struct Changes {
    pub(crate) name: Option<Option<String>>,
    pub(crate) lifetime: Option<Option<Duration>>,
    pub(crate) grants: Option<Grants>,
    pub(crate) app_word: Option<u64>,
    pub(crate) app_data: Option<Vec<u8>>,
}

/// Who makes every change, and why.
pub(crate) const ACTOR: &str = "someone";
pub(crate) const REASON: &str = "for a reason";

/// To whom tokens are bound.
pub(crate) const CLIENT: &[u8] = b"client 7";

/// The projects that tokens are granted.
pub(crate) const PROJECTS: [&str; 5] =
    ["alpha", "beta", "gamma", "delta", "a project with quite a long name"];

/// The types that the stories use, in the order of their numbers.
pub(crate) fn types() -> [TypePolicy; 6] {
    let hours = |hours: u64| Duration::from_secs(hours * 3_600);
    // Long enough for some of what is asked again a few steps later.
    let families = FamilyPolicy::new(hours(3), hours(8), hours(24 * 30)).grace(Duration::from_secs(2_700));
    [
        TypePolicy::new("server", "srv"),
        TypePolicy::new("secret", "sec").by_name_only(true).unique_names(false),
        TypePolicy::new("external", "ext").accepts_external(true),
        TypePolicy::new("ticket", "sso").uses(2),
        TypePolicy::new("session", "ses").families(families),
        TypePolicy::new("sign-in", "sin").families(families.old_access(OldAccess::EndsWithGrace)),
    ]
}

/// The number of the type of access values, which other tokens have, too.
pub(crate) const ACCESS: u16 = 1;
/// The number of the type whose tokens are accepted by name only.
pub(crate) const BY_NAME_ONLY: u16 = 2;
pub(crate) const EXTERNAL: u16 = 3;
pub(crate) const TICKET: u16 = 4;
/// The numbers of the types of refresh values.
pub(crate) const REFRESH: [u16; 2] = [5, 6];

impl Step {
    /// Makes the call.
    pub(crate) fn call(&self, store: &Store, world: &World) -> Result<Done> {
        let target = |id: &Id| Target::new(*id).by(ACTOR).reason(REASON);
        let changed = |change: Result<Change>| change.map(|_| Done::default());
        let made = |made: Vec<(Id, Vec<u8>)>| Done { made, ..Done::default() };
        match self {
            Step::Declare(policy) => store.declare(policy).map(|_| Done::default()),
            Step::Create(plan) => {
                let created = store.create(&plan.token(store))?;
                Ok(made(vec![(created.id, created.value.as_bytes().to_vec())]))
            }
            Step::CreateIfAbsent(plan) => Ok(match store.create_if_absent(&plan.token(store))? {
                CreatedOrExisting::Created(created) => {
                    made(vec![(created.id, created.value.as_bytes().to_vec())])
                }
                CreatedOrExisting::Existing(_) => Done::default(),
            }),
            Step::CreateMany(plans) => {
                let tokens: Vec<NewToken> = plans.iter().map(|plan| plan.token(store)).collect();
                let created = store.create_many(&tokens).into_iter();
                let each = created.map(|made| made.map(|made| (made.id, made.value.as_bytes().to_vec())));
                each.collect::<Result<_>>().map(made)
            }
            Step::Register(plan, value) => {
                let registered = store.create_from_value(&plan.token(store), value)?;
                Ok(made(vec![(registered.id, value.clone())]))
            }
            Step::Grant(id, project) => changed(store.grant(target(id), project)),
            Step::Ungrant(id, project) => changed(store.ungrant(target(id), project)),
            Step::GrantAll(id) => changed(store.grant_all(target(id))),
            Step::RevokeGrants(id) => changed(store.revoke_grants(target(id))),
            Step::RemoveProject(project) => {
                store.remove_project(project, ACTOR, REASON).map(|_| Done::default())
            }
            Step::Edit(id, changes) => changed(store.edit(target(id), &changes.edit())),
            Step::Disable(id) => changed(store.disable(target(id))),
            Step::Enable(id) => changed(store.enable(target(id))),
            Step::Revoke(id) => changed(store.revoke(target(id))),
            Step::RevokeValue(id) => changed(store.revoke_value(&world.known(*id).value, ACTOR, REASON)),
            Step::Delete(id) => changed(store.delete(target(id))),
            Step::Rotate(id, grace) => {
                let rotated = store.rotate(target(id), *grace)?;
                assert_eq!(rotated.id, *id);
                Ok(Done { value: Some(rotated.value.as_bytes().to_vec()), ..Done::default() })
            }
            Step::Consume(id) => {
                let known = world.known(*id);
                let mut query = Query::of_type(type_id(store, TICKET));
                if let Some(binding) = &known.binding {
                    query = query.binding(binding);
                }
                let consumed = store.consume(&known.value, &query)?;
                let status = consumed.verdict.status();
                let said = match (consumed.uses_left, consumed.app_data) {
                    (Some(left), Some(data)) => format!("{status:?}, {left} left, {} bytes", data.len()),
                    _ => format!("{status:?}"),
                };
                Ok(Done { said, ..Done::default() })
            }
            Step::IssuePair(plan, refresh_type) => {
                let pair = store.issue_pair(&plan.pair(store, *refresh_type))?;
                Ok(Done { family: Some(pair.family), ..made(values(&pair)) })
            }
            Step::Refresh(id) => {
                let (value, binding) = (&world.known(*id).value, world.binding_of(*id));
                Ok(match store.refresh_to_values(value, binding, PairValues::default(), ACTOR)? {
                    Refresh::Rotated(pair) => {
                        let said = "Rotated".into();
                        Done { family: Some(pair.family), said, ..made(values(&pair)) }
                    }
                    Refresh::Replayed(pair) => {
                        let expiries = [pair.access.expires, pair.refresh.expires];
                        let each = values(&pair).into_iter().zip(expiries);
                        let replayed = each.map(|((id, value), expires)| (id, value, expires)).collect();
                        Done { replayed, said: "Replayed".into(), ..Done::default() }
                    }
                    Refresh::Refused(status) => Done { said: format!("{status:?}"), ..Done::default() },
                })
            }
            Step::RevokeFamily(family) => changed(store.revoke_family(target(&world.family_id(*family)))),
            Step::RevokeOwner(owner, type_number) => {
                let of_type = type_number.map(|number| type_id(store, number));
                changed(store.revoke_owner(owner, of_type, ACTOR, REASON))
            }
            Step::Prune(dead_before) => {
                let said = store.prune(*dead_before, 1_000)?.to_string();
                Ok(Done { said, ..Done::default() })
            }
            Step::Flush => store.flush().map(|()| Done::default()),
            Step::ChangeKey(key) => store.change_key(key.as_ref()).map(|()| Done::default()),
        }
    }
}

/// A pair's tokens and values.
fn values(pair: &Pair) -> Vec<(Id, Vec<u8>)> {
    [&pair.access, &pair.refresh].map(|issued| (issued.id, issued.value.as_bytes().to_vec())).into()
}

impl Plan {
    fn token(&self, store: &Store) -> NewToken {
        let mut token = NewToken::new(type_id(store, self.type_number), &self.owner)
            .expires(self.lifetime.map_or(Expiry::Never, Expiry::In))
            .grants(self.grants.clone())
            .app_word(self.app_word)
            .app_data(self.app_data.clone())
            .by(ACTOR);
        if let Some(name) = &self.name {
            token = token.name(name);
        }
        if let Some(binding) = &self.binding {
            token = token.binding(binding);
        }
        if let Some(parent) = self.parent {
            token = token.parent(parent);
        }
        token
    }

    /// A bound plan's access values are bound, too.
    fn pair(&self, store: &Store, refresh_type: u16) -> NewPair {
        let (access, refresh) = (type_id(store, ACCESS), type_id(store, refresh_type));
        let binding = self.binding.as_deref().unwrap_or(CLIENT);
        let mut pair = NewPair::new(access, refresh, &self.owner, binding)
            .bind_access(self.binding.is_some())
            .grants(self.grants.clone())
            .app_word(self.app_word)
            .app_data(self.app_data.clone())
            .by(ACTOR);
        if let Some(name) = &self.name {
            pair = pair.name(name);
        }
        pair
    }
}

impl Changes {
    fn edit(&self) -> Edit {
        let Changes { name, lifetime, grants, app_word, app_data } = self.clone();
        let mut edit = Edit::new();
        match name {
            Some(Some(name)) => edit = edit.name(name),
            Some(None) => edit = edit.no_name(),
            None => {}
        }
        if let Some(lifetime) = lifetime {
            edit = edit.expires(lifetime.map_or(Expiry::Never, Expiry::In));
        }
        if let Some(grants) = grants {
            edit = edit.grants(grants);
        }
        if let Some(app_word) = app_word {
            edit = edit.app_word(app_word);
        }
        if let Some(app_data) = app_data {
            edit = edit.app_data(app_data);
        }
        edit
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { type_number, owner, name, grants, parent, app_data, .. } = self;
        let (owner, bytes) = (owner.escape_ascii(), app_data.len());
        write!(f, "type {type_number}, {owner}, {name:?}, {grants:?}, under {parent:?}, {bytes} bytes")
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Changes { name, lifetime, grants, app_word, app_data } = self;
        let app_data = app_data.as_ref().map(Vec::len);
        write!(f, "{name:?}, {lifetime:?}, {grants:?}, {app_word:?}, {app_data:?} bytes")
    }
}

/// A call that failed, with what it may have done all the same.
pub(crate) struct Failed {
    pub(crate) error: Error,
    pub(crate) next: Box<World>,
    /// What is true if only some of its commits were made.
    pub(crate) between: Vec<World>,
}
