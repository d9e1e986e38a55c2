//! How the file looked when redb looked last, or as redb left it.
//!
//! A process that dies after it made the file longer and before its commit leaves a file that is longer than the others
//! think. When one of them wants more room later, and less than is there already, redb takes that for shrinking the file
//! in the middle of a transaction, and panics. So before it begins, the file is cut to the length that it knows, unless
//! somebody committed since: then it looks at the file anew, and takes it as it is.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::disk::{Disk, HEADER_BYTES};

/// What redb knows of the file, told by its own calls.
#[derive(Debug)]
pub(super) struct Seen(Mutex<SeenState>);

#[derive(Debug)]
struct SeenState {
    len: u64,
    /// The current commit, and which of the two it is.
    commit: (u8, [u8; COMMIT_BYTES]),
    is_opening: bool,
}

/// redb's header: a byte of flags at 9, of which the lowest tells the current commit, and two commits from 64 on.
const REDB_HEADER_BYTES: usize = 320;
const FLAGS_AT: usize = 9;
const COMMITS_AT: usize = 64;
const COMMIT_BYTES: usize = 128;

impl Seen {
    pub(super) fn new() -> Arc<Seen> {
        let state = SeenState { len: 0, commit: (0, [0; COMMIT_BYTES]), is_opening: true };
        Arc::new(Seen(Mutex::new(state)))
    }

    /// redb looked how long its part is.
    pub(super) fn looked_at(&self, len: u64) {
        let mut state = self.state();
        if state.is_opening {
            state.len = len;
        }
    }

    /// redb made its part so long.
    pub(super) fn made_long(&self, len: u64) {
        self.state().len = len;
    }

    /// redb wrote its header.
    pub(super) fn wrote(&self, header: &[u8; REDB_HEADER_BYTES]) {
        self.state().commit = current_commit(header);
    }

    /// redb has opened the file.
    pub(super) fn opened(&self) {
        self.state().is_opening = false;
    }

    /// Makes the file as long as redb will take it to be. Only for who holds redb's place to write, before redb begins.
    pub(super) fn align(&self, disk: &Disk) -> io::Result<()> {
        let mut header = [0; REDB_HEADER_BYTES];
        disk.read(HEADER_BYTES, &mut header)?;
        let (commit, len) = (current_commit(&header), disk.len()?.saturating_sub(HEADER_BYTES));
        let mut state = self.state();
        if state.commit != commit {
            (state.commit, state.len) = (commit, len);
        } else if state.len != len {
            disk.set_len(state.len + HEADER_BYTES)?;
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, SeenState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn current_commit(header: &[u8; REDB_HEADER_BYTES]) -> (u8, [u8; COMMIT_BYTES]) {
    let which = header[FLAGS_AT] & 1;
    let mut commit = [0; COMMIT_BYTES];
    let at = COMMITS_AT + usize::from(which) * COMMIT_BYTES;
    commit.copy_from_slice(&header[at..at + COMMIT_BYTES]);
    (which, commit)
}
