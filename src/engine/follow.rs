//! Following what other processes changed: the index is a view of the file, and knows up to which change it goes.
//!
//! Whoever is asked something first asks the board whether there is a change that this process does not know. If so, the
//! event log tells which tokens, families and owners were touched since, and their records as they are now are put into
//! memory: never what was done, but what came of it, so that it does no harm to do it twice. New tokens need no event:
//! ids ascend. A view that is further behind than the log reaches puts in everything.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use super::book::{Book, Place};
use super::change::digests;
use super::commit::Desk;
use super::open::read_head;
use super::pending::{MAX_DEPTH, Pending};
use super::{Engine, lock};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{EventDetail, EventKind};
use crate::id::Id;
use crate::policy::{TypeId, TypePolicy};
use crate::record::{
    EventRecord, Fate, Head, OwnerKill, Record, RecordName, Subject, Table, decode_event, decode_owner_kill,
    decode_policy, owner_kill_key, record_name, token_key, type_key, unseal,
};
use crate::storage::{Rows, Snapshot, Storage};
use crate::verdict::flag;

/// How many tokens are put in from one reading, so that it stays small in memory.
const TOKENS_A_READING: usize = 1_000;

/// What was touched since.
#[derive(Default)]
struct Touched {
    has_new_types: bool,
    tokens: BTreeSet<Id>,
    families: BTreeSet<Id>,
    owners: BTreeSet<(Vec<u8>, Option<TypeId>)>,
}

impl Engine {
    /// Sees to it that memory is as new as the store, waiting for it if it must.
    ///
    /// # Errors
    /// What keeps it from being so: the answer would be of yesterday then.
    #[inline]
    pub(crate) fn current(&self) -> Result<()> {
        self.usable()?;
        if self.is_behind() { self.catch_up() } else { Ok(()) }
    }

    /// The same without waiting.
    ///
    /// # Errors
    /// Stale if it is not so.
    #[inline]
    pub(crate) fn current_now(&self) -> Result<()> {
        self.usable()?;
        if self.is_behind() { Err(stale()) } else { Ok(()) }
    }

    #[inline]
    fn is_behind(&self) -> bool {
        self.board.generation() > self.applied.load(Ordering::Acquire)
    }

    #[cold]
    fn catch_up(&self) -> Result<()> {
        // What is made known from now on is for the next call.
        let known = self.board.generation();
        self.with_storage(|storage| {
            let mut desk = lock(&self.desk);
            // Another thread may have done it meanwhile.
            if desk.head.sequence < known {
                self.apply(&*storage.read()?, &mut desk)?;
            }
            if desk.head.sequence < known {
                return Err(Error::new(
                    ErrorKind::RolledBack,
                    "the file is behind what was made known of it",
                ));
            }
            Ok(())
        })
    }

    /// Brings memory up to what a writer finds in the file.
    pub(super) fn follow(&self, storage: &dyn Storage, rows: &dyn Rows, desk: &mut Desk) -> Result<()> {
        let head = read_head(rows, &self.keys)?;
        if head.sequence == desk.head.sequence {
            desk.head = head;
        } else {
            self.apply(&*storage.read()?, desk)?;
        }
        // Who changed it may have died before it made that known.
        self.board.raise_generation(desk.head.sequence);
        Ok(())
    }

    /// Puts into memory what a snapshot has and memory has not.
    fn apply(&self, snapshot: &dyn Snapshot, desk: &mut Desk) -> Result<()> {
        let head = read_head(snapshot, &self.keys)?;
        if head.sequence < desk.head.sequence {
            return Err(Error::new(ErrorKind::RolledBack, "the file is behind what was read from it before"));
        }
        let mut touched = match head.first_event > desk.head.sequence + 1 {
            true => self.everything(snapshot)?,
            false => self.touched_since(snapshot, desk, &head)?,
        };
        if touched.has_new_types {
            self.apply_types(snapshot)?;
        }
        let kills = touched.owners.iter().map(|(owner, type_id)| {
            // Its mark is known before tokens are looked at, which may be dead by it.
            self.read_owner_kill(snapshot, desk, owner, *type_id)
        });
        let kills = kills.collect::<Result<Vec<_>>>()?;
        self.apply_families(snapshot, desk, &head, &mut touched)?;
        let tokens: Vec<_> = touched.tokens.into_iter().collect();
        for tokens in tokens.chunks(TOKENS_A_READING) {
            let mut pending = Pending::new(&self.keys, snapshot, self.now.ms(), head.clone());
            for id in tokens {
                self.apply_token(&mut pending, desk, *id)?;
            }
        }
        for OwnerKill { owner, type_id, watermark, .. } in kills {
            desk.writer.kill_owner(&self.index, &owner, type_id, watermark)?;
        }
        self.now.raise(head.mark_ms);
        self.applied.store(head.sequence, Ordering::Release);
        desk.head = head;
        Ok(())
    }

    /// What the log tells.
    fn touched_since(&self, snapshot: &dyn Snapshot, desk: &Desk, head: &Head) -> Result<Touched> {
        let before = &desk.head;
        let mut touched = Touched::default();
        let mut expected = before.sequence + 1;
        snapshot.events(expected, &mut |sequence, row| {
            if sequence != expected {
                return Err(Error::corrupt("an event of the file is missing"));
            }
            expected += 1;
            touched.add(decode_event(unseal(&self.keys, Table::Events, &sequence.to_be_bytes(), row)?.0)?);
            Ok(true)
        })?;
        if head.last_id != before.last_id {
            snapshot.scan(Some(&token_key(before.last_id)), &mut |key, _| {
                if let RecordName::Token(id) = record_name(key)? {
                    touched.tokens.insert(id);
                }
                Ok(true)
            })?;
        }
        // What is done to a member may be its family's.
        let mut pending = Pending::new(&self.keys, snapshot, self.now.ms(), before.clone());
        for id in &touched.tokens {
            let family = match pending.token(*id)? {
                Some(record) => record.member.map(|member| member.family),
                // A member that is gone may have taken its family with it.
                None => self.known_above(desk, *id),
            };
            touched.families.extend(family);
            pending.forget();
        }
        Ok(touched)
    }

    /// What a token that is gone hung on, if it is known here.
    fn known_above(&self, desk: &Desk, id: Id) -> Option<Id> {
        let digest = lock(&self.book).place(id)?.digest;
        desk.writer.hangs_on(&self.index, &digest)
    }

    /// All that is in the file, and all that is in memory.
    fn everything(&self, snapshot: &dyn Snapshot) -> Result<Touched> {
        let tokens = lock(&self.book).known_ids();
        let mut touched = Touched { has_new_types: true, tokens, ..Touched::default() };
        snapshot.scan(None, &mut |key, row| {
            match record_name(key)? {
                RecordName::Type(_) => {}
                RecordName::Family(id) => {
                    touched.families.insert(id);
                }
                RecordName::OwnerKill(_) => {
                    let kill = decode_owner_kill(unseal(&self.keys, Table::Records, key, row)?.0)?;
                    touched.owners.insert((kill.owner, kill.type_id));
                }
                RecordName::Token(id) => {
                    touched.tokens.insert(id);
                }
            }
            Ok(true)
        })?;
        Ok(touched)
    }

    fn apply_types(&self, rows: &dyn Rows) -> Result<()> {
        loop {
            let next = TypeId(self.types.len() as u16 + 1);
            let key = type_key(next);
            let Some(row) = rows.get(&key)? else { return Ok(()) };
            self.types.add(next, decode_policy(unseal(&self.keys, Table::Records, &key, &row)?.0)?)?;
        }
    }

    fn read_owner_kill(
        &self,
        rows: &dyn Rows,
        desk: &mut Desk,
        owner: &[u8],
        type_id: Option<TypeId>,
    ) -> Result<OwnerKill> {
        let key = owner_kill_key(&self.keys, owner, type_id);
        let row = rows.get(&key)?.ok_or_else(|| Error::corrupt("a revocation of the file is missing"))?;
        let (body, part) = unseal(&self.keys, Table::Records, &key, &row)?;
        let kill = decode_owner_kill(body)?;
        desk.marks.set(&kill, part);
        Ok(kill)
    }

    /// Ends what was ended, and adds the members to what is to be put in: what is done to a family holds for them.
    fn apply_families(
        &self,
        snapshot: &dyn Snapshot,
        desk: &mut Desk,
        head: &Head,
        touched: &mut Touched,
    ) -> Result<()> {
        let Touched { tokens, families, .. } = touched;
        let mut pending = Pending::new(&self.keys, snapshot, self.now.ms(), head.clone());
        for id in families.iter() {
            let family = pending.family(*id)?;
            let is_dead = match &family {
                Some(family) => family.revoked.is_some(),
                // It is gone, if it was a family and no parent.
                None => pending.token(*id)?.is_none(),
            };
            if is_dead {
                desk.writer.kill_line(&self.index, *id);
            }
            tokens.extend(lock(&self.book).members(*id));
            tokens.extend(family.iter().flat_map(|family| [family.refresh, family.access]));
            pending.forget();
        }
        Ok(())
    }

    /// Puts a token in as it is now, or takes it out.
    fn apply_token(&self, pending: &mut Pending<'_>, desk: &mut Desk, id: Id) -> Result<()> {
        let after = pending.token(id)?;
        if let Some(record) = &after {
            let dead = pending.is_orphaned(desk, record, MAX_DEPTH + 2)?;
            let flags = if dead { flag::REVOKED } else { 0 };
            self.show_token(&mut desk.writer, &pending.changes, record, flags)?;
            if record.revoked.is_some() {
                desk.writer.kill_line(&self.index, id);
            }
        }
        let values: Vec<_> = after.iter().flat_map(digests).collect();
        let before = self.note_followed(id, after.as_ref());
        for digest in before.iter().flat_map(Place::digests).filter(|digest| !values.contains(digest)) {
            if after.is_none() {
                // What hangs on it dies with it.
                desk.writer.kill(&self.index, &digest);
            }
            desk.writer.remove(&self.index, &digest);
        }
        Ok(())
    }

    /// Notes in the book where a token stands that another process changed; where it stood.
    fn note_followed(&self, id: Id, record: Option<&Record>) -> Option<Place> {
        let place = record.map(|record| self.place_of(record));
        let mut book = lock(&self.book);
        if let Some(record) = record {
            self.note_end(&mut book, record);
            if let Some(member) = &record.member {
                match member.fate {
                    Fate::Superseded => book.remove_member(member.family, id),
                    Fate::Good | Fate::Ending => book.add_member(member.family, id),
                }
            }
        }
        book.follow(id, place)
    }

    /// Notes in the book where a token stands after a change of this process.
    pub(super) fn note_place(&self, id: Id, record: Option<&Record>) {
        if !self.settings.alone {
            let place = record.map(|record| self.place_of(record));
            let mut book = lock(&self.book);
            if let Some(record) = record {
                self.note_end(&mut book, record);
            }
            book.note_place(id, place);
        }
    }

    fn place_of(&self, record: &Record) -> Place {
        let policy = self.types.get(record.type_id);
        let unique = policy.is_some_and(|policy| policy.unique_names);
        Place::of(&self.keys, record, unique && record.revoked.is_none() && record.member.is_none())
    }

    /// What would be in memory alone if this process were alone is swept out some time after its end.
    fn note_end(&self, book: &mut Book, record: &Record) {
        if self.types.get(record.type_id).is_some_and(TypePolicy::is_volatile) {
            book.note_end(record.expires_ms, record.id);
        }
    }
}

impl Touched {
    fn add(&mut self, event: EventRecord) {
        let EventRecord { kind, subject, detail, gone, .. } = event;
        match kind {
            EventKind::PairIssued
            | EventKind::Refreshed
            | EventKind::Replayed
            | EventKind::Reused
            | EventKind::FamilyRevoked => {
                if let Subject::Token(family) = subject {
                    self.families.insert(family);
                }
            }
            EventKind::OwnerRevoked => {
                let type_id = if let Subject::Type(type_id) = subject { Some(type_id) } else { None };
                if let Some(EventDetail::Owner(owner)) = detail {
                    self.owners.insert((owner, type_id));
                }
            }
            EventKind::Pruned => self.tokens.extend(gone),
            EventKind::TypeDeclared => self.has_new_types = true,
            EventKind::Created
            | EventKind::Edited
            | EventKind::Granted
            | EventKind::Ungranted
            | EventKind::GrantedAll
            | EventKind::GrantsRevoked
            | EventKind::Disabled
            | EventKind::Enabled
            | EventKind::Revoked
            | EventKind::Deleted
            | EventKind::Consumed
            | EventKind::Rotated => {
                if let Subject::Token(id) = subject {
                    self.tokens.insert(id);
                }
            }
        }
    }
}

/// The answer of who is asked not to wait.
#[cold]
pub(crate) fn stale() -> Error {
    Error::new(ErrorKind::Stale, "another process changed the store, and the call was asked not to wait")
}
