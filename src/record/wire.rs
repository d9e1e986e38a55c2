//! The bodies, as bytes. Fixed-width integers, little-endian, in the order of the fields; an optional field is a
//! byte 0, or a byte 1 and the field; a byte string is its length in 64 bits and its bytes. Trailing bytes are
//! refused. Short strings of a record stand one behind the other in one such byte string, their lengths before it.
//!
//! The forms are frozen: a golden file of rows holds them to it, and a decoder written by hand reads them too.

use std::collections::BTreeSet;

use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use bincode::{Decode, Encode};

use super::{EventRecord, Head, Record, Revoked, Subject};
use crate::clock::{MAX_EXPIRY_MS, NEVER_MS};
use crate::error::{Error, ErrorKind, Result};
use crate::event::EventKind;
use crate::grants::Grants;
use crate::id::Id;
use crate::policy::{TypeId, TypePolicy};

/// No body is longer: 1,000 projects of 64 bytes and every other field at its limit are under 72 KiB.
const MAX_BODY_BYTES: usize = 128 * 1024;
const CONFIG: Configuration<LittleEndian, Fixint, Limit<MAX_BODY_BYTES>> =
    bincode::config::standard().with_little_endian().with_fixed_int_encoding().with_limit();

#[derive(Encode, Decode)]
struct TokenV1 {
    digest: [u64; 2],
    revision: u64,
    created_ms: i64,
    expires_ms: i64,
    app_word: u64,
    type_id: u16,
    flags: u8,
    revoked_ms: Option<i64>,
    // Kept for what this version does not make and refuses to read.
    uses_left: Option<u32>,
    parent: Option<[u8; 16]>,
    family: Option<FamilyV1>,
    old_value: Option<OldValueV1>,
    owner_len: u8,
    name_len: u8,
    binding_len: u8,
    reason_len: u8,
    app_data_len: u16,
    projects: u16,
    /// Owner, name, binding, reason, app_data; then each project, its length in a byte before it, ascending.
    text: Vec<u8>,
}

#[derive(Encode, Decode)]
struct FamilyV1 {
    id: [u8; 16],
    generation: u32,
    refreshes: bool,
}

#[derive(Encode, Decode)]
struct OldValueV1 {
    digest: [u64; 2],
    until_ms: i64,
}

const DISABLED: u8 = 1;
const ALL_PROJECTS: u8 = 2;

#[derive(Encode, Decode)]
struct PolicyV1 {
    flags: u8,
    default_lifetime_ms: Option<i64>,
    max_lifetime_ms: Option<i64>,
    // Kept, as above.
    uses: Option<u32>,
    families: Option<FamilyPolicyV1>,
    prefix_len: u8,
    name_len: u8,
    text: Vec<u8>,
}

#[derive(Encode, Decode)]
struct FamilyPolicyV1 {
    access_ms: i64,
    refresh_ms: i64,
    family_ms: i64,
    grace_ms: i64,
    old_access: u8,
}

const UNIQUE_NAMES: u8 = 1;
const BY_NAME_ONLY: u8 = 2;
const ACCEPTS_EXTERNAL: u8 = 4;

#[derive(Encode, Decode)]
struct HeadV1 {
    sequence: u64,
    records: u64,
    sum: [u8; 32],
    mark_ms: i64,
    first_event: u64,
    last_id: [u8; 16],
}

#[derive(Encode, Decode)]
struct EventV1 {
    kind: u8,
    at_ms: i64,
    token: Option<[u8; 16]>,
    type_id: Option<u16>,
    by_len: u8,
    reason_len: u8,
    text: Vec<u8>,
}

fn encode(body: impl Encode) -> Result<Vec<u8>> {
    bincode::encode_to_vec(body, CONFIG)
        .map_err(|_| Error::invalid("a record is longer than the file can hold"))
}

fn decode<T: Decode<()>>(bytes: &[u8]) -> Result<T> {
    match bincode::decode_from_slice(bytes, CONFIG) {
        Ok((body, read)) if read == bytes.len() => Ok(body),
        _ => Err(damaged()),
    }
}

fn damaged() -> Error {
    Error::corrupt("a record of the file cannot be read")
}

/// Takes strings off the front of a record's text.
struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or_else(damaged)?;
        self.0 = rest;
        Ok(taken)
    }

    fn take_str(&mut self, len: u8) -> Result<String> {
        let bytes = self.take(usize::from(len))?;
        String::from_utf8(bytes.to_vec()).map_err(|_| damaged())
    }

    fn end(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(damaged()) }
    }
}

/// A length that was checked to fit when the string came in.
fn len8(bytes: &[u8]) -> u8 {
    debug_assert!(bytes.len() <= 255);
    bytes.len() as u8
}

pub(crate) fn encode_token(record: &Record) -> Result<Vec<u8>> {
    // Every field is named, so that a new one cannot be forgotten. The id is the row's key.
    let Record {
        id: _,
        digest,
        type_id,
        owner,
        name,
        created_ms,
        expires_ms,
        disabled,
        revoked,
        grants,
        binding,
        app_word,
        app_data,
        revision,
    } = record;
    let name = name.as_deref().unwrap_or("").as_bytes();
    let binding = binding.as_deref().unwrap_or(&[]);
    let reason = revoked.as_ref().map_or("", |revoked| &revoked.reason).as_bytes();
    let mut text = [owner, name, binding, reason, app_data].concat();
    let (all, projects) = match grants {
        Grants::All => (ALL_PROJECTS, 0),
        Grants::Projects(projects) => {
            for project in projects {
                text.push(len8(project));
                text.extend(project);
            }
            (0, projects.len() as u16)
        }
    };
    encode(TokenV1 {
        digest: *digest,
        revision: *revision,
        created_ms: *created_ms,
        expires_ms: *expires_ms,
        app_word: *app_word,
        type_id: type_id.0,
        flags: all | if *disabled { DISABLED } else { 0 },
        revoked_ms: revoked.as_ref().map(|revoked| revoked.at_ms),
        uses_left: None,
        parent: None,
        family: None,
        old_value: None,
        owner_len: len8(owner),
        name_len: len8(name),
        binding_len: len8(binding),
        reason_len: len8(reason),
        app_data_len: app_data.len() as u16,
        projects,
        text,
    })
}

pub(crate) fn decode_token(id: Id, bytes: &[u8]) -> Result<Record> {
    let wire: TokenV1 = decode(bytes)?;
    if wire.uses_left.is_some() || wire.parent.is_some() || wire.family.is_some() || wire.old_value.is_some()
    {
        return Err(newer());
    }
    if wire.flags & !(DISABLED | ALL_PROJECTS) != 0 {
        return Err(newer());
    }
    let mut text = Text(&wire.text);
    let owner = text.take(usize::from(wire.owner_len))?.to_vec();
    let name = text.take_str(wire.name_len)?;
    let binding = text.take(usize::from(wire.binding_len))?.to_vec();
    let reason = text.take_str(wire.reason_len)?;
    let app_data = text.take(usize::from(wire.app_data_len))?.to_vec();
    let mut projects = BTreeSet::new();
    for _ in 0..wire.projects {
        let len = usize::from(*text.take(1)?.first().ok_or_else(damaged)?);
        projects.insert(text.take(len)?.to_vec());
    }
    text.end()?;
    let grants = match wire.flags & ALL_PROJECTS {
        0 => Grants::Projects(projects),
        _ if projects.is_empty() => Grants::All,
        _ => return Err(damaged()),
    };
    let revision_fits = (1..=crate::index::MAX_REVISION).contains(&wire.revision);
    let expiry_fits = wire.expires_ms == NEVER_MS || (0..=MAX_EXPIRY_MS).contains(&wire.expires_ms);
    if !revision_fits || !expiry_fits || owner.is_empty() {
        return Err(damaged());
    }
    Ok(Record {
        id,
        digest: wire.digest,
        type_id: TypeId(wire.type_id),
        owner,
        name: (!name.is_empty()).then_some(name),
        created_ms: wire.created_ms,
        expires_ms: wire.expires_ms,
        disabled: wire.flags & DISABLED != 0,
        revoked: wire.revoked_ms.map(|at_ms| Revoked { at_ms, reason }),
        grants,
        binding: (!binding.is_empty()).then_some(binding),
        app_word: wire.app_word,
        app_data,
        revision: wire.revision,
    })
}

fn newer() -> Error {
    Error::new(ErrorKind::Unsupported, "the file holds a record of a newer version")
}

pub(crate) fn encode_policy(policy: &TypePolicy) -> Result<Vec<u8>> {
    let TypePolicy {
        name,
        prefix,
        default_lifetime,
        max_lifetime,
        unique_names,
        by_name_only,
        accepts_external,
    } = policy;
    let flag = |on: bool, bit: u8| if on { bit } else { 0 };
    encode(PolicyV1 {
        flags: flag(*unique_names, UNIQUE_NAMES)
            | flag(*by_name_only, BY_NAME_ONLY)
            | flag(*accepts_external, ACCEPTS_EXTERNAL),
        default_lifetime_ms: default_lifetime.map(crate::clock::duration_ms).transpose()?,
        max_lifetime_ms: max_lifetime.map(crate::clock::duration_ms).transpose()?,
        uses: None,
        families: None,
        prefix_len: len8(prefix.as_bytes()),
        name_len: len8(name.as_bytes()),
        text: [prefix.as_bytes(), name.as_bytes()].concat(),
    })
}

pub(crate) fn decode_policy(bytes: &[u8]) -> Result<TypePolicy> {
    let wire: PolicyV1 = decode(bytes)?;
    if wire.uses.is_some()
        || wire.families.is_some()
        || wire.flags & !(UNIQUE_NAMES | BY_NAME_ONLY | ACCEPTS_EXTERNAL) != 0
    {
        return Err(newer());
    }
    let lifetime = |ms: Option<i64>| ms.map(|ms| std::time::Duration::from_millis(ms.max(0).unsigned_abs()));
    let mut text = Text(&wire.text);
    let policy = TypePolicy {
        prefix: text.take_str(wire.prefix_len)?,
        name: text.take_str(wire.name_len)?,
        default_lifetime: lifetime(wire.default_lifetime_ms),
        max_lifetime: lifetime(wire.max_lifetime_ms),
        unique_names: wire.flags & UNIQUE_NAMES != 0,
        by_name_only: wire.flags & BY_NAME_ONLY != 0,
        accepts_external: wire.flags & ACCEPTS_EXTERNAL != 0,
    };
    text.end()?;
    policy.check().map_err(|_| damaged())?;
    Ok(policy)
}

pub(crate) fn encode_head(head: &Head) -> Result<Vec<u8>> {
    let Head { sequence, records, sum, mark_ms, first_event, last_id } = head;
    encode(HeadV1 {
        sequence: *sequence,
        records: *records,
        sum: *sum,
        mark_ms: *mark_ms,
        first_event: *first_event,
        last_id: *last_id.as_bytes(),
    })
}

pub(crate) fn decode_head(bytes: &[u8]) -> Result<Head> {
    let HeadV1 { sequence, records, sum, mark_ms, first_event, last_id } = decode(bytes)?;
    Ok(Head { sequence, records, sum, mark_ms, first_event, last_id: Id::from_bytes(last_id) })
}

pub(crate) fn encode_event(event: &EventRecord) -> Result<Vec<u8>> {
    let EventRecord { kind, at_ms, subject, by, reason } = event;
    let (token, type_id) = match subject {
        Subject::Token(id) => (Some(*id.as_bytes()), None),
        Subject::Type(type_id) => (None, Some(type_id.0)),
    };
    encode(EventV1 {
        kind: *kind as u8,
        at_ms: *at_ms,
        token,
        type_id,
        by_len: len8(by.as_bytes()),
        reason_len: len8(reason.as_bytes()),
        text: [by.as_bytes(), reason.as_bytes()].concat(),
    })
}

pub(crate) fn decode_event(bytes: &[u8]) -> Result<EventRecord> {
    let wire: EventV1 = decode(bytes)?;
    let subject = match (wire.token, wire.type_id) {
        (Some(id), None) => Subject::Token(Id::from_bytes(id)),
        (None, Some(type_id)) => Subject::Type(TypeId(type_id)),
        _ => return Err(damaged()),
    };
    let mut text = Text(&wire.text);
    let event = EventRecord {
        kind: EventKind::from_number(wire.kind).ok_or_else(newer)?,
        at_ms: wire.at_ms,
        subject,
        by: text.take_str(wire.by_len)?,
        reason: text.take_str(wire.reason_len)?,
    };
    text.end()?;
    Ok(event)
}
