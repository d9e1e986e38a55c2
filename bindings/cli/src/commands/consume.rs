//! `tokenstore consume`: spends a use of a token that has a use count.

use clap::Args;
use serde::Serialize;
use tokenstore::{Consumed, Store};

use super::presented::{IdentityRow, PresentedArgs, owner_of};
use super::with_store;
use crate::args::Global;
use crate::failure::{Answer, Failure};
use crate::output::Output;
use crate::text::Bytes;

/// Spend a use of a value, read from standard input
///
/// The first line is OK, or why not: what verify says, USED when the last use is gone, and NOT_COUNTED for a token
/// without a use count. With OK the use is spent, and the token's own bytes and the uses left follow; any other
/// answer spends nothing. Exit code 0 is OK, 1 is any other answer; 2 says that nothing was spent, and 3 that a use
/// may be gone and nobody is to be let in.
///
/// Every byte of the value counts, but for one newline at its end. Tokens in memory alone can be consumed only in the
/// program that made them, which has the store exclusively.
#[derive(Args)]
pub(crate) struct ConsumeArgs {
    #[command(flatten)]
    presented: PresentedArgs,
}

#[derive(Serialize)]
struct ConsumedRow<'a> {
    status: &'a str,
    allowed: bool,
    uses_left: Option<u32>,
    app_data_hex: Option<String>,
    identity: Option<IdentityRow<'a>>,
}

pub(crate) fn run(global: &Global, args: &ConsumeArgs, output: &Output) -> Result<Answer, Failure> {
    let presented = args.presented.read()?;
    with_store(global, |store| {
        let consumed = store.consume(&presented, &args.presented.query(store)?)?;
        match print(store, &consumed, output) {
            // The exit code is an answer of its own, for whoever reads no text.
            Err(failure) if failure.is_lost_reader() => {}
            printed => printed?,
        }
        Ok(Answer::yes_if(consumed.verdict.allowed()))
    })
}

fn print(store: &Store, consumed: &Consumed, output: &Output) -> Result<(), Failure> {
    let Consumed { verdict, app_data, uses_left, .. } = consumed;
    let owner = owner_of(store, verdict)?;
    let identity = verdict.identity().map(|identity| IdentityRow::new(store, identity, owner.as_deref()));
    let mut fields: Vec<_> = identity.iter().flat_map(IdentityRow::fields).collect();
    if let Some(uses_left) = uses_left {
        fields.push(("uses left", uses_left.to_string()));
    }
    if let Some(data) = app_data {
        fields.push(("app data", Bytes(data).text()));
    }
    let status = verdict.status().name();
    let row = ConsumedRow {
        status,
        allowed: verdict.allowed(),
        uses_left: *uses_left,
        app_data_hex: app_data.as_deref().map(|data| Bytes(data).hex()),
        identity,
    };
    output.fields(Some(status), &fields, &row)
}
