//! Consuming, pairs and refreshes, as callers ask for them: what a transaction is needed for, and what not.
//!
//! Refusals are answered from the index, so that garbage never queues. What memory does not tell is read from the file;
//! only what may change something becomes a transaction, in which everything is asked again.

use super::verify::Candidate;
use super::{Engine, no_answer};
use crate::clock::from_ms;
use crate::error::Result;
use crate::id::Id;
use crate::key::{Digest, scrub_stack};
use crate::limits::check_binding;
use crate::pair::{Issued, NewPair, Pair, PairValues, Refresh};
use crate::plan::{self, Answer, Op, PairDigests, PairLives, RefreshOp, RefreshPlan, Refreshed, Spent};
use crate::policy::TypeId;
use crate::record::Family;
use crate::sealed::{self, Sealer};
use crate::value::Value;
use crate::verdict::{Query, Status, Verdict, flag};

impl Engine {
    /// Spends a use of a value; what `verify` would say otherwise.
    pub(crate) fn consume(&self, value: &[u8], query: &Query) -> Result<(Verdict, Option<Spent>)> {
        self.may_verify(query)?;
        let candidate = self.candidate(value);
        scrub_stack(value.len());
        let now_ms = self.now.ms();
        let mut verdict = self.judge(candidate, query, now_ms);
        let Candidate::Hashed(digest, _) = candidate else { return Ok((verdict, None)) };
        match verdict.status {
            // A verify of what has no use count is OK where a consume is not.
            Status::Ok => {
                verdict.status = Status::NotCounted;
                return Ok((verdict, None));
            }
            Status::MustConsume => {}
            _ => return Ok((verdict, None)),
        }
        self.changeable()?;
        let spent = self.spend(digest, query, now_ms)?;
        verdict.status = match &spent {
            Spent::Use { revision, .. } => {
                if let Some(who) = &mut verdict.identity {
                    who.revision = *revision;
                }
                Status::Ok
            }
            Spent::Nothing(refusal) => *refusal,
        };
        Ok((verdict, Some(spent)))
    }

    fn spend(&self, digest: Digest, query: &Query, now_ms: i64) -> Result<Spent> {
        if let Some(tickets) = self.tickets.get() {
            let by_name_only = |type_id: TypeId| self.by_name_only(type_id);
            if let Some(spent) = tickets.consume(&digest, query, by_name_only, now_ms) {
                return Ok(spent);
            }
        }
        match self.run(Op::Consume(digest, Box::new(query.clone())))? {
            Answer::Consumed(spent) => Ok(spent),
            _ => Err(no_answer()),
        }
    }

    /// Makes a family and its first pair.
    pub(crate) fn issue_pair(&self, new: &NewPair, values: PairValues<'_>) -> Result<Pair> {
        new.check()?;
        self.changeable()?;
        self.family_policy(new.refresh_type)?;
        let made = self.make_values(new.access_type, new.refresh_type, values)?;
        match self.run(Op::IssuePair(Box::new(new.clone()), made.digests))? {
            Answer::Pair(ids) => Ok(made.into_pair(ids)),
            _ => Err(no_answer()),
        }
    }

    /// The next pair for a refresh value.
    pub(crate) fn refresh(
        &self,
        value: &[u8],
        binding: &[u8],
        values: PairValues<'_>,
        by: &str,
    ) -> Result<Refresh> {
        check_binding(binding)?;
        crate::limits::check_optional_text("an actor", by)?;
        self.usable()?;
        let (digest, family, is_replay) = match self.look_up(value, binding)? {
            LookedUp::Refused(status) => return Ok(Refresh::Refused(status)),
            LookedUp::Found { digest, family, is_replay } => (digest, family, is_replay),
        };
        // After a commit whose outcome is unknown, so is which pair may be had.
        self.changeable()?;
        if is_replay {
            return self.replay(value, &family);
        }
        let made = self.make_values(family.access_type, family.refresh_type, values)?;
        let op = RefreshOp {
            digest,
            binding: binding.to_vec(),
            next: made.digests,
            sealer: Sealer::new(&self.keys, value, &made.access, &made.refresh),
            by: by.to_owned(),
        };
        match self.run(Op::Refresh(Box::new(op)))? {
            Answer::Refreshed(Refreshed::Rotated(ids)) => Ok(Refresh::Rotated(made.into_pair(ids))),
            Answer::Refreshed(Refreshed::Replayed(family)) => self.replay(value, &family),
            Answer::Refreshed(Refreshed::Refused(status)) => Ok(Refresh::Refused(status)),
            _ => Err(no_answer()),
        }
    }

    /// What is to be done about a refresh value, as far as that is known without a transaction.
    fn look_up(&self, value: &[u8], binding: &[u8]) -> Result<LookedUp> {
        let candidate = self.candidate(value);
        scrub_stack(value.len());
        let now_ms = self.now.ms();
        let query = Query::any_type().binding(binding);
        let Candidate::Hashed(digest, _) = candidate else {
            return Ok(LookedUp::Refused(Status::Malformed));
        };
        let Some((facts, _)) = self.index.find(&digest, &query, |_| false) else {
            let verdict = self.judge(candidate, &query, now_ms);
            // A ticket is no refresh value.
            let refusal = if verdict.identity.is_some() { Status::WrongType } else { verdict.status };
            return Ok(LookedUp::Refused(refusal));
        };
        let (flags, who) = (facts.identity.flags, facts.identity);
        let has = |flag: u16| flags & flag != 0;
        if !has(flag::REFRESH) {
            return Ok(LookedUp::Refused(Status::WrongType));
        }
        if has(flag::REVOKED) {
            return Ok(LookedUp::Refused(Status::Revoked));
        }
        // A slot's expiry is never later than its family's.
        if now_ms < who.expires_ms && !has(flag::DISABLED | flag::SUPERSEDED) && !facts.binding_equal {
            return Ok(LookedUp::Refused(Status::WrongBinding));
        }
        self.look_up_in_file(digest, who.id, binding, now_ms)
    }

    fn look_up_in_file(&self, digest: Digest, id: Id, binding: &[u8], now_ms: i64) -> Result<LookedUp> {
        let decided = self.with_storage(|storage| {
            let snapshot = storage.read()?;
            let Some(record) = self.record(&*snapshot, id)? else {
                return Ok(LookedUp::Refused(Status::Unknown));
            };
            let Some(member) = &record.member else { return Ok(LookedUp::Refused(Status::WrongType)) };
            let Some(family) = self.family(&*snapshot, member.family)? else {
                return Ok(LookedUp::Refused(Status::Revoked));
            };
            let grace_ms = self.family_policy(family.refresh_type)?.grace.as_millis() as i64;
            let dead = family.revoked.is_some();
            let planned = plan::refresh((&record, member), &family, dead, binding, grace_ms, now_ms);
            Ok(match planned {
                RefreshPlan::Refuse(status) => LookedUp::Refused(status),
                plan => {
                    let is_replay = plan == RefreshPlan::Replay && family.replayed;
                    LookedUp::Found { digest, family: Box::new(family), is_replay }
                }
            })
        })?;
        if matches!(decided, LookedUp::Refused(Status::Expired)) {
            self.now.raise(now_ms);
        }
        // What ended the family since it was read is in memory by now.
        match self.index.peek(&digest) {
            Some((_, flags, _)) if flags & flag::REVOKED == 0 => Ok(decided),
            _ => Ok(LookedUp::Refused(Status::Revoked)),
        }
    }

    /// The pair that a refresh value got before.
    fn replay(&self, value: &[u8], family: &Family) -> Result<Refresh> {
        let opened = sealed::open(&self.keys, value, family)?;
        let issued = |id, value, expires_ms| Issued { id, value, expires: from_ms(expires_ms) };
        Ok(Refresh::Replayed(Pair {
            family: family.id,
            access: issued(family.access, opened.access, opened.lives.access_ms),
            refresh: issued(family.refresh, opened.refresh, opened.lives.refresh_ms),
            revision: family.revision,
        }))
    }

    /// The values of a pair: made, or the caller's own.
    fn make_values(
        &self,
        access_type: TypeId,
        refresh_type: TypeId,
        values: PairValues<'_>,
    ) -> Result<MadeValues> {
        let make = |type_id: TypeId, own: Option<&[u8]>| -> Result<(Value, Digest)> {
            match own {
                Some(own) => Ok((Value::made_elsewhere(own), self.external_digest(type_id, own)?)),
                None => {
                    let policy = self.types.get(type_id).ok_or_else(super::no_such_type)?;
                    let value = Value::generate(policy.prefix())?;
                    let digest = self.digest(value.as_bytes());
                    Ok((value, digest))
                }
            }
        };
        let (access, access_digest) = make(access_type, values.access)?;
        let (refresh, refresh_digest) = make(refresh_type, values.refresh)?;
        let digests = PairDigests { access: access_digest, refresh: refresh_digest };
        Ok(MadeValues { access, refresh, digests })
    }

    /// Revokes a family by its id.
    pub(crate) fn revoke_family(&self, target: crate::Target) -> Result<crate::Change> {
        match self.run(Op::RevokeFamily(target))? {
            Answer::Change(change) => Ok(change),
            _ => Err(no_answer()),
        }
    }
}

/// What is known of a refresh without a transaction.
enum LookedUp {
    Refused(Status),
    Found {
        digest: Digest,
        family: Box<Family>,
        /// It is to get the family's pair, and the log knows it. Else something may change.
        is_replay: bool,
    },
}

/// The values of a pair to be.
struct MadeValues {
    access: Value,
    refresh: Value,
    digests: PairDigests,
}

impl MadeValues {
    fn into_pair(self, ids: plan::PairIds) -> Pair {
        let plan::PairIds { family, access, refresh, lives: PairLives { access_ms, refresh_ms }, revision } =
            ids;
        Pair {
            family,
            access: Issued { id: access, value: self.access, expires: from_ms(access_ms) },
            refresh: Issued { id: refresh, value: self.refresh, expires: from_ms(refresh_ms) },
            revision,
        }
    }
}
