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
use crate::packed::{Binding, Project};
use crate::pair::NewPair;
use crate::policy::{TypeId, TypePolicy};
use crate::record::{Family, Fate, Member, OldValue, Record, Revoked};
use crate::sealed::Sealer;
use crate::token::State;
use crate::verdict::{self, Facts, Identity, OwnerRef, Query, Status, flag};

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
    /// Spend a use of the token with this digest, if the query admits it.
    Consume(Digest, Box<Query>),
    /// Make a family and its first pair.
    IssuePair(Box<NewPair>, PairDigests),
    /// Make a family's next pair.
    Refresh(Box<RefreshOp>),
    /// Revoke a family.
    RevokeFamily(Target),
    /// Revoke all that an owner has, of a type or of all.
    RevokeOwner { owner: Vec<u8>, type_id: Option<TypeId>, by: String, reason: String },
    /// Take out these tokens and families, as far as they are dead since before a time.
    Prune { tokens: Vec<Id>, families: Vec<Id>, dead_before_ms: i64 },
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
    /// Another value, with this digest; the one before works for so long.
    Rotate(Digest, i64),
}

/// The digests of a pair's values.
#[derive(Clone, Copy)]
pub(crate) struct PairDigests {
    pub(crate) access: Digest,
    pub(crate) refresh: Digest,
}

/// A refresh, with all that needs the values themselves already made of them.
pub(crate) struct RefreshOp {
    /// Of the value presented.
    pub(crate) digest: Digest,
    pub(crate) binding: Vec<u8>,
    pub(crate) next: PairDigests,
    /// Seals the next pair once its family, generation and lifetimes are known.
    pub(crate) sealer: Sealer,
    pub(crate) by: String,
}

/// What an operation answers.
#[derive(Debug)]
pub(crate) enum Answer {
    Type(TypeId),
    Created { id: Id, revision: u64 },
    Existing(Id),
    Change(Change),
    Consumed(Spent),
    Pair(PairIds),
    Refreshed(Refreshed),
    Pruned(u64),
}

/// What a consume did.
#[derive(Debug)]
pub(crate) enum Spent {
    Use { revision: u64, uses_left: u32, app_data: Vec<u8> },
    Nothing(Status),
}

/// A pair as the store knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PairIds {
    pub(crate) family: Id,
    pub(crate) access: Id,
    pub(crate) refresh: Id,
    pub(crate) lives: PairLives,
    pub(crate) revision: u64,
}

/// Until when a pair's members live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PairLives {
    pub(crate) access_ms: i64,
    pub(crate) refresh_ms: i64,
}

/// What a refresh did.
#[derive(Debug)]
pub(crate) enum Refreshed {
    Rotated(PairIds),
    /// The pair that the value got before, for its presenter to open.
    Replayed(Box<Family>),
    Refused(Status),
}

/// What is to be done about a refresh value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RefreshPlan {
    Refuse(Status),
    Rotate,
    /// Hand out the pair again.
    Replay,
    /// Somebody else used the value: revoke the family.
    Reuse {
        distance: u32,
        age_ms: i64,
    },
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
            Op::Declare(_) | Op::Consume(..) | Op::RevokeFamily(_) | Op::RevokeOwner { .. } => 0,
            Op::Create(new, _) | Op::CreateIfAbsent(new, _) => new.app_data.len() + grants(&new.grants),
            Op::Change(_, Action::Edit(edit)) => {
                edit.app_data.as_ref().map_or(0, Vec::len) + edit.grants.as_ref().map_or(0, grants)
            }
            // Any change writes the whole record again.
            Op::Change(..) => 4_096,
            Op::IssuePair(new, _) => 1_024 + new.app_data.len() + grants(&new.grants),
            // The family's record, with the pair sealed in it.
            Op::Refresh(refresh) => 4_096 + refresh.sealer.weight(),
            Op::Prune { tokens, families, .. } => 128 * (tokens.len() + families.len()),
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
            Action::Rotate(..) => EventKind::Rotated,
        }
    }
}

/// A new token's record. With a parent it expires no later than that.
pub(crate) fn create(
    new: NewToken,
    digest: Digest,
    policy: &TypePolicy,
    parent: Option<&Record>,
    id: Id,
    revision: u64,
    now_ms: i64,
) -> Result<Record> {
    let expires_ms = policy.expiry_ms(new.expires, now_ms, now_ms)?;
    check_volatile(policy, (new.name.is_some(), new.parent.is_some()), expires_ms)?;
    let NewToken { type_id, owner, name, expires: _, grants, binding, parent: _, app_data, app_word, by: _ } =
        new;
    Ok(Record {
        id,
        digest,
        type_id,
        owner,
        name,
        created_ms: now_ms,
        expires_ms: parent.map_or(expires_ms, |parent| expires_ms.min(parent.expires_ms)),
        disabled: false,
        revoked: None,
        uses_left: policy.uses,
        ended_ms: None,
        parent: parent.map(|parent| parent.id),
        member: None,
        old_value: None,
        grants,
        binding,
        app_word,
        app_data,
        revision,
    })
}

/// # Errors
/// InvalidArgument for what is no token to be kept in memory alone, though its type says so.
fn check_volatile(policy: &TypePolicy, (has_name, has_parent): (bool, bool), expires_ms: i64) -> Result<()> {
    if policy.volatile && (has_name || has_parent) {
        return Err(Error::invalid("a token in memory alone has no name and no parent"));
    }
    if policy.volatile && expires_ms == NEVER_MS {
        return Err(Error::invalid("a token in memory alone expires"));
    }
    Ok(())
}

/// The state of a record; `dead` says whether it died with its owner, family or parent.
pub(crate) fn state(record: &Record, dead: bool, now_ms: i64) -> State {
    let flags = record.flags() | if dead { flag::REVOKED } else { 0 };
    verdict::state(flags, record.expires_ms, now_ms)
}

/// What a change answers for a token in a state that takes no changes.
pub(crate) fn refusal_of(state: State) -> Option<Error> {
    match state {
        State::Revoked => Some(Error::new(ErrorKind::Revoked, "the token is revoked")),
        State::Used => Some(Error::new(ErrorKind::Used, "the token's uses ran out")),
        State::Expired => Some(Error::new(ErrorKind::Expired, "the token has expired")),
        // What is done to a superseded member of a family is done to the family.
        State::Superseded | State::Disabled | State::Active => None,
    }
}

/// Whether a record has the owner that is expected, if one is.
pub(crate) fn is_owners(record: &Record, target: &Target) -> bool {
    target.owner.as_ref().is_none_or(|owner| *owner == record.owner)
}

/// # Errors
/// RevisionConflict if the record has not the revision that is expected, if one is.
pub(crate) fn check_revision(record: &Record, target: &Target) -> Result<()> {
    check_expected(record.revision, target)
}

/// The same for whatever is at this revision.
pub(crate) fn check_expected(revision: u64, target: &Target) -> Result<()> {
    match target.revision {
        Some(expected) if expected != revision => {
            Err(Error::new(ErrorKind::RevisionConflict, format!("the token is at revision {revision}")))
        }
        _ => Ok(()),
    }
}

/// What a consume answers to a token, by its record.
pub(crate) fn consume(record: &Record, dead: bool, by_name_only: bool, query: &Query, now_ms: i64) -> Status {
    let granted = |project: &Project| match &record.grants {
        Grants::All => true,
        Grants::Projects(projects) => {
            projects.iter().any(|granted| Project::new(granted).is_some_and(|granted| granted == *project))
        }
    };
    let bound = |binding: &Binding| {
        record.binding.as_deref().and_then(Binding::new).is_some_and(|own| own == *binding)
    };
    let mut flags = record.flags();
    for (holds, bit) in [
        (dead, flag::REVOKED),
        (record.grants == Grants::All, flag::ALL_PROJECTS),
        (record.binding.is_some(), flag::BOUND),
    ] {
        flags |= if holds { bit } else { 0 };
    }
    let identity = Identity {
        id: record.id,
        type_id: record.type_id,
        owner: OwnerRef::default(),
        app_word: record.app_word,
        revision: record.revision,
        expires_ms: record.expires_ms,
        flags,
    };
    let facts = Facts {
        identity,
        project_granted: query.project.as_ref().is_some_and(granted),
        binding_equal: query.binding.as_ref().is_some_and(bound),
        by_name_only: query.expected.is_none() && by_name_only,
    };
    verdict::judge_use(&facts, query, now_ms)
}

/// A token of which a use is spent.
pub(crate) fn spend(record: Record, revision: u64, now_ms: i64) -> Record {
    let uses_left = record.uses_left.map(|uses| uses.saturating_sub(1));
    let ended_ms = if uses_left == Some(0) { Some(now_ms) } else { record.ended_ms };
    Record { uses_left, ended_ms, revision, ..record }
}

/// What is to be done about a refresh value, by its record and its family's. `dead` says whether the family is
/// revoked, itself or with its owner.
pub(crate) fn refresh(
    member: (&Record, &Member),
    family: &Family,
    dead: bool,
    binding: &[u8],
    grace_ms: i64,
    now_ms: i64,
) -> RefreshPlan {
    let (record, member) = member;
    if dead {
        return RefreshPlan::Refuse(Status::Revoked);
    }
    if now_ms >= family.expires_ms {
        return RefreshPlan::Refuse(Status::Expired);
    }
    if family.disabled {
        return RefreshPlan::Refuse(Status::Disabled);
    }
    if family.binding != binding {
        return RefreshPlan::Refuse(Status::WrongBinding);
    }
    match family.generation.saturating_sub(member.generation) {
        0 if now_ms >= record.expires_ms => RefreshPlan::Refuse(Status::Expired),
        0 => RefreshPlan::Rotate,
        1 if now_ms < family.rotated_ms.saturating_add(grace_ms) && family.sealed.is_some() => {
            RefreshPlan::Replay
        }
        distance => RefreshPlan::Reuse { distance, age_ms: now_ms.saturating_sub(family.rotated_ms) },
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
    dead: bool,
    policy: &TypePolicy,
    revision: u64,
    now_ms: i64,
) -> Result<Planned> {
    if !is_owners(record, target) {
        return Err(Error::not_found());
    }
    match (refusal_of(state(record, dead, now_ms)), action) {
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
        Action::Rotate(digest, grace_ms) => {
            check_rotation(record)?;
            let until_ms = now_ms.saturating_add(*grace_ms).min(record.expires_ms);
            after.old_value = Some(OldValue { digest: record.digest, until_ms });
            after.digest = *digest;
            // A host's ciphertext of the value that is no more. What a member has belongs to its family.
            if after.member.is_none() {
                after.app_data = Vec::new();
            }
        }
    }
    if after == *record {
        return Ok(Planned::Nothing);
    }
    check_volatile(policy, (after.name.is_some(), after.parent.is_some()), after.expires_ms)?;
    after.revision = revision;
    Ok(Planned::Put(Box::new(after)))
}

/// # Errors
/// InvalidArgument if the token is of a kind that keeps its value.
fn check_rotation(record: &Record) -> Result<()> {
    if record.member.as_ref().is_some_and(|member| member.refreshes) {
        return Err(Error::invalid("a refresh value is replaced by a refresh alone"));
    }
    if record.uses_left.is_some() {
        return Err(Error::invalid("a token with a use count keeps its value"));
    }
    check_not_superseded(record)
}

/// # Errors
/// InvalidArgument for an access token that a refresh ended, or is about to.
fn check_not_superseded(record: &Record) -> Result<()> {
    match &record.member {
        Some(member) if member.fate != Fate::Good => {
            Err(Error::invalid("a refresh of the family ended the token; its value and expiry stay"))
        }
        _ => Ok(()),
    }
}

fn apply_edit(edit: &Edit, after: &mut Record, policy: &TypePolicy, now_ms: i64) -> Result<()> {
    let Edit { name, expires, grants, app_data, app_word } = edit;
    if let Some(name) = name {
        after.name.clone_from(name);
    }
    if let Some(expires) = expires {
        check_not_superseded(after)?;
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
