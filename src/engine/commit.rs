//! Changes: planned one by one against the records, committed together, then shown to verifies.
//!
//! What ends a token is shown before the commit: whoever revokes is safe from then on, whatever the disk does. What
//! allows more is shown after it. If a commit fails, it is not known what the file has; each token it touched keeps
//! what both the old and the new state allow, and the store takes no more changes until it is opened again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::change::digests;
use super::marks::Marks;
use super::pending::{Changes, Pending, Touched};
use super::{Engine, health, lock, no_answer};
use crate::error::{Error, ErrorKind, Result};
use crate::id::Id;
use crate::index::{self, Entry, Kin, time_of_use_ms, use_key};
use crate::key::{add, subtract};
use crate::plan::{Answer, Op};
use crate::policy::TypeId;
use crate::record::{
    Head, Record, RecordKey, Table, encode_event, encode_family, encode_head, encode_owner_kill,
    encode_policy, encode_token, family_key, owner_kill_key, seal, token_key, type_key,
};
use crate::storage::{Batch, CommitError};
use crate::verdict::flag;

/// How many slots a commit looks through for uses to write out.
const SLOTS_A_COMMIT: usize = 1_024;
/// How many uses a commit writes out: each may cost it a page.
const USES_A_COMMIT: usize = 16;

/// What only the one who commits needs.
pub(super) struct Desk {
    pub(super) writer: index::Writer,
    pub(super) head: Head,
    pub(super) marks: Marks,
}

/// What is left to do when a batch is on the disk.
struct Committed {
    head: Head,
    changes: Changes,
    /// The new owners' revocations' parts of the sum.
    parts: Vec<[u8; 32]>,
}

impl Engine {
    /// Runs a batch that waited for so long already. One operation's refusal is no other's.
    pub(super) fn commit(&self, ops: Vec<Op>, waited: Duration) -> Vec<Result<Answer>> {
        let count = ops.len();
        let _turn = lock(&self.turn);
        // Whoever waited while another's commit failed finds the store so.
        let ran = self.changeable().and_then(|()| {
            self.with_storage(|storage| {
                let rows = storage.begin(self.settings.busy_timeout.saturating_sub(waited))?;
                let mut guard = lock(&self.desk);
                let desk = &mut *guard;
                self.follow(storage, &*rows, desk)?;
                let mut pending = Pending::new(&self.keys, &*rows, self.now.ms(), desk.head.clone());
                let answers: Vec<_> = ops.into_iter().map(|op| self.plan(&mut pending, desk, op)).collect();
                if pending.events.is_empty() {
                    return Ok(answers);
                }
                let uses = desk.writer.take_uses(&self.index, SLOTS_A_COMMIT, USES_A_COMMIT);
                // What ends tokens is shown already: whatever fails from here on ends all changes.
                let (batch, committed) =
                    self.batch(pending, desk, uses).inspect_err(|_| self.worsen(health::FAILED))?;
                // Nobody else changes what the desk holds while the place to write is taken: a verify that has to read
                // what another process changed need not wait for the disk.
                drop(guard);
                let (health, error) = match catch_unwind(AssertUnwindSafe(|| rows.commit(&batch))) {
                    Ok(Ok(known)) => {
                        let published = self.publish(&mut lock(&self.desk), committed);
                        // Everybody else may hear of it now.
                        drop(known);
                        published.inspect_err(|_| self.worsen(health::FAILED))?;
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
                self.keep_what_both_allow(&mut lock(&self.desk), &committed.changes);
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
            Op::Create(new, digest) => self.plan_create(pending, desk, *new, digest),
            Op::CreateIfAbsent(new, digest) => match self.find_namesake(pending, desk, &new)? {
                Some(namesake) if namesake.type_id == new.type_id => Ok(Answer::Existing(namesake.id)),
                _ => self.plan_create(pending, desk, *new, digest),
            },
            Op::Change(target, action) => {
                self.plan_change(pending, desk, &target, &action).map(Answer::Change)
            }
            Op::Consume(digest, query) => {
                self.plan_consume(pending, desk, &digest, &query).map(Answer::Consumed)
            }
            Op::IssuePair(new, digests) => self.plan_issue_pair(pending, *new, digests).map(Answer::Pair),
            Op::Refresh(refresh) => self.plan_refresh(pending, desk, *refresh).map(Answer::Refreshed),
            Op::RevokeFamily(target) => self.plan_revoke_family(pending, desk, &target).map(Answer::Change),
            Op::RevokeOwner { owner, type_id, by, reason } => {
                self.plan_revoke_owner(pending, desk, owner, type_id, &by, &reason).map(Answer::Change)
            }
            Op::Prune { tokens, families, dead_before_ms } => {
                self.plan_prune(pending, desk, &tokens, &families, dead_before_ms).map(Answer::Pruned)
            }
        }
    }

    /// What is written, and what is left to do then.
    fn batch(&self, pending: Pending<'_>, desk: &Desk, uses: Vec<(Id, u32)>) -> Result<(Batch, Committed)> {
        let Pending { now_ms, mut head, changes, events, uses: taken, .. } = pending;
        self.now.raise(now_ms);
        head.mark_ms = head.mark_ms.max(self.now.mark_to_keep_ms());
        head.first_event = head.first_event.max((head.sequence + 1).saturating_sub(self.settings.max_events));
        let mut batch =
            Batch { generation: head.sequence, first_event: head.first_event, ..Batch::default() };
        let mut rows = Rows { engine: self, batch: &mut batch, head: &mut head };
        let Changes { tokens, families, owner_kills, types } = &changes;
        for (type_id, policy) in types {
            rows.put(type_key(*type_id), None, &encode_policy(policy)?);
        }
        for (id, touched) in families.iter().filter(|(_, touched)| touched.is_changed()) {
            rows.change(family_key(*id), touched, encode_family)?;
        }
        let mut parts = Vec::new();
        for kill in owner_kills {
            let key = owner_kill_key(&self.keys, &kill.owner, kill.type_id);
            let before = desk.marks.part(&kill.owner, kill.type_id);
            parts.push(rows.put(key, before, &encode_owner_kill(kill)?));
        }
        for (id, touched) in tokens.iter().filter(|(_, touched)| touched.is_changed()) {
            rows.change(token_key(*id), touched, encode_token)?;
        }
        let is_gone = |touched: &Touched<Record>| touched.before.is_some() && touched.after.is_none();
        for (before, _) in tokens.values().filter(|touched| is_gone(touched)).flat_map(|gone| &gone.before) {
            batch.last_uses.push((before.id, None));
            batch.last_uses.extend(before.old_value.iter().map(|old| (use_key(&old.digest), None)));
        }
        let resolution = self.settings.use_resolution_ms;
        let deleted = |id: &Id| tokens.get(id).is_some_and(|touched| touched.after.is_none());
        let uses = uses.into_iter().chain(taken).filter(|(id, _)| !deleted(id));
        batch.last_uses.extend(uses.map(|(id, unit)| (id, Some(time_of_use_ms(unit, now_ms, resolution)))));
        for (sequence, event) in events.iter().filter(|(sequence, _)| *sequence >= head.first_event) {
            let row = seal(&self.keys, Table::Events, &sequence.to_be_bytes(), &encode_event(event)?);
            batch.events.push((*sequence, row.bytes));
        }
        batch.head = seal(&self.keys, Table::Head, &[0], &encode_head(&head)?).bytes;
        Ok((batch, Committed { head, changes, parts }))
    }

    /// Shows what was committed to verifies.
    fn publish(&self, desk: &mut Desk, committed: Committed) -> Result<()> {
        let Committed { head, mut changes, parts } = committed;
        if desk.head.sequence >= head.sequence {
            // A verify found it in the file before.
            return Ok(());
        }
        for (type_id, policy) in std::mem::take(&mut changes.types) {
            self.types.add(type_id, policy)?;
        }
        for (kill, part) in changes.owner_kills.iter().zip(parts) {
            desk.marks.set(kill, part);
        }
        let shown = self.show(desk, &changes);
        if shown.is_ok() || self.settings.alone {
            self.applied.store(head.sequence, Ordering::Release);
            desk.head = head;
        }
        // Where others change the store, it is read from the file before the next answer.
        shown.map_err(|error| {
            let message = format!("the change is in the file, but not in memory: {error}");
            Error::new(ErrorKind::CommitUnknown, message)
        })
    }

    fn show(&self, desk: &mut Desk, changes: &Changes) -> Result<()> {
        let Desk { writer, .. } = desk;
        for (id, Touched { before, after }) in
            changes.tokens.iter().filter(|(_, touched)| touched.is_changed())
        {
            self.note_place(*id, after.as_ref());
            let old: Vec<_> = before.iter().flat_map(|(before, _)| digests(before)).collect();
            let new: Vec<_> = after.iter().flat_map(digests).collect();
            if let Some(after) = after {
                self.show_token(writer, changes, after, 0)?;
            }
            old.iter()
                .filter(|digest| !new.contains(digest))
                .for_each(|digest| writer.remove(&self.index, digest));
        }
        // Once more, for what was made and ended in the same batch.
        for kill in &changes.owner_kills {
            writer.kill_owner(&self.index, &kill.owner, kill.type_id, kill.watermark)?;
        }
        Ok(())
    }

    /// Puts a token into the index with these flags besides its own, and before it the lines that it hangs on.
    pub(super) fn show_token(
        &self,
        writer: &mut index::Writer,
        changes: &Changes,
        record: &Record,
        mut flags: u16,
    ) -> Result<()> {
        if let Some(up) = record.hangs_on()
            && self.know_line(writer, changes, up)?
        {
            flags |= flag::REVOKED;
        }
        entries(record, flags).try_for_each(|entry| writer.put(&self.index, &entry))
    }

    /// Makes known the line of what something hangs on; whether it is dead.
    fn know_line(&self, writer: &mut index::Writer, changes: &Changes, id: Id) -> Result<bool> {
        if let Some(family) = changes.family(id) {
            writer.know_line(&self.index, &kin_of_family(family))?;
            return Ok(family.revoked.is_some());
        }
        let Some(parent) = changes.token(id) else { return Ok(true) };
        let above = match parent.hangs_on() {
            Some(up) => self.know_line(writer, changes, up)?,
            None => false,
        };
        writer.know_line(&self.index, &kin_of_parent(parent))?;
        Ok(above || parent.revoked.is_some())
    }

    /// After a failed commit: what the file has is the old or the new, and only what both allow may be answered.
    fn keep_what_both_allow(&self, desk: &mut Desk, changes: &Changes) {
        let Desk { writer, .. } = desk;
        for touched in changes.tokens.values().filter(|touched| touched.is_changed()) {
            // What is new is not shown, and what was to be deleted is dead in the index already.
            let (Some((before, _)), Some(after)) = (&touched.before, &touched.after) else { continue };
            let met = before.meet(after);
            let shown = self.show_token(writer, changes, &met, 0);
            // A value that is perhaps no more the token's.
            let lost = digests(before).filter(|digest| !digests(after).any(|other| other == *digest));
            lost.for_each(|digest| writer.supersede(&self.index, &digest));
            if shown.is_err() {
                digests(before).for_each(|digest| writer.kill(&self.index, &digest));
            }
        }
    }

    /// Writes out all uses and the mark of the clock.
    pub(super) fn flush_uses(&self) -> Result<()> {
        self.with_storage(|storage| {
            let rows = storage.begin(self.settings.busy_timeout)?;
            let mut guard = lock(&self.desk);
            let desk = &mut *guard;
            self.follow(storage, &*rows, desk)?;
            let (resolution, now_ms) = (self.settings.use_resolution_ms, self.now.ms());
            let uses = desk.writer.take_uses(&self.index, desk.writer.visits(&self.index), usize::MAX);
            let at_ms = |unit| Some(time_of_use_ms(unit, now_ms, resolution));
            let last_uses: Vec<_> = uses.into_iter().map(|(id, unit)| (id, at_ms(unit))).collect();
            let mut head = desk.head.clone();
            self.now.raise(now_ms);
            head.mark_ms = head.mark_ms.max(self.now.mark_to_keep_ms());
            if last_uses.is_empty() && head == desk.head {
                return Ok(());
            }
            drop(guard);
            let batch = Batch {
                last_uses,
                head: seal(&self.keys, Table::Head, &[0], &encode_head(&head)?).bytes,
                generation: head.sequence,
                first_event: head.first_event,
                ..Batch::default()
            };
            let known = rows.commit(&batch).map_err(|error| {
                self.worsen(health::FAILED);
                match error {
                    CommitError::NotDone(error) | CommitError::Unknown(error) => error,
                }
            })?;
            lock(&self.desk).head.mark_ms = head.mark_ms;
            drop(known);
            Ok(())
        })
    }

    /// Writes out all uses and the mark of the clock, now.
    pub(crate) fn flush(&self) -> Result<()> {
        self.changeable()?;
        let _turn = lock(&self.turn);
        self.flush_uses()
    }
}

/// The rows of a batch in the making, and what they add up to.
struct Rows<'a> {
    engine: &'a Engine,
    batch: &'a mut Batch,
    head: &'a mut Head,
}

impl Rows<'_> {
    /// Writes a record in place of one with this part of the sum, if there was one; its own part.
    fn put(&mut self, key: RecordKey, before: Option<[u8; 32]>, body: &[u8]) -> [u8; 32] {
        self.take_out(before);
        let row = seal(&self.engine.keys, Table::Records, &key, body);
        add(&mut self.head.sum, &row.part);
        self.head.records += 1;
        self.batch.records.push((key, Some(row.bytes)));
        row.part
    }

    /// Writes what became of a record.
    fn change<T>(
        &mut self,
        key: RecordKey,
        touched: &Touched<T>,
        encode: impl Fn(&T) -> Result<Vec<u8>>,
    ) -> Result<()> {
        let before = touched.before.as_ref().map(|(_, part)| *part);
        match &touched.after {
            Some(after) => {
                self.put(key, before, &encode(after)?);
            }
            None if before.is_some() => {
                self.take_out(before);
                self.batch.records.push((key, None));
            }
            None => {}
        }
        Ok(())
    }

    fn take_out(&mut self, part: Option<[u8; 32]>) {
        if let Some(part) = part {
            subtract(&mut self.head.sum, &part);
            self.head.records -= 1;
        }
    }
}

/// A record as the index takes it: its value, and its old value if it has one. `flags` are those of others.
pub(super) fn entries(record: &Record, flags: u16) -> impl Iterator<Item = Entry<'_>> {
    let entry = |digest, expires_ms, flags| Entry {
        digest,
        id: record.id,
        type_id: record.type_id,
        expires_ms,
        flags: record.flags() | flags,
        owner: &record.owner,
        grants: &record.grants,
        binding: record.binding.as_deref(),
        hangs_on: record.hangs_on(),
        app_word: record.app_word,
        revision: record.revision,
    };
    let old = record
        .old_value
        .as_ref()
        .map(|old| entry(old.digest, old.until_ms.min(record.expires_ms), flags | flag::OLD_VALUE));
    [Some(entry(record.digest, record.expires_ms, flags)), old].into_iter().flatten()
}

/// A family as its members need to know it.
pub(super) fn kin_of_family(family: &crate::record::Family) -> Kin<'_> {
    Kin {
        id: family.id,
        up: None,
        owner: &family.owner,
        types: [family.refresh_type, family.access_type],
        revision: family.revision,
        dead: family.revoked.is_some(),
    }
}

/// A parent as its children need to know it.
pub(super) fn kin_of_parent(parent: &Record) -> Kin<'_> {
    Kin {
        id: parent.id,
        up: parent.hangs_on(),
        owner: &parent.owner,
        types: [parent.type_id, TypeId(u16::MAX)],
        revision: parent.revision,
        dead: parent.revoked.is_some(),
    }
}
