//! `tokenstore rotate`: a new value for a token.

use std::time::Duration;

use clap::Args;
use serde::Serialize;
use tokenstore::Store;

use super::hand_over::hand_over;
use crate::args::TargetArgs;
use crate::failure::{Answer, Failure};
use crate::output::Output;
use crate::text::{parse_lifetime, time_text};

/// Give a token a new value
///
/// For a value that was lost, leaked, or is due to be changed. The token keeps its id, name, projects and owner; its
/// app data is cleared. The new value goes alone to standard output, once; with --json it is in an object.
///
/// The value before works on for the grace, and not beyond the token's expiry; then it is SUPERSEDED. Rotating again
/// ends it at once. Refresh values and tokens with a use count cannot be rotated.
#[derive(Args)]
pub(crate) struct RotateArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// How long the value before works on: 15s, 24h, ...
    #[arg(long, value_name = "LIFETIME", value_parser = parse_lifetime, default_value = "0s")]
    grace: Duration,
}

/// What is printed. The value comes last: by then the text has its place in memory, where it is wiped.
#[derive(Serialize)]
struct RotatedRow<'a> {
    id: String,
    revision: u64,
    old_value_until: Option<&'a str>,
    value: &'a str,
}

pub(crate) fn run(store: &Store, args: &RotateArgs, output: &Output) -> Result<Answer, Failure> {
    let rotated = store.rotate(args.target.target(), args.grace)?;
    // The new value must be handed over whatever a second look at the token says.
    let old_value = store.get(rotated.id).ok().and_then(|token| token.old_value);
    let until = old_value.map(|old| time_text(old.until));
    let row = RotatedRow {
        id: rotated.id.to_string(),
        revision: rotated.revision,
        old_value_until: until.as_deref(),
        value: rotated.value.as_str(),
    };
    let grace = match &until {
        Some(until) if !args.grace.is_zero() => format!("works until {until}"),
        _ => "is superseded".to_owned(),
    };
    let summary = format!("rotated {}; the value before {grace}", row.id);
    let lost = format!("token {} has a new value, but it could not be written and is lost", row.id);
    hand_over(output, &summary, &[rotated.value.as_bytes()], &row, &lost)?;
    Ok(Answer::Yes)
}
