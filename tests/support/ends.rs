//! What ends a token, and since when: itself, its family, its parent, its owner's revocation, its time.

use time::OffsetDateTime;
use tokenstore::{EventDetail, EventKind, Id, State};

use super::known::{Family, Fate, Known};
use super::steps::ACCESS;
use super::world::World;

/// All that an owner had was revoked, or all of a type.
#[derive(Clone, PartialEq)]
pub(super) struct Kill {
    pub(super) owner: Vec<u8>,
    pub(super) type_number: Option<u16>,
    /// What was changed last under this number or a smaller one is dead.
    pub(super) watermark: u64,
    pub(super) at: OffsetDateTime,
}

impl World {
    /// What a token is at a moment.
    pub(crate) fn state(&self, known: &Known, now: OffsetDateTime) -> State {
        let over = known.expires.is_some_and(|expires| expires <= now);
        let fate = known.member.map_or(Fate::Good, |member| member.fate);
        if self.is_revoked(known) {
            State::Revoked
        } else if fate == Fate::Superseded || fate == Fate::Ending && over {
            State::Superseded
        } else if known.uses_left == Some(0) {
            State::Used
        } else if over {
            State::Expired
        } else if known.disabled {
            State::Disabled
        } else {
            State::Active
        }
    }

    /// Whether a token is revoked, itself or with what it hangs on.
    pub(super) fn is_revoked(&self, known: &Known) -> bool {
        known.revoked.is_some() || self.is_orphaned(known)
    }

    fn is_orphaned(&self, known: &Known) -> bool {
        let killed = self.killed_at(&known.owner, &[known.type_number], known.revision).is_some();
        killed
            || match (known.member, known.parent) {
                (Some(member), _) => {
                    self.families.get(&member.family).is_none_or(|family| self.is_dead_family(family))
                }
                (None, Some(parent)) => self.tokens.get(&parent).is_none_or(|parent| self.is_revoked(parent)),
                (None, None) => false,
            }
    }

    pub(super) fn is_dead_family(&self, family: &Family) -> bool {
        family.revoked.is_some() || self.family_killed_at(family).is_some()
    }

    fn family_killed_at(&self, family: &Family) -> Option<OffsetDateTime> {
        self.killed_at(&family.owner, &[family.refresh_type, ACCESS], family.revision)
    }

    /// When what an owner has of these types, changed last under `revision`, was revoked with the owner.
    fn killed_at(&self, owner: &[u8], types: &[u16], revision: u64) -> Option<OffsetDateTime> {
        let holds = |kill: &&Kill| {
            kill.owner == owner
                && kill.watermark >= revision
                && kill.type_number.is_none_or(|number| types.contains(&number))
        };
        self.kills.iter().filter(holds).map(|kill| kill.at).min()
    }

    fn family_died_at(&self, family: &Family, now: OffsetDateTime) -> Option<OffsetDateTime> {
        let expired = (family.expires <= now).then_some(family.expires);
        [family.revoked, expired, self.family_killed_at(family)].into_iter().flatten().min()
    }

    /// When a dead token died: the first thing that ended it.
    fn died_at(&self, known: &Known, now: OffsetDateTime) -> OffsetDateTime {
        let of_family = known.member.map(|member| match self.families.get(&member.family) {
            Some(family) => self.family_died_at(family, now),
            None => Some(known.created),
        });
        let of_parent = known.parent.map(|parent| match self.tokens.get(&parent) {
            Some(parent) if self.is_revoked(parent) => Some(self.died_at(parent, now)),
            Some(_) => None,
            None => Some(known.created),
        });
        let revoked = known.revoked.as_ref().map(|(at, _)| *at);
        let killed = self.killed_at(&known.owner, &[known.type_number], known.revision);
        let all = [known.expires, revoked, known.ended, killed, of_family.flatten(), of_parent.flatten()];
        all.into_iter().flatten().min().expect("something ended it")
    }

    /// Whether a pruning of what died before takes a token out.
    fn may_go(&self, id: Id, known: &Known, dead_before: OffsetDateTime, now: OffsetDateTime) -> bool {
        let state = self.state(known, now);
        if !state.is_dead() || state != State::Revoked && self.has_children(id) {
            return false;
        }
        let family = known.member.and_then(|member| self.families.get(&member.family));
        match family.filter(|_| known.refreshes()) {
            // Used refresh values stay while their family lives, since they tell a theft.
            Some(family) => self.family_died_at(family, now).is_some_and(|died| died < dead_before),
            None => self.died_at(known, now) < dead_before,
        }
    }

    pub(super) fn has_children(&self, id: Id) -> bool {
        self.tokens.values().any(|known| known.parent == Some(id))
    }

    /// What a pruning takes out.
    pub(super) fn prunable(&self, dead_before: OffsetDateTime, now: OffsetDateTime) -> Vec<Id> {
        self.tokens()
            .filter(|(id, known)| self.may_go(*id, known, dead_before, now))
            .map(|(id, _)| id)
            .collect()
    }

    /// What is true after a pruning, and before that, if it makes two commits: tokens go, and then families.
    pub(super) fn pruned(&self, dead_before: OffsetDateTime, now: OffsetDateTime) -> Vec<World> {
        let mut stages = Vec::new();
        let mut next = self.clone();
        let gone = self.prunable(dead_before, now);
        let mut happen = |next: &mut World, count: usize| {
            next.happened(EventKind::Pruned, None, now, "", "");
            next.last_event().detail = Some(EventDetail::Pruned(count as u64));
            next.set_mark(now);
            stages.push(next.clone());
        };
        if !gone.is_empty() {
            gone.iter().for_each(|id| next.forget(*id));
            happen(&mut next, gone.len());
        }
        let families = next.families.len();
        let stays = |family: &Family| {
            let may_be_seen = family.revoked.is_some() || family.expires <= now;
            !may_be_seen || self.family_died_at(family, now).is_none_or(|died| died >= dead_before)
        };
        next.families.retain(|_, family| stays(family));
        if next.families.len() < families {
            happen(&mut next, 0);
        }
        if stages.is_empty() {
            stages.push(next);
        }
        stages
    }
}
