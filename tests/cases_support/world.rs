//! What a scenario is played in: a store, a clock that stands until it is moved, and the names that the lines use.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use time::{OffsetDateTime, macros::datetime};
use tokenstore::{Clock, Id, ManualClock, Options, OwnerRef, Store, Token, TypeId, TypePolicy};

use super::Mistake;
use super::cells::On;

/// What the clock shows at the start of a scenario. Every time in a scenario is in milliseconds after it.
pub(crate) const START: OffsetDateTime = datetime!(2026-01-01 00:00 UTC);

/// The world of one scenario.
pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    /// Whether a store said to be in memory is one in a file, so that it can be reopened.
    pub(crate) always_file: bool,
    pub(crate) settings: Settings,
    store: Option<Store>,
    folder: Option<TempDir>,
    types: BTreeMap<String, Type>,
    tokens: BTreeMap<String, Known>,
    /// Another store's types, for numbers that this one has not given.
    foreign: Option<Store>,
    /// The latest moment at which something was changed or answered EXPIRED: the store's time does not fall behind it.
    decided_ms: i64,
    passed_ms: i64,
}

/// What is given when the store is made and opened.
#[derive(Clone, Default)]
pub(crate) struct Settings {
    pub(crate) key: Option<[u8; 32]>,
    pub(crate) max_events: Option<u64>,
}

struct Type {
    id: TypeId,
    unique_names: bool,
}

/// A token that a line named.
pub(crate) struct Known {
    pub(crate) id: Id,
    pub(crate) value: Vec<u8>,
    /// As it was after its last change.
    pub(crate) token: Token,
    pub(crate) deleted: bool,
    /// Where the last verify said that its owner is.
    pub(crate) owner: Option<OwnerRef>,
}

/// A moment, from the milliseconds in a scenario.
pub(crate) fn time_at(ms: i64) -> Result<OffsetDateTime, Mistake> {
    let nanos = START.unix_timestamp_nanos() + i128::from(ms) * 1_000_000;
    OffsetDateTime::from_unix_timestamp_nanos(nanos).map_err(|_| format!("{ms} is beyond any calendar"))
}

/// The reverse of [`time_at`].
pub(crate) fn ms_of(time: OffsetDateTime) -> i64 {
    i64::try_from((time - START).whole_milliseconds()).unwrap_or(i64::MAX)
}

impl World {
    pub(crate) fn new(always_file: bool) -> World {
        World {
            clock: ManualClock::new(START),
            always_file,
            settings: Settings::default(),
            store: None,
            folder: None,
            types: BTreeMap::new(),
            tokens: BTreeMap::new(),
            foreign: None,
            decided_ms: 0,
            passed_ms: 0,
        }
    }

    /// The store, which is one in memory unless a line said otherwise.
    pub(crate) fn store(&mut self) -> Result<&Store, Mistake> {
        if self.store.is_none() {
            let made = if self.always_file { self.make_file() } else { self.options().in_memory() };
            self.store = Some(made.map_err(|error| format!("no store could be made: {error}"))?);
        }
        self.store.as_ref().ok_or_else(|| "there is no store".to_owned())
    }

    pub(crate) fn options(&self) -> Options {
        let mut options = Options::new().clock(Clock::Manual(self.clock.clone()));
        if let Some(key) = &self.settings.key {
            options = options.key(key);
        }
        match self.settings.max_events {
            Some(events) => options.max_events(events),
            None => options,
        }
    }

    pub(crate) fn make_file(&mut self) -> tokenstore::Result<Store> {
        let path = self.path();
        self.options().create(path)
    }

    /// Where the store's file is, or would be: in memory where the system has a place for that, as nothing here is
    /// about what a disk keeps.
    pub(crate) fn path(&mut self) -> PathBuf {
        let folder = self.folder.get_or_insert_with(|| {
            tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder for the store")
        });
        folder.path().join("tokens.store")
    }

    pub(crate) fn has_file(&self) -> bool {
        self.folder.is_some()
    }

    pub(crate) fn put_store(&mut self, store: Store) {
        self.store = Some(store);
    }

    pub(crate) fn has_store(&self) -> bool {
        self.store.is_some()
    }

    /// Closes the store and opens it again, between two lines.
    pub(crate) fn reopen_quietly(&mut self) -> Result<(), Mistake> {
        let Some(store) = self.store.take_if(|store| store.stats().is_ok()) else { return Ok(()) };
        store.close().map_err(|error| format!("closing between two lines: {error}"))?;
        let path = self.path();
        let store =
            self.options().open(path).map_err(|error| format!("reopening between two lines: {error}"))?;
        self.store = Some(store);
        Ok(())
    }

    pub(crate) fn advance(&mut self, ms: u64) {
        self.clock.advance(Duration::from_millis(ms));
        self.passed_ms = self.passed_ms.saturating_add_unsigned(ms);
    }

    pub(crate) fn declared(&mut self, policy: &TypePolicy, id: TypeId, unique_names: bool) {
        self.types.insert(policy.name().to_owned(), Type { id, unique_names });
    }

    /// The type of this name, or `number:N` for a number that this store has not given to any.
    pub(crate) fn type_id(&mut self, name: &str) -> Result<TypeId, Mistake> {
        if let Some(known) = self.types.get(name) {
            return Ok(known.id);
        }
        let number: u16 = name
            .strip_prefix("number:")
            .and_then(|number| number.parse().ok())
            .ok_or_else(|| format!("no line declared the type `{name}`"))?;
        let foreign = match &mut self.foreign {
            Some(foreign) => foreign,
            none => none.insert(Options::new().in_memory().map_err(|error| error.to_string())?),
        };
        let declared = (1..=number)
            .map(|number| foreign.declare(&TypePolicy::new(&format!("t{number}"), &format!("p{number}"))));
        declared.last().and_then(Result::ok).ok_or_else(|| format!("there is no type `{name}` anywhere"))
    }

    pub(crate) fn type_name(&self, id: TypeId) -> String {
        let named = self.types.iter().find(|(_, known)| known.id == id);
        named.map_or_else(|| format!("number:{}", id.number()), |(name, _)| name.clone())
    }

    fn has_unique_names(&self, id: TypeId) -> bool {
        self.types.values().any(|known| known.id == id && known.unique_names)
    }

    /// The token that a line named so.
    pub(crate) fn known(&mut self, name: &str) -> Result<&mut Known, Mistake> {
        self.tokens.get_mut(name).ok_or_else(|| format!("no line made a token `{name}`"))
    }

    /// The names and tokens that the lines made.
    pub(crate) fn all_known(&self) -> impl Iterator<Item = (&String, &Known)> {
        self.tokens.iter()
    }

    /// A name for a token that was just made.
    pub(crate) fn name_token(&mut self, name: &str, id: Id, value: &[u8]) -> Result<(), Mistake> {
        if self.tokens.contains_key(name) {
            return Err(format!("there is a token `{name}` already"));
        }
        let token = self.store()?.get(id).map_err(|error| format!("a new token cannot be read: {error}"))?;
        let known = Known { id, value: value.to_owned(), token, deleted: false, owner: None };
        self.tokens.insert(name.to_owned(), known);
        self.decide();
        Ok(())
    }

    /// The name of a token with this id; `?` if it has none.
    pub(crate) fn name_of(&self, id: Id) -> String {
        let named = self.tokens.iter().find(|(_, known)| known.id == id);
        named.map_or_else(|| "?".to_owned(), |(name, _)| name.clone())
    }

    /// Reads a token anew after a change to it.
    pub(crate) fn note_change(&mut self, id: Id) -> Result<(), Mistake> {
        let read = self.store()?.get(id);
        self.decide();
        for known in self.tokens.values_mut().filter(|known| known.id == id) {
            match &read {
                Ok(token) => known.token = token.clone(),
                Err(_) => known.deleted = true,
            }
        }
        Ok(())
    }

    /// Something was decided at what the clock shows.
    pub(crate) fn decide(&mut self) {
        self.decided_ms = self.decided_ms.max(ms_of(self.clock.now()));
    }

    /// A verify saw what the clock shows: the store's time is not more than a second behind that.
    pub(crate) fn see(&mut self) {
        if ms_of(self.clock.now()) - self.decided_ms >= 1_000 {
            self.decide();
        }
    }

    /// A reopened store's time is at most a day ahead of the time that passed.
    pub(crate) fn forget_wild_decisions(&mut self) {
        self.decided_ms = self.decided_ms.min(self.passed_ms + 24 * 60 * 60 * 1_000);
    }

    /// What a token is, as the table of what must be covered has it.
    pub(crate) fn on(&self, id: Id) -> On {
        self.tokens.values().find(|known| known.id == id).map_or(On::Nobody, |known| self.state(known))
    }

    fn state(&self, known: &Known) -> On {
        let now_ms = self.decided_ms.max(ms_of(self.clock.now()));
        let expired = known.token.expires.is_some_and(|at| ms_of(at) <= now_ms);
        match (known.deleted, known.token.revocation.is_some(), expired, known.token.disabled) {
            (true, ..) => On::Deleted,
            (false, true, true, true) => On::DisabledExpiredRevoked,
            (false, true, true, false) => On::ExpiredRevoked,
            (false, true, false, true) => On::DisabledRevoked,
            (false, true, false, false) => On::Revoked,
            (false, false, true, true) => On::DisabledExpired,
            (false, false, true, false) => On::Expired,
            (false, false, false, true) => On::Disabled,
            (false, false, false, false) => On::Active,
        }
    }

    /// What the token is that has this name of this owner: a live one if there is one, else the last.
    pub(crate) fn on_namesake(
        &self,
        type_id: TypeId,
        owner: &[u8],
        name: Option<&str>,
        not: Option<Id>,
    ) -> On {
        if name.is_none() || !self.has_unique_names(type_id) {
            return On::Nobody;
        }
        let same = |known: &&Known| {
            let Token { owner: its_owner, name: its_name, type_id, .. } = &known.token;
            its_owner == owner && its_name.as_deref() == name && self.has_unique_names(*type_id)
        };
        let mut namesakes: Vec<&Known> =
            self.tokens.values().filter(same).filter(|known| Some(known.id) != not).collect();
        namesakes.sort_by_key(|known| known.id);
        let states = namesakes.iter().map(|known| self.state(known));
        states.clone().find(|on| on.is_live()).or(states.last()).unwrap_or(On::Nobody)
    }

    /// What the token is that has this value.
    pub(crate) fn on_value(&self, value: &[u8]) -> On {
        let states = self.tokens.values().filter(|known| known.value == value).map(|known| self.state(known));
        states.clone().find(|on| *on != On::Deleted).or(states.last()).unwrap_or(On::Nobody)
    }
}
