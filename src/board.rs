//! The board: how far a store is, for all who have it open to look at.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};
use crate::sys::Words;

/// A few words that every process which has the store open reads and raises; one's own if it is alone. They tell how far
/// the store is, and never fall while anybody has it open.
#[derive(Clone)]
pub(crate) struct Board(Words);

impl Board {
    const GENERATION: usize = 0;
    const MARK: usize = 1;

    /// The one that these words are.
    pub(crate) fn new(words: Words) -> Board {
        Board(words)
    }

    /// One that nobody else sees.
    pub(crate) fn private() -> Result<Board> {
        Words::new(8).map(Board::new).map_err(|error| Error::io("making a board", &error))
    }

    #[inline]
    fn word(&self, place: usize) -> &AtomicU64 {
        // A board has more words than these two, whoever made it.
        &self.0[place]
    }

    /// Begins anew.
    pub(crate) fn clear(&self) {
        self.0.iter().take(2).for_each(|word| word.store(0, Ordering::Release));
    }

    /// The last generation that was made known.
    #[inline]
    pub(crate) fn generation(&self) -> u64 {
        self.word(Board::GENERATION).load(Ordering::Acquire)
    }

    /// Makes a generation known to all, once it is where they can read it.
    pub(crate) fn raise_generation(&self, generation: u64) {
        self.word(Board::GENERATION).fetch_max(generation, Ordering::AcqRel);
    }

    /// The mark of the clock, in ms since the Unix epoch.
    #[inline]
    pub(crate) fn mark_ms(&self) -> i64 {
        self.word(Board::MARK).load(Ordering::Relaxed) as i64
    }

    /// Raises the mark.
    pub(crate) fn raise_mark_ms(&self, mark_ms: i64) {
        self.word(Board::MARK).fetch_max(mark_ms.max(0) as u64, Ordering::Relaxed);
    }
}
