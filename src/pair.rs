//! Pairs of an access value and a refresh value: what goes in, and what comes out once.

use std::fmt;

use time::OffsetDateTime;

use crate::error::Result;
use crate::grants::Grants;
use crate::id::Id;
use crate::limits::{check_app_data, check_binding, check_optional_text, check_owner, check_text};
use crate::policy::TypeId;
use crate::value::Value;
use crate::verdict::Status;

/// A family to be made, with its first pair.
///
/// ```
/// # use std::time::Duration;
/// # use tokenstore::{FamilyPolicy, NewPair, Options, Query, Refresh, TypePolicy};
/// # let store = Options::new().in_memory()?;
/// let hours = |hours: u64| Duration::from_secs(hours * 3_600);
/// let access = store.declare(&TypePolicy::new("access", "acc"))?;
/// let policy = FamilyPolicy::new(hours(10), hours(24), hours(24 * 30));
/// let refresh = store.declare(&TypePolicy::new("refresh", "ref").families(policy))?;
///
/// let pair = store.issue_pair(&NewPair::new(access, refresh, "user-17", "client-1"))?;
/// assert!(store.verify(pair.access.value.as_bytes(), &Query::of_type(access))?.allowed());
/// let Refresh::Rotated(next) = store.refresh(pair.refresh.value.as_bytes(), "client-1")? else {
///     panic!("a good refresh value")
/// };
/// // The reply was lost: the client asks again, and gets the same pair.
/// let Refresh::Replayed(again) = store.refresh(pair.refresh.value.as_bytes(), "client-1")? else {
///     panic!("within the grace")
/// };
/// assert_eq!(next.access.value.as_str(), again.access.value.as_str());
/// # Ok::<(), tokenstore::Error>(())
/// ```
#[derive(Clone)]
pub struct NewPair {
    pub(crate) access_type: TypeId,
    pub(crate) refresh_type: TypeId,
    pub(crate) owner: Vec<u8>,
    pub(crate) name: Option<String>,
    pub(crate) binding: Vec<u8>,
    pub(crate) binds_access: bool,
    pub(crate) grants: Grants,
    pub(crate) app_data: Vec<u8>,
    pub(crate) app_word: u64,
    pub(crate) by: String,
}

impl fmt::Debug for NewPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewPair")
            .field("access_type", &self.access_type)
            .field("refresh_type", &self.refresh_type)
            .field("owner", &self.owner.escape_ascii().to_string())
            .field("name", &self.name)
            .field("grants", &self.grants)
            .finish_non_exhaustive()
    }
}

impl NewPair {
    /// A family for `owner` (1 to 255 bytes) with access values of one type and refresh values of another, a type
    /// [of families](crate::TypePolicy::families). Whoever refreshes must show `binding`, 1 to 255 bytes: the client's
    /// id, in the form that you always use.
    pub fn new(
        access_type: TypeId,
        refresh_type: TypeId,
        owner: impl AsRef<[u8]>,
        binding: impl AsRef<[u8]>,
    ) -> NewPair {
        NewPair {
            access_type,
            refresh_type,
            owner: owner.as_ref().to_vec(),
            name: None,
            binding: binding.as_ref().to_vec(),
            binds_access: false,
            grants: Grants::none(),
            app_data: Vec::new(),
            app_word: 0,
            by: String::new(),
        }
    }

    /// The family's name, for people: 1 to 255 bytes of UTF-8 without control characters. It need not be unique.
    pub fn name(mut self, name: impl Into<String>) -> NewPair {
        self.name = Some(name.into());
        self
    }

    /// Whether whoever presents an access value must show the binding, too. Off unless switched on.
    pub fn bind_access(mut self, bind: bool) -> NewPair {
        self.binds_access = bind;
        self
    }

    /// The projects that the family's access values reach.
    pub fn grants(mut self, grants: Grants) -> NewPair {
        self.grants = grants;
        self
    }

    /// Bytes of your own, at most 4,096, that [`get`](crate::Store::get) hands back for each member.
    pub fn app_data(mut self, data: impl Into<Vec<u8>>) -> NewPair {
        self.app_data = data.into();
        self
    }

    /// A number of your own that every verify hands back.
    pub fn app_word(mut self, word: u64) -> NewPair {
        self.app_word = word;
        self
    }

    /// Who makes it, for the event log: at most 255 bytes of UTF-8 without control characters.
    pub fn by(mut self, actor: impl Into<String>) -> NewPair {
        self.by = actor.into();
        self
    }

    pub(crate) fn check(&self) -> Result<()> {
        check_owner(&self.owner)?;
        if let Some(name) = &self.name {
            check_text("a name", name)?;
        }
        check_binding(&self.binding)?;
        check_app_data(&self.app_data)?;
        check_optional_text("an actor", &self.by)?;
        self.grants.check()
    }
}

/// Values of your own for a pair, such as a JWT, in place of made ones: 16 to 8,192 bytes each, of types that
/// [take such values](crate::TypePolicy::accepts_external).
#[derive(Clone, Copy, Default)]
pub struct PairValues<'a> {
    /// The access value; without one it is made.
    pub access: Option<&'a [u8]>,
    /// The refresh value; without one it is made.
    pub refresh: Option<&'a [u8]>,
}

impl fmt::Debug for PairValues<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PairValues(not shown)")
    }
}

/// A family's pair, with its values.
#[derive(Debug)]
#[non_exhaustive]
pub struct Pair {
    /// The family.
    pub family: Id,
    /// What verifies.
    pub access: Issued,
    /// What gets the next pair.
    pub refresh: Issued,
    /// The store's sequence number of the change that made it.
    pub revision: u64,
}

/// One value of a pair.
#[derive(Debug)]
#[non_exhaustive]
pub struct Issued {
    /// Its token.
    pub id: Id,
    /// The value.
    pub value: Value,
    /// When it expires.
    pub expires: OffsetDateTime,
}

/// What a refresh did.
#[derive(Debug)]
#[must_use]
pub enum Refresh {
    /// The value was good, and is used now. Here is the next pair.
    Rotated(Pair),
    /// The value was used a moment ago, and here is the pair that it got then, byte for byte.
    Replayed(Pair),
    /// Nothing: here is why. With [`Status::Reused`] the family is revoked, its access values included.
    Refused(Status),
}
