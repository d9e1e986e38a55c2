//! What a peer does, and how every contender is asked.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use tokenstore_benches::{Result, Typical, Window};

/// The type of all tokens, as the peers store it.
pub(crate) const TYPE: u16 = 1;

/// A token and the value that it is verified by.
pub(crate) struct Row<'a> {
    pub(crate) value: &'a [u8],
    pub(crate) token: Typical,
    pub(crate) expires_ms: i64,
}

impl Row<'_> {
    pub(crate) fn new(value: &[u8], token: Typical) -> Row<'_> {
        let expires_ms = now_ms() + i64::try_from(token.lifetime.as_millis()).unwrap_or(i64::MAX / 2);
        Row { value, token, expires_ms }
    }
}

/// A database that holds tokens the way people do who have no tokenstore: a row for each, found by the value's hash.
pub(crate) trait Peer: Sized {
    /// A new one in `folder`.
    fn create(folder: &Path) -> Result<Self>;

    /// Puts rows in, in one durable commit.
    fn insert(&mut self, rows: &[Row<'_>]) -> Result<()>;

    /// Reads everything once, so that it is in memory.
    fn warm(&mut self) -> Result<()>;

    /// Verifies in one transaction that was begun before. Nothing that is revoked meanwhile is noticed, so that this is
    /// faster than what anybody could use.
    fn held(&self) -> Result<impl FnMut(&[u8]) -> Option<u64>>;

    /// Verifies each value in a transaction of its own: the next verify sees a revocation.
    fn each(&self) -> Result<impl FnMut(&[u8]) -> Option<u64>>;

    /// How many bytes of the file's pages are in use.
    fn used_bytes(&self) -> Result<u64>;
}

/// What all peers check of a row, and what they answer. The clock is read once for all verifies of a round.
#[inline]
pub(crate) fn accept(
    number: u64,
    type_id: u16,
    expires_ms: i64,
    revoked: bool,
    owner: &[u8],
    now_ms: i64,
) -> Option<u64> {
    let good = !revoked && now_ms < expires_ms && type_id == TYPE && !black_box(owner).is_empty();
    good.then_some(number)
}

pub(crate) fn now_ms() -> i64 {
    let passed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(passed.as_millis()).unwrap_or(i64::MAX / 2)
}

/// Asks for every value once and returns the time that took.
///
/// # Panics
/// Unless every answer was the right token.
#[inline(never)]
pub(crate) fn time_hits(window: Window<'_>, mut verify: impl FnMut(&[u8]) -> Option<u64>) -> Duration {
    let mut right = 0;
    let start = Instant::now();
    for (value, number) in window.iter() {
        right += usize::from(verify(black_box(value)) == Some(number));
    }
    let time = start.elapsed();
    assert_eq!(right, window.len(), "a verify refused a token or took it for another");
    time
}

/// Asks for every value once and returns the time that took.
///
/// # Panics
/// Unless every answer was a refusal.
#[inline(never)]
pub(crate) fn time_misses(window: Window<'_>, mut verify: impl FnMut(&[u8]) -> Option<u64>) -> Duration {
    let mut refused = 0;
    let start = Instant::now();
    for value in window.values() {
        refused += usize::from(verify(black_box(value)).is_none());
    }
    let time = start.elapsed();
    assert_eq!(refused, window.len(), "a verify accepted what nobody has");
    time
}

/// Works on every value once and returns the time that took.
///
/// # Panics
/// Unless the results add up to `sum`.
#[inline(never)]
pub(crate) fn time_work(window: Window<'_>, sum: u64, mut work: impl FnMut(&[u8]) -> u64) -> Duration {
    let mut total = 0_u64;
    let start = Instant::now();
    for value in window.values() {
        total = total.wrapping_add(work(black_box(value)));
    }
    let time = start.elapsed();
    assert_eq!(total, sum, "the work was not done right");
    time
}
