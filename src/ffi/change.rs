//! Changing tokens.

use super::create::{TOKENSTORE_ALL_PROJECTS, expiry, grants};
use super::error::{Failure, Outcome, tokenstore_error};
use super::handle::{guard_change, tokenstore_store};
use super::input::{self, Growing, tokenstore_bytes};
use super::status::tokenstore_status;
use crate::edit::{Change, Edit, Target};
use crate::error::Result;
use crate::id::Id;
use crate::store::Store;

/// Of a target: the token must have this revision.
pub const TOKENSTORE_CHECK_REVISION: u32 = 1;
/// Of a target: the token must have this owner.
pub const TOKENSTORE_CHECK_OWNER: u32 = 2;

/// A token to act on, with what must hold of it, and who acts why.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tokenstore_target {
    /// sizeof(tokenstore_target).
    pub struct_size: usize,
    /// Its id.
    pub id: [u8; 16],
    /// TOKENSTORE_CHECK_ flags.
    pub flags: u32,
    /// Zero.
    pub reserved: u32,
    /// With TOKENSTORE_CHECK_REVISION: the revision it must have.
    pub revision: u64,
    /// With TOKENSTORE_CHECK_OWNER: the owner it must have; another one answers TOKENSTORE_NOT_FOUND.
    pub owner: tokenstore_bytes,
    /// Who acts, for the events: at most 255 bytes of UTF-8.
    pub by: tokenstore_bytes,
    /// Why, for the events, and with a revocation for the token: at most 255 bytes of UTF-8.
    pub reason: tokenstore_bytes,
}

// SAFETY: repr(C), begins with its size, and holds only integers and pointers.
unsafe impl Growing for tokenstore_target {
    const FIRST_SIZE: usize = 88;
}

/// What a change did.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tokenstore_change {
    /// The token's revision now; 0 if it is gone.
    pub revision: u64,
    /// 1 if anything was changed, 0 if everything was so already.
    pub changed: u32,
    /// Zero.
    pub reserved: u32,
}

/// Of an edit: the name, which is taken away if it is empty.
pub const TOKENSTORE_EDIT_NAME: u32 = 1;
/// Of an edit: the expiry, a time in ms since the Unix epoch, or TOKENSTORE_NEVER.
pub const TOKENSTORE_EDIT_EXPIRES_AT: u32 = 2;
/// Of an edit: the expiry, a time from now in ms.
pub const TOKENSTORE_EDIT_EXPIRES_IN: u32 = 4;
/// Of an edit: the grants, in place of all that there are.
pub const TOKENSTORE_EDIT_GRANTS: u32 = 8;
/// Of an edit: app_data.
pub const TOKENSTORE_EDIT_APP_DATA: u32 = 16;
/// Of an edit: app_word.
pub const TOKENSTORE_EDIT_APP_WORD: u32 = 32;

/// Changes to a token, made in one step. What `fields` does not name stays as it is, and must be zero here.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tokenstore_edit {
    /// sizeof(tokenstore_edit).
    pub struct_size: usize,
    /// TOKENSTORE_EDIT_ flags: what is changed.
    pub fields: u32,
    /// TOKENSTORE_ALL_PROJECTS or 0.
    pub flags: u32,
    /// The name.
    pub name: tokenstore_bytes,
    /// The expiry.
    pub expires_ms: i64,
    /// The projects, each 1 to 64 bytes, at most 1,000, or TOKENSTORE_LIMIT_REACHED.
    pub projects: *const tokenstore_bytes,
    /// How many there are.
    pub project_count: usize,
    /// Your bytes.
    pub app_data: tokenstore_bytes,
    /// Your number.
    pub app_word: u64,
}

// SAFETY: repr(C), begins with its size, and holds only integers and pointers.
unsafe impl Growing for tokenstore_edit {
    const FIRST_SIZE: usize = 80;
}

/// # Safety
/// A pointer that is not null is good for the struct and what it points to.
pub(super) unsafe fn target(target: *const tokenstore_target) -> Outcome<Target> {
    // SAFETY: handed on, here and below.
    let given = unsafe { input::growing(target) }?;
    let tokenstore_target { struct_size: _, id, flags, reserved, revision, owner, by, reason } = given;
    input::flags(flags, TOKENSTORE_CHECK_REVISION | TOKENSTORE_CHECK_OWNER)?;
    input::flags(reserved, 0)?;
    // SAFETY: as above.
    let (owner, by, reason) = unsafe {
        (
            input::bytes(owner.data, owner.len)?,
            input::text(by.data, by.len)?,
            input::text(reason.data, reason.len)?,
        )
    };
    let mut target = Target::new(Id::from_bytes(id)).by(by).reason(reason);
    match (flags & TOKENSTORE_CHECK_REVISION != 0, revision) {
        (true, revision) => target = target.revision(revision),
        (false, 0) => {}
        (false, _) => return Err(unasked()),
    }
    match (flags & TOKENSTORE_CHECK_OWNER != 0, owner.is_empty()) {
        (true, _) => target = target.owner(owner),
        (false, true) => {}
        (false, false) => return Err(unasked()),
    }
    Ok(target)
}

/// A check that was meant and not asked for is no check left out, but an error.
fn unasked() -> Failure {
    Failure::invalid("something is given without the flag that asks for it")
}

/// # Safety
/// As [`target`].
unsafe fn edit(edit: *const tokenstore_edit) -> Outcome<Edit> {
    // SAFETY: handed on, here and below.
    let given = unsafe { input::growing(edit) }?;
    let tokenstore_edit {
        struct_size: _,
        fields,
        flags,
        name,
        expires_ms,
        projects,
        project_count,
        app_data,
        app_word,
    } = given;
    input::flags(
        fields,
        TOKENSTORE_EDIT_NAME
            | TOKENSTORE_EDIT_EXPIRES_AT
            | TOKENSTORE_EDIT_EXPIRES_IN
            | TOKENSTORE_EDIT_GRANTS
            | TOKENSTORE_EDIT_APP_DATA
            | TOKENSTORE_EDIT_APP_WORD,
    )?;
    input::flags(flags, TOKENSTORE_ALL_PROJECTS)?;
    let has = |field: u32| fields & field != 0;
    // SAFETY: as above.
    let (name, app_data, grants) = unsafe {
        (
            input::text(name.data, name.len)?,
            input::bytes(app_data.data, app_data.len)?,
            grants(flags & TOKENSTORE_ALL_PROJECTS != 0, projects, project_count)?,
        )
    };
    let mut edit = Edit::new();
    match (has(TOKENSTORE_EDIT_NAME), name.is_empty()) {
        (true, false) => edit = edit.name(name),
        (true, true) => edit = edit.no_name(),
        (false, true) => {}
        (false, false) => return Err(unasked()),
    }
    if let Some(expiry) =
        expiry(has(TOKENSTORE_EDIT_EXPIRES_AT), has(TOKENSTORE_EDIT_EXPIRES_IN), expires_ms)?
    {
        edit = edit.expires(expiry);
    }
    match (has(TOKENSTORE_EDIT_GRANTS), grants.is_none()) {
        (true, _) => edit = edit.grants(grants),
        (false, true) => {}
        (false, false) => return Err(unasked()),
    }
    match (has(TOKENSTORE_EDIT_APP_DATA), app_data.is_empty()) {
        (true, _) => edit = edit.app_data(app_data),
        (false, true) => {}
        (false, false) => return Err(unasked()),
    }
    match (has(TOKENSTORE_EDIT_APP_WORD), app_word) {
        (true, word) => edit = edit.app_word(word),
        (false, 0) => {}
        (false, _) => return Err(unasked()),
    }
    Ok(edit)
}

/// Runs a change to a token and writes what it did; `change` may be NULL.
///
/// # Safety
/// Pointers are null or good for what they point to.
pub(super) unsafe fn run(
    store: *const tokenstore_store,
    target: *const tokenstore_target,
    change: *mut tokenstore_change,
    error: *mut tokenstore_error,
    act: impl FnOnce(&Store, Target) -> Outcome<Result<Change>>,
) -> tokenstore_status {
    // SAFETY: handed on, as everywhere below.
    unsafe {
        guard_change(store, error, || {
            write(change, || act(tokenstore_store::store(store)?, self::target(target)?))
        })
    }
}

/// # Safety
/// A pointer that is not null may be written.
pub(super) unsafe fn write(
    change: *mut tokenstore_change,
    act: impl FnOnce() -> Outcome<Result<Change>>,
) -> Outcome {
    // SAFETY: handed on.
    let mut out = if change.is_null() { None } else { Some(unsafe { input::out(change) }?) };
    if let Some(out) = &mut out {
        out.set(tokenstore_change { revision: 0, changed: 0, reserved: 0 });
    }
    let Change { changed, revision } = act()??;
    if let Some(mut out) = out {
        out.set(tokenstore_change { revision, changed: u32::from(changed), reserved: 0 });
    }
    Ok(())
}

/// Changes several things of a token in one step: no verify sees one without the others. `change` may be NULL, here and
/// in all calls below. The checks come in this order, and nothing is changed if one fails: TOKENSTORE_NOT_FOUND, also for
/// another owner than the expected one; TOKENSTORE_REVOKED, TOKENSTORE_USED and TOKENSTORE_EXPIRED for a token that is;
/// TOKENSTORE_REVISION_CONFLICT; TOKENSTORE_NAME_TAKEN.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_token_edit(
    store: *const tokenstore_store,
    target: *const tokenstore_target,
    edit: *const tokenstore_edit,
    change: *mut tokenstore_change,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    // SAFETY: every pointer is handed on as the caller gave it, to what checks it.
    unsafe { run(store, target, change, error, |store, target| Ok(store.edit(target, &self::edit(edit)?))) }
}

/// Grants a project of 1 to 64 bytes. No change if the token reaches it already. TOKENSTORE_LIMIT_REACHED at 1,000.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_token_grant(
    store: *const tokenstore_store,
    target: *const tokenstore_target,
    project: *const u8,
    project_len: usize,
    change: *mut tokenstore_change,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    // SAFETY: as in tokenstore_token_edit.
    unsafe {
        run(store, target, change, error, |store, target| {
            Ok(store.grant(target, input::bytes(project, project_len)?))
        })
    }
}

/// Takes a project away. No change if the token does not reach it. TOKENSTORE_GRANT_IS_ALL if it is granted all.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_token_ungrant(
    store: *const tokenstore_store,
    target: *const tokenstore_target,
    project: *const u8,
    project_len: usize,
    change: *mut tokenstore_change,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    // SAFETY: as in tokenstore_token_edit.
    unsafe {
        run(store, target, change, error, |store, target| {
            Ok(store.ungrant(target, input::bytes(project, project_len)?))
        })
    }
}

/// Grants all projects, those to come included, in place of the ones granted one by one.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_token_grant_all(
    store: *const tokenstore_store,
    target: *const tokenstore_target,
    change: *mut tokenstore_change,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    // SAFETY: as in tokenstore_token_edit.
    unsafe { run(store, target, change, error, |store, target| Ok(store.grant_all(target))) }
}

/// Takes all projects away. The token stays, and reaches nothing until it is granted something again.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_token_revoke_grants(
    store: *const tokenstore_store,
    target: *const tokenstore_target,
    change: *mut tokenstore_change,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    // SAFETY: as in tokenstore_token_edit.
    unsafe { run(store, target, change, error, |store, target| Ok(store.revoke_grants(target))) }
}

/// Switches a token off, until it is enabled. It keeps its name.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_token_disable(
    store: *const tokenstore_store,
    target: *const tokenstore_target,
    change: *mut tokenstore_change,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    // SAFETY: as in tokenstore_token_edit.
    unsafe { run(store, target, change, error, |store, target| Ok(store.disable(target))) }
}

/// Switches a token on again.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_token_enable(
    store: *const tokenstore_store,
    target: *const tokenstore_target,
    change: *mut tokenstore_change,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    // SAFETY: as in tokenstore_token_edit.
    unsafe { run(store, target, change, error, |store, target| Ok(store.enable(target))) }
}

/// Revokes a token for good. No verify that begins after this returned accepts it, whatever is returned but
/// TOKENSTORE_NOT_FOUND, TOKENSTORE_REVISION_CONFLICT, TOKENSTORE_BUSY, TOKENSTORE_POISONED and a wrong argument; with
/// TOKENSTORE_OK the revocation is on the disk. A second one changes nothing: the first time and reason stay.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_token_revoke(
    store: *const tokenstore_store,
    target: *const tokenstore_target,
    change: *mut tokenstore_change,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    // SAFETY: as in tokenstore_token_edit.
    unsafe { run(store, target, change, error, |store, target| Ok(store.revoke(target))) }
}

/// Deletes a token: nothing of it stays but its events, and its value is unknown from then on.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_token_delete(
    store: *const tokenstore_store,
    target: *const tokenstore_target,
    change: *mut tokenstore_change,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    // SAFETY: as in tokenstore_token_edit.
    unsafe { run(store, target, change, error, |store, target| Ok(store.delete(target))) }
}

/// Revokes the token with this value. A value that nobody has is a success that changes nothing (RFC 7009, section 2.2).
/// `by` and `reason` are for the events, and may be NULL with 0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_value_revoke(
    store: *const tokenstore_store,
    value: *const u8,
    value_len: usize,
    by: *const u8,
    by_len: usize,
    reason: *const u8,
    reason_len: usize,
    change: *mut tokenstore_change,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    // SAFETY: as in tokenstore_token_edit.
    unsafe {
        guard_change(store, error, || {
            write(change, || {
                let value = input::bytes(value, value_len)?;
                Ok(tokenstore_store::store(store)?.revoke_value(
                    value,
                    input::text(by, by_len)?,
                    input::text(reason, reason_len)?,
                ))
            })
        })
    }
}

/// Takes a project from every live token that was granted it by name, so that a project that comes to have the same id
/// is granted to nobody; `*removed`, which may not be NULL, is from how many. It goes in steps, each a commit; if one
/// fails, calling again goes on. `by` and `reason` are for the events, and may be NULL with 0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_project_remove(
    store: *const tokenstore_store,
    project: *const u8,
    project_len: usize,
    by: *const u8,
    by_len: usize,
    reason: *const u8,
    reason_len: usize,
    removed: *mut u64,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    // SAFETY: as in tokenstore_token_edit.
    unsafe {
        guard_change(store, error, || {
            let mut out = input::cleared(removed, 0)?;
            let project = input::bytes(project, project_len)?;
            out.set(tokenstore_store::store(store)?.remove_project(
                project,
                input::text(by, by_len)?,
                input::text(reason, reason_len)?,
            )?);
            Ok(())
        })
    }
}
