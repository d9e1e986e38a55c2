//! The built command, run as people and scripts run it.

mod bench;
mod changes;
mod demo;
mod exit_codes;
mod lives;
mod output;
mod pairs;
mod readme;
mod shared;
mod tokens;
mod values;
