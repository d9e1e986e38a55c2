//! `tokenstore prune`: takes out tokens that died long ago.

use std::time::Duration;

use clap::{ArgGroup, Args};
use serde_json::json;
use time::OffsetDateTime;
use tokenstore::Store;

use crate::failure::{Answer, Failure};
use crate::output::Output;
use crate::text::{parse_lifetime, parse_time};

/// Take out tokens that died long ago
///
/// Revoked, used up, superseded or expired ones, and families that ended. Nothing that goes turns a refusal into OK:
/// its value is UNKNOWN from then on. Used refresh values stay while their family lives, and so does what others hang
/// on.
#[derive(Args)]
#[command(group = ArgGroup::new("since").required(true).args(["dead_before", "older_than"]))]
pub(crate) struct PruneArgs {
    /// Those that were dead before this time, such as 2027-01-31T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    dead_before: Option<OffsetDateTime>,
    /// Those that have been dead for longer than this: 30d, ...
    #[arg(long, value_name = "LIFETIME", value_parser = parse_lifetime)]
    older_than: Option<Duration>,
    /// At most so many; those that are left are for the next prune
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    at_most: usize,
}

pub(crate) fn run(store: &Store, args: &PruneArgs, output: &Output) -> Result<Answer, Failure> {
    let tokens = store.prune(args.dead_before()?, args.at_most)?;
    let noun = if tokens == 1 { "token" } else { "tokens" };
    output.line(&format!("took out {tokens} {noun}"), &json!({ "tokens": tokens }))?;
    Ok(Answer::Yes)
}

impl PruneArgs {
    fn dead_before(&self) -> Result<OffsetDateTime, Failure> {
        let ago = |age: Duration| OffsetDateTime::now_utc().checked_sub(time::Duration::try_from(age).ok()?);
        let time = self.dead_before.or_else(|| self.older_than.and_then(ago));
        time.ok_or_else(|| Failure::Usage("no time lies that far back".to_owned()))
    }
}
