//! The `tokenstore` command: a token store at a terminal and in scripts.
//!
//! A call goes one way: `args` reads the line, `commands` asks the store, `output` prints the answer, and what went
//! wrong is a `Failure`, which knows its message and its exit code.

mod args;
mod commands;
mod demo;
mod failure;
mod file;
mod output;
mod text;
mod token_row;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Cli;
use crate::output::Output;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return args::complaint::report(&error),
    };
    match commands::run(&cli, &Output::new(cli.global.json)) {
        Ok(answer) => answer.exit_code(),
        Err(failure) => failure.report(cli.global.json),
    }
}
