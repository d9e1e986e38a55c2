//! Time: milliseconds since the Unix epoch inside, `time` and `Duration` outside, and a mark that never falls.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use time::OffsetDateTime;

use crate::board::Board;
use crate::error::{Error, Result};
use crate::sys;

/// The expiry of a token that never expires.
pub(crate) const NEVER_MS: i64 = i64::MAX;
/// The latest expiry, in the year 2527: it fits 44 bits beside "never".
pub(crate) const MAX_EXPIRY_MS: i64 = (1 << 44) - 2;

/// The last moment of the year 9999.
const CALENDAR_END_MS: i64 = 253_402_300_799_999;

/// How often a verify that finds the clock ahead may raise the mark.
const TICK_MS: i64 = 1_000;
/// How far ahead of the time that certainly passed the kept mark may be.
const SLACK_MS: i64 = 24 * 60 * 60 * 1_000;

/// Where a store takes the time from.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Clock {
    /// The operating system's real-time clock, with a resolution of a few milliseconds.
    #[default]
    System,
    /// A clock that stands until it is moved: for tests.
    Manual(Arc<ManualClock>),
}

/// A clock that stands until it is moved.
#[derive(Debug)]
pub struct ManualClock {
    wall_ms: AtomicI64,
    passed_ms: AtomicI64,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: OffsetDateTime) -> Arc<ManualClock> {
        Arc::new(ManualClock { wall_ms: AtomicI64::new(to_ms(now)), passed_ms: AtomicI64::new(0) })
    }

    /// Lets `by` pass: wall clock and monotonic clock go on by as much, in whole milliseconds, the wall clock not beyond
    /// the year 9999.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        for (clock, end_ms) in [(&self.passed_ms, i64::MAX), (&self.wall_ms, CALENDAR_END_MS)] {
            let later = |ms: i64| Some(ms.saturating_add(by).min(end_ms));
            // It always has a next value.
            let _before = clock.fetch_update(Ordering::SeqCst, Ordering::SeqCst, later);
        }
    }

    /// Sets the wall clock, forward or back, as an operator or a time server would: no time passes.
    pub fn set(&self, now: OffsetDateTime) {
        self.wall_ms.store(to_ms(now), Ordering::SeqCst);
    }

    /// What the clock shows.
    pub fn now(&self) -> OffsetDateTime {
        from_ms(self.wall_ms.load(Ordering::SeqCst))
    }
}

impl Clock {
    #[inline]
    fn wall_ms(&self) -> i64 {
        match self {
            Clock::System => sys::coarse_now_ms(),
            Clock::Manual(clock) => clock.wall_ms.load(Ordering::Relaxed),
        }
    }

    fn passed_ms(&self) -> i64 {
        match self {
            Clock::System => sys::monotonic_ms(),
            Clock::Manual(clock) => clock.passed_ms.load(Ordering::SeqCst),
        }
    }
}

/// The store's time: the clock, but never before the mark.
///
/// The mark is what makes expiry final. It is the latest time that a commit was made at or an answer said EXPIRED
/// at, and otherwise within a second of the latest time seen.
pub(crate) struct Now {
    clock: Clock,
    /// Where the mark stands, for all who have the store open.
    board: Board,
    kept_at_open_ms: i64,
    passed_at_open_ms: i64,
}

impl Now {
    /// Time goes on from the mark that the store kept, or from where others who have it open are.
    pub(crate) fn new(clock: Clock, board: Board, kept_ms: i64) -> Now {
        let passed_at_open_ms = clock.passed_ms();
        board.raise_mark_ms(kept_ms);
        Now { clock, board, kept_at_open_ms: kept_ms, passed_at_open_ms }
    }

    /// The time. Writes shared memory at most once a tick.
    #[inline]
    pub(crate) fn ms(&self) -> i64 {
        let wall = self.clock.wall_ms();
        let mark = self.board.mark_ms();
        if wall <= mark {
            return mark;
        }
        if wall - mark >= TICK_MS {
            self.board.raise_mark_ms(wall);
        }
        wall
    }

    /// Remembers that something was decided for good at `now_ms`.
    #[inline]
    pub(crate) fn raise(&self, now_ms: i64) {
        if self.board.mark_ms() < now_ms {
            self.board.raise_mark_ms(now_ms);
        }
    }

    /// The mark to keep in the file: the mark in memory, but not further ahead of the one found at open than the
    /// time that passed since by the monotonic clock and a day, so that one wild clock cannot expire everything for
    /// good.
    pub(crate) fn mark_to_keep_ms(&self) -> i64 {
        let passed = self.clock.passed_ms() - self.passed_at_open_ms;
        let bound = self.kept_at_open_ms.saturating_add(passed).saturating_add(SLACK_MS);
        self.board.mark_ms().min(bound).max(self.kept_at_open_ms)
    }
}

/// The first mark of a new store: what the clock shows.
pub(crate) fn first_mark_ms(clock: &Clock) -> i64 {
    clock.wall_ms().clamp(0, MAX_EXPIRY_MS)
}

/// Milliseconds since the Unix epoch, rounded down.
pub(crate) fn to_ms(time: OffsetDateTime) -> i64 {
    // The whole range of `OffsetDateTime` in milliseconds fits an i64.
    i64::try_from(time.unix_timestamp_nanos().div_euclid(1_000_000)).unwrap_or(i64::MAX)
}

/// The reverse of [`to_ms`], for times that the store keeps.
pub(crate) fn from_ms(ms: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// A duration in whole milliseconds, rounded down.
///
/// # Errors
/// InvalidArgument under a millisecond or beyond what an expiry can hold.
pub(crate) fn duration_ms(duration: Duration) -> Result<i64> {
    match i64::try_from(duration.as_millis()) {
        Ok(ms @ 1..=MAX_EXPIRY_MS) => Ok(ms),
        _ => Err(Error::invalid("a lifetime is from 1 ms to 557 years")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(clock: &Arc<ManualClock>) -> Now {
        let clock = Clock::Manual(clock.clone());
        let first = first_mark_ms(&clock);
        Now::new(clock, Board::private().unwrap(), first)
    }

    #[test]
    fn time_never_goes_back_past_a_decision() {
        let clock = ManualClock::new(from_ms(10_000));
        let now = start(&clock);
        clock.set(from_ms(10_500));
        assert_eq!(now.ms(), 10_500);
        clock.set(from_ms(9_000));
        assert_eq!(now.ms(), 10_000, "under a tick, and nothing decided: the mark of the start");
        clock.set(from_ms(20_000));
        assert_eq!(now.ms(), 20_000);
        clock.set(from_ms(9_000));
        assert_eq!(now.ms(), 20_000, "more than a tick");
        now.raise(20_001);
        assert_eq!(now.ms(), 20_001);
    }

    #[test]
    fn a_wild_clock_is_not_kept() {
        let clock = ManualClock::new(from_ms(1_000));
        let now = start(&clock);
        clock.set(from_ms(MAX_EXPIRY_MS));
        assert_eq!(now.ms(), MAX_EXPIRY_MS);
        assert_eq!(now.mark_to_keep_ms(), 1_000 + SLACK_MS);
        clock.advance(Duration::from_secs(60));
        assert_eq!(now.mark_to_keep_ms(), 61_000 + SLACK_MS);
    }
}
