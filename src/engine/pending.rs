//! A batch in the making: what its operations read, and what they made of it.

use std::collections::{BTreeMap, HashMap};

use super::Desk;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{EventDetail, EventKind};
use crate::id::Id;
use crate::index::MAX_REVISION;
use crate::key::{Digest, Keys};
use crate::plan;
use crate::policy::{TypeId, TypePolicy};
use crate::record::{
    EventRecord, Family, Head, OwnerKill, Record, RecordKey, Subject, Table, decode_family, decode_token,
    family_key, token_key, unseal,
};
use crate::storage::Rows;
use crate::token::State;

/// How many tokens a chain has at most below its first.
pub(super) const MAX_DEPTH: usize = 4;

pub(super) struct Pending<'a> {
    keys: &'a Keys,
    rows: &'a dyn Rows,
    pub(super) now_ms: i64,
    pub(super) head: Head,
    pub(super) changes: Changes,
    /// The values of new tokens.
    pub(super) digests: HashMap<Digest, Id>,
    pub(super) events: Vec<(u64, EventRecord)>,
    /// Last uses that were taken out of the index, to be written with the batch.
    pub(super) uses: Vec<(Id, u32)>,
}

/// What a batch changes, by the first and the final state of each thing.
#[derive(Default)]
pub(super) struct Changes {
    pub(super) tokens: BTreeMap<Id, Touched<Record>>,
    pub(super) families: BTreeMap<Id, Touched<Family>>,
    pub(super) owner_kills: Vec<OwnerKill>,
    pub(super) types: Vec<(TypeId, TypePolicy)>,
}

/// A record that the batch touches.
pub(super) struct Touched<T> {
    /// As the file has it, with its part of the sum.
    pub(super) before: Option<(T, [u8; 32])>,
    pub(super) after: Option<T>,
}

impl<T: PartialEq> Touched<T> {
    pub(super) fn is_changed(&self) -> bool {
        self.before.as_ref().map(|(before, _)| before) != self.after.as_ref()
    }
}

impl Changes {
    /// A token as the batch leaves it, if it was read.
    pub(super) fn token(&self, id: Id) -> Option<&Record> {
        self.tokens.get(&id)?.after.as_ref()
    }

    /// A family as the batch leaves it, if it was read.
    pub(super) fn family(&self, id: Id) -> Option<&Family> {
        self.families.get(&id)?.after.as_ref()
    }
}

impl<'a> Pending<'a> {
    pub(super) fn new(keys: &'a Keys, rows: &'a dyn Rows, now_ms: i64, head: Head) -> Pending<'a> {
        Pending {
            keys,
            rows,
            now_ms,
            head,
            changes: Changes::default(),
            digests: HashMap::new(),
            events: Vec::new(),
            uses: Vec::new(),
        }
    }

    /// Takes the next sequence number for an event.
    pub(super) fn next(&mut self, kind: EventKind, subject: Subject, by: &str, reason: &str) -> Result<u64> {
        self.next_with(kind, subject, by, reason, None)
    }

    pub(super) fn next_with(
        &mut self,
        kind: EventKind,
        subject: Subject,
        by: &str,
        reason: &str,
        detail: Option<EventDetail>,
    ) -> Result<u64> {
        if self.head.sequence >= MAX_REVISION {
            return Err(Error::new(
                ErrorKind::LimitReached,
                "the store made as many changes as it can number",
            ));
        }
        self.head.sequence += 1;
        let (by, reason) = (by.to_owned(), reason.to_owned());
        let event = EventRecord { kind, at_ms: self.now_ms, subject, by, reason, detail, gone: Vec::new() };
        self.events.push((self.head.sequence, event));
        Ok(self.head.sequence)
    }

    /// The event of a pruning of these.
    pub(super) fn next_of_pruning(&mut self, gone: Vec<Id>) -> Result<()> {
        let detail = Some(EventDetail::Pruned(gone.len() as u64));
        self.next_with(EventKind::Pruned, Subject::Store, "", "", detail)?;
        if let Some((_, event)) = self.events.last_mut() {
            event.gone = gone;
        }
        Ok(())
    }

    /// A token as it is at this point of the batch, with what its family has if it is a member.
    pub(super) fn token(&mut self, id: Id) -> Result<Option<Record>> {
        if !self.changes.tokens.contains_key(&id) {
            let Some((bytes, part)) = self.row(&token_key(id))? else { return Ok(None) };
            let record = self.joined(decode_token(id, &bytes)?)?;
            let touched = Touched { before: Some((record.clone(), part)), after: Some(record) };
            self.changes.tokens.insert(id, touched);
        }
        // Its family may have changed since it was read.
        self.changes.token(id).cloned().map(|record| self.joined(record)).transpose()
    }

    fn joined(&mut self, mut record: Record) -> Result<Record> {
        let family = record.member.as_ref().map(|member| member.family);
        // A member without its family is dead, whatever else was known of it.
        if let Some(family) = family
            && let Some(family) = self.family(family)?
        {
            record.join(&family);
        }
        Ok(record)
    }

    /// A family as it is at this point of the batch.
    pub(super) fn family(&mut self, id: Id) -> Result<Option<Family>> {
        if !self.changes.families.contains_key(&id) {
            let Some((bytes, part)) = self.row(&family_key(id))? else { return Ok(None) };
            let family = decode_family(id, &bytes)?;
            let touched = Touched { before: Some((family.clone(), part)), after: Some(family) };
            self.changes.families.insert(id, touched);
        }
        Ok(self.changes.family(id).cloned())
    }

    /// Forgets what was read, for whoever reads a great deal.
    pub(super) fn forget(&mut self) {
        self.changes = Changes::default();
    }

    /// The body of a row, and its part of the sum.
    fn row(&self, key: &RecordKey) -> Result<Option<(Vec<u8>, [u8; 32])>> {
        let Some(row) = self.rows.get(key)? else { return Ok(None) };
        let (body, part) = unseal(self.keys, Table::Records, key, &row)?;
        Ok(Some((body.to_vec(), part)))
    }

    /// Leaves a token so, or takes it out.
    pub(super) fn leave_token(&mut self, id: Id, after: Option<Record>) {
        match self.changes.tokens.get_mut(&id) {
            Some(touched) => touched.after = after,
            None => {
                self.changes.tokens.insert(id, Touched { before: None, after });
            }
        }
    }

    /// Leaves a family so, or takes it out.
    pub(super) fn leave_family(&mut self, id: Id, after: Option<Family>) {
        match self.changes.families.get_mut(&id) {
            Some(touched) => touched.after = after,
            None => {
                self.changes.families.insert(id, Touched { before: None, after });
            }
        }
    }

    /// The state of a token, what it hangs on included.
    pub(super) fn state(&mut self, desk: &Desk, record: &Record) -> Result<State> {
        Ok(plan::state(record, self.is_orphaned(desk, record, MAX_DEPTH + 2)?, self.now_ms))
    }

    /// Whether a token died with its owner, its family or its parent. No chain is longer than `most`.
    pub(super) fn is_orphaned(&mut self, desk: &Desk, record: &Record, most: usize) -> Result<bool> {
        if self.mark(desk, &record.owner, &[record.type_id]) >= record.revision {
            return Ok(true);
        }
        if let Some(member) = &record.member {
            return match self.family(member.family)? {
                Some(family) => Ok(self.is_dead_family(desk, &family)),
                None => Ok(true),
            };
        }
        let Some(parent) = record.parent else { return Ok(false) };
        match self.token(parent)? {
            Some(parent) if most > 0 && parent.revoked.is_none() => self.is_orphaned(desk, &parent, most - 1),
            _ => Ok(true),
        }
    }

    /// Whether a family is revoked, itself or with its owner.
    pub(super) fn is_dead_family(&self, desk: &Desk, family: &Family) -> bool {
        let types = [family.refresh_type, family.access_type];
        family.revoked.is_some() || self.mark(desk, &family.owner, &types) >= family.revision
    }

    /// The highest mark of an owner that holds for one of the types.
    fn mark(&self, desk: &Desk, owner: &[u8], types: &[TypeId]) -> u64 {
        let here = self.changes.owner_kills.iter().filter(|kill| kill.owner == owner);
        let here = here
            .filter(|kill| kill.type_id.is_none_or(|type_id| types.contains(&type_id)))
            .map(|kill| kill.watermark)
            .max();
        here.unwrap_or(0).max(desk.marks.highest(owner, types))
    }
}
