//! `tokenstore pair`: pairs of an access value and a refresh value.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;
use tokenstore::{Issued, NewPair, Pair, PairValues, Refresh, Store};
use zeroize::Zeroizing;

use super::hand_over::hand_over;
use super::{type_of, with_store};
use crate::args::{AppArgs, Global, ProjectArgs};
use crate::failure::{Answer, Failure};
use crate::file::read_value;
use crate::output::Output;
use crate::text::{Bytes, time_text};

/// Issue and refresh pairs of an access value and a refresh value
///
/// The access value verifies. The refresh value gets the next pair, once. All pairs that come from one sign-in are a
/// family, which ends as a whole: see `family revoke`. How long they live is said by the type of the refresh values:
/// see `type declare`.
#[derive(Args)]
pub(crate) struct PairArgs {
    #[command(subcommand)]
    command: PairCommand,
}

#[derive(Subcommand)]
enum PairCommand {
    Issue(IssueArgs),
    Refresh(RefreshArgs),
}

/// Make a family and its first pair
///
/// The values go to standard output, once, a line each: the word `access` or `refresh`, a tab, the value. What else
/// there is to say goes to standard error. With --json, all of it is one object on standard output.
#[derive(Args)]
struct IssueArgs {
    /// The type of the access value
    access_type: String,
    /// The type of the refresh value, declared with family lifetimes
    refresh_type: String,
    /// Whom the pair is for: an account, a user
    owner: String,
    /// What whoever refreshes must also show: the client's id
    #[arg(long)]
    binding: String,
    /// Whoever presents an access value must show the binding, too
    #[arg(long)]
    bind_access: bool,
    /// The family's name, for people; it need not be unique
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    projects: ProjectArgs,
    #[command(flatten)]
    app: AppArgs,
    #[command(flatten)]
    made_elsewhere: MadeElsewhereArgs,
    /// Who makes it, for the event log
    #[arg(long, value_name = "ACTOR")]
    by: Option<String>,
}

/// Use a refresh value, read from standard input, for the next pair
///
/// The next pair is printed as `pair issue` does, and standard error says ROTATED; or REPLAYED, if the value was used a
/// moment ago: then it is the pair that it got, byte for byte. Otherwise the one line is why not: MALFORMED, UNKNOWN,
/// WRONG_TYPE, REVOKED, EXPIRED, DISABLED, WRONG_BINDING, or REUSED, if the value was used long ago: somebody else
/// has it, and the family is revoked. Exit code 0 is a pair, 1 is any other answer; 2 and 3 say nothing about the
/// value.
///
/// Every byte of the value counts, but for one newline at its end.
#[derive(Args)]
struct RefreshArgs {
    /// What the pair is bound to: the client's id
    #[arg(long)]
    binding: String,
    /// Read from this file instead, `-` being standard input
    #[arg(long, value_name = "FILE")]
    value_file: Option<PathBuf>,
    #[command(flatten)]
    made_elsewhere: MadeElsewhereArgs,
    /// Who does this, for the event log
    #[arg(long, value_name = "ACTOR", default_value = "", hide_default_value = true)]
    by: String,
}

/// Values of the next pair that were made elsewhere, such as a JWT.
#[derive(Args)]
struct MadeElsewhereArgs {
    /// Read an access value that was made elsewhere from this file, instead of making one
    #[arg(long, value_name = "FILE")]
    access_value_file: Option<PathBuf>,
    /// Read a refresh value that was made elsewhere from this file, instead of making one
    #[arg(long, value_name = "FILE")]
    refresh_value_file: Option<PathBuf>,
}

/// The same, read.
struct MadeElsewhere {
    access: Option<Zeroizing<Vec<u8>>>,
    refresh: Option<Zeroizing<Vec<u8>>>,
}

impl MadeElsewhereArgs {
    fn read(&self) -> Result<MadeElsewhere, Failure> {
        let read = |path: &Option<PathBuf>| path.as_deref().map(|path| read_value(Some(path))).transpose();
        Ok(MadeElsewhere { access: read(&self.access_value_file)?, refresh: read(&self.refresh_value_file)? })
    }
}

impl MadeElsewhere {
    fn values(&self) -> PairValues<'_> {
        PairValues {
            access: self.access.as_deref().map(Vec::as_slice),
            refresh: self.refresh.as_deref().map(Vec::as_slice),
        }
    }
}

pub(crate) fn run(global: &Global, args: &PairArgs, output: &Output) -> Result<Answer, Failure> {
    match &args.command {
        PairCommand::Issue(args) => {
            let made_elsewhere = args.made_elsewhere.read()?;
            with_store(global, |store| {
                let pair = store.issue_pair_from_values(&new_pair(store, args)?, made_elsewhere.values())?;
                print(output, "ISSUED", "the values are lost", &pair)
            })
        }
        PairCommand::Refresh(args) => {
            let value = read_value(args.value_file.as_deref())?;
            let made_elsewhere = args.made_elsewhere.read()?;
            with_store(global, |store| {
                let values = made_elsewhere.values();
                let again = "the same refresh value gets it again within the grace";
                match store.refresh_to_values(&value, &args.binding, values, &args.by)? {
                    Refresh::Rotated(pair) => print(output, "ROTATED", again, &pair),
                    Refresh::Replayed(pair) => print(output, "REPLAYED", again, &pair),
                    Refresh::Refused(status) => refuse(output, status.name()),
                }
            })
        }
    }
}

fn new_pair(store: &Store, args: &IssueArgs) -> Result<NewPair, Failure> {
    let (access, refresh) = (type_of(store, &args.access_type)?, type_of(store, &args.refresh_type)?);
    let mut pair = NewPair::new(access, refresh, &args.owner, &args.binding).bind_access(args.bind_access);
    if let Some(name) = &args.name {
        pair = pair.name(name);
    }
    if let Some(grants) = args.projects.grants() {
        pair = pair.grants(grants);
    }
    if let Some(word) = args.app.app_word {
        pair = pair.app_word(word);
    }
    if let Some(data) = args.app.app_data()? {
        pair = pair.app_data(data);
    }
    if let Some(actor) = &args.by {
        pair = pair.by(actor);
    }
    Ok(pair)
}

/// What is printed. The values come last: by then the text has its place in memory, where it is wiped.
#[derive(Serialize)]
struct PairRow<'a> {
    status: &'a str,
    family: Option<String>,
    revision: Option<u64>,
    access: Option<IssuedRow<'a>>,
    refresh: Option<IssuedRow<'a>>,
}

#[derive(Serialize)]
struct IssuedRow<'a> {
    id: String,
    expires: String,
    value: Bytes<'a>,
}

impl<'a> IssuedRow<'a> {
    fn new(issued: &'a Issued) -> IssuedRow<'a> {
        IssuedRow {
            id: issued.id.to_string(),
            expires: time_text(issued.expires),
            value: Bytes(issued.value.as_bytes()),
        }
    }
}

fn print(output: &Output, status: &str, lost: &str, pair: &Pair) -> Result<Answer, Failure> {
    let (access, refresh) = (IssuedRow::new(&pair.access), IssuedRow::new(&pair.refresh));
    let said = |what: &str, row: &IssuedRow<'_>| format!("{what} token {} until {}", row.id, row.expires);
    let summary = format!(
        "{status}: family {}, {}, {}",
        pair.family,
        said("access", &access),
        said("refresh", &refresh)
    );
    let row = PairRow {
        status,
        family: Some(pair.family.to_string()),
        revision: Some(pair.revision),
        access: Some(access),
        refresh: Some(refresh),
    };
    let line = |word: &str, value: &[u8]| {
        let mut line = Zeroizing::new(Vec::with_capacity(word.len() + 1 + value.len()));
        line.extend_from_slice(word.as_bytes());
        line.push(b'\t');
        line.extend_from_slice(value);
        line
    };
    let lines =
        [line("access", pair.access.value.as_bytes()), line("refresh", pair.refresh.value.as_bytes())];
    let lost = format!("family {} has a new pair, but it could not be written; {lost}", pair.family);
    hand_over(output, &summary, &[&lines[0], &lines[1]], &row, &lost)?;
    Ok(Answer::Yes)
}

fn refuse(output: &Output, status: &str) -> Result<Answer, Failure> {
    let row = PairRow { status, family: None, revision: None, access: None, refresh: None };
    match output.line(status, &row) {
        // The exit code is an answer of its own, for whoever reads no text.
        Err(failure) if failure.is_lost_reader() => {}
        printed => printed?,
    }
    Ok(Answer::No)
}
