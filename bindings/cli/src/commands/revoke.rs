//! `tokenstore revoke`: ends a token for good, by its id or by its value.

use clap::{ArgGroup, Args};
use tokenstore::{Id, Query};

use super::{change, with_store};
use crate::args::{ActorArgs, Global, ValueArgs, target};
use crate::failure::{Answer, Failure};
use crate::output::Output;

/// Revoke a token for good
///
/// It stays in lists, and its name is free. Revoking it again changes nothing. By id, one that nobody has is
/// NOT_FOUND; by value, it is a success that changes nothing, as RFC 7009 has it.
#[derive(Args)]
#[command(group = ArgGroup::new("revoked").required(true).args(["id", "value_file", "value_stdin"]))]
#[command(override_usage = "tokenstore revoke [OPTIONS] <ID | --value-stdin | --value-file FILE>")]
pub(crate) struct RevokeArgs {
    /// The token's id
    id: Option<Id>,
    #[command(flatten)]
    value: ValueArgs,
    /// Only if the token has this owner; otherwise it is NOT_FOUND
    #[arg(long, value_name = "OWNER", conflicts_with_all = ["value_file", "value_stdin"])]
    if_owner: Option<String>,
    /// Only if the token is at this revision; otherwise it is a REVISION_CONFLICT
    #[arg(long, value_name = "N", conflicts_with_all = ["value_file", "value_stdin"])]
    if_revision: Option<u64>,
    #[command(flatten)]
    actor: ActorArgs,
}

pub(crate) fn run(global: &Global, args: &RevokeArgs, output: &Output) -> Result<Answer, Failure> {
    match args.id {
        Some(id) => with_store(global, |store| {
            let target = target(id, args.if_owner.as_deref(), args.if_revision, &args.actor);
            change::print(output, Some(id), "revoked", store.revoke(target)?)
        }),
        None => {
            let value = args.value.read()?;
            with_store(global, |store| {
                // Whose value it is, for whoever found it somewhere.
                let verdict = store.verify(&value, &Query::any_type())?;
                let id = verdict.identity().map(|who| who.id);
                let change = store.revoke_value(&value, &args.actor.by, &args.actor.reason)?;
                change::print(output, id, "revoked", change)
            })
        }
    }
}
