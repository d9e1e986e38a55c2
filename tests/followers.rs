//! Whoever follows has the same view as whoever reads everything.
//!
//! A view that follows other processes is made of small steps, and each kind of change is a step that can be forgotten:
//! a name that stays taken, an old value that goes on, a child that outlives its parent, an owner's new token that dies
//! with the old ones. Here several openings of one store make changes of every kind in a random order, one of them looks
//! so seldom that it must read everything anew, and all are asked the same: they must say what an opening says that has
//! just read the file.
//!
//! `TOKENSTORE_SEED=N` plays one seed; `TOKENSTORE_LONG=1` plays 50.

#[path = "support/random.rs"]
mod random;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use random::Random;
use time::macros::datetime;
use tokenstore::{
    Clock, Edit, ErrorKind, Expiry, FamilyPolicy, Filter, Grants, Id, ManualClock, NewPair, NewToken,
    OldAccess, Options, Pair, Query, Refresh, Result, Store, TypeId, TypePolicy,
};

const STEPS: usize = 500;
/// How many steps lie between two comparisons. The log keeps fewer changes.
const STEPS_A_LOOK: usize = 20;
const EVENTS: u64 = 15;
const OWNERS: [&str; 3] = ["acme", "zeta", "an owner with a longer name"];
const PROJECTS: [&str; 3] = ["A-1", "B-2", "C-3"];
const CLIENT: &str = "client";

/// A store that is open several times, and all that was ever made in it.
struct Scene {
    clock: Arc<ManualClock>,
    options: Options,
    openings: Vec<Store>,
    types: Vec<TypeId>,
    access: TypeId,
    refresh: TypeId,
    known: Known,
    /// How many changes of which kind were made.
    made: BTreeMap<&'static str, usize>,
}

/// What was made so far, dead or alive.
#[derive(Default)]
struct Known {
    values: Vec<Vec<u8>>,
    ids: Vec<Id>,
    refresh_values: Vec<Vec<u8>>,
    families: Vec<Id>,
    names: usize,
}

impl Known {
    fn token(&mut self, id: Id, value: &[u8]) {
        self.ids.push(id);
        self.values.push(value.to_vec());
    }

    fn pair(&mut self, pair: &Pair) {
        self.token(pair.access.id, pair.access.value.as_bytes());
        self.token(pair.refresh.id, pair.refresh.value.as_bytes());
        self.refresh_values.push(pair.refresh.value.as_bytes().to_vec());
        self.families.push(pair.family);
    }
}

impl Scene {
    fn new(path: &Path) -> Scene {
        let clock = ManualClock::new(datetime!(2026-01-01 00:00 UTC));
        let options = Options::new().shared(true).max_events(EVENTS).clock(Clock::Manual(Arc::clone(&clock)));
        let first = options.create(path).unwrap();
        let minutes = |n: u64| Duration::from_secs(60 * n);
        let declare = |policy: &TypePolicy| first.declare(policy).unwrap();
        let types = vec![
            declare(&TypePolicy::new("server", "srv").accepts_external(true)),
            declare(&TypePolicy::new("device", "dev").unique_names(false).by_name_only(true)),
            declare(&TypePolicy::new("coupon", "cou").uses(2)),
            declare(&TypePolicy::new("ticket", "tic").uses(1).default_lifetime(minutes(1)).volatile(true)),
        ];
        let access = declare(&TypePolicy::new("access", "acc"));
        let families = FamilyPolicy::new(minutes(10), minutes(60), minutes(600))
            .grace(minutes(1))
            .old_access(OldAccess::EndsWithGrace);
        let refresh = declare(&TypePolicy::new("refresh", "ref").families(families));
        let mut openings = vec![first];
        openings.extend((0..3).map(|_| options.open(path).unwrap()));
        let (known, made) = (Known::default(), BTreeMap::new());
        Scene { clock, options, openings, types, access, refresh, known, made }
    }

    /// Makes a change of a random kind through one of the openings, but for the last, which only looks.
    fn step(&mut self, random: &mut Random) {
        let at = random.below(self.openings.len() - 1);
        let (name, outcome) = match random.below(8) {
            0 | 1 => ("create", self.create(at, random)),
            2 => self.sign_in(at, random),
            3 => self.end_many(at, random),
            4 => {
                self.clock.advance(Duration::from_secs(random.next() % 25));
                ("time", Ok(true))
            }
            _ => self.change(at, random),
        };
        match outcome {
            Ok(true) => *self.made.entry(name).or_default() += 1,
            Ok(false) => {}
            Err(error) => assert!(
                error.is_refusal() || error.kind() == ErrorKind::InvalidArgument,
                "{name} through opening {at}: {error:?}"
            ),
        }
    }

    fn create(&mut self, at: usize, random: &mut Random) -> Result<bool> {
        let (store, known) = (&self.openings[at], &mut self.known);
        let type_id = *random.pick(&self.types);
        let is_ticket = type_id == self.types[3];
        let mut new = NewToken::new(type_id, *random.pick(&OWNERS)).app_word(random.next() % 1_000);
        let name = format!("name {}", random.below(5));
        if !is_ticket && random.once_in(2) {
            new = new.name(&name);
        }
        new = new.grants(match random.below(3) {
            0 => Grants::All,
            1 => Grants::projects([*random.pick(&PROJECTS), "A-1"]),
            _ => Grants::none(),
        });
        if random.once_in(3) {
            new = new.expires(Expiry::In(Duration::from_secs(1 + random.next() % 900)));
        }
        if random.once_in(4) {
            new = new.binding(CLIENT);
        }
        if !is_ticket && !known.ids.is_empty() && random.once_in(3) {
            new = new.parent(*random.pick(&known.ids));
        }
        if type_id == self.types[0] && random.once_in(4) {
            let value = format!("made elsewhere {}", random.next()).into_bytes();
            let registered = store.create_from_value(&new, &value)?;
            known.token(registered.id, &value);
            return Ok(true);
        }
        let created = store.create(&new)?;
        known.token(created.id, created.value.as_bytes());
        known.names += 1;
        Ok(true)
    }

    fn sign_in(&mut self, at: usize, random: &mut Random) -> (&'static str, Result<bool>) {
        let (store, known) = (&self.openings[at], &mut self.known);
        if known.refresh_values.is_empty() || random.once_in(3) {
            let new = NewPair::new(self.access, self.refresh, *random.pick(&OWNERS), CLIENT);
            let pair = store.issue_pair(&new.grants(Grants::projects([*random.pick(&PROJECTS)])));
            return ("issue a pair", pair.map(|pair| known.pair(&pair)).map(|()| true));
        }
        // The latest more often than one of long ago.
        let back = random.below(3).min(known.refresh_values.len() - 1);
        let value = match random.once_in(8) {
            true => random.pick(&known.refresh_values).clone(),
            false => known.refresh_values[known.refresh_values.len() - 1 - back].clone(),
        };
        match store.refresh(&value, CLIENT) {
            Ok(Refresh::Rotated(pair)) => {
                known.pair(&pair);
                ("refresh", Ok(true))
            }
            Ok(Refresh::Replayed(_)) => ("replay", Ok(true)),
            Ok(Refresh::Refused(_)) => ("refuse a refresh", Ok(true)),
            Err(error) => ("refresh", Err(error)),
        }
    }

    fn end_many(&mut self, at: usize, random: &mut Random) -> (&'static str, Result<bool>) {
        let (store, known) = (&self.openings[at], &self.known);
        match random.below(10) {
            0 => {
                let type_id = random.once_in(2).then(|| *random.pick(&self.types));
                let killed = store.revoke_owner(random.pick(&OWNERS), type_id, "test", "");
                ("revoke an owner", killed.map(|change| change.changed))
            }
            1 | 2 if !known.families.is_empty() => {
                let revoked = store.revoke_family(*random.pick(&known.families));
                ("revoke a family", revoked.map(|change| change.changed))
            }
            3 | 4 => {
                let removed = store.remove_project(random.pick(&PROJECTS), "test", "");
                ("remove a project", removed.map(|tokens| tokens > 0))
            }
            _ => {
                let before = self.clock.now() - Duration::from_secs(random.next() % 300);
                ("prune", store.prune(before, 1 + random.below(20)).map(|tokens| tokens > 0))
            }
        }
    }

    fn change(&mut self, at: usize, random: &mut Random) -> (&'static str, Result<bool>) {
        let (store, known) = (&self.openings[at], &mut self.known);
        if known.ids.is_empty() {
            return ("nothing", Ok(false));
        }
        let (id, project) = (*random.pick(&known.ids), *random.pick(&PROJECTS));
        let (name, changed) = match random.below(12) {
            0 => ("revoke", store.revoke(id)),
            1 => ("delete", store.delete(id)),
            2 => ("disable", store.disable(id)),
            3 => ("enable", store.enable(id)),
            4 => ("grant", store.grant(id, project)),
            5 => ("ungrant", store.ungrant(id, project)),
            6 => ("grant all", store.grant_all(id)),
            7 => ("revoke grants", store.revoke_grants(id)),
            8 | 9 => {
                let mut edit = Edit::new().app_word(random.next() % 1_000);
                if random.once_in(2) {
                    edit = edit.name(format!("name {}", random.below(5)));
                }
                if random.once_in(3) {
                    edit = edit.expires(Expiry::In(Duration::from_secs(1 + random.next() % 900)));
                }
                ("edit", store.edit(id, &edit))
            }
            10 => {
                let grace = Duration::from_secs(random.next() % 3 * 60);
                let rotated = store.rotate(id, grace);
                let rotated = rotated.map(|rotated| known.values.push(rotated.value.as_bytes().to_vec()));
                return ("rotate", rotated.map(|()| true));
            }
            _ => {
                let value = random.pick(&known.values).clone();
                let query = self.types.iter().map(|type_id| Query::of_type(*type_id));
                let spent = query.map(|query| {
                    let bound = store.consume(&value, &query.clone().binding(CLIENT))?;
                    let consumed = store.consume(&value, &query)?;
                    Ok(bound.verdict.allowed() || consumed.verdict.allowed())
                });
                return ("consume", spent.collect::<Result<Vec<_>>>().map(|spent| spent.contains(&true)));
            }
        };
        (name, changed.map(|change| change.changed))
    }

    /// What an opening says of everything that was ever made.
    fn view(&self, store: &Store) -> Vec<String> {
        let mut said = Vec::new();
        let queries =
            self.types.iter().chain([&self.access, &self.refresh]).map(|type_id| Query::of_type(*type_id));
        let queries: Vec<_> = queries
            .flat_map(|query| {
                [query.clone(), query.clone().binding(CLIENT), query.binding(CLIENT).project("A-1")]
            })
            .chain([Query::any_type(), Query::any_type().project("B-2")])
            .collect();
        for value in &self.known.values {
            for query in &queries {
                let verdict = store.verify(value, query).unwrap();
                let owner = verdict.identity().map(|who| store.owner(who.owner).unwrap().unwrap().to_vec());
                let who = verdict.identity().map(|who| {
                    // What a session has, its tokens' slots have as of their own last change.
                    let of_session = [self.access, self.refresh].contains(&who.type_id);
                    let own = (who.revision, who.app_word, who.no_projects(), who.all_projects());
                    let own = Some(own).filter(|_| !of_session);
                    (who.id, who.type_id, who.expires(), who.old_value(), own)
                });
                said.push(format!("verify {:?} {who:?} {owner:?}", verdict.status()));
            }
        }
        for id in &self.known.ids {
            said.push(format!("get {:?}", store.get(*id).map_err(|error| error.kind())));
        }
        for owner in OWNERS {
            let filter = Filter::new().owner(owner).with_dead();
            let page = store.list(&filter).unwrap();
            said.push(format!(
                "list {owner} {:?}",
                page.tokens.iter().map(|token| token.id).collect::<Vec<_>>()
            ));
        }
        let stats = store.stats().unwrap();
        said.push(format!("stats {} {} {}", stats.tokens, stats.types, stats.sequence));
        said
    }

    /// Every opening must say what one says that has just read the file. Last uses are written first: they are in the
    /// memory of whoever judged.
    fn compare(&self, path: &Path, openings: &[&Store]) {
        openings.iter().for_each(|store| store.flush().unwrap());
        let fresh = self.options.open(path).unwrap();
        let right = self.view(&fresh);
        openings.iter().for_each(|store| store.flush().unwrap());
        for (place, store) in openings.iter().enumerate() {
            for (said, right) in self.view(store).iter().zip(&right) {
                assert_eq!(without_uses(said), without_uses(right), "opening {place} says otherwise");
            }
        }
        self.names_are_the_same_for_all(openings);
    }

    /// A name that is taken for one is taken for all; one that is free for one is free for all.
    fn names_are_the_same_for_all(&self, openings: &[&Store]) {
        for owner in OWNERS {
            for name in (0..5).map(|n| format!("name {n}")) {
                let new = NewToken::new(self.types[0], owner).name(&name);
                // Whoever makes it takes it back, so that the next finds it as it was.
                let made = openings.iter().map(|store| match store.create(&new) {
                    Ok(created) => store.delete(created.id).map(|_| true).unwrap(),
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::NameTaken);
                        false
                    }
                });
                let made: Vec<_> = made.collect();
                assert!(made.iter().all(|other| *other == made[0]), "{owner}'s {name}: {made:?}");
            }
        }
    }
}

/// A look by a verify is a use, which each opening has for itself.
fn without_uses(said: &str) -> String {
    let mut rest = said;
    let mut out = String::new();
    while let Some((before, after)) = rest.split_once("last_used: ") {
        out.push_str(before);
        rest = match after.strip_prefix("None") {
            Some(rest) => rest,
            None => after.split_once(')').map_or("", |(_, rest)| rest),
        };
    }
    out + rest
}

fn play(seed: u64) -> BTreeMap<&'static str, usize> {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let path = folder.path().join("tokens.store");
    let mut scene = Scene::new(&path);
    let mut random = Random::new(seed);
    for step in 1..=STEPS {
        scene.step(&mut random);
        if step % STEPS_A_LOOK == 0 {
            // The last one has missed more than the log keeps by now, and is asked first every other time.
            let mut openings: Vec<_> = scene.openings.iter().collect();
            if step % (2 * STEPS_A_LOOK) == 0 {
                openings.reverse();
            }
            scene.compare(&path, &openings);
        }
    }
    // And alone.
    let Scene { openings, .. } = &mut scene;
    let openings = std::mem::take(openings);
    let said: Vec<_> = openings.iter().map(|store| scene.view(store)).collect();
    openings.into_iter().for_each(|store| store.close().unwrap());
    let alone = scene.options.clone().shared(false).open(&path).unwrap();
    let right = scene.view(&alone);
    for said in said {
        for (said, right) in said.iter().zip(&right) {
            assert_eq!(without_uses(said), without_uses(right));
        }
    }
    scene.made
}

#[test]
fn every_opening_says_what_the_file_says_whoever_changed_it() {
    let seed = Random::seed();
    let mut made: BTreeMap<&str, usize> = BTreeMap::new();
    let seeds = if random::long() { 50 } else { 2 };
    for seed in (0..seeds).map(|n| seed.wrapping_add(n)) {
        writeln!(std::io::stdout(), "followers: seed {seed}").unwrap();
        for (name, count) in play(seed) {
            *made.entry(name).or_default() += count;
        }
    }
    writeln!(std::io::stdout(), "followers: {seeds} seeds of {STEPS} steps, changes: {made:?}").unwrap();
    assert!(made.len() >= 15, "kinds of changes were left out: {made:?}");
}
