//! `tokenstore edit`: several changes to a token in one step.

use clap::Args;
use tokenstore::{Edit, Grants, Store};

use super::change;
use crate::args::{AppArgs, ExpiryArgs, ProjectArgs, TargetArgs};
use crate::failure::{Answer, Failure};
use crate::output::Output;

/// Change several things of a token in one step
///
/// What is not named stays as it is. The projects named take the place of all that it reached.
#[derive(Args)]
pub(crate) struct EditArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// Its new name
    #[arg(long)]
    name: Option<String>,
    /// It has no name any more
    #[arg(long, conflicts_with = "name")]
    no_name: bool,
    #[command(flatten)]
    expiry: ExpiryArgs,
    #[command(flatten)]
    projects: ProjectArgs,
    /// It reaches no project any more
    #[arg(long, conflicts_with_all = ["project", "projects", "all_projects"])]
    no_projects: bool,
    #[command(flatten)]
    app: AppArgs,
}

pub(crate) fn run(store: &Store, args: &EditArgs, output: &Output) -> Result<Answer, Failure> {
    let edit = edit(args)?.ok_or_else(|| Failure::Usage("nothing to edit was named".to_owned()))?;
    let change = store.edit(args.target.target(), &edit)?;
    change::print(output, Some(args.target.id()), "edited", change)
}

/// The edit, unless the line asks for none.
fn edit(args: &EditArgs) -> Result<Option<Edit>, Failure> {
    let grants = if args.no_projects { Some(Grants::none()) } else { args.projects.grants() };
    let (mut edit, mut any) = (Edit::new(), false);
    let mut put = |change: &dyn Fn(Edit) -> Edit| {
        edit = change(std::mem::take(&mut edit));
        any = true;
    };
    if let Some(name) = &args.name {
        put(&|edit| edit.name(name));
    }
    if args.no_name {
        put(&Edit::no_name);
    }
    if let Some(expiry) = args.expiry.expiry() {
        put(&|edit| edit.expires(expiry));
    }
    if let Some(grants) = grants {
        put(&|edit| edit.grants(grants.clone()));
    }
    if let Some(word) = args.app.app_word {
        put(&|edit| edit.app_word(word));
    }
    if let Some(data) = args.app.app_data()? {
        put(&|edit| edit.app_data(data.as_slice()));
    }
    Ok(any.then_some(edit))
}
