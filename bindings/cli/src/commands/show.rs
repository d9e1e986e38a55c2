//! `tokenstore show`: everything the store keeps of one token.

use clap::Args;
use tokenstore::{Id, Store};

use crate::failure::{Answer, Failure};
use crate::output::Output;
use crate::token_row::TokenRow;

/// Show one token
///
/// Everything the store keeps of it but its hash. With --json, your own bytes are in `app_data_hex`.
#[derive(Args)]
pub(crate) struct ShowArgs {
    /// The token's id
    id: Id,
}

pub(crate) fn run(store: &Store, args: &ShowArgs, output: &Output) -> Result<Answer, Failure> {
    let token = store.get(args.id)?;
    let row = TokenRow::new(store, &token);
    output.fields(None, &row.fields(), &row)?;
    Ok(Answer::Yes)
}
