//! The decision: what a token is at a moment, and whether a query accepts it. No clock, no lock, no I/O.

use time::OffsetDateTime;

use crate::clock::{NEVER_MS, from_ms};
use crate::id::Id;
use crate::packed::{Binding, Project};
use crate::policy::TypeId;
use crate::token::State;

/// The answer of a verify. Only [`Ok`](Status::Ok) grants anything. The numbers are fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(i32)]
pub enum Status {
    /// Accepted.
    Ok = 0,
    /// No value of this store looks like this.
    Malformed = 1,
    /// No token has this value.
    Unknown = 2,
    /// The token is revoked.
    Revoked = 3,
    /// The value was replaced by a newer one.
    Superseded = 4,
    /// The token's uses ran out.
    Used = 5,
    /// The token's time ran out.
    Expired = 6,
    /// The token is switched off.
    Disabled = 7,
    /// The token is of another type than the one expected.
    WrongType = 8,
    /// The token is bound and no equal binding was shown, or it is not bound and one was.
    WrongBinding = 9,
    /// The token does not reach the project.
    NoGrant = 10,
    /// The value refreshes; it never verifies.
    MustRefresh = 11,
    /// The token has a use count; verify does not spend it.
    MustConsume = 12,
    /// Of a refresh: the value was used before, and its time to be replayed is over. Its family is revoked now.
    Reused = 15,
    /// Of a consume: the token has no use count.
    NotCounted = 16,
}

impl Status {
    /// Every status, in the order of its number.
    pub const ALL: [Status; 15] = [
        Status::Ok,
        Status::Malformed,
        Status::Unknown,
        Status::Revoked,
        Status::Superseded,
        Status::Used,
        Status::Expired,
        Status::Disabled,
        Status::WrongType,
        Status::WrongBinding,
        Status::NoGrant,
        Status::MustRefresh,
        Status::MustConsume,
        Status::Reused,
        Status::NotCounted,
    ];

    /// The name in capitals, as the documents and the command write it.
    pub fn name(self) -> &'static str {
        match self {
            Status::Ok => "OK",
            Status::Malformed => "MALFORMED",
            Status::Unknown => "UNKNOWN",
            Status::Revoked => "REVOKED",
            Status::Superseded => "SUPERSEDED",
            Status::Used => "USED",
            Status::Expired => "EXPIRED",
            Status::Disabled => "DISABLED",
            Status::WrongType => "WRONG_TYPE",
            Status::WrongBinding => "WRONG_BINDING",
            Status::NoGrant => "NO_GRANT",
            Status::MustRefresh => "MUST_REFRESH",
            Status::MustConsume => "MUST_CONSUME",
            Status::Reused => "REUSED",
            Status::NotCounted => "NOT_COUNTED",
        }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What a verify asks for besides the value. Make it once and use it again: nothing in it is changed by a verify.
#[derive(Clone)]
pub struct Query {
    pub(crate) expected: Option<TypeId>,
    pub(crate) project: Option<Project>,
    pub(crate) binding: Option<Binding>,
    pub(crate) error: Option<&'static str>,
    pub(crate) no_wait: bool,
}

impl Query {
    /// Accept tokens of this type alone.
    pub fn of_type(expected: TypeId) -> Query {
        Query { expected: Some(expected), project: None, binding: None, error: None, no_wait: false }
    }

    /// Accept tokens of any type, except those that are accepted
    /// [by name only](crate::TypePolicy::by_name_only).
    pub fn any_type() -> Query {
        Query { expected: None, project: None, binding: None, error: None, no_wait: false }
    }

    /// The token must reach this project (1 to 64 bytes; anything else makes the verify an
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument)).
    pub fn project(mut self, project: impl AsRef<[u8]>) -> Query {
        self.set_project(project.as_ref());
        self
    }

    /// [`project`](Query::project) in place.
    #[inline]
    pub(crate) fn set_project(&mut self, project: &[u8]) {
        Project::put(project, &mut self.project);
        if self.project.is_none() {
            self.error = Some("a project has 1 to 64 bytes");
        }
    }

    /// The token must be bound to this (1 to 255 bytes; anything else makes the verify an
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument)).
    pub fn binding(mut self, binding: impl AsRef<[u8]>) -> Query {
        self.set_binding(binding.as_ref());
        self
    }

    /// [`binding`](Query::binding) in place.
    #[inline]
    pub(crate) fn set_binding(&mut self, binding: &[u8]) {
        Binding::put(binding, &mut self.binding);
        if self.binding.is_none() {
            self.error = Some("a binding has 1 to 255 bytes");
        }
    }

    /// The verify is not to wait: in a [shared](crate::Options::shared) store of which another process changed something
    /// that this one has not read yet, it is a [`Stale`](crate::ErrorKind::Stale) at once, to be asked again without
    /// this where waiting does no harm. For event loops, and for whoever holds a lock.
    pub fn no_wait(mut self) -> Query {
        self.no_wait = true;
        self
    }
}

impl std::fmt::Debug for Query {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Query")
            .field("expected", &self.expected)
            .field("checks_project", &self.project.is_some())
            .field("checks_binding", &self.binding.is_some())
            .field("no_wait", &self.no_wait)
            .finish()
    }
}

/// Where an owner's bytes are, for [`Store::owner`](crate::Store::owner). Good while the store is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct OwnerRef(pub(crate) u64);

impl OwnerRef {
    /// The bit that no address has: the owner stands in the index of what lives in memory alone.
    const TICKET: u64 = 1 << 31;

    /// The same reference, as one into the index of what lives in memory alone.
    pub(crate) fn of_ticket(self) -> OwnerRef {
        OwnerRef(self.0 | OwnerRef::TICKET)
    }

    /// The reference into its index, and whether that is the one of what lives in memory alone.
    pub(crate) fn split(self) -> (OwnerRef, bool) {
        (OwnerRef(self.0 & !OwnerRef::TICKET), self.0 & OwnerRef::TICKET != 0)
    }
}

/// Who presented a value: filled in for every answer from [`Status::Revoked`] on, for your log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// The token.
    pub id: Id,
    /// Its type.
    pub type_id: TypeId,
    /// Its owner, by reference: [`Store::owner`](crate::Store::owner) gives the bytes.
    pub owner: OwnerRef,
    /// Your number. Of a session's value that is over, this and the projects are as they were when it ended, or as the
    /// session has them now.
    pub app_word: u64,
    /// The store's sequence number of the token's last change. Of a session's value it may be older than what
    /// [`get`](crate::Store::get) says, which counts a change of the session as one of all its tokens.
    pub revision: u64,
    pub(crate) expires_ms: i64,
    pub(crate) flags: u16,
}

impl Identity {
    /// When it expires; `None` is never.
    pub fn expires(&self) -> Option<OffsetDateTime> {
        (self.expires_ms != NEVER_MS).then(|| from_ms(self.expires_ms))
    }

    /// Whether it reaches every project, present and to come.
    pub fn all_projects(&self) -> bool {
        self.flags & flag::ALL_PROJECTS != 0
    }

    /// Whether it reaches no project at all.
    pub fn no_projects(&self) -> bool {
        self.flags & (flag::ALL_PROJECTS | flag::HAS_PROJECTS) == 0
    }

    /// Whether the value presented was replaced by a newer one and still works for a while.
    pub fn old_value(&self) -> bool {
        self.flags & flag::OLD_VALUE != 0
    }
}

/// The answer of a verify, with who presented the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Verdict {
    pub(crate) status: Status,
    pub(crate) identity: Option<Identity>,
}

impl Verdict {
    pub(crate) const NO_TOKEN: Verdict = Verdict { status: Status::Unknown, identity: None };
    pub(crate) const MALFORMED: Verdict = Verdict { status: Status::Malformed, identity: None };

    /// Whether the value is accepted.
    pub fn allowed(&self) -> bool {
        self.status == Status::Ok
    }

    /// The answer.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Who presented the value; `None` with MALFORMED and UNKNOWN.
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }
}

impl Default for Verdict {
    /// A verdict that allows nothing, to fill an array with.
    fn default() -> Verdict {
        Verdict::NO_TOKEN
    }
}

/// Bits of a token's state, as the index holds them.
pub(crate) mod flag {
    pub(crate) const REVOKED: u16 = 1 << 0;
    pub(crate) const SUPERSEDED: u16 = 1 << 1;
    pub(crate) const USED: u16 = 1 << 2;
    pub(crate) const DISABLED: u16 = 1 << 3;
    pub(crate) const ALL_PROJECTS: u16 = 1 << 4;
    pub(crate) const OLD_VALUE: u16 = 1 << 5;
    pub(crate) const REFRESH: u16 = 1 << 6;
    pub(crate) const COUNTED: u16 = 1 << 7;
    pub(crate) const BOUND: u16 = 1 << 8;
    /// It hangs on a family or a parent.
    pub(crate) const KIN: u16 = 1 << 9;
    /// How many bits a slot has for the flags above.
    pub(crate) const SLOT_BITS: u32 = 10;
    /// Not one of the slot's flags: whether a set of projects hangs on it.
    pub(crate) const HAS_PROJECTS: u16 = 1 << 15;
}

/// What is known of a token when it is judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) identity: Identity,
    /// Whether the query's project is among the token's; meaningless without one.
    pub(crate) project_granted: bool,
    /// Whether the query's binding equals the token's; meaningless without one.
    pub(crate) binding_equal: bool,
    /// Whether its type is accepted by name only.
    pub(crate) by_name_only: bool,
}

/// What a token with these flags and expiry is at `now_ms`.
#[inline]
pub(crate) fn state(flags: u16, expires_ms: i64, now_ms: i64) -> State {
    let over = now_ms >= expires_ms;
    if flags & flag::REVOKED != 0 {
        State::Revoked
    } else if flags & flag::SUPERSEDED != 0 || over && flags & flag::OLD_VALUE != 0 {
        // An old value's end is no expiry: the token goes on with its newer value.
        State::Superseded
    } else if flags & flag::USED != 0 {
        State::Used
    } else if over {
        State::Expired
    } else if flags & flag::DISABLED != 0 {
        State::Disabled
    } else {
        State::Active
    }
}

/// Judges a token: the first check that fails is the answer, liveness before authorisation.
#[inline]
pub(crate) fn judge(facts: &Facts, query: &Query, now_ms: i64) -> Status {
    match admit(facts, query, now_ms) {
        Status::Ok if facts.identity.flags & flag::COUNTED != 0 => Status::MustConsume,
        other => other,
    }
}

/// Judges a token that is to be consumed: the same, but that it must have a use count.
pub(crate) fn judge_use(facts: &Facts, query: &Query, now_ms: i64) -> Status {
    match admit(facts, query, now_ms) {
        Status::Ok if facts.identity.flags & flag::COUNTED == 0 => Status::NotCounted,
        other => other,
    }
}

/// All checks but the one of the use count. This is the one place that says OK, and it says so last.
#[inline]
fn admit(facts: &Facts, query: &Query, now_ms: i64) -> Status {
    let flags = facts.identity.flags;
    match state(flags, facts.identity.expires_ms, now_ms) {
        State::Revoked => return Status::Revoked,
        State::Superseded => return Status::Superseded,
        State::Used => return Status::Used,
        State::Expired => return Status::Expired,
        State::Disabled => return Status::Disabled,
        State::Active => {}
    }
    match query.expected {
        Some(expected) if expected != facts.identity.type_id => return Status::WrongType,
        None if facts.by_name_only => return Status::WrongType,
        _ => {}
    }
    let bound = flags & flag::BOUND != 0;
    match query.binding {
        Some(_) if !bound || !facts.binding_equal => return Status::WrongBinding,
        None if bound => return Status::WrongBinding,
        _ => {}
    }
    if query.project.is_some() && flags & flag::ALL_PROJECTS == 0 && !facts.project_granted {
        return Status::NoGrant;
    }
    if flags & flag::REFRESH != 0 {
        return Status::MustRefresh;
    }
    Status::Ok
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every flag, expiry and query against the order of the checks as the documents state it.
    #[test]
    fn the_first_failing_check_is_the_answer() {
        let me = TypeId(1);
        let mut seen = std::collections::HashMap::new();
        for flags in 0..1_u16 << 9 {
            for (now_ms, expires_ms) in [(9, 10), (10, 10), (11, 10), (i64::MAX - 1, NEVER_MS)] {
                for (expected, by_name_only) in [
                    (Some(me), false),
                    (Some(me), true),
                    (Some(TypeId(2)), false),
                    (None, false),
                    (None, true),
                ] {
                    for checks in 0..16_u8 {
                        let bit = |n: u8| checks >> n & 1 == 1;
                        let mut query = expected.map_or_else(Query::any_type, Query::of_type);
                        if bit(0) {
                            query = query.project("p");
                        }
                        if bit(1) {
                            query = query.binding("b");
                        }
                        let identity = Identity {
                            id: Id::NONE,
                            type_id: me,
                            owner: OwnerRef(0),
                            app_word: 0,
                            revision: 1,
                            expires_ms,
                            flags,
                        };
                        let facts =
                            Facts { identity, project_granted: bit(2), binding_equal: bit(3), by_name_only };
                        let has = |flag: u16| flags & flag != 0;
                        let over = expires_ms != NEVER_MS && now_ms >= expires_ms;
                        let checks: [(bool, Status); 11] = [
                            (has(1), Status::Revoked),
                            (has(2) || (has(32) && over), Status::Superseded),
                            (has(4), Status::Used),
                            (over, Status::Expired),
                            (has(8), Status::Disabled),
                            (expected.map_or(by_name_only, |t| t != me), Status::WrongType),
                            (bit(1) != has(256) || (bit(1) && !bit(3)), Status::WrongBinding),
                            (bit(0) && !has(16) && !bit(2), Status::NoGrant),
                            (has(64), Status::MustRefresh),
                            (has(128), Status::MustConsume),
                            (true, Status::Ok),
                        ];
                        let want = checks.iter().find(|(fails, _)| *fails).unwrap().1;
                        assert_eq!(judge(&facts, &query, now_ms), want, "{facts:?} {query:?} {now_ms}");
                        *seen.entry(want).or_insert(0_u32) += 1;
                    }
                }
            }
        }
        assert_eq!(seen.len(), 11, "every answer was reached: {seen:?}");
    }
}
