//! What a store must hold, told by a model that shares nothing with it: steps that change it.
//!
//! Last uses are left out: nothing depends on them, and the file does not protect them.

use std::collections::BTreeMap;
use std::sync::Arc;

use time::OffsetDateTime;
use time::macros::datetime;
use tokenstore::{EventDetail, EventKind, Grants, Id, Store, TypePolicy};

use super::ends::Kill;
use super::known::{Family, Known, earlier};
use super::steps::{ACTOR, Done, Failed, Plan, REASON, Step, types};

/// When every story begins.
pub(crate) const START: OffsetDateTime = datetime!(2031-05-01 12:00 UTC);

/// Everything that was acknowledged.
#[derive(Clone)]
pub(crate) struct World {
    /// In the order of declaration: a type's number is its place, from 1.
    pub(super) types: Vec<TypePolicy>,
    pub(super) tokens: BTreeMap<Id, Arc<Known>>,
    /// Tokens that may have been made by a call that did not come back: everything but id and value is known.
    pub(super) strangers: Vec<Arc<Known>>,
    /// By the number of the event that made it.
    pub(super) families: BTreeMap<u64, Family>,
    pub(super) kills: Vec<Kill>,
    /// Values of tokens that are not there any more, and values that a second rotation ended.
    pub(super) gone: Vec<Arc<[u8]>>,
    pub(super) events: Vec<Happened>,
    pub(super) max_events: u64,
    /// The caller's key.
    pub(crate) key: Option<[u8; 32]>,
    /// When the last commit was made: time does not go back behind it.
    pub(crate) mark: OffsetDateTime,
    /// The mark may be another: so a world with a later one would look.
    pub(super) is_vague: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Happened {
    pub(super) kind: EventKind,
    /// The token or the family. None is a stranger.
    pub(super) id: Option<Id>,
    pub(super) type_number: Option<u16>,
    pub(super) at: OffsetDateTime,
    pub(super) by: String,
    pub(super) reason: String,
    pub(super) detail: Option<EventDetail>,
}

/// What a step makes of a world.
pub(super) struct After {
    /// What is true after each of its commits.
    pub(super) stages: Vec<World>,
    /// What the call says, as [`Done`] does.
    pub(super) said: String,
}

impl World {
    /// A new store's.
    pub(crate) fn new(key: Option<[u8; 32]>, max_events: u64) -> World {
        World {
            types: Vec::new(),
            tokens: BTreeMap::new(),
            strangers: Vec::new(),
            families: BTreeMap::new(),
            kills: Vec::new(),
            gone: Vec::new(),
            events: Vec::new(),
            max_events,
            key,
            mark: START,
            is_vague: false,
        }
    }

    pub(crate) fn sequence(&self) -> u64 {
        self.events.len() as u64
    }

    /// What happened so far.
    pub(crate) fn event_kinds(&self) -> impl Iterator<Item = EventKind> {
        self.events.iter().map(|event| event.kind)
    }

    pub(crate) fn ids(&self) -> Vec<Id> {
        self.tokens.keys().copied().collect()
    }

    pub(crate) fn tokens(&self) -> impl Iterator<Item = (Id, &Known)> {
        self.tokens.iter().map(|(id, known)| (*id, &**known))
    }

    /// The tokens that nothing ended yet.
    pub(crate) fn live(&self, now: OffsetDateTime) -> Vec<Id> {
        self.tokens().filter(|(_, known)| !self.state(known, now).is_dead()).map(|(id, _)| id).collect()
    }

    /// A token that is there.
    pub(crate) fn known(&self, id: Id) -> &Known {
        &self.tokens[&id]
    }

    /// Has the store take a step, and returns what must be true then. If the call fails, that comes with what must be
    /// true if the step was taken all the same.
    pub(crate) fn take(&self, store: &Store, step: &Step, clock: OffsetDateTime) -> Result<World, Failed> {
        let After { mut stages, said } = self.after(step, clock.max(self.mark));
        let mut next = stages.pop().expect("a step comes to something");
        match step.call(store, self) {
            Ok(done) => {
                assert_eq!(done.said, said, "{step:?}");
                next.hear(self, step, done);
                Ok(next)
            }
            Err(error) => Err(Failed { error, next: Box::new(next), between: stages }),
        }
    }

    /// What may be true while a step is under way, beside what was before it and what is after it.
    pub(crate) fn between(&self, step: &Step, clock: OffsetDateTime) -> Vec<World> {
        let mut stages = self.after(step, clock.max(self.mark)).stages;
        stages.pop();
        stages
    }

    /// Who a call made, and which values.
    fn hear(&mut self, before: &World, step: &Step, done: Done) {
        let Done { made, family, value, replayed, said: _ } = done;
        assert_eq!(before.strangers.len() + made.len(), self.strangers.len(), "{step:?}");
        let strangers = self.strangers.split_off(before.strangers.len());
        for ((id, value), known) in made.into_iter().zip(strangers) {
            self.introduce(id, &value, &known, family);
        }
        if let (Step::Rotate(id, _), Some(value)) = (step, value) {
            Arc::make_mut(self.tokens.get_mut(id).expect("a token to rotate")).value = value.into();
        }
        for (id, value, expires) in replayed {
            let value: Arc<[u8]> = value.into();
            // It may have been deleted or given another value since.
            let Some(known) = self.tokens.get_mut(&id).filter(|_| !self.gone.contains(&value)) else {
                assert!(self.gone.contains(&value), "{step:?}: a pair that nobody made");
                continue;
            };
            assert_eq!(known.expires, Some(expires), "{step:?}");
            // It is the value of before, if a rotation did not come back.
            if !known.values().any(|(known, _)| *known == value) {
                assert!(known.value.is_empty(), "{step:?}: another value");
                Arc::make_mut(known).value = value;
            }
        }
    }

    /// What is true after a step. What it makes is a stranger yet.
    fn after(&self, step: &Step, now: OffsetDateTime) -> After {
        let mut next = self.clone();
        let mut said = String::new();
        match step {
            Step::Declare(policy) => {
                if !self.types.contains(policy) {
                    next.types.push(policy.clone());
                    let number = next.types.len() as u16;
                    next.happened(EventKind::TypeDeclared, None, now, "", "");
                    next.last_event().type_number = Some(number);
                }
            }
            Step::Create(plan) | Step::Register(plan, _) => next.plan(plan, now),
            Step::CreateIfAbsent(plan) => {
                let there = self.tokens().any(|(_, known)| {
                    known.type_number == plan.type_number
                        && known.owner == plan.owner
                        && known.name == plan.name
                        && !self.state(known, now).is_dead()
                });
                if !there {
                    next.plan(plan, now);
                }
            }
            Step::CreateMany(plans) => plans.iter().for_each(|plan| next.plan(plan, now)),
            Step::Grant(id, project) => next.change(id, EventKind::Granted, now, &|known| {
                if let Grants::Projects(projects) = &mut known.grants {
                    projects.insert(project.as_bytes().to_vec());
                }
            }),
            Step::Ungrant(id, project) => next.change(id, EventKind::Ungranted, now, &without(project)),
            Step::GrantAll(id) => {
                next.change(id, EventKind::GrantedAll, now, &|known| known.grants = Grants::All);
            }
            Step::RevokeGrants(id) => {
                next.change(id, EventKind::GrantsRevoked, now, &|known| known.grants = Grants::none());
            }
            Step::RemoveProject(project) => {
                for id in self.live(now) {
                    next.change(&id, EventKind::Ungranted, now, &without(project));
                }
            }
            Step::Edit(id, changes) => {
                let parent = self.known(*id).parent.map(|parent| self.known(parent).expires);
                next.change(id, EventKind::Edited, now, &|known| {
                    known.edit(changes, now);
                    if let (Some(Some(latest)), Some(_)) = (parent, &changes.lifetime) {
                        known.expires = Some(earlier(known.expires, latest));
                    }
                });
            }
            Step::Disable(id) => next.change(id, EventKind::Disabled, now, &|known| known.disabled = true),
            Step::Enable(id) => next.change(id, EventKind::Enabled, now, &|known| known.disabled = false),
            Step::Revoke(id) | Step::RevokeValue(id) => next.revoke(id, now),
            Step::Delete(id) => next.delete(*id, now),
            Step::Rotate(id, grace) => {
                let before = self.known(*id).old_value.clone();
                next.gone.extend(before.map(|(value, _)| value).filter(|value| !value.is_empty()));
                next.change(id, EventKind::Rotated, now, &|known| known.rotate(now + *grace));
            }
            Step::Consume(id) => said = next.consume(*id, now),
            Step::IssuePair(plan, refresh_type) => next.issue_pair(plan, *refresh_type, now),
            Step::Refresh(id) => said = next.refresh(*id, now),
            Step::RevokeFamily(family) => next.revoke_family(*family, now),
            Step::RevokeOwner(owner, type_number) => {
                let watermark = next.happened(EventKind::OwnerRevoked, None, now, ACTOR, REASON);
                let event = next.last_event();
                (event.type_number, event.detail) = (*type_number, Some(EventDetail::Owner(owner.clone())));
                next.kills.retain(|kill| kill.owner != *owner || kill.type_number != *type_number);
                let (owner, type_number) = (owner.clone(), *type_number);
                next.kills.push(Kill { owner, type_number, watermark, at: now });
            }
            Step::Prune(dead_before) => {
                let said = self.prunable(*dead_before, now).len().to_string();
                return After { stages: self.pruned(*dead_before, now), said };
            }
            Step::Flush => next.set_mark(now),
            Step::ChangeKey(key) => next.key = *key,
        }
        if next.events.len() != self.events.len() {
            next.set_mark(now);
        }
        After { stages: vec![next], said }
    }

    /// Changes a token, and with a member what all of its family have.
    fn change(&mut self, id: &Id, kind: EventKind, now: OffsetDateTime, change: &dyn Fn(&mut Known)) {
        let old = Arc::clone(&self.tokens[id]);
        let mut new = Known::clone(&old);
        change(&mut new);
        if new.same_but_revision(&old) {
            return;
        }
        new.revision = self.happened(kind, Some(*id), now, ACTOR, REASON);
        if let Some(member) = old.member.filter(|_| !old.is_joined(&new)) {
            let revision = new.revision;
            self.of_family(member.family, revision, |known| known.join(&new));
        }
        self.tokens.insert(*id, Arc::new(new));
    }

    /// Changes a family's members, and says so of the family.
    pub(super) fn of_family(&mut self, number: u64, revision: u64, change: impl Fn(&mut Known)) {
        if let Some(family) = self.families.get_mut(&number) {
            family.revision = revision;
        }
        let members = self.tokens.values_mut().chain(&mut self.strangers);
        for member in members.filter(|known| known.member.is_some_and(|member| member.family == number)) {
            let member = Arc::make_mut(member);
            member.revision = revision;
            change(member);
        }
    }

    fn revoke(&mut self, id: &Id, now: OffsetDateTime) {
        match self.known(*id).member.filter(|member| member.refreshes) {
            Some(member) => self.revoke_family(member.family, now),
            None => self.change(id, EventKind::Revoked, now, &|known| {
                known.revoked.get_or_insert((now, REASON.into()));
            }),
        }
    }

    fn delete(&mut self, id: Id, now: OffsetDateTime) {
        let member = self.known(id).member.filter(|member| member.refreshes);
        self.forget(id);
        let revision = self.happened(EventKind::Deleted, Some(id), now, ACTOR, REASON);
        if let Some(member) = member
            && self.families[&member.family].revoked.is_none()
        {
            self.end_family(member.family, revision, now);
        }
    }

    /// Takes a token out.
    pub(super) fn forget(&mut self, id: Id) {
        let known = self.tokens.remove(&id).expect("a token to take out");
        self.gone.extend(known.values().map(|(value, _)| Arc::clone(value)));
    }

    pub(super) fn set_mark(&mut self, now: OffsetDateTime) {
        (self.mark, self.is_vague) = (now, false);
    }

    /// The same, if another world looks like it, which differs in its mark.
    pub(crate) fn vague(self, is_vague: bool) -> World {
        World { is_vague: self.is_vague || is_vague, ..self }
    }

    /// The same under another key.
    pub(crate) fn under(self, key: Option<[u8; 32]>) -> World {
        World { key, ..self }
    }

    /// What is true after a close, which keeps the time.
    pub(crate) fn after_close(&self, clock: OffsetDateTime) -> World {
        World { mark: self.mark.max(clock), ..self.clone() }
    }

    /// Notes an event; its number.
    pub(super) fn happened(
        &mut self,
        kind: EventKind,
        id: Option<Id>,
        at: OffsetDateTime,
        by: &str,
        reason: &str,
    ) -> u64 {
        let (by, reason) = (by.to_owned(), reason.to_owned());
        self.events.push(Happened { kind, id, type_number: None, at, by, reason, detail: None });
        self.events.len() as u64
    }

    /// What else is to be said of the last event.
    pub(super) fn last_event(&mut self) -> &mut Happened {
        self.events.last_mut().expect("an event")
    }

    fn plan(&mut self, plan: &Plan, now: OffsetDateTime) {
        let revision = self.happened(EventKind::Created, None, now, ACTOR, "");
        let uses = types()[plan.type_number as usize - 1].use_count();
        let mut known = Known::planned(plan, uses, now, revision);
        if let Some(latest) = plan.parent.and_then(|parent| self.known(parent).expires) {
            known.expires = Some(earlier(known.expires, latest));
        }
        self.strangers.push(Arc::new(known));
    }

    /// A stranger turns out to be this token, of this family.
    pub(super) fn introduce(&mut self, id: Id, value: &[u8], stranger: &Known, family: Option<Id>) {
        match stranger.member {
            None => self.events[stranger.revision as usize - 1].id = Some(id),
            Some(member) => {
                let known = self.families.get_mut(&member.family).expect("a member's family");
                assert!(known.id.is_none_or(|known| Some(known) == family), "{id} is of {family:?}");
                known.id = family;
                self.events[member.family as usize - 1].id = family;
            }
        }
        self.tokens.insert(id, Arc::new(Known { value: value.into(), ..stranger.clone() }));
    }
}

fn without(project: &str) -> impl Fn(&mut Known) {
    move |known| {
        if let Grants::Projects(projects) = &mut known.grants {
            projects.remove(project.as_bytes());
        }
    }
}
