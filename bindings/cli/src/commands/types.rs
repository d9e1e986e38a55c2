//! `tokenstore type`: declares and lists types.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use tokenstore::{FamilyPolicy, OldAccess, Store, TypeId, TypePolicy};

use crate::failure::{Answer, Failure};
use crate::output::{Output, Row, note};
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
///
/// With --access-lifetime, --refresh-lifetime and --family-lifetime it is the type of refresh values: `pair issue`
/// makes its tokens, and access values of another type with them.
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
    /// How often a token can be consumed; a verify never accepts it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    uses: Option<u32>,
    /// Keep its tokens in memory alone, for tickets of some seconds: they do not outlive the program that makes them,
    /// and that has the store exclusively. In a shared store they are on the disk, as all others
    #[arg(long, requires_all = ["uses", "default_lifetime"])]
    volatile: bool,
    #[command(flatten)]
    families: FamilyPolicyArgs,
}

/// What holds for families whose refresh values are of the type.
#[derive(Args)]
#[command(next_help_heading = "Options of a type of refresh values")]
struct FamilyPolicyArgs {
    /// How long an access value lives
    #[arg(
        long, value_name = "LIFETIME", value_parser = parse_lifetime,
        requires_all = ["refresh_lifetime", "family_lifetime"], conflicts_with = "uses",
    )]
    access_lifetime: Option<Duration>,
    /// How long a refresh value lives
    #[arg(long, value_name = "LIFETIME", value_parser = parse_lifetime, requires = "access_lifetime")]
    refresh_lifetime: Option<Duration>,
    /// How long after the sign-in the family ends, and all of it
    #[arg(long, value_name = "LIFETIME", value_parser = parse_lifetime, requires = "access_lifetime")]
    family_lifetime: Option<Duration>,
    /// How long a used refresh value gets the same pair again, for whoever lost the reply: up to 1d; 0s is never
    /// [default: 30s]
    #[arg(long, value_name = "LIFETIME", value_parser = parse_lifetime, requires = "access_lifetime")]
    grace: Option<Duration>,
    /// What a refresh makes of the access token before it [default: ends-now]
    #[arg(long, value_name = "FATE", requires = "access_lifetime")]
    old_access: Option<OldAccessArg>,
}

#[derive(Clone, Copy, ValueEnum)]
enum OldAccessArg {
    /// It ends at once
    EndsNow,
    /// It works as long as the grace lasts
    EndsWithGrace,
    /// It lives its life
    LivesOn,
}

impl From<OldAccessArg> for OldAccess {
    fn from(fate: OldAccessArg) -> OldAccess {
        match fate {
            OldAccessArg::EndsNow => OldAccess::EndsNow,
            OldAccessArg::EndsWithGrace => OldAccess::EndsWithGrace,
            OldAccessArg::LivesOn => OldAccess::LivesOn,
        }
    }
}

/// The name of a fate, as the command takes it.
fn fate_name(fate: OldAccess) -> &'static str {
    match fate {
        OldAccess::EndsNow => "ends-now",
        OldAccess::EndsWithGrace => "ends-with-grace",
        OldAccess::LivesOn => "lives-on",
        _ => "unknown to this command",
    }
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
    uses: Option<u32>,
    volatile: bool,
    families: Option<FamiliesRow>,
}

/// Lifetimes in seconds.
#[derive(Serialize)]
struct FamiliesRow {
    access_lifetime: f64,
    refresh_lifetime: f64,
    family_lifetime: f64,
    grace: f64,
    old_access: &'static str,
}

impl FamiliesRow {
    fn new(policy: &FamilyPolicy) -> FamiliesRow {
        let (access, refresh, family) = policy.lifetimes();
        FamiliesRow {
            access_lifetime: access.as_secs_f64(),
            refresh_lifetime: refresh.as_secs_f64(),
            family_lifetime: family.as_secs_f64(),
            grace: policy.grace_period().as_secs_f64(),
            old_access: fate_name(policy.fate_of_old_access()),
        }
    }
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
            uses: policy.use_count(),
            volatile: policy.is_volatile(),
            families: policy.family_policy().map(FamiliesRow::new),
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
            (self.volatile, "in memory alone unless shared"),
        ];
        let mut said: Vec<_> =
            said.into_iter().filter(|(on, _)| *on).map(|(_, what)| what.to_owned()).collect();
        said.extend(self.uses.map(|uses| format!("uses: {uses}")));
        said.extend(self.families.as_ref().map(|families| {
            let FamiliesRow { access_lifetime, grace, old_access, .. } = families;
            format!("refreshes: access values {access_lifetime} s, grace {grace} s, old access {old_access}")
        }));
        // A refresh value lives as its families' policy says.
        let (usual, longest) = match &self.families {
            Some(families) => (Some(families.refresh_lifetime), Some(families.family_lifetime)),
            None => (self.default_lifetime, self.max_lifetime),
        };
        vec![
            self.number.to_string(),
            self.name.to_owned(),
            self.prefix.to_owned(),
            lifetime(usual),
            lifetime(longest),
            said.join(", "),
        ]
    }
}

pub(crate) fn run(store: &Store, args: &TypeArgs, output: &Output) -> Result<Answer, Failure> {
    match &args.command {
        TypeCommand::Declare(args) => {
            let policy = policy(args);
            let row = TypeRow::new(store.declare(&policy)?, &policy);
            if row.volatile && !output.json() {
                note(
                    "where a program has the store exclusively, its tokens live in memory alone: none of them outlives \
                     the program that makes it",
                );
            }
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
        .accepts_external(args.accepts_external)
        .volatile(args.volatile);
    if let Some(lifetime) = args.default_lifetime {
        policy = policy.default_lifetime(lifetime);
    }
    if let Some(lifetime) = args.max_lifetime {
        policy = policy.max_lifetime(lifetime);
    }
    if let Some(uses) = args.uses {
        policy = policy.uses(uses);
    }
    match args.families.policy() {
        Some(families) => policy.families(families),
        None => policy,
    }
}

impl FamilyPolicyArgs {
    /// The policy, if the line asks for one: the three lifetimes come together.
    fn policy(&self) -> Option<FamilyPolicy> {
        let mut policy =
            FamilyPolicy::new(self.access_lifetime?, self.refresh_lifetime?, self.family_lifetime?);
        if let Some(grace) = self.grace {
            policy = policy.grace(grace);
        }
        if let Some(fate) = self.old_access {
            policy = policy.old_access(fate.into());
        }
        Some(policy)
    }
}
