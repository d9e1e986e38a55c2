//! Reading tokens, lists, events and figures.

use super::change::TOKENSTORE_CHECK_OWNER;
use super::error::{Failure, Outcome, tokenstore_error};
use super::handle::{Control, Kind, guard, tokenstore_store};
use super::input::{self, Growing, tokenstore_bytes};
use super::open::time_of;
use super::output::Layout;
use super::status::{
    TOKENSTORE_DISABLED, TOKENSTORE_END, TOKENSTORE_EXPIRED, TOKENSTORE_OK, TOKENSTORE_REVOKED,
    TOKENSTORE_SUPERSEDED, TOKENSTORE_USED, tokenstore_status,
};
use super::types::type_of;
use super::verify::{TOKENSTORE_HAS_ALL_PROJECTS, TOKENSTORE_HAS_NO_PROJECTS};
use crate::clock::{NEVER_MS, to_ms};
use crate::error::Error;
use crate::event::EventDetail;
use crate::filter::Filter;
use crate::grants::Grants;
use crate::id::Id;
use crate::token::{State, Token};

/// Of a token read: a presenter must show a binding.
pub const TOKENSTORE_IS_BOUND: u32 = 8;
/// Of a token read: it is switched off, in whatever state it is.
pub const TOKENSTORE_IS_DISABLED: u32 = 16;
/// Of a token read: it has a use count, and uses_left says something.
pub const TOKENSTORE_IS_COUNTED: u32 = 32;
/// Of a token read: its value refreshes.
pub const TOKENSTORE_REFRESHES: u32 = 64;

/// A token as the store keeps it. Its value is not here, nor any hash of it. What it points to lies in the buffer that
/// was given with it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tokenstore_token {
    /// sizeof(tokenstore_token); set it before the call.
    pub struct_size: usize,
    /// Its id.
    pub id: [u8; 16],
    /// Its type's number.
    pub r#type: u32,
    /// What it is now: TOKENSTORE_OK, TOKENSTORE_REVOKED, TOKENSTORE_SUPERSEDED, TOKENSTORE_USED, TOKENSTORE_EXPIRED or
    /// TOKENSTORE_DISABLED, the first that fits.
    pub state: tokenstore_status,
    /// TOKENSTORE_HAS_NO_PROJECTS, TOKENSTORE_HAS_ALL_PROJECTS, TOKENSTORE_IS_BOUND, TOKENSTORE_IS_DISABLED,
    /// TOKENSTORE_IS_COUNTED, TOKENSTORE_REFRESHES.
    pub flags: u32,
    /// Zero.
    pub reserved: u32,
    /// When it was made, in ms since the Unix epoch.
    pub created_ms: i64,
    /// When it expires, or TOKENSTORE_NEVER.
    pub expires_ms: i64,
    /// When it was last accepted, to within the store's resolution, or TOKENSTORE_NEVER.
    pub last_used_ms: i64,
    /// When it was revoked itself, or TOKENSTORE_NEVER.
    pub revoked_ms: i64,
    /// Your number.
    pub app_word: u64,
    /// The store's number of its last change.
    pub revision: u64,
    /// Its owner.
    pub owner: tokenstore_bytes,
    /// Its name; empty is none.
    pub name: tokenstore_bytes,
    /// Why it was revoked; may be empty.
    pub reason: tokenstore_bytes,
    /// Your bytes.
    pub app_data: tokenstore_bytes,
    /// The projects that it is granted one by one, ascending.
    pub projects: *const tokenstore_bytes,
    /// How many there are.
    pub project_count: usize,
    /// How often it can still be consumed.
    pub uses_left: u32,
    /// Zero.
    pub reserved_2: u32,
    /// The token it hangs on; zeros for none.
    pub parent: [u8; 16],
    /// The family it is a member of; zeros for none.
    pub family: [u8; 16],
    /// Until when the value before its last rotation works, or worked; TOKENSTORE_NEVER if it was not rotated.
    pub old_value_until_ms: i64,
    /// When that value was last accepted since the rotation, to within the store's resolution, or TOKENSTORE_NEVER.
    pub old_value_used_ms: i64,
}

// SAFETY: repr(C), begins with its size, and holds only integers and pointers.
unsafe impl Growing for tokenstore_token {
    const FIRST_SIZE: usize = 168;
}

fn of_state(state: State) -> tokenstore_status {
    match state {
        State::Active => TOKENSTORE_OK,
        State::Revoked => TOKENSTORE_REVOKED,
        State::Superseded => TOKENSTORE_SUPERSEDED,
        State::Used => TOKENSTORE_USED,
        State::Expired => TOKENSTORE_EXPIRED,
        State::Disabled => TOKENSTORE_DISABLED,
    }
}

/// Lays a token out.
fn lay(token: &Token, layout: &mut Layout) -> tokenstore_token {
    let flag = |on: bool, flag: u32| if on { flag } else { 0 };
    let owner = layout.bytes(&token.owner);
    let name = layout.bytes(token.name.as_deref().unwrap_or("").as_bytes());
    let revocation = token.revocation.as_ref();
    let reason = layout.bytes(revocation.map_or("", |revocation| &revocation.reason).as_bytes());
    let app_data = layout.bytes(&token.app_data);
    let projects: Vec<tokenstore_bytes> = match &token.grants {
        Grants::All => Vec::new(),
        Grants::Projects(projects) => projects.iter().map(|project| layout.bytes(project)).collect(),
    };
    tokenstore_token {
        struct_size: 0,
        id: *token.id.as_bytes(),
        r#type: u32::from(token.type_id.number()),
        state: of_state(token.state),
        flags: flag(token.grants.is_none(), TOKENSTORE_HAS_NO_PROJECTS)
            | flag(token.grants == Grants::All, TOKENSTORE_HAS_ALL_PROJECTS)
            | flag(token.bound, TOKENSTORE_IS_BOUND)
            | flag(token.disabled, TOKENSTORE_IS_DISABLED)
            | flag(token.uses_left.is_some(), TOKENSTORE_IS_COUNTED)
            | flag(token.refreshes, TOKENSTORE_REFRESHES),
        reserved: 0,
        created_ms: to_ms(token.created),
        expires_ms: token.expires.map_or(NEVER_MS, to_ms),
        last_used_ms: token.last_used.map_or(NEVER_MS, to_ms),
        revoked_ms: revocation.map_or(NEVER_MS, |revocation| to_ms(revocation.at)),
        app_word: token.app_word,
        revision: token.revision,
        owner,
        name,
        reason,
        app_data,
        projects: layout.array(&projects),
        project_count: projects.len(),
        uses_left: token.uses_left.unwrap_or(0),
        reserved_2: 0,
        parent: token.parent.map_or([0; 16], |id| *id.as_bytes()),
        family: token.family.map_or([0; 16], |id| *id.as_bytes()),
        old_value_until_ms: token.old_value.map_or(NEVER_MS, |old| to_ms(old.until)),
        old_value_used_ms: token.old_value.and_then(|old| old.last_used).map_or(NEVER_MS, to_ms),
    }
}

/// Writes a token and what it points to.
///
/// # Safety
/// Pointers are null or good for what they point to.
unsafe fn write_token(
    found: &Token,
    token: *mut tokenstore_token,
    buffer: *mut u8,
    capacity: usize,
    needed: *mut usize,
) -> Outcome {
    let mut layout = Layout::new(buffer, capacity);
    let laid = lay(found, &mut layout);
    // SAFETY: handed on.
    unsafe {
        input::out(needed)?.set(layout.needed());
        layout.end()?;
        input::grown(token, &laid)
    }
}

/// Reads the token with this id of 16 bytes. Set `token->struct_size` before. Its strings are laid into `buffer`; one of
/// `*needed` bytes is enough. With a smaller one TOKENSTORE_BUFFER_TOO_SMALL, and only `*needed` says something.
/// TOKENSTORE_NOT_FOUND.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_token_get(
    store: *const tokenstore_store,
    id: *const u8,
    token: *mut tokenstore_token,
    buffer: *mut u8,
    capacity: usize,
    needed: *mut usize,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    guard(error, || {
        // SAFETY: every pointer is handed on as the caller gave it, to what checks it.
        unsafe {
            let (needed_out, cleared) = (input::cleared(needed, 0), input::cleared_growing(token));
            needed_out?;
            cleared?;
            let store = tokenstore_store::store(store)?;
            let id = Id::from_bytes(*input::frozen(id.cast::<[u8; 16]>())?);
            write_token(&store.get(id)?, token, buffer, capacity, needed)
        }
    })
}

/// Of a filter: only tokens of the type.
pub const TOKENSTORE_LIST_TYPE: u32 = 1;
/// Of a filter: the dead ones too, revoked, used and expired.
pub const TOKENSTORE_LIST_DEAD: u32 = 4;
/// Of a filter: only tokens that reach the project.
pub const TOKENSTORE_LIST_PROJECT: u32 = 8;
/// Of a filter: only tokens that expire before expires_before_ms.
pub const TOKENSTORE_LIST_EXPIRES_BEFORE: u32 = 16;
/// Of a filter: only tokens not used at or after unused_since_ms; one never used counts from its creation.
pub const TOKENSTORE_LIST_UNUSED_SINCE: u32 = 32;
/// Of a filter: only tokens in one of the states whose bits are set in `states`.
pub const TOKENSTORE_LIST_STATES: u32 = 64;

/// Which tokens to list. Zeros are every live token of everybody.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tokenstore_filter {
    /// sizeof(tokenstore_filter).
    pub struct_size: usize,
    /// TOKENSTORE_LIST_ flags, and TOKENSTORE_CHECK_OWNER for only those of the owner.
    pub flags: u32,
    /// With TOKENSTORE_LIST_TYPE: the type. One that is not declared has no tokens; 0 and numbers above 65,535 are
    /// TOKENSTORE_NOT_FOUND.
    pub r#type: u32,
    /// With TOKENSTORE_CHECK_OWNER: the owner.
    pub owner: tokenstore_bytes,
    /// What names begin with; empty is any name, and none.
    pub name_prefix: tokenstore_bytes,
    /// With TOKENSTORE_LIST_PROJECT: the project.
    pub project: tokenstore_bytes,
    /// With TOKENSTORE_LIST_EXPIRES_BEFORE: a time in ms, of the years 0 to 9999.
    pub expires_before_ms: i64,
    /// With TOKENSTORE_LIST_UNUSED_SINCE: a time in ms, of the years 0 to 9999.
    pub unused_since_ms: i64,
    /// With TOKENSTORE_LIST_STATES: 1 << TOKENSTORE_REVOKED, and so on; 1 << TOKENSTORE_OK for live ones.
    pub states: u32,
    /// How many tokens are read from the file at a time, 1 to 1,000; 0 is 1,000.
    pub page_size: u32,
    /// The id to go on behind; zeros are the beginning.
    pub after: [u8; 16],
}

// SAFETY: repr(C), begins with its size, and holds only integers and pointers.
unsafe impl Growing for tokenstore_filter {
    const FIRST_SIZE: usize = 104;
}

/// # Safety
/// Pointers in it are good for their lengths.
unsafe fn filter(given: &tokenstore_filter) -> Outcome<Filter> {
    let tokenstore_filter {
        struct_size: _,
        flags,
        r#type,
        owner,
        name_prefix,
        project,
        expires_before_ms,
        unused_since_ms,
        states,
        page_size,
        after,
    } = *given;
    const KNOWN: u32 = TOKENSTORE_CHECK_OWNER
        | TOKENSTORE_LIST_TYPE
        | TOKENSTORE_LIST_DEAD
        | TOKENSTORE_LIST_PROJECT
        | TOKENSTORE_LIST_EXPIRES_BEFORE
        | TOKENSTORE_LIST_UNUSED_SINCE
        | TOKENSTORE_LIST_STATES;
    input::flags(flags, KNOWN)?;
    let has = |flag: u32| flags & flag != 0;
    let unasked = [
        (TOKENSTORE_LIST_TYPE, r#type != 0),
        (TOKENSTORE_CHECK_OWNER, owner.len != 0),
        (TOKENSTORE_LIST_PROJECT, project.len != 0),
        (TOKENSTORE_LIST_EXPIRES_BEFORE, expires_before_ms != 0),
        (TOKENSTORE_LIST_UNUSED_SINCE, unused_since_ms != 0),
        (TOKENSTORE_LIST_STATES, states != 0),
    ];
    if unasked.into_iter().any(|(flag, given)| given && !has(flag)) {
        return Err(Failure::invalid("something is given without the flag that asks for it"));
    }
    let mut filter = Filter::new();
    // SAFETY: handed on.
    unsafe {
        if has(TOKENSTORE_CHECK_OWNER) {
            filter = filter.owner(input::bytes(owner.data, owner.len)?);
        }
        if has(TOKENSTORE_LIST_PROJECT) {
            filter = filter.project(input::bytes(project.data, project.len)?);
        }
        if name_prefix.len > 0 {
            filter = filter.name_prefix(input::text(name_prefix.data, name_prefix.len)?);
        }
    }
    if has(TOKENSTORE_LIST_TYPE) {
        filter = filter.of_type(type_of(r#type)?);
    }
    if has(TOKENSTORE_LIST_DEAD) {
        filter = filter.with_dead();
    }
    if has(TOKENSTORE_LIST_EXPIRES_BEFORE) {
        filter = filter.expires_before(time_of(expires_before_ms)?);
    }
    if has(TOKENSTORE_LIST_UNUSED_SINCE) {
        filter = filter.unused_since(time_of(unused_since_ms)?);
    }
    if has(TOKENSTORE_LIST_STATES) {
        let all =
            [State::Active, State::Revoked, State::Superseded, State::Used, State::Expired, State::Disabled];
        let known = all.iter().fold(0, |bits, state| bits | 1_u32 << of_state(*state));
        input::flags(states, known)?;
        filter = filter.states(all.into_iter().filter(|state| states >> of_state(*state) & 1 == 1));
    }
    if page_size != 0 {
        filter = filter.limit(page_size as usize);
    }
    if after != [0; 16] {
        filter = filter.after(Id::from_bytes(after));
    }
    Ok(filter)
}

/// A list of tokens under way. One thread at a time.
pub struct tokenstore_list(Control<std::sync::Mutex<Listing>>);

impl Kind for std::sync::Mutex<Listing> {
    const MAGIC: u64 = u64::from_le_bytes(*b"toklists");
}

struct Listing {
    store: *const tokenstore_store,
    filter: Filter,
    page: std::collections::VecDeque<Token>,
    done: bool,
    /// The first thing that went wrong, which is the answer from then on.
    failed: Option<Error>,
}

// SAFETY: the pointer is a handle, whose block is never freed and may be used from any thread.
unsafe impl Send for Listing {}

impl Listing {
    /// The next token, without taking it.
    fn peek(&mut self) -> Outcome<Option<&Token>> {
        if let Some(error) = &self.failed {
            return Err(error.clone().into());
        }
        // SAFETY: it was a store's handle when the list was opened, and its block is never freed.
        let store = unsafe { tokenstore_store::store(self.store) }?;
        store.alive()?;
        while self.page.is_empty() && !self.done {
            let page = store.list(&self.filter).inspect_err(|error| self.failed = Some(error.clone()))?;
            self.page.extend(page.tokens);
            match page.next {
                Some(next) => self.filter = self.filter.clone().after(next),
                None => self.done = true,
            }
        }
        Ok(self.page.front())
    }
}

/// Begins a list of tokens, ascending by id. `filter` may be NULL. `*list` is NULL unless TOKENSTORE_OK is returned; close
/// it by tokenstore_list_close. It reads page by page and holds nothing in between: each page is what it is when it is
/// read. The handle's 64 bytes are kept for the life of the process, as those of every handle.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_list_open(
    store: *const tokenstore_store,
    filter: *const tokenstore_filter,
    list: *mut *mut tokenstore_list,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    guard(error, || {
        // SAFETY: every pointer is handed on as the caller gave it, to what checks it.
        unsafe {
            let mut out = input::cleared(list, std::ptr::null_mut())?;
            tokenstore_store::store(store)?.alive()?;
            let filter =
                if filter.is_null() { Filter::new() } else { self::filter(&input::growing(filter)?)? };
            filter.check()?;
            let listing =
                Listing { store, filter, page: std::collections::VecDeque::new(), done: false, failed: None };
            let block = Box::leak(Box::new(tokenstore_list(Control::new(std::sync::Mutex::new(listing)))));
            block.0.keep();
            out.set(block);
            Ok(())
        }
    })
}

/// Reads the next token of a list, as tokenstore_token_get does. With TOKENSTORE_BUFFER_TOO_SMALL the list stays where it
/// is: call again with a larger buffer. TOKENSTORE_END behind the last, again and again; an error is also the answer of
/// every further call.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_list_next(
    list: *mut tokenstore_list,
    token: *mut tokenstore_token,
    buffer: *mut u8,
    capacity: usize,
    needed: *mut usize,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    guard(error, || {
        // SAFETY: as in tokenstore_list_open; the block of a list is never freed.
        unsafe {
            let (needed_out, cleared) = (input::cleared(needed, 0), input::cleared_growing(token));
            needed_out?;
            cleared?;
            if list.is_null() || !list.is_aligned() {
                return Err(Failure::invalid("a handle is NULL or none of a list"));
            }
            let listing = (*list).0.get()?;
            let mut listing = listing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let Some(next) = listing.peek()? else {
                return Err(Failure::new(TOKENSTORE_END, "there is nothing more"));
            };
            write_token(next, token, buffer, capacity, needed)?;
            listing.page.pop_front();
            Ok(())
        }
    })
}

/// Ends a list. NULL does nothing; a second close answers TOKENSTORE_CLOSED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenstore_list_close(list: *mut tokenstore_list) -> tokenstore_status {
    if list.is_null() {
        return TOKENSTORE_OK;
    }
    guard(std::ptr::null_mut(), || {
        if !list.is_aligned() {
            return Err(Failure::invalid("a handle is none of a list"));
        }
        // SAFETY: not null, aligned, and blocks are never freed.
        drop(unsafe { (*list).0.take() }?);
        Ok(())
    })
}

/// One change to the store. What it points to lies in the buffer that was given with it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tokenstore_event {
    /// sizeof(tokenstore_event); set it before the call.
    pub struct_size: usize,
    /// The number of the change. Numbers ascend by one.
    pub sequence: u64,
    /// When, in ms since the Unix epoch.
    pub at_ms: i64,
    /// What happened: 1 a type was declared; a token was 2 created, 3 edited, 4 granted a project, 5 taken a project
    /// from, 6 granted all, 7 taken all grants from, 8 switched off, 9 switched on, 10 revoked, 11 deleted, 12 consumed,
    /// 13 rotated; a family was 14 made, 15 refreshed, 16 answered with the same pair again, noted once for each pair,
    /// 17 revoked because a refresh value was used again, 18 revoked; 19 all that an owner had was revoked; 20 dead
    /// tokens were taken out.
    pub kind: u32,
    /// The type, if it happened to one.
    pub r#type: u32,
    /// The token or the family, if it happened to one.
    pub id: [u8; 16],
    /// Who did it; may be empty.
    pub by: tokenstore_bytes,
    /// Why; may be empty.
    pub reason: tokenstore_bytes,
    /// With 19: whose. The type is set if it was one type's tokens alone.
    pub owner: tokenstore_bytes,
    /// With 17: how many generations the value lay behind the good one. With 20: how many tokens.
    pub count: u64,
    /// With 17: how long ago, in ms, the family was refreshed last: for a value just behind the good one, since when it
    /// was used.
    pub age_ms: u64,
}

// SAFETY: repr(C), begins with its size, and holds only integers and pointers.
unsafe impl Growing for tokenstore_event {
    const FIRST_SIZE: usize = 80;
}

/// Reads the first event behind the one numbered `after`; 0 is the beginning. Set `event->struct_size` before. Its strings
/// are laid into `buffer`, of which 776 bytes are always enough; with one of fewer than `*needed` bytes
/// TOKENSTORE_BUFFER_TOO_SMALL. TOKENSTORE_END if there is none. A gap behind `after` shows that the log has dropped events.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_event_next(
    store: *const tokenstore_store,
    after: u64,
    event: *mut tokenstore_event,
    buffer: *mut u8,
    capacity: usize,
    needed: *mut usize,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    guard(error, || {
        // SAFETY: every pointer is handed on as the caller gave it, to what checks it.
        unsafe {
            let (needed, cleared) = (input::cleared(needed, 0), input::cleared_growing(event));
            let mut needed = needed?;
            cleared?;
            let store = tokenstore_store::store(store)?;
            let events = store.events(after, 1)?;
            let found =
                events.first().ok_or_else(|| Failure::new(TOKENSTORE_END, "there is nothing more"))?;
            let mut layout = Layout::new(buffer, capacity);
            let (owner, count, age_ms): (&[u8], u64, u64) = match &found.detail {
                Some(EventDetail::Reuse { distance, age }) => {
                    (&[], u64::from(*distance), age.as_millis() as u64)
                }
                Some(EventDetail::Owner(owner)) => (owner, 0, 0),
                Some(EventDetail::Pruned(tokens)) => (&[], *tokens, 0),
                None => (&[], 0, 0),
            };
            let laid = tokenstore_event {
                struct_size: 0,
                sequence: found.sequence,
                at_ms: to_ms(found.at),
                kind: found.kind as u32,
                r#type: found.type_id.map_or(0, |type_id| u32::from(type_id.number())),
                id: found.id.map_or([0; 16], |id| *id.as_bytes()),
                by: layout.bytes(found.by.as_bytes()),
                reason: layout.bytes(found.reason.as_bytes()),
                owner: layout.bytes(owner),
                count,
                age_ms,
            };
            needed.set(layout.needed());
            layout.end()?;
            input::grown(event, &laid)
        }
    })
}

/// Figures of a store.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tokenstore_stats {
    /// sizeof(tokenstore_stats); set it before the call.
    pub struct_size: usize,
    /// How many tokens it holds, dead ones included.
    pub tokens: u64,
    /// How many types are declared.
    pub types: u64,
    /// The number of the last change.
    pub sequence: u64,
    /// The oldest event that is kept.
    pub first_event: u64,
    /// How many bytes of the file's pages are in use.
    pub file_bytes: u64,
    /// How many bytes of memory the index takes.
    pub index_bytes: u64,
}

// SAFETY: repr(C), begins with its size, and holds only integers.
unsafe impl Growing for tokenstore_stats {
    const FIRST_SIZE: usize = 56;
}

/// Reads the store's figures. Set `stats->struct_size` before.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn tokenstore_get_stats(
    store: *const tokenstore_store,
    stats: *mut tokenstore_stats,
    error: *mut tokenstore_error,
) -> tokenstore_status {
    guard(error, || {
        // SAFETY: every pointer is handed on as the caller gave it, to what checks it.
        unsafe {
            input::cleared_growing(stats)?;
            let found = tokenstore_store::store(store)?.stats()?;
            let found = tokenstore_stats {
                struct_size: 0,
                tokens: found.tokens,
                types: found.types,
                sequence: found.sequence,
                first_event: found.first_event,
                file_bytes: found.file_bytes,
                index_bytes: found.index_bytes,
            };
            input::grown(stats, &found)
        }
    })
}
