//! The cells of the table: the answers that the documents allow to a call, by what it is called upon. The scenarios must
//! hit every one and no other.

use tokenstore::EventKind;

use super::cells::{Call, On};

/// The answers that a call may give there, according to the documents.
pub(crate) fn possible(call: Call, on: On) -> Vec<&'static str> {
    if on == On::Closed {
        return if always_answers(call) { vec![] } else { vec!["CLOSED"] };
    }
    match call {
        Call::Verify | Call::Authorization | Call::VerifyMany => judged(on, verified(on)),
        Call::Consume => judged(on, consumed(on)),
        Call::Refresh => refreshed(on),
        Call::RefreshToValues => match on {
            On::Refresh => vec!["ROTATED", "VALUE_EXISTS", "INVALID_ARGUMENT"],
            On::UsedRefresh => vec!["REPLAYED", "REUSED"],
            _ => vec![],
        },
        Call::Create | Call::CreateMany | Call::CreateFromValue => named(on, &["NAME_TAKEN"]),
        Call::CreateIfAbsent => named(on, &["EXISTING", "NAME_TAKEN"]),
        Call::CreateFromHeldValue => match on {
            On::Nobody | On::Deleted => vec!["CREATED"],
            On::Open | On::Closed => vec![],
            _ => vec!["VALUE_EXISTS"],
        },
        Call::IssuePairFromValues => match on {
            On::Nobody => vec!["CREATED", "VALUE_EXISTS", "NOT_FOUND", "INVALID_ARGUMENT"],
            On::Deleted => vec!["CREATED"],
            On::Open | On::Closed => vec![],
            _ => vec!["VALUE_EXISTS"],
        },
        Call::CreateChild => match on {
            On::Nobody | On::Deleted => vec!["NOT_FOUND"],
            On::Active => vec!["CREATED", "INVALID_ARGUMENT"],
            On::Child => vec!["CREATED", "LIMIT_REACHED"],
            On::Disabled | On::Counted | On::Access | On::Refresh => vec!["CREATED"],
            On::Superseded | On::UsedRefresh => vec!["INVALID_ARGUMENT"],
            _ => on.dead().into_iter().collect(),
        },
        Call::EditName => match on {
            _ if on.is_live() => vec!["NAME_TAKEN"],
            On::Open | On::Closed => vec![],
            // A family's name takes none.
            _ if on.is_member() || on.is_old_value() => vec![],
            _ => vec!["CHANGED"],
        },
        Call::Get => match on {
            On::Nobody | On::Deleted => vec!["NOT_FOUND"],
            _ if on.is_token() => vec!["OK", "NOT_FOUND", "REVISION_CONFLICT"],
            _ => vec![],
        },
        Call::List => match on {
            On::Deleted => vec!["HIDDEN"],
            On::Open => vec!["OK", "INVALID_ARGUMENT"],
            _ if on.is_token() => vec!["LISTED", "HIDDEN"],
            _ => vec![],
        },
        // Names of families are taken from nobody.
        Call::Edit if on.is_member() => changed(on, &["CHANGED", "UNCHANGED", "LIMIT_REACHED"]),
        Call::Edit => changed(on, &["CHANGED", "UNCHANGED", "NAME_TAKEN", "LIMIT_REACHED"]),
        Call::Grant => changed(on, &["CHANGED", "UNCHANGED", "LIMIT_REACHED"]),
        Call::Ungrant => changed(on, &["CHANGED", "UNCHANGED", "GRANT_IS_ALL"]),
        Call::GrantAll | Call::RevokeGrants => changed(on, &["CHANGED", "UNCHANGED"]),
        Call::Disable | Call::Enable if matches!(on, On::Superseded | On::UsedRefresh) => {
            changed(on, &["CHANGED", "UNCHANGED"])
        }
        Call::Disable if on == On::Disabled => changed(on, &["UNCHANGED"]),
        Call::Disable => changed(on, &["CHANGED"]),
        Call::Enable if on == On::Disabled => changed(on, &["CHANGED"]),
        Call::Enable => changed(on, &["UNCHANGED"]),
        Call::Rotate => match on {
            On::Active | On::Disabled | On::Child | On::Access => changed(on, &["CHANGED"]),
            _ => changed(on, &[]),
        },
        Call::RemoveProject => match on {
            On::Open => vec!["CHANGED", "UNCHANGED", "INVALID_ARGUMENT"],
            _ if on.is_live() => vec!["CHANGED", "UNCHANGED"],
            // What is changed is the family of them all.
            On::Access | On::Refresh | On::Superseded | On::UsedRefresh => vec!["CHANGED", "UNCHANGED"],
            _ if on.is_token() => vec!["UNCHANGED"],
            _ => vec![],
        },
        Call::Revoke => match on {
            // The family of a refresh value may be revoked, and that of an access token.
            On::Orphan => [ended(on, "CHANGED"), vec!["UNCHANGED"]].concat(),
            _ => ended(on, if on.is_revoked() { "UNCHANGED" } else { "CHANGED" }),
        },
        Call::Delete => ended(on, "CHANGED"),
        Call::RevokeFamily => match on {
            On::Active | On::Disabled | On::Expired | On::Orphan => ended(on, "CHANGED"),
            On::Revoked => ended(on, "UNCHANGED"),
            On::Nobody | On::Deleted => ended(on, ""),
            _ => vec![],
        },
        Call::RevokeOwner => match on {
            On::Open => vec!["CHANGED", "NOT_FOUND", "INVALID_ARGUMENT"],
            _ if on.is_token() && !on.is_revoked() && on != On::Orphan => vec!["ENDED", "SPARED"],
            _ => vec![],
        },
        Call::Prune => match on {
            On::Open => vec!["OK", "INVALID_ARGUMENT"],
            // A superseded token is dead, and a used refresh value whose family is over.
            _ if on.dead().is_some() || matches!(on, On::Superseded | On::UsedRefresh) => {
                vec!["GONE", "KEPT"]
            }
            _ if on.is_token() => vec!["KEPT"],
            _ => vec![],
        },
        Call::RevokeValue => match on {
            On::Nobody | On::Deleted => vec!["UNCHANGED", "INVALID_ARGUMENT"],
            On::Open | On::Closed => vec![],
            On::Orphan => vec!["CHANGED", "UNCHANGED", "INVALID_ARGUMENT"],
            _ if on.is_revoked() => vec!["UNCHANGED", "INVALID_ARGUMENT"],
            _ => vec!["CHANGED", "INVALID_ARGUMENT"],
        },
        _ if on != On::Open => vec![],
        Call::MakeStore => vec!["OK", "INVALID_ARGUMENT", "ALREADY_EXISTS"],
        Call::OpenStore => vec!["OK", "INVALID_ARGUMENT", "WRONG_KEY", "LOCKED", "IO"],
        Call::Declare => vec!["OK", "INVALID_ARGUMENT", "TYPE_CONFLICT", "LIMIT_REACHED"],
        Call::IssuePair => vec!["CREATED", "NOT_FOUND", "INVALID_ARGUMENT", "LIMIT_REACHED"],
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

/// Verifies and consumes: liveness before authorisation, and a query out of its ranges whatever the token. `last` is
/// what is answered to one that passes all checks.
fn judged(on: On, last: &'static str) -> Vec<&'static str> {
    let mut answers = vec!["INVALID_ARGUMENT"];
    match on {
        On::Nobody => answers.extend(["MALFORMED", "UNKNOWN"]),
        On::Deleted => answers.push("UNKNOWN"),
        On::Disabled => answers.push("DISABLED"),
        On::Superseded | On::UsedRefresh | On::OutdatedValue => answers.push("SUPERSEDED"),
        On::Open | On::Closed => answers.clear(),
        _ => match on.dead() {
            Some(dead) => answers.push(dead),
            None => answers.extend([last, "WRONG_TYPE", "WRONG_BINDING", "NO_GRANT"]),
        },
    }
    answers
}

fn verified(on: On) -> &'static str {
    match on {
        On::Counted => "MUST_CONSUME",
        On::Refresh => "MUST_REFRESH",
        _ => "OK",
    }
}

fn consumed(on: On) -> &'static str {
    match on {
        On::Counted => "OK",
        On::Refresh => "MUST_REFRESH",
        _ => "NOT_COUNTED",
    }
}

/// Refreshes: what is no refresh value answers so whatever else it is.
fn refreshed(on: On) -> Vec<&'static str> {
    let mut answers = vec!["INVALID_ARGUMENT"];
    match on {
        On::Nobody => answers.extend(["MALFORMED", "UNKNOWN"]),
        On::Deleted => answers.push("UNKNOWN"),
        On::Open | On::Closed => answers.clear(),
        On::Refresh => answers.extend(["ROTATED", "WRONG_BINDING"]),
        On::UsedRefresh => answers.extend(["REPLAYED", "REUSED", "WRONG_BINDING", "DISABLED", "EXPIRED"]),
        On::Orphan => answers.extend(["WRONG_TYPE", "REVOKED"]),
        On::Disabled => answers.extend(["WRONG_TYPE", "DISABLED"]),
        // Its own time is over, or its family's, which comes before everything that the family is.
        On::Expired => answers.extend(["WRONG_TYPE", "WRONG_BINDING", "EXPIRED"]),
        On::DisabledExpired => answers.extend(["WRONG_TYPE", "DISABLED", "EXPIRED"]),
        _ => answers.push("WRONG_TYPE"),
    }
    answers
}

/// Creations: a live token's name is taken, a dead one's is free. What is refused before a name is looked up counts
/// as nobody's.
fn named(on: On, taken: &[&'static str]) -> Vec<&'static str> {
    match on {
        On::Nobody => vec!["CREATED", "NOT_FOUND", "INVALID_ARGUMENT", "LIMIT_REACHED"],
        _ if on.is_live() => taken.to_vec(),
        On::Open | On::Closed => vec![],
        // The names of families are not looked up.
        _ if on.is_member() || on.is_old_value() => vec![],
        _ => vec!["CREATED"],
    }
}

/// Changes: a live token takes them, a dead one answers what it is, and another owner's answers that it is not there.
fn changed(on: On, live: &[&'static str]) -> Vec<&'static str> {
    match on {
        On::Nobody | On::Deleted => vec!["NOT_FOUND", "INVALID_ARGUMENT"],
        _ if !on.is_token() => vec![],
        _ => match on.dead() {
            Some(dead) => vec![dead, "NOT_FOUND", "INVALID_ARGUMENT"],
            None => [&["NOT_FOUND", "REVISION_CONFLICT", "INVALID_ARGUMENT"], live].concat(),
        },
    }
}

/// Revoking and deleting: every token takes them, dead or not.
fn ended(on: On, done: &'static str) -> Vec<&'static str> {
    match on {
        On::Nobody | On::Deleted => vec!["NOT_FOUND", "INVALID_ARGUMENT"],
        _ if on.is_token() => vec![done, "NOT_FOUND", "REVISION_CONFLICT", "INVALID_ARGUMENT"],
        _ => vec![],
    }
}
