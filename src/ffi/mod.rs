//! The C interface. Every pointer is checked here, and every panic caught; nothing is decided here.
//!
//! The comments of what is exported are the header's: they are written for people who read C. What makes the unsafe
//! code sound is said once, in `input`, where pointers become slices and references, and beside each other block.

// The header names these types as C does.
#![allow(non_camel_case_types)]
// What callers must promise is said in the header's words and in `input`, and C has no other way to pass so much.
#![allow(clippy::missing_safety_doc, clippy::too_many_arguments)]

mod change;
mod create;
mod error;
mod handle;
mod input;
mod open;
mod output;
mod read;
mod sessions;
mod status;
#[cfg(feature = "testing")]
mod testing;
mod types;
mod verify;
mod version;

pub use self::change::*;
pub use self::create::*;
pub use self::error::*;
pub use self::handle::*;
pub use self::input::*;
pub use self::open::*;
pub use self::read::*;
pub use self::sessions::*;
pub use self::status::*;
#[cfg(feature = "testing")]
pub use self::testing::*;
pub use self::types::*;
pub use self::verify::*;
pub use self::version::*;
