//! The least that a verify can cost: the keyed hash of the value, and one read that depends on it.

use std::time::Duration;

use memmap2::{Advice, MmapMut};
use tokenstore_benches::{Result, Window, huge_page_bytes};

use crate::peer::time_work;
use crate::record::{Digest, KEY, digest};

/// A cache line.
const SLOT_BYTES: usize = 64;

/// As many slots as an index of so many tokens has, each with a number in it.
pub(crate) struct Floor {
    slots: MmapMut,
    pub(crate) huge_page_share: f64,
}

impl Floor {
    /// Three slots for two tokens, on huge pages if the system has them.
    pub(crate) fn new(tokens: usize) -> Result<Floor> {
        let before = huge_page_bytes();
        let mut slots = MmapMut::map_anon(tokens * 3 / 2 * SLOT_BYTES)?;
        #[cfg(target_os = "linux")]
        slots.advise(Advice::HugePage)?;
        for (place, slot) in slots.as_chunks_mut::<SLOT_BYTES>().0.iter_mut().enumerate() {
            slot[..8].copy_from_slice(&word(place).to_le_bytes());
        }
        let huge_page_share = huge_page_bytes().saturating_sub(before) as f64 / slots.len() as f64;
        Ok(Floor { slots, huge_page_share })
    }

    /// Hashes and reads.
    #[inline]
    fn read(&self, value: &[u8]) -> u64 {
        let slots = self.slots.as_chunks::<SLOT_BYTES>().0;
        let slot = &slots[home(&digest(value), slots.len())];
        u64::from_le_bytes(*slot.first_chunk().expect("a slot has 64 bytes"))
    }

    /// Hashes and reads for each of these and returns the time that took.
    ///
    /// # Panics
    /// Unless what was read is what the table has.
    pub(crate) fn time(&self, window: Window<'_>) -> Duration {
        let slots = self.slots.len() / SLOT_BYTES;
        let expected = window.values().map(|value| word(home(&digest(value), slots)));
        time_work(window, expected.fold(0, u64::wrapping_add), |value| self.read(value))
    }
}

/// Hashes each of these and returns the time that took.
///
/// # Panics
/// Unless the hasher's other interface says the same.
pub(crate) fn time_hash(window: Window<'_>) -> Duration {
    let expected = window.values().map(|value| {
        let hash = blake3::Hasher::new_keyed(&KEY).update(value).finalize();
        number(hash.as_bytes().first_chunk().expect("a hash has 32 bytes"))
    });
    time_work(window, expected.fold(0, u64::wrapping_add), |value| number(&digest(value)))
}

/// What the slot at a place holds.
fn word(place: usize) -> u64 {
    place as u64 ^ 0x5555
}

fn number(digest: &Digest) -> u64 {
    u64::from_le_bytes(*digest.first_chunk().expect("a digest has 16 bytes"))
}

#[inline]
fn home(digest: &Digest, slots: usize) -> usize {
    ((u128::from(number(digest)) * slots as u128) >> 64) as usize
}
