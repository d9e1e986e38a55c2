//! A token as the store shows it, and what it is at a moment.

use std::fmt;

use time::OffsetDateTime;

use crate::grants::Grants;
use crate::id::Id;
use crate::policy::TypeId;

/// What a token is at a moment: the first of these that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Revoked for good.
    Revoked,
    /// An old value, or an access token that a refresh ended.
    Superseded,
    /// Its uses ran out.
    Used,
    /// Its time ran out, for good.
    Expired,
    /// Switched off; it can be switched on again.
    Disabled,
    /// None of these.
    Active,
}

impl State {
    /// The name in capitals, as the documents and the command write it.
    pub fn name(self) -> &'static str {
        match self {
            State::Revoked => "REVOKED",
            State::Superseded => "SUPERSEDED",
            State::Used => "USED",
            State::Expired => "EXPIRED",
            State::Disabled => "DISABLED",
            State::Active => "ACTIVE",
        }
    }

    /// Whether nothing brings it back: revoked, superseded, used or expired.
    pub fn is_dead(self) -> bool {
        !matches!(self, State::Disabled | State::Active)
    }
}

/// A revocation: its first time and reason stay.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revocation {
    /// When.
    pub at: OffsetDateTime,
    /// Why, as the caller said; may be empty.
    pub reason: String,
}

/// The value that a token had before its last rotation, or what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OldValue {
    /// Until when it works, or worked.
    pub until: OffsetDateTime,
    /// When it was last verified with OK since the rotation, to within the store's resolution; `None` is never.
    pub last_used: Option<OffsetDateTime>,
}

/// A token as the store keeps it. Its value is not here, nor any hash of it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Token {
    /// Its id.
    pub id: Id,
    /// Its type.
    pub type_id: TypeId,
    /// Its owner.
    pub owner: Vec<u8>,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// What it is now.
    pub state: State,
    /// When it was made.
    pub created: OffsetDateTime,
    /// When it expires; `None` is never.
    pub expires: Option<OffsetDateTime>,
    /// When it was last verified with OK, or consumed, to within the store's resolution; `None` is never.
    pub last_used: Option<OffsetDateTime>,
    /// The projects it reaches.
    pub grants: Grants,
    /// Whether a presenter must show a binding.
    pub bound: bool,
    /// Whether it is switched off, in whatever state it is.
    pub disabled: bool,
    /// Its revocation, if it was revoked itself.
    pub revocation: Option<Revocation>,
    /// How often it can still be consumed; `None` if it is not counted.
    pub uses_left: Option<u32>,
    /// The token it hangs on.
    pub parent: Option<Id>,
    /// The family it is a member of.
    pub family: Option<Id>,
    /// Whether its value refreshes, as that of one of a family's two kinds of members.
    pub refreshes: bool,
    /// The value it had before, if it was rotated.
    pub old_value: Option<OldValue>,
    /// Your number.
    pub app_word: u64,
    /// Your bytes.
    pub app_data: Vec<u8>,
    /// The store's sequence number of its last change.
    pub revision: u64,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Token { id, type_id, owner, name, state, created, expires, last_used, grants, .. } = self;
        f.debug_struct("Token")
            .field("id", id)
            .field("type_id", type_id)
            .field("owner", &owner.escape_ascii().to_string())
            .field("name", name)
            .field("state", state)
            .field("created", created)
            .field("expires", expires)
            .field("last_used", last_used)
            .field("grants", grants)
            .finish_non_exhaustive()
    }
}
