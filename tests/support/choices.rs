//! How steps come up.

use std::time::Duration;

use time::OffsetDateTime;
use tokenstore::{Grants, Id, State};

use super::known::Known;
use super::random::Random;
use super::sessions::grace;
use super::steps::{CLIENT, Changes, EXTERNAL, PROJECTS, Plan, REFRESH, Step, TICKET};
use super::world::World;

/// The kinds of steps from here on concern sessions.
const FIRST_OF_SESSIONS: usize = 16;
/// How many kinds of steps there are to come up.
pub(crate) const STEP_KINDS: usize = 28;

impl World {
    /// A step that changes something, whatever comes up.
    pub(crate) fn any_step(&self, random: &mut Random, now: OffsetDateTime) -> Step {
        loop {
            let kind = random.below(STEP_KINDS);
            if let Some(step) = self.step_of(kind, random, now) {
                return step;
            }
        }
    }

    /// A step of a kind, below [`STEP_KINDS`], if there is something for it.
    pub(crate) fn step_of(&self, kind: usize, random: &mut Random, now: OffsetDateTime) -> Option<Step> {
        if kind >= FIRST_OF_SESSIONS {
            return self.session_step_of(kind, random, now);
        }
        let now = now.max(self.mark);
        let live = self.live(now);
        let mut one = |good: &dyn Fn(&Known) -> bool| {
            let good: Vec<&Id> = live.iter().filter(|id| good(self.known(**id))).collect();
            (!good.is_empty()).then(|| **random.pick(&good))
        };
        let by_name = |known: &Known| matches!(known.grants, Grants::Projects(_));
        let has = |known: &Known, project: &str| by_name(known) && known.grants.allow(project.as_bytes());
        // Every project in turn.
        let project = PROJECTS[self.sequence() as usize % PROJECTS.len()];
        Some(match kind {
            0 => Step::Create(self.any_plan(random, now)),
            1 => Step::CreateIfAbsent(self.with_name(Plan { type_number: 1, ..self.any_plan(random, now) })),
            2 => {
                let count = 2 + random.below(8);
                Step::CreateMany(self.any_plans(count, random, now))
            }
            3 => {
                let plan = Plan { type_number: EXTERNAL, ..self.any_plan(random, now) };
                Step::Register(plan, format!("made elsewhere {:016x}", random.next()).into_bytes())
            }
            4 => Step::Grant(one(&|known| by_name(known) && !has(known, project))?, project),
            5 => Step::Ungrant(one(&|known| has(known, project))?, project),
            6 => Step::GrantAll(one(&by_name)?),
            7 => Step::RevokeGrants(one(&|known| !known.grants.is_none())?),
            8 => Step::RemoveProject(project),
            9 => {
                let id = one(&|_| true)?;
                let mut changes = self.any_changes(random);
                if !self.may_get_expiry(self.known(id), now) {
                    changes.lifetime = None;
                }
                Step::Edit(id, changes)
            }
            10 => Step::Disable(one(&|known| !known.disabled)?),
            11 => Step::Enable(one(&|known| known.disabled)?),
            12 => Step::Revoke(one(&|_| true)?),
            13 => Step::RevokeValue(one(&|known| !known.value.is_empty())?),
            14 if self.ids().is_empty() => return None,
            14 => Step::Delete(*random.pick(&self.ids())),
            15 => Step::Flush,
            _ => unreachable!("no such kind of step"),
        })
    }

    /// The same for what concerns sessions, tickets, values that change, and what hangs on others.
    fn session_step_of(&self, kind: usize, random: &mut Random, now: OffsetDateTime) -> Option<Step> {
        let now = now.max(self.mark);
        let mut one = |good: &dyn Fn(Id, &Known) -> bool| {
            let good: Vec<Id> =
                self.tokens().filter(|(id, known)| good(*id, known)).map(|(id, _)| id).collect();
            (!good.is_empty()).then(|| *random.pick(&good))
        };
        let lives = |known: &Known| !self.state(known, now).is_dead();
        let refreshes = |known: &Known| known.refreshes() && !known.value.is_empty();
        let may_rotate = |_: Id, known: &Known| {
            let has_other = known.refreshes() || known.uses_left.is_some() || known.value.is_empty();
            lives(known) && !has_other && known.is_good()
        };
        Some(match kind {
            16 => self.issue_step(random, now),
            // A replay, a reuse, a refresh; or what makes the next of them possible.
            17..=19 => {
                let is_used = |known: &Known| !known.is_good() && self.state(known, now) == State::Superseded;
                let is_reused = |known: &Known| is_used(known) && !self.is_replayed(known, now);
                let good = one(&|_, known| refreshes(known) && self.state(known, now) == State::Active);
                let wanted = match kind {
                    17 => one(&|_, known| refreshes(known) && self.is_replayed(known, now)),
                    18 => one(&|_, known| refreshes(known) && is_reused(known)),
                    _ => None,
                };
                wanted.or(good).map_or_else(|| self.issue_step(random, now), Step::Refresh)
            }
            20 => {
                let families = self.families.iter().filter(|(_, family)| !self.is_dead_family(family));
                let families: Vec<u64> = families.map(|(number, _)| *number).collect();
                Step::RevokeFamily(*families.get(random.below(families.len().max(1)))?)
            }
            21 => {
                let type_number = [None, Some(1 + random.below(self.types.len()) as u16)][random.below(2)];
                Step::RevokeOwner(any_owner(random), type_number)
            }
            // Both uses of one rather than one of two.
            22 | 23 => {
                let is_ticket = |known: &Known| known.uses_left.is_some() && !known.value.is_empty();
                let good = |known: &Known| is_ticket(known) && self.state(known, now) == State::Active;
                let last = one(&|_, known| good(known) && known.uses_left == Some(1));
                Step::Consume(last.or_else(|| one(&|_, known| good(known)))?)
            }
            24 => Step::Rotate(one(&may_rotate)?, Duration::from_secs(60 * (1 + random.below(60)) as u64)),
            25 => Step::Rotate(one(&may_rotate)?, Duration::ZERO),
            26 => Step::Revoke(one(&|id, known| lives(known) && self.has_children(id))?),
            27 => {
                let dead_before = now - Duration::from_secs(60 * random.below(30) as u64);
                let stages = self.pruned(dead_before, now);
                let changes = stages.iter().any(|next| next.sequence() > self.sequence());
                changes.then_some(Step::Prune(dead_before))?
            }
            _ => unreachable!("no such kind of step"),
        })
    }

    /// A family to be made.
    pub(crate) fn issue_step(&self, random: &mut Random, now: OffsetDateTime) -> Step {
        let plan = Plan { parent: None, type_number: 1, ..self.any_plan(random, now) };
        Step::IssuePair(plan, *random.pick(&REFRESH))
    }

    /// What shows, right after a change and without waiting, that the change is as whole as it can be: a refresh value
    /// that was used gets the same pair, and a use that was spent is spent.
    pub(crate) fn probes(&self) -> Vec<Step> {
        if self.is_vague {
            return Vec::new();
        }
        let of_families = self.families.keys().filter_map(|family| self.last_used(*family));
        let replayed = of_families.filter(|id| self.is_replayed(self.known(*id), self.mark));
        let spent = self.tokens().filter(|(_, known)| {
            !known.value.is_empty() && known.uses_left.is_some() && known.ended == Some(self.mark)
        });
        replayed.map(Step::Refresh).chain(spent.map(|(id, _)| Step::Consume(id))).collect()
    }

    /// Whether a refresh value was used so recently that it gets the same pair again.
    pub(super) fn is_replayed(&self, known: &Known, now: OffsetDateTime) -> bool {
        let Some(member) = known.member.filter(|member| member.refreshes) else { return false };
        let family = &self.families[&member.family];
        member.generation + 1 == family.generation
            && !self.is_dead_family(family)
            && !known.disabled
            && now < family.rotated + grace(family.refresh_type)
            && now < family.expires
    }

    /// Whether a token's expiry may be edited: members keep theirs, and so does a child whose parent's is over.
    fn may_get_expiry(&self, known: &Known, now: OffsetDateTime) -> bool {
        let is_over = |parent: Id| self.known(parent).expires.is_some_and(|expires| expires <= now);
        known.member.is_none() && !known.parent.is_some_and(is_over)
    }

    /// Tokens to be made in one call.
    pub(crate) fn any_plans(&self, count: usize, random: &mut Random, now: OffsetDateTime) -> Vec<Plan> {
        let mut plans: Vec<Plan> = (0..count).map(|_| self.any_plan(random, now)).collect();
        for (place, plan) in plans.iter_mut().enumerate() {
            // None is taken twice.
            plan.name = plan.name.take().map(|name| format!("{name} and {place}"));
        }
        plans
    }

    fn any_plan(&self, random: &mut Random, now: OffsetDateTime) -> Plan {
        let plan = Plan {
            type_number: *random.pick(&[1, 2, EXTERNAL, TICKET]),
            owner: any_owner(random),
            name: None,
            lifetime: any_lifetime(random),
            grants: any_grants(random),
            binding: random.once_in(4).then(|| CLIENT.to_vec()),
            parent: self.any_parent(random, now),
            app_word: random.next(),
            app_data: vec![b'a'; [0, 0, 40, 300][random.below(4)]],
        };
        if random.once_in(3) { plan } else { self.with_name(plan) }
    }

    /// Something to hang on, for some.
    fn any_parent(&self, random: &mut Random, now: OffsetDateTime) -> Option<Id> {
        if !random.once_in(3) {
            return None;
        }
        // A chain is at most four tokens below its first.
        let depth = |id: Id| {
            let above = |id: &Id| self.tokens.get(id).and_then(|known| known.parent);
            std::iter::successors(Some(id), above).count()
        };
        let mut live = self.live(now.max(self.mark));
        live.retain(|id| depth(*id) <= 4 && self.known(*id).is_good());
        (!live.is_empty()).then(|| *random.pick(&live))
    }

    fn with_name(&self, plan: Plan) -> Plan {
        Plan { name: Some(self.fresh_name()), ..plan }
    }

    /// A name that nobody had yet.
    fn fresh_name(&self) -> String {
        format!("name {}", self.sequence())
    }

    fn any_changes(&self, random: &mut Random) -> Changes {
        let mut changes = Changes { app_word: Some(random.next()), ..Changes::default() };
        match random.below(5) {
            0 => changes.name = Some(Some(self.fresh_name())),
            1 => changes.name = Some(None),
            2 => changes.lifetime = Some(any_lifetime(random)),
            3 => changes.grants = Some(any_grants(random)),
            _ => changes.app_data = Some(vec![b'd'; random.below(700)]),
        }
        changes
    }
}

fn any_owner(random: &mut Random) -> Vec<u8> {
    format!("owner {}", random.below(6)).into_bytes()
}

fn any_lifetime(random: &mut Random) -> Option<Duration> {
    match random.below(3) {
        // Some are dead before the story ends.
        0 => Some(Duration::from_secs(60 * (1 + random.below(200)) as u64)),
        1 => Some(Duration::from_secs(86_400 * 30)),
        _ => None,
    }
}

fn any_grants(random: &mut Random) -> Grants {
    match random.below(5) {
        0 => Grants::All,
        1 => Grants::none(),
        _ => Grants::projects(PROJECTS.iter().filter(|_| random.once_in(2))),
    }
}
