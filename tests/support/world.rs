//! What a store must hold and answer, told by a model that shares nothing with it: steps that change it, and a check
//! that looks at everything a caller can see.
//!
//! Last uses are left out: nothing depends on them, and the file does not protect them.

use std::collections::BTreeMap;
use std::sync::Arc;

use time::OffsetDateTime;
use time::macros::datetime;
use tokenstore::{
    EventKind, Filter, Grants, Id, Query, Revocation, State, Status, Store, Token, TypeId, TypePolicy,
};

use super::steps::{ACTOR, BY_NAME_ONLY, Changes, Failed, PROJECTS, Plan, REASON, Step};

/// When every story begins.
pub(crate) const START: OffsetDateTime = datetime!(2031-05-01 12:00 UTC);

/// A project that nobody is granted.
const NOBODYS_PROJECT: &str = "nobody's";

/// Everything that was acknowledged.
#[derive(Clone)]
pub(crate) struct World {
    /// In the order of declaration: a type's number is its place, from 1.
    types: Vec<TypePolicy>,
    tokens: BTreeMap<Id, Arc<Known>>,
    /// Tokens that may have been made by a call that did not come back: everything but id and value is known.
    strangers: Vec<Arc<Known>>,
    /// Values of deleted tokens.
    gone: Vec<Arc<[u8]>>,
    events: Vec<Happened>,
    max_events: u64,
    /// The caller's key.
    pub(crate) key: Option<[u8; 32]>,
    /// When the last commit was made: time does not go back behind it.
    pub(crate) mark: OffsetDateTime,
}

/// A token.
#[derive(Clone, PartialEq)]
pub(crate) struct Known {
    /// Empty if nobody knows it.
    pub(crate) value: Arc<[u8]>,
    type_number: u16,
    owner: Vec<u8>,
    name: Option<String>,
    created: OffsetDateTime,
    expires: Option<OffsetDateTime>,
    pub(crate) disabled: bool,
    revoked: Option<(OffsetDateTime, String)>,
    pub(crate) grants: Grants,
    pub(crate) binding: Option<Vec<u8>>,
    app_word: u64,
    app_data: Vec<u8>,
    revision: u64,
}

#[derive(Clone, Debug)]
struct Happened {
    kind: EventKind,
    /// None is a stranger.
    token: Option<Id>,
    type_number: Option<u16>,
    at: OffsetDateTime,
    by: String,
    reason: String,
}

impl World {
    /// A new store's.
    pub(crate) fn new(key: Option<[u8; 32]>, max_events: u64) -> World {
        World {
            types: Vec::new(),
            tokens: BTreeMap::new(),
            strangers: Vec::new(),
            gone: Vec::new(),
            events: Vec::new(),
            max_events,
            key,
            mark: START,
        }
    }

    pub(crate) fn sequence(&self) -> u64 {
        self.events.len() as u64
    }

    pub(crate) fn ids(&self) -> Vec<Id> {
        self.tokens.keys().copied().collect()
    }

    pub(crate) fn tokens(&self) -> impl Iterator<Item = (Id, &Known)> {
        self.tokens.iter().map(|(id, known)| (*id, &**known))
    }

    /// The tokens that nothing ended yet.
    pub(crate) fn live(&self, now: OffsetDateTime) -> Vec<Id> {
        self.tokens().filter(|(_, known)| !known.state(now).is_dead()).map(|(id, _)| id).collect()
    }

    /// A token that is there.
    pub(crate) fn known(&self, id: Id) -> &Known {
        &self.tokens[&id]
    }

    /// Has the store take a step, and returns what must be true then. If the call fails, that comes with what must be
    /// true if the step was taken all the same.
    pub(crate) fn take(&self, store: &Store, step: &Step, clock: OffsetDateTime) -> Result<World, Failed> {
        let mut next = self.after(step, clock.max(self.mark));
        match step.call(store, self) {
            Ok(made) => {
                assert_eq!(self.strangers.len() + made.len(), next.strangers.len(), "{step:?}");
                let strangers = next.strangers.split_off(self.strangers.len());
                for ((id, value), known) in made.into_iter().zip(strangers) {
                    next.introduce(id, &value, &known);
                }
                Ok(next)
            }
            Err(error) => Err(Failed { error, next: Box::new(next) }),
        }
    }

    /// What is true after a step. What it makes is a stranger yet.
    fn after(&self, step: &Step, now: OffsetDateTime) -> World {
        let mut next = self.clone();
        let change = |next: &mut World, id: &Id, kind, change: &dyn Fn(&mut Known)| {
            let old = &self.tokens[id];
            let mut new = Known::clone(old);
            change(&mut new);
            if !new.same_but_revision(old) {
                new.revision = next.happened(kind, Some(*id), None, now, ACTOR, REASON);
                next.tokens.insert(*id, Arc::new(new));
            }
        };
        match step {
            Step::Declare(policy) => {
                if !self.types.contains(policy) {
                    next.types.push(policy.clone());
                    let number = next.types.len() as u16;
                    next.happened(EventKind::TypeDeclared, None, Some(number), now, "", "");
                }
            }
            Step::Create(plan) | Step::Register(plan, _) => next.plan(plan, now),
            Step::CreateIfAbsent(plan) => {
                let there = self.tokens().any(|(_, known)| {
                    known.type_number == plan.type_number
                        && known.owner == plan.owner
                        && known.name == plan.name
                        && !known.state(now).is_dead()
                });
                if !there {
                    next.plan(plan, now);
                }
            }
            Step::CreateMany(plans) => plans.iter().for_each(|plan| next.plan(plan, now)),
            Step::Grant(id, project) => change(&mut next, id, EventKind::Granted, &|known| {
                if let Grants::Projects(projects) = &mut known.grants {
                    projects.insert(project.as_bytes().to_vec());
                }
            }),
            Step::Ungrant(id, project) => change(&mut next, id, EventKind::Ungranted, &|known| {
                if let Grants::Projects(projects) = &mut known.grants {
                    projects.remove(project.as_bytes());
                }
            }),
            Step::GrantAll(id) => {
                change(&mut next, id, EventKind::GrantedAll, &|known| known.grants = Grants::All);
            }
            Step::RevokeGrants(id) => {
                change(&mut next, id, EventKind::GrantsRevoked, &|known| known.grants = Grants::none());
            }
            Step::RemoveProject(project) => {
                for id in self.live(now) {
                    change(&mut next, &id, EventKind::Ungranted, &|known| {
                        if let Grants::Projects(projects) = &mut known.grants {
                            projects.remove(project.as_bytes());
                        }
                    });
                }
            }
            Step::Edit(id, changes) => {
                change(&mut next, id, EventKind::Edited, &|known| known.edit(changes, now));
            }
            Step::Disable(id) => change(&mut next, id, EventKind::Disabled, &|known| known.disabled = true),
            Step::Enable(id) => change(&mut next, id, EventKind::Enabled, &|known| known.disabled = false),
            Step::Revoke(id) | Step::RevokeValue(id) => change(&mut next, id, EventKind::Revoked, &|known| {
                known.revoked.get_or_insert((now, REASON.into()));
            }),
            Step::Delete(id) => {
                let known = next.tokens.remove(id).expect("a token to delete");
                next.gone.extend((!known.value.is_empty()).then(|| Arc::clone(&known.value)));
                next.happened(EventKind::Deleted, Some(*id), None, now, ACTOR, REASON);
            }
            Step::Flush => next.mark = now,
            Step::ChangeKey(key) => next.key = *key,
        }
        if next.events.len() != self.events.len() {
            next.mark = now;
        }
        next
    }

    /// The same under another key.
    pub(crate) fn under(self, key: Option<[u8; 32]>) -> World {
        World { key, ..self }
    }

    /// What is true after a close, which keeps the time.
    pub(crate) fn after_close(&self, clock: OffsetDateTime) -> World {
        World { mark: self.mark.max(clock), ..self.clone() }
    }

    fn happened(
        &mut self,
        kind: EventKind,
        token: Option<Id>,
        type_number: Option<u16>,
        at: OffsetDateTime,
        by: &str,
        reason: &str,
    ) -> u64 {
        self.events.push(Happened { kind, token, type_number, at, by: by.into(), reason: reason.into() });
        self.events.len() as u64
    }

    fn plan(&mut self, plan: &Plan, now: OffsetDateTime) {
        let revision = self.happened(EventKind::Created, None, None, now, ACTOR, "");
        let Plan { type_number, owner, name, lifetime, grants, binding, app_word, app_data } = plan.clone();
        self.strangers.push(Arc::new(Known {
            value: Arc::new([]),
            type_number,
            owner,
            name,
            created: now,
            expires: lifetime.map(|lifetime| now + lifetime),
            disabled: false,
            revoked: None,
            grants,
            binding,
            app_word,
            app_data,
            revision,
        }));
    }

    /// A stranger turns out to be this token.
    fn introduce(&mut self, id: Id, value: &[u8], stranger: &Known) {
        self.events[stranger.revision as usize - 1].token = Some(id);
        self.tokens.insert(id, Arc::new(Known { value: value.into(), ..stranger.clone() }));
    }

    /// The same, once a look at the store told which tokens the strangers are. Their values nobody knows.
    pub(crate) fn meet_strangers(&self, store: &Store) -> World {
        let mut met = self.clone();
        for stranger in std::mem::take(&mut met.strangers) {
            let tokens = all_tokens(store).expect("the store was checked");
            let mut new = tokens.iter().filter(|token| !met.tokens.contains_key(&token.id));
            let token = new.find(|token| token.revision == stranger.revision);
            met.introduce(token.expect("the store was checked").id, &[], &stranger);
        }
        met
    }

    /// Looks at everything: types, tokens, verdicts, names, events and figures. `clock` is what the store's clock
    /// shows.
    pub(crate) fn check(&self, store: &Store, clock: OffsetDateTime) -> Result<(), String> {
        let now = clock.max(self.mark);
        let stats = store.stats().map_err(|error| said("stats", &error))?;
        same("the sequence", &stats.sequence, &self.sequence())?;
        same("the count of tokens", &stats.tokens, &((self.tokens.len() + self.strangers.len()) as u64))?;
        let types: Vec<TypePolicy> = store.types().map(|(_, policy)| policy.clone()).collect();
        same("the types", &types, &self.types)?;

        let mut strangers = self.strangers.clone();
        let mut expected = self.tokens.iter();
        for token in all_tokens(store)? {
            if let Some(known) = self.tokens.get(&token.id) {
                let place = expected.next().map(|(id, _)| *id);
                same("the next token of the list", &Some(token.id), &place)?;
                known.check(&token, now)?;
                known.check_verdicts(store, token.id, now)?;
            } else {
                let place = strangers.iter().position(|known| known.check(&token, now).is_ok());
                let place = place.ok_or_else(|| format!("a token that nobody made: {token:?}"))?;
                strangers.remove(place);
            }
        }
        if let Some((id, known)) = expected.next() {
            return Err(format!("a token is missing: {id} {known:?}"));
        }
        if let Some(known) = strangers.first() {
            return Err(format!("a token is missing: {known:?}"));
        }
        for value in &self.gone {
            let verdict = store.verify(value, &Query::any_type()).map_err(|error| said("verify", &error))?;
            same("the verdict of a deleted token's value", &verdict.status(), &Status::Unknown)?;
        }
        self.check_events(store, stats.first_event)
    }

    /// Whether a store in which a call failed, from this world to `other`, answers no more than both allow. Tokens that
    /// the call did not touch must be as they were.
    pub(crate) fn check_both(
        &self,
        other: &World,
        store: &Store,
        clock: OffsetDateTime,
    ) -> Result<(), String> {
        let now = clock.max(self.mark);
        for (id, old) in &self.tokens {
            let new = other.tokens.get(id);
            if new == Some(old) {
                old.check_verdicts(store, *id, now)?;
                continue;
            }
            let binding = old.binding.as_deref();
            for project in PROJECTS.into_iter().map(Some).chain([None]) {
                let query = query(store, Some(old.type_number), project, binding);
                let verdict = store.verify(&old.value, &query).map_err(|error| said("verify", &error))?;
                let status =
                    |known: &Known| known.status(now, Some(old.type_number), project, binding) == Status::Ok;
                let both = status(old) && new.is_some_and(|new| status(new));
                // What another app_word means is not known here, so that such a token may be refused.
                let same_word = new.is_some_and(|new| new.app_word == old.app_word);
                if verdict.allowed() && !both || !verdict.allowed() && both && same_word {
                    return Err(format!("{project:?}: {verdict:?} between {old:?} and {new:?}"));
                }
            }
        }
        Ok(())
    }

    fn check_events(&self, store: &Store, first: u64) -> Result<(), String> {
        let first_kept = (self.sequence() + 1).saturating_sub(self.max_events).max(1);
        same("the first event", &first, &first_kept)?;
        let mut after = 0;
        let mut expected = first..=self.sequence();
        loop {
            let page = store.events(after, 1_000).map_err(|error| said("events", &error))?;
            let Some(last) = page.last() else { break };
            after = last.sequence;
            for event in &page {
                same("an event's number", &Some(event.sequence), &expected.next())?;
                let known = &self.events[event.sequence as usize - 1];
                let is_stranger = known.token.is_none() && known.kind == EventKind::Created;
                let right = event.kind == known.kind
                    && (is_stranger || event.id == known.token)
                    && event.type_id.map(TypeId::number) == known.type_number
                    && event.at == known.at
                    && event.by == known.by
                    && event.reason == known.reason;
                if !right {
                    return Err(format!("an event is {event:?}, not {known:?}"));
                }
            }
        }
        same("the event after the last", &None, &expected.next())
    }
}

/// Every token that the store lists.
fn all_tokens(store: &Store) -> Result<Vec<Token>, String> {
    let (mut tokens, mut filter) = (Vec::new(), Filter::new().with_dead());
    loop {
        let page = store.list(&filter).map_err(|error| said("list", &error))?;
        tokens.extend(page.tokens);
        match page.next {
            Some(next) => filter = filter.after(next),
            None => return Ok(tokens),
        }
    }
}

impl Known {
    pub(crate) fn state(&self, now: OffsetDateTime) -> State {
        if self.revoked.is_some() {
            State::Revoked
        } else if self.expires.is_some_and(|expires| expires <= now) {
            State::Expired
        } else if self.disabled {
            State::Disabled
        } else {
            State::Active
        }
    }

    fn edit(&mut self, changes: &Changes, now: OffsetDateTime) {
        let Changes { name, lifetime, grants, app_word, app_data } = changes.clone();
        self.name = name.unwrap_or(self.name.take());
        self.expires = lifetime.map_or(self.expires, |lifetime| lifetime.map(|lifetime| now + lifetime));
        self.grants = grants.unwrap_or(self.grants.clone());
        self.app_word = app_word.unwrap_or(self.app_word);
        self.app_data = app_data.unwrap_or(std::mem::take(&mut self.app_data));
    }

    fn same_but_revision(&self, other: &Known) -> bool {
        *self == Known { revision: self.revision, ..other.clone() }
    }

    /// What a verify of its value must answer.
    fn status(
        &self,
        now: OffsetDateTime,
        asked_type: Option<u16>,
        project: Option<&str>,
        binding: Option<&[u8]>,
    ) -> Status {
        match self.state(now) {
            State::Revoked => return Status::Revoked,
            State::Expired => return Status::Expired,
            State::Disabled => return Status::Disabled,
            _ => {}
        }
        if asked_type.map_or(self.type_number == BY_NAME_ONLY, |asked| asked != self.type_number) {
            Status::WrongType
        } else if self.binding.as_deref() != binding {
            Status::WrongBinding
        } else if project.is_some_and(|project| !self.grants.allow(project.as_bytes())) {
            Status::NoGrant
        } else {
            Status::Ok
        }
    }

    /// Whether a token that the store shows is this one.
    pub(crate) fn check(&self, token: &Token, now: OffsetDateTime) -> Result<(), String> {
        let revoked = token.revocation.as_ref().map(|Revocation { at, reason, .. }| (*at, reason.clone()));
        let right = token.type_id.number() == self.type_number
            && token.owner == self.owner
            && token.name == self.name
            && token.state == self.state(now)
            && token.created == self.created
            && token.expires == self.expires
            && token.grants == self.grants
            && token.bound == self.binding.is_some()
            && token.disabled == self.disabled
            && revoked == self.revoked
            && token.app_word == self.app_word
            && token.app_data == self.app_data
            && token.revision == self.revision;
        if right {
            return Ok(());
        }
        let shown = format!("{token:?} revision {} disabled {}", token.revision, token.disabled);
        Err(format!("a token is {shown}, not {self:?}, state {:?} at {now}", self.state(now)))
    }

    fn check_verdicts(&self, store: &Store, id: Id, now: OffsetDateTime) -> Result<(), String> {
        if self.value.is_empty() {
            return Ok(());
        }
        let ask = |asked_type: Option<u16>, project: Option<&str>, binding: Option<&[u8]>| {
            let query = query(store, asked_type, project, binding);
            let verdict = store.verify(&self.value, &query).map_err(|error| said("verify", &error))?;
            let status = self.status(now, asked_type, project, binding);
            let who = verdict.identity().map(|who| (who.id, who.app_word, who.revision, who.expires()));
            if verdict.status() != status || who != Some((id, self.app_word, self.revision, self.expires)) {
                return Err(format!("{project:?} {binding:?}: {verdict:?}, not {status:?} of {id} {self:?}"));
            }
            Ok(())
        };
        let binding = self.binding.as_deref();
        ask(None, None, binding)?;
        for (type_id, _) in store.types() {
            ask(Some(type_id.number()), None, binding)?;
        }
        ask(Some(self.type_number), None, Some(b"another client"))?;
        ask(Some(self.type_number), Some(NOBODYS_PROJECT), binding)?;
        for project in PROJECTS {
            ask(Some(self.type_number), Some(project), binding)?;
        }
        Ok(())
    }
}

/// What a check comes to when the store answers with an error: no wrong answer, but none.
fn said(call: &str, error: &tokenstore::Error) -> String {
    format!("{SAID} {call}: {error:?}")
}

pub(crate) const SAID: &str = "the store said at";

fn same<T: PartialEq + std::fmt::Debug>(what: &str, is: &T, should_be: &T) -> Result<(), String> {
    if is == should_be { Ok(()) } else { Err(format!("{what}: {is:?}, not {should_be:?}")) }
}

fn query(store: &Store, asked_type: Option<u16>, project: Option<&str>, binding: Option<&[u8]>) -> Query {
    let mut query = match asked_type {
        Some(number) => Query::of_type(type_id(store, number)),
        None => Query::any_type(),
    };
    if let Some(project) = project {
        query = query.project(project);
    }
    if let Some(binding) = binding {
        query = query.binding(binding);
    }
    query
}

/// The type of this number.
pub(crate) fn type_id(store: &Store, number: u16) -> TypeId {
    let found = store.types().find(|(type_id, _)| type_id.number() == number);
    found.expect("the type is declared").0
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Known { type_number, owner, name, created, expires, disabled, revoked, grants, .. } = self;
        let Known { app_word, app_data, revision, .. } = self;
        f.debug_struct("Known")
            .field("type_number", type_number)
            .field("owner", &owner.escape_ascii().to_string())
            .field("name", name)
            .field("created", created)
            .field("expires", expires)
            .field("disabled", disabled)
            .field("revoked", revoked)
            .field("grants", grants)
            .field("app_word", app_word)
            .field("app_data", &app_data.len())
            .field("revision", revision)
            .finish_non_exhaustive()
    }
}
