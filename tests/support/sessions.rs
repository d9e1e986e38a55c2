//! What becomes of families and of tokens with a use count, in the model.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use tokenstore::{EventDetail, EventKind, Id, OldAccess, Status};

use super::known::{Family, Fate, Known, Member, earlier};
use super::steps::{ACCESS, ACTOR, CLIENT, Plan, REASON, types};
use super::world::World;

impl World {
    /// Spends a use; what the call says.
    pub(super) fn consume(&mut self, id: Id, now: OffsetDateTime) -> String {
        let known = Arc::clone(&self.tokens[&id]);
        let binding = known.binding.as_deref();
        let status = self.status(&known, false, now, Some(known.type_number), None, binding);
        if status != Status::MustConsume {
            return format!("{status:?}");
        }
        let revision = self.happened(EventKind::Consumed, Some(id), now, "", "");
        let left = known.uses_left.map_or(0, |uses| uses - 1);
        let after = Arc::make_mut(self.tokens.get_mut(&id).expect("a token to consume"));
        (after.uses_left, after.revision) = (Some(left), revision);
        after.ended = (left == 0).then_some(now);
        format!("Ok, {left} left, {} bytes", known.app_data.len())
    }

    /// Makes a family, and its first pair.
    pub(super) fn issue_pair(&mut self, plan: &Plan, refresh_type: u16, now: OffsetDateTime) {
        let number = self.happened(EventKind::PairIssued, None, now, ACTOR, "");
        let binding = plan.binding.clone().unwrap_or_else(|| CLIENT.to_vec());
        let (_, _, lifetime) = family_lifetimes(refresh_type);
        let family = Family {
            id: None,
            owner: plan.owner.clone(),
            refresh_type,
            binding,
            binds_access: plan.binding.is_some(),
            expires: now + lifetime,
            revoked: None,
            generation: 1,
            rotated: now,
            replayed: false,
            revision: number,
        };
        let member = Known::planned(plan, None, now, number);
        self.plan_pair(number, &family, &member, now);
        self.families.insert(number, family);
    }

    /// Two members of the family's generation, which have of it what `like` has.
    fn plan_pair(&mut self, number: u64, family: &Family, like: &Known, now: OffsetDateTime) {
        let (access, refresh, _) = family_lifetimes(family.refresh_type);
        for (refreshes, lifetime) in [(false, access), (true, refresh)] {
            let place = Member { family: number, generation: family.generation, refreshes, fate: Fate::Good };
            self.strangers.push(Arc::new(Known {
                value: Arc::new([]),
                type_number: if refreshes { family.refresh_type } else { ACCESS },
                created: now,
                expires: Some(family.expires.min(now + lifetime)),
                revoked: None,
                ended: None,
                member: Some(place),
                old_value: None,
                binding: (refreshes || family.binds_access).then(|| family.binding.clone()),
                revision: family.revision,
                ..like.clone()
            }));
        }
    }

    /// Uses a refresh value; what the call says.
    pub(super) fn refresh(&mut self, id: Id, now: OffsetDateTime) -> String {
        let used = Arc::clone(&self.tokens[&id]);
        let place = used.member.expect("a member");
        let family = self.families[&place.family].clone();
        let policy = types()[family.refresh_type as usize - 1].clone();
        let policy = policy.family_policy().expect("a type of families");
        let refused = |status: Status| format!("{status:?}");
        if self.is_dead_family(&family) {
            return refused(Status::Revoked);
        }
        if family.expires <= now {
            return refused(Status::Expired);
        }
        if used.disabled {
            return refused(Status::Disabled);
        }
        match family.generation - place.generation {
            0 if used.expires.is_some_and(|expires| expires <= now) => refused(Status::Expired),
            0 => {
                self.rotate_pair(place, &family, &used, policy.fate_of_old_access(), now);
                "Rotated".into()
            }
            1 if now < family.rotated + policy.grace_period() => {
                if !family.replayed {
                    self.happened(EventKind::Replayed, family.id, now, ACTOR, "");
                    self.families.insert(place.family, Family { replayed: true, ..family });
                }
                "Replayed".into()
            }
            distance => {
                let age = (now - family.rotated).unsigned_abs();
                let reason = "a refresh value was used again";
                let revision = self.happened(EventKind::Reused, family.id, now, ACTOR, reason);
                self.last_event().detail = Some(EventDetail::Reuse { distance, age });
                self.end_family(place.family, revision, now);
                refused(Status::Reused)
            }
        }
    }

    fn rotate_pair(
        &mut self,
        place: Member,
        family: &Family,
        used: &Known,
        fate: OldAccess,
        now: OffsetDateTime,
    ) {
        let revision = self.happened(EventKind::Refreshed, family.id, now, ACTOR, "");
        let grace = grace(family.refresh_type);
        self.of_family(place.family, revision, |known| {
            let Some(member) = known.member.as_mut().filter(|member| member.generation == place.generation)
            else {
                return;
            };
            if member.refreshes || fate == OldAccess::EndsNow {
                (member.fate, known.ended) = (Fate::Superseded, Some(now));
            } else if fate == OldAccess::EndsWithGrace {
                (member.fate, known.expires) = (Fate::Ending, Some(earlier(known.expires, now + grace)));
            }
        });
        let generation = family.generation + 1;
        let next = Family { generation, rotated: now, replayed: false, revision, ..family.clone() };
        self.plan_pair(place.family, &next, used, now);
        self.families.insert(place.family, next);
    }

    /// Revokes a family, unless it is.
    pub(super) fn revoke_family(&mut self, number: u64, now: OffsetDateTime) {
        let family = &self.families[&number];
        if family.revoked.is_none() {
            let id = family.id;
            let revision = self.happened(EventKind::FamilyRevoked, id, now, ACTOR, REASON);
            self.end_family(number, revision, now);
        }
    }

    pub(super) fn end_family(&mut self, number: u64, revision: u64, now: OffsetDateTime) {
        self.of_family(number, revision, |_| {});
        self.families.get_mut(&number).expect("a family to end").revoked = Some(now);
    }

    /// What whoever refreshes by this token must show.
    pub(super) fn binding_of(&self, id: Id) -> &[u8] {
        &self.families[&self.known(id).member.expect("a member").family].binding
    }

    /// The id of a family that was met.
    pub(super) fn family_id(&self, number: u64) -> Id {
        self.families[&number].id.expect("a family that is known")
    }

    /// The refresh value whose use made a family's pair, if it is the pair of such a use and somebody knows the value.
    pub(crate) fn last_used(&self, number: u64) -> Option<Id> {
        let family = self.families.get(&number)?;
        let was_used = |known: &Known| {
            !known.value.is_empty()
                && known.member.is_some_and(|member| {
                    let is_before = member.generation + 1 == family.generation;
                    member.family == number && member.refreshes && is_before
                })
        };
        self.tokens().find(|(_, known)| was_used(known)).map(|(id, _)| id)
    }
}

fn family_lifetimes(refresh_type: u16) -> (Duration, Duration, Duration) {
    types()[refresh_type as usize - 1].family_policy().expect("a type of families").lifetimes()
}

pub(super) fn grace(refresh_type: u16) -> Duration {
    types()[refresh_type as usize - 1].family_policy().expect("a type of families").grace_period()
}
