//! `tokenstore type`: declares and lists types.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde::Serialize;
use tokenstore::{Store, TypeId, TypePolicy};

use crate::failure::{Answer, Failure};
use crate::output::{Output, Row};
use crate::text::parse_lifetime;

/// Declare a type of tokens, or list the types
///
/// Every token has a type. A type is declared once, with a policy that holds for all its tokens and never changes.
#[derive(Args)]
pub(crate) struct TypeArgs {
    #[command(subcommand)]
    command: TypeCommand,
}

#[derive(Subcommand)]
enum TypeCommand {
    Declare(DeclareArgs),
    List(ListTypesArgs),
}

/// Declare a type
///
/// Declaring it again with the same policy changes nothing; with another one it is a TYPE_CONFLICT.
#[derive(Args)]
struct DeclareArgs {
    /// The type's name
    name: String,
    /// What the values begin with, before an underscore: 1 to 16 of a-z, 0-9 and _
    prefix: String,
    /// How long a token lives whose creation does not say: 36000s, 90d, ... [default: for ever]
    #[arg(long, value_name = "LIFETIME", value_parser = parse_lifetime)]
    default_lifetime: Option<Duration>,
    /// The longest life of a token, edits included; it forbids tokens that never expire
    #[arg(long, value_name = "LIFETIME", value_parser = parse_lifetime, requires = "default_lifetime")]
    max_lifetime: Option<Duration>,
    /// Let an owner have several tokens of one name
    #[arg(long)]
    no_unique_names: bool,
    /// Accept its tokens only where a verify names this type: for client secrets
    #[arg(long)]
    by_name_only: bool,
    /// Take values that were made elsewhere
    #[arg(long)]
    accepts_external: bool,
}

/// List the types that are declared
#[derive(Args)]
struct ListTypesArgs {}

#[derive(Serialize)]
struct TypeRow<'a> {
    number: u16,
    name: &'a str,
    prefix: &'a str,
    /// In seconds; none is for ever.
    default_lifetime: Option<f64>,
    max_lifetime: Option<f64>,
    unique_names: bool,
    by_name_only: bool,
    accepts_external: bool,
}

impl<'a> TypeRow<'a> {
    fn new(type_id: TypeId, policy: &'a TypePolicy) -> TypeRow<'a> {
        let (default, max) = policy.lifetimes();
        TypeRow {
            number: type_id.number(),
            name: policy.name(),
            prefix: policy.prefix(),
            default_lifetime: default.map(|lifetime| lifetime.as_secs_f64()),
            max_lifetime: max.map(|lifetime| lifetime.as_secs_f64()),
            unique_names: policy.has_unique_names(),
            by_name_only: policy.is_by_name_only(),
            accepts_external: policy.takes_external(),
        }
    }
}

impl Row for TypeRow<'_> {
    const COLUMNS: &'static [&'static str] = &["NUMBER", "NAME", "PREFIX", "LIFETIME", "LONGEST", "POLICY"];

    fn cells(&self) -> Vec<String> {
        let lifetime = |seconds: Option<f64>| {
            seconds.map_or_else(|| "for ever".to_owned(), |seconds| format!("{seconds} s"))
        };
        let said = [
            (self.unique_names, "unique names"),
            (self.by_name_only, "by name only"),
            (self.accepts_external, "values made elsewhere"),
        ];
        let said: Vec<_> = said.into_iter().filter_map(|(on, what)| on.then_some(what)).collect();
        vec![
            self.number.to_string(),
            self.name.to_owned(),
            self.prefix.to_owned(),
            lifetime(self.default_lifetime),
            lifetime(self.max_lifetime),
            said.join(", "),
        ]
    }
}

pub(crate) fn run(store: &Store, args: &TypeArgs, output: &Output) -> Result<Answer, Failure> {
    match &args.command {
        TypeCommand::Declare(args) => {
            let policy = policy(args);
            let row = TypeRow::new(store.declare(&policy)?, &policy);
            output.line(&format!("type {} is declared", row.name), &row)?;
        }
        TypeCommand::List(_) => {
            let mut table = output.table::<TypeRow<'_>>()?;
            for (type_id, policy) in store.types() {
                table.row(&TypeRow::new(type_id, policy))?;
            }
            table.finish()?;
        }
    }
    Ok(Answer::Yes)
}

fn policy(args: &DeclareArgs) -> TypePolicy {
    let mut policy = TypePolicy::new(&args.name, &args.prefix)
        .unique_names(!args.no_unique_names)
        .by_name_only(args.by_name_only)
        .accepts_external(args.accepts_external);
    if let Some(lifetime) = args.default_lifetime {
        policy = policy.default_lifetime(lifetime);
    }
    if let Some(lifetime) = args.max_lifetime {
        policy = policy.max_lifetime(lifetime);
    }
    policy
}
