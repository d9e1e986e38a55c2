//! The rows of the table of what can be answered: every call, and what a token or a store can be when it is called.
//!
//! A call that is added to `Call`, or a state to `On`, does not compile before its cells are decided in `possible`.

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
    /// By the state of the parent.
    CreateChild,
    Verify,
    Authorization,
    VerifyMany,
    Consume,
    IssuePair,
    /// By the state of the token that holds one of the values.
    IssuePairFromValues,
    Refresh,
    RefreshToValues,
    /// By the state of the family.
    RevokeFamily,
    RevokeOwner,
    Rotate,
    Prune,
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
    pub(crate) const ALL: [Call; 44] = [
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
        Call::CreateChild,
        Call::Verify,
        Call::Authorization,
        Call::VerifyMany,
        Call::Consume,
        Call::IssuePair,
        Call::IssuePairFromValues,
        Call::Refresh,
        Call::RefreshToValues,
        Call::RevokeFamily,
        Call::RevokeOwner,
        Call::Rotate,
        Call::Prune,
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
            Call::Create | Call::CreateChild => "Store::create",
            Call::CreateMany => "Store::create_many",
            Call::CreateIfAbsent => "Store::create_if_absent",
            Call::CreateFromValue | Call::CreateFromHeldValue => "Store::create_from_value",
            Call::Verify => "Store::verify",
            Call::Authorization => "Store::verify_authorization",
            Call::VerifyMany => "Store::verify_many",
            Call::Consume => "Store::consume",
            Call::IssuePair => "Store::issue_pair",
            Call::IssuePairFromValues => "Store::issue_pair_from_values",
            Call::Refresh => "Store::refresh",
            Call::RefreshToValues => "Store::refresh_to_values",
            Call::RevokeFamily => "Store::revoke_family",
            Call::RevokeOwner => "Store::revoke_owner",
            Call::Rotate => "Store::rotate",
            Call::Prune => "Store::prune",
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

/// What is called upon: a token in one of its states, one of its values, or a store. A token that is neither dead nor
/// switched off is called after what else it is.
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
    /// Revoked with its owner, its family or its parent, and not itself.
    Orphan,
    /// Its uses ran out.
    Used,
    /// It has a use count, and uses.
    Counted,
    /// It hangs on a parent.
    Child,
    /// An access token of a family.
    Access,
    /// An access token that a refresh ended.
    Superseded,
    /// A family's good refresh value.
    Refresh,
    /// A refresh value that was used.
    UsedRefresh,
    /// The value before the last rotation, while it works.
    OldValue,
    /// The same when its time is over.
    OutdatedValue,
    /// An open store, where no token matters.
    Open,
    /// A store that was closed.
    Closed,
}

impl On {
    pub(crate) const ALL: [On; 22] = [
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
        On::Orphan,
        On::Used,
        On::Counted,
        On::Child,
        On::Access,
        On::Superseded,
        On::Refresh,
        On::UsedRefresh,
        On::OldValue,
        On::OutdatedValue,
        On::Open,
        On::Closed,
    ];

    /// Whether it is a token that may still be accepted, and holds its name if its type has unique names.
    pub(crate) fn is_live(self) -> bool {
        matches!(self, On::Active | On::Disabled | On::Counted | On::Child)
    }

    /// Whether it was revoked itself.
    pub(crate) fn is_revoked(self) -> bool {
        matches!(self, On::Revoked | On::DisabledRevoked | On::ExpiredRevoked | On::DisabledExpiredRevoked)
    }

    /// Whether there is a token in this state, looked up by its id.
    pub(crate) fn is_token(self) -> bool {
        !matches!(self, On::Nobody | On::Deleted | On::Open | On::Closed) && !self.is_old_value()
    }

    /// Whether it is not a token's state, but that of one of its values.
    pub(crate) fn is_old_value(self) -> bool {
        matches!(self, On::OldValue | On::OutdatedValue)
    }

    /// Whether it is a member of a family that is not revoked.
    pub(crate) fn is_member(self) -> bool {
        matches!(self, On::Access | On::Superseded | On::Refresh | On::UsedRefresh)
    }

    /// What a dead token answers to what it does not accept any more.
    pub(crate) fn dead(self) -> Option<&'static str> {
        match self {
            On::Expired | On::DisabledExpired => Some("EXPIRED"),
            On::Used => Some("USED"),
            _ if self.is_revoked() || self == On::Orphan => Some("REVOKED"),
            // What is done to a member that a refresh ended is done to its family.
            _ => None,
        }
    }
}

/// Kinds of errors that no scenario can bring about, with what would.
pub(crate) const UNPLAYED_ERRORS: [(&str, &str); 9] = [
    ("CORRUPT", "a damaged file"),
    ("ROLLED_BACK", "an older copy of the file"),
    ("UNSUPPORTED", "a file of a newer version, or a file system without locks"),
    ("BUSY", "a rival that holds the place to write"),
    ("STALE", "a change by another process, and a query that does not wait"),
    ("FORKED", "a fork"),
    ("COMMIT_UNKNOWN", "a disk that fails"),
    ("POISONED", "a disk that fails"),
    ("PANIC", "a mistake of the library's"),
];

/// Public methods that answer nothing of their own: their answers are seen in other calls' fields.
pub(crate) const METHODS_WITHOUT_CELLS: [(&str, &str); 10] = [
    ("Store::policy", "what was declared"),
    ("Options::new", "options"),
    ("Options::key", "options"),
    ("Options::clock", "options"),
    ("Options::cache_bytes", "options"),
    ("Options::use_resolution", "options"),
    ("Options::max_events", "options"),
    ("Options::busy_timeout", "options"),
    ("Options::shared", "every scenario is played with two openings of a shared store, too"),
    ("Options::in_memory", "every scenario begins with it, and a failure ends it"),
];
