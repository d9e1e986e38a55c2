//! Tickets, pairs, rotation, and what ends many tokens at once.

use super::change::{run, target, tokenstore_change, tokenstore_target, write};
use super::create::{TOKENSTORE_ALL_PROJECTS, TOKENSTORE_VALUE_BYTES, ValueOut, grants, tokenstore_created};
use super::error::{Failure, Outcome, tokenstore_error};
use super::handle::{guard_change, tokenstore_store};
use super::input::{self, Growing, tokenstore_bytes};
use super::status::{TOKENSTORE_BUFFER_TOO_SMALL, of_status, tokenstore_status};
use super::types::type_of;
use super::verify::{read_query, tokenstore_query, tokenstore_verdict};
use crate::clock::to_ms;
use crate::pair::{NewPair, Pair, PairValues, Refresh};
use crate::value::{Value, of_authorization};
use crate::verdict::Query;

/// How many bytes app_data has at most.
pub const TOKENSTORE_APP_DATA_BYTES: usize = 4096;
/// Of a new pair: whoever presents an access value must show the binding, too.
pub const TOKENSTORE_BIND_ACCESS: u32 = 2;
/// Of a pair: it is a family's first.
pub const TOKENSTORE_ISSUED: u32 = 1;
/// Of a pair: it is the next of its family.
pub const TOKENSTORE_ROTATED: u32 = 2;
/// Of a pair: the refresh value got it before, and gets it again, byte for byte.
pub const TOKENSTORE_REPLAYED: u32 = 3;

/// A family to be made, with its first pair. Zeros are the defaults.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tokenstore_new_pair {
    /// sizeof(tokenstore_new_pair).
    pub struct_size: usize,
    /// The number of the type of access values.
    pub access_type: u32,
    /// The number of the type of refresh values, one with TOKENSTORE_TYPE_FAMILIES.
    pub refresh_type: u32,
    /// TOKENSTORE_ALL_PROJECTS, TOKENSTORE_BIND_ACCESS.
    pub flags: u32,
    /// Zero.
    pub reserved: u32,
    /// Whom it is for: 1 to 255 bytes.
    pub owner: tokenstore_bytes,
    /// What whoever refreshes must show, 1 to 255 bytes: the client's id, in the form that you always use.
    pub binding: tokenstore_bytes,
    /// A name for people, which need not be unique; empty is none.
    pub name: tokenstore_bytes,
    /// The projects that access values reach, each 1 to 64 bytes, at most 1,000.
    pub projects: *const tokenstore_bytes,
    /// How many there are.
    pub project_count: usize,
    /// Up to 4,096 bytes of your own.
    pub app_data: tokenstore_bytes,
    /// A number of your own, handed back by every verify.
    pub app_word: u64,
    /// Who makes it, for the events: at most 255 bytes of UTF-8.
    pub by: tokenstore_bytes,
}

// SAFETY: repr(C), begins with its size, and holds only integers and pointers.
unsafe impl Growing for tokenstore_new_pair {
    const FIRST_SIZE: usize = 128;
}

/// Values of your own for a pair, such as a JWT; empty ones are made. 16 to 8,192 bytes each, of types with
/// TOKENSTORE_TYPE_EXTERNAL.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tokenstore_pair_values {
    /// sizeof(tokenstore_pair_values).
    pub struct_size: usize,
    /// The access value.
    pub access: tokenstore_bytes,
    /// The refresh value.
    pub refresh: tokenstore_bytes,
}

// SAFETY: repr(C), begins with its size, and holds only integers and pointers.
unsafe impl Growing for tokenstore_pair_values {
    const FIRST_SIZE: usize = 40;
}

/// A pair that was made, or handed out again. Set struct_size, the two buffers and their capacities before the call:
/// each has room for TOKENSTORE_VALUE_BYTES at least, and for the value of your own if there is one.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tokenstore_pair {
    /// sizeof(tokenstore_pair); set it before the call.
    pub struct_size: usize,
    /// Where the access value goes; set it before the call.
    pub access: *mut u8,
    /// How much room there is; set it before the call.
    pub access_capacity: usize,
    /// Where the refresh value goes; set it before the call.
    pub refresh: *mut u8,
    /// How much room there is; set it before the call.
    pub refresh_capacity: usize,
    /// How long the access value is.
    pub access_len: usize,
    /// How long the refresh value is.
    pub refresh_len: usize,
    /// The family.
    pub family: [u8; 16],
    /// The access value's token.
    pub access_id: [u8; 16],
    /// The refresh value's token.
    pub refresh_id: [u8; 16],
    /// When the access value expires, in ms since the Unix epoch.
    pub access_expires_ms: i64,
    /// When the refresh value expires.
    pub refresh_expires_ms: i64,
    /// The store's number of the change that made the pair.
    pub revision: u64,
    /// TOKENSTORE_ISSUED, TOKENSTORE_ROTATED or TOKENSTORE_REPLAYED.
    pub outcome: u32,
    /// Zero.
    pub reserved: u32,
}

// SAFETY: repr(C), begins with its size, and holds only integers and pointers.
unsafe impl Growing for tokenstore_pair {
    const FIRST_SIZE: usize = 136;
}

/// Where a pair goes.
struct PairOut<'a> {
    place: *mut tokenstore_pair,
    given: tokenstore_pair,
    access: &'a mut [u8],
    refresh: &'a mut [u8],
}

impl PairOut<'_> {
    /// Checks and clears it.
    ///
    /// # Safety
    /// A pointer that is not null points to `struct_size` bytes that may be written, and its buffers to what they say.
    unsafe fn new<'a>(place: *mut tokenstore_pair, own: &PairValues<'_>) -> Outcome<PairOut<'a>> {
        // What comes out may hold anything before: only the size and the buffers are read.
        // SAFETY: handed on, here and below.
        let given = unsafe { input::growing(place) }?;
        let (access, refresh) = unsafe {
            (
                input::bytes_mut(given.access, given.access_capacity.min(crate::MAX_VALUE_BYTES)),
                input::bytes_mut(given.refresh, given.refresh_capacity.min(crate::MAX_VALUE_BYTES)),
            )
        };
        let nothing = tokenstore_pair {
            access_len: 0,
            refresh_len: 0,
            family: [0; 16],
            access_id: [0; 16],
            refresh_id: [0; 16],
            access_expires_ms: 0,
            refresh_expires_ms: 0,
            revision: 0,
            outcome: 0,
            reserved: 0,
            ..given
        };
        unsafe { input::grown(place, &nothing) }?;
        let room = |mut buffer: Option<&'a mut [u8]>, own: Option<&[u8]>| {
            // A longer value is refused for what it is, whatever room there is.
            let least = TOKENSTORE_VALUE_BYTES.max(own.map_or(0, <[u8]>::len)).min(crate::MAX_VALUE_BYTES);
            if let Some(buffer) = &mut buffer {
                buffer.fill(0);
            }
            buffer.filter(|buffer| buffer.len() >= least).ok_or_else(too_small)
        };
        let (access, refresh) = (room(access, own.access), room(refresh, own.refresh));
        Ok(PairOut { place, given: nothing, access: access?, refresh: refresh? })
    }

    /// Writes a pair.
    ///
    /// # Safety
    /// As [`new`](PairOut::new).
    unsafe fn set(self, pair: &Pair, outcome: u32) -> Outcome {
        let laid = tokenstore_pair {
            access_len: pair.access.value.as_bytes().len(),
            refresh_len: pair.refresh.value.as_bytes().len(),
            family: *pair.family.as_bytes(),
            access_id: *pair.access.id.as_bytes(),
            refresh_id: *pair.refresh.id.as_bytes(),
            access_expires_ms: to_ms(pair.access.expires),
            refresh_expires_ms: to_ms(pair.refresh.expires),
            revision: pair.revision,
            outcome,
            ..self.given
        };
        let put = |buffer: &mut [u8], value: &Value| match buffer.get_mut(..value.as_bytes().len()) {
            Some(place) => {
                place.copy_from_slice(value.as_bytes());
                Ok(())
            }
            None => Err(too_small()),
        };
        let room = |buffer: &[u8], value: &Value| buffer.len() >= value.as_bytes().len();
        if !room(self.access, &pair.access.value) || !room(self.refresh, &pair.refresh.value) {
            let needed =
                tokenstore_pair { access_len: laid.access_len, refresh_len: laid.refresh_len, ..self.given };
            // SAFETY: handed on.
            unsafe { input::grown(self.place, &needed) }?;
            return Err(too_small());
        }
        put(self.access, &pair.access.value)?;
        put(self.refresh, &pair.refresh.value)?;
        // SAFETY: handed on.
        unsafe { input::grown(self.place, &laid) }
    }
}

fn too_small() -> Failure {
    Failure::new(
        TOKENSTORE_BUFFER_TOO_SMALL,
        "a value's buffer has at least 64 bytes, and room for the value",
    )
}

/// # Safety
/// A pointer that is not null is good for the struct and what it points to.
unsafe fn own_values<'a>(values: *const tokenstore_pair_values) -> Outcome<PairValues<'a>> {
    if values.is_null() {
        return Ok(PairValues::default());
    }
    // SAFETY: handed on.
    let tokenstore_pair_values { struct_size: _, access, refresh } = unsafe { input::growing(values) }?;
    // SAFETY: handed on.
    let own = |value: tokenstore_bytes| -> Outcome<Option<&'a [u8]>> {
        let bytes = unsafe { input::bytes(value.data, value.len) }?;
        Ok((!bytes.is_empty()).then_some(bytes))
    };
    Ok(PairValues { access: own(access)?, refresh: own(refresh)? })
}

/// # Safety
/// A pointer that is not null is good for the struct and what it points to.
unsafe fn new_pair(pair: *const tokenstore_new_pair) -> Outcome<NewPair> {
    // SAFETY: handed on, here and below.
    let given = unsafe { input::growing(pair) }?;
    let tokenstore_new_pair {
        struct_size: _,
        access_type,
        refresh_type,
        flags,
        reserved,
        owner,
        binding,
        name,
        projects,
        project_count,
        app_data,
        app_word,
        by,
    } = given;
    input::flags(flags, TOKENSTORE_ALL_PROJECTS | TOKENSTORE_BIND_ACCESS)?;
    input::flags(reserved, 0)?;
    // SAFETY: as above.
    unsafe {
        let mut new = NewPair::new(
            type_of(access_type)?,
            type_of(refresh_type)?,
            input::bytes(owner.data, owner.len)?,
            input::bytes(binding.data, binding.len)?,
        )
        .bind_access(flags & TOKENSTORE_BIND_ACCESS != 0)
        .grants(grants(flags & TOKENSTORE_ALL_PROJECTS != 0, projects, project_count)?)
        .app_data(input::bytes(app_data.data, app_data.len)?)
        .app_word(app_word)
        .by(input::text(by.data, by.len)?);
        if name.len > 0 {
            new = new.name(input::text(name.data, name.len)?);
        }
        Ok(new)
    }
}

/// Spends a use of a value, if a verify would admit it: exactly one consume wins each use. Returns what
/// `verdict->status` says: TOKENSTORE_OK if a use was spent, TOKENSTORE_USED to the losers of the last one,
/// TOKENSTORE_NOT_COUNTED for a token without a use count, and otherwise what a verify answers; a refusal spends nothing.
/// The use is on the disk when this returns, unless the type is TOKENSTORE_TYPE_VOLATILE. With an error there is no
/// access; with TOKENSTORE_COMMIT_UNKNOWN the use may be gone. With TOKENSTORE_OK the token's app_data lies in `app_data`,
/// a buffer of TOKENSTORE_APP_DATA_BYTES, or NULL with 0 for no such bytes; `*app_data_len` is how many there are, and
/// `*uses_left` how many uses. `app_data_len` and `uses_left` may be NULL.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_consume(
    store: *const tokenstore_store,
    value: *const u8,
    value_len: usize,
    query: *const tokenstore_query,
    verdict: *mut tokenstore_verdict,
    app_data: *mut u8,
    app_data_capacity: usize,
    app_data_len: *mut usize,
    uses_left: *mut u32,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    let mut answer = tokenstore_verdict::failed(super::status::TOKENSTORE_INVALID_ARGUMENT);
    // SAFETY: every pointer is handed on as the caller gave it, to what checks it.
    let status = unsafe {
        guard_change(store, error, || {
            let verdict = input::out(verdict).map(drop);
            let len = (!app_data_len.is_null()).then(|| input::cleared(app_data_len, 0)).transpose();
            let left = (!uses_left.is_null()).then(|| input::cleared(uses_left, 0)).transpose();
            verdict?;
            let (mut len, mut left) = (len?, left?);
            let room = input::bytes_mut(app_data, app_data_capacity.min(TOKENSTORE_APP_DATA_BYTES));
            let room = match (app_data.is_null(), room) {
                (true, _) if app_data_capacity == 0 => None,
                (false, Some(room)) if room.len() == TOKENSTORE_APP_DATA_BYTES => Some(room),
                _ => {
                    let message = "a buffer for app_data has 4,096 bytes";
                    return Err(Failure::new(TOKENSTORE_BUFFER_TOO_SMALL, message));
                }
            };
            let mut asked = Query::any_type();
            let is_header = read_query(query, &mut asked)?;
            let value = input::bytes(value, value_len)?;
            let value = if is_header { of_authorization(value).unwrap_or(b"") } else { value };
            let consumed = tokenstore_store::store(store)?.consume(value, &asked)?;
            answer = consumed.verdict.into();
            if consumed.verdict.allowed() {
                let data = consumed.app_data.unwrap_or_default();
                if let Some(place) = room.and_then(|room| room.get_mut(..data.len())) {
                    place.copy_from_slice(&data);
                }
                if let Some(len) = &mut len {
                    len.set(data.len());
                }
                if let (Some(left), Some(uses)) = (&mut left, consumed.uses_left) {
                    left.set(uses);
                }
                return Ok(());
            }
            Err(Failure::new(of_status(consumed.verdict.status()), "the value is refused"))
        })
    };
    if answer.status != status {
        answer = tokenstore_verdict::failed(status);
    }
    // SAFETY: handed on; it checks the pointer.
    if let Ok(mut out) = unsafe { input::out(verdict) } {
        out.set(answer);
    }
    status
}

/// Makes a family and its first pair: an access value, which verifies, and a refresh value, which gets the next pair.
/// `values` may be NULL. The pair is on the disk when this returns. Wipe the buffers when the values were handed on.
/// TOKENSTORE_NOT_FOUND if a type is not declared, TOKENSTORE_VALUE_EXISTS for a value of your own that the store knows.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_pair_issue(
    store: *const tokenstore_store,
    new_pair: *const tokenstore_new_pair,
    values: *const tokenstore_pair_values,
    pair: *mut tokenstore_pair,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    // SAFETY: every pointer is handed on as the caller gave it, to what checks it.
    unsafe {
        guard_change(store, error, || {
            let values = own_values(values);
            let out = PairOut::new(pair, values.as_ref().unwrap_or(&PairValues::default()))?;
            let (values, new) = (values?, self::new_pair(new_pair)?);
            let issued = tokenstore_store::store(store)?.issue_pair_from_values(&new, values)?;
            out.set(&issued, TOKENSTORE_ISSUED)
        })
    }
}

/// Uses a refresh value for the next pair. `binding` is what the family was made with. `pair->outcome` says
/// TOKENSTORE_ROTATED to exactly one; within the grace every other refresh of the same value is TOKENSTORE_REPLAYED, with
/// the same pair, also after a crash: whoever lost the reply asks again. A value that is used later than that, or two
/// generations back, is TOKENSTORE_REUSED, and its family revoked. What is refused otherwise changes nothing:
/// TOKENSTORE_MALFORMED, TOKENSTORE_UNKNOWN, TOKENSTORE_WRONG_TYPE for what is no refresh value, TOKENSTORE_REVOKED,
/// TOKENSTORE_EXPIRED for a family whose time is over, TOKENSTORE_DISABLED, TOKENSTORE_WRONG_BINDING, TOKENSTORE_EXPIRED for
/// a value whose own time is over, in this order. `values` are your own for the next pair, or NULL; `by` is for the events,
/// and may be NULL with 0. If the values of a pair that is replayed do not fit, TOKENSTORE_BUFFER_TOO_SMALL, and the pair's
/// lengths say what they need.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_pair_refresh(
    store: *const tokenstore_store,
    value: *const u8,
    value_len: usize,
    binding: *const u8,
    binding_len: usize,
    values: *const tokenstore_pair_values,
    by: *const u8,
    by_len: usize,
    pair: *mut tokenstore_pair,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    // SAFETY: as in tokenstore_pair_issue.
    unsafe {
        guard_change(store, error, || {
            let values = own_values(values);
            let out = PairOut::new(pair, values.as_ref().unwrap_or(&PairValues::default()))?;
            let (value, binding) = (input::bytes(value, value_len)?, input::bytes(binding, binding_len)?);
            let by = input::text(by, by_len)?;
            let store = tokenstore_store::store(store)?;
            match store.refresh_to_values(value, binding, values?, by)? {
                Refresh::Rotated(pair) => out.set(&pair, TOKENSTORE_ROTATED),
                Refresh::Replayed(pair) => out.set(&pair, TOKENSTORE_REPLAYED),
                Refresh::Refused(status) => {
                    Err(Failure::new(of_status(status), "the refresh value is refused"))
                }
            }
        })
    }
}

/// Revokes a family, `target->id` being the family's, whatever its size: when this returned, nothing of it verifies or
/// refreshes. TOKENSTORE_NOT_FOUND.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_family_revoke(
    store: *const tokenstore_store,
    target: *const tokenstore_target,
    change: *mut tokenstore_change,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    // SAFETY: as in tokenstore_pair_issue.
    unsafe { run(store, target, change, error, |store, target| Ok(store.revoke_family(target))) }
}

/// Revokes all that an owner has so far, or all of the type with this number, 0 being all: tokens, and families that hold
/// or issue that type. However much that is, it takes one change; what is made afterwards is good. `by` and `reason` are for
/// the events, and may be NULL with 0. TOKENSTORE_NOT_FOUND if the type is not declared.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_owner_revoke(
    store: *const tokenstore_store,
    owner: *const u8,
    owner_len: usize,
    r#type: u32,
    by: *const u8,
    by_len: usize,
    reason: *const u8,
    reason_len: usize,
    change: *mut tokenstore_change,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    // SAFETY: as in tokenstore_pair_issue.
    unsafe {
        guard_change(store, error, || {
            write(change, || {
                let owner = input::bytes(owner, owner_len)?;
                let (by, reason) = (input::text(by, by_len)?, input::text(reason, reason_len)?);
                let type_id = if r#type == 0 { None } else { Some(type_of(r#type)?) };
                Ok(tokenstore_store::store(store)?.revoke_owner(owner, type_id, by, reason))
            })
        })
    }
}

/// Gives a token another value, written to `value` as by tokenstore_token_create; id, name, grants and owner stay, app_data
/// is cleared. The value before works for `grace_ms` more, up to its expiry, with TOKENSTORE_OLD_VALUE in the verdict;
/// then it is TOKENSTORE_SUPERSEDED. One value before is remembered: rotating again ends it at once.
/// TOKENSTORE_INVALID_ARGUMENT for refresh values, tokens with a use count, and a grace of more than 557 years.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_token_rotate(
    store: *const tokenstore_store,
    target: *const tokenstore_target,
    grace_ms: u64,
    value: *mut u8,
    value_capacity: usize,
    value_len: *mut usize,
    created: *mut tokenstore_created,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    // SAFETY: as in tokenstore_pair_issue.
    unsafe {
        guard_change(store, error, || {
            let (out, value_out) = (
                input::cleared(created, tokenstore_created::NONE),
                ValueOut::new(value, value_capacity, value_len),
            );
            let (mut out, mut value_out) = (out?, value_out?);
            let target = self::target(target)?;
            let grace = std::time::Duration::from_millis(grace_ms);
            let rotated = tokenstore_store::store(store)?.rotate(target, grace)?;
            value_out.set(&rotated.value);
            out.set(tokenstore_created::made(rotated.id, rotated.revision));
            Ok(())
        })
    }
}

/// Takes out tokens that are dead since before `dead_before_ms`, of the years 0 to 9999, at most `at_most`, which is 1
/// or more; `*removed`, which may not be
/// NULL, is how many. Nothing that it takes out turns a refusal into TOKENSTORE_OK. Refresh values stay while their family
/// lives, and parents that are not revoked while anything hangs on them.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_prune(
    store: *const tokenstore_store,
    dead_before_ms: i64,
    at_most: u64,
    removed: *mut u64,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    // SAFETY: as in tokenstore_pair_issue.
    unsafe {
        guard_change(store, error, || {
            let mut out = input::cleared(removed, 0)?;
            let most = usize::try_from(at_most).unwrap_or(usize::MAX);
            let before = super::open::time_of(dead_before_ms)?;
            out.set(tokenstore_store::store(store)?.prune(before, most)?);
            Ok(())
        })
    }
}
