//! A token as the test knows it from what was acknowledged, and what every process must say of it.

use std::collections::BTreeSet;

use super::orders::{ALL, NONE};

/// Whether anything ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Lives,
    Revoked,
    Superseded,
    Used,
    Deleted,
    /// Dead, and perhaps taken out since.
    Pruned,
}

/// What its value is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Plain,
    Refreshes,
    Counted,
}

#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) id: String,
    /// Empty if nobody knows it.
    pub(crate) value: String,
    pub(crate) type_name: String,
    pub(crate) kind: Kind,
    pub(crate) owner: String,
    /// None is all.
    pub(crate) grants: Option<BTreeSet<String>>,
    pub(crate) disabled: bool,
    pub(crate) fate: Fate,
    pub(crate) word: u64,
    /// None where a call did not say.
    pub(crate) revision: Option<u64>,
    pub(crate) parent: Option<String>,
    pub(crate) family: Option<String>,
    /// The value before, and whether it still works.
    pub(crate) old: Option<(String, bool)>,
}

/// What a process is asked, and what it must answer.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    /// Value, type and project.
    pub(crate) words: String,
    expected: Expected,
}

#[derive(Clone, Debug)]
enum Expected {
    Status(String),
    /// Status, number and revision.
    Whole(String),
    /// Dead, with one of several reasons.
    Refused,
}

impl Check {
    pub(crate) fn is_met_by(&self, answer: &str) -> bool {
        match &self.expected {
            Expected::Whole(whole) => answer == whole,
            Expected::Status(status) => answer.split('/').next() == Some(status),
            Expected::Refused => {
                matches!(answer.split('/').next(), Some("UNKNOWN" | "REVOKED" | "SUPERSEDED" | "USED"))
            }
        }
    }

    /// Whether it asks for this token by the value that it has now.
    pub(crate) fn is_of(&self, known: &Known) -> bool {
        !known.value.is_empty() && self.words.split(' ').next() == Some(&known.value)
    }

    /// Whether the value is to be let in.
    pub(crate) fn allows(&self) -> bool {
        matches!(&self.expected, Expected::Status(text) | Expected::Whole(text) if text.starts_with("OK"))
    }
}

impl Known {
    /// What a verify for `project` answers.
    pub(crate) fn status(&self, project: Option<&str>) -> &'static str {
        match self.fate {
            Fate::Deleted => return "UNKNOWN",
            Fate::Revoked => return "REVOKED",
            Fate::Superseded => return "SUPERSEDED",
            Fate::Used => return "USED",
            Fate::Pruned | Fate::Lives => {}
        }
        let reaches = |project| self.grants.as_ref().is_none_or(|grants| grants.contains(project));
        match self.kind {
            _ if self.disabled => "DISABLED",
            _ if !project.is_none_or(reaches) => "NO_GRANT",
            Kind::Refreshes => "MUST_REFRESH",
            Kind::Counted => "MUST_CONSUME",
            Kind::Plain => "OK",
        }
    }

    /// A verify of its value for a project, by its type or by none.
    pub(crate) fn check(&self, project: Option<&str>, by_type: bool) -> Check {
        // Refresh values are bound, so that only who asks for their type shows the binding.
        let by_type = by_type || self.kind == Kind::Refreshes;
        let type_name = if by_type { &self.type_name } else { NONE };
        let words = format!("{} {type_name} {}", self.value, project.unwrap_or(NONE));
        let status = self.status(project).to_owned();
        let expected = match (self.fate, self.revision) {
            (Fate::Pruned, _) => Expected::Refused,
            (Fate::Deleted, _) | (_, None) => Expected::Status(status),
            (_, Some(revision)) => Expected::Whole(format!("{status}/{}/{revision}", self.word)),
        };
        Check { words, expected }
    }

    /// A verify of the value before, if there is one.
    pub(crate) fn check_old(&self) -> Option<Check> {
        let (old, works) = self.old.as_ref()?;
        let works = *works && self.fate == Fate::Lives;
        let status = if self.fate == Fate::Lives && self.disabled { "DISABLED" } else { "OK" };
        let expected = if works { Expected::Status(status.into()) } else { Expected::Refused };
        Some(Check { words: format!("{old} {NONE} {NONE}"), expected })
    }

    /// That a value which nothing remembers lets nobody in.
    pub(crate) fn check_forgotten(value: &str) -> Check {
        Check { words: format!("{value} {NONE} {NONE}"), expected: Expected::Refused }
    }

    /// Whether a line of a dump, or none, is what must be there.
    pub(crate) fn is_shown_by(&self, line: Option<&str>) -> bool {
        let Some(line) = line else { return matches!(self.fate, Fate::Deleted | Fate::Pruned) };
        let words: Vec<&str> = line.split(' ').collect();
        let [id, owner, _name, state, disabled, _revoked, grants, word, revision] = words[..] else {
            panic!("a line is {line:?}");
        };
        let state_is_right = match self.fate {
            Fate::Lives if self.disabled => state == "DISABLED",
            Fate::Lives => state == "ACTIVE",
            Fate::Revoked => state == "REVOKED",
            Fate::Superseded => state == "SUPERSEDED",
            Fate::Used => state == "USED",
            Fate::Pruned => matches!(state, "REVOKED" | "SUPERSEDED" | "USED"),
            Fate::Deleted => false,
        };
        state_is_right
            && id == self.id
            && owner == self.owner
            && disabled == self.disabled.to_string()
            && grants == self.grants_in_words()
            && word == self.word.to_string()
            // A member of a family shows its family's changes as its own.
            && (self.family.is_some() || self.revision.is_none_or(|known| revision == known.to_string()))
    }

    pub(crate) fn grants_in_words(&self) -> String {
        match &self.grants {
            None => ALL.into(),
            Some(grants) if grants.is_empty() => NONE.into(),
            Some(grants) => grants.iter().cloned().collect::<Vec<_>>().join(","),
        }
    }

    /// Ends it, unless it is at an end from which nothing leads here.
    pub(crate) fn end(&mut self, fate: Fate) {
        let ends = match (self.fate, fate) {
            (Fate::Deleted | Fate::Pruned, _) => false,
            (_, Fate::Deleted | Fate::Revoked) => true,
            (before, _) => before == Fate::Lives,
        };
        if ends {
            self.fate = fate;
        }
    }
}

/// A change to one token that is there.
#[derive(Clone, Debug)]
pub(crate) enum Touch {
    Grant(String),
    Ungrant(String),
    GrantAll,
    RevokeGrants,
    Edit(BTreeSet<String>, u64),
    Disable,
    Enable,
    Revoke,
    Delete,
}

impl Touch {
    pub(crate) fn order(&self, known: &Known) -> String {
        let id = &known.id;
        match self {
            Touch::Grant(project) => format!("grant {id} {project}"),
            Touch::Ungrant(project) => format!("ungrant {id} {project}"),
            Touch::GrantAll => format!("grant-all {id}"),
            Touch::RevokeGrants => format!("revoke-grants {id}"),
            Touch::Edit(..) => {
                let mut after = known.clone();
                self.apply(&mut after);
                format!("edit {id} {} {}", after.grants_in_words(), after.word)
            }
            Touch::Disable => format!("disable {id}"),
            Touch::Enable => format!("enable {id}"),
            Touch::Revoke => format!("revoke {id}"),
            Touch::Delete => format!("delete {id}"),
        }
    }

    /// Whether the token is changed by it.
    pub(crate) fn fits(&self, known: &Known) -> bool {
        let grants = known.grants.as_ref();
        match self {
            Touch::Grant(project) => grants.is_some_and(|grants| !grants.contains(project)),
            Touch::Ungrant(project) => grants.is_some_and(|grants| grants.contains(project)),
            Touch::GrantAll => grants.is_some(),
            Touch::RevokeGrants => grants.is_none_or(|grants| !grants.is_empty()),
            Touch::Disable => !known.disabled,
            Touch::Enable => known.disabled,
            Touch::Edit(..) | Touch::Revoke | Touch::Delete => true,
        }
    }

    pub(crate) fn apply(&self, known: &mut Known) {
        match self {
            Touch::Grant(project) => drop(known.grants.as_mut().map(|grants| grants.insert(project.clone()))),
            Touch::Ungrant(project) => drop(known.grants.as_mut().map(|grants| grants.remove(project))),
            Touch::GrantAll => known.grants = None,
            Touch::RevokeGrants => known.grants = Some(BTreeSet::new()),
            Touch::Edit(grants, word) => {
                known.grants = Some(grants.clone());
                known.word = *word;
            }
            Touch::Disable => known.disabled = true,
            Touch::Enable => known.disabled = false,
            Touch::Revoke => known.end(Fate::Revoked),
            Touch::Delete => known.end(Fate::Deleted),
        }
    }

    /// The projects to ask for: those in which the answers before and after differ, or one.
    pub(crate) fn project(&self) -> Option<&str> {
        match self {
            Touch::Grant(project) | Touch::Ungrant(project) => Some(project),
            _ => None,
        }
    }
}
