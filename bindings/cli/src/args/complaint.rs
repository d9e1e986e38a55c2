//! What is said of a line that cannot be read.
//!
//! A person who gives a value as an argument has made one mistake; repeating it to a terminal, a log or a chat would
//! be the second.

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;

use crate::text::mask;

/// Prints the help that was asked for, or what is wrong with the line; returns the exit code.
pub(crate) fn report(error: &clap::Error) -> ExitCode {
    let text = error.render().to_string();
    if !error.use_stderr() {
        let _unread = io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush());
        return ExitCode::SUCCESS;
    }
    let words: Vec<_> = env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let _unread = io::stderr().write_all(masked(text, &words).as_bytes());
    ExitCode::from(2)
}

/// The text without any word of the line that is long enough to be a value. Names of options are shown, for a person
/// to see which one is misspelt.
fn masked(mut text: String, words: &[String]) -> String {
    for word in words {
        let secret = match word.strip_prefix("--") {
            Some(option) => option.split_once('=').map_or("", |(_, value)| value),
            None => word,
        };
        if secret.len() >= tokenstore::MIN_EXTERNAL_BYTES {
            text = text.replace(secret, &mask(secret));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_value_is_not_repeated() {
        let value = "srv_0123456789abcdef";
        for (word, kept) in [(value, "'srv_01…'"), (&format!("--value={value}"), "'--value=srv_01…'")] {
            let text = masked(format!("unexpected argument '{word}' found"), &[word.to_owned()]);
            assert_eq!(text, format!("unexpected argument {kept} found"));
        }
        let option = "--misspelt-value-file".to_owned();
        assert_eq!(masked(option.clone(), std::slice::from_ref(&option)), option);
    }
}
