//! The bodies, as bytes. Fixed-width integers, little-endian, in the order of the fields; an optional field is a
//! byte 0, or a byte 1 and the field; a byte string is its length in 64 bits and its bytes. Trailing bytes are
//! refused. Short strings of a record stand one behind the other in one such byte string, their lengths before it.
//!
//! The forms are frozen: a golden file of rows holds them to it, and a decoder written by hand reads them too.

use std::collections::BTreeSet;

use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use bincode::{Decode, Encode};

use super::{
    EventRecord, Family, Fate, Head, Member, OldValue, OwnerKill, Record, Revoked, SealedPair, Subject,
};
use crate::clock::{MAX_EXPIRY_MS, NEVER_MS};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{EventDetail, EventKind};
use crate::grants::Grants;
use crate::id::Id;
use crate::policy::{FamilyPolicy, OldAccess, TypeId, TypePolicy};

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
    /// When it was revoked; or, with ENDED, when its uses ran out or a refresh ended it.
    revoked_ms: Option<i64>,
    uses_left: Option<u32>,
    parent: Option<[u8; 16]>,
    member: Option<MemberV1>,
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

/// Of a member's row, owner, name, binding, grants, app_data and app_word are empty: its family has them.
#[derive(Encode, Decode)]
struct MemberV1 {
    family: [u8; 16],
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
const ENDED: u8 = 4;
const ENDING: u8 = 8;
const SUPERSEDED: u8 = 16;

#[derive(Encode, Decode)]
struct PolicyV1 {
    flags: u8,
    default_lifetime_ms: Option<i64>,
    max_lifetime_ms: Option<i64>,
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
const VOLATILE: u8 = 8;

#[derive(Encode, Decode)]
struct FamilyV1 {
    revision: u64,
    created_ms: i64,
    expires_ms: i64,
    rotated_ms: i64,
    app_word: u64,
    refresh_type: u16,
    access_type: u16,
    flags: u8,
    revoked_ms: Option<i64>,
    generation: u32,
    refresh: [u8; 16],
    access: [u8; 16],
    nonce: Option<[u8; 24]>,
    owner_len: u8,
    name_len: u8,
    binding_len: u8,
    reason_len: u8,
    app_data_len: u16,
    sealed_len: u16,
    projects: u16,
    /// Owner, name, binding, reason, app_data, the sealed pair; then each project, as a token has them.
    text: Vec<u8>,
}

// And DISABLED and ALL_PROJECTS.
const BINDS_ACCESS: u8 = 4;
const REPLAYED: u8 = 8;

#[derive(Encode, Decode)]
struct OwnerKillV1 {
    watermark: u64,
    at_ms: i64,
    type_id: Option<u16>,
    owner: Vec<u8>,
}

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
    /// By, reason; then, of a reuse, the distance in 32 bits and the age in ms in 64; of an owner's revocation, the owner;
    /// of a pruning, how many in 64 bits and the ids of those.
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

    fn take_array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.take(N)?.first_chunk().copied().ok_or_else(damaged)
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

/// Lays the grants behind a row's strings; the flag and the number that say how to read them.
fn encode_grants(grants: &Grants, text: &mut Vec<u8>) -> (u8, u16) {
    match grants {
        Grants::All => (ALL_PROJECTS, 0),
        Grants::Projects(projects) => {
            for project in projects {
                text.push(len8(project));
                text.extend(project);
            }
            (0, projects.len() as u16)
        }
    }
}

fn decode_grants(flags: u8, projects: u16, mut text: Text<'_>) -> Result<Grants> {
    let mut granted = BTreeSet::new();
    for _ in 0..projects {
        let len = usize::from(*text.take(1)?.first().ok_or_else(damaged)?);
        granted.insert(text.take(len)?.to_vec());
    }
    text.end()?;
    match flags & ALL_PROJECTS {
        0 => Ok(Grants::Projects(granted)),
        _ if granted.is_empty() => Ok(Grants::All),
        _ => Err(damaged()),
    }
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
        uses_left,
        ended_ms,
        parent,
        member,
        old_value,
        grants,
        binding,
        app_word,
        app_data,
        revision,
    } = record;
    let flag = |on: bool, bit: u8| if on { bit } else { 0 };
    let reason = revoked.as_ref().map_or("", |revoked| &revoked.reason).as_bytes();
    let own = member.is_none();
    let theirs = |bytes: &[u8]| if own { bytes.to_vec() } else { Vec::new() };
    let (owner, app_data) = (theirs(owner), theirs(app_data));
    let name = theirs(name.as_deref().unwrap_or("").as_bytes());
    let binding = theirs(binding.as_deref().unwrap_or(&[]));
    let mut text = [&owner, &name, &binding, reason, &app_data].concat();
    let (all, projects) = if own { encode_grants(grants, &mut text) } else { (0, 0) };
    let fate = member.as_ref().map_or(Fate::Good, |member| member.fate);
    encode(TokenV1 {
        digest: *digest,
        revision: *revision,
        created_ms: *created_ms,
        expires_ms: *expires_ms,
        app_word: if own { *app_word } else { 0 },
        type_id: type_id.0,
        flags: all
            | flag(own && *disabled, DISABLED)
            | flag(revoked.is_none() && ended_ms.is_some(), ENDED)
            | flag(fate == Fate::Ending, ENDING)
            | flag(fate == Fate::Superseded, SUPERSEDED),
        revoked_ms: revoked.as_ref().map(|revoked| revoked.at_ms).or(*ended_ms),
        uses_left: *uses_left,
        parent: parent.map(|id| *id.as_bytes()),
        member: member.as_ref().map(|member| MemberV1 {
            family: *member.family.as_bytes(),
            generation: member.generation,
            refreshes: member.refreshes,
        }),
        old_value: old_value.as_ref().map(|old| OldValueV1 { digest: old.digest, until_ms: old.until_ms }),
        owner_len: len8(&owner),
        name_len: len8(&name),
        binding_len: len8(&binding),
        reason_len: len8(reason),
        app_data_len: app_data.len() as u16,
        projects,
        text,
    })
}

/// A token's record. A member of a family is to [join](Record::join) it.
pub(crate) fn decode_token(id: Id, bytes: &[u8]) -> Result<Record> {
    let wire: TokenV1 = decode(bytes)?;
    if wire.flags & !(DISABLED | ALL_PROJECTS | ENDED | ENDING | SUPERSEDED) != 0 {
        return Err(newer());
    }
    let mut text = Text(&wire.text);
    let owner = text.take(usize::from(wire.owner_len))?.to_vec();
    let name = text.take_str(wire.name_len)?;
    let binding = text.take(usize::from(wire.binding_len))?.to_vec();
    let reason = text.take_str(wire.reason_len)?;
    let app_data = text.take(usize::from(wire.app_data_len))?.to_vec();
    let grants = decode_grants(wire.flags, wire.projects, text)?;
    let fate = match wire.flags & (ENDING | SUPERSEDED) {
        0 => Fate::Good,
        ENDING => Fate::Ending,
        SUPERSEDED => Fate::Superseded,
        _ => return Err(damaged()),
    };
    let member = wire.member.map(|member| Member {
        family: Id::from_bytes(member.family),
        generation: member.generation,
        refreshes: member.refreshes,
        fate,
    });
    let revision_fits = (1..=crate::index::MAX_REVISION).contains(&wire.revision);
    if !revision_fits || !expiry_fits(wire.expires_ms) || owner.is_empty() != member.is_some() {
        return Err(damaged());
    }
    let (ended_ms, revoked_ms) =
        if wire.flags & ENDED != 0 { (wire.revoked_ms, None) } else { (None, wire.revoked_ms) };
    Ok(Record {
        id,
        digest: wire.digest,
        type_id: TypeId(wire.type_id),
        owner,
        name: (!name.is_empty()).then_some(name),
        created_ms: wire.created_ms,
        expires_ms: wire.expires_ms,
        disabled: wire.flags & DISABLED != 0,
        revoked: revoked_ms.map(|at_ms| Revoked { at_ms, reason }),
        uses_left: wire.uses_left,
        ended_ms,
        parent: wire.parent.map(Id::from_bytes),
        member,
        old_value: wire.old_value.map(|old| OldValue { digest: old.digest, until_ms: old.until_ms }),
        grants,
        binding: (!binding.is_empty()).then_some(binding),
        app_word: wire.app_word,
        app_data,
        revision: wire.revision,
    })
}

fn expiry_fits(expires_ms: i64) -> bool {
    expires_ms == NEVER_MS || (0..=MAX_EXPIRY_MS).contains(&expires_ms)
}

pub(crate) fn encode_family(family: &Family) -> Result<Vec<u8>> {
    let Family {
        id: _,
        refresh_type,
        access_type,
        owner,
        name,
        created_ms,
        expires_ms,
        disabled,
        revoked,
        grants,
        binding,
        binds_access,
        app_word,
        app_data,
        generation,
        rotated_ms,
        refresh,
        access,
        replayed,
        sealed,
        revision,
    } = family;
    let flag = |on: bool, bit: u8| if on { bit } else { 0 };
    let name = name.as_deref().unwrap_or("").as_bytes();
    let reason = revoked.as_ref().map_or("", |revoked| &revoked.reason).as_bytes();
    let pair = sealed.as_ref().map_or(&[][..], |sealed| &sealed.bytes);
    let mut text = [owner, name, binding, reason, app_data, pair].concat();
    let (all, projects) = encode_grants(grants, &mut text);
    encode(FamilyV1 {
        revision: *revision,
        created_ms: *created_ms,
        expires_ms: *expires_ms,
        rotated_ms: *rotated_ms,
        app_word: *app_word,
        refresh_type: refresh_type.0,
        access_type: access_type.0,
        flags: all
            | flag(*disabled, DISABLED)
            | flag(*binds_access, BINDS_ACCESS)
            | flag(*replayed, REPLAYED),
        revoked_ms: revoked.as_ref().map(|revoked| revoked.at_ms),
        generation: *generation,
        refresh: *refresh.as_bytes(),
        access: *access.as_bytes(),
        nonce: sealed.as_ref().map(|sealed| sealed.nonce),
        owner_len: len8(owner),
        name_len: len8(name),
        binding_len: len8(binding),
        reason_len: len8(reason),
        app_data_len: app_data.len() as u16,
        sealed_len: pair.len() as u16,
        projects,
        text,
    })
}

pub(crate) fn decode_family(id: Id, bytes: &[u8]) -> Result<Family> {
    let wire: FamilyV1 = decode(bytes)?;
    if wire.flags & !(DISABLED | ALL_PROJECTS | BINDS_ACCESS | REPLAYED) != 0 {
        return Err(newer());
    }
    let mut text = Text(&wire.text);
    let owner = text.take(usize::from(wire.owner_len))?.to_vec();
    let name = text.take_str(wire.name_len)?;
    let binding = text.take(usize::from(wire.binding_len))?.to_vec();
    let reason = text.take_str(wire.reason_len)?;
    let app_data = text.take(usize::from(wire.app_data_len))?.to_vec();
    let pair = text.take(usize::from(wire.sealed_len))?.to_vec();
    let grants = decode_grants(wire.flags, wire.projects, text)?;
    let revision_fits = (1..=crate::index::MAX_REVISION).contains(&wire.revision);
    if !revision_fits || !expiry_fits(wire.expires_ms) || owner.is_empty() || binding.is_empty() {
        return Err(damaged());
    }
    Ok(Family {
        id,
        refresh_type: TypeId(wire.refresh_type),
        access_type: TypeId(wire.access_type),
        owner,
        name: (!name.is_empty()).then_some(name),
        created_ms: wire.created_ms,
        expires_ms: wire.expires_ms,
        disabled: wire.flags & DISABLED != 0,
        revoked: wire.revoked_ms.map(|at_ms| Revoked { at_ms, reason }),
        grants,
        binding,
        binds_access: wire.flags & BINDS_ACCESS != 0,
        app_word: wire.app_word,
        app_data,
        generation: wire.generation,
        rotated_ms: wire.rotated_ms,
        refresh: Id::from_bytes(wire.refresh),
        access: Id::from_bytes(wire.access),
        replayed: wire.flags & REPLAYED != 0,
        sealed: wire.nonce.map(|nonce| SealedPair { nonce, bytes: pair }),
        revision: wire.revision,
    })
}

pub(crate) fn encode_owner_kill(kill: &OwnerKill) -> Result<Vec<u8>> {
    let OwnerKill { owner, type_id, watermark, at_ms } = kill;
    encode(OwnerKillV1 {
        watermark: *watermark,
        at_ms: *at_ms,
        type_id: type_id.map(|type_id| type_id.0),
        owner: owner.clone(),
    })
}

pub(crate) fn decode_owner_kill(bytes: &[u8]) -> Result<OwnerKill> {
    let OwnerKillV1 { watermark, at_ms, type_id, owner } = decode(bytes)?;
    Ok(OwnerKill { owner, type_id: type_id.map(TypeId), watermark, at_ms })
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
        uses,
        volatile,
        families,
    } = policy;
    let flag = |on: bool, bit: u8| if on { bit } else { 0 };
    encode(PolicyV1 {
        flags: flag(*unique_names, UNIQUE_NAMES)
            | flag(*by_name_only, BY_NAME_ONLY)
            | flag(*accepts_external, ACCEPTS_EXTERNAL)
            | flag(*volatile, VOLATILE),
        default_lifetime_ms: default_lifetime.map(crate::clock::duration_ms).transpose()?,
        max_lifetime_ms: max_lifetime.map(crate::clock::duration_ms).transpose()?,
        uses: *uses,
        families: families.map(encode_family_policy).transpose()?,
        prefix_len: len8(prefix.as_bytes()),
        name_len: len8(name.as_bytes()),
        text: [prefix.as_bytes(), name.as_bytes()].concat(),
    })
}

pub(crate) fn decode_policy(bytes: &[u8]) -> Result<TypePolicy> {
    let wire: PolicyV1 = decode(bytes)?;
    if wire.flags & !(UNIQUE_NAMES | BY_NAME_ONLY | ACCEPTS_EXTERNAL | VOLATILE) != 0 {
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
        uses: wire.uses,
        volatile: wire.flags & VOLATILE != 0,
        families: wire.families.map(decode_family_policy).transpose()?,
    };
    text.end()?;
    policy.check().map_err(|_| damaged())?;
    Ok(policy)
}

fn encode_family_policy(policy: FamilyPolicy) -> Result<FamilyPolicyV1> {
    let FamilyPolicy { access, refresh, family, grace, old_access } = policy;
    Ok(FamilyPolicyV1 {
        access_ms: crate::clock::duration_ms(access)?,
        refresh_ms: crate::clock::duration_ms(refresh)?,
        family_ms: crate::clock::duration_ms(family)?,
        grace_ms: grace.as_millis() as i64,
        old_access: old_access as u8,
    })
}

fn decode_family_policy(wire: FamilyPolicyV1) -> Result<FamilyPolicy> {
    let FamilyPolicyV1 { access_ms, refresh_ms, family_ms, grace_ms, old_access } = wire;
    let lifetime = |ms: i64| std::time::Duration::from_millis(ms.max(0).unsigned_abs());
    Ok(FamilyPolicy {
        access: lifetime(access_ms),
        refresh: lifetime(refresh_ms),
        family: lifetime(family_ms),
        grace: lifetime(grace_ms),
        old_access: OldAccess::from_number(old_access).ok_or_else(newer)?,
    })
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
    let EventRecord { kind, at_ms, subject, by, reason, detail, gone } = event;
    let (token, type_id) = match subject {
        Subject::Token(id) => (Some(*id.as_bytes()), None),
        Subject::Type(type_id) => (None, Some(type_id.0)),
        Subject::Store => (None, None),
    };
    let mut text = [by.as_bytes(), reason.as_bytes()].concat();
    match detail {
        Some(EventDetail::Reuse { distance, age }) => {
            text.extend(distance.to_le_bytes());
            text.extend((age.as_millis() as u64).to_le_bytes());
        }
        Some(EventDetail::Owner(owner)) => text.extend(owner),
        Some(EventDetail::Pruned(tokens)) => {
            text.extend(tokens.to_le_bytes());
            gone.iter().for_each(|id| text.extend(id.as_bytes()));
        }
        None => {}
    }
    encode(EventV1 {
        kind: *kind as u8,
        at_ms: *at_ms,
        token,
        type_id,
        by_len: len8(by.as_bytes()),
        reason_len: len8(reason.as_bytes()),
        text,
    })
}

pub(crate) fn decode_event(bytes: &[u8]) -> Result<EventRecord> {
    let wire: EventV1 = decode(bytes)?;
    let subject = match (wire.token, wire.type_id) {
        (Some(id), None) => Subject::Token(Id::from_bytes(id)),
        (None, Some(type_id)) => Subject::Type(TypeId(type_id)),
        (None, None) => Subject::Store,
        (Some(_), Some(_)) => return Err(damaged()),
    };
    let kind = EventKind::from_number(wire.kind).ok_or_else(newer)?;
    let mut text = Text(&wire.text);
    let (by, reason) = (text.take_str(wire.by_len)?, text.take_str(wire.reason_len)?);
    let mut gone = Vec::new();
    let detail = match kind {
        EventKind::Reused => {
            let (distance, age) = (text.take_array()?, text.take_array()?);
            let age = std::time::Duration::from_millis(u64::from_le_bytes(age));
            Some(EventDetail::Reuse { distance: u32::from_le_bytes(distance), age })
        }
        EventKind::OwnerRevoked => Some(EventDetail::Owner(text.take(text.0.len())?.to_vec())),
        EventKind::Pruned => {
            let tokens = u64::from_le_bytes(text.take_array()?);
            // The first files have no ids here.
            while !text.0.is_empty() {
                gone.push(Id::from_bytes(text.take_array()?));
            }
            Some(EventDetail::Pruned(tokens))
        }
        _ => None,
    };
    text.end()?;
    Ok(EventRecord { kind, at_ms: wire.at_ms, subject, by, reason, detail, gone })
}
