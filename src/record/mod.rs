//! What stands in the file's rows: tokens, types, events and the head, and how they are turned into bytes and back.
//!
//! A row is an envelope, a body and a tag:
//!
//! | bytes | what |
//! |---|---|
//! | 0 | version of the body's form, 1 |
//! | 1 | table: 1 records, 2 head, 3 events |
//! | 2, 3 | zeros |
//! | 4 to 7 | length of the body, little-endian |
//! | from 8 | body, see `wire` |
//! | last 16 | keyed BLAKE3 over table, key of the row, and all the bytes before |

mod wire;

use std::collections::BTreeSet;

pub(crate) use self::wire::{
    decode_event, decode_family, decode_head, decode_owner_kill, decode_policy, decode_token,
};
pub(crate) use self::wire::{
    encode_event, encode_family, encode_head, encode_owner_kill, encode_policy, encode_token,
};
use crate::clock::from_ms;
use crate::error::{Error, Result};
use crate::event::{Event, EventDetail, EventKind};
use crate::grants::Grants;
use crate::id::Id;
use crate::key::{Digest, Keys, TAG_BYTES};
use crate::policy::TypeId;
use crate::verdict::flag;

const VERSION: u8 = 1;
const ENVELOPE_BYTES: usize = 8;

/// Which table a row stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Table {
    Records = 1,
    Head = 2,
    Events = 3,
}

/// The key of a row of the records: what it is, then its id, so that tokens ascend by id behind all that they hang on.
pub(crate) type RecordKey = [u8; 17];

const TYPE: u8 = 1;
const FAMILY: u8 = 2;
const OWNER_KILL: u8 = 3;
const TOKEN: u8 = 4;

/// What a key of the records stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordName {
    Type(TypeId),
    Family(Id),
    OwnerKill([u8; 16]),
    Token(Id),
}

pub(crate) fn family_key(id: Id) -> RecordKey {
    let mut key = [FAMILY; 17];
    key[1..].copy_from_slice(id.as_bytes());
    key
}

/// The key of what ended all of an owner's tokens, or those of a type.
pub(crate) fn owner_kill_key(keys: &Keys, owner: &[u8], type_id: Option<TypeId>) -> RecordKey {
    let mut key = [OWNER_KILL; 17];
    key[1..].copy_from_slice(&keys.owner_kill(owner, type_id));
    key
}

pub(crate) fn token_key(id: Id) -> RecordKey {
    let mut key = [TOKEN; 17];
    key[1..].copy_from_slice(id.as_bytes());
    key
}

pub(crate) fn type_key(type_id: TypeId) -> RecordKey {
    let mut key = [0; 17];
    key[0] = TYPE;
    key[15..].copy_from_slice(&type_id.0.to_be_bytes());
    key
}

/// What a key of the records stands for.
pub(crate) fn record_name(key: &RecordKey) -> Result<RecordName> {
    let [kind, id @ ..] = *key;
    match kind {
        TOKEN => Ok(RecordName::Token(Id::from_bytes(id))),
        FAMILY => Ok(RecordName::Family(Id::from_bytes(id))),
        OWNER_KILL => Ok(RecordName::OwnerKill(id)),
        TYPE if id[..14].iter().all(|byte| *byte == 0) => {
            Ok(RecordName::Type(TypeId(u16::from_be_bytes([id[14], id[15]]))))
        }
        _ => Err(Error::corrupt("the file has a record of a kind that this version does not know")),
    }
}

/// A token, whole. What a member of a family has of its family stands here, too, and only there in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) id: Id,
    pub(crate) digest: Digest,
    pub(crate) type_id: TypeId,
    pub(crate) owner: Vec<u8>,
    pub(crate) name: Option<String>,
    pub(crate) created_ms: i64,
    pub(crate) expires_ms: i64,
    pub(crate) disabled: bool,
    pub(crate) revoked: Option<Revoked>,
    /// How often it can still be consumed, if it is counted.
    pub(crate) uses_left: Option<u32>,
    /// When its uses ran out or a refresh ended it.
    pub(crate) ended_ms: Option<i64>,
    pub(crate) parent: Option<Id>,
    pub(crate) member: Option<Member>,
    pub(crate) old_value: Option<OldValue>,
    pub(crate) grants: Grants,
    pub(crate) binding: Option<Vec<u8>>,
    pub(crate) app_word: u64,
    pub(crate) app_data: Vec<u8>,
    pub(crate) revision: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Revoked {
    pub(crate) at_ms: i64,
    pub(crate) reason: String,
}

/// A token's place in a family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) family: Id,
    pub(crate) generation: u32,
    /// Whether its value refreshes; otherwise it is an access token.
    pub(crate) refreshes: bool,
    pub(crate) fate: Fate,
}

/// What the refreshes after its own generation made of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Nothing.
    Good,
    /// An access token that was left its grace: superseded when its time is over.
    Ending,
    /// Superseded: a used refresh value, or an access token that ended at once.
    Superseded,
}

/// The value that a token had before its last rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OldValue {
    pub(crate) digest: Digest,
    pub(crate) until_ms: i64,
}

impl Record {
    /// The flags of the token's slot that no other field of a slot's entry tells.
    pub(crate) fn flags(&self) -> u16 {
        let flag = |on: bool, flag: u16| if on { flag } else { 0 };
        let fate = self.member.as_ref().map_or(Fate::Good, |member| member.fate);
        flag(self.revoked.is_some(), flag::REVOKED)
            | flag(self.disabled, flag::DISABLED)
            | flag(self.uses_left.is_some(), flag::COUNTED)
            | flag(self.uses_left == Some(0), flag::USED)
            | flag(self.member.as_ref().is_some_and(|member| member.refreshes), flag::REFRESH)
            | flag(fate == Fate::Ending, flag::OLD_VALUE)
            | flag(fate == Fate::Superseded, flag::SUPERSEDED)
    }

    /// What the token hangs on: its family or its parent.
    pub(crate) fn hangs_on(&self) -> Option<Id> {
        self.member.as_ref().map(|member| member.family).or(self.parent)
    }

    /// Puts in what a member has of its family.
    pub(crate) fn join(&mut self, family: &Family) {
        let Family { owner, name, disabled, grants, binding, binds_access, app_word, app_data, .. } = family;
        // Whoever changed the family changed its members.
        self.revision = self.revision.max(family.revision);
        self.owner.clone_from(owner);
        self.name.clone_from(name);
        self.disabled = *disabled;
        self.grants.clone_from(grants);
        let refreshes = self.member.as_ref().is_some_and(|member| member.refreshes);
        self.binding = (refreshes || *binds_access).then(|| binding.clone());
        self.app_word = *app_word;
        self.app_data.clone_from(app_data);
    }

    /// What both this and a later state of the token allow: what is safe to go on with when it is not known which of
    /// the two the file has. What another `app_word` means only the caller knows: such a token is switched off.
    pub(crate) fn meet(&self, later: &Record) -> Record {
        let grants = match (&self.grants, &later.grants) {
            (Grants::All, other) | (other, Grants::All) => other.clone(),
            (Grants::Projects(a), Grants::Projects(b)) => {
                Grants::Projects(a.intersection(b).cloned().collect::<BTreeSet<_>>())
            }
        };
        Record {
            expires_ms: self.expires_ms.min(later.expires_ms),
            disabled: self.disabled || later.disabled || self.app_word != later.app_word,
            grants,
            ..later.clone()
        }
    }
}

/// The line of pairs that come from one sign-in.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Family {
    pub(crate) id: Id,
    pub(crate) refresh_type: TypeId,
    pub(crate) access_type: TypeId,
    pub(crate) owner: Vec<u8>,
    pub(crate) name: Option<String>,
    pub(crate) created_ms: i64,
    pub(crate) expires_ms: i64,
    pub(crate) disabled: bool,
    pub(crate) revoked: Option<Revoked>,
    pub(crate) grants: Grants,
    pub(crate) binding: Vec<u8>,
    pub(crate) binds_access: bool,
    pub(crate) app_word: u64,
    pub(crate) app_data: Vec<u8>,
    /// The generation of the refresh value that is good; the first is 1.
    pub(crate) generation: u32,
    /// When that generation was made.
    pub(crate) rotated_ms: i64,
    /// The members of that generation.
    pub(crate) refresh: Id,
    pub(crate) access: Id,
    /// Whether the log says that it was replayed.
    pub(crate) replayed: bool,
    /// The pair of that generation, for whoever has the refresh value before it.
    pub(crate) sealed: Option<SealedPair>,
    pub(crate) revision: u64,
}

/// A pair of values under a key that only the refresh value before it gives.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SealedPair {
    pub(crate) nonce: [u8; 24],
    pub(crate) bytes: Vec<u8>,
}

impl std::fmt::Debug for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Family")
            .field("id", &self.id)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

/// What ended all that an owner had, or all of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnerKill {
    pub(crate) owner: Vec<u8>,
    /// Only of this type, and families that hold or issue it.
    pub(crate) type_id: Option<TypeId>,
    /// Whatever was changed last under this number or a smaller one is dead.
    pub(crate) watermark: u64,
    pub(crate) at_ms: i64,
}

/// The one row that says what all the others add up to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// The number of the last change.
    pub(crate) sequence: u64,
    /// How many records there are.
    pub(crate) records: u64,
    /// The sum of what [`Keys::row`] gives for each record, modulo 2^256.
    pub(crate) sum: [u8; 32],
    /// The mark of the clock.
    pub(crate) mark_ms: i64,
    /// The first event that is kept; they go without a gap from there to `sequence`.
    pub(crate) first_event: u64,
    /// The last id given to a token.
    pub(crate) last_id: Id,
}

/// What happened under a sequence number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EventRecord {
    pub(crate) kind: EventKind,
    pub(crate) at_ms: i64,
    pub(crate) subject: Subject,
    pub(crate) by: String,
    pub(crate) reason: String,
    pub(crate) detail: Option<EventDetail>,
    /// The tokens that a pruning took out, for processes that follow.
    pub(crate) gone: Vec<Id>,
}

impl EventRecord {
    /// The event under its number, as callers see it.
    pub(crate) fn into_event(self, sequence: u64) -> Event {
        let EventRecord { kind, at_ms, subject, by, reason, detail, gone: _ } = self;
        let (id, type_id) = match subject {
            Subject::Token(id) => (Some(id), None),
            Subject::Type(type_id) => (None, Some(type_id)),
            Subject::Store => (None, None),
        };
        Event { sequence, kind, at: from_ms(at_ms), id, type_id, by, reason, detail }
    }
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A token or a family.
    Token(Id),
    Type(TypeId),
    /// Several, or none that has an id.
    Store,
}

/// A row and its part of the sum.
pub(crate) struct Sealed {
    pub(crate) bytes: Vec<u8>,
    pub(crate) part: [u8; 32],
}

/// Puts a body into its envelope and tags it.
pub(crate) fn seal(keys: &Keys, table: Table, key: &[u8], body: &[u8]) -> Sealed {
    let mut bytes = Vec::with_capacity(ENVELOPE_BYTES + body.len() + TAG_BYTES);
    bytes.extend([VERSION, table as u8, 0, 0]);
    // No body is longer than a few records' limits, far under 4 GiB.
    bytes.extend((body.len() as u32).to_le_bytes());
    bytes.extend(body);
    let (tag, part) = keys.row(table as u8, key, &bytes);
    bytes.extend(tag);
    Sealed { bytes, part }
}

/// A row's body and its part of the sum, once its tag, envelope and length are right.
pub(crate) fn unseal<'a>(
    keys: &Keys,
    table: Table,
    key: &[u8],
    row: &'a [u8],
) -> Result<(&'a [u8], [u8; 32])> {
    let damaged = || Error::corrupt("a row of the file is damaged");
    let (bytes, tag) = row.split_last_chunk::<TAG_BYTES>().ok_or_else(damaged)?;
    let (envelope, body) = bytes.split_first_chunk::<ENVELOPE_BYTES>().ok_or_else(damaged)?;
    let (right, part) = keys.row(table as u8, key, bytes);
    if *tag != right {
        return Err(damaged());
    }
    let [version, in_table, 0, 0, len @ ..] = *envelope else { return Err(damaged()) };
    if version != VERSION {
        return Err(Error::new(
            crate::ErrorKind::Unsupported,
            format!("a row has form {version}; this version reads form {VERSION}"),
        ));
    }
    if in_table != table as u8 || u32::from_le_bytes(len) as usize != body.len() {
        return Err(damaged());
    }
    Ok((body, part))
}
