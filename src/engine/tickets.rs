//! Tokens in memory alone: tickets of some seconds, created and consumed without a disk.
//!
//! They have an index of their own, so that no ticket waits for a commit, and numbers of their own. Verifies look here
//! when the other index has no such value.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;

use super::{Engine, lock};
use crate::edit::{Change, Target};
use crate::error::{Error, ErrorKind, Result};
use crate::id::Id;
use crate::index::{Index, Writer};
use crate::key::Digest;
use crate::new_token::NewToken;
use crate::plan::{self, Action, Planned, Spent};
use crate::policy::{TypeId, TypePolicy};
use crate::record::Record;
use crate::value::fill_random;
use crate::verdict::{Query, Status, flag};

/// How many tokens in memory alone a store has at most.
const MAX_TICKETS: usize = 1_000_000;
/// How long after its expiry a ticket is still known, so that the answer says why it is refused.
pub(super) const KEPT_DEAD_MS: i64 = 5 * 60 * 1_000;
/// How many dead tickets a creation sweeps out at most.
const SWEPT_A_CREATION: usize = 4;

/// The tickets of a store.
pub(super) struct Tickets {
    pub(super) index: Index,
    desk: Mutex<Desk>,
}

/// For whoever changes them.
struct Desk {
    writer: Writer,
    records: HashMap<Digest, Record>,
    digests: HashMap<Id, Digest>,
    /// By the time from which they are swept out.
    by_end: BTreeSet<(i64, Digest)>,
    last_id: Id,
    sequence: u64,
}

impl Tickets {
    pub(super) fn new() -> Result<Tickets> {
        let (index, writer) = Index::new(0)?;
        let desk = Desk {
            writer,
            records: HashMap::new(),
            digests: HashMap::new(),
            by_end: BTreeSet::new(),
            last_id: Id::NONE,
            sequence: 0,
        };
        Ok(Tickets { index, desk: Mutex::new(desk) })
    }

    fn create(&self, new: NewToken, policy: &TypePolicy, digest: Digest, now_ms: i64) -> Result<(Id, u64)> {
        let mut random = [0; 16];
        fill_random(&mut random)?;
        let desk = &mut *lock(&self.desk);
        desk.sweep(&self.index, now_ms);
        if desk.records.contains_key(&digest) {
            return Err(value_exists());
        }
        if desk.records.len() >= MAX_TICKETS {
            return Err(Error::new(
                ErrorKind::LimitReached,
                "the store has a million tokens in memory alone already",
            ));
        }
        let id = Id::next(desk.last_id, now_ms, random);
        let record = plan::create(new, digest, policy, None, id, desk.sequence + 1, now_ms)?;
        desk.sequence += 1;
        desk.last_id = id;
        desk.put(&self.index, record)?;
        Ok((id, desk.sequence))
    }

    /// Spends a use of the ticket with this digest; nothing if there is no such ticket.
    pub(super) fn consume(
        &self,
        digest: &Digest,
        query: &Query,
        by_name_only: impl Fn(TypeId) -> bool,
        now_ms: i64,
    ) -> Option<Spent> {
        let desk = &mut *lock(&self.desk);
        let record = desk.records.get(digest)?;
        let (dead, by_name_only) = (is_dead(&self.index, digest), by_name_only(record.type_id));
        match plan::consume(record, dead, by_name_only, query, now_ms) {
            Status::Ok => {}
            refusal => return Some(Spent::Nothing(refusal)),
        }
        desk.sequence += 1;
        let revision = desk.sequence;
        let after = plan::spend(record.clone(), revision, now_ms);
        let uses_left = after.uses_left.unwrap_or(0);
        if uses_left == 0 {
            desk.writer.use_up(&self.index, digest);
        }
        let app_data = after.app_data.clone();
        desk.records.insert(*digest, after);
        Some(Spent::Use { revision, uses_left, app_data })
    }

    /// Changes a ticket; nothing if there is none with this id.
    fn change(
        &self,
        target: &Target,
        action: &Action,
        types: &super::Types,
        now_ms: i64,
    ) -> Option<Result<Change>> {
        let desk = &mut *lock(&self.desk);
        let digest = *desk.digests.get(&target.id)?;
        let record = desk.records.get(&digest)?.clone();
        let policy = types.get(record.type_id)?;
        let dead = is_dead(&self.index, &digest);
        let planned = plan::change(action, target, &record, dead, policy, desk.sequence + 1, now_ms);
        Some(planned.and_then(|planned| match planned {
            Planned::Nothing => Ok(Change { changed: false, revision: record.revision }),
            Planned::Put(after) => {
                desk.sequence += 1;
                desk.put(&self.index, *after)?;
                Ok(Change { changed: true, revision: desk.sequence })
            }
            Planned::Delete => {
                desk.remove(&self.index, &digest);
                Ok(Change { changed: true, revision: 0 })
            }
        }))
    }

    /// The ticket with this id.
    pub(super) fn get(&self, id: Id) -> Option<Record> {
        let desk = lock(&self.desk);
        desk.records.get(desk.digests.get(&id)?).cloned()
    }

    /// Ends all tickets of an owner that were made so far.
    pub(super) fn kill_owner(&self, owner: &[u8], type_id: Option<TypeId>) -> Result<()> {
        let desk = &mut *lock(&self.desk);
        desk.writer.kill_owner(&self.index, owner, type_id, desk.sequence)
    }
}

impl Desk {
    /// Takes out what died long ago.
    fn sweep(&mut self, index: &Index, now_ms: i64) {
        for _ in 0..SWEPT_A_CREATION {
            match self.by_end.first() {
                Some((end_ms, digest)) if *end_ms <= now_ms => {
                    let digest = *digest;
                    self.remove(index, &digest);
                }
                _ => break,
            }
        }
    }

    fn put(&mut self, index: &Index, record: Record) -> Result<()> {
        super::commit::entries(&record, 0).try_for_each(|entry| self.writer.put(index, &entry))?;
        if let Some(before) = self.records.get(&record.digest) {
            self.by_end.remove(&(end_ms(before), record.digest));
        }
        self.by_end.insert((end_ms(&record), record.digest));
        self.digests.insert(record.id, record.digest);
        self.records.insert(record.digest, record);
        Ok(())
    }

    fn remove(&mut self, index: &Index, digest: &Digest) {
        if let Some(record) = self.records.remove(digest) {
            self.digests.remove(&record.id);
            self.by_end.remove(&(end_ms(&record), *digest));
            self.writer.remove(index, digest);
        }
    }
}

fn value_exists() -> Error {
    Error::new(ErrorKind::ValueExists, "the store knows this value already")
}

fn end_ms(record: &Record) -> i64 {
    record.expires_ms.saturating_add(KEPT_DEAD_MS)
}

fn is_dead(index: &Index, digest: &Digest) -> bool {
    index.peek(digest).is_none_or(|(_, flags, _)| flags & flag::REVOKED != 0)
}

impl Engine {
    /// Makes a ticket.
    pub(crate) fn create_ticket(
        &self,
        new: &NewToken,
        policy: &TypePolicy,
        digest: Digest,
    ) -> Result<(Id, u64)> {
        self.changeable()?;
        new.check()?;
        if self.index.peek(&digest).is_some() {
            return Err(value_exists());
        }
        let tickets = match self.tickets.get() {
            Some(tickets) => tickets,
            None => {
                let fresh = Tickets::new()?;
                self.tickets.get_or_init(|| fresh)
            }
        };
        tickets.create(new.clone(), policy, digest, self.now.ms())
    }

    /// Changes a ticket; nothing if there is none with this id.
    pub(crate) fn change_ticket(&self, target: &Target, action: &Action) -> Option<Result<Change>> {
        let tickets = self.tickets.get()?;
        if let Err(error) = self.changeable() {
            return Some(Err(error));
        }
        let now_ms = self.now.ms();
        let changed = tickets.change(target, action, &self.types, now_ms)?;
        Some(changed.inspect_err(|error| {
            if error.kind() == ErrorKind::Expired {
                self.now.raise(now_ms);
            }
        }))
    }
}
