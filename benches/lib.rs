//! What the benchmarks share: the tokens they measure, the machine they run on, and the table they print.

pub use crate::machine::{Machine, huge_page_bytes};
pub use crate::report::{Report, Target, median};
pub use crate::tokens::{PREFIX, SHARED_PROJECT, Typical};
pub use crate::values::{Values, Window};

/// A benchmark that cannot run says why.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

mod machine;
mod report;
mod tokens;
mod values;
