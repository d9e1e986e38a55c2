//! What tokens hang together by: the families that lines named, and the values that one token had.

use tokenstore::{Id, OldAccess, TypeId};

/// A family that a line named.
pub(crate) struct KnownFamily {
    pub(crate) id: Id,
    pub(crate) owner: Vec<u8>,
    /// Those of its refresh values and its access values.
    pub(crate) types: [TypeId; 2],
    pub(crate) expires_ms: i64,
    pub(crate) old_access: OldAccess,
    /// The access token of its last pair.
    pub(crate) access: Id,
    pub(crate) revoked: bool,
    /// Whether it was revoked with its owner.
    pub(crate) killed: bool,
}

/// What a value is to its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Current,
    /// The one before the last rotation.
    Old,
    /// One before that.
    Forgotten,
}

impl Standing {
    /// What it is after a rotation.
    pub(crate) fn next(self) -> Standing {
        match self {
            Standing::Current => Standing::Old,
            Standing::Old | Standing::Forgotten => Standing::Forgotten,
        }
    }
}
