//! A token and a family, as a model of the store knows them.

use std::fmt;
use std::sync::Arc;

use time::OffsetDateTime;
use tokenstore::{Grants, Id};

use super::steps::{Changes, Plan};

/// A token. What a member has of its family stands here, too.
#[derive(Clone, PartialEq)]
pub(crate) struct Known {
    /// Empty if nobody knows it.
    pub(crate) value: Arc<[u8]>,
    pub(super) type_number: u16,
    pub(super) owner: Vec<u8>,
    pub(super) name: Option<String>,
    pub(super) created: OffsetDateTime,
    pub(super) expires: Option<OffsetDateTime>,
    pub(crate) disabled: bool,
    pub(super) revoked: Option<(OffsetDateTime, String)>,
    pub(super) uses_left: Option<u32>,
    /// When its uses ran out or a refresh ended it.
    pub(super) ended: Option<OffsetDateTime>,
    pub(super) parent: Option<Id>,
    pub(super) member: Option<Member>,
    /// The value before the last rotation, and until when it works.
    pub(super) old_value: Option<(Arc<[u8]>, OffsetDateTime)>,
    pub(crate) grants: Grants,
    pub(crate) binding: Option<Vec<u8>>,
    pub(super) app_word: u64,
    pub(super) app_data: Vec<u8>,
    pub(super) revision: u64,
}

/// A token's place in a family.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Member {
    /// The number of the event that made the family.
    pub(super) family: u64,
    pub(super) generation: u32,
    pub(super) refreshes: bool,
    pub(super) fate: Fate,
}

/// What the refreshes after its own generation made of a member.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Fate {
    Good,
    /// Superseded when its time is over.
    Ending,
    Superseded,
}

/// A family. What its members have of it stands with them.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Family {
    /// None is a stranger.
    pub(super) id: Option<Id>,
    pub(super) owner: Vec<u8>,
    pub(super) refresh_type: u16,
    pub(super) binding: Vec<u8>,
    pub(super) binds_access: bool,
    pub(super) expires: OffsetDateTime,
    pub(super) revoked: Option<OffsetDateTime>,
    pub(super) generation: u32,
    pub(super) rotated: OffsetDateTime,
    pub(super) replayed: bool,
    pub(super) revision: u64,
}

impl Known {
    /// A token as it was planned, its value unknown yet.
    pub(super) fn planned(plan: &Plan, uses: Option<u32>, now: OffsetDateTime, revision: u64) -> Known {
        let Plan { type_number, owner, name, lifetime, grants, binding, parent, app_word, app_data } =
            plan.clone();
        Known {
            value: Arc::new([]),
            type_number,
            owner,
            name,
            created: now,
            expires: lifetime.map(|lifetime| now + lifetime),
            disabled: false,
            revoked: None,
            uses_left: uses,
            ended: None,
            parent,
            member: None,
            old_value: None,
            grants,
            binding,
            app_word,
            app_data,
            revision,
        }
    }

    pub(super) fn edit(&mut self, changes: &Changes, now: OffsetDateTime) {
        let Changes { name, lifetime, grants, app_word, app_data } = changes.clone();
        self.name = name.unwrap_or(self.name.take());
        self.expires = lifetime.map_or(self.expires, |lifetime| lifetime.map(|lifetime| now + lifetime));
        self.grants = grants.unwrap_or(self.grants.clone());
        self.app_word = app_word.unwrap_or(self.app_word);
        self.app_data = app_data.unwrap_or(std::mem::take(&mut self.app_data));
    }

    /// Another value, not known yet; the one before works until then.
    pub(super) fn rotate(&mut self, until: OffsetDateTime) {
        let until = earlier(self.expires, until);
        self.old_value = Some((std::mem::replace(&mut self.value, Arc::new([])), until));
        if self.member.is_none() {
            self.app_data.clear();
        }
    }

    /// Its family was changed through another member.
    pub(super) fn join(&mut self, changed: &Known) {
        self.name.clone_from(&changed.name);
        self.grants.clone_from(&changed.grants);
        self.disabled = changed.disabled;
        self.app_word = changed.app_word;
        self.app_data.clone_from(&changed.app_data);
    }

    /// Whether what belongs to the family is the same.
    pub(super) fn is_joined(&self, other: &Known) -> bool {
        let mut joined = self.clone();
        joined.join(other);
        joined == *self
    }

    pub(super) fn same_but_revision(&self, other: &Known) -> bool {
        *self == Known { revision: self.revision, ..other.clone() }
    }

    pub(super) fn refreshes(&self) -> bool {
        self.member.is_some_and(|member| member.refreshes)
    }

    /// Whether the token is good for as long as nobody ends it: no refresh did.
    pub(super) fn is_good(&self) -> bool {
        self.member.is_none_or(|member| member.fate == Fate::Good)
    }

    /// Its values that somebody knows: the one that it has, and the one before.
    pub(super) fn values(&self) -> impl Iterator<Item = (&Arc<[u8]>, bool)> {
        let old = self.old_value.as_ref().map(|(value, _)| (value, true));
        [Some((&self.value, false)), old].into_iter().flatten().filter(|(value, _)| !value.is_empty())
    }
}

/// The earlier of two times, of which the first may be never.
pub(super) fn earlier(one: Option<OffsetDateTime>, other: OffsetDateTime) -> OffsetDateTime {
    one.map_or(other, |one| one.min(other))
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Known { type_number, owner, name, created, expires, disabled, revoked, grants, .. } = self;
        let Known { app_word, app_data, revision, uses_left, ended, parent, member, .. } = self;
        f.debug_struct("Known")
            .field("type_number", type_number)
            .field("owner", &owner.escape_ascii().to_string())
            .field("name", name)
            .field("created", created)
            .field("expires", expires)
            .field("disabled", disabled)
            .field("revoked", revoked)
            .field("uses_left", uses_left)
            .field("ended", ended)
            .field("parent", parent)
            .field("member", member)
            .field("old_value_until", &self.old_value.as_ref().map(|(_, until)| until))
            .field("grants", grants)
            .field("app_word", app_word)
            .field("app_data", &app_data.len())
            .field("revision", revision)
            .finish_non_exhaustive()
    }
}
