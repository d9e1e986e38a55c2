//! Changing tokens: which one, what of it, and what that did.

use std::fmt;

use crate::error::Result;
use crate::expiry::Expiry;
use crate::grants::Grants;
use crate::id::Id;
use crate::limits::{check_app_data, check_optional_text, check_owner, check_text};

/// A token to act on, with what must hold of it, and who acts why. An [`Id`] converts into it.
///
/// ```
/// # use tokenstore::{ErrorKind, NewToken, Options, Target, TypePolicy};
/// # let store = Options::new().in_memory()?;
/// # let server = store.declare(&TypePolicy::new("server", "srv"))?;
/// let id = store.create(&NewToken::new(server, "acme"))?.id;
/// let wrong = store.revoke(Target::new(id).owner("other"));
/// assert_eq!(wrong.unwrap_err().kind(), ErrorKind::NotFound);
/// store.revoke(Target::new(id).owner("acme").by("admin").reason("leaked"))?;
/// # Ok::<(), tokenstore::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Target {
    pub(crate) id: Id,
    pub(crate) owner: Option<Vec<u8>>,
    pub(crate) revision: Option<u64>,
    pub(crate) by: String,
    pub(crate) reason: String,
}

impl Target {
    /// The token with this id.
    pub fn new(id: Id) -> Target {
        Target { id, owner: None, revision: None, by: String::new(), reason: String::new() }
    }

    /// It must have this owner (1 to 255 bytes), or the call answers [`NotFound`](crate::ErrorKind::NotFound): for calls on behalf of
    /// a user who names the id.
    pub fn owner(mut self, owner: impl AsRef<[u8]>) -> Target {
        self.owner = Some(owner.as_ref().to_vec());
        self
    }

    /// It must have this revision, or the call answers
    /// [`RevisionConflict`](crate::ErrorKind::RevisionConflict) and changes nothing.
    pub fn revision(mut self, revision: u64) -> Target {
        self.revision = Some(revision);
        self
    }

    /// Who acts, for the event log: at most 255 bytes of UTF-8 without control characters.
    pub fn by(mut self, actor: impl Into<String>) -> Target {
        self.by = actor.into();
        self
    }

    /// Why, for the event log, and with a revocation for the token: at most 255 bytes of UTF-8 without control
    /// characters.
    pub fn reason(mut self, reason: impl Into<String>) -> Target {
        self.reason = reason.into();
        self
    }

    pub(crate) fn check(&self) -> Result<()> {
        if let Some(owner) = &self.owner {
            check_owner(owner)?;
        }
        check_optional_text("an actor", &self.by)?;
        check_optional_text("a reason", &self.reason)
    }
}

impl From<Id> for Target {
    fn from(id: Id) -> Target {
        Target::new(id)
    }
}

/// Changes to a token, made in one step. What is not named stays as it is.
#[derive(Clone, Default)]
pub struct Edit {
    pub(crate) name: Option<Option<String>>,
    pub(crate) expires: Option<Expiry>,
    pub(crate) grants: Option<Grants>,
    pub(crate) app_data: Option<Vec<u8>>,
    pub(crate) app_word: Option<u64>,
}

impl fmt::Debug for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edit")
            .field("name", &self.name)
            .field("expires", &self.expires)
            .field("grants", &self.grants)
            .field("app_word", &self.app_word)
            .finish_non_exhaustive()
    }
}

impl Edit {
    /// No change yet.
    pub fn new() -> Edit {
        Edit::default()
    }

    /// Another name.
    pub fn name(mut self, name: impl Into<String>) -> Edit {
        self.name = Some(Some(name.into()));
        self
    }

    /// No name.
    pub fn no_name(mut self) -> Edit {
        self.name = Some(None);
        self
    }

    /// Another expiry, within the type's maximum counted from the creation.
    pub fn expires(mut self, expiry: Expiry) -> Edit {
        self.expires = Some(expiry);
        self
    }

    /// Other grants in place of all that there are.
    pub fn grants(mut self, grants: Grants) -> Edit {
        self.grants = Some(grants);
        self
    }

    /// Other bytes of your own.
    pub fn app_data(mut self, data: impl Into<Vec<u8>>) -> Edit {
        self.app_data = Some(data.into());
        self
    }

    /// Another number of your own.
    pub fn app_word(mut self, word: u64) -> Edit {
        self.app_word = Some(word);
        self
    }

    pub(crate) fn check(&self) -> Result<()> {
        if let Some(Some(name)) = &self.name {
            check_text("a name", name)?;
        }
        if let Some(data) = &self.app_data {
            check_app_data(data)?;
        }
        self.grants.as_ref().map_or(Ok(()), Grants::check)
    }
}

/// What a change did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// False if everything was so already. Nothing was written then.
    pub changed: bool,
    /// The token's revision now: the store's sequence number of its last change. 0 if the token is gone.
    pub revision: u64,
}
