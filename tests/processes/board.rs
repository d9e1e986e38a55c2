//! What a token must be, in a file that all have open: the writer's last word on it, read by who verifies it.
//!
//! Reads and writes of a few bytes of one page are seen by all at once, and a record is there twice, the second time
//! inverted, so that a half-written one is told from a whole.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// Who writes has a place for the number of the token that changed last. There is room for so many.
const POINTERS: u64 = 8;
const RECORD_BYTES: u64 = 32;

pub(crate) struct Board(File);

/// A token's state. A change that is under way has an epoch of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Posted {
    pub(crate) epoch: u32,
    /// The status before and after the change under way; the same if there is none.
    pub(crate) before: u8,
    pub(crate) after: u8,
    /// The revision of the last change that returned.
    pub(crate) revision: u64,
}

impl Board {
    pub(crate) fn open(path: &Path) -> Board {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        Board(file.expect("a board"))
    }

    /// Room for so many tokens.
    pub(crate) fn make(path: &Path, tokens: usize) -> Board {
        let board = Board::open(path);
        board.0.set_len(POINTERS * 8 + tokens as u64 * RECORD_BYTES).expect("a board");
        board
    }

    /// Posts what a token is.
    pub(crate) fn post(&self, token: usize, posted: Posted) {
        let word = u64::from(posted.epoch) << 16 | u64::from(posted.before) << 8 | u64::from(posted.after);
        let words = [word, posted.revision, !word, !posted.revision];
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.0.write_all_at(&bytes, Board::place(token)).expect("a board can be written");
    }

    /// What was posted of a token.
    pub(crate) fn read(&self, token: usize) -> Posted {
        loop {
            let mut bytes = [0; RECORD_BYTES as usize];
            self.0.read_exact_at(&mut bytes, Board::place(token)).expect("a board can be read");
            let word = |n: usize| u64::from_le_bytes(bytes[8 * n..][..8].try_into().expect("eight bytes"));
            if word(0) == !word(2) && word(1) == !word(3) {
                let [after, before, ..] = word(0).to_le_bytes();
                return Posted { epoch: (word(0) >> 16) as u32, before, after, revision: word(1) };
            }
        }
    }

    /// Says which token changed last, by this thread. u32::MAX is the end.
    pub(crate) fn point_to(&self, lane: usize, token: u32) {
        self.0.write_all_at(&token.to_le_bytes(), lane as u64 * 8).expect("a board can be written");
    }

    /// Which token this thread changed last.
    pub(crate) fn pointed_to(&self, lane: usize) -> u32 {
        let mut bytes = [0; 4];
        self.0.read_exact_at(&mut bytes, lane as u64 * 8).expect("a board can be read");
        u32::from_le_bytes(bytes)
    }

    fn place(token: usize) -> u64 {
        POINTERS * 8 + token as u64 * RECORD_BYTES
    }
}
