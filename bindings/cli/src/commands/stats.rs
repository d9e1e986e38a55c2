//! `tokenstore stats`: figures of a store.

use clap::Args;
use serde::Serialize;
use tokenstore::{Stats, Store};

use crate::failure::{Answer, Failure};
use crate::output::Output;

/// Show figures of the store
#[derive(Args)]
pub(crate) struct StatsArgs {}

#[derive(Serialize)]
struct StatsRow {
    tokens: u64,
    types: u64,
    sequence: u64,
    first_event: u64,
    file_bytes: u64,
    index_bytes: u64,
}

pub(crate) fn run(store: &Store, output: &Output) -> Result<Answer, Failure> {
    let Stats { tokens, types, sequence, first_event, file_bytes, index_bytes, .. } = store.stats()?;
    let fields = [
        ("tokens, dead ones included", tokens.to_string()),
        ("types", types.to_string()),
        ("changes", sequence.to_string()),
        ("oldest event kept", first_event.to_string()),
        ("bytes of the file in use", file_bytes.to_string()),
        ("bytes of memory for the index", index_bytes.to_string()),
    ];
    let row = StatsRow { tokens, types, sequence, first_event, file_bytes, index_bytes };
    output.fields(None, &fields, &row)?;
    Ok(Answer::Yes)
}
