//! The table of what can be answered: every call, to a token or a store in every state, and the answers that the
//! documents allow there. The scenarios must hit every cell and no other.
//!
//! A call that is added to `Call`, or a state to `On`, does not compile before its cells are decided here.

use tokenstore::EventKind;

/// A call, a state, an answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cell {
    pub(crate) call: Call,
    pub(crate) on: On,
    pub(crate) answer: String,
}

/// What is called. A few calls depend on the states of two tokens and stand here twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Call {
    MakeStore,
    OpenStore,
    Declare,
    FindType,
    Types,
    /// By the state of the token that holds the name.
    Create,
    CreateMany,
    CreateIfAbsent,
    CreateFromValue,
    /// By the state of the token that holds the value.
    CreateFromHeldValue,
    Verify,
    Authorization,
    VerifyMany,
    Owner,
    Get,
    List,
    Edit,
    /// By the state of the token that holds the new name.
    EditName,
    Grant,
    Ungrant,
    GrantAll,
    RevokeGrants,
    RemoveProject,
    Disable,
    Enable,
    Revoke,
    RevokeValue,
    Delete,
    Events,
    /// Not a call: the kinds of events that the log has told of.
    EventKinds,
    Stats,
    ChangeKey,
    Flush,
    Close,
}

impl Call {
    pub(crate) const ALL: [Call; 34] = [
        Call::MakeStore,
        Call::OpenStore,
        Call::Declare,
        Call::FindType,
        Call::Types,
        Call::Create,
        Call::CreateMany,
        Call::CreateIfAbsent,
        Call::CreateFromValue,
        Call::CreateFromHeldValue,
        Call::Verify,
        Call::Authorization,
        Call::VerifyMany,
        Call::Owner,
        Call::Get,
        Call::List,
        Call::Edit,
        Call::EditName,
        Call::Grant,
        Call::Ungrant,
        Call::GrantAll,
        Call::RevokeGrants,
        Call::RemoveProject,
        Call::Disable,
        Call::Enable,
        Call::Revoke,
        Call::RevokeValue,
        Call::Delete,
        Call::Events,
        Call::EventKinds,
        Call::Stats,
        Call::ChangeKey,
        Call::Flush,
        Call::Close,
    ];

    /// The public method that it is, as the sources name it: `Type::method`.
    pub(crate) fn method(self) -> &'static str {
        match self {
            Call::MakeStore => "Options::create",
            Call::OpenStore => "Options::open",
            Call::Declare => "Store::declare",
            Call::FindType => "Store::find_type",
            Call::Types => "Store::types",
            Call::Create => "Store::create",
            Call::CreateMany => "Store::create_many",
            Call::CreateIfAbsent => "Store::create_if_absent",
            Call::CreateFromValue | Call::CreateFromHeldValue => "Store::create_from_value",
            Call::Verify => "Store::verify",
            Call::Authorization => "Store::verify_authorization",
            Call::VerifyMany => "Store::verify_many",
            Call::Owner => "Store::owner",
            Call::Get => "Store::get",
            Call::List => "Store::list",
            Call::Edit | Call::EditName => "Store::edit",
            Call::Grant => "Store::grant",
            Call::Ungrant => "Store::ungrant",
            Call::GrantAll => "Store::grant_all",
            Call::RevokeGrants => "Store::revoke_grants",
            Call::RemoveProject => "Store::remove_project",
            Call::Disable => "Store::disable",
            Call::Enable => "Store::enable",
            Call::Revoke => "Store::revoke",
            Call::RevokeValue => "Store::revoke_value",
            Call::Delete => "Store::delete",
            Call::Events | Call::EventKinds => "Store::events",
            Call::Stats => "Store::stats",
            Call::ChangeKey => "Store::change_key",
            Call::Flush => "Store::flush",
            Call::Close => "Store::close",
        }
    }
}

/// What is called upon: a token in one of its states, or a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum On {
    /// No token: an id, a value or a name that nobody has or had.
    Nobody,
    Deleted,
    Active,
    Disabled,
    Expired,
    DisabledExpired,
    Revoked,
    DisabledRevoked,
    ExpiredRevoked,
    DisabledExpiredRevoked,
    /// An open store, where no token matters.
    Open,
    /// A store that was closed.
    Closed,
}

impl On {
    pub(crate) const ALL: [On; 12] = [
        On::Nobody,
        On::Deleted,
        On::Active,
        On::Disabled,
        On::Expired,
        On::DisabledExpired,
        On::Revoked,
        On::DisabledRevoked,
        On::ExpiredRevoked,
        On::DisabledExpiredRevoked,
        On::Open,
        On::Closed,
    ];

    /// Whether it is a token that may still be accepted.
    pub(crate) fn is_live(self) -> bool {
        matches!(self, On::Active | On::Disabled)
    }

    /// What a dead token answers to what it does not accept any more.
    pub(crate) fn dead(self) -> Option<&'static str> {
        match self {
            On::Expired | On::DisabledExpired => Some("EXPIRED"),
            On::Revoked | On::DisabledRevoked | On::ExpiredRevoked | On::DisabledExpiredRevoked => {
                Some("REVOKED")
            }
            On::Nobody | On::Deleted | On::Active | On::Disabled | On::Open | On::Closed => None,
        }
    }
}

/// Statuses that nothing built so far can answer.
pub(crate) const STATUSES_TO_COME: [&str; 4] = ["SUPERSEDED", "USED", "MUST_REFRESH", "MUST_CONSUME"];

/// Kinds of errors that no scenario can bring about, with what would.
pub(crate) const UNPLAYED_ERRORS: [(&str, &str); 9] = [
    ("USED", "no token has a use count yet"),
    ("CORRUPT", "a damaged file"),
    ("ROLLED_BACK", "an older copy of the file"),
    ("UNSUPPORTED", "a file of a newer version, or a file system without locks"),
    ("BUSY", "a rival that holds the place to write"),
    ("FORKED", "a fork"),
    ("COMMIT_UNKNOWN", "a disk that fails"),
    ("POISONED", "a disk that fails"),
    ("PANIC", "a mistake of the library's"),
];

/// Public methods that answer nothing of their own: their answers are seen in other calls' fields.
pub(crate) const METHODS_WITHOUT_CELLS: [(&str, &str); 9] = [
    ("Store::policy", "what was declared"),
    ("Options::new", "options"),
    ("Options::key", "options"),
    ("Options::clock", "options"),
    ("Options::cache_bytes", "options"),
    ("Options::use_resolution", "options"),
    ("Options::max_events", "options"),
    ("Options::busy_timeout", "options"),
    ("Options::in_memory", "every scenario begins with it, and a failure ends it"),
];

/// The answers that a call may give there, according to the documents.
pub(crate) fn possible(call: Call, on: On) -> Vec<&'static str> {
    if on == On::Closed {
        return if always_answers(call) { vec![] } else { vec!["CLOSED"] };
    }
    match call {
        Call::Verify | Call::Authorization | Call::VerifyMany => judged(on),
        Call::Create | Call::CreateMany | Call::CreateFromValue => named(on, &["NAME_TAKEN"]),
        Call::CreateIfAbsent => named(on, &["EXISTING", "NAME_TAKEN"]),
        Call::CreateFromHeldValue => match on {
            On::Nobody | On::Deleted => vec!["CREATED"],
            On::Open | On::Closed => vec![],
            _ => vec!["VALUE_EXISTS"],
        },
        Call::EditName => match on {
            On::Active | On::Disabled => vec!["NAME_TAKEN"],
            On::Open | On::Closed => vec![],
            _ => vec!["CHANGED"],
        },
        Call::Get => match on {
            On::Nobody | On::Deleted => vec!["NOT_FOUND"],
            On::Open | On::Closed => vec![],
            _ => vec!["OK", "NOT_FOUND", "REVISION_CONFLICT"],
        },
        Call::List => match on {
            On::Nobody => vec![],
            On::Deleted => vec!["HIDDEN"],
            On::Open | On::Closed => vec!["OK", "INVALID_ARGUMENT"],
            _ => vec!["LISTED", "HIDDEN"],
        },
        Call::Edit => changed(on, &["CHANGED", "UNCHANGED", "NAME_TAKEN", "LIMIT_REACHED"]),
        Call::Grant => changed(on, &["CHANGED", "UNCHANGED", "LIMIT_REACHED"]),
        Call::Ungrant => changed(on, &["CHANGED", "UNCHANGED", "GRANT_IS_ALL"]),
        Call::GrantAll | Call::RevokeGrants => changed(on, &["CHANGED", "UNCHANGED"]),
        Call::Disable if on == On::Disabled => changed(on, &["UNCHANGED"]),
        Call::Disable => changed(on, &["CHANGED"]),
        Call::Enable if on == On::Disabled => changed(on, &["CHANGED"]),
        Call::Enable => changed(on, &["UNCHANGED"]),
        Call::RemoveProject => match on {
            On::Open | On::Closed => vec!["CHANGED", "UNCHANGED", "INVALID_ARGUMENT"],
            On::Active | On::Disabled => vec!["CHANGED", "UNCHANGED"],
            On::Nobody | On::Deleted => vec![],
            _ => vec!["UNCHANGED"],
        },
        Call::Revoke => ended(on, if on.dead() == Some("REVOKED") { "UNCHANGED" } else { "CHANGED" }),
        Call::Delete => ended(on, "CHANGED"),
        Call::RevokeValue => match on {
            On::Nobody | On::Deleted => vec!["UNCHANGED", "INVALID_ARGUMENT"],
            On::Open | On::Closed => vec![],
            _ if on.dead() == Some("REVOKED") => vec!["UNCHANGED", "INVALID_ARGUMENT"],
            _ => vec!["CHANGED", "INVALID_ARGUMENT"],
        },
        _ if on != On::Open => vec![],
        Call::MakeStore => vec!["OK", "INVALID_ARGUMENT", "ALREADY_EXISTS"],
        Call::OpenStore => vec!["OK", "INVALID_ARGUMENT", "WRONG_KEY", "LOCKED", "IO"],
        Call::Declare => vec!["OK", "INVALID_ARGUMENT", "TYPE_CONFLICT", "LIMIT_REACHED"],
        Call::FindType | Call::Owner => vec!["OK", "NONE"],
        Call::Events => vec!["OK", "INVALID_ARGUMENT"],
        Call::EventKinds => EventKind::ALL.iter().map(|kind| kind.name()).collect(),
        Call::Types | Call::Stats | Call::ChangeKey | Call::Flush | Call::Close => vec!["OK"],
    }
}

/// Whether a closed store has no answer to it: it makes one, or answers from what is declared.
fn always_answers(call: Call) -> bool {
    let is_no_answer = matches!(
        call,
        Call::CreateFromHeldValue | Call::EditName | Call::EventKinds | Call::MakeStore | Call::OpenStore
    );
    is_no_answer || matches!(call, Call::FindType | Call::Types)
}

/// Verifies: liveness before authorisation, and a query out of its ranges whatever the token.
fn judged(on: On) -> Vec<&'static str> {
    let mut answers = vec!["INVALID_ARGUMENT"];
    match on {
        On::Nobody => answers.extend(["MALFORMED", "UNKNOWN"]),
        On::Deleted => answers.push("UNKNOWN"),
        On::Active => answers.extend(["OK", "WRONG_TYPE", "WRONG_BINDING", "NO_GRANT"]),
        On::Disabled => answers.push("DISABLED"),
        On::Open | On::Closed => answers.clear(),
        dead => answers.extend(dead.dead()),
    }
    answers
}

/// Creations: a live token's name is taken, a dead one's is free. What is refused before a name is looked up counts
/// as nobody's.
fn named(on: On, taken: &[&'static str]) -> Vec<&'static str> {
    match on {
        On::Nobody => vec!["CREATED", "NOT_FOUND", "INVALID_ARGUMENT", "LIMIT_REACHED"],
        On::Active | On::Disabled => taken.to_vec(),
        On::Open | On::Closed => vec![],
        _ => vec!["CREATED"],
    }
}

/// Changes: a live token takes them, a dead one answers what it is, and another owner's answers that it is not there.
fn changed(on: On, live: &[&'static str]) -> Vec<&'static str> {
    match on {
        On::Nobody | On::Deleted => vec!["NOT_FOUND", "INVALID_ARGUMENT"],
        On::Active | On::Disabled => [&["NOT_FOUND", "REVISION_CONFLICT", "INVALID_ARGUMENT"], live].concat(),
        On::Open | On::Closed => vec![],
        dead => dead.dead().into_iter().chain(["NOT_FOUND", "INVALID_ARGUMENT"]).collect(),
    }
}

/// Revoking and deleting: every token takes them, dead or not.
fn ended(on: On, done: &'static str) -> Vec<&'static str> {
    match on {
        On::Nobody | On::Deleted => vec!["NOT_FOUND", "INVALID_ARGUMENT"],
        On::Open | On::Closed => vec![],
        _ => vec![done, "NOT_FOUND", "REVISION_CONFLICT", "INVALID_ARGUMENT"],
    }
}
