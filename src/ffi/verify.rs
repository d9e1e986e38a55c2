//! Verifying: the hot path. No allocation, no lock, no error struct.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::error::{Failure, Outcome, tokenstore_error};
use super::handle::{guard, tokenstore_store};
use super::input::{self, Growing};
use super::status::{
    TOKENSTORE_BUFFER_TOO_SMALL, TOKENSTORE_INVALID_ARGUMENT, TOKENSTORE_NOT_FOUND, TOKENSTORE_OK,
    TOKENSTORE_PANIC, TOKENSTORE_SOME_REFUSED, of_status, tokenstore_status,
};
use crate::policy::{MAX_TYPES, TypeId};
use crate::value::of_authorization;
use crate::verdict::{OwnerRef, Query, Verdict};

/// Of a query: accept any type but those accepted by name only. Without it `type` says which.
pub const TOKENSTORE_ANY_TYPE: u32 = 1;
/// Of a query: the token must reach the project.
pub const TOKENSTORE_CHECK_PROJECT: u32 = 2;
/// Of a query: the token must be bound to the binding.
pub const TOKENSTORE_CHECK_BINDING: u32 = 4;
/// Of a query: what is verified is a whole Authorization header value, bare or after Bearer or Token and spaces.
pub const TOKENSTORE_HEADER: u32 = 8;
/// Of a query: answer TOKENSTORE_STALE instead of waiting. Only a verify in a shared store waits, and only the first one
/// after another process's change, or after a fork.
pub const TOKENSTORE_NO_WAIT: u32 = 16;

const _: () = assert!(MAX_TYPES < u16::MAX as usize);

/// What a verify asks for besides the value. Make it once and use it again; nothing in it is changed.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tokenstore_query {
    /// sizeof(tokenstore_query).
    pub struct_size: usize,
    /// The number of the type to accept; 0 with TOKENSTORE_ANY_TYPE.
    pub r#type: u32,
    /// TOKENSTORE_ANY_TYPE, TOKENSTORE_CHECK_PROJECT, TOKENSTORE_CHECK_BINDING, TOKENSTORE_HEADER, TOKENSTORE_NO_WAIT.
    pub flags: u32,
    /// With TOKENSTORE_CHECK_PROJECT: 1 to 64 bytes. Without it NULL.
    pub project: *const u8,
    /// How many.
    pub project_len: usize,
    /// With TOKENSTORE_CHECK_BINDING: 1 to 255 bytes. Without it NULL.
    pub binding: *const u8,
    /// How many.
    pub binding_len: usize,
}

// SAFETY: repr(C), begins with its size, and holds only integers and pointers.
unsafe impl Growing for tokenstore_query {
    const FIRST_SIZE: usize = 48;
}

/// Of a verdict: the token reaches no project at all.
pub const TOKENSTORE_HAS_NO_PROJECTS: u32 = 1;
/// Of a verdict: the token reaches all projects, those to come included.
pub const TOKENSTORE_HAS_ALL_PROJECTS: u32 = 2;
/// Of a verdict: the value was replaced by a newer one and still works for a while.
pub const TOKENSTORE_OLD_VALUE: u32 = 4;

/// The answer of a verify. Zeros allow nothing.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tokenstore_verdict {
    /// 1 with TOKENSTORE_OK, and 0 with everything else.
    pub allowed: u32,
    /// The answer.
    pub status: tokenstore_status,
    /// Who presented the value. This and all that follows is filled in for TOKENSTORE_OK, from TOKENSTORE_REVOKED to
    /// TOKENSTORE_MUST_CONSUME, and for TOKENSTORE_NOT_COUNTED, and zeros otherwise.
    pub id: [u8; 16],
    /// Its owner, for tokenstore_owner.
    pub owner: u64,
    /// Your number.
    pub app_word: u64,
    /// When it expires, in ms since the Unix epoch, or TOKENSTORE_NEVER.
    pub expires_ms: i64,
    /// The store's number of the token's last change.
    pub revision: u64,
    /// Its type's number.
    pub r#type: u32,
    /// TOKENSTORE_HAS_NO_PROJECTS, TOKENSTORE_HAS_ALL_PROJECTS, TOKENSTORE_OLD_VALUE.
    pub flags: u32,
}

impl tokenstore_verdict {
    const NONE: tokenstore_verdict = tokenstore_verdict {
        allowed: 0,
        status: TOKENSTORE_OK,
        id: [0; 16],
        owner: 0,
        app_word: 0,
        expires_ms: 0,
        revision: 0,
        r#type: 0,
        flags: 0,
    };

    /// What an error leaves: its status, and nothing allowed.
    pub(super) fn failed(status: tokenstore_status) -> tokenstore_verdict {
        tokenstore_verdict { status, ..tokenstore_verdict::NONE }
    }
}

impl From<Verdict> for tokenstore_verdict {
    #[inline]
    fn from(verdict: Verdict) -> tokenstore_verdict {
        let status = of_status(verdict.status());
        let Some(who) = verdict.identity() else {
            return tokenstore_verdict::failed(status);
        };
        let flag = |on: bool, flag: u32| if on { flag } else { 0 };
        tokenstore_verdict {
            allowed: u32::from(verdict.allowed()),
            status,
            id: *who.id.as_bytes(),
            owner: who.owner.0,
            app_word: who.app_word,
            expires_ms: who.expires_ms,
            revision: who.revision,
            r#type: u32::from(who.type_id.number()),
            flags: flag(who.no_projects(), TOKENSTORE_HAS_NO_PROJECTS)
                | flag(who.all_projects(), TOKENSTORE_HAS_ALL_PROJECTS)
                | flag(who.old_value(), TOKENSTORE_OLD_VALUE),
        }
    }
}

/// Reads a query into `query`, which is [`Query::any_type`] before; whether values are whole header values. In place: a
/// query is 350 bytes, and to move it costs a verify a tenth of its time.
///
/// # Safety
/// A pointer that is not null is good for the struct and what it points to.
#[inline(always)]
pub(super) unsafe fn read_query(given: *const tokenstore_query, query: &mut Query) -> Outcome<bool> {
    // SAFETY: handed on, here and below.
    let given = unsafe { input::growing(given) }?;
    let tokenstore_query { struct_size: _, r#type, flags, project, project_len, binding, binding_len } =
        given;
    const KNOWN: u32 = TOKENSTORE_ANY_TYPE
        | TOKENSTORE_CHECK_PROJECT
        | TOKENSTORE_CHECK_BINDING
        | TOKENSTORE_HEADER
        | TOKENSTORE_NO_WAIT;
    input::flags(flags, KNOWN)?;
    let has = |flag: u32| flags & flag != 0;
    query.expected = match (has(TOKENSTORE_ANY_TYPE), r#type) {
        (true, 0) => None,
        // A number that no type can have is nobody's type, as one that no type has yet.
        (false, 1..) => Some(TypeId(u16::try_from(r#type).unwrap_or(u16::MAX))),
        _ => return Err(Failure::invalid("a query names a type, or asks for any")),
    };
    // A check that is meant and not asked for, or asked for and not given, is an error and no check left out.
    if has(TOKENSTORE_CHECK_PROJECT) {
        // SAFETY: as above.
        query.set_project(unsafe { input::bytes(project, project_len) }?);
    } else if !project.is_null() || project_len != 0 {
        return Err(Failure::invalid("a project is given, and not asked about"));
    }
    if has(TOKENSTORE_CHECK_BINDING) {
        // SAFETY: as above.
        query.set_binding(unsafe { input::bytes(binding, binding_len) }?);
    } else if !binding.is_null() || binding_len != 0 {
        return Err(Failure::invalid("a binding is given, and not asked about"));
    }
    query.no_wait = has(TOKENSTORE_NO_WAIT);
    Ok(has(TOKENSTORE_HEADER))
}

/// Judges a value: reads memory alone, allocates nothing, waits for nobody, but for the first call in a shared store after
/// another process's change, which reads that change. Returns what `verdict->status` says, which is
/// TOKENSTORE_OK only if the value is accepted. The checks are made in this order, and the first that fails is the
/// answer: TOKENSTORE_MALFORMED, TOKENSTORE_UNKNOWN, TOKENSTORE_REVOKED, TOKENSTORE_SUPERSEDED, TOKENSTORE_USED,
/// TOKENSTORE_EXPIRED, TOKENSTORE_DISABLED, TOKENSTORE_WRONG_TYPE, TOKENSTORE_WRONG_BINDING, TOKENSTORE_NO_GRANT,
/// TOKENSTORE_MUST_REFRESH, TOKENSTORE_MUST_CONSUME. From 100 on it is trouble and no refusal: a service answers 503 to
/// it, and not 401. Every byte counts: nothing is trimmed, unless TOKENSTORE_HEADER is asked for.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_verify(
    store: *const tokenstore_store,
    value: *const u8,
    value_len: usize,
    query: *const tokenstore_query,
    verdict: *mut tokenstore_verdict,
) -> tokenstore_status {
    if verdict.is_null() || !verdict.is_aligned() {
        return TOKENSTORE_INVALID_ARGUMENT;
    }
    let put = |answer: tokenstore_verdict| {
        // SAFETY: not null, aligned, and the caller promises that it may be written.
        unsafe { verdict.write(answer) };
        answer.status
    };
    // The answer is written where it is made: to hand it out first would copy it twice.
    let judge = || -> Outcome<tokenstore_status> {
        let mut asked = Query::any_type();
        // SAFETY: every pointer is handed on as the caller gave it, to what checks it.
        let (store, value, is_header) = unsafe {
            (tokenstore_store::store(store)?, input::bytes(value, value_len)?, read_query(query, &mut asked)?)
        };
        let value = if is_header { of_authorization(value).unwrap_or(b"") } else { value };
        Ok(put(store.verify(value, &asked)?.into()))
    };
    match catch_unwind(AssertUnwindSafe(judge)) {
        Ok(Ok(status)) => status,
        Ok(Err(failure)) => put(tokenstore_verdict::failed(failure.status())),
        Err(_) => put(tokenstore_verdict::failed(TOKENSTORE_PANIC)),
    }
}

/// Judges `count` values by one query and one reading of the clock, at a fraction of the time each. Value `i` lies at
/// `values + i * stride` and is `lens[i]` bytes long, or `stride` bytes if `lens` is NULL. Returns TOKENSTORE_OK if all
/// are allowed, TOKENSTORE_SOME_REFUSED if not, or an error, with which no verdict allows anything. No length may be
/// larger than the stride.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_verify_many(
    store: *const tokenstore_store,
    values: *const u8,
    stride: usize,
    lens: *const usize,
    count: usize,
    query: *const tokenstore_query,
    verdicts: *mut tokenstore_verdict,
) -> tokenstore_status {
    if count == 0 {
        // SAFETY: handed on.
        let alive = || Ok(unsafe { tokenstore_store::store(store) }?.alive()?);
        return guard(std::ptr::null_mut(), alive);
    }
    let possible = count <= isize::MAX as usize / size_of::<tokenstore_verdict>();
    if verdicts.is_null() || !verdicts.is_aligned() || !possible {
        return TOKENSTORE_INVALID_ARGUMENT;
    }
    // SAFETY: not null, aligned, no longer than memory can be; the caller promises `count` places to write. They are
    // written before they are read.
    let verdicts =
        unsafe { std::slice::from_raw_parts_mut(verdicts.cast::<std::mem::MaybeUninit<_>>(), count) };
    let judge = || -> Outcome<usize> {
        let mut asked = Query::any_type();
        // SAFETY: handed on.
        let (store, is_header) = unsafe { (tokenstore_store::store(store)?, read_query(query, &mut asked)?) };
        let all = count.checked_mul(stride).ok_or_else(|| Failure::invalid("a stride is too large"))?;
        // SAFETY: handed on: the values lie in `count * stride` bytes.
        let values = unsafe { input::bytes(values, all) }?;
        let lens = if lens.is_null() {
            None
        } else if lens.is_aligned() {
            // SAFETY: not null, aligned; `count` was checked for something larger.
            Some(unsafe { std::slice::from_raw_parts(lens, count) })
        } else {
            return Err(Failure::invalid("a pointer is not aligned"));
        };
        if lens.is_some_and(|lens| lens.iter().any(|len| *len > stride)) {
            return Err(Failure::invalid("a length is larger than the stride"));
        }
        let value = |n: usize| {
            let value = &values[n * stride..][..lens.map_or(stride, |lens| lens[n])];
            if is_header { of_authorization(value).unwrap_or(b"") } else { value }
        };
        let allowed = store.verify_each(count, value, &asked, |n, verdict| {
            verdicts[n].write(tokenstore_verdict::from(verdict));
        })?;
        Ok(allowed)
    };
    let failed = match catch_unwind(AssertUnwindSafe(judge)) {
        Ok(Ok(allowed)) if allowed == count => return TOKENSTORE_OK,
        Ok(Ok(_)) => return TOKENSTORE_SOME_REFUSED,
        Ok(Err(failure)) => failure.status(),
        Err(_) => TOKENSTORE_PANIC,
    };
    for verdict in verdicts {
        verdict.write(tokenstore_verdict::failed(failed));
    }
    failed
}

/// Copies the bytes of an owner whom a verdict refers to: at most 255, so that a buffer of 255 is always enough.
/// `*owner_len` is their number. TOKENSTORE_NOT_FOUND if the owner's last token was deleted since the verify, or
/// if another process or another opening made it;
/// TOKENSTORE_BUFFER_TOO_SMALL, with the length that it needs.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_owner(
    store: *const tokenstore_store,
    owner: u64,
    buffer: *mut u8,
    capacity: usize,
    owner_len: *mut usize,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    guard(error, || {
        // SAFETY: handed on.
        let (mut len, store) = unsafe { (input::cleared(owner_len, 0)?, tokenstore_store::store(store)?) };
        let found = store.owner(OwnerRef(owner))?;
        let found =
            found.ok_or_else(|| Failure::new(TOKENSTORE_NOT_FOUND, "the owner has no token any more"))?;
        len.set(found.len());
        // SAFETY: handed on.
        match unsafe { input::bytes_mut(buffer, capacity.min(crate::MAX_OWNER_BYTES)) } {
            Some(buffer) if buffer.len() >= found.len() => {
                buffer[..found.len()].copy_from_slice(&found);
                Ok(())
            }
            _ => Err(Failure::new(TOKENSTORE_BUFFER_TOO_SMALL, "the buffer is too small")),
        }
    })
}
