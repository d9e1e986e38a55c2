//! The event log: what was changed, one event a sequence number.

use std::time::Duration;

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
    /// A use of a token was spent.
    Consumed = 12,
    /// A token got a new value.
    Rotated = 13,
    /// A family was made, with its first pair.
    PairIssued = 14,
    /// A family got its next pair.
    Refreshed = 15,
    /// A pair was handed out again to whoever showed the refresh value before it: noted once for each pair.
    Replayed = 16,
    /// A refresh value was used again after its time, and its family revoked for it: see [`EventDetail::Reuse`].
    Reused = 17,
    /// A family was revoked.
    FamilyRevoked = 18,
    /// All that an owner had was revoked: see [`EventDetail::Owner`].
    OwnerRevoked = 19,
    /// Dead tokens were taken out: see [`EventDetail::Pruned`].
    Pruned = 20,
}

impl EventKind {
    /// Every kind, in the order of its number.
    pub const ALL: [EventKind; 20] = [
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
        EventKind::Consumed,
        EventKind::Rotated,
        EventKind::PairIssued,
        EventKind::Refreshed,
        EventKind::Replayed,
        EventKind::Reused,
        EventKind::FamilyRevoked,
        EventKind::OwnerRevoked,
        EventKind::Pruned,
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
            EventKind::Consumed => "consumed",
            EventKind::Rotated => "rotated",
            EventKind::PairIssued => "pair_issued",
            EventKind::Refreshed => "refreshed",
            EventKind::Replayed => "replayed",
            EventKind::Reused => "reused",
            EventKind::FamilyRevoked => "family_revoked",
            EventKind::OwnerRevoked => "owner_revoked",
            EventKind::Pruned => "pruned",
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
    /// The token or the family it happened to, if it happened to one.
    pub id: Option<Id>,
    /// The type it happened to, if it happened to one.
    pub type_id: Option<TypeId>,
    /// Who did it, as the caller said; may be empty.
    pub by: String,
    /// Why, as the caller said; may be empty.
    pub reason: String,
    /// What else is to be said of some kinds.
    pub detail: Option<EventDetail>,
}

/// What the event log says of some kinds of events besides.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventDetail {
    /// Of [`EventKind::Reused`].
    Reuse {
        /// How many generations the value lay behind the one that was good: 1 is the one just before.
        distance: u32,
        /// How long ago the value was replaced, if it was the one just before; otherwise since the last refresh. In whole
        /// milliseconds.
        age: Duration,
    },
    /// Of [`EventKind::OwnerRevoked`]: whose tokens. The event's type is set if it was those of one type only.
    Owner(Vec<u8>),
    /// Of [`EventKind::Pruned`]: how many tokens.
    Pruned(u64),
}
