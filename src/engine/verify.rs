//! The read path: it allocates nothing, takes no lock, and makes no system call but the clock's.

use super::Engine;
use crate::error::{Error, Result};
use crate::index::use_unit;
use crate::key::{Digest, scrub_stack};
use crate::policy::TypeId;
use crate::value::{self, Shape};
use crate::verdict::{OwnerRef, Query, Status, Verdict, judge};

/// How many values are looked up at a time, so that their cache misses overlap.
const LANES: usize = 16;

/// A value before it is looked up.
#[derive(Clone, Copy)]
pub(super) enum Candidate<'a> {
    /// It is nobody's, whatever the index holds.
    Malformed,
    /// It may be somebody's. A miss of one that is made like ours, or claims to be, depends on its prefix.
    Hashed(Digest, Option<&'a [u8]>),
}

impl Engine {
    /// Judges one value.
    #[inline]
    pub(crate) fn verify(&self, value: &[u8], query: &Query) -> Result<Verdict> {
        self.may_verify(query)?;
        let candidate = self.candidate(value);
        scrub_stack(value.len());
        Ok(self.judge(candidate, query, self.now.ms()))
    }

    /// Judges many values by one query and one reading of the clock; returns how many are allowed.
    pub(crate) fn verify_each<'a>(
        &self,
        count: usize,
        value: impl Fn(usize) -> &'a [u8],
        query: &Query,
        mut put: impl FnMut(usize, Verdict),
    ) -> Result<usize> {
        self.may_verify(query)?;
        let now_ms = self.now.ms();
        let mut allowed = 0;
        for first in (0..count).step_by(LANES) {
            let lanes = LANES.min(count - first);
            let mut candidates = [Candidate::Malformed; LANES];
            for (lane, candidate) in candidates.iter_mut().enumerate().take(lanes) {
                *candidate = self.candidate(value(first + lane));
            }
            // Loads that do not wait for each other: the lines are on their way when they are needed.
            let touched = candidates.iter().fold(0, |touched, candidate| match candidate {
                Candidate::Hashed(digest, _) => touched ^ self.index.touch(digest),
                Candidate::Malformed => touched,
            });
            std::hint::black_box(touched);
            for (lane, candidate) in candidates.into_iter().enumerate().take(lanes) {
                let verdict = self.judge(candidate, query, now_ms);
                allowed += usize::from(verdict.allowed());
                put(first + lane, verdict);
            }
        }
        scrub_stack(usize::MAX);
        Ok(allowed)
    }

    #[inline]
    pub(super) fn may_verify(&self, query: &Query) -> Result<()> {
        match query.error {
            None => Ok(()),
            Some(message) => Err(Error::invalid(message)),
        }
    }

    #[inline]
    pub(super) fn candidate<'a>(&self, value: &'a [u8]) -> Candidate<'a> {
        match value::shape(value) {
            Shape::Native { prefix } => Candidate::Hashed(self.keys.digest(value), Some(prefix)),
            Shape::Other if self.takes_external(value) => Candidate::Hashed(self.keys.digest(value), None),
            Shape::Other | Shape::Never => Candidate::Malformed,
        }
    }

    /// Whether a value that is not made like ours may be somebody's.
    fn takes_external(&self, value: &[u8]) -> bool {
        self.types.accept_external() && !self.types.claim(value)
    }

    #[inline]
    pub(super) fn judge(&self, candidate: Candidate<'_>, query: &Query, now_ms: i64) -> Verdict {
        let Candidate::Hashed(digest, prefix) = candidate else {
            return Verdict::MALFORMED;
        };
        let by_name_only = |type_id| self.by_name_only(type_id);
        let Some((facts, found)) = self.index.find(&digest, query, by_name_only).or_else(|| {
            let (mut facts, found) = self.tickets.get()?.index.find(&digest, query, by_name_only)?;
            facts.identity.owner = facts.identity.owner.of_ticket();
            Some((facts, found))
        }) else {
            return self.miss(prefix);
        };
        let status = judge(&facts, query, now_ms);
        match status {
            Status::Ok => {
                let unit = use_unit(now_ms, self.settings.use_resolution_ms);
                if found.last_use() != unit {
                    found.note_use(unit);
                }
            }
            Status::Expired => self.now.raise(now_ms),
            // The end of an old value is as final as an expiry.
            Status::Superseded if facts.identity.old_value() => self.now.raise(now_ms),
            _ => {}
        }
        Verdict { status, identity: Some(facts.identity) }
    }

    /// The answer for a value that nobody has: unknown, if somebody could.
    #[cold]
    fn miss(&self, prefix: Option<&[u8]>) -> Verdict {
        let Some(prefix) = prefix else {
            return Verdict::NO_TOKEN;
        };
        let declared = self.types.iter().any(|(_, policy)| policy.prefix.as_bytes() == prefix);
        // What is made like ours under a prefix that nobody declared is an outsider's value like any other, unless
        // it begins with a declared one.
        let outsider = || {
            let claims = self.types.iter().any(|(_, policy)| {
                let rest = prefix.strip_prefix(policy.prefix.as_bytes());
                rest.is_some_and(|rest| rest.first() == Some(&b'_'))
            });
            self.types.accept_external() && !claims
        };
        if declared || outsider() { Verdict::NO_TOKEN } else { Verdict::MALFORMED }
    }

    pub(super) fn by_name_only(&self, type_id: TypeId) -> bool {
        // A token whose type is not known is accepted by nobody.
        self.types.get(type_id).is_none_or(|policy| policy.by_name_only)
    }

    /// The digest of a value made elsewhere, if a type may take it.
    pub(crate) fn external_digest(&self, type_id: TypeId, value: &[u8]) -> Result<Digest> {
        let policy = self.types.get(type_id).ok_or_else(super::no_such_type)?;
        if !policy.accepts_external {
            return Err(Error::invalid("this type takes no values made elsewhere"));
        }
        if !(value::MIN_EXTERNAL_BYTES..=value::MAX_VALUE_BYTES).contains(&value.len()) {
            return Err(Error::invalid("a value made elsewhere has 16 to 8,192 bytes"));
        }
        if self.types.claim(value) {
            return Err(Error::invalid("a value made elsewhere must not begin with a declared prefix"));
        }
        Ok(self.digest(value))
    }

    /// The digest of a value, which leaves no copy of it behind.
    pub(crate) fn digest(&self, value: &[u8]) -> Digest {
        let digest = self.keys.digest(value);
        scrub_stack(value.len());
        digest
    }

    /// The digest of a value that some token may have.
    pub(crate) fn known_digest(&self, value: &[u8]) -> Option<Digest> {
        match self.candidate(value) {
            Candidate::Malformed => None,
            Candidate::Hashed(digest, _) => {
                scrub_stack(value.len());
                Some(digest)
            }
        }
    }

    /// Copies an owner's bytes.
    pub(crate) fn owner(&self, owner: OwnerRef, out: &mut [u8; 256]) -> Result<Option<usize>> {
        self.usable()?;
        Ok(match owner.split() {
            (owner, false) => self.index.owner(owner, out),
            (owner, true) => self.tickets.get().and_then(|tickets| tickets.index.owner(owner, out)),
        })
    }
}
