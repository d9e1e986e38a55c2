//! One writing process at work: a random change, what is known then, and a look at it in every process.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use super::crew::{Crew, Seat};
use super::known::{Check, Fate, Kind, Known, Touch};
use super::orders::NONE;
use super::random::Random;
use super::talk::{Gone, Reply};

/// So many tokens live at least, and about so many at most.
const LIVING: std::ops::Range<usize> = 12..60;

pub(crate) struct Lane<'a> {
    pub(crate) crew: &'a Crew,
    pub(crate) writer: &'a Seat,
    pub(crate) number: usize,
    pub(crate) random: Random,
    pub(crate) known: Vec<Known>,
    pub(super) families: Vec<Family>,
    /// How many changes returned.
    pub(crate) changes: usize,
    /// How many of them were looked at everywhere by a plain verify first.
    pub(crate) verified: usize,
    /// Whether the other processes are asked for each change.
    pub(crate) asks: bool,
    /// A number for everything that needs one of its own.
    serial: u64,
}

/// A line of pairs.
pub(super) struct Family {
    pub(super) id: String,
    /// Where its newest tokens are known, and its used refresh values.
    pub(super) access: usize,
    pub(super) refresh: usize,
    pub(super) used: Vec<usize>,
}

impl<'a> Lane<'a> {
    pub(crate) fn new(crew: &'a Crew, number: usize) -> Lane<'a> {
        Lane {
            crew,
            writer: &crew.writers[number],
            number,
            random: Random::new(crew.seed ^ (number as u64 + 1) << 40),
            known: Vec::new(),
            families: Vec::new(),
            changes: 0,
            verified: 0,
            asks: true,
            serial: 0,
        }
    }

    /// What the names of the owners begin with whose tokens this process makes.
    pub(crate) fn owners(&self) -> String {
        format!("lane-{}-", self.number)
    }

    /// Makes a random change of any kind, and checks it everywhere.
    pub(crate) fn turn(&mut self) {
        let living = self.known.iter().filter(|known| known.fate == Fate::Lives).count();
        let kind = match self.random.below(40) {
            _ if living < LIVING.start => self.random.below(4),
            0..6 if living > LIVING.end => 10,
            kind => kind,
        };
        let checks = match kind {
            0..4 => self.create("server"),
            4 => self.create("coupon"),
            5 => self.register(),
            6 => self.issue_pair(),
            7 | 8 => self.refresh(),
            9 => self.use_again_or_revoke_family(),
            10 => self.revoke_owner(),
            11 => self.revoke_parent(),
            12 => self.remove_project(),
            13 => self.consume(),
            14 | 15 => self.rotate(),
            16 => self.revoke_value(),
            17 if self.random.once_in(4) => self.declare(),
            _ => match self.any_touch() {
                Some((place, touch)) => self.touch(place, &touch).expect("nobody kills it"),
                None => self.create("server"),
            },
        };
        self.look(checks);
    }

    /// Makes so many changes, of which the others need not know yet.
    pub(crate) fn miss(&mut self, changes: usize) {
        let end = self.changes + changes;
        while self.changes < end {
            self.turn();
        }
    }

    /// Declares a type, and makes a token of it.
    pub(crate) fn declare_one(&mut self) {
        let checks = self.declare();
        self.look(checks);
    }

    /// The order to verify a token.
    pub(crate) fn verify_one(&self) -> String {
        format!("verify {}", self.known[0].check(None, false).words)
    }

    /// Makes a token, or a change to one, and checks it everywhere. The writing process may be killed at it, and is
    /// started anew then: whether it was.
    pub(crate) fn killed_turn(&mut self, folder: &Path) -> bool {
        let living = self.known.iter().filter(|known| known.fate == Fate::Lives && !known.value.is_empty());
        let makes = living.count() < LIVING.start || self.random.once_in(6);
        let touch = if makes { None } else { self.any_touch() };
        let order = self.new_token("server", NONE);
        let made = match &touch {
            Some((place, touch)) => self.touch(*place, touch),
            None => self.write(&order).map(|reply| vec![self.met(&order, &reply)]),
        };
        match (made, touch) {
            (Ok(checks), _) => {
                self.look(checks);
                return false;
            }
            (Err(Gone), Some((place, touch))) => {
                self.reopen_writer();
                self.find_out(place, &touch);
            }
            (Err(Gone), None) => {
                self.reopen_writer();
                self.meet_strangers(folder);
            }
        }
        true
    }

    fn reopen_writer(&self) {
        let mut member = self.writer.member();
        *member = self.crew.reopen(self.writer);
    }

    /// Checks in all verifying processes, and in the one that made the change. A token that was not touched comes last.
    pub(super) fn look(&mut self, mut checks: Vec<Check>) {
        if !self.asks {
            return;
        }
        if !self.known.is_empty() {
            let any = self.random.below(self.known.len());
            let other = &self.known[any];
            checks.extend((!other.value.is_empty()).then(|| other.check(None, false)));
        }
        // Mostly the next call is a plain verify. What else may be asked must be as new.
        let asked = self.known.iter().find(|known| checks[0].is_of(known));
        let asked = asked.filter(|_| self.random.once_in(10));
        if let Some(known) = asked {
            self.crew.check_first(known, self.random.below(4));
        }
        let looks = self.random.once_in(8);
        self.verified += usize::from(asked.is_none() && !looks);
        self.crew.check(&checks, looks, self.writer);
    }

    /// All that is known, in every process.
    pub(crate) fn check_all(&self, folder: &Path) {
        let known = self.known.iter().filter(|known| !known.value.is_empty());
        let mut checks: Vec<Check> =
            known.flat_map(|known| [Some(known.check(None, true)), known.check_old()]).flatten().collect();
        let projects = self.known.iter().filter(|known| !known.value.is_empty() && known.fate == Fate::Lives);
        checks.extend(projects.map(|known| known.check(Some(&self.project(0)), false)));
        for checks in checks.chunks(64) {
            self.crew.check(checks, false, self.writer);
        }
        self.crew.check_dumps(&self.owners(), &self.known, folder);
    }

    /// Has the writing process make a change.
    pub(super) fn write(&mut self, order: &str) -> Result<Reply, Gone> {
        let mut member = self.writer.member();
        let reply = member.tell(order).and_then(|()| member.hear())?;
        drop(member);
        self.crew.waited(&reply, order);
        if reply.error().is_some() {
            panic!("seed {}, {order}: {}", self.crew.seed, reply.text);
        }
        self.changes += 1;
        Ok(reply)
    }

    /// Has a process that nobody kills make a change; the words of its answer.
    pub(super) fn change(&mut self, order: &str) -> Vec<String> {
        let reply = self.write(order).expect("nobody kills it");
        reply.ok().split(' ').map(str::to_owned).collect()
    }

    pub(super) fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// One of the projects of this lane.
    pub(crate) fn project(&self, n: usize) -> String {
        format!("project-{}-{n}", self.number)
    }

    pub(super) fn any_project(&mut self) -> String {
        let n = self.random.below(4);
        self.project(n)
    }

    fn any_grants(&mut self) -> BTreeSet<String> {
        let some = self.random.next();
        (0..4).filter(|n| some >> n & 1 == 1).map(|n| self.project(n)).collect()
    }

    /// The order to create a token of a type.
    pub(super) fn new_token(&mut self, type_name: &str, parent: &str) -> String {
        let serial = self.next_serial();
        let name = if self.random.once_in(2) { format!("name-{serial}") } else { NONE.into() };
        let grants = self.any_grants().into_iter().collect::<Vec<_>>().join(",");
        let grants = if grants.is_empty() { NONE.into() } else { grants };
        let owner = format!("{}{}", self.owners(), self.random.below(8));
        format!("create {type_name} {owner} {name} {grants} {serial} {parent}")
    }

    /// What an order to create a token made is known from now on.
    pub(super) fn met(&mut self, order: &str, reply: &Reply) -> Check {
        let words: Vec<&str> = order.split(' ').collect();
        let [.., type_name, owner, _name, grants, word, parent] = words[..] else { panic!("{order}") };
        let made: Vec<&str> = reply.ok().split(' ').collect();
        let [id, value, revision] = made[..] else { panic!("{order}: {}", reply.text) };
        let known = Known {
            id: id.into(),
            value: value.into(),
            type_name: type_name.into(),
            kind: if type_name == "coupon" { Kind::Counted } else { Kind::Plain },
            owner: owner.into(),
            grants: Some(grants.split(',').filter(|project| *project != NONE).map(str::to_owned).collect()),
            disabled: false,
            fate: Fate::Lives,
            word: word.parse().expect("a number"),
            revision: Some(revision.parse().expect("a revision")),
            parent: (parent != NONE).then(|| parent.into()),
            family: None,
            old: None,
        };
        let check = known.check(None, true);
        self.known.push(known);
        check
    }

    pub(super) fn create(&mut self, type_name: &str) -> Vec<Check> {
        let order = self.new_token(type_name, NONE);
        let reply = self.write(&order).expect("nobody kills it");
        let mut checks = vec![self.met(&order, &reply)];
        checks.extend(
            (0..4).map(|n| self.known.last().expect("it was made").check(Some(&self.project(n)), false)),
        );
        checks
    }

    fn register(&mut self) -> Vec<Check> {
        let order = self.new_token("external", NONE);
        let value = format!("made-elsewhere-{}-{:016x}", self.number, self.random.next());
        let order = order.replacen("create", &format!("register {value}"), 1);
        let reply = self.write(&order).expect("nobody kills it");
        vec![self.met(&order, &reply)]
    }

    /// A type that nobody knew, and a token of it.
    fn declare(&mut self) -> Vec<Check> {
        let serial = self.next_serial();
        let name = format!("new-{}-{serial}", self.number);
        let words = self.change(&format!("declare {name} n{}x{serial}", self.number));
        if self.asks && self.random.once_in(2) {
            self.crew.ask_each(&format!("type {name}"), |reply| reply.ok() == words[0]);
        }
        self.create(&name)
    }

    /// A change that a token which lives can take, if there is one.
    fn any_touch(&mut self) -> Option<(usize, Touch)> {
        // What is done to a member of a family is done to the family.
        let is_apt =
            |known: &Known| known.fate == Fate::Lives && known.family.is_none() && !known.value.is_empty();
        let apt: Vec<usize> = (0..self.known.len()).filter(|place| is_apt(&self.known[*place])).collect();
        if apt.is_empty() {
            return None;
        }
        loop {
            let place = *self.random.pick(&apt);
            let project = self.any_project();
            let touch = match self.random.below(9) {
                0 => Touch::Grant(project),
                1 => Touch::Ungrant(project),
                2 if self.random.once_in(3) => Touch::GrantAll,
                3 => Touch::RevokeGrants,
                4 => Touch::Edit(self.any_grants(), self.random.next() >> 1),
                5 => Touch::Disable,
                6 => Touch::Enable,
                7 => Touch::Revoke,
                8 if self.random.once_in(2) => Touch::Delete,
                _ => continue,
            };
            if touch.fits(&self.known[place]) {
                return Some((place, touch));
            }
        }
    }

    fn touch(&mut self, place: usize, touch: &Touch) -> Result<Vec<Check>, Gone> {
        let order = touch.order(&self.known[place]);
        let reply = self.write(&order)?;
        let answer: Vec<&str> = reply.ok().split(' ').collect();
        let ["true", revision] = answer[..] else { panic!("{order}: {}", reply.text) };
        let known = &mut self.known[place];
        touch.apply(known);
        // What is gone has none.
        let revision = revision.parse().expect("a revision");
        known.revision = (known.fate != Fate::Deleted).then_some(revision);
        let mut checks = vec![known.check(touch.project(), true), known.check(None, false)];
        checks.extend(known.check_old());
        if matches!(touch, Touch::Revoke | Touch::Delete) {
            let id = known.id.clone();
            checks.extend(self.end_children(&id));
        }
        Ok(checks)
    }

    /// What hangs on a token ends with it.
    pub(super) fn end_children(&mut self, id: &str) -> Vec<Check> {
        let children = self.known.iter_mut().filter(|known| known.parent.as_deref() == Some(id));
        children
            .map(|known| {
                known.end(Fate::Revoked);
                known.check(None, false)
            })
            .collect()
    }

    /// The writing process was killed in a change of a token: the change was made or it was not, as the next process
    /// sees it and all must say.
    fn find_out(&mut self, place: usize, touch: &Touch) {
        let before = self.known[place].clone();
        let mut after = Known { revision: None, ..before.clone() };
        touch.apply(&mut after);
        let reply = self.ask_writer(&format!("get {}", before.id));
        let line = reply.text.strip_prefix("ok ");
        assert!(line.is_some() || reply.error() == Some("NotFound"), "{}", reply.text);
        if !before.is_shown_by(line) {
            assert!(after.is_shown_by(line), "neither {before:?} nor {after:?}: {line:?}");
            let revision = line.and_then(|line| line.rsplit(' ').next());
            after.revision = revision.map(|revision| revision.parse().expect("a revision"));
            self.known[place] = after;
        }
        if !before.value.is_empty() {
            self.crew.check(&[self.known[place].check(touch.project(), true)], false, self.writer);
        }
    }

    /// The writing process was killed when it made a token: if it is there, it is known from now on by all but its
    /// value.
    fn meet_strangers(&mut self, folder: &Path) {
        let file = folder.join(format!("strangers of {}", self.number));
        self.ask_writer(&format!("dump {} {}", self.owners(), file.display())).ok();
        for line in std::fs::read_to_string(&file).expect("a dump").lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let [id, owner, _name, _state, _disabled, _revoked, grants, word, revision] = words[..] else {
                panic!("a line is {line:?}");
            };
            if self.known.iter().all(|known| known.id != id) {
                let order = format!("create server {owner} {NONE} {grants} {word} {NONE}");
                let text = format!("ok {id} {NONE} {revision}");
                let _of_no_value = self.met(&order, &Reply { took: Duration::ZERO, text });
                self.known.last_mut().expect("it was met").value.clear();
            }
        }
    }

    fn ask_writer(&self, order: &str) -> Reply {
        let mut member = self.writer.member();
        self.crew.ask_until_answered(self.writer, &mut member, order)
    }
}
