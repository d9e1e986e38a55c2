//! Commands that change one token: what they print, and the ones that take nothing but the token.

use clap::Args;
use serde::Serialize;
use tokenstore::{Change, Id, Store};

use crate::args::TargetArgs;
use crate::failure::{Answer, Failure};
use crate::output::Output;

/// Delete a token
///
/// Nothing of it stays but its events, and its value is UNKNOWN from then on. To keep it in lists, revoke it.
#[derive(Args)]
pub(crate) struct DeleteArgs {
    #[command(flatten)]
    target: TargetArgs,
}

/// Switch a token off, until it is enabled
///
/// A verify answers DISABLED. The token keeps its name and its projects.
#[derive(Args)]
pub(crate) struct DisableArgs {
    #[command(flatten)]
    target: TargetArgs,
}

/// Switch a token on again
///
/// Undoes disable, and nothing else: what is revoked, used up or expired stays so.
#[derive(Args)]
pub(crate) struct EnableArgs {
    #[command(flatten)]
    target: TargetArgs,
}

pub(crate) fn delete(store: &Store, args: &DeleteArgs, output: &Output) -> Result<Answer, Failure> {
    print(output, Some(args.target.id()), "deleted", store.delete(args.target.target())?)
}

pub(crate) fn disable(store: &Store, args: &DisableArgs, output: &Output) -> Result<Answer, Failure> {
    print(output, Some(args.target.id()), "disabled", store.disable(args.target.target())?)
}

pub(crate) fn enable(store: &Store, args: &EnableArgs, output: &Output) -> Result<Answer, Failure> {
    print(output, Some(args.target.id()), "enabled", store.enable(args.target.target())?)
}

#[derive(Serialize)]
struct ChangeRow {
    id: Option<String>,
    changed: bool,
    revision: u64,
}

/// Prints what a change did. The id is unknown where the token was named by its value.
pub(crate) fn print(output: &Output, id: Option<Id>, did: &str, change: Change) -> Result<Answer, Failure> {
    let text = match change {
        Change { changed: false, .. } => "nothing to change: it was so already".to_owned(),
        Change { revision: 0, .. } => did.to_owned(),
        Change { revision, .. } => format!("{did}, at revision {revision}"),
    };
    let row =
        ChangeRow { id: id.map(|id| id.to_string()), changed: change.changed, revision: change.revision };
    output.line(&text, &row)?;
    Ok(Answer::Yes)
}
