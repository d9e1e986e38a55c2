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

    pub(crate) fn check(&self) -> Result<()> {
        check_text("a type's name", &self.name)?;
        let prefix_chars = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if !(1..=MAX_PREFIX_BYTES).contains(&self.prefix.len()) || !self.prefix.bytes().all(prefix_chars) {
            return Err(Error::invalid("a prefix has 1 to 16 characters of a-z, 0-9 and _"));
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
