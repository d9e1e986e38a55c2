//! The event log: what was changed, one event a sequence number.

use time::OffsetDateTime;

use crate::id::Id;
use crate::policy::TypeId;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum EventKind {
    /// A type was declared.
    TypeDeclared = 1,
    /// A token was made.
    Created = 2,
    /// A token was edited.
    Edited = 3,
    /// A project was granted.
    Granted = 4,
    /// A project was taken away.
    Ungranted = 5,
    /// All projects were granted.
    GrantedAll = 6,
    /// All grants were taken away.
    GrantsRevoked = 7,
    /// A token was switched off.
    Disabled = 8,
    /// A token was switched on again.
    Enabled = 9,
    /// A token was revoked.
    Revoked = 10,
    /// A token was deleted.
    Deleted = 11,
}

impl EventKind {
    /// Every kind, in the order of its number.
    pub const ALL: [EventKind; 11] = [
        EventKind::TypeDeclared,
        EventKind::Created,
        EventKind::Edited,
        EventKind::Granted,
        EventKind::Ungranted,
        EventKind::GrantedAll,
        EventKind::GrantsRevoked,
        EventKind::Disabled,
        EventKind::Enabled,
        EventKind::Revoked,
        EventKind::Deleted,
    ];

    pub(crate) fn from_number(number: u8) -> Option<EventKind> {
        EventKind::ALL.into_iter().find(|kind| *kind as u8 == number)
    }

    /// The name, in small letters, as the command writes it.
    pub fn name(self) -> &'static str {
        match self {
            EventKind::TypeDeclared => "type_declared",
            EventKind::Created => "created",
            EventKind::Edited => "edited",
            EventKind::Granted => "granted",
            EventKind::Ungranted => "ungranted",
            EventKind::GrantedAll => "granted_all",
            EventKind::GrantsRevoked => "grants_revoked",
            EventKind::Disabled => "disabled",
            EventKind::Enabled => "enabled",
            EventKind::Revoked => "revoked",
            EventKind::Deleted => "deleted",
        }
    }
}

/// One change to the store. It holds no value, digest, binding or `app_data`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The number of the change. Numbers ascend by one without a gap.
    pub sequence: u64,
    /// What happened.
    pub kind: EventKind,
    /// When, by the store's clock.
    pub at: OffsetDateTime,
    /// The token it happened to, unless it happened to a type.
    pub id: Option<Id>,
    /// The type it happened to.
    pub type_id: Option<TypeId>,
    /// Who did it, as the caller said; may be empty.
    pub by: String,
    /// Why, as the caller said; may be empty.
    pub reason: String,
}
