//! Which projects a token reaches.

use std::collections::BTreeSet;
use std::fmt;

use crate::error::{Error, Result};
use crate::limits::{MAX_PROJECTS, check_project};

/// Which projects a token reaches: all, those that do not exist yet included, or a set, which may be empty.
#[derive(Clone, PartialEq, Eq)]
pub enum Grants {
    /// Every project, present and to come.
    All,
    /// These projects, each of 1 to 64 bytes; at most 1,000.
    Projects(BTreeSet<Vec<u8>>),
}

impl Grants {
    /// No project.
    pub fn none() -> Grants {
        Grants::Projects(BTreeSet::new())
    }

    /// These projects.
    pub fn projects<P: AsRef<[u8]>>(projects: impl IntoIterator<Item = P>) -> Grants {
        Grants::Projects(projects.into_iter().map(|project| project.as_ref().to_vec()).collect())
    }

    /// Whether `project` is reached.
    pub fn allow(&self, project: &[u8]) -> bool {
        match self {
            Grants::All => true,
            Grants::Projects(projects) => projects.contains(project),
        }
    }

    /// Whether no project is reached.
    pub fn is_none(&self) -> bool {
        matches!(self, Grants::Projects(projects) if projects.is_empty())
    }

    pub(crate) fn check(&self) -> Result<()> {
        let Grants::Projects(projects) = self else { return Ok(()) };
        projects.iter().try_for_each(|project| check_project(project))?;
        if projects.len() > MAX_PROJECTS {
            return Err(Error::new(
                crate::ErrorKind::LimitReached,
                "a token is granted at most 1,000 projects one by one",
            ));
        }
        Ok(())
    }
}

impl fmt::Debug for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Grants::All => f.write_str("All"),
            Grants::Projects(projects) => f
                .debug_set()
                .entries(projects.iter().map(|project| project.escape_ascii().to_string()))
                .finish(),
        }
    }
}
