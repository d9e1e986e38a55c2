//! Planning what happens to families: pairs issued, refreshed, replayed, and the end of the line.

use super::change::next_id;
use super::pending::Pending;
use super::{Desk, Engine, lock, no_such_type};
use crate::clock::{MAX_EXPIRY_MS, duration_ms};
use crate::edit::{Change, Target};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{EventDetail, EventKind};
use crate::grants::Grants;
use crate::id::Id;
use crate::key::Digest;
use crate::pair::NewPair;
use crate::plan::{self, PairDigests, PairIds, PairLives, RefreshOp, RefreshPlan, Refreshed};
use crate::policy::{FamilyPolicy, OldAccess, TypeId};
use crate::record::{Family, Fate, Member, Record, Revoked, Subject};
use crate::verdict::Status;

/// A reason that the store gives itself.
const REUSED: &str = "a refresh value was used again";

impl Engine {
    pub(super) fn plan_issue_pair(
        &self,
        pending: &mut Pending<'_>,
        new: NewPair,
        digests: PairDigests,
    ) -> Result<PairIds> {
        new.check()?;
        let policy = self.family_policy(new.refresh_type)?;
        self.check_access_type(new.access_type, policy)?;
        self.check_new_pair(pending, digests)?;
        let now_ms = pending.now_ms;
        let expires_ms = now_ms.saturating_add(duration_ms(policy.family)?).min(MAX_EXPIRY_MS);
        let family = next_id(pending)?;
        let NewPair {
            access_type,
            refresh_type,
            owner,
            name,
            binding,
            binds_access,
            grants,
            app_data,
            app_word,
            by,
        } = new;
        let revision = pending.next(EventKind::PairIssued, Subject::Token(family), &by, "")?;
        pending.head.last_id = family;
        let mut family = Family {
            id: family,
            refresh_type,
            access_type,
            owner,
            name,
            created_ms: now_ms,
            expires_ms,
            disabled: false,
            revoked: None,
            grants,
            binding,
            binds_access,
            app_word,
            app_data,
            generation: 1,
            rotated_ms: now_ms,
            refresh: Id::NONE,
            access: Id::NONE,
            replayed: false,
            sealed: None,
            revision,
        };
        let lives = self.plan_members(pending, &mut family, policy, digests, revision)?;
        let ids = pair_ids(&family, lives, revision);
        pending.leave_family(family.id, Some(family));
        Ok(ids)
    }

    /// Makes the members of a family's current generation.
    fn plan_members(
        &self,
        pending: &mut Pending<'_>,
        family: &mut Family,
        policy: &FamilyPolicy,
        digests: PairDigests,
        revision: u64,
    ) -> Result<PairLives> {
        let until = |lifetime| -> Result<i64> {
            Ok(pending.now_ms.saturating_add(duration_ms(lifetime)?).min(family.expires_ms))
        };
        let lives = PairLives { access_ms: until(policy.access)?, refresh_ms: until(policy.refresh)? };
        for (refreshes, digest, expires_ms) in
            [(false, digests.access, lives.access_ms), (true, digests.refresh, lives.refresh_ms)]
        {
            let id = next_id(pending)?;
            pending.head.last_id = id;
            let record = member(family, (refreshes, id), digest, expires_ms, pending.now_ms, revision);
            if refreshes {
                family.refresh = id
            } else {
                family.access = id
            }
            pending.digests.insert(digest, id);
            let mut book = lock(&self.book);
            book.add(&self.keys, &record);
            book.add_member(family.id, id);
            pending.leave_token(id, Some(record));
        }
        Ok(lives)
    }

    pub(super) fn plan_refresh(
        &self,
        pending: &mut Pending<'_>,
        desk: &mut Desk,
        op: RefreshOp,
    ) -> Result<Refreshed> {
        let known = self.index.peek(&op.digest).map(|(id, _, _)| id);
        let Some(id) = known.or_else(|| pending.digests.get(&op.digest).copied()) else {
            return Ok(Refreshed::Refused(Status::Unknown));
        };
        let Some(record) = pending.token(id)? else { return Ok(Refreshed::Refused(Status::Unknown)) };
        let Some(place) = record.member.clone().filter(|member| member.refreshes) else {
            return Ok(Refreshed::Refused(Status::WrongType));
        };
        let Some(family) = pending.family(place.family)? else {
            return Ok(Refreshed::Refused(Status::Revoked));
        };
        let policy = self.family_policy(family.refresh_type)?;
        let (dead, grace_ms) = (pending.is_dead_family(desk, &family), policy.grace.as_millis() as i64);
        let now_ms = pending.now_ms;
        match plan::refresh((&record, &place), &family, dead, &op.binding, grace_ms, now_ms) {
            RefreshPlan::Refuse(status) => {
                if status == Status::Expired {
                    self.now.raise(now_ms);
                }
                Ok(Refreshed::Refused(status))
            }
            RefreshPlan::Rotate => {
                self.plan_rotation(pending, family, record, policy, op).map(Refreshed::Rotated)
            }
            RefreshPlan::Replay => {
                if !family.replayed {
                    pending.next(EventKind::Replayed, Subject::Token(family.id), &op.by, "")?;
                    pending.leave_family(family.id, Some(Family { replayed: true, ..family.clone() }));
                }
                Ok(Refreshed::Replayed(Box::new(family)))
            }
            RefreshPlan::Reuse { distance, age_ms } => {
                let age = std::time::Duration::from_millis(age_ms.max(0).unsigned_abs());
                let detail = Some(EventDetail::Reuse { distance, age });
                let subject = Subject::Token(family.id);
                let revision = pending.next_with(EventKind::Reused, subject, &op.by, REUSED, detail)?;
                self.end_family(pending, desk, family, revision, REUSED);
                Ok(Refreshed::Refused(Status::Reused))
            }
        }
    }

    /// Makes the next generation.
    fn plan_rotation(
        &self,
        pending: &mut Pending<'_>,
        mut family: Family,
        used: Record,
        policy: &FamilyPolicy,
        op: RefreshOp,
    ) -> Result<PairIds> {
        self.check_new_pair(pending, op.next)?;
        if family.generation == u32::MAX {
            return Err(Error::new(
                ErrorKind::LimitReached,
                "the family has as many generations as it can number",
            ));
        }
        let now_ms = pending.now_ms;
        let revision = pending.next(EventKind::Refreshed, Subject::Token(family.id), &op.by, "")?;
        let used_id = used.id;
        pending.leave_token(used_id, Some(superseded(used, revision, now_ms)));
        lock(&self.book).remove_member(family.id, used_id);
        if let Some(access) = pending.token(family.access)? {
            let left = match policy.old_access {
                OldAccess::EndsNow => {
                    lock(&self.book).remove_member(family.id, access.id);
                    superseded(access, revision, now_ms)
                }
                OldAccess::EndsWithGrace => ending(access, revision, now_ms, policy),
                OldAccess::LivesOn => access,
            };
            pending.leave_token(left.id, Some(left));
        }
        family.generation += 1;
        family.rotated_ms = now_ms;
        family.replayed = false;
        family.revision = revision;
        let lives = self.plan_members(pending, &mut family, policy, op.next, revision)?;
        family.sealed = Some(op.sealer.seal(&self.keys, family.id, family.generation, lives)?);
        let ids = pair_ids(&family, lives, revision);
        pending.leave_family(family.id, Some(family));
        Ok(ids)
    }

    /// Changes what belongs to a family, for all its members that live.
    pub(super) fn plan_family_change(
        &self,
        pending: &mut Pending<'_>,
        desk: &mut Desk,
        family: Family,
        member: Record,
    ) -> Result<()> {
        let (id, revision) = (family.id, family.revision);
        let member_id = member.id;
        let members = lock(&self.book).members(id);
        // Read as they were, before their family is another.
        for member in &members {
            pending.token(*member)?;
        }
        pending.leave_token(member_id, Some(member));
        pending.leave_family(id, Some(family.clone()));
        for member in members {
            let record = pending.token(member)?;
            let Some(record) = record.filter(|record| record.expires_ms > pending.now_ms) else {
                lock(&self.book).remove_member(id, member);
                continue;
            };
            if family.disabled {
                self.show_off(desk, &record);
            }
            pending.leave_token(member, Some(Record { revision, ..record }));
        }
        Ok(())
    }

    /// A member is taken out: with a refresh value its family ends.
    pub(super) fn plan_member_gone(
        &self,
        pending: &mut Pending<'_>,
        desk: &mut Desk,
        family: Family,
        record: &Record,
        revision: u64,
        target: &Target,
    ) -> Result<()> {
        let mut book = lock(&self.book);
        book.remove(&self.keys, record);
        book.remove_member(family.id, record.id);
        drop(book);
        if record.member.as_ref().is_some_and(|member| member.refreshes) && family.revoked.is_none() {
            self.end_family(pending, desk, family, revision, &target.reason);
        }
        Ok(())
    }

    /// Revokes a family by its id.
    pub(super) fn plan_revoke_family(
        &self,
        pending: &mut Pending<'_>,
        desk: &mut Desk,
        target: &Target,
    ) -> Result<Change> {
        target.check()?;
        let no_such_family = || Error::new(ErrorKind::NotFound, "no such family");
        let family = pending.family(target.id)?.ok_or_else(no_such_family)?;
        if target.owner.as_ref().is_some_and(|owner| *owner != family.owner) {
            return Err(no_such_family());
        }
        plan::check_expected(family.revision, target)?;
        self.plan_family_end(pending, desk, family, target)
    }

    /// Revokes a family, unless it is.
    pub(super) fn plan_family_end(
        &self,
        pending: &mut Pending<'_>,
        desk: &mut Desk,
        family: Family,
        target: &Target,
    ) -> Result<Change> {
        if family.revoked.is_some() {
            return Ok(Change { changed: false, revision: family.revision });
        }
        let subject = Subject::Token(family.id);
        let revision = pending.next(EventKind::FamilyRevoked, subject, &target.by, &target.reason)?;
        self.end_family(pending, desk, family, revision, &target.reason);
        Ok(Change { changed: true, revision })
    }

    /// Ends a family, and shows it at once.
    fn end_family(
        &self,
        pending: &mut Pending<'_>,
        desk: &mut Desk,
        family: Family,
        revision: u64,
        reason: &str,
    ) {
        desk.writer.kill_line(&self.index, family.id);
        let revoked = Some(Revoked { at_ms: pending.now_ms, reason: reason.to_owned() });
        pending.leave_family(family.id, Some(Family { revoked, sealed: None, revision, ..family }));
    }

    /// What holds for the families of a type of refresh values.
    pub(super) fn family_policy(&self, refresh_type: TypeId) -> Result<&FamilyPolicy> {
        let policy = self.types.get(refresh_type).ok_or_else(no_such_type)?;
        policy
            .families
            .as_ref()
            .ok_or_else(|| Error::invalid("the type of the refresh values has no families"))
    }

    fn check_access_type(&self, access_type: TypeId, families: &FamilyPolicy) -> Result<()> {
        let policy = self.types.get(access_type).ok_or_else(no_such_type)?;
        if policy.families.is_some() || policy.uses.is_some() {
            return Err(Error::invalid("access values are of a type without families and use count"));
        }
        if policy.max_lifetime.is_some_and(|max| families.access > max) {
            return Err(Error::invalid("the families' access values live longer than their type allows"));
        }
        Ok(())
    }

    fn check_new_pair(&self, pending: &Pending<'_>, digests: PairDigests) -> Result<()> {
        self.check_new_value(pending, &digests.access)?;
        self.check_new_value(pending, &digests.refresh)?;
        if digests.access == digests.refresh {
            return Err(Error::new(ErrorKind::ValueExists, "the two values of a pair are the same"));
        }
        Ok(())
    }
}

fn pair_ids(family: &Family, lives: PairLives, revision: u64) -> PairIds {
    PairIds { family: family.id, access: family.access, refresh: family.refresh, lives, revision }
}

/// A new member of a family's current generation.
fn member(
    family: &Family,
    (refreshes, id): (bool, Id),
    digest: Digest,
    expires_ms: i64,
    now_ms: i64,
    revision: u64,
) -> Record {
    let place = Member { family: family.id, generation: family.generation, refreshes, fate: Fate::Good };
    let mut record = Record {
        id,
        digest,
        type_id: if refreshes { family.refresh_type } else { family.access_type },
        owner: Vec::new(),
        name: None,
        created_ms: now_ms,
        expires_ms,
        disabled: false,
        revoked: None,
        uses_left: None,
        ended_ms: None,
        parent: None,
        member: Some(place),
        old_value: None,
        grants: Grants::none(),
        binding: None,
        app_word: 0,
        app_data: Vec::new(),
        revision,
    };
    record.join(family);
    record
}

/// A member that a refresh ended.
fn superseded(record: Record, revision: u64, now_ms: i64) -> Record {
    let member = record.member.map(|member| Member { fate: Fate::Superseded, ..member });
    Record { member, ended_ms: Some(now_ms), revision, ..record }
}

/// An access token that is left its grace.
fn ending(record: Record, revision: u64, now_ms: i64, policy: &FamilyPolicy) -> Record {
    let until_ms = now_ms.saturating_add(policy.grace.as_millis() as i64);
    let member = record.member.map(|member| Member { fate: Fate::Ending, ..member });
    Record { member, expires_ms: record.expires_ms.min(until_ms), revision, ..record }
}
