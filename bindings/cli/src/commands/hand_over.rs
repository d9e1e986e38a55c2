//! New values on their way out: once, and where nothing else gets between them and their reader.

use std::io;

use serde::Serialize;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::file::write_secret_lines;
use crate::output::{Output, note};

/// More than any answer takes, so that its text never moves and leaves a copy behind: two values of 8 KiB, each
/// character of them escaped.
const LONGEST_ANSWER_BYTES: usize = 128 * 1024;

/// Writes new values to standard output, alone on their lines, and what else there is to say to standard error; or all
/// as one JSON object. `lost` says what became of the values if they could not be written.
pub(super) fn hand_over(
    output: &Output,
    summary: &str,
    lines: &[&[u8]],
    json: &impl Serialize,
    lost: &str,
) -> Result<(), Failure> {
    let told = |error: io::Error| Failure::ValueLost(lost.to_owned(), error);
    if output.json() {
        let mut line = Zeroizing::new(Vec::with_capacity(LONGEST_ANSWER_BYTES));
        serde_json::to_writer(&mut *line, json).map_err(|error| told(error.into()))?;
        return write_secret_lines(&[&line]).map_err(told);
    }
    note(summary);
    write_secret_lines(lines).map_err(told)
}
