//! Changes: planned one by one against the records, committed together, then shown to verifies.
//!
//! What ends a token is shown before the commit: whoever revokes is safe from then on, whatever the disk does. What
//! allows more is shown after it. If a commit fails, it is not known what the file has; each token it touched keeps
//! what both the old and the new state allow, and the store takes no more changes until it is opened again.

use std::collections::{BTreeMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::types::too_many;
use super::{Engine, health, lock, no_answer};
use crate::edit::{Change, Target};
use crate::error::{Error, ErrorKind, Result};
use crate::event::EventKind;
use crate::id::Id;
use crate::index::{self, Entry, MAX_REVISION, time_of_use_ms};
use crate::key::{Digest, add, subtract};
use crate::new_token::NewToken;
use crate::plan::{self, Action, Answer, Op, Planned};
use crate::policy::{TypeId, TypePolicy};
use crate::record::{
    EventRecord, Head, Record, RecordKey, Subject, Table, decode_token, encode_event, encode_head,
    encode_policy, encode_token, seal, token_key, type_key, unseal,
};
use crate::storage::{Batch, CommitError, Writer};
use crate::value::fill_random;

/// How many slots a commit looks through for uses to write out.
const SLOTS_A_COMMIT: usize = 1_024;
/// How many uses a commit writes out: each may cost it a page.
const USES_A_COMMIT: usize = 16;

/// What only the one who commits needs.
pub(super) struct Desk {
    pub(super) writer: index::Writer,
    pub(super) head: Head,
}

/// A batch in the making.
struct Pending<'a> {
    rows: &'a dyn Writer,
    now_ms: i64,
    head: Head,
    tokens: BTreeMap<Id, Touched>,
    digests: HashSet<Digest>,
    types: Vec<(TypeId, TypePolicy)>,
    events: Vec<(u64, EventRecord)>,
}

/// A token that the batch touches.
struct Touched {
    before: Option<(Record, [u8; 32])>,
    after: Option<Record>,
}

impl Engine {
    /// Runs a batch. One operation's refusal is no other's.
    pub(super) fn commit(&self, desk: &mut Desk, ops: Vec<Op>) -> Vec<Result<Answer>> {
        let count = ops.len();
        // Whoever waited while another's commit failed finds the store so.
        let ran = self.changeable().and_then(|()| {
            self.with_storage(|storage| {
                let rows = storage.begin(self.settings.busy_timeout)?;
                let mut pending = Pending::new(&*rows, self.now.ms(), desk.head.clone());
                let answers: Vec<_> = ops.into_iter().map(|op| self.plan(&mut pending, desk, op)).collect();
                if pending.events.is_empty() {
                    return Ok(answers);
                }
                let uses = desk.writer.take_uses(&self.index, SLOTS_A_COMMIT, USES_A_COMMIT);
                // What ends tokens is shown already: whatever fails from here on ends all changes.
                let (batch, head, changes) =
                    self.batch(pending, uses).inspect_err(|_| self.worsen(health::FAILED))?;
                let (health, error) = match catch_unwind(AssertUnwindSafe(|| rows.commit(&batch))) {
                    Ok(Ok(())) => {
                        desk.head = head;
                        self.publish(desk, changes).inspect_err(|_| self.worsen(health::FAILED))?;
                        return Ok(answers);
                    }
                    Ok(Err(CommitError::NotDone(error))) => (health::FAILED, error),
                    Ok(Err(CommitError::Unknown(error))) => {
                        let message = format!("the change may or may not be in the file: {error}");
                        (health::FAILED, Error::new(ErrorKind::CommitUnknown, message))
                    }
                    Err(_) => (health::PANICKED, no_answer()),
                };
                self.worsen(health);
                self.keep_what_both_allow(desk, &changes);
                Err(error)
            })
        });
        ran.unwrap_or_else(|error| {
            // A panic inside was caught below, and the store is poisoned by now.
            (0..count).map(|_| Err(error.clone())).collect()
        })
    }

    fn plan(&self, pending: &mut Pending<'_>, desk: &mut Desk, op: Op) -> Result<Answer> {
        match op {
            Op::Declare(policy) => self.plan_declare(pending, policy).map(Answer::Type),
            Op::Create(new, digest) => self.plan_create(pending, *new, digest),
            Op::CreateIfAbsent(new, digest) => match self.find_namesake(pending, &new)? {
                Some(namesake) if namesake.type_id == new.type_id => Ok(Answer::Existing(namesake.id)),
                _ => self.plan_create(pending, *new, digest),
            },
            Op::Change(target, action) => {
                self.plan_change(pending, desk, &target, &action).map(Answer::Change)
            }
        }
    }

    fn plan_declare(&self, pending: &mut Pending<'_>, policy: TypePolicy) -> Result<TypeId> {
        policy.check()?;
        let declared =
            self.types.iter().chain(pending.types.iter().map(|(type_id, policy)| (*type_id, policy)));
        for (type_id, known) in declared {
            if known.name == policy.name {
                return if *known == policy {
                    Ok(type_id)
                } else {
                    Err(Error::new(ErrorKind::TypeConflict, "the type is declared with another policy"))
                };
            }
            if known.prefix == policy.prefix {
                return Err(Error::new(ErrorKind::TypeConflict, "the prefix is another type's"));
            }
        }
        let number = self.types.len() + pending.types.len() + 1;
        if number > crate::policy::MAX_TYPES {
            return Err(too_many());
        }
        let type_id = TypeId(number as u16);
        pending.next(EventKind::TypeDeclared, Subject::Type(type_id), "", "")?;
        pending.types.push((type_id, policy));
        Ok(type_id)
    }

    fn plan_create(&self, pending: &mut Pending<'_>, new: NewToken, digest: Digest) -> Result<Answer> {
        let policy = self.types.get(new.type_id).ok_or_else(no_such_type)?;
        new.check()?;
        // A refused creation takes no number, so that whatever can be refused comes before one is drawn.
        policy.expiry_ms(new.expires, pending.now_ms, pending.now_ms)?;
        if policy.unique_names && self.find_namesake(pending, &new)?.is_some() {
            return Err(name_taken());
        }
        if self.index.peek(&digest).is_some() || pending.digests.contains(&digest) {
            return Err(Error::new(ErrorKind::ValueExists, "the store knows this value already"));
        }
        let mut random = [0; 16];
        fill_random(&mut random)?;
        let id = Id::next(pending.head.last_id, pending.now_ms, random);
        let by = new.by.clone();
        let revision = pending.next(EventKind::Created, Subject::Token(id), &by, "")?;
        let record = plan::create(new, digest, policy, id, revision, pending.now_ms)?;
        pending.head.last_id = id;
        pending.digests.insert(digest);
        let mut book = lock(&self.book);
        book.add(&self.keys, &record);
        if let (true, Some(name)) = (policy.unique_names, &record.name) {
            book.take_name(&self.keys, &record.owner, name, id);
        }
        pending.tokens.insert(id, Touched { before: None, after: Some(record) });
        Ok(Answer::Created { id, revision })
    }

    fn plan_change(
        &self,
        pending: &mut Pending<'_>,
        desk: &mut Desk,
        target: &Target,
        action: &Action,
    ) -> Result<Change> {
        target.check()?;
        if let Action::Edit(edit) = action {
            edit.check()?;
        }
        self.load(pending, target.id)?;
        let touched = pending.tokens.get(&target.id);
        let Some(record) = touched.and_then(|touched| touched.after.as_ref()) else {
            return Err(Error::not_found());
        };
        let policy = self.types.get(record.type_id).ok_or_else(no_such_type)?;
        let revision = pending.head.sequence + 1;
        let planned = plan::change(action, target, record, policy, revision, pending.now_ms);
        // Who was told that it has expired was told for good.
        let planned = planned.inspect_err(|error| {
            if error.kind() == ErrorKind::Expired {
                self.now.raise(pending.now_ms);
            }
        })?;
        let (before, after) = match planned {
            Planned::Nothing => return Ok(Change { changed: false, revision: record.revision }),
            Planned::Put(after) => (record.clone(), Some(*after)),
            Planned::Delete => (record.clone(), None),
        };
        self.plan_name(pending, policy, &before, after.as_ref())?;
        pending.next(action.event(), Subject::Token(target.id), &target.by, &target.reason)?;
        // Nothing refuses it any more: what ends a token takes effect now.
        match action {
            Action::Revoke | Action::Delete => desk.writer.kill(&self.index, &before.digest),
            Action::Disable => desk.writer.disable(&self.index, &before.digest),
            _ => {}
        }
        let revision = after.as_ref().map_or(0, |after| after.revision);
        if let Some(touched) = pending.tokens.get_mut(&target.id) {
            touched.after = after;
        }
        Ok(Change { changed: true, revision })
    }

    /// Takes and frees the names that a change of a record takes and frees.
    fn plan_name(
        &self,
        pending: &mut Pending<'_>,
        policy: &TypePolicy,
        before: &Record,
        after: Option<&Record>,
    ) -> Result<()> {
        if !policy.unique_names {
            if after.is_none() {
                lock(&self.book).remove(&self.keys, before);
            }
            return Ok(());
        }
        // A dead token holds no name; it may still be deleted, or revoked for the record.
        let held = |record: &&Record| !plan::state(record, pending.now_ms).is_dead();
        let old = Some(before).filter(held).and_then(|record| record.name.clone());
        let new = after.filter(held).and_then(|record| record.name.clone());
        if old != new
            && let Some(name) = &new
            && self.find_name(pending, &before.owner, name)?.is_some()
        {
            return Err(name_taken());
        }
        let mut book = lock(&self.book);
        if let Some(name) = before.name.as_deref().filter(|name| new.as_deref() != Some(*name)) {
            book.free_name(&self.keys, &before.owner, name, before.id);
        }
        if let Some(name) = new {
            book.take_name(&self.keys, &before.owner, &name, before.id);
        }
        if after.is_none() {
            book.remove(&self.keys, before);
        }
        Ok(())
    }

    /// The live token that holds the name of a new one.
    fn find_namesake(&self, pending: &mut Pending<'_>, new: &NewToken) -> Result<Option<Record>> {
        match &new.name {
            Some(name) => self.find_name(pending, &new.owner, name),
            None => Ok(None),
        }
    }

    /// The live token of this owner that holds this name.
    fn find_name(&self, pending: &mut Pending<'_>, owner: &[u8], name: &str) -> Result<Option<Record>> {
        let candidates = lock(&self.book).named(&self.keys, owner, name);
        for id in candidates {
            self.load(pending, id)?;
            let Some(record) = pending.tokens.get(&id).and_then(|touched| touched.after.as_ref()) else {
                continue;
            };
            if record.owner != owner || record.name.as_deref() != Some(name) {
                continue;
            }
            if plan::state(record, pending.now_ms).is_dead() {
                // The name is free from now on, whatever the clock does.
                self.now.raise(pending.now_ms);
                lock(&self.book).free_name(&self.keys, owner, name, id);
            } else {
                return Ok(Some(record.clone()));
            }
        }
        Ok(None)
    }

    /// Reads a token's record into the batch, unless it is there.
    fn load(&self, pending: &mut Pending<'_>, id: Id) -> Result<()> {
        if pending.tokens.contains_key(&id) {
            return Ok(());
        }
        let key = token_key(id);
        if let Some(row) = pending.rows.get(&key)? {
            let (body, part) = unseal(&self.keys, Table::Records, &key, &row)?;
            let record = decode_token(id, body)?;
            pending.tokens.insert(id, Touched { before: Some((record.clone(), part)), after: Some(record) });
        }
        Ok(())
    }

    /// What is written, the head after it, and what is shown then.
    fn batch(&self, pending: Pending<'_>, uses: Vec<(Id, u32)>) -> Result<(Batch, Head, Changes)> {
        let Pending { now_ms, mut head, tokens, types, events, .. } = pending;
        self.now.raise(now_ms);
        head.mark_ms = self.now.mark_to_keep_ms();
        head.first_event = head.first_event.max((head.sequence + 1).saturating_sub(self.settings.max_events));
        let mut batch =
            Batch { generation: head.sequence, first_event: head.first_event, ..Batch::default() };
        for (type_id, policy) in &types {
            let key = type_key(*type_id);
            self.put_row(&mut batch, &mut head, key, &encode_policy(policy)?);
        }
        for (id, Touched { before, after }) in &tokens {
            let key = token_key(*id);
            if let (Some((before, _)), Some(after)) = (before, after)
                && before.revision == after.revision
            {
                continue;
            }
            if let Some((_, part)) = before {
                subtract(&mut head.sum, part);
                head.records -= 1;
            }
            match after {
                Some(after) => self.put_row(&mut batch, &mut head, key, &encode_token(after)?),
                None if before.is_some() => {
                    batch.records.push((key, None));
                    batch.last_uses.push((*id, None));
                }
                None => {}
            }
        }
        let resolution = self.settings.use_resolution_ms;
        let deleted = |id: &Id| tokens.get(id).is_some_and(|touched| touched.after.is_none());
        let uses = uses.into_iter().filter(|(id, _)| !deleted(id));
        batch.last_uses.extend(uses.map(|(id, unit)| (id, Some(time_of_use_ms(unit, now_ms, resolution)))));
        for (sequence, event) in events.iter().filter(|(sequence, _)| *sequence >= head.first_event) {
            let row = seal(&self.keys, Table::Events, &sequence.to_be_bytes(), &encode_event(event)?);
            batch.events.push((*sequence, row.bytes));
        }
        batch.head = seal(&self.keys, Table::Head, &[0], &encode_head(&head)?).bytes;
        Ok((batch, head, Changes { tokens, types }))
    }

    fn put_row(&self, batch: &mut Batch, head: &mut Head, key: RecordKey, body: &[u8]) {
        let row = seal(&self.keys, Table::Records, &key, body);
        add(&mut head.sum, &row.part);
        head.records += 1;
        batch.records.push((key, Some(row.bytes)));
    }

    /// Shows what was committed to verifies.
    fn publish(&self, desk: &mut Desk, changes: Changes) -> Result<()> {
        for (type_id, policy) in changes.types {
            self.types.add(type_id, policy)?;
        }
        for Touched { before, after } in changes.tokens.values() {
            match (before, after) {
                (Some((before, _)), Some(after)) if before.revision == after.revision => {}
                (_, Some(after)) => desk.writer.put(&self.index, &entry(after)).map_err(|error| {
                    let message = format!("the change is in the file, but not in memory: {error}");
                    Error::new(ErrorKind::CommitUnknown, message)
                })?,
                (Some((before, _)), None) => desk.writer.remove(&self.index, &before.digest),
                (None, None) => {}
            }
        }
        Ok(())
    }

    /// After a failed commit: what the file has is the old or the new, and only what both allow may be answered.
    fn keep_what_both_allow(&self, desk: &mut Desk, changes: &Changes) {
        for Touched { before, after } in changes.tokens.values() {
            // What is new is not shown, and what was to be deleted is dead in the index already.
            let (Some((before, _)), Some(after)) = (before, after) else { continue };
            if before.revision != after.revision
                && desk.writer.put(&self.index, &entry(&before.meet(after))).is_err()
            {
                desk.writer.kill(&self.index, &before.digest);
            }
        }
    }

    /// Writes out all uses and the mark of the clock.
    pub(super) fn flush_uses(&self, desk: &mut Desk) -> Result<()> {
        let resolution = self.settings.use_resolution_ms;
        let now_ms = self.now.ms();
        let uses = desk.writer.take_uses(&self.index, desk.writer.visits(&self.index), usize::MAX);
        let at_ms = |unit| Some(time_of_use_ms(unit, now_ms, resolution));
        let last_uses: Vec<_> = uses.into_iter().map(|(id, unit)| (id, at_ms(unit))).collect();
        let mut head = desk.head.clone();
        self.now.raise(now_ms);
        head.mark_ms = self.now.mark_to_keep_ms();
        if last_uses.is_empty() && head == desk.head {
            return Ok(());
        }
        let row = seal(&self.keys, Table::Head, &[0], &encode_head(&head)?).bytes;
        let batch = Batch {
            last_uses,
            head: row,
            generation: head.sequence,
            first_event: head.first_event,
            ..Batch::default()
        };
        self.with_storage(|storage| {
            let written = storage.begin(self.settings.busy_timeout)?.commit(&batch);
            written.map_err(|error| {
                self.worsen(health::FAILED);
                match error {
                    CommitError::NotDone(error) | CommitError::Unknown(error) => error,
                }
            })
        })?;
        desk.head = head;
        Ok(())
    }

    /// Writes out all uses and the mark of the clock, now.
    pub(crate) fn flush(&self) -> Result<()> {
        self.changeable()?;
        self.flush_uses(&mut lock(&self.desk))
    }
}

/// What a batch changes, by its final state of each token.
struct Changes {
    tokens: BTreeMap<Id, Touched>,
    types: Vec<(TypeId, TypePolicy)>,
}

impl<'a> Pending<'a> {
    fn new(rows: &'a dyn Writer, now_ms: i64, head: Head) -> Pending<'a> {
        Pending {
            rows,
            now_ms,
            head,
            tokens: BTreeMap::new(),
            digests: HashSet::new(),
            types: Vec::new(),
            events: Vec::new(),
        }
    }

    /// Takes the next sequence number for an event.
    fn next(&mut self, kind: EventKind, subject: Subject, by: &str, reason: &str) -> Result<u64> {
        if self.head.sequence >= MAX_REVISION {
            return Err(Error::new(
                ErrorKind::LimitReached,
                "the store made as many changes as it can number",
            ));
        }
        self.head.sequence += 1;
        let event =
            EventRecord { kind, at_ms: self.now_ms, subject, by: by.to_owned(), reason: reason.to_owned() };
        self.events.push((self.head.sequence, event));
        Ok(self.head.sequence)
    }
}

/// A record as the index takes it.
pub(super) fn entry(record: &Record) -> Entry<'_> {
    Entry {
        digest: record.digest,
        id: record.id,
        type_id: record.type_id,
        expires_ms: record.expires_ms,
        flags: record.flags(),
        owner: &record.owner,
        grants: &record.grants,
        binding: record.binding.as_deref(),
        app_word: record.app_word,
        revision: record.revision,
    }
}

pub(super) fn no_such_type() -> Error {
    Error::new(ErrorKind::NotFound, "no such type")
}

fn name_taken() -> Error {
    Error::new(ErrorKind::NameTaken, "a live token of this owner holds the name")
}
