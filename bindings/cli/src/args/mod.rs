//! The command line: the commands, and the options that all of them share.

pub(crate) mod complaint;
mod shared;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use self::shared::{ActorArgs, AppArgs, ExpiryArgs, ProjectArgs, TargetArgs, ValueArgs, target};
use crate::commands::{
    change::{DeleteArgs, DisableArgs, EnableArgs},
    consume::ConsumeArgs,
    create::CreateArgs,
    edit::EditArgs,
    events::EventsArgs,
    grants::{GrantArgs, RemoveProjectArgs, UngrantArgs},
    init::InitArgs,
    kills::{FamilyArgs, OwnerArgs},
    list::ListArgs,
    pair::PairArgs,
    prune::PruneArgs,
    revoke::RevokeArgs,
    rotate::RotateArgs,
    show::ShowArgs,
    stats::StatsArgs,
    types::TypeArgs,
    verify::VerifyArgs,
};
use crate::demo::DemoArgs;
use crate::failure::EXIT_CODES;

/// Issues, verifies and revokes API tokens, keeping only their hashes in one file.
///
/// New here? `tokenstore demo` plays three real services on a store of its own. Then:
///
///     tokenstore --store tokens.store init
///     tokenstore --store tokens.store type declare server srv
///     tokenstore --store tokens.store create server acme --name deploy --all-projects > value
///     tokenstore --store tokens.store verify --type server < value
///
/// A token's value is read from standard input or a file, never from an argument, which other
/// users of the machine could see. A new value goes alone to standard output, and what else
/// there is to say of it to standard error.
///
/// Tables are aligned at a terminal; elsewhere their columns are separated by tabs. Both begin
/// with the columns' names. Times are UTC.
///
/// The command is a guest on the store: a service that has it open shared goes on beside it, and
/// the service's very next verify sees what the command changed. While anybody has the store open
/// exclusively, it is LOCKED to everybody else.
#[derive(Parser)]
#[command(name = "tokenstore", version, after_help = EXIT_CODES, verbatim_doc_comment)]
#[command(disable_help_subcommand = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The options of every command.
#[derive(Args)]
pub(crate) struct Global {
    /// The store's file
    #[arg(long, global = true, value_name = "PATH", help_heading = "Options of every command")]
    pub(crate) store: Option<PathBuf>,
    /// The file with the store's key, if it has one: 32 raw bytes or 64 hex digits
    ///
    /// (umask 077; head -c 32 /dev/urandom > store.key) makes one. A store whose key is lost is lost with it.
    #[arg(long, global = true, value_name = "PATH", help_heading = "Options of every command")]
    pub(crate) key_file: Option<PathBuf>,
    /// Open the store beside all who have it open shared: the default
    #[arg(long, global = true, help_heading = "Options of every command")]
    pub(crate) shared: bool,
    /// Have the store for this command alone
    ///
    /// It must be open nowhere else. Where a store cannot be shared (on a network file system, on systems other than
    /// Linux) this is the only way.
    #[arg(long, global = true, help_heading = "Options of every command")]
    pub(crate) exclusive: bool,
    /// Print JSON: one object, or for a list one object a line; errors too, on standard error
    #[arg(long, global = true, help_heading = "Options of every command")]
    pub(crate) json: bool,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    Demo(DemoArgs),
    Init(InitArgs),
    Type(TypeArgs),
    Create(CreateArgs),
    Verify(VerifyArgs),
    Consume(ConsumeArgs),
    Pair(PairArgs),
    List(ListArgs),
    Show(ShowArgs),
    Edit(EditArgs),
    Grant(GrantArgs),
    Ungrant(UngrantArgs),
    RemoveProject(RemoveProjectArgs),
    Rotate(RotateArgs),
    Revoke(RevokeArgs),
    Family(FamilyArgs),
    Owner(OwnerArgs),
    Delete(DeleteArgs),
    Disable(DisableArgs),
    Enable(EnableArgs),
    Prune(PruneArgs),
    Stats(StatsArgs),
    Events(EventsArgs),
}
