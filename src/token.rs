//! What goes into a token and what comes back of it.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use time::OffsetDateTime;

use crate::clock::{MAX_EXPIRY_MS, NEVER_MS, duration_ms, to_ms};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::policy::TypeId;
use crate::value::Value;

/// The longest owner, in bytes.
pub const MAX_OWNER_BYTES: usize = 255;
/// The longest project, in bytes.
pub const MAX_PROJECT_BYTES: usize = 64;
/// How many projects a token can be granted one by one.
pub const MAX_PROJECTS: usize = 1_000;
/// The longest name, reason or actor, in bytes of UTF-8.
pub const MAX_TEXT_BYTES: usize = 255;
/// The longest binding, in bytes.
pub const MAX_BINDING_BYTES: usize = 255;
/// The longest `app_data`, in bytes.
pub const MAX_APP_DATA_BYTES: usize = 4_096;

/// When a token expires. It is valid while `now < expiry`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// It does not.
    Never,
    /// At this time, in the future and before the year 2527, in milliseconds rounded down.
    At(OffsetDateTime),
    /// So long from now, from 1 ms on.
    In(Duration),
}

impl Expiry {
    pub(crate) fn at_ms(self, now_ms: i64) -> Result<i64> {
        let at = match self {
            Expiry::Never => return Ok(NEVER_MS),
            Expiry::At(time) => to_ms(time),
            Expiry::In(lifetime) => now_ms.saturating_add(duration_ms(lifetime)?),
        };
        if at > MAX_EXPIRY_MS { Err(Error::invalid("the expiry is after the year 2527")) } else { Ok(at) }
    }
}

/// Which projects a token reaches: all, those that do not exist yet included, or a set, which may be empty.
#[derive(Clone, PartialEq, Eq)]
pub enum Grants {
    /// Every project, present and to come.
    All,
    /// These projects, each of 1 to 64 bytes; at most 1,000.
    Projects(BTreeSet<Vec<u8>>),
}

impl Grants {
    /// No project.
    pub fn none() -> Grants {
        Grants::Projects(BTreeSet::new())
    }

    /// These projects.
    pub fn projects<P: AsRef<[u8]>>(projects: impl IntoIterator<Item = P>) -> Grants {
        Grants::Projects(projects.into_iter().map(|project| project.as_ref().to_vec()).collect())
    }

    /// Whether `project` is reached.
    pub fn allow(&self, project: &[u8]) -> bool {
        match self {
            Grants::All => true,
            Grants::Projects(projects) => projects.contains(project),
        }
    }

    /// Whether no project is reached.
    pub fn is_none(&self) -> bool {
        matches!(self, Grants::Projects(projects) if projects.is_empty())
    }

    pub(crate) fn check(&self) -> Result<()> {
        let Grants::Projects(projects) = self else { return Ok(()) };
        projects.iter().try_for_each(|project| check_project(project))?;
        if projects.len() > MAX_PROJECTS {
            return Err(Error::new(
                crate::ErrorKind::LimitReached,
                "a token is granted at most 1,000 projects one by one",
            ));
        }
        Ok(())
    }
}

impl fmt::Debug for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Grants::All => f.write_str("All"),
            Grants::Projects(projects) => f
                .debug_set()
                .entries(projects.iter().map(|project| project.escape_ascii().to_string()))
                .finish(),
        }
    }
}

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
    pub(crate) app_data: Vec<u8>,
    pub(crate) app_word: u64,
    pub(crate) by: String,
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

    /// Bytes of your own, at most 4,096, that [`get`](crate::Store::get) hands back.
    pub fn app_data(mut self, data: impl Into<Vec<u8>>) -> NewToken {
        self.app_data = data.into();
        self
    }

    /// A number of your own that every verify hands back.
    pub fn app_word(mut self, word: u64) -> NewToken {
        self.app_word = word;
        self
    }

    /// Who makes it, for the event log: at most 255 bytes of UTF-8.
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

    /// It must have this owner, or the call answers [`NotFound`](crate::ErrorKind::NotFound): for calls on behalf of
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

    /// Who acts, for the event log: at most 255 bytes of UTF-8.
    pub fn by(mut self, actor: impl Into<String>) -> Target {
        self.by = actor.into();
        self
    }

    /// Why, for the event log, and with a revocation for the token: at most 255 bytes of UTF-8.
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
#[derive(Clone, Debug, Default)]
pub struct Edit {
    pub(crate) name: Option<Option<String>>,
    pub(crate) expires: Option<Expiry>,
    pub(crate) grants: Option<Grants>,
    pub(crate) app_data: Option<Vec<u8>>,
    pub(crate) app_word: Option<u64>,
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

/// What a token is at a moment: the first of these that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Revoked for good.
    Revoked,
    /// An old value, or an access token that a refresh ended.
    Superseded,
    /// Its uses ran out.
    Used,
    /// Its time ran out, for good.
    Expired,
    /// Switched off; it can be switched on again.
    Disabled,
    /// None of these.
    Active,
}

impl State {
    /// Whether nothing brings it back: revoked, superseded, used or expired.
    pub fn is_dead(self) -> bool {
        !matches!(self, State::Disabled | State::Active)
    }
}

/// A revocation: its first time and reason stay.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revocation {
    /// When.
    pub at: OffsetDateTime,
    /// Why, as the caller said; may be empty.
    pub reason: String,
}

/// A token as the store keeps it. Its value is not here, nor any hash of it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Token {
    /// Its id.
    pub id: Id,
    /// Its type.
    pub type_id: TypeId,
    /// Its owner.
    pub owner: Vec<u8>,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// What it is now.
    pub state: State,
    /// When it was made.
    pub created: OffsetDateTime,
    /// When it expires; `None` is never.
    pub expires: Option<OffsetDateTime>,
    /// When it was last verified with OK, to within the store's resolution; `None` is never.
    pub last_used: Option<OffsetDateTime>,
    /// The projects it reaches.
    pub grants: Grants,
    /// Whether a presenter must show a binding.
    pub bound: bool,
    /// Whether it is switched off, in whatever state it is.
    pub disabled: bool,
    /// Its revocation, if it was revoked itself.
    pub revocation: Option<Revocation>,
    /// Your number.
    pub app_word: u64,
    /// Your bytes.
    pub app_data: Vec<u8>,
    /// The store's sequence number of its last change.
    pub revision: u64,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Token { id, type_id, owner, name, state, created, expires, last_used, grants, .. } = self;
        f.debug_struct("Token")
            .field("id", id)
            .field("type_id", type_id)
            .field("owner", &owner.escape_ascii().to_string())
            .field("name", name)
            .field("state", state)
            .field("created", created)
            .field("expires", expires)
            .field("last_used", last_used)
            .field("grants", grants)
            .finish_non_exhaustive()
    }
}

/// Which tokens to list. By default the live ones of everybody, from the first.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub(crate) owner: Option<Vec<u8>>,
    pub(crate) type_id: Option<TypeId>,
    pub(crate) states: Option<Vec<State>>,
    pub(crate) name_prefix: Option<String>,
    pub(crate) project: Option<Vec<u8>>,
    pub(crate) expires_before: Option<OffsetDateTime>,
    pub(crate) unused_since: Option<OffsetDateTime>,
    pub(crate) with_dead: bool,
    pub(crate) after: Option<Id>,
    pub(crate) limit: Option<usize>,
}

impl Filter {
    /// The most tokens in a page, and what a page holds unless told otherwise.
    pub const MAX_LIMIT: usize = 1_000;

    /// Every live token.
    pub fn new() -> Filter {
        Filter::default()
    }

    /// Only those of this owner. It costs what the owner has, not what the store has.
    pub fn owner(mut self, owner: impl AsRef<[u8]>) -> Filter {
        self.owner = Some(owner.as_ref().to_vec());
        self
    }

    /// Only those of this type.
    pub fn of_type(mut self, type_id: TypeId) -> Filter {
        self.type_id = Some(type_id);
        self
    }

    /// Only those in one of these states, dead ones too if they are named.
    pub fn states(mut self, states: impl IntoIterator<Item = State>) -> Filter {
        self.states = Some(states.into_iter().collect());
        self
    }

    /// The dead ones too.
    pub fn with_dead(mut self) -> Filter {
        self.with_dead = true;
        self
    }

    /// Only those whose name begins so, byte for byte.
    pub fn name_prefix(mut self, prefix: impl Into<String>) -> Filter {
        self.name_prefix = Some(prefix.into());
        self
    }

    /// Only those that reach this project, by name or because they reach all.
    pub fn project(mut self, project: impl AsRef<[u8]>) -> Filter {
        self.project = Some(project.as_ref().to_vec());
        self
    }

    /// Only those that expire before this time.
    pub fn expires_before(mut self, time: OffsetDateTime) -> Filter {
        self.expires_before = Some(time);
        self
    }

    /// Only those not used at or after this time; one that was never used counts from its creation.
    pub fn unused_since(mut self, time: OffsetDateTime) -> Filter {
        self.unused_since = Some(time);
        self
    }

    /// Go on after this id: the cursor of the page before.
    pub fn after(mut self, id: Id) -> Filter {
        self.after = Some(id);
        self
    }

    /// At most so many in a page, from 1 to 1,000.
    pub fn limit(mut self, limit: usize) -> Filter {
        self.limit = Some(limit);
        self
    }

    pub(crate) fn check(&self) -> Result<()> {
        if let Some(owner) = &self.owner {
            check_owner(owner)?;
        }
        if let Some(project) = &self.project {
            check_project(project)?;
        }
        if self.limit.is_some_and(|limit| !(1..=Filter::MAX_LIMIT).contains(&limit)) {
            return Err(Error::invalid("a page has 1 to 1,000 tokens"));
        }
        Ok(())
    }
}

/// A page of a list, ascending by id.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page {
    /// The tokens.
    pub tokens: Vec<Token>,
    /// Where the next page starts, for [`Filter::after`]; `None` after the last.
    pub next: Option<Id>,
}

pub(crate) fn check_owner(owner: &[u8]) -> Result<()> {
    match owner.len() {
        1..=MAX_OWNER_BYTES => Ok(()),
        _ => Err(Error::invalid("an owner has 1 to 255 bytes")),
    }
}

pub(crate) fn check_project(project: &[u8]) -> Result<()> {
    match project.len() {
        1..=MAX_PROJECT_BYTES => Ok(()),
        _ => Err(Error::invalid("a project has 1 to 64 bytes")),
    }
}

pub(crate) fn check_binding(binding: &[u8]) -> Result<()> {
    match binding.len() {
        1..=MAX_BINDING_BYTES => Ok(()),
        _ => Err(Error::invalid("a binding has 1 to 255 bytes")),
    }
}

fn check_app_data(data: &[u8]) -> Result<()> {
    match data.len() {
        0..=MAX_APP_DATA_BYTES => Ok(()),
        _ => Err(Error::invalid("app_data has at most 4,096 bytes")),
    }
}

pub(crate) fn check_text(what: &str, text: &str) -> Result<()> {
    if text.is_empty() {
        return Err(Error::invalid(format!("{what} has 1 to 255 bytes")));
    }
    check_optional_text(what, text)
}

fn check_optional_text(what: &str, text: &str) -> Result<()> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(Error::invalid(format!("{what} has at most 255 bytes")));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::invalid(format!("{what} has no control characters")));
    }
    Ok(())
}
