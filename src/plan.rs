//! What an operation makes of a record. No clock, no lock, no I/O: the same input gives the same plan.

use crate::clock::NEVER_MS;
use crate::edit::{Change, Edit, Target};
use crate::error::{Error, ErrorKind, Result};
use crate::event::EventKind;
use crate::grants::Grants;
use crate::id::Id;
use crate::key::Digest;
use crate::limits::MAX_PROJECTS;
use crate::new_token::NewToken;
use crate::policy::{TypeId, TypePolicy};
use crate::record::{Record, Revoked};
use crate::token::State;
use crate::verdict;

/// An operation as it waits in the queue: plain data.
pub(crate) enum Op {
    /// Declare a type.
    Declare(TypePolicy),
    /// Make a token whose value has this digest.
    Create(Box<NewToken>, Digest),
    /// The same, unless a live token has the name.
    CreateIfAbsent(Box<NewToken>, Digest),
    /// Change a token.
    Change(Target, Action),
}

/// A change to one token.
pub(crate) enum Action {
    Edit(Edit),
    Grant(Vec<u8>),
    Ungrant(Vec<u8>),
    GrantAll,
    RevokeGrants,
    Disable,
    Enable,
    Revoke,
    Delete,
}

/// What an operation answers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    Type(TypeId),
    Created { id: Id, revision: u64 },
    Existing(Id),
    Change(Change),
}

/// What becomes of a record.
#[derive(Debug, PartialEq)]
pub(crate) enum Planned {
    /// It is so already.
    Nothing,
    /// This, with the operation's sequence number as its revision.
    Put(Box<Record>),
    /// It goes.
    Delete,
}

impl Op {
    /// About how many bytes of the file it writes, for the bound on a batch.
    pub(crate) fn weight(&self) -> usize {
        let grants = |grants: &Grants| match grants {
            Grants::All => 0,
            Grants::Projects(projects) => projects.iter().map(|project| 1 + project.len()).sum(),
        };
        512 + match self {
            Op::Declare(_) => 0,
            Op::Create(new, _) | Op::CreateIfAbsent(new, _) => new.app_data.len() + grants(&new.grants),
            Op::Change(_, Action::Edit(edit)) => {
                edit.app_data.as_ref().map_or(0, Vec::len) + edit.grants.as_ref().map_or(0, grants)
            }
            // Any change writes the whole record again.
            Op::Change(..) => 4_096,
        }
    }
}

impl Action {
    pub(crate) fn event(&self) -> EventKind {
        match self {
            Action::Edit(_) => EventKind::Edited,
            Action::Grant(_) => EventKind::Granted,
            Action::Ungrant(_) => EventKind::Ungranted,
            Action::GrantAll => EventKind::GrantedAll,
            Action::RevokeGrants => EventKind::GrantsRevoked,
            Action::Disable => EventKind::Disabled,
            Action::Enable => EventKind::Enabled,
            Action::Revoke => EventKind::Revoked,
            Action::Delete => EventKind::Deleted,
        }
    }
}

/// A new token's record.
pub(crate) fn create(
    new: NewToken,
    digest: Digest,
    policy: &TypePolicy,
    id: Id,
    revision: u64,
    now_ms: i64,
) -> Result<Record> {
    let expires_ms = policy.expiry_ms(new.expires, now_ms, now_ms)?;
    let NewToken { type_id, owner, name, expires: _, grants, binding, app_data, app_word, by: _ } = new;
    Ok(Record {
        id,
        digest,
        type_id,
        owner,
        name,
        created_ms: now_ms,
        expires_ms,
        disabled: false,
        revoked: None,
        grants,
        binding,
        app_word,
        app_data,
        revision,
    })
}

/// The state of a record.
pub(crate) fn state(record: &Record, now_ms: i64) -> State {
    verdict::state(record.flags(), record.expires_ms, now_ms)
}

/// Whether a record has the owner that is expected, if one is.
pub(crate) fn is_owners(record: &Record, target: &Target) -> bool {
    target.owner.as_ref().is_none_or(|owner| *owner == record.owner)
}

/// # Errors
/// RevisionConflict if the record has not the revision that is expected, if one is.
pub(crate) fn check_revision(record: &Record, target: &Target) -> Result<()> {
    match target.revision {
        Some(expected) if expected != record.revision => Err(Error::new(
            ErrorKind::RevisionConflict,
            format!("the token is at revision {}", record.revision),
        )),
        _ => Ok(()),
    }
}

/// A change to a token. The checks come in this order: owner, state, revision, and then what the change itself asks.
/// Whether another token holds the name is not known here.
///
/// # Errors
/// The refusal; nothing is to be changed then.
pub(crate) fn change(
    action: &Action,
    target: &Target,
    record: &Record,
    policy: &TypePolicy,
    revision: u64,
    now_ms: i64,
) -> Result<Planned> {
    if !is_owners(record, target) {
        return Err(Error::not_found());
    }
    let dead = match state(record, now_ms) {
        State::Revoked => Some(Error::new(ErrorKind::Revoked, "the token is revoked")),
        State::Used => Some(Error::new(ErrorKind::Used, "the token's uses ran out")),
        State::Expired => Some(Error::new(ErrorKind::Expired, "the token has expired")),
        State::Superseded | State::Disabled | State::Active => None,
    };
    match (dead, action) {
        (None, _) | (Some(_), Action::Revoke | Action::Delete) => {}
        (Some(refusal), _) => return Err(refusal),
    }
    check_revision(record, target)?;
    let mut after = record.clone();
    match action {
        Action::Edit(edit) => apply_edit(edit, &mut after, policy, now_ms)?,
        Action::Grant(project) => {
            if let Grants::Projects(projects) = &mut after.grants {
                projects.insert(project.clone());
                if projects.len() > MAX_PROJECTS {
                    return Err(Error::new(
                        ErrorKind::LimitReached,
                        "a token is granted at most 1,000 projects one by one",
                    ));
                }
            }
        }
        Action::Ungrant(project) => match &mut after.grants {
            Grants::All => {
                return Err(Error::new(
                    ErrorKind::GrantIsAll,
                    "the token is granted all projects; replace its grants by the ones it keeps",
                ));
            }
            Grants::Projects(projects) => {
                projects.remove(project);
            }
        },
        Action::GrantAll => after.grants = Grants::All,
        Action::RevokeGrants => after.grants = Grants::none(),
        Action::Disable => after.disabled = true,
        Action::Enable => after.disabled = false,
        Action::Revoke => {
            if after.revoked.is_none() {
                after.revoked = Some(Revoked { at_ms: now_ms, reason: target.reason.clone() });
            }
        }
        Action::Delete => return Ok(Planned::Delete),
    }
    if after == *record {
        return Ok(Planned::Nothing);
    }
    after.revision = revision;
    Ok(Planned::Put(Box::new(after)))
}

fn apply_edit(edit: &Edit, after: &mut Record, policy: &TypePolicy, now_ms: i64) -> Result<()> {
    let Edit { name, expires, grants, app_data, app_word } = edit;
    if let Some(name) = name {
        after.name.clone_from(name);
    }
    if let Some(expires) = expires {
        after.expires_ms = policy.expiry_ms(Some(*expires), after.created_ms, now_ms)?;
        debug_assert!(after.expires_ms > now_ms || after.expires_ms == NEVER_MS);
    }
    if let Some(grants) = grants {
        after.grants = grants.clone();
    }
    if let Some(app_data) = app_data {
        after.app_data.clone_from(app_data);
    }
    if let Some(app_word) = app_word {
        after.app_word = *app_word;
    }
    Ok(())
}
