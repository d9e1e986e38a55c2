//! Types of tokens and their policies.

use std::time::Duration;

use crate::clock::{NEVER_MS, duration_ms};
use crate::error::{Error, Result};
use crate::expiry::Expiry;
use crate::limits::check_text;

/// How many types a store can have.
pub const MAX_TYPES: usize = 1_000;
/// The longest prefix, in bytes.
pub const MAX_PREFIX_BYTES: usize = 16;

/// A declared type of a store: a small number that stays the same for the life of the store's file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TypeId(pub(crate) u16);

impl TypeId {
    /// The type's number, from 1 to 1,000 in the order of declaration.
    pub fn number(self) -> u16 {
        self.0
    }
}

/// What holds for every token of a type. Declared once by name; fixed from then on.
///
/// ```
/// use std::time::Duration;
/// use tokenstore::TypePolicy;
///
/// let day = Duration::from_secs(86_400);
/// let policy = TypePolicy::new("personal", "pat").max_lifetime(365 * day).default_lifetime(90 * day);
/// assert_eq!(policy.name(), "personal");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypePolicy {
    pub(crate) name: String,
    pub(crate) prefix: String,
    pub(crate) default_lifetime: Option<Duration>,
    pub(crate) max_lifetime: Option<Duration>,
    pub(crate) unique_names: bool,
    pub(crate) by_name_only: bool,
    pub(crate) accepts_external: bool,
    pub(crate) uses: Option<u32>,
    pub(crate) volatile: bool,
    pub(crate) families: Option<FamilyPolicy>,
}

/// What holds for families whose refresh values are of a type.
///
/// A family is the line of pairs that come from one sign-in: an access value, which verifies, and a refresh value, which
/// gets the next pair. A member lives as long as its own lifetime and the family's allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FamilyPolicy {
    pub(crate) access: Duration,
    pub(crate) refresh: Duration,
    pub(crate) family: Duration,
    pub(crate) grace: Duration,
    pub(crate) old_access: OldAccess,
}

/// What a refresh makes of the access token before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u8)]
pub enum OldAccess {
    /// It ends at once.
    EndsNow = 0,
    /// It works as long as the grace lasts, if its own life does.
    EndsWithGrace = 1,
    /// It lives its life.
    LivesOn = 2,
}

impl OldAccess {
    pub(crate) fn from_number(number: u8) -> Option<OldAccess> {
        [OldAccess::EndsNow, OldAccess::EndsWithGrace, OldAccess::LivesOn]
            .into_iter()
            .find(|fate| *fate as u8 == number)
    }
}

impl FamilyPolicy {
    /// Families whose access values live for `access`, refresh values for `refresh`, and which end `family` after the
    /// sign-in, each from 1 ms to 557 years; with a grace of 30 s, and access tokens that end at once with a refresh.
    pub fn new(access: Duration, refresh: Duration, family: Duration) -> FamilyPolicy {
        FamilyPolicy {
            access,
            refresh,
            family,
            grace: Duration::from_secs(30),
            old_access: OldAccess::EndsNow,
        }
    }

    /// How long the refresh value before the last refresh gets the same pair again, for whoever lost the reply: up to a
    /// day; 0 is never.
    pub fn grace(mut self, grace: Duration) -> FamilyPolicy {
        self.grace = grace;
        self
    }

    /// What a refresh makes of the access token before it.
    pub fn old_access(mut self, fate: OldAccess) -> FamilyPolicy {
        self.old_access = fate;
        self
    }

    /// How long access values, refresh values and families live.
    pub fn lifetimes(&self) -> (Duration, Duration, Duration) {
        (self.access, self.refresh, self.family)
    }

    /// The [grace](FamilyPolicy::grace).
    pub fn grace_period(&self) -> Duration {
        self.grace
    }

    /// The [fate of old access tokens](FamilyPolicy::old_access).
    pub fn fate_of_old_access(&self) -> OldAccess {
        self.old_access
    }

    fn check(&self) -> Result<()> {
        let FamilyPolicy { access, refresh, family, grace, old_access: _ } = self;
        for lifetime in [access, refresh, family] {
            duration_ms(*lifetime)?;
        }
        if *grace > Duration::from_secs(24 * 60 * 60) {
            return Err(Error::invalid("a grace is at most a day"));
        }
        Ok(())
    }
}

impl TypePolicy {
    /// A type called `name` (1 to 255 bytes of UTF-8 without control characters) whose values begin with `prefix`
    /// and an underscore (1 to 16 of `a-z`, `0-9`, `_`). Its tokens never expire unless told so, and its names are
    /// unique per owner.
    pub fn new(name: &str, prefix: &str) -> TypePolicy {
        TypePolicy {
            name: name.to_owned(),
            prefix: prefix.to_owned(),
            default_lifetime: None,
            max_lifetime: None,
            unique_names: true,
            by_name_only: false,
            accepts_external: false,
            uses: None,
            volatile: false,
            families: None,
        }
    }

    /// How long a token lives when its creation does not say: from 1 ms to 557 years. Without it, for ever.
    pub fn default_lifetime(mut self, lifetime: Duration) -> TypePolicy {
        self.default_lifetime = Some(lifetime);
        self
    }

    /// The longest life of a token, counted from its creation, edits included. It forbids tokens that never expire,
    /// and needs a [default](TypePolicy::default_lifetime) no longer than itself.
    pub fn max_lifetime(mut self, lifetime: Duration) -> TypePolicy {
        self.max_lifetime = Some(lifetime);
        self
    }

    /// Whether a name may stand only once among an owner's live tokens of all types that say so. On unless switched
    /// off.
    pub fn unique_names(mut self, unique: bool) -> TypePolicy {
        self.unique_names = unique;
        self
    }

    /// Whether only a query that names this type accepts its tokens: for client secrets, which must not pass as
    /// access tokens.
    pub fn by_name_only(mut self, by_name_only: bool) -> TypePolicy {
        self.by_name_only = by_name_only;
        self
    }

    /// Whether tokens may be made from values of the caller's own.
    pub fn accepts_external(mut self, accepts: bool) -> TypePolicy {
        self.accepts_external = accepts;
        self
    }

    /// How often a token can be [consumed](crate::Store::consume), from 1 on. A type with a use count never verifies with
    /// OK.
    pub fn uses(mut self, uses: u32) -> TypePolicy {
        self.uses = Some(uses);
        self
    }

    /// Whether its tokens live in memory alone: for tickets of some seconds, which need no place on a disk. They have a
    /// use count and a default lifetime, no name and no parent, are in no list and no event, and are refused after a
    /// close or a crash. In a [shared](crate::Options::shared) store, where other processes are to know of them, they are on
    /// the disk, listed and logged as all others are, and taken out some minutes after their end.
    pub fn volatile(mut self, volatile: bool) -> TypePolicy {
        self.volatile = volatile;
        self
    }

    /// Makes it the type of refresh values: its tokens are made by [`issue_pair`](crate::Store::issue_pair) and
    /// [`refresh`](crate::Store::refresh) alone.
    pub fn families(mut self, policy: FamilyPolicy) -> TypePolicy {
        self.families = Some(policy);
        self
    }

    /// The type's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its values begin with, without the underscore.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The [default lifetime](TypePolicy::default_lifetime) and the [longest](TypePolicy::max_lifetime); `None` is no
    /// end.
    pub fn lifetimes(&self) -> (Option<Duration>, Option<Duration>) {
        (self.default_lifetime, self.max_lifetime)
    }

    /// Whether its [names are unique](TypePolicy::unique_names).
    pub fn has_unique_names(&self) -> bool {
        self.unique_names
    }

    /// Whether it is accepted [by name only](TypePolicy::by_name_only).
    pub fn is_by_name_only(&self) -> bool {
        self.by_name_only
    }

    /// Whether it [takes values made elsewhere](TypePolicy::accepts_external).
    pub fn takes_external(&self) -> bool {
        self.accepts_external
    }

    /// How often its tokens can be [consumed](TypePolicy::uses); `None` if they are not counted.
    pub fn use_count(&self) -> Option<u32> {
        self.uses
    }

    /// Whether its tokens are [in memory alone](TypePolicy::volatile).
    pub fn is_volatile(&self) -> bool {
        self.volatile
    }

    /// What holds for its [families](TypePolicy::families), if it is a type of refresh values.
    pub fn family_policy(&self) -> Option<&FamilyPolicy> {
        self.families.as_ref()
    }

    pub(crate) fn check(&self) -> Result<()> {
        check_text("a type's name", &self.name)?;
        let prefix_chars = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if !(1..=MAX_PREFIX_BYTES).contains(&self.prefix.len()) || !self.prefix.bytes().all(prefix_chars) {
            return Err(Error::invalid("a prefix has 1 to 16 characters of a-z, 0-9 and _"));
        }
        if self.uses == Some(0) {
            return Err(Error::invalid("a use count is at least 1"));
        }
        if self.volatile && (self.uses.is_none() || self.default_lifetime.is_none()) {
            return Err(Error::invalid("a type in memory alone has a use count and a default lifetime"));
        }
        if let Some(families) = &self.families {
            families.check()?;
            if self.uses.is_some() {
                return Err(Error::invalid("a type of refresh values has no use count"));
            }
        }
        let default = self.default_lifetime.map(duration_ms).transpose()?;
        let max = self.max_lifetime.map(duration_ms).transpose()?;
        match (default, max) {
            (None, Some(_)) => Err(Error::invalid("a type with a maximum lifetime needs a default lifetime")),
            (Some(default), Some(max)) if default > max => {
                Err(Error::invalid("the default lifetime is longer than the maximum"))
            }
            _ => Ok(()),
        }
    }

    /// When a token created at `created_ms` expires, if `asked` for at `now_ms`.
    ///
    /// # Errors
    /// InvalidArgument if that is not in the future, or later than the type allows.
    pub(crate) fn expiry_ms(&self, asked: Option<Expiry>, created_ms: i64, now_ms: i64) -> Result<i64> {
        let asked = asked.or(self.default_lifetime.map(Expiry::In)).unwrap_or(Expiry::Never);
        let expires_ms = asked.at_ms(now_ms)?;
        if expires_ms <= now_ms {
            return Err(Error::invalid("the expiry is not in the future"));
        }
        match self.max_lifetime {
            Some(_) if expires_ms == NEVER_MS => Err(Error::invalid("this type has a maximum lifetime")),
            Some(max) if expires_ms > created_ms + duration_ms(max)? => {
                Err(Error::invalid("the expiry is later than this type's maximum lifetime allows"))
            }
            _ => Ok(expires_ms),
        }
    }
}
