//! What the benchmarks share: how they are started, the tokens they measure, the processes that work beside them, the
//! machine they run on, and the table they print.

pub use crate::machine::{Machine, huge_page_bytes};
pub use crate::prepared::{Prepared, TYPE_NAME, USE_RESOLUTION};
pub use crate::report::{Report, Target, median, percentile};
pub use crate::run::{Run, progress};
pub use crate::settings::{Settings, Size, Usage};
pub use crate::tokens::{PREFIX, SHARED_PROJECT, Typical};
pub use crate::values::{Values, Window};
pub use crate::worker::Worker;

/// A benchmark that cannot run says why.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

mod machine;
mod prepared;
mod report;
mod run;
mod settings;
mod tokens;
mod values;
mod worker;
