//! `tokenstore grant`, `ungrant` and `remove-project`: which projects a token reaches.

use clap::{ArgGroup, Args};
use serde_json::json;
use tokenstore::Store;

use super::change;
use crate::args::{ActorArgs, TargetArgs};
use crate::failure::{Answer, Failure};
use crate::output::Output;

/// Let a token reach a project, or all
///
/// Granting what it reaches already changes nothing.
#[derive(Args)]
#[command(group = ArgGroup::new("granted").required(true).args(["project", "all"]))]
#[command(override_usage = "tokenstore grant [OPTIONS] <ID> <PROJECT | --all>")]
pub(crate) struct GrantArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// The project
    project: Option<String>,
    /// Every project, those to come included, in place of the ones granted one by one
    #[arg(long)]
    all: bool,
}

/// Take a project from a token, or all
///
/// A token that reaches no project stays, and is refused wherever a verify asks for one, until it is granted some. One
/// project cannot be taken from a token that is granted all: choose the ones it keeps with `edit --projects`.
#[derive(Args)]
#[command(group = ArgGroup::new("ungranted").required(true).args(["project", "all"]))]
#[command(override_usage = "tokenstore ungrant [OPTIONS] <ID> <PROJECT | --all>")]
pub(crate) struct UngrantArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// The project
    project: Option<String>,
    /// Every project
    #[arg(long)]
    all: bool,
}

/// Take a project from every token that was granted it by name
///
/// For a project that is gone, so that another one that comes to have its name is granted to nobody. Tokens that reach
/// all projects still reach it.
#[derive(Args)]
pub(crate) struct RemoveProjectArgs {
    /// The project
    project: String,
    #[command(flatten)]
    actor: ActorArgs,
}

pub(crate) fn grant(store: &Store, args: &GrantArgs, output: &Output) -> Result<Answer, Failure> {
    let target = args.target.target();
    let change = match &args.project {
        Some(project) => store.grant(target, project)?,
        None => store.grant_all(target)?,
    };
    change::print(output, Some(args.target.id()), "granted", change)
}

pub(crate) fn ungrant(store: &Store, args: &UngrantArgs, output: &Output) -> Result<Answer, Failure> {
    let target = args.target.target();
    let change = match &args.project {
        Some(project) => store.ungrant(target, project)?,
        None => store.revoke_grants(target)?,
    };
    change::print(output, Some(args.target.id()), "ungranted", change)
}

pub(crate) fn remove(store: &Store, args: &RemoveProjectArgs, output: &Output) -> Result<Answer, Failure> {
    let tokens = store.remove_project(&args.project, &args.actor.by, &args.actor.reason)?;
    let noun = if tokens == 1 { "token" } else { "tokens" };
    output.line(&format!("taken from {tokens} {noun}"), &json!({ "tokens": tokens }))?;
    Ok(Answer::Yes)
}
