//! Steps that change a store, and how they come up.

use std::fmt;
use std::time::Duration;

use time::OffsetDateTime;
use tokenstore::{
    Change, CreatedOrExisting, Edit, Error, Expiry, Grants, Id, NewToken, Result, Store, Target, TypePolicy,
};

use super::random::Random;
use super::world::{World, type_id};

/// One call.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Declare(TypePolicy),
    Create(Plan),
    CreateIfAbsent(Plan),
    CreateMany(Vec<Plan>),
    /// With a value made elsewhere.
    Register(Plan, Vec<u8>),
    Grant(Id, &'static str),
    Ungrant(Id, &'static str),
    GrantAll(Id),
    RevokeGrants(Id),
    RemoveProject(&'static str),
    Edit(Id, Changes),
    Disable(Id),
    Enable(Id),
    Revoke(Id),
    RevokeValue(Id),
    Delete(Id),
    Flush,
    ChangeKey(Option<[u8; 32]>),
}

/// A token to be made.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) type_number: u16,
    pub(crate) owner: Vec<u8>,
    pub(crate) name: Option<String>,
    pub(crate) lifetime: Option<Duration>,
    pub(crate) grants: Grants,
    pub(crate) binding: Option<Vec<u8>>,
    pub(crate) app_word: u64,
    pub(crate) app_data: Vec<u8>,
}

/// What an edit names.
#[derive(Clone, Default)]
pub(crate) struct Changes {
    pub(crate) name: Option<Option<String>>,
    pub(crate) lifetime: Option<Option<Duration>>,
    pub(crate) grants: Option<Grants>,
    pub(crate) app_word: Option<u64>,
    pub(crate) app_data: Option<Vec<u8>>,
}

/// Who makes every change, and why.
pub(crate) const ACTOR: &str = "someone";
pub(crate) const REASON: &str = "for a reason";

/// The projects that tokens are granted.
pub(crate) const PROJECTS: [&str; 5] =
    ["alpha", "beta", "gamma", "delta", "a project with quite a long name"];

/// The types that the stories use, in the order of their numbers.
pub(crate) fn types() -> [TypePolicy; 3] {
    [
        TypePolicy::new("server", "srv"),
        TypePolicy::new("secret", "sec").by_name_only(true).unique_names(false),
        TypePolicy::new("external", "ext").accepts_external(true),
    ]
}

/// The number of the type whose tokens are accepted by name only.
pub(crate) const BY_NAME_ONLY: u16 = 2;
const EXTERNAL: u16 = 3;

impl Step {
    /// Makes the call; returns the tokens that it made.
    pub(crate) fn call(&self, store: &Store, world: &World) -> Result<Vec<(Id, Vec<u8>)>> {
        let target = |id: &Id| Target::new(*id).by(ACTOR).reason(REASON);
        let changed = |change: Result<Change>| change.map(|_| Vec::new());
        match self {
            Step::Declare(policy) => store.declare(policy).map(|_| Vec::new()),
            Step::Create(plan) => {
                store.create(&plan.token(store)).map(|made| vec![(made.id, made.value.as_bytes().to_vec())])
            }
            Step::CreateIfAbsent(plan) => store.create_if_absent(&plan.token(store)).map(|made| match made {
                CreatedOrExisting::Created(made) => vec![(made.id, made.value.as_bytes().to_vec())],
                CreatedOrExisting::Existing(_) => Vec::new(),
            }),
            Step::CreateMany(plans) => {
                let tokens: Vec<NewToken> = plans.iter().map(|plan| plan.token(store)).collect();
                let made = store.create_many(&tokens).into_iter();
                made.map(|made| made.map(|made| (made.id, made.value.as_bytes().to_vec()))).collect()
            }
            Step::Register(plan, value) => {
                let made = store.create_from_value(&plan.token(store), value);
                made.map(|made| vec![(made.id, value.clone())])
            }
            Step::Grant(id, project) => changed(store.grant(target(id), project)),
            Step::Ungrant(id, project) => changed(store.ungrant(target(id), project)),
            Step::GrantAll(id) => changed(store.grant_all(target(id))),
            Step::RevokeGrants(id) => changed(store.revoke_grants(target(id))),
            Step::RemoveProject(project) => store.remove_project(project, ACTOR, REASON).map(|_| Vec::new()),
            Step::Edit(id, changes) => changed(store.edit(target(id), &changes.edit())),
            Step::Disable(id) => changed(store.disable(target(id))),
            Step::Enable(id) => changed(store.enable(target(id))),
            Step::Revoke(id) => changed(store.revoke(target(id))),
            Step::RevokeValue(id) => changed(store.revoke_value(&world.known(*id).value, ACTOR, REASON)),
            Step::Delete(id) => changed(store.delete(target(id))),
            Step::Flush => store.flush().map(|()| Vec::new()),
            Step::ChangeKey(key) => store.change_key(key.as_ref()).map(|()| Vec::new()),
        }
    }
}

impl Plan {
    fn token(&self, store: &Store) -> NewToken {
        let mut token = NewToken::new(type_id(store, self.type_number), &self.owner)
            .expires(self.lifetime.map_or(Expiry::Never, Expiry::In))
            .grants(self.grants.clone())
            .app_word(self.app_word)
            .app_data(self.app_data.clone())
            .by(ACTOR);
        if let Some(name) = &self.name {
            token = token.name(name);
        }
        if let Some(binding) = &self.binding {
            token = token.binding(binding);
        }
        token
    }
}

impl Changes {
    fn edit(&self) -> Edit {
        let Changes { name, lifetime, grants, app_word, app_data } = self.clone();
        let mut edit = Edit::new();
        match name {
            Some(Some(name)) => edit = edit.name(name),
            Some(None) => edit = edit.no_name(),
            None => {}
        }
        if let Some(lifetime) = lifetime {
            edit = edit.expires(lifetime.map_or(Expiry::Never, Expiry::In));
        }
        if let Some(grants) = grants {
            edit = edit.grants(grants);
        }
        if let Some(app_word) = app_word {
            edit = edit.app_word(app_word);
        }
        if let Some(app_data) = app_data {
            edit = edit.app_data(app_data);
        }
        edit
    }
}

/// How many kinds of steps there are to come up.
pub(crate) const STEP_KINDS: usize = 16;

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

    /// A step of a kind, below [`STEP_KINDS`], if there is a token for it.
    pub(crate) fn step_of(&self, kind: usize, random: &mut Random, now: OffsetDateTime) -> Option<Step> {
        let live = self.live(now);
        let mut one = |good: &dyn Fn(&Grants, bool) -> bool| {
            let fits = |id: &&Id| good(&self.known(**id).grants, self.known(**id).disabled);
            let good: Vec<&Id> = live.iter().filter(fits).collect();
            (!good.is_empty()).then(|| **random.pick(&good))
        };
        let by_name = |grants: &Grants| matches!(grants, Grants::Projects(_));
        let has = |grants: &Grants, project: &str| by_name(grants) && grants.allow(project.as_bytes());
        // Every project in turn.
        let project = PROJECTS[self.sequence() as usize % PROJECTS.len()];
        Some(match kind {
            0 => Step::Create(self.any_plan(random)),
            1 => Step::CreateIfAbsent(self.with_name(Plan { type_number: 1, ..self.any_plan(random) })),
            2 => {
                let count = 2 + random.below(8);
                Step::CreateMany(self.any_plans(count, random))
            }
            3 => {
                let plan = Plan { type_number: EXTERNAL, ..self.any_plan(random) };
                Step::Register(plan, format!("made elsewhere {:016x}", random.next()).into_bytes())
            }
            4 => Step::Grant(one(&|grants, _| by_name(grants) && !has(grants, project))?, project),
            5 => Step::Ungrant(one(&|grants, _| has(grants, project))?, project),
            6 => Step::GrantAll(one(&|grants, _| by_name(grants))?),
            7 => Step::RevokeGrants(one(&|grants, _| !grants.is_none())?),
            8 => Step::RemoveProject(project),
            9 => Step::Edit(one(&|_, _| true)?, self.any_changes(random)),
            10 => Step::Disable(one(&|_, disabled| !disabled)?),
            11 => Step::Enable(one(&|_, disabled| disabled)?),
            12 => Step::Revoke(one(&|_, _| true)?),
            13 => {
                let of_value: Vec<&Id> =
                    live.iter().filter(|id| !self.known(**id).value.is_empty()).collect();
                Step::RevokeValue(**of_value.get(random.below(of_value.len().max(1)))?)
            }
            14 if self.ids().is_empty() => return None,
            14 => Step::Delete(*random.pick(&self.ids())),
            15 => Step::Flush,
            _ => unreachable!("no such kind of step"),
        })
    }

    /// Tokens to be made in one call.
    pub(crate) fn any_plans(&self, count: usize, random: &mut Random) -> Vec<Plan> {
        let mut plans: Vec<Plan> = (0..count).map(|_| self.any_plan(random)).collect();
        for (place, plan) in plans.iter_mut().enumerate() {
            // None is taken twice.
            plan.name = plan.name.take().map(|name| format!("{name} and {place}"));
        }
        plans
    }

    fn any_plan(&self, random: &mut Random) -> Plan {
        let plan = Plan {
            type_number: 1 + random.below(types().len()) as u16,
            owner: format!("owner {}", random.below(4)).into_bytes(),
            name: None,
            lifetime: any_lifetime(random),
            grants: any_grants(random),
            binding: random.once_in(4).then(|| b"client 7".to_vec()),
            app_word: random.next(),
            app_data: vec![b'a'; [0, 0, 40, 300][random.below(4)]],
        };
        if random.once_in(3) { plan } else { self.with_name(plan) }
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

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { type_number, owner, name, grants, app_data, .. } = self;
        let owner = owner.escape_ascii();
        write!(f, "type {type_number}, {owner}, {name:?}, {grants:?}, {} bytes", app_data.len())
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Changes { name, lifetime, grants, app_word, app_data } = self;
        let app_data = app_data.as_ref().map(Vec::len);
        write!(f, "{name:?}, {lifetime:?}, {grants:?}, {app_word:?}, {app_data:?} bytes")
    }
}

/// A call that failed, with what it may have done all the same.
pub(crate) struct Failed {
    pub(crate) error: Error,
    pub(crate) next: Box<World>,
}
