//! The arena: what does not fit a slot (owners, projects, bindings), in blocks of words that are reused but never
//! freed while the store is open. A reader with an old address reads some block's words, and finds out by the stamp
//! of the slot that it came from, or by the owner's epoch.

use std::collections::BTreeMap;
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering, fence};

use crate::sys::Words;

/// The first segment's size; each further one is twice the one before.
const FIRST_WORDS: u64 = 1 << 16;
const SEGMENTS: usize = 16;

/// The words that readers see.
pub(super) struct Arena {
    segments: [OnceLock<Words>; SEGMENTS],
}

/// Who hands them out: the writer's part.
#[derive(Default)]
pub(super) struct Blocks {
    /// The next address never used; 0 is no address.
    next: u64,
    /// Free blocks by their size in words.
    free: BTreeMap<u32, Vec<u32>>,
}

impl Arena {
    pub(super) fn new() -> Arena {
        Arena { segments: [const { OnceLock::new() }; SEGMENTS] }
    }

    /// The words from `address` to the end of its segment; none for 0, and for an address that is in no segment yet.
    #[inline]
    pub(super) fn from(&self, address: u32) -> &[AtomicU64] {
        if address == 0 {
            return &[];
        }
        let (segment, offset) = place(u64::from(address));
        let words = self.segments.get(segment).and_then(|segment| segment.get());
        words.and_then(|words| words.get(offset..)).unwrap_or(&[])
    }

    #[inline]
    pub(super) fn word(&self, address: u32, offset: usize) -> u64 {
        self.from(address).get(offset).map_or(0, |word| word.load(Ordering::Relaxed))
    }

    /// Fills a block that was just handed out.
    pub(super) fn write(&self, address: u32, words: &[u64]) {
        // Whoever still reads the block for its former use must find its slot changed if it sees any of these words.
        fence(Ordering::Release);
        for (place, word) in self.from(address).iter().zip(words) {
            place.store(*word, Ordering::Relaxed);
        }
    }

    /// Sets bits of a block's first word.
    pub(super) fn mark(&self, address: u32, bits: u64) {
        if let Some(word) = self.from(address).first() {
            word.fetch_or(bits, Ordering::Release);
        }
    }

    /// Writes a block's first word, after all others: who sees it sees them.
    pub(super) fn seal(&self, address: u32, head: u64) {
        if let Some(word) = self.from(address).first() {
            word.store(head, Ordering::Release);
        }
    }
}

/// The segment of an address, and the place in it.
#[inline]
fn place(address: u64) -> (usize, usize) {
    let shifted = address + FIRST_WORDS;
    let segment = shifted.ilog2() - FIRST_WORDS.ilog2();
    (segment as usize, (shifted - (FIRST_WORDS << segment)) as usize)
}

impl Blocks {
    /// The address of a block of `words` words, of at most 2^16.
    ///
    /// # Errors
    /// OutOfMemory if the system has no memory or the arena no address left up to `max`.
    pub(super) fn take(&mut self, arena: &Arena, words: u32, max: u32) -> io::Result<u32> {
        if let Some(address) = self.free.get_mut(&words).and_then(Vec::pop) {
            return Ok(address);
        }
        let mut address = self.next.max(1);
        let (segment, offset) = place(address);
        if offset as u64 + u64::from(words) > FIRST_WORDS << segment {
            address = (FIRST_WORDS << (segment + 1)) - FIRST_WORDS;
        }
        let (segment, _) = place(address);
        let end = address + u64::from(words);
        let home = arena.segments.get(segment).filter(|_| end <= u64::from(max));
        let home = home.ok_or_else(|| io::Error::from(io::ErrorKind::OutOfMemory))?;
        if home.get().is_none() {
            let words = Words::new((FIRST_WORDS << segment) as usize)?;
            // Only the one writer sets segments.
            home.get_or_init(|| words);
        }
        self.next = end;
        Ok(address as u32)
    }

    /// Takes a block back.
    pub(super) fn give(&mut self, address: u32, words: u32) {
        self.free.entry(words).or_default().push(address);
    }

    /// How many bytes of the arena were ever handed out.
    pub(super) fn bytes(&self) -> u64 {
        self.next * 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_do_not_overlap_nor_straddle_segments() {
        let (arena, mut blocks) = (Arena::new(), Blocks::default());
        let mut taken = Vec::new();
        for round in 0..2_000_u32 {
            let words = 1 + round * 7 % 9_001;
            let address = blocks.take(&arena, words, u32::MAX).unwrap();
            assert!(arena.from(address).len() >= words as usize);
            taken.push((address, words));
        }
        taken.sort_unstable();
        assert!(taken[0].0 > 0);
        assert!(taken.windows(2).all(|pair| pair[0].0 + pair[0].1 <= pair[1].0));
        let (address, words) = taken[17];
        blocks.give(address, words);
        assert_eq!(blocks.take(&arena, words, u32::MAX).unwrap(), address);
        assert!(blocks.take(&arena, 1, 100).is_err(), "no address left below the bound");
        assert!(arena.from(u32::MAX).is_empty());
    }
}
