//! What tokens, values and families are, as the table of what must be covered has it: told by what the lines did, and not
//! by what the store says.

use tokenstore::{Id, Token, TypeId};

use super::cells::On;
use super::line::{KnownFamily, Standing};
use super::world::{Known, World, ms_of};

impl World {
    /// What a token is, as the table of what must be covered has it.
    pub(crate) fn on(&self, id: Id) -> On {
        self.tokens.values().find(|known| known.id == id).map_or(On::Nobody, |known| self.state(known))
    }

    /// What a family is.
    pub(crate) fn on_family(&self, name: &str) -> On {
        let Some(family) = self.families.get(name) else { return On::Nobody };
        let mut members = self.tokens.values().filter(|known| known.token.family == Some(family.id));
        match family {
            KnownFamily { revoked: true, .. } => On::Revoked,
            KnownFamily { killed: true, .. } => On::Orphan,
            _ if family.expires_ms <= self.now_ms() => On::Expired,
            _ if members.any(|known| !known.deleted && known.token.disabled) => On::Disabled,
            _ => On::Active,
        }
    }

    fn now_ms(&self) -> i64 {
        self.decided_ms.max(ms_of(self.clock.now()))
    }

    fn state(&self, known: &Known) -> On {
        let token = &known.token;
        let expired = token.expires.is_some_and(|at| ms_of(at) <= self.now_ms());
        let superseded = known.superseded || (known.ending && expired);
        match (known.deleted, token.revocation.is_some(), expired, token.disabled) {
            (true, ..) => On::Deleted,
            (false, true, true, true) => On::DisabledExpiredRevoked,
            (false, true, true, false) => On::ExpiredRevoked,
            (false, true, false, true) => On::DisabledRevoked,
            (false, true, false, false) => On::Revoked,
            _ if self.is_orphan(known) => On::Orphan,
            _ if superseded && token.refreshes => On::UsedRefresh,
            _ if superseded => On::Superseded,
            _ if token.uses_left == Some(0) => On::Used,
            (false, false, true, true) => On::DisabledExpired,
            (false, false, true, false) => On::Expired,
            (false, false, false, true) => On::Disabled,
            _ if token.refreshes => On::Refresh,
            _ if token.family.is_some() => On::Access,
            _ if token.uses_left.is_some() => On::Counted,
            _ if token.parent.is_some() => On::Child,
            (false, false, false, false) => On::Active,
        }
    }

    /// Whether it died with its owner, its family or its parent.
    fn is_orphan(&self, known: &Known) -> bool {
        let family = known.token.family.and_then(|id| self.families.values().find(|family| family.id == id));
        let parent = known.token.parent.and_then(|id| self.tokens.values().find(|parent| parent.id == id));
        known.killed
            || family.is_some_and(|family| family.revoked || family.killed)
            || parent.is_some_and(|parent| {
                parent.deleted || parent.token.revocation.is_some() || self.is_orphan(parent)
            })
    }

    /// What the value is that a line named so.
    fn standing(&self, known: &Known) -> On {
        let on = self.state(known);
        match known.standing {
            Standing::Forgotten => On::Deleted,
            Standing::Old if !matches!(on, On::Deleted | On::Orphan | On::Superseded) && !on.is_revoked() => {
                let end = known.token.expires.map_or(i64::MAX, ms_of);
                let until = known.token.old_value.map_or(i64::MIN, |old| ms_of(old.until).min(end));
                match on {
                    _ if until <= self.now_ms() => On::OutdatedValue,
                    On::Disabled => On::Disabled,
                    _ => On::OldValue,
                }
            }
            Standing::Old | Standing::Current => on,
        }
    }

    /// What a token's value is, by the name that a line gave it.
    pub(crate) fn on_named(&self, name: &str) -> On {
        self.tokens.get(name).map_or(On::Nobody, |known| self.standing(known))
    }

    /// What the token is that has this name of this owner: a live one if there is one, else the last.
    pub(crate) fn on_namesake(
        &self,
        type_id: TypeId,
        owner: &[u8],
        name: Option<&str>,
        not: Option<Id>,
    ) -> On {
        if name.is_none() || !self.has_unique_names(type_id) {
            return On::Nobody;
        }
        let same = |known: &&Known| {
            let Token { owner: its_owner, name: its_name, type_id, .. } = &known.token;
            its_owner == owner && its_name.as_deref() == name && self.has_unique_names(*type_id)
        };
        // Members of families have the family's name, which need not be unique.
        let may_hold = |known: &&Known| Some(known.id) != not && known.token.family.is_none();
        let mut namesakes: Vec<&Known> = self.tokens.values().filter(same).filter(may_hold).collect();
        namesakes.sort_by_key(|known| known.id);
        let states = namesakes.iter().map(|known| self.state(known));
        states.clone().find(|on| on.is_live()).or(states.last()).unwrap_or(On::Nobody)
    }

    /// What the token is that has this value.
    pub(crate) fn on_value(&self, value: &[u8]) -> On {
        let holders = self.tokens.values().filter(|known| known.value == value);
        let states = holders.map(|known| self.standing(known));
        states.clone().find(|on| *on != On::Deleted).or(states.last()).unwrap_or(On::Nobody)
    }

    fn has_unique_names(&self, id: TypeId) -> bool {
        self.types.values().any(|known| known.id == id && known.unique_names)
    }
}
