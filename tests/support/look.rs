//! A look at everything that a caller of a store can see, and whether it is what a world says.

use time::OffsetDateTime;
use tokenstore::{
    EventKind, Filter, Id, Query, Refresh, Revocation, State, Status, Store, Token, TypeId, TypePolicy,
};

use super::known::{Fate, Known, earlier};
use super::steps::{BY_NAME_ONLY, PROJECTS};
use super::world::World;

/// A project that nobody is granted.
const NOBODYS_PROJECT: &str = "nobody's";

impl World {
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
                self.check_token(known, &token, now)?;
                self.check_verdicts(store, known, token.id, now)?;
            } else {
                let place = strangers.iter().position(|known| self.check_token(known, &token, now).is_ok());
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
            same("the verdict of a value that is gone", &verdict.status(), &Status::Unknown)?;
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
            if new == Some(old) && self.is_revoked(old) == other.is_revoked(old) {
                self.check_verdicts(store, old, *id, now)?;
                continue;
            }
            let binding = old.binding.as_deref();
            let projects = || PROJECTS.into_iter().map(Some).chain([None]);
            for ((value, is_old), project) in
                old.values().flat_map(|value| projects().map(move |project| (value, project)))
            {
                let query = query(store, Some(old.type_number), project, binding);
                let verdict = store.verify(value, &query).map_err(|error| said("verify", &error))?;
                let accepts = |world: &World, known: &Known, is_old| {
                    let asked = Some(old.type_number);
                    world.status(known, is_old, now, asked, project, binding) == Status::Ok
                };
                // The value may be the token's old one by then.
                let then = new.and_then(|new| {
                    new.values().find(|(new, _)| *new == value).map(|(_, is_old)| (new, is_old))
                });
                let both = accepts(self, old, is_old)
                    && then.is_some_and(|(new, is_old)| accepts(other, new, is_old));
                // What another app_word means is not known here, so that such a token may be refused.
                let same_word = new.is_some_and(|new| new.app_word == old.app_word);
                if verdict.allowed() && !both || !verdict.allowed() && both && same_word {
                    return Err(format!("{project:?}: {verdict:?} between {old:?} and {new:?}"));
                }
            }
        }
        Ok(())
    }

    /// Whether a store that takes no further changes, since a call failed, spends no use of this world's tokens and hands
    /// out no pair.
    pub(crate) fn check_ended(&self, store: &Store) -> Result<(), String> {
        for (id, known) in self.tokens().filter(|(_, known)| !known.value.is_empty()) {
            if known.refreshes() {
                match store.refresh(&known.value, self.binding_of(id)) {
                    Ok(Refresh::Refused(_)) | Err(_) => {}
                    Ok(pair) => return Err(format!("{id} {known:?}: {pair:?}")),
                }
            }
            let mut query = Query::any_type();
            if let Some(binding) = &known.binding {
                query = query.binding(binding);
            }
            if let Ok(consumed) = store.consume(&known.value, &query)
                && consumed.verdict.allowed()
            {
                return Err(format!("{id} {known:?}: {consumed:?}"));
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
                let makes = matches!(known.kind, EventKind::Created | EventKind::PairIssued);
                let is_stranger = known.id.is_none() && makes;
                let right = event.kind == known.kind
                    && (is_stranger || event.id == known.id)
                    && event.type_id.map(TypeId::number) == known.type_number
                    && event.at == known.at
                    && event.by == known.by
                    && event.reason == known.reason
                    && event.detail == known.detail;
                if !right {
                    return Err(format!("an event is {event:?}, not {known:?}"));
                }
            }
        }
        same("the event after the last", &None, &expected.next())
    }

    /// The same world, once a look at the store told which tokens the strangers are. Their values nobody knows.
    pub(crate) fn meet_strangers(&self, store: &Store) -> World {
        let mut met = self.clone();
        for stranger in std::mem::take(&mut met.strangers) {
            let tokens = all_tokens(store).expect("the store was checked");
            let token = tokens.iter().find(|token| {
                !met.tokens.contains_key(&token.id)
                    && token.revision == stranger.revision
                    && token.refreshes == stranger.refreshes()
            });
            let token = token.expect("the store was checked");
            met.introduce(token.id, &[], &stranger, token.family);
        }
        met
    }

    /// What a verify of its value must answer, or of the value before it.
    pub(super) fn status(
        &self,
        known: &Known,
        is_old: bool,
        now: OffsetDateTime,
        asked_type: Option<u16>,
        project: Option<&str>,
        binding: Option<&[u8]>,
    ) -> Status {
        let until = known.old_value.as_ref().filter(|_| is_old).map(|(_, until)| *until);
        match self.state(known, now) {
            State::Revoked => return Status::Revoked,
            State::Superseded => return Status::Superseded,
            _ if until.is_some_and(|until| earlier(known.expires, until) <= now) => {
                return Status::Superseded;
            }
            State::Used => return Status::Used,
            State::Expired => return Status::Expired,
            State::Disabled => return Status::Disabled,
            _ => {}
        }
        if asked_type.map_or(known.type_number == BY_NAME_ONLY, |asked| asked != known.type_number) {
            Status::WrongType
        } else if known.binding.as_deref() != binding {
            Status::WrongBinding
        } else if project.is_some_and(|project| !known.grants.allow(project.as_bytes())) {
            Status::NoGrant
        } else if known.refreshes() {
            Status::MustRefresh
        } else if known.uses_left.is_some() {
            Status::MustConsume
        } else {
            Status::Ok
        }
    }

    /// Whether a token that the store shows is this one.
    fn check_token(&self, known: &Known, token: &Token, now: OffsetDateTime) -> Result<(), String> {
        let revoked = token.revocation.as_ref().map(|Revocation { at, reason, .. }| (*at, reason.clone()));
        let old_until = known.old_value.as_ref().map(|(_, until)| earlier(known.expires, *until));
        let family = known.member.map(|member| self.families.get(&member.family).and_then(|of| of.id));
        let right = token.type_id.number() == known.type_number
            && token.owner == known.owner
            && token.name == known.name
            && token.state == self.state(known, now)
            && token.created == known.created
            && token.expires == known.expires
            && token.grants == known.grants
            && token.bound == known.binding.is_some()
            && token.disabled == known.disabled
            && revoked == known.revoked
            && token.uses_left == known.uses_left
            && token.parent == known.parent
            && token.refreshes == known.refreshes()
            // A family that is a stranger has some id.
            && token.family.is_some() == family.is_some()
            && family.flatten().is_none_or(|family| token.family == Some(family))
            && token.old_value.map(|old| old.until) == old_until
            && token.app_word == known.app_word
            && token.app_data == known.app_data
            && token.revision == known.revision;
        if right {
            return Ok(());
        }
        let Token { revision, disabled, uses_left, family, old_value, .. } = token;
        Err(format!(
            "a token is {token:?} revision {revision} disabled {disabled} uses left {uses_left:?} family \
             {family:?} old value {old_value:?}, not {known:?}, state {:?} at {now}",
            self.state(known, now)
        ))
    }

    fn check_verdicts(
        &self,
        store: &Store,
        known: &Known,
        id: Id,
        now: OffsetDateTime,
    ) -> Result<(), String> {
        known.values().try_for_each(|(value, is_old)| self.check_value(store, known, id, value, is_old, now))
    }

    fn check_value(
        &self,
        store: &Store,
        known: &Known,
        id: Id,
        value: &[u8],
        is_old: bool,
        now: OffsetDateTime,
    ) -> Result<(), String> {
        let is_ending = known.member.is_some_and(|member| member.fate == Fate::Ending);
        let ask = |asked_type: Option<u16>, project: Option<&str>, binding: Option<&[u8]>| {
            let query = query(store, asked_type, project, binding);
            let verdict = store.verify(value, &query).map_err(|error| said("verify", &error))?;
            let status = self.status(known, is_old, now, asked_type, project, binding);
            let right = verdict.status() == status
                && verdict.identity().is_some_and(|who| {
                    // What a session's value tells may be older than what its list tells.
                    let newest = (who.app_word, who.revision) == (known.app_word, known.revision);
                    let until = known.old_value.as_ref().filter(|_| is_old).map(|(_, until)| *until);
                    let expires = until.map_or(known.expires, |until| Some(earlier(known.expires, until)));
                    who.id == id
                        && (newest || known.member.is_some() && who.revision < known.revision)
                        && who.expires() == expires
                        && who.old_value() == (is_old || is_ending)
                });
            if !right {
                return Err(format!(
                    "{asked_type:?} {project:?} {binding:?} old value {is_old}: {verdict:?}, not {status:?} of \
                     {id} {known:?}"
                ));
            }
            Ok(())
        };
        let binding = known.binding.as_deref();
        ask(None, None, binding)?;
        for (type_id, _) in store.types() {
            ask(Some(type_id.number()), None, binding)?;
        }
        ask(Some(known.type_number), None, Some(b"another client"))?;
        ask(Some(known.type_number), Some(NOBODYS_PROJECT), binding)?;
        for project in PROJECTS {
            ask(Some(known.type_number), Some(project), binding)?;
        }
        Ok(())
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
