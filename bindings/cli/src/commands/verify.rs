//! `tokenstore verify`: judges a value.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use serde::Serialize;
use tokenstore::{Identity, Query, Store, Verdict};

use super::{type_of, with_store};
use crate::args::Global;
use crate::failure::{Answer, Failure};
use crate::file::read_value;
use crate::output::Output;
use crate::text::{Bytes, time_text};

/// Judge a value, read from standard input
///
/// The first line is OK, or why not: MALFORMED, UNKNOWN, REVOKED, SUPERSEDED, USED, EXPIRED, DISABLED,
/// WRONG_TYPE, WRONG_BINDING, NO_GRANT, MUST_REFRESH or MUST_CONSUME. Whose it is follows, where that is known. Exit code 0 is OK, 1 is any other answer; 2 and
/// 3 say nothing about the value.
///
/// Every byte of the value counts, but for one newline at its end.
#[derive(Args)]
#[command(group = ArgGroup::new("expected").required(true).args(["type_name", "any_type"]))]
pub(crate) struct VerifyArgs {
    /// Accept tokens of this type alone
    #[arg(long = "type", value_name = "TYPE")]
    type_name: Option<String>,
    /// Accept tokens of any type but those that are accepted by name only
    #[arg(long)]
    any_type: bool,
    /// The token must reach this project
    #[arg(long)]
    project: Option<String>,
    /// The token must be bound to this
    #[arg(long)]
    binding: Option<String>,
    /// Read a whole Authorization header value: the value bare, or after `Bearer` or `Token`
    #[arg(long)]
    header: bool,
    /// Read from this file instead, `-` being standard input
    #[arg(long, value_name = "FILE")]
    value_file: Option<PathBuf>,
}

#[derive(Serialize)]
struct VerdictRow<'a> {
    status: &'a str,
    allowed: bool,
    identity: Option<IdentityRow<'a>>,
}

/// Who presented the value.
#[derive(Serialize)]
struct IdentityRow<'a> {
    id: String,
    #[serde(rename = "type")]
    type_name: &'a str,
    owner: Option<Bytes<'a>>,
    expires: Option<String>,
    all_projects: bool,
    no_projects: bool,
    old_value: bool,
    app_word: u64,
    revision: u64,
}

pub(crate) fn run(global: &Global, args: &VerifyArgs, output: &Output) -> Result<Answer, Failure> {
    let presented = read_value(args.value_file.as_deref())?;
    with_store(global, |store| judge(store, args, &presented, output))
}

fn judge(store: &Store, args: &VerifyArgs, presented: &[u8], output: &Output) -> Result<Answer, Failure> {
    let query = query(store, args)?;
    let verdict = if args.header {
        store.verify_authorization(presented, &query)?
    } else {
        store.verify(presented, &query)?
    };
    match print(store, &verdict, output) {
        // The exit code is an answer of its own, for whoever reads no text.
        Err(failure) if failure.is_lost_reader() => {}
        printed => printed?,
    }
    Ok(if verdict.allowed() { Answer::Yes } else { Answer::No })
}

fn query(store: &Store, args: &VerifyArgs) -> Result<Query, Failure> {
    let mut query = match &args.type_name {
        Some(name) => Query::of_type(type_of(store, name)?),
        None => Query::any_type(),
    };
    if let Some(project) = &args.project {
        query = query.project(project);
    }
    if let Some(binding) = &args.binding {
        query = query.binding(binding);
    }
    Ok(query)
}

fn print(store: &Store, verdict: &Verdict, output: &Output) -> Result<(), Failure> {
    let owner = match verdict.identity() {
        Some(identity) => store.owner(identity.owner)?,
        None => None,
    };
    let identity = verdict.identity().map(|identity| identity_row(store, identity, owner.as_deref()));
    let fields: Vec<_> = identity.iter().flat_map(identity_fields).collect();
    let status = verdict.status().name();
    let row = VerdictRow { status, allowed: verdict.allowed(), identity };
    output.fields(Some(status), &fields, &row)
}

fn identity_row<'a>(store: &'a Store, identity: &Identity, owner: Option<&'a [u8]>) -> IdentityRow<'a> {
    IdentityRow {
        id: identity.id.to_string(),
        type_name: store.policy(identity.type_id).map_or("", |policy| policy.name()),
        owner: owner.map(Bytes),
        expires: identity.expires().map(time_text),
        all_projects: identity.all_projects(),
        no_projects: identity.no_projects(),
        old_value: identity.old_value(),
        app_word: identity.app_word,
        revision: identity.revision,
    }
}

fn identity_fields(identity: &IdentityRow<'_>) -> Vec<(&'static str, String)> {
    let projects = match identity {
        IdentityRow { all_projects: true, .. } => "all",
        IdentityRow { no_projects: true, .. } => "none",
        _ => "some",
    };
    vec![
        ("id", identity.id.clone()),
        ("type", identity.type_name.to_owned()),
        ("owner", identity.owner.map_or_else(|| "-".to_owned(), Bytes::text)),
        ("expires", identity.expires.clone().unwrap_or_else(|| "never".to_owned())),
        ("projects", projects.to_owned()),
        ("app word", identity.app_word.to_string()),
        ("revision", identity.revision.to_string()),
    ]
}
