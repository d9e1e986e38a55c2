//! Types and their policies.

use std::time::Duration;

use super::error::{Failure, Outcome, tokenstore_error};
use super::handle::{guard, guard_change, tokenstore_store};
use super::input::{self, Growing, tokenstore_bytes};
use super::output::Layout;
use super::status::{TOKENSTORE_NOT_FOUND, tokenstore_status};
use crate::policy::{FamilyPolicy, OldAccess, TypeId, TypePolicy};

/// Of a policy: names need not be unique among an owner's live tokens.
pub const TOKENSTORE_TYPE_SHARED_NAMES: u32 = 1;
/// Of a policy: only a query that names the type accepts its tokens.
pub const TOKENSTORE_TYPE_BY_NAME_ONLY: u32 = 2;
/// Of a policy: tokens may be made from values of the caller's own.
pub const TOKENSTORE_TYPE_EXTERNAL: u32 = 4;
/// Of a policy: its tokens live in memory alone: tickets of some seconds. They have a use count and a default lifetime, no
/// name and no parent, are in no list and no event, and are unknown after a close or a crash. In a shared store they are on
/// the disk, listed and logged as all others, and taken out some minutes after their end.
pub const TOKENSTORE_TYPE_VOLATILE: u32 = 8;
/// Of a policy: it is a type of refresh values, and the members from access_lifetime_ms on hold for its families.
pub const TOKENSTORE_TYPE_FAMILIES: u32 = 16;

/// Of a policy: a refresh ends the access token before it.
pub const TOKENSTORE_ACCESS_ENDS_NOW: u32 = 0;
/// Of a policy: the access token before a refresh works for the grace more, if its own life lasts so long.
pub const TOKENSTORE_ACCESS_ENDS_WITH_GRACE: u32 = 1;
/// Of a policy: a refresh leaves the access token before it alone.
pub const TOKENSTORE_ACCESS_LIVES_ON: u32 = 2;
/// Of a policy: a used refresh value is never answered again.
pub const TOKENSTORE_NO_GRACE: u64 = 18446744073709551615;

/// What holds for every token of a type. Zeros are the defaults.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tokenstore_policy {
    /// sizeof(tokenstore_policy).
    pub struct_size: usize,
    /// 1 to 255 bytes of UTF-8 without control characters.
    pub name: tokenstore_bytes,
    /// What values begin with, before an underscore: 1 to 16 of a-z, 0-9 and _.
    pub prefix: tokenstore_bytes,
    /// How long a token lives whose creation does not say, in ms; 0 is for ever.
    pub default_lifetime_ms: u64,
    /// The longest life of a token, in ms, edits included; 0 is no limit. It needs a default no longer than itself.
    pub max_lifetime_ms: u64,
    /// TOKENSTORE_TYPE_ flags.
    pub flags: u32,
    /// Zero.
    pub reserved: u32,
    /// How often a token can be consumed; 0 is a type that is verified and not consumed.
    pub uses: u32,
    /// With TOKENSTORE_TYPE_FAMILIES: one of TOKENSTORE_ACCESS_.
    pub old_access: u32,
    /// With TOKENSTORE_TYPE_FAMILIES: how long access values live, in ms.
    pub access_lifetime_ms: u64,
    /// The same of refresh values. No member lives longer than its family.
    pub refresh_lifetime_ms: u64,
    /// The same of families.
    pub family_lifetime_ms: u64,
    /// With TOKENSTORE_TYPE_FAMILIES: how long the refresh value before the last refresh gets the same pair again, in ms,
    /// up to a day; 0 is 30,000, TOKENSTORE_NO_GRACE none.
    pub grace_ms: u64,
}

// SAFETY: repr(C), begins with its size, and holds only integers and pointers.
unsafe impl Growing for tokenstore_policy {
    const FIRST_SIZE: usize = 64;
}

/// # Safety
/// The pointers in it are good for their lengths.
unsafe fn policy(given: &tokenstore_policy) -> Outcome<TypePolicy> {
    let tokenstore_policy {
        struct_size: _,
        name,
        prefix,
        default_lifetime_ms,
        max_lifetime_ms,
        flags,
        reserved,
        uses,
        old_access,
        access_lifetime_ms,
        refresh_lifetime_ms,
        family_lifetime_ms,
        grace_ms,
    } = *given;
    input::flags(
        flags,
        TOKENSTORE_TYPE_SHARED_NAMES
            | TOKENSTORE_TYPE_BY_NAME_ONLY
            | TOKENSTORE_TYPE_EXTERNAL
            | TOKENSTORE_TYPE_VOLATILE
            | TOKENSTORE_TYPE_FAMILIES,
    )?;
    input::flags(reserved, 0)?;
    // SAFETY: handed on.
    let (name, prefix) =
        unsafe { (input::text(name.data, name.len)?, input::text(prefix.data, prefix.len)?) };
    let mut policy = TypePolicy::new(name, prefix)
        .unique_names(flags & TOKENSTORE_TYPE_SHARED_NAMES == 0)
        .by_name_only(flags & TOKENSTORE_TYPE_BY_NAME_ONLY != 0)
        .accepts_external(flags & TOKENSTORE_TYPE_EXTERNAL != 0);
    if default_lifetime_ms != 0 {
        policy = policy.default_lifetime(Duration::from_millis(default_lifetime_ms));
    }
    if max_lifetime_ms != 0 {
        policy = policy.max_lifetime(Duration::from_millis(max_lifetime_ms));
    }
    if uses != 0 {
        policy = policy.uses(uses);
    }
    policy = policy.volatile(flags & TOKENSTORE_TYPE_VOLATILE != 0);
    if flags & TOKENSTORE_TYPE_FAMILIES != 0 {
        let ms = Duration::from_millis;
        let families =
            FamilyPolicy::new(ms(access_lifetime_ms), ms(refresh_lifetime_ms), ms(family_lifetime_ms))
                .old_access(match old_access {
                    TOKENSTORE_ACCESS_ENDS_NOW => OldAccess::EndsNow,
                    TOKENSTORE_ACCESS_ENDS_WITH_GRACE => OldAccess::EndsWithGrace,
                    TOKENSTORE_ACCESS_LIVES_ON => OldAccess::LivesOn,
                    _ => {
                        return Err(Failure::invalid(
                            "what becomes of old access tokens is none of the three",
                        ));
                    }
                });
        policy = policy.families(match grace_ms {
            0 => families,
            TOKENSTORE_NO_GRACE => families.grace(Duration::ZERO),
            grace_ms => families.grace(ms(grace_ms)),
        });
    } else if old_access != 0 || access_lifetime_ms | refresh_lifetime_ms | family_lifetime_ms | grace_ms != 0
    {
        return Err(Failure::invalid("something is said of families of a type that has none"));
    }
    Ok(policy)
}

/// A type by the number that the caller gave.
pub(super) fn type_of(number: u32) -> Outcome<TypeId> {
    match u16::try_from(number) {
        Ok(number @ 1..) => Ok(TypeId(number)),
        _ => Err(no_such_type()),
    }
}

fn no_such_type() -> Failure {
    Failure::new(TOKENSTORE_NOT_FOUND, "no such type")
}

/// Declares a type, or finds it if it is declared alike, and writes its number to `*type`. Numbers begin with 1 and stay
/// for the life of the file. TOKENSTORE_TYPE_CONFLICT if the name has another policy or the prefix is another type's.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_type_declare(
    store: *const tokenstore_store,
    policy: *const tokenstore_policy,
    r#type: *mut u32,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    // SAFETY: every pointer is handed on as the caller gave it, to what checks it.
    unsafe {
        guard_change(store, error, || {
            let mut out = input::cleared(r#type, 0)?;
            let policy = self::policy(&input::growing(policy)?)?;
            out.set(u32::from(tokenstore_store::store(store)?.declare(&policy)?.number()));
            Ok(())
        })
    }
}

/// Writes the number of the type of this name to `*type`; TOKENSTORE_NOT_FOUND and 0 if it is not declared.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_type_find(
    store: *const tokenstore_store,
    name: *const u8,
    name_len: usize,
    r#type: *mut u32,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    guard(error, || {
        // SAFETY: as above.
        let (mut out, store, name) = unsafe {
            (input::cleared(r#type, 0)?, tokenstore_store::store(store)?, input::text(name, name_len)?)
        };
        store.alive()?;
        out.set(u32::from(store.find_type(name).ok_or_else(no_such_type)?.number()));
        Ok(())
    })
}

/// Reads a type's policy. Its name and prefix are laid into `buffer`, of which 280 bytes are always enough; a buffer of
/// `*needed` bytes is enough for this type. With a smaller one TOKENSTORE_BUFFER_TOO_SMALL, and only `*needed` says
/// something. Set the policy's struct_size before.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_type_get(
    store: *const tokenstore_store,
    r#type: u32,
    policy: *mut tokenstore_policy,
    buffer: *mut u8,
    capacity: usize,
    needed: *mut usize,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    guard(error, || {
        // SAFETY: as above.
        let (needed, cleared) = unsafe { (input::cleared(needed, 0), input::cleared_growing(policy)) };
        let mut needed = needed?;
        cleared?;
        // SAFETY: as above.
        let store = unsafe { tokenstore_store::store(store) }?;
        store.alive()?;
        let known = store.policy(type_of(r#type)?).ok_or_else(no_such_type)?;
        let mut layout = Layout::new(buffer, capacity);
        let ms = |lifetime: Option<Duration>| lifetime.map_or(0, |lifetime| lifetime.as_millis() as u64);
        let (default, max) = known.lifetimes();
        let families = known.family_policy();
        let lifetimes = families.map(FamilyPolicy::lifetimes);
        let flag = |on: bool, flag: u32| if on { flag } else { 0 };
        let found = tokenstore_policy {
            struct_size: 0,
            name: layout.bytes(known.name().as_bytes()),
            prefix: layout.bytes(known.prefix().as_bytes()),
            default_lifetime_ms: ms(default),
            max_lifetime_ms: ms(max),
            flags: flag(!known.has_unique_names(), TOKENSTORE_TYPE_SHARED_NAMES)
                | flag(known.is_by_name_only(), TOKENSTORE_TYPE_BY_NAME_ONLY)
                | flag(known.takes_external(), TOKENSTORE_TYPE_EXTERNAL)
                | flag(known.is_volatile(), TOKENSTORE_TYPE_VOLATILE)
                | flag(families.is_some(), TOKENSTORE_TYPE_FAMILIES),
            reserved: 0,
            uses: known.use_count().unwrap_or(0),
            old_access: families.map_or(0, |families| families.fate_of_old_access() as u32),
            access_lifetime_ms: ms(lifetimes.map(|(access, _, _)| access)),
            refresh_lifetime_ms: ms(lifetimes.map(|(_, refresh, _)| refresh)),
            family_lifetime_ms: ms(lifetimes.map(|(_, _, family)| family)),
            grace_ms: match families.map(FamilyPolicy::grace_period) {
                Some(Duration::ZERO) => TOKENSTORE_NO_GRACE,
                grace => ms(grace),
            },
        };
        needed.set(layout.needed());
        layout.end()?;
        // SAFETY: as above.
        unsafe { input::grown(policy, &found) }
    })
}
