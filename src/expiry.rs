//! When a token expires.

use std::time::Duration;

use time::OffsetDateTime;

use crate::clock::{MAX_EXPIRY_MS, NEVER_MS, duration_ms, to_ms};
use crate::error::{Error, Result};

/// When a token expires. It is valid while `now < expiry`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// It does not.
    Never,
    /// At this time, in the future and before 2527-06-23 06:20:44.415 UTC, in milliseconds rounded down.
    At(OffsetDateTime),
    /// So long from now, from 1 ms on.
    In(Duration),
}

impl Expiry {
    pub(crate) fn at_ms(self, now_ms: i64) -> Result<i64> {
        let at = match self {
            Expiry::Never => return Ok(NEVER_MS),
            Expiry::At(time) => to_ms(time),
            Expiry::In(lifetime) => now_ms.saturating_add(duration_ms(lifetime)?),
        };
        if at > MAX_EXPIRY_MS { Err(Error::invalid("the expiry is after the year 2527")) } else { Ok(at) }
    }
}
