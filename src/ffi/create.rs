//! Making tokens.

use super::error::{Failure, Outcome, tokenstore_error};
use super::handle::{guard_change, tokenstore_store};
use super::input::{self, Growing, Out, tokenstore_bytes};
use super::status::{TOKENSTORE_BUFFER_TOO_SMALL, tokenstore_status};
use super::types::type_of;
use crate::clock::{NEVER_MS, from_ms};
use crate::expiry::Expiry;
use crate::grants::Grants;
use crate::new_token::{CreatedOrExisting, NewToken};
use crate::value::Value;

/// How many bytes a value that the library makes has at most.
pub const TOKENSTORE_VALUE_BYTES: usize = 64;
/// The expiry of a token that never expires.
pub const TOKENSTORE_NEVER: i64 = 9223372036854775807;

/// Of a new token and an edit: the grants are all projects, those to come included.
pub const TOKENSTORE_ALL_PROJECTS: u32 = 1;
/// Of a new token: expires_ms says when it expires. Without it the type's default holds.
pub const TOKENSTORE_EXPIRES_AT: u32 = 2;
/// Of a new token: expires_ms says how long it lives.
pub const TOKENSTORE_EXPIRES_IN: u32 = 4;

/// A token to be made. Zeros are the defaults.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tokenstore_new_token {
    /// sizeof(tokenstore_new_token).
    pub struct_size: usize,
    /// Its type's number.
    pub r#type: u32,
    /// TOKENSTORE_ALL_PROJECTS, and TOKENSTORE_EXPIRES_AT or TOKENSTORE_EXPIRES_IN.
    pub flags: u32,
    /// Whom it is for: 1 to 255 bytes.
    pub owner: tokenstore_bytes,
    /// Its name, 1 to 255 bytes of UTF-8 without control characters; empty is none.
    pub name: tokenstore_bytes,
    /// With TOKENSTORE_EXPIRES_AT a time in ms since the Unix epoch, or TOKENSTORE_NEVER; with TOKENSTORE_EXPIRES_IN a
    /// time from now in ms.
    pub expires_ms: i64,
    /// The projects it reaches, each 1 to 64 bytes, at most 1,000, or TOKENSTORE_LIMIT_REACHED.
    pub projects: *const tokenstore_bytes,
    /// How many there are.
    pub project_count: usize,
    /// What a presenter must also show, 1 to 255 bytes; empty is nothing.
    pub binding: tokenstore_bytes,
    /// Up to 4,096 bytes of your own.
    pub app_data: tokenstore_bytes,
    /// A number of your own, handed back by every verify.
    pub app_word: u64,
    /// Who makes it, for the events: at most 255 bytes of UTF-8.
    pub by: tokenstore_bytes,
    /// The id of the token it hangs on, zeros for none: it expires no later, and dies when that one is revoked or deleted.
    /// A chain of tokens is at most four below its first, or TOKENSTORE_LIMIT_REACHED.
    pub parent: [u8; 16],
}

// SAFETY: repr(C), begins with its size, and holds only integers and pointers.
unsafe impl Growing for tokenstore_new_token {
    const FIRST_SIZE: usize = 128;
}

/// Of a token made: it was made now.
pub const TOKENSTORE_CREATED: u32 = 1;
/// Of a token made: it was there, and its value is not known to the store.
pub const TOKENSTORE_EXISTING: u32 = 2;

/// A token that was made, or found.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tokenstore_created {
    /// Its id.
    pub id: [u8; 16],
    /// Its revision; 0 if it was there.
    pub revision: u64,
    /// TOKENSTORE_CREATED or TOKENSTORE_EXISTING.
    pub outcome: u32,
    /// Zero.
    pub reserved: u32,
}

impl tokenstore_created {
    pub(super) const NONE: tokenstore_created =
        tokenstore_created { id: [0; 16], revision: 0, outcome: 0, reserved: 0 };

    pub(super) fn made(id: crate::Id, revision: u64) -> tokenstore_created {
        tokenstore_created { id: *id.as_bytes(), revision, outcome: TOKENSTORE_CREATED, reserved: 0 }
    }
}

/// The byte strings of an array.
///
/// # Safety
/// A pointer that is not null points to `count` byte strings, each good for its length.
pub(super) unsafe fn strings<'a>(strings: *const tokenstore_bytes, count: usize) -> Outcome<Vec<&'a [u8]>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    if count > crate::MAX_PROJECTS {
        let message = "a token is granted at most 1,000 projects one by one";
        return Err(Failure::new(super::status::TOKENSTORE_LIMIT_REACHED, message));
    }
    if strings.is_null() || !strings.is_aligned() {
        return Err(Failure::invalid("an array is NULL or not aligned, and its length is not 0"));
    }
    // SAFETY: not null, aligned, at most a thousand; the caller promises the rest.
    let strings = unsafe { std::slice::from_raw_parts(strings, count) };
    // SAFETY: handed on.
    strings.iter().map(|string| unsafe { input::bytes(string.data, string.len) }).collect()
}

/// When a token expires, by what the caller gave.
pub(super) fn expiry(at: bool, within: bool, expires_ms: i64) -> Outcome<Option<Expiry>> {
    match (at, within) {
        (true, true) => Err(Failure::invalid("an expiry is at a time or in a time, not both")),
        (true, false) if expires_ms == NEVER_MS => Ok(Some(Expiry::Never)),
        (true, false) if (0..=crate::clock::MAX_EXPIRY_MS).contains(&expires_ms) => {
            Ok(Some(Expiry::At(from_ms(expires_ms))))
        }
        (false, true) if expires_ms > 0 => {
            Ok(Some(Expiry::In(std::time::Duration::from_millis(expires_ms.unsigned_abs()))))
        }
        (false, false) if expires_ms == 0 => Ok(None),
        (false, false) => {
            Err(Failure::invalid("an expiry is given without the flag that says how to take it"))
        }
        _ => Err(Failure::invalid("an expiry is out of range")),
    }
}

/// Grants by what the caller gave.
///
/// # Safety
/// As [`strings`].
pub(super) unsafe fn grants(all: bool, projects: *const tokenstore_bytes, count: usize) -> Outcome<Grants> {
    // SAFETY: handed on.
    let projects = unsafe { strings(projects, count) }?;
    match (all, projects.is_empty()) {
        (true, true) => Ok(Grants::All),
        (true, false) => Err(Failure::invalid("grants are all projects or some, not both")),
        (false, _) => Ok(Grants::projects(projects)),
    }
}

/// # Safety
/// A pointer that is not null is good for the struct and what it points to.
unsafe fn new_token(token: *const tokenstore_new_token) -> Outcome<NewToken> {
    // SAFETY: handed on, here and below.
    let given = unsafe { input::growing(token) }?;
    let tokenstore_new_token {
        struct_size: _,
        r#type,
        flags,
        owner,
        name,
        expires_ms,
        projects,
        project_count,
        binding,
        app_data,
        app_word,
        by,
        parent,
    } = given;
    input::flags(flags, TOKENSTORE_ALL_PROJECTS | TOKENSTORE_EXPIRES_AT | TOKENSTORE_EXPIRES_IN)?;
    let has = |flag: u32| flags & flag != 0;
    // SAFETY: as above.
    unsafe {
        let mut new = NewToken::new(type_of(r#type)?, input::bytes(owner.data, owner.len)?)
            .grants(grants(has(TOKENSTORE_ALL_PROJECTS), projects, project_count)?)
            .app_data(input::bytes(app_data.data, app_data.len)?)
            .app_word(app_word)
            .by(input::text(by.data, by.len)?);
        if name.len > 0 {
            new = new.name(input::text(name.data, name.len)?);
        }
        if binding.len > 0 {
            new = new.binding(input::bytes(binding.data, binding.len)?);
        }
        if parent != [0; 16] {
            new = new.parent(crate::Id::from_bytes(parent));
        }
        if let Some(expiry) = expiry(has(TOKENSTORE_EXPIRES_AT), has(TOKENSTORE_EXPIRES_IN), expires_ms)? {
            new = new.expires(expiry);
        }
        Ok(new)
    }
}

/// Where a new value goes, checked before anything is made.
pub(super) struct ValueOut<'a> {
    bytes: &'a mut [u8],
    len: Out<'a, usize>,
}

impl ValueOut<'_> {
    /// # Safety
    /// Pointers are null or may be written.
    pub(super) unsafe fn new<'a>(value: *mut u8, capacity: usize, len: *mut usize) -> Outcome<ValueOut<'a>> {
        // Not more of it than a value takes.
        let capacity = capacity.min(TOKENSTORE_VALUE_BYTES);
        // SAFETY: handed on.
        let (mut bytes, len) = unsafe { (input::bytes_mut(value, capacity), input::cleared(len, 0)) };
        if let Some(bytes) = &mut bytes {
            bytes.fill(0);
        }
        match (bytes, len?) {
            (Some(bytes), len) if bytes.len() == TOKENSTORE_VALUE_BYTES => Ok(ValueOut { bytes, len }),
            _ => Err(Failure::new(TOKENSTORE_BUFFER_TOO_SMALL, "a value's buffer has at least 64 bytes")),
        }
    }

    pub(super) fn set(&mut self, value: &Value) {
        let value = value.as_bytes();
        self.bytes[..value.len()].copy_from_slice(value);
        self.len.set(value.len());
    }
}

/// Makes a token. Its value is written to `value`, a buffer of at least TOKENSTORE_VALUE_BYTES, and nowhere else; it is
/// ASCII, without a NUL behind it, and `*value_len` bytes long. The token is on the disk when this returns. Wipe the
/// buffer by tokenstore_memzero when the value was handed on.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_token_create(
    store: *const tokenstore_store,
    token: *const tokenstore_new_token,
    value: *mut u8,
    value_capacity: usize,
    value_len: *mut usize,
    created: *mut tokenstore_created,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    // SAFETY: every pointer is handed on as the caller gave it, to what checks it.
    unsafe {
        guard_change(store, error, || {
            let (out, value_out) = (
                input::cleared(created, tokenstore_created::NONE),
                ValueOut::new(value, value_capacity, value_len),
            );
            let (mut out, mut value_out) = (out?, value_out?);
            let made = tokenstore_store::store(store)?.create(&new_token(token)?)?;
            value_out.set(&made.value);
            out.set(tokenstore_created::made(made.id, made.revision));
            Ok(())
        })
    }
}

/// Makes a token unless a live one of its type and owner has its name. `created->outcome` says which; the value of one
/// that was there is not known to the store, and `*value_len` is 0 then. TOKENSTORE_NAME_TAKEN if a token of another type
/// holds the name. The token must have a name, and its type unique names.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_token_create_if_absent(
    store: *const tokenstore_store,
    token: *const tokenstore_new_token,
    value: *mut u8,
    value_capacity: usize,
    value_len: *mut usize,
    created: *mut tokenstore_created,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    // SAFETY: as in tokenstore_token_create.
    unsafe {
        guard_change(store, error, || {
            let (out, value_out) = (
                input::cleared(created, tokenstore_created::NONE),
                ValueOut::new(value, value_capacity, value_len),
            );
            let (mut out, mut value_out) = (out?, value_out?);
            match tokenstore_store::store(store)?.create_if_absent(&new_token(token)?)? {
                CreatedOrExisting::Created(made) => {
                    value_out.set(&made.value);
                    out.set(tokenstore_created::made(made.id, made.revision));
                }
                CreatedOrExisting::Existing(id) => out.set(tokenstore_created {
                    id: *id.as_bytes(),
                    outcome: TOKENSTORE_EXISTING,
                    ..tokenstore_created::NONE
                }),
            }
            Ok(())
        })
    }
}

/// Makes a token whose value was made elsewhere: 16 to 8,192 bytes that nobody can guess. TOKENSTORE_VALUE_EXISTS if the
/// store knows the value.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_token_create_from_value(
    store: *const tokenstore_store,
    token: *const tokenstore_new_token,
    value: *const u8,
    value_len: usize,
    created: *mut tokenstore_created,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    // SAFETY: as in tokenstore_token_create.
    unsafe {
        guard_change(store, error, || {
            let mut out = input::cleared(created, tokenstore_created::NONE)?;
            let made = tokenstore_store::store(store)?
                .create_from_value(&new_token(token)?, input::bytes(value, value_len)?)?;
            out.set(tokenstore_created::made(made.id, made.revision));
            Ok(())
        })
    }
}

/// Makes `count` tokens with few commits. Each is made or refused by itself: `statuses[i]` says which, `created[i]` and
/// the value at `values + i * TOKENSTORE_VALUE_BYTES`, `value_lens[i]` bytes long, belong to `tokens[i]`. All arrays have
/// `count` places, and every token has the same struct_size. Returns TOKENSTORE_OK if all were made, otherwise
/// TOKENSTORE_SOME_REFUSED. With any other answer nothing was made, and every status is TOKENSTORE_SOME_REFUSED.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_token_create_many(
    store: *const tokenstore_store,
    tokens: *const tokenstore_new_token,
    count: usize,
    values: *mut u8,
    value_lens: *mut usize,
    created: *mut tokenstore_created,
    statuses: *mut tokenstore_status,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    // SAFETY: as in tokenstore_token_create.
    unsafe {
        guard_change(store, error, || {
            create_many(store, tokens, count, values, value_lens, created, statuses)
        })
    }
}

/// # Safety
/// The arrays are null or have `count` places.
unsafe fn create_many(
    store: *const tokenstore_store,
    tokens: *const tokenstore_new_token,
    count: usize,
    values: *mut u8,
    value_lens: *mut usize,
    created: *mut tokenstore_created,
    statuses: *mut tokenstore_status,
) -> Outcome {
    if count == 0 {
        // SAFETY: handed on.
        return unsafe { tokenstore_store::store(store) }?.alive().map_err(Failure::from);
    }
    const MOST: usize = isize::MAX as usize / 4096;
    // SAFETY: the first of each array is checked, and none has more places than memory.
    unsafe {
        if count > MOST {
            return Err(Failure::invalid("an array is too long"));
        }
        let (lens, ids, answers) = (
            input::cleared_array(value_lens, count, 0),
            input::cleared_array(created, count, tokenstore_created::NONE),
            input::cleared_array(statuses, count, super::status::TOKENSTORE_SOME_REFUSED),
        );
        if !values.is_null() {
            values.write_bytes(0, count * TOKENSTORE_VALUE_BYTES);
        }
        let (_, mut ids, mut answers) = (lens?, ids?, answers?);
        if values.is_null() {
            return Err(Failure::invalid("an array is NULL"));
        }
        let store = tokenstore_store::store(store)?;
        store.alive()?;
        let size = input::given_size(tokens)?;
        // What each is to become, or why it cannot be tried.
        let mut news = Vec::with_capacity(count);
        for n in 0..count {
            let token = tokens.byte_add(n * size);
            // The size of each tells where the next one is.
            if token.cast::<usize>().read_unaligned() != size {
                return Err(Failure::invalid("the tokens have different sizes"));
            }
            news.push(new_token(token));
        }
        let mut made = store.create_many(news.iter().flatten()).into_iter();
        let mut all = true;
        for (n, new) in news.iter().enumerate() {
            let made = match new {
                Ok(_) => made.next().unwrap_or_else(|| Err(crate::store::mixed_up())).map_err(Failure::from),
                Err(failure) => Err(Failure::new(failure.status(), "")),
            };
            match made {
                Ok(made) => {
                    let place = values.add(n * TOKENSTORE_VALUE_BYTES);
                    let mut value = ValueOut::new(place, TOKENSTORE_VALUE_BYTES, value_lens.add(n))?;
                    value.set(&made.value);
                    ids.at(n).set(tokenstore_created::made(made.id, made.revision));
                    answers.at(n).set(super::status::TOKENSTORE_OK);
                }
                Err(failure) => {
                    all = false;
                    answers.at(n).set(failure.status());
                }
            }
        }
        if all {
            Ok(())
        } else {
            Err(Failure::new(super::status::TOKENSTORE_SOME_REFUSED, "not all tokens were made"))
        }
    }
}
