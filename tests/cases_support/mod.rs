//! What plays the scenarios of `tests/cases`: reading them, a world to play them in, the operations, and the table of
//! what must be covered. The format is described in `tests/cases/README.md`.

pub(crate) mod answer;
pub(crate) mod args;
pub(crate) mod cells;
pub(crate) mod coverage;
pub(crate) mod line;
pub(crate) mod ops;
pub(crate) mod play;
pub(crate) mod possible;
pub(crate) mod scenario;
pub(crate) mod source;
pub(crate) mod states;
pub(crate) mod text;
pub(crate) mod world;

/// A line that cannot be played: a mistake in the scenario, told apart from an answer that is not the expected one.
pub(crate) type Mistake = String;
