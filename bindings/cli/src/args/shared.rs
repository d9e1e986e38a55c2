//! Arguments that several commands have, and what the store makes of them.

use std::path::{Path, PathBuf};

use clap::Args;
use tokenstore::{Expiry, Grants, Id, Target};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::file::{read_app_data, read_value};
use crate::text::parse_expiry;

/// Who acts, and why.
#[derive(Args)]
pub(crate) struct ActorArgs {
    /// Who does this, for the event log
    #[arg(long, value_name = "ACTOR", default_value = "", hide_default_value = true)]
    pub(crate) by: String,
    /// Why, for the event log
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) reason: String,
}

/// The token to act on.
#[derive(Args)]
pub(crate) struct TargetArgs {
    /// The token's id
    id: Id,
    /// Only if the token has this owner; otherwise it is NOT_FOUND
    #[arg(long, value_name = "OWNER")]
    if_owner: Option<String>,
    /// Only if the token is at this revision; otherwise it is a REVISION_CONFLICT
    #[arg(long, value_name = "N")]
    if_revision: Option<u64>,
    #[command(flatten)]
    actor: ActorArgs,
}

impl TargetArgs {
    pub(crate) fn id(&self) -> Id {
        self.id
    }

    pub(crate) fn target(&self) -> Target {
        target(self.id, self.if_owner.as_deref(), self.if_revision, &self.actor)
    }
}

pub(crate) fn target(id: Id, if_owner: Option<&str>, if_revision: Option<u64>, actor: &ActorArgs) -> Target {
    let mut target = Target::new(id).by(&actor.by).reason(&actor.reason);
    if let Some(owner) = if_owner {
        target = target.owner(owner);
    }
    if let Some(revision) = if_revision {
        target = target.revision(revision);
    }
    target
}

/// Where a value that exists already comes from.
#[derive(Args)]
pub(crate) struct ValueArgs {
    /// Read the value from this file, `-` being standard input; one newline at its end is no part of it
    #[arg(long, value_name = "FILE")]
    value_file: Option<PathBuf>,
    /// Read the value from standard input; one newline at its end is no part of it
    #[arg(long, conflicts_with = "value_file")]
    value_stdin: bool,
}

impl ValueArgs {
    pub(crate) fn given(&self) -> bool {
        self.value_stdin || self.value_file.is_some()
    }

    /// Reads it, from standard input unless a file is named.
    pub(crate) fn read(&self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        read_value(self.value_file.as_deref())
    }
}

/// When a token expires.
#[derive(Args)]
pub(crate) struct ExpiryArgs {
    /// When it expires: a lifetime from now (15s, 36000s, 12h, 90d), a time (2027-01-31T00:00:00Z), or never
    #[arg(long, value_name = "WHEN", value_parser = parse_expiry)]
    expires: Option<Expiry>,
    /// It never expires; the same as `--expires never`
    #[arg(long, conflicts_with = "expires")]
    never: bool,
}

impl ExpiryArgs {
    pub(crate) fn expiry(&self) -> Option<Expiry> {
        if self.never { Some(Expiry::Never) } else { self.expires }
    }
}

/// The projects that a token reaches.
#[derive(Args)]
pub(crate) struct ProjectArgs {
    /// A project that it reaches; may be repeated
    #[arg(long, value_name = "PROJECT")]
    project: Vec<String>,
    /// Projects that it reaches, separated by commas
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    projects: Vec<String>,
    /// It reaches every project, those to come included
    #[arg(long, conflicts_with_all = ["project", "projects"])]
    all_projects: bool,
}

impl ProjectArgs {
    pub(crate) fn grants(&self) -> Option<Grants> {
        let named = self.project.iter().chain(&self.projects);
        match named.clone().next() {
            _ if self.all_projects => Some(Grants::All),
            Some(_) => Some(Grants::projects(named)),
            None => None,
        }
    }
}

/// What a host keeps with a token.
#[derive(Args)]
pub(crate) struct AppArgs {
    /// A number of your own that every verify hands back
    #[arg(long, value_name = "N")]
    pub(crate) app_word: Option<u64>,
    /// A file with up to 4,096 bytes of your own, kept with the token
    #[arg(long, value_name = "FILE")]
    app_data_file: Option<PathBuf>,
}

impl AppArgs {
    pub(crate) fn app_data(&self) -> Result<Option<Vec<u8>>, Failure> {
        let read = |path: &Path| read_app_data(path).map(|bytes| bytes.to_vec());
        self.app_data_file.as_deref().map(read).transpose()
    }
}
