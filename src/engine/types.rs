//! The declared types, readable by a verify without a lock.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::error::{Error, ErrorKind, Result};
use crate::policy::{MAX_TYPES, TypeId, TypePolicy};

/// Types are only ever added, each under the next number from 1 on.
pub(crate) struct Types {
    policies: Box<[OnceLock<TypePolicy>]>,
    count: AtomicUsize,
    accept_external: AtomicBool,
}

impl Types {
    pub(super) fn new() -> Types {
        Types {
            policies: (0..MAX_TYPES).map(|_| OnceLock::new()).collect(),
            count: AtomicUsize::new(0),
            accept_external: AtomicBool::new(false),
        }
    }

    /// The policy of a type.
    #[inline]
    pub(crate) fn get(&self, type_id: TypeId) -> Option<&TypePolicy> {
        self.policies.get(usize::from(type_id.0).wrapping_sub(1))?.get()
    }

    /// The types and their policies, in the order of declaration.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (TypeId, &TypePolicy)> {
        let count = self.count.load(Ordering::Acquire);
        self.policies
            .iter()
            .take(count)
            .zip(1..)
            .filter_map(|(policy, number)| policy.get().map(|policy| (TypeId(number), policy)))
    }

    pub(crate) fn find(&self, name: &str) -> Option<TypeId> {
        self.iter().find(|(_, policy)| policy.name == name).map(|(type_id, _)| type_id)
    }

    /// Adds the type with the next number.
    ///
    /// # Errors
    /// LimitReached if there are 1,000; Corrupt if the number is not the next.
    pub(super) fn add(&self, type_id: TypeId, policy: TypePolicy) -> Result<()> {
        let count = self.count.load(Ordering::Acquire);
        if usize::from(type_id.0) != count + 1 {
            return Err(Error::corrupt("a type of the file is missing"));
        }
        let place = self.policies.get(count).ok_or_else(too_many)?;
        let external = policy.accepts_external;
        place.set(policy).map_err(|_| Error::corrupt("a type of the file stands twice"))?;
        self.count.store(count + 1, Ordering::Release);
        if external {
            self.accept_external.store(true, Ordering::Release);
        }
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// Whether any type takes values made elsewhere.
    pub(super) fn accept_external(&self) -> bool {
        self.accept_external.load(Ordering::Acquire)
    }

    /// Whether a value begins with a declared prefix and an underscore: whether it claims to be made here.
    pub(super) fn claim(&self, value: &[u8]) -> bool {
        self.iter().any(|(_, policy)| {
            let rest = value.strip_prefix(policy.prefix.as_bytes());
            rest.is_some_and(|rest| rest.first() == Some(&b'_'))
        })
    }
}

pub(super) fn too_many() -> Error {
    Error::new(ErrorKind::LimitReached, "a store has at most 1,000 types")
}
