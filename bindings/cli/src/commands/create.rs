//! `tokenstore create`: makes a token, and hands its value over once.

use clap::Args;
use serde::Serialize;
use tokenstore::{Created, CreatedOrExisting, Id, NewToken, Store, TypePolicy};

use super::hand_over::hand_over;
use super::{type_of, with_store};
use crate::args::{AppArgs, ExpiryArgs, Global, ProjectArgs, ValueArgs};
use crate::failure::{Answer, Failure};
use crate::output::{Output, note};
use crate::text::Bytes;

/// Make a token
///
/// Its value goes alone to standard output, once: the store keeps a hash. Its id and name go to standard error. With
/// --json, all of it is one object on standard output.
///
/// A token without a project is refused wherever a verify asks for one, until it is granted some. Refresh values are
/// made by `pair issue`. With --exclusive, the command makes no token in memory alone: it would be gone when the command
/// ends.
#[derive(Args)]
pub(crate) struct CreateArgs {
    /// The type's name
    #[arg(value_name = "TYPE")]
    type_name: String,
    /// Whom the token is for: an account, a user
    owner: String,
    /// Its name: unique among the owner's live tokens, unless the type says otherwise
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    expiry: ExpiryArgs,
    #[command(flatten)]
    projects: ProjectArgs,
    /// What a presenter must also show: a client id, say
    #[arg(long)]
    binding: Option<String>,
    /// The token it hangs on: it expires no later, and dies when that one is revoked or deleted
    #[arg(long, value_name = "ID")]
    parent: Option<Id>,
    #[command(flatten)]
    app: AppArgs,
    /// Who makes it, for the event log
    #[arg(long, value_name = "ACTOR")]
    by: Option<String>,
    /// Make it only if the owner has no live token of this type and name; otherwise print the id of the one there is,
    /// and no value
    #[arg(long, requires = "name", conflicts_with_all = ["value_file", "value_stdin"])]
    if_absent: bool,
    #[command(flatten)]
    value: ValueArgs,
}

/// What is printed. The value comes last: by then the text has its place in memory, where it is wiped.
#[derive(Serialize)]
struct CreatedRow<'a> {
    id: String,
    created: bool,
    #[serde(rename = "type")]
    type_name: &'a str,
    owner: Bytes<'a>,
    name: Option<&'a str>,
    revision: Option<u64>,
    value: Option<&'a str>,
}

pub(crate) fn run(global: &Global, args: &CreateArgs, output: &Output) -> Result<Answer, Failure> {
    let value = if args.value.given() { Some(args.value.read()?) } else { None };
    with_store(global, |store| {
        let token = new_token(store, args, global.exclusive)?;
        create(store, args, &token, value.as_deref().map(Vec::as_slice), output)
    })
}

fn create(
    store: &Store,
    args: &CreateArgs,
    token: &NewToken,
    made_elsewhere: Option<&[u8]>,
    output: &Output,
) -> Result<Answer, Failure> {
    if let Some(value) = made_elsewhere {
        let registered = store.create_from_value(token, value)?;
        tell(output, &row(args, registered.id, true, Some(registered.revision)))?;
        return Ok(Answer::Yes);
    }
    if !args.if_absent {
        return show_once(output, args, &store.create(token)?);
    }
    match store.create_if_absent(token)? {
        CreatedOrExisting::Created(created) => show_once(output, args, &created),
        CreatedOrExisting::Existing(id) => {
            tell(output, &row(args, id, false, None))?;
            Ok(Answer::Yes)
        }
    }
}

fn new_token(store: &Store, args: &CreateArgs, exclusive: bool) -> Result<NewToken, Failure> {
    let type_id = type_of(store, &args.type_name)?;
    if exclusive && store.policy(type_id).is_some_and(TypePolicy::is_volatile) {
        return Err(Failure::Usage(
            "tokens of this type live in memory alone, and would be gone when this command ends; without --exclusive \
             it makes one on the disk"
                .to_owned(),
        ));
    }
    let mut token = NewToken::new(type_id, &args.owner);
    if let Some(name) = &args.name {
        token = token.name(name);
    }
    if let Some(expiry) = args.expiry.expiry() {
        token = token.expires(expiry);
    }
    if let Some(grants) = args.projects.grants() {
        token = token.grants(grants);
    }
    if let Some(binding) = &args.binding {
        token = token.binding(binding);
    }
    if let Some(parent) = args.parent {
        token = token.parent(parent);
    }
    if let Some(word) = args.app.app_word {
        token = token.app_word(word);
    }
    if let Some(data) = args.app.app_data()? {
        token = token.app_data(data);
    }
    if let Some(actor) = &args.by {
        token = token.by(actor);
    }
    Ok(token)
}

fn row(args: &CreateArgs, id: Id, created: bool, revision: Option<u64>) -> CreatedRow<'_> {
    CreatedRow {
        id: id.to_string(),
        created,
        type_name: &args.type_name,
        owner: Bytes(args.owner.as_bytes()),
        name: args.name.as_deref(),
        revision,
        value: None,
    }
}

/// Tells of a token whose value is not to be shown.
fn tell(output: &Output, row: &CreatedRow<'_>) -> Result<(), Failure> {
    if output.json() {
        return output.line("", row);
    }
    note(&summary(row));
    Ok(())
}

/// Hands a new value over.
fn show_once(output: &Output, args: &CreateArgs, created: &Created) -> Result<Answer, Failure> {
    let row = CreatedRow {
        value: Some(created.value.as_str()),
        ..row(args, created.id, true, Some(created.revision))
    };
    let lost = format!("token {} was made, but its value could not be written and is lost", created.id);
    hand_over(output, &summary(&row), &[created.value.as_bytes()], &row, &lost)?;
    Ok(Answer::Yes)
}

fn summary(row: &CreatedRow<'_>) -> String {
    let what = if row.created { "created" } else { "there is already" };
    let name = row.name.map(|name| format!(", name {name}")).unwrap_or_default();
    format!("{what} {}: {} of {}{name}", row.id, row.type_name, row.owner.text())
}
