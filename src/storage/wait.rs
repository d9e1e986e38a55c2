//! Waiting for what another process holds: by trying again, since the kernel's own waits for a lock have no end.

use std::ops::Range;
use std::time::{Duration, Instant};

/// The shortest and the longest wait before a lock is tried again.
const PAUSES: Range<Duration> = Duration::from_micros(20)..Duration::from_millis(1);

/// Calls `try_once` until it has something, with growing pauses, as long as `most` from `since` on; at least once.
pub(super) fn patiently<T, E>(
    since: Instant,
    most: Duration,
    mut try_once: impl FnMut() -> std::result::Result<Option<T>, E>,
) -> std::result::Result<Option<T>, E> {
    let mut pause = PAUSES.start;
    loop {
        if let Some(done) = try_once()? {
            return Ok(Some(done));
        }
        let left = most.saturating_sub(since.elapsed());
        if left.is_zero() {
            return Ok(None);
        }
        std::thread::sleep(pause.min(left));
        pause = (pause * 2).min(PAUSES.end);
    }
}
