//! Making tokens: what goes in, and what comes out once.

use std::fmt;

use crate::error::Result;
use crate::expiry::Expiry;
use crate::grants::Grants;
use crate::id::Id;
use crate::limits::{check_app_data, check_binding, check_optional_text, check_owner, check_text};
use crate::policy::TypeId;
use crate::value::Value;

/// A token to be made.
///
/// ```
/// # use tokenstore::{Expiry, Grants, NewToken, Options, TypePolicy};
/// # let store = Options::new().in_memory()?;
/// let server = store.declare(&TypePolicy::new("server", "srv"))?;
/// let token = NewToken::new(server, "acme").name("deploy").grants(Grants::projects(["A-1", "B-2"]));
/// let created = store.create(&token)?;
/// assert!(created.value.as_str().starts_with("srv_"));
/// # Ok::<(), tokenstore::Error>(())
/// ```
#[derive(Clone)]
pub struct NewToken {
    pub(crate) type_id: TypeId,
    pub(crate) owner: Vec<u8>,
    pub(crate) name: Option<String>,
    pub(crate) expires: Option<Expiry>,
    pub(crate) grants: Grants,
    pub(crate) binding: Option<Vec<u8>>,
    pub(crate) parent: Option<Id>,
    pub(crate) app_data: Vec<u8>,
    pub(crate) app_word: u64,
    pub(crate) by: String,
}

impl fmt::Debug for NewToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewToken")
            .field("type_id", &self.type_id)
            .field("owner", &self.owner.escape_ascii().to_string())
            .field("name", &self.name)
            .field("expires", &self.expires)
            .field("grants", &self.grants)
            .finish_non_exhaustive()
    }
}

impl NewToken {
    /// A token of this type for `owner` (1 to 255 bytes), with no name, the type's lifetime, and no project.
    pub fn new(type_id: TypeId, owner: impl AsRef<[u8]>) -> NewToken {
        NewToken {
            type_id,
            owner: owner.as_ref().to_vec(),
            name: None,
            expires: None,
            grants: Grants::none(),
            binding: None,
            parent: None,
            app_data: Vec::new(),
            app_word: 0,
            by: String::new(),
        }
    }

    /// Its name: 1 to 255 bytes of UTF-8 without control characters, kept and compared byte for byte.
    pub fn name(mut self, name: impl Into<String>) -> NewToken {
        self.name = Some(name.into());
        self
    }

    /// When it expires, instead of the type's default.
    pub fn expires(mut self, expiry: Expiry) -> NewToken {
        self.expires = Some(expiry);
        self
    }

    /// The projects it reaches.
    pub fn grants(mut self, grants: Grants) -> NewToken {
        self.grants = grants;
        self
    }

    /// What a presenter must also show, 1 to 255 bytes: a client id, say, in the form that you always use.
    pub fn binding(mut self, binding: impl AsRef<[u8]>) -> NewToken {
        self.binding = Some(binding.as_ref().to_vec());
        self
    }

    /// The token it hangs on: it expires no later, and dies when that one is revoked or deleted. A chain of tokens is at
    /// most four below its first.
    pub fn parent(mut self, parent: Id) -> NewToken {
        self.parent = Some(parent);
        self
    }

    /// Bytes of your own, at most 4,096, that [`get`](crate::Store::get) and [`consume`](crate::Store::consume) hand
    /// back.
    pub fn app_data(mut self, data: impl Into<Vec<u8>>) -> NewToken {
        self.app_data = data.into();
        self
    }

    /// A number of your own that every verify hands back.
    pub fn app_word(mut self, word: u64) -> NewToken {
        self.app_word = word;
        self
    }

    /// Who makes it, for the event log: at most 255 bytes of UTF-8 without control characters.
    pub fn by(mut self, actor: impl Into<String>) -> NewToken {
        self.by = actor.into();
        self
    }

    pub(crate) fn check(&self) -> Result<()> {
        check_owner(&self.owner)?;
        if let Some(name) = &self.name {
            check_text("a name", name)?;
        }
        if let Some(binding) = &self.binding {
            check_binding(binding)?;
        }
        check_app_data(&self.app_data)?;
        check_optional_text("an actor", &self.by)?;
        self.grants.check()
    }
}

/// A token just made, with the only copy of its value that there will ever be.
#[derive(Debug)]
#[non_exhaustive]
pub struct Created {
    /// Its id.
    pub id: Id,
    /// Its value.
    pub value: Value,
    /// Its first revision.
    pub revision: u64,
}

/// A token just made from a value of the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Registered {
    /// Its id.
    pub id: Id,
    /// Its first revision.
    pub revision: u64,
}

/// What [`create_if_absent`](crate::Store::create_if_absent) found or made.
#[derive(Debug)]
pub enum CreatedOrExisting {
    /// There was no live token of this name; here is one.
    Created(Created),
    /// There is one, with this id. Its value is not known to the store.
    Existing(Id),
}
