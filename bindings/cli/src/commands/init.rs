//! `tokenstore init`: makes a store.

use clap::Args;
use serde_json::json;

use super::opening;
use crate::args::Global;
use crate::failure::{Answer, Failure};
use crate::output::Output;

/// Make a new store
///
/// Makes the file that --store names, readable and writable by its owner alone. With --key-file, the store opens with
/// that key alone: whoever has the file and not the key can neither check a guessed value nor change it unnoticed.
/// Fails if there is anything at that path.
#[derive(Args)]
pub(crate) struct InitArgs {}

pub(crate) fn run(global: &Global, output: &Output) -> Result<Answer, Failure> {
    let path = opening::path(global)?;
    opening::create(global)?.close()?;
    let keyed = global.key_file.is_some();
    let how = if keyed { "under the key given" } else { "without a key" };
    let path = path.display().to_string();
    output.line(&format!("made {path} {how}"), &json!({ "store": path, "keyed": keyed }))?;
    Ok(Answer::Yes)
}
