//! Listing tokens: which, and a page of them.

use time::OffsetDateTime;

use crate::clock::to_ms;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::limits::{check_owner, check_project};
use crate::policy::TypeId;
use crate::token::{State, Token};

/// Which tokens to list. By default the live ones of everybody, from the first.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub(crate) owner: Option<Vec<u8>>,
    pub(crate) type_id: Option<TypeId>,
    pub(crate) states: Option<Vec<State>>,
    pub(crate) name_prefix: Option<String>,
    pub(crate) project: Option<Vec<u8>>,
    pub(crate) expires_before: Option<OffsetDateTime>,
    pub(crate) unused_since: Option<OffsetDateTime>,
    pub(crate) with_dead: bool,
    pub(crate) after: Option<Id>,
    pub(crate) limit: Option<usize>,
}

impl Filter {
    /// The most tokens in a page, and what a page holds unless told otherwise.
    pub const MAX_LIMIT: usize = 1_000;

    /// Every live token.
    pub fn new() -> Filter {
        Filter::default()
    }

    /// Only those of this owner. It costs what the owner has, not what the store has.
    pub fn owner(mut self, owner: impl AsRef<[u8]>) -> Filter {
        self.owner = Some(owner.as_ref().to_vec());
        self
    }

    /// Only those of this type.
    pub fn of_type(mut self, type_id: TypeId) -> Filter {
        self.type_id = Some(type_id);
        self
    }

    /// Only those in one of these states, dead ones too if they are named.
    pub fn states(mut self, states: impl IntoIterator<Item = State>) -> Filter {
        self.states = Some(states.into_iter().collect());
        self
    }

    /// The dead ones too.
    pub fn with_dead(mut self) -> Filter {
        self.with_dead = true;
        self
    }

    /// Only those whose name begins so, byte for byte.
    pub fn name_prefix(mut self, prefix: impl Into<String>) -> Filter {
        self.name_prefix = Some(prefix.into());
        self
    }

    /// Only those that reach this project, by name or because they reach all.
    pub fn project(mut self, project: impl AsRef<[u8]>) -> Filter {
        self.project = Some(project.as_ref().to_vec());
        self
    }

    /// Only those that expire before this time.
    pub fn expires_before(mut self, time: OffsetDateTime) -> Filter {
        self.expires_before = Some(time);
        self
    }

    /// Only those not used at or after this time; one that was never used counts from its creation.
    pub fn unused_since(mut self, time: OffsetDateTime) -> Filter {
        self.unused_since = Some(time);
        self
    }

    /// Go on after this id: the cursor of the page before.
    pub fn after(mut self, id: Id) -> Filter {
        self.after = Some(id);
        self
    }

    /// At most so many in a page, from 1 to 1,000.
    pub fn limit(mut self, limit: usize) -> Filter {
        self.limit = Some(limit);
        self
    }

    /// Whether it lets a token through.
    pub(crate) fn admits(&self, token: &Token) -> bool {
        let in_state = match &self.states {
            Some(states) => states.contains(&token.state),
            None => self.with_dead || !token.state.is_dead(),
        };
        // An owner is looked up by a hash.
        in_state
            && self.owner.as_ref().is_none_or(|owner| *owner == token.owner)
            && self.type_id.is_none_or(|type_id| type_id == token.type_id)
            && self.name_prefix.as_ref().is_none_or(|prefix| {
                token.name.as_ref().is_some_and(|name| name.starts_with(prefix.as_str()))
            })
            && self.project.as_ref().is_none_or(|project| token.grants.allow(project))
            && self.expires_before.is_none_or(|time| token.expires.is_some_and(|expires| expires < time))
            && self
                .unused_since
                .is_none_or(|time| to_ms(token.last_used.unwrap_or(token.created)) < to_ms(time))
    }

    pub(crate) fn check(&self) -> Result<()> {
        if let Some(owner) = &self.owner {
            check_owner(owner)?;
        }
        if let Some(project) = &self.project {
            check_project(project)?;
        }
        if self.limit.is_some_and(|limit| !(1..=Filter::MAX_LIMIT).contains(&limit)) {
            return Err(Error::invalid("a page has 1 to 1,000 tokens"));
        }
        Ok(())
    }
}

/// A page of a list, ascending by id.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page {
    /// The tokens.
    pub tokens: Vec<Token>,
    /// Where the next page starts, for [`Filter::after`]; `None` after the last. A page may be empty if none behind it
    /// passes the filter.
    pub next: Option<Id>,
}
