//! `tokenstore family revoke` and `owner revoke`: end many tokens by one change.

use clap::{Args, Subcommand};
use serde_json::json;
use tokenstore::{Id, Store};

use super::{change, type_of};
use crate::args::{ActorArgs, target};
use crate::failure::{Answer, Failure};
use crate::output::Output;

/// End a family of pairs
///
/// A family is the line of pairs that come from one sign-in. `list --json` and `show` tell which one a token is of.
#[derive(Args)]
pub(crate) struct FamilyArgs {
    #[command(subcommand)]
    command: FamilyCommand,
}

#[derive(Subcommand)]
enum FamilyCommand {
    Revoke(FamilyRevokeArgs),
}

/// Revoke a family for good
///
/// When this is done, none of its access values verifies and none of its refresh values refreshes. Revoking it again
/// changes nothing.
#[derive(Args)]
struct FamilyRevokeArgs {
    /// The family's id
    id: Id,
    /// Only if the family has this owner; otherwise it is NOT_FOUND
    #[arg(long, value_name = "OWNER")]
    if_owner: Option<String>,
    /// Only if the family is at this revision; otherwise it is a REVISION_CONFLICT
    #[arg(long, value_name = "N")]
    if_revision: Option<u64>,
    #[command(flatten)]
    actor: ActorArgs,
}

/// End all that an owner has
#[derive(Args)]
pub(crate) struct OwnerArgs {
    #[command(subcommand)]
    command: OwnerCommand,
}

#[derive(Subcommand)]
enum OwnerCommand {
    Revoke(OwnerRevokeArgs),
}

/// Revoke all that an owner has so far
///
/// Tokens and families, however many, by one change. What is made afterwards is good. An owner who has nothing is no
/// error.
#[derive(Args)]
struct OwnerRevokeArgs {
    /// Whose: an account, a user
    owner: String,
    /// Only tokens of this type, and families that hold or issue it
    #[arg(long = "type", value_name = "TYPE")]
    type_name: Option<String>,
    #[command(flatten)]
    actor: ActorArgs,
}

pub(crate) fn family(store: &Store, args: &FamilyArgs, output: &Output) -> Result<Answer, Failure> {
    let FamilyCommand::Revoke(args) = &args.command;
    let target = target(args.id, args.if_owner.as_deref(), args.if_revision, &args.actor);
    change::print(output, Some(args.id), "revoked", store.revoke_family(target)?)
}

pub(crate) fn owner(store: &Store, args: &OwnerArgs, output: &Output) -> Result<Answer, Failure> {
    let OwnerCommand::Revoke(args) = &args.command;
    let type_id = args.type_name.as_deref().map(|name| type_of(store, name)).transpose()?;
    let change = store.revoke_owner(&args.owner, type_id, &args.actor.by, &args.actor.reason)?;
    let json = json!({ "changed": change.changed, "revision": change.revision });
    output.line(&format!("revoked all up to revision {}", change.revision), &json)?;
    Ok(Answer::Yes)
}
