//! What a scenario is played in: a store, a clock that stands until it is moved, and the names that the lines use.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use time::{OffsetDateTime, macros::datetime};
use tokenstore::{Clock, Id, ManualClock, OldAccess, Options, OwnerRef, Store, Token, TypeId, TypePolicy};

use super::Mistake;
use super::line::{KnownFamily, Standing};
use super::play::Between;

/// What the clock shows at the start of a scenario. Every time in a scenario is in milliseconds after it.
pub(crate) const START: OffsetDateTime = datetime!(2026-01-01 00:00 UTC);

/// The world of one scenario.
pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    /// How the store stands between two lines.
    between: Between,
    pub(crate) settings: Settings,
    store: Option<Store>,
    /// Another opening of a store that is shared.
    other: Option<Store>,
    folder: Option<TempDir>,
    pub(super) types: BTreeMap<String, Type>,
    pub(super) tokens: BTreeMap<String, Known>,
    pub(super) families: BTreeMap<String, KnownFamily>,
    /// Another store's types, for numbers that this one has not given.
    foreign: Option<Store>,
    /// The latest moment at which something was changed or answered EXPIRED: the store's time does not fall behind it.
    pub(super) decided_ms: i64,
    passed_ms: i64,
}

/// What is given when the store is made and opened.
#[derive(Clone, Default)]
pub(crate) struct Settings {
    pub(crate) key: Option<[u8; 32]>,
    pub(crate) max_events: Option<u64>,
}

pub(super) struct Type {
    pub(super) id: TypeId,
    pub(super) unique_names: bool,
    volatile: bool,
}

/// A token that a line named, by one of its values.
pub(crate) struct Known {
    pub(crate) id: Id,
    pub(crate) value: Vec<u8>,
    /// What the value is to the token.
    pub(crate) standing: Standing,
    /// Whether the line that named it gave a token its next value: answers call the token by its first name.
    pub(crate) later_name: bool,
    /// As it was after its last change.
    pub(crate) token: Token,
    pub(crate) deleted: bool,
    /// Whether it was revoked with its owner.
    pub(crate) killed: bool,
    /// Whether a refresh ended it.
    pub(crate) superseded: bool,
    /// Whether a refresh left it its grace.
    pub(crate) ending: bool,
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
    pub(crate) fn new(between: Between) -> World {
        World {
            clock: ManualClock::new(START),
            between,
            settings: Settings::default(),
            store: None,
            other: None,
            folder: None,
            types: BTreeMap::new(),
            tokens: BTreeMap::new(),
            families: BTreeMap::new(),
            foreign: None,
            decided_ms: 0,
            passed_ms: 0,
        }
    }

    /// The store, which is one in memory unless a line said otherwise.
    pub(crate) fn store(&mut self) -> Result<&Store, Mistake> {
        if self.store.is_none() {
            let made = if self.always_file() { self.make_file() } else { self.options().in_memory() };
            self.store = Some(made.map_err(|error| format!("no store could be made: {error}"))?);
        }
        self.store.as_ref().ok_or_else(|| "there is no store".to_owned())
    }

    pub(crate) fn options(&self) -> Options {
        let options = Options::new().clock(Clock::Manual(self.clock.clone()));
        let mut options = options.shared(self.between == Between::Shared);
        if let Some(key) = &self.settings.key {
            options = options.key(key);
        }
        match self.settings.max_events {
            Some(events) => options.max_events(events),
            None => options,
        }
    }

    /// Whether a store said to be in memory is one in a file, so that it can be opened again.
    pub(crate) fn always_file(&self) -> bool {
        self.between != Between::StaysOpen
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
        self.other = None;
    }

    pub(crate) fn has_store(&self) -> bool {
        self.store.is_some()
    }

    /// Closes the store and opens it again, between two lines.
    pub(crate) fn reopen_quietly(&mut self) -> Result<(), Mistake> {
        let Some(store) = self.store.take_if(|store| store.stats().is_ok()) else { return Ok(()) };
        self.forget_tickets();
        store.close().map_err(|error| format!("closing between two lines: {error}"))?;
        let path = self.path();
        let store =
            self.options().open(path).map_err(|error| format!("reopening between two lines: {error}"))?;
        self.store = Some(store);
        Ok(())
    }

    /// Gives the next line the opening that the last one had not.
    pub(crate) fn take_turns(&mut self) -> Result<(), Mistake> {
        let open = |store: &Option<Store>| store.as_ref().is_some_and(|store| store.stats().is_ok());
        if !open(&self.store) {
            return Ok(());
        }
        if !open(&self.other) {
            let path = self.path();
            let other = self.options().open(path).map_err(|error| format!("opening once more: {error}"))?;
            self.other = Some(other);
        }
        // Last uses are in the memory of whoever judged, until they are written.
        let flushed = self.store.as_ref().map_or(Ok(()), Store::flush);
        flushed.map_err(|error| format!("writing between two lines: {error}"))?;
        std::mem::swap(&mut self.store, &mut self.other);
        Ok(())
    }

    pub(crate) fn advance(&mut self, ms: u64) {
        self.clock.advance(Duration::from_millis(ms));
        self.passed_ms = self.passed_ms.saturating_add_unsigned(ms);
    }

    pub(crate) fn declared(&mut self, policy: &TypePolicy, id: TypeId, unique_names: bool) {
        let volatile = policy.is_volatile();
        self.types.insert(policy.name().to_owned(), Type { id, unique_names, volatile });
    }

    /// What is in memory alone is unknown after a close.
    pub(crate) fn forget_tickets(&mut self) {
        let volatile: Vec<TypeId> =
            self.types.values().filter(|known| known.volatile).map(|known| known.id).collect();
        for known in self.tokens.values_mut().filter(|known| volatile.contains(&known.token.type_id)) {
            known.deleted = true;
        }
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

    /// The token that a line named so.
    pub(crate) fn known(&mut self, name: &str) -> Result<&mut Known, Mistake> {
        self.tokens.get_mut(name).ok_or_else(|| format!("no line made a token `{name}`"))
    }

    /// The names and tokens that the lines made.
    pub(crate) fn all_known(&self) -> impl Iterator<Item = (&String, &Known)> {
        self.tokens.iter()
    }

    /// That a word is free for a token or a family.
    pub(crate) fn must_be_free(&self, name: &str) -> Result<(), Mistake> {
        let taken = |kind: &str| Err(format!("there is a {kind} `{name}` already"));
        match (self.tokens.contains_key(name), self.families.contains_key(name)) {
            (true, _) => taken("token"),
            (_, true) => taken("family"),
            (false, false) => Ok(()),
        }
    }

    /// A name for a token that was just made.
    pub(crate) fn name_token(&mut self, name: &str, id: Id, value: &[u8]) -> Result<(), Mistake> {
        self.must_be_free(name)?;
        let token = self.store()?.get(id).map_err(|error| format!("a new token cannot be read: {error}"))?;
        let known = Known {
            id,
            value: value.to_owned(),
            standing: Standing::Current,
            later_name: false,
            token,
            deleted: false,
            killed: false,
            superseded: false,
            ending: false,
            owner: None,
        };
        self.tokens.insert(name.to_owned(), known);
        self.decide();
        Ok(())
    }

    /// A name for the value that a token was just given. Its other names stay for the values before.
    pub(crate) fn name_next_value(&mut self, name: &str, id: Id, value: &[u8]) -> Result<(), Mistake> {
        self.name_token(name, id, value)?;
        let known = self.known(name)?;
        known.later_name = true;
        for (other, known) in self.tokens.iter_mut().filter(|(_, known)| known.id == id) {
            if other != name {
                known.standing = known.standing.next();
            }
        }
        self.note_change(id)
    }

    /// A name for a family that was just made.
    pub(crate) fn name_family(&mut self, name: &str, family: KnownFamily) -> Result<(), Mistake> {
        self.must_be_free(name)?;
        self.families.insert(name.to_owned(), family);
        Ok(())
    }

    /// The family that a line named so.
    pub(crate) fn family(&self, name: &str) -> Option<&KnownFamily> {
        self.families.get(name)
    }

    pub(crate) fn family_of(&mut self, id: Id) -> Option<&mut KnownFamily> {
        self.families.values_mut().find(|family| family.id == id)
    }

    /// The first name of a token or a family with this id; `?` if it has none.
    pub(crate) fn name_of(&self, id: Id) -> String {
        let token = self.tokens.iter().find(|(_, known)| known.id == id && !known.later_name);
        let token = token.map(|(name, _)| name);
        let family = || self.families.iter().find(|(_, family)| family.id == id).map(|(name, _)| name);
        token.or_else(family).cloned().unwrap_or_else(|| "?".to_owned())
    }

    /// Reads a token, and all of its family, anew after a change to it.
    pub(crate) fn note_change(&mut self, id: Id) -> Result<(), Mistake> {
        let family = self.tokens.values().find(|known| known.id == id).and_then(|known| known.token.family);
        let touched = |known: &&Known| known.id == id || (family.is_some() && known.token.family == family);
        let ids: Vec<Id> = self.tokens.values().filter(touched).map(|known| known.id).collect();
        self.decide();
        for id in ids {
            let read = self.store()?.get(id);
            for known in self.tokens.values_mut().filter(|known| known.id == id) {
                match &read {
                    Ok(token) => known.token = token.clone(),
                    Err(_) => known.deleted = true,
                }
            }
        }
        Ok(())
    }

    /// A token was revoked or deleted: with a refresh value its family ended.
    pub(crate) fn note_end(&mut self, id: Id) -> Result<(), Mistake> {
        let ended = self.tokens.values().find(|known| known.id == id && known.token.refreshes);
        if let Some(family) = ended.and_then(|known| known.token.family)
            && let Some(family) = self.family_of(family)
        {
            family.revoked = true;
        }
        self.note_change(id)
    }

    /// A refresh value was used for the next pair.
    pub(crate) fn note_refresh(&mut self, used: Id, family: Id, next_access: Id) -> Result<(), Mistake> {
        let Some(family) = self.family_of(family) else { return Ok(()) };
        let (fate, old) = (family.old_access, std::mem::replace(&mut family.access, next_access));
        for known in self.tokens.values_mut() {
            known.superseded |= known.id == used || (known.id == old && fate == OldAccess::EndsNow);
            known.ending |= known.id == old && fate == OldAccess::EndsWithGrace;
        }
        self.note_change(used)
    }

    /// All that an owner has was revoked, of a type or of all.
    pub(crate) fn note_owners_end(&mut self, owner: &[u8], type_id: Option<TypeId>) {
        for family in self.families.values_mut().filter(|family| family.owner == owner) {
            family.killed |= type_id.is_none_or(|type_id| family.types.contains(&type_id));
        }
        for known in self.tokens.values_mut().filter(|known| known.token.owner == owner) {
            known.killed |= type_id.is_none_or(|type_id| known.token.type_id == type_id);
        }
        self.decide();
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
}
