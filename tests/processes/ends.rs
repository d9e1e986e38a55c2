//! Changes that end several tokens at once, and those that come of sessions.

use super::known::{Check, Fate, Kind, Known};
use super::lane::{Family, Lane};

impl Lane<'_> {
    pub(super) fn issue_pair(&mut self) -> Vec<Check> {
        let owner = self.any_owner();
        let serial = self.next_serial();
        let words = self.change(&format!("pair access refresh {owner} {serial}"));
        let places = self.met_pair(&words, &owner, serial);
        let [access, refresh] = places;
        self.families.push(Family { id: words[0].clone(), access, refresh, used: Vec::new() });
        places.map(|place| self.known[place].check(None, true)).into()
    }

    /// A pair is known from now on; where.
    fn met_pair(&mut self, words: &[String], owner: &str, word: u64) -> [usize; 2] {
        let [family, access, access_value, refresh, refresh_value, revision] = words else {
            panic!("a pair is {words:?}");
        };
        let known = |id: &String, value: &String, type_name: &str, kind| Known {
            id: id.clone(),
            value: value.clone(),
            type_name: type_name.into(),
            kind,
            owner: owner.into(),
            grants: Some([].into()),
            disabled: false,
            fate: Fate::Lives,
            word,
            revision: Some(revision.parse().expect("a revision")),
            parent: None,
            family: Some(family.clone()),
            old: None,
        };
        self.known.push(known(access, access_value, "access", Kind::Plain));
        self.known.push(known(refresh, refresh_value, "refresh", Kind::Refreshes));
        [self.known.len() - 2, self.known.len() - 1]
    }

    /// The next pair of a family: the access value before ends at once.
    pub(super) fn refresh(&mut self) -> Vec<Check> {
        let Some(family) = self.any_family() else { return self.issue_pair() };
        let Family { access, refresh, .. } = self.families[family];
        let (value, owner, word) = {
            let known = &self.known[refresh];
            (known.value.clone(), known.owner.clone(), known.word)
        };
        let words = self.change(&format!("refresh {value}"));
        assert_eq!(words[0], "rotated", "{words:?}");
        for place in [access, refresh] {
            let known = &mut self.known[place];
            known.end(Fate::Superseded);
            known.revision = None;
        }
        let [new_access, new_refresh] = self.met_pair(&words[1..], &owner, word);
        let family = &mut self.families[family];
        (family.access, family.refresh) = (new_access, new_refresh);
        family.used.push(refresh);
        [access, new_access, new_refresh].map(|place| self.known[place].check(None, true)).into()
    }

    /// A thief uses a refresh value again, or an operator revokes the family: all of it ends.
    pub(super) fn use_again_or_revoke_family(&mut self) -> Vec<Check> {
        let Some(place) = self.any_family() else { return self.issue_pair() };
        let family = self.families.swap_remove(place);
        match family.used.last() {
            Some(used) if self.random.once_in(2) => {
                let value = self.known[*used].value.clone();
                assert_eq!(self.change(&format!("refresh {value}")), ["REUSED"]);
            }
            _ => drop(self.change(&format!("revoke-family {}", family.id))),
        }
        let members = self.known.iter_mut().filter(|known| known.family.as_ref() == Some(&family.id));
        for known in members {
            known.end(Fate::Revoked);
            known.revision = None;
        }
        [family.access, family.refresh].map(|place| self.known[place].check(None, true)).into()
    }

    /// A family whose newest refresh value is good.
    fn any_family(&mut self) -> Option<usize> {
        let known = &self.known;
        self.families.retain(|family| known[family.refresh].fate == Fate::Lives);
        (!self.families.is_empty()).then(|| self.random.below(self.families.len()))
    }

    /// Everything that an owner has ends.
    pub(super) fn revoke_owner(&mut self) -> Vec<Check> {
        let owner = self.any_owner();
        let words = self.change(&format!("revoke-owner {owner}"));
        let mut checks = Vec::new();
        let mut ended = Vec::new();
        for known in self.known.iter_mut().filter(|known| known.owner == owner) {
            let lived = known.fate == Fate::Lives;
            known.end(Fate::Revoked);
            if known.family.is_some() {
                known.revision = None;
            }
            ended.extend(lived.then(|| known.id.clone()));
            checks.extend(lived.then(|| known.check(None, false)));
        }
        for id in ended {
            checks.extend(self.end_children(&id));
        }
        if checks.is_empty() {
            // An owner who had nothing alive: no change, and nothing to see.
            assert_eq!(words.len(), 2, "{words:?}");
            return self.create("server");
        }
        checks
    }

    /// A token with two that hang on it; they end with it.
    pub(super) fn revoke_parent(&mut self) -> Vec<Check> {
        let first = self.create("server");
        self.look(first);
        let parent = self.known.last().expect("it was made").id.clone();
        for _ in 0..2 {
            let order = self.new_token("server", &parent);
            let reply = self.write(&order).expect("nobody kills it");
            let check = self.met(&order, &reply);
            self.look(vec![check]);
        }
        self.change(&format!("revoke {parent}"));
        let mut checks = self.end_children(&parent);
        let known = self.known.iter_mut().find(|known| known.id == parent).expect("it was made");
        known.end(Fate::Revoked);
        known.revision = None;
        checks.push(known.check(None, true));
        checks
    }

    /// A project that is gone: its id may come again.
    pub(super) fn remove_project(&mut self) -> Vec<Check> {
        let project = self.any_project();
        self.change(&format!("remove-project {project}"));
        let mut checks = Vec::new();
        for known in self.known.iter_mut().filter(|known| known.fate == Fate::Lives) {
            if known.grants.as_mut().is_some_and(|grants| grants.remove(&project)) {
                known.revision = None;
                checks.push(known.check(Some(&project), false));
            }
        }
        if checks.is_empty() { self.create("server") } else { checks }
    }

    /// The one use of a token is spent.
    pub(super) fn consume(&mut self) -> Vec<Check> {
        let counted =
            |known: &Known| known.kind == Kind::Counted && known.fate == Fate::Lives && !known.disabled;
        let Some(place) = self.known.iter().position(counted) else { return self.create("coupon") };
        let value = self.known[place].value.clone();
        assert_eq!(self.change(&format!("consume {value}")), ["OK"]);
        let known = &mut self.known[place];
        known.end(Fate::Used);
        known.revision = None;
        vec![known.check(None, false)]
    }

    /// Another value for a token: the one before ends at once, or works for an hour, or until the next rotation.
    pub(super) fn rotate(&mut self) -> Vec<Check> {
        let apt = |known: &Known| {
            known.fate == Fate::Lives && known.kind == Kind::Plain && known.type_name == "server"
        };
        let apt: Vec<usize> = (0..self.known.len()).filter(|place| apt(&self.known[*place])).collect();
        if apt.is_empty() {
            return self.create("server");
        }
        let place = *self.random.pick(&apt);
        let keeps = self.random.once_in(2);
        let id = self.known[place].id.clone();
        let words = self.change(&format!("rotate {id} {}", if keeps { 3_600_000 } else { 0 }));
        let [_id, value, revision] = &words[..] else { panic!("{words:?}") };
        let known = &mut self.known[place];
        let forgotten = known.old.take();
        known.old = Some((std::mem::replace(&mut known.value, value.clone()), keeps));
        known.revision = Some(revision.parse().expect("a revision"));
        let mut checks: Vec<Check> = known.check_old().into_iter().collect();
        checks.push(known.check(None, true));
        checks.extend(forgotten.map(|(value, _)| Known::check_forgotten(&value)));
        checks
    }

    pub(super) fn revoke_value(&mut self) -> Vec<Check> {
        let apt = |known: &Known| known.fate == Fate::Lives && known.type_name == "server";
        let Some(place) = self.known.iter().position(apt) else { return self.create("server") };
        let (id, value) = (self.known[place].id.clone(), self.known[place].value.clone());
        let words = self.change(&format!("revoke-value {value}"));
        let known = &mut self.known[place];
        known.end(Fate::Revoked);
        known.revision = Some(words[1].parse().expect("a revision"));
        let mut checks = vec![known.check(None, true)];
        checks.extend(self.end_children(&id));
        checks
    }

    fn any_owner(&mut self) -> String {
        format!("{}{}", self.owners(), self.random.below(8))
    }

    /// Takes out all that is dead; how many. No other lane may be at work.
    pub(crate) fn prune(&mut self) -> u64 {
        let mut pruned = 0;
        loop {
            match self.change("prune")[0].parse().expect("a number") {
                0 => break,
                some => pruned += some,
            }
        }
        for known in self.known.iter_mut().filter(|known| !matches!(known.fate, Fate::Lives | Fate::Deleted))
        {
            known.fate = Fate::Pruned;
        }
        pruned
    }
}
