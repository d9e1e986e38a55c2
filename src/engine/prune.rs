//! Taking out what died long ago, in bounded steps.
//!
//! Nothing that is taken out turns a refusal into OK: a value that is gone is unknown, and what hangs on a parent or a
//! family that is gone counts as revoked. Used refresh values stay as long as their family lives, since they tell a theft;
//! a parent that is dead but not revoked stays as long as anything hangs on it.

use super::pending::{MAX_DEPTH, Pending};
use super::tickets::KEPT_DEAD_MS;
use super::{Desk, Engine, lock, no_answer};
use crate::error::Result;
use crate::id::Id;
use crate::plan::{self, Answer, Op};
use crate::record::{
    Family, Record, RecordName, Table, decode_family, decode_token, record_name, token_key, unseal,
};

/// How many records a step looks at, and how many it takes out at most.
const RECORDS_A_STEP: usize = 1_000;

/// How many tokens of volatile types are swept out together.
const SWEPT_AT_ONCE: usize = 64;

/// What a step found.
struct Found {
    tokens: Vec<Id>,
    families: Vec<Id>,
    /// The last token that was looked at, if there may be more.
    next: Option<Id>,
}

impl Engine {
    /// Takes out tokens that are dead since before a time, at most so many, and families of which nothing is left;
    /// returns how many tokens.
    pub(crate) fn prune(&self, dead_before_ms: i64, most: usize) -> Result<u64> {
        self.changeable()?;
        let (mut removed, mut after) = (0, None);
        // No member outlives its family: those that died go when all tokens were looked at.
        let mut families = Vec::new();
        loop {
            let left = most.saturating_sub(removed as usize).min(RECORDS_A_STEP);
            if left == 0 {
                return Ok(removed);
            }
            let found = self.find_dead(after, left)?;
            families.extend(found.families);
            if !found.tokens.is_empty() {
                removed += self.prune_these(found.tokens, Vec::new(), dead_before_ms)?;
            }
            match found.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        for families in families.chunks(RECORDS_A_STEP) {
            self.prune_these(Vec::new(), families.to_vec(), dead_before_ms)?;
        }
        Ok(removed)
    }

    fn prune_these(&self, tokens: Vec<Id>, families: Vec<Id>, dead_before_ms: i64) -> Result<u64> {
        match self.run(Op::Prune { tokens, families, dead_before_ms })? {
            Answer::Pruned(tokens) => Ok(tokens),
            _ => Err(no_answer()),
        }
    }

    /// The tokens behind a cursor that are dead, and the families that are; whether each may go is asked again when it
    /// goes.
    fn find_dead(&self, after: Option<Id>, most: usize) -> Result<Found> {
        self.with_storage(|storage| {
            let now_ms = self.now.ms();
            let mut found = Found { tokens: Vec::new(), families: Vec::new(), next: None };
            let mut seen = 0;
            let from = after.map(token_key);
            storage.read()?.scan(from.as_ref(), &mut |key, row| {
                let (body, _) = unseal(&self.keys, Table::Records, key, row)?;
                match record_name(key)? {
                    RecordName::Family(id) => {
                        let family = decode_family(id, body)?;
                        // One that died with its owner is found when its time is over.
                        if family.revoked.is_some() || family.expires_ms <= now_ms {
                            found.families.push(id);
                        }
                    }
                    RecordName::Token(id) => {
                        let record = decode_token(id, body)?;
                        let flags = self.index.peek(&record.digest).map_or(0, |(_, flags, _)| flags);
                        let dead = flags & crate::verdict::flag::REVOKED != 0;
                        if plan::state(&record, dead, now_ms).is_dead() {
                            found.tokens.push(id);
                        }
                        seen += 1;
                        if seen == RECORDS_A_STEP || found.tokens.len() == most {
                            found.next = Some(id);
                            return Ok(false);
                        }
                    }
                    RecordName::Type(_) | RecordName::OwnerKill(_) => {}
                }
                Ok(true)
            })?;
            Ok(found)
        })
    }

    pub(super) fn plan_prune(
        &self,
        pending: &mut Pending<'_>,
        desk: &mut Desk,
        tokens: &[Id],
        families: &[Id],
        dead_before_ms: i64,
    ) -> Result<u64> {
        let mut gone = Vec::new();
        for id in tokens {
            let Some(record) = pending.token(*id)? else { continue };
            if self.may_go(pending, desk, &record, dead_before_ms)? {
                gone.push(record);
            }
        }
        let mut dead_families = Vec::new();
        for id in families {
            let Some(family) = pending.family(*id)? else { continue };
            if family_died_at(pending, desk, &family).is_some_and(|at_ms| at_ms < dead_before_ms) {
                dead_families.push(family.id);
            }
        }
        if gone.is_empty() && dead_families.is_empty() {
            return Ok(0);
        }
        let count = gone.len() as u64;
        pending.next_of_pruning(gone.iter().map(|record| record.id).collect())?;
        for record in gone {
            self.show_end(desk, &record);
            let mut book = lock(&self.book);
            book.remove(&self.keys, &record);
            if let Some(name) = &record.name {
                book.free_name(&self.keys, &record.owner, name, record.id);
            }
            if let Some(member) = &record.member {
                book.remove_member(member.family, record.id);
            }
            drop(book);
            pending.leave_token(record.id, None);
        }
        dead_families.into_iter().for_each(|id| pending.leave_family(id, None));
        Ok(count)
    }

    /// Takes out some tokens of types that would be in memory alone, had this process the store for itself: nobody prunes
    /// what lives for seconds.
    pub(super) fn sweep(&self, pending: &mut Pending<'_>, desk: &mut Desk) -> Result<()> {
        let before_ms = pending.now_ms.saturating_sub(KEPT_DEAD_MS);
        let ended = lock(&self.book).take_ended(before_ms, SWEPT_AT_ONCE);
        if !ended.is_empty() {
            self.plan_prune(pending, desk, &ended, &[], before_ms)?;
        }
        Ok(())
    }

    /// Whether a token is dead since before a time and nobody needs it any more.
    fn may_go(
        &self,
        pending: &mut Pending<'_>,
        desk: &Desk,
        record: &Record,
        dead_before_ms: i64,
    ) -> Result<bool> {
        let state = pending.state(desk, record)?;
        if !state.is_dead() {
            return Ok(false);
        }
        // What hangs on an expired parent lives on.
        if state != crate::State::Revoked && desk.writer.is_hung_on(record.id) {
            return Ok(false);
        }
        if let Some(member) = record.member.as_ref().filter(|member| member.refreshes)
            && let Some(family) = pending.family(member.family)?
        {
            let died = family_died_at(pending, desk, &family);
            return Ok(died.is_some_and(|at_ms| at_ms < dead_before_ms));
        }
        Ok(died_at(pending, desk, record, MAX_DEPTH + 2)? < dead_before_ms)
    }
}

/// When a family died, if it did.
fn family_died_at(pending: &Pending<'_>, desk: &Desk, family: &Family) -> Option<i64> {
    let types = [family.refresh_type, family.access_type];
    let revoked_ms = family.revoked.as_ref().map(|revoked| revoked.at_ms);
    let expired_ms = (family.expires_ms <= pending.now_ms).then_some(family.expires_ms);
    [revoked_ms, expired_ms, desk.marks.died_at(&family.owner, &types, family.revision)]
        .into_iter()
        .flatten()
        .min()
}

/// When a dead token died: the first thing that ended it.
fn died_at(pending: &mut Pending<'_>, desk: &Desk, record: &Record, most: usize) -> Result<i64> {
    let mut died_ms = record.expires_ms;
    let mut or = |at_ms: Option<i64>| died_ms = died_ms.min(at_ms.unwrap_or(i64::MAX));
    or(record.revoked.as_ref().map(|revoked| revoked.at_ms));
    or(record.ended_ms);
    or(desk.marks.died_at(&record.owner, &[record.type_id], record.revision));
    if let Some(member) = &record.member {
        // Nobody knows since when a family is gone that is not there.
        or(match pending.family(member.family)? {
            Some(family) => family_died_at(pending, desk, &family),
            None => Some(record.created_ms),
        });
    }
    if let Some(parent) = record.parent {
        or(match pending.token(parent)? {
            Some(parent) if most > 0 && pending.state(desk, &parent)? == crate::State::Revoked => {
                Some(died_at(pending, desk, &parent, most - 1)?)
            }
            Some(_) => None,
            None => Some(record.created_ms),
        });
    }
    Ok(died_ms)
}
