//! A child process that makes changes until it is killed, and what it tells of them.

use std::collections::{BTreeMap, BTreeSet};

use tokenstore::{Grants, Id, NewToken, Options, Status, Token, TypePolicy};

use super::child::say;
use super::random::Random;

/// How many threads make changes.
const THREADS: usize = 3;

/// The projects that tokens of a child are granted.
pub(crate) const PROJECTS: [&str; 3] = ["alpha", "beta", "gamma"];

/// Makes changes on several threads until it is killed: says what it is about to do, and that it was done.
pub(crate) fn make_changes(path: &str, seed: u64) {
    let options = Options::new();
    let made = match std::fs::exists(path) {
        Ok(true) => options.open(path),
        _ => options.create(path),
    };
    let store = made.expect("a store to make changes in");
    say("opened");
    let server = store.declare(&TypePolicy::new("server", "srv")).expect("a healthy disk");
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let store = &store;
            scope.spawn(move || {
                let mut random = Random::new(seed ^ (thread as u64) << 48);
                let mut mine: Vec<Id> = Vec::new();
                loop {
                    let project = *random.pick(&PROJECTS);
                    let victim = (!mine.is_empty()).then(|| random.below(mine.len()));
                    let change = match (random.below(8), victim) {
                        (0 | 1, _) | (_, None) => None,
                        (kind, Some(place)) => Some((
                            ["grant", "ungrant", "disable", "enable", "revoke", "delete"][kind - 2],
                            mine[place],
                        )),
                    };
                    let Some((what, id)) = change else {
                        say(&format!("{thread} wants create - {project}"));
                        let token = NewToken::new(server, format!("thread {thread}"))
                            .grants(Grants::projects([project]));
                        let made = store.create(&token).expect("a healthy disk");
                        say(&format!("{thread} did create {} {project} {}", made.id, made.value.as_str()));
                        mine.push(made.id);
                        continue;
                    };
                    if matches!(what, "revoke" | "delete") {
                        mine.retain(|other| *other != id);
                    }
                    say(&format!("{thread} wants {what} {id} {project}"));
                    let done = match what {
                        "grant" => store.grant(id, project),
                        "ungrant" => store.ungrant(id, project),
                        "disable" => store.disable(id),
                        "enable" => store.enable(id),
                        "revoke" => store.revoke(id),
                        _ => store.delete(id),
                    };
                    done.expect("a healthy disk");
                    say(&format!("{thread} did {what} {id} {project}"));
                }
            });
        }
    });
}

/// What a child told before it was killed.
#[derive(Default)]
pub(crate) struct Heard {
    /// Whether it had the store open.
    pub(crate) opened: bool,
    /// How many changes it said were done.
    pub(crate) acknowledged: usize,
    /// What each thread was about to do.
    pub(crate) pending: BTreeMap<usize, Change>,
}

/// A change that was on its way.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) what: String,
    pub(crate) id: String,
    pub(crate) project: String,
}

/// Reads what a child told, and keeps what was done.
pub(crate) fn hear(lines: &[String], told: &mut BTreeMap<Id, Told>) -> Heard {
    let mut heard = Heard::default();
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["opened"] => heard.opened = true,
            [thread, "wants", what, id, project] => {
                let change = Change { what: what.into(), id: id.into(), project: project.into() };
                heard.pending.insert(thread.parse().expect("a thread"), change);
            }
            [thread, "did", what, id, project, ..] => {
                heard.acknowledged += 1;
                heard.pending.remove(&thread.parse().expect("a thread"));
                let id: Id = id.parse().expect("an id");
                let after = match words.get(5) {
                    Some(value) => Told {
                        value: Some((*value).into()),
                        projects: [project.into()].into(),
                        ..Told::default()
                    },
                    None => told[&id].after(what, project),
                };
                told.insert(id, after);
            }
            _ => panic!("a child said {line}"),
        }
    }
    heard
}

/// A token as its child told of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Told {
    pub(crate) value: Option<String>,
    pub(crate) projects: BTreeSet<String>,
    pub(crate) disabled: bool,
    pub(crate) revoked: bool,
    pub(crate) deleted: bool,
}

impl Told {
    pub(crate) fn after(&self, what: &str, project: &str) -> Told {
        let mut told = self.clone();
        match what {
            "grant" => drop(told.projects.insert(project.into())),
            "ungrant" => drop(told.projects.remove(project)),
            "disable" => told.disabled = true,
            "enable" => told.disabled = false,
            "revoke" => told.revoked = true,
            "delete" => told.deleted = true,
            _ => unreachable!("no such change"),
        }
        told
    }

    pub(crate) fn is(&self, token: &Token) -> bool {
        let Grants::Projects(projects) = &token.grants else { return false };
        let projects = projects.iter().map(|project| String::from_utf8_lossy(project).into_owned());
        !self.deleted
            && self.projects == projects.collect()
            && self.disabled == token.disabled
            && self.revoked == token.revocation.is_some()
    }

    pub(crate) fn status(&self, project: &str) -> Status {
        if self.deleted {
            Status::Unknown
        } else if self.revoked {
            Status::Revoked
        } else if self.disabled {
            Status::Disabled
        } else if self.projects.contains(project) {
            Status::Ok
        } else {
            Status::NoGrant
        }
    }
}
