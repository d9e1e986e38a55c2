//! The index: every token's slot in memory, found by digest, read without locks.
//!
//! One [`Writer`] changes it; any number of readers go through [`Index`]. Slots lie in shards with linear probing.
//! A shard that grows fills a larger table beside the one that readers use and then swaps them; a deletion shifts
//! the slots behind it back. A reader's hit is good if the slot stood still, a miss if the shard's version did.

mod arena;
mod detail;
mod kin;
mod slot;
mod writer;

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};

use self::arena::Arena;
pub(crate) use self::kin::Kin;
use self::kin::Suspects;
use self::slot::{Content, SLOT_WORDS, Slot, Stamp};
pub(crate) use self::slot::{MAX_REVISION, time_of_use_ms, use_unit};
pub(crate) use self::writer::{Entry, Writer, use_key};
use crate::error::{Error, ErrorKind, Result};
use crate::id::Id;
use crate::key::Digest;
use crate::packed;
use crate::policy::TypeId;
use crate::sys::Words;
use crate::value::fill_random;
use crate::verdict::{Facts, Identity, OwnerRef, Query, flag};

const SHARDS: usize = 32;
/// The least slots of a shard: a page of them.
const MIN_SLOTS: usize = 64;
/// How many times a shard can double.
const TABLES: usize = 32;

/// What readers see.
pub(crate) struct Index {
    shards: [Shard; SHARDS],
    arena: Arena,
    /// Counts how often an owner's block was used, so that an old reference to it is known as such. It begins anywhere: a
    /// reference that another index gave, a parent process's say, is known by a number that this one has not reached.
    owner_epoch: AtomicU32,
    first_epoch: u32,
    suspects: Suspects,
}

struct Shard {
    /// Odd while slots are being shifted; another number after each shift and each growth.
    version: AtomicU64,
    current: AtomicUsize,
    tables: [OnceLock<Words>; TABLES],
}

/// Where a token was found, to note its use.
#[derive(Clone, Copy)]
pub(crate) struct Found<'a> {
    slot: Slot<'a>,
    stamp: Stamp,
}

impl Found<'_> {
    /// When it was used last, as [`use_unit`] numbers it; 0 is never since the open.
    #[inline]
    pub(crate) fn last_use(&self) -> u32 {
        self.stamp.last_use()
    }

    /// Notes a use at `unit`.
    #[inline]
    pub(crate) fn note_use(&self, unit: u32) {
        self.slot.note_use(self.stamp, unit);
    }
}

impl Shard {
    fn table(&self) -> &[AtomicU64] {
        let current = self.current.load(Ordering::Acquire);
        self.tables.get(current).and_then(|table| table.get()).map_or(&[], |words| words)
    }
}

#[inline]
fn slot_of(table: &[AtomicU64], place: usize) -> Option<Slot<'_>> {
    let start = place * SLOT_WORDS;
    table.get(start..start + SLOT_WORDS)?.first_chunk().map(Slot)
}

/// Where a digest's search begins in a table of so many slots.
#[inline]
fn home(digest: &Digest, slots: usize) -> usize {
    ((u128::from(digest[0]) * slots as u128) >> 64) as usize
}

#[inline]
fn shard_of(digest: &Digest) -> usize {
    digest[1] as usize % SHARDS
}

impl Index {
    /// An index with room for `tokens` tokens, and its writer.
    pub(crate) fn new(tokens: usize) -> Result<(Index, Writer)> {
        let slots = (tokens / SHARDS * 3 / 2).max(MIN_SLOTS);
        let words = Words::new(SHARDS * slots * SLOT_WORDS).map_err(no_memory)?;
        let mut shards = Vec::with_capacity(SHARDS);
        for words in words.into_parts(slots * SLOT_WORDS) {
            let shard = Shard {
                version: AtomicU64::new(0),
                current: AtomicUsize::new(0),
                tables: [const { OnceLock::new() }; TABLES],
            };
            shard.tables[0].get_or_init(|| words);
            shards.push(shard);
        }
        let Ok(shards) = <[Shard; SHARDS]>::try_from(shards) else {
            return Err(no_memory(io::ErrorKind::OutOfMemory.into()));
        };
        let mut epoch = [0; 4];
        fill_random(&mut epoch)?;
        let first_epoch = u32::from_le_bytes(epoch);
        let owner_epoch = AtomicU32::new(first_epoch);
        let index =
            Index { shards, arena: Arena::new(), owner_epoch, first_epoch, suspects: Suspects::new() };
        let writer = Writer::new(&index)?;
        Ok((index, writer))
    }

    /// Brings the line where `digest` will be looked for first into the cache, if the processor can do so meanwhile.
    #[inline]
    pub(crate) fn touch(&self, digest: &Digest) -> u64 {
        let table = self.shards[shard_of(digest)].table();
        let place = home(digest, table.len() / SLOT_WORDS) * SLOT_WORDS;
        table.get(place).map_or(0, |word| word.load(Ordering::Relaxed))
    }

    /// What is known of the token with this digest, with the answers to what `query` asks of it.
    #[inline]
    pub(crate) fn find(
        &self,
        digest: &Digest,
        query: &Query,
        by_name_only: impl Fn(TypeId) -> bool,
    ) -> Option<(Facts, Found<'_>)> {
        self.read(digest, |content, slot, stamp| {
            let detail = match (&query.project, &query.binding) {
                (None, None) => detail::Answer::default(),
                // Nothing is read from address 0: no project, no binding.
                (project, binding) => {
                    detail::ask(self.arena.from(content.detail), project.as_ref(), binding.as_ref())
                }
            };
            // Loaded after the slot and before it is looked at again: the owner's block is this owner's then, and has
            // no later epoch.
            let epoch = self.owner_epoch.load(Ordering::Acquire);
            let identity = Identity {
                id: content.id,
                type_id: content.type_id,
                owner: OwnerRef(u64::from(epoch) << 32 | u64::from(content.owner)),
                app_word: content.app_word,
                revision: stamp.revision(),
                expires_ms: content.expires_ms,
                flags: self.flags(content, stamp),
            };
            let facts = Facts {
                identity,
                project_granted: detail.project_granted,
                binding_equal: detail.binding_equal,
                by_name_only: query.expected.is_none() && by_name_only(content.type_id),
            };
            (facts, Found { slot, stamp })
        })
    }

    /// The id of the token with this digest, its flags, and its last use if that was not taken yet.
    pub(crate) fn peek(&self, digest: &Digest) -> Option<(Id, u16, Option<u32>)> {
        self.read(digest, |content, _, stamp| (content.id, self.flags(content, stamp), stamp.unwritten_use()))
    }

    /// A token's flags, with what its owner, family or parent makes of it.
    #[inline]
    fn flags(&self, content: &Content, stamp: Stamp) -> u16 {
        let dead = self.died_with_others(content, stamp.revision());
        content.flags | if dead { flag::REVOKED } else { 0 }
    }

    /// Finds the slot and returns what `read` makes of it, once that was read from a slot that stood still.
    #[inline]
    fn read<'a, T>(&'a self, digest: &Digest, read: impl Fn(&Content, Slot<'a>, Stamp) -> T) -> Option<T> {
        let shard = &self.shards[shard_of(digest)];
        'again: loop {
            let version = shard.version.load(Ordering::Acquire);
            let table = shard.table();
            let slots = table.len() / SLOT_WORDS;
            let mut place = home(digest, slots);
            for _ in 0..slots {
                let slot = slot_of(table, place)?;
                let stamp = slot.stamp();
                if stamp.is_vacant() {
                    break;
                }
                if slot.holds(digest) {
                    if stamp.is_changing() {
                        std::hint::spin_loop();
                        continue 'again;
                    }
                    let result = read(&slot.read(), slot, stamp);
                    if slot.stood_still(stamp) {
                        return Some(result);
                    }
                    continue 'again;
                }
                place = if place + 1 == slots { 0 } else { place + 1 };
            }
            fence(Ordering::Acquire);
            if version.is_multiple_of(2) && shard.version.load(Ordering::Relaxed) == version {
                return None;
            }
            std::hint::spin_loop();
        }
    }

    /// Copies an owner's bytes to `out`; `None` if the owner's last token is gone and its place was used again.
    pub(crate) fn owner(&self, owner: OwnerRef, out: &mut [u8; 256]) -> Option<usize> {
        let (epoch, address) = ((owner.0 >> 32) as u32, owner.0 as u32);
        let given = |epoch: u32| epoch.wrapping_sub(self.first_epoch);
        if given(epoch) > given(self.owner_epoch.load(Ordering::Acquire)) {
            return None;
        }
        let block = self.arena.from(address);
        let head = block.first()?.load(Ordering::Acquire);
        let len = packed::unpack(block.iter().skip(2).take(32).map(|word| word.load(Ordering::Relaxed)), out);
        fence(Ordering::Acquire);
        let assigned = (head >> 32) as u32;
        // Epochs are compared as a circle: an old reference is never two thousand million uses behind.
        let whole = head & 1 == 1 && block.first()?.load(Ordering::Relaxed) == head;
        (whole && (epoch.wrapping_sub(assigned) as i32) >= 0).then_some(len)
    }
}

fn no_memory(error: io::Error) -> Error {
    Error::io("no memory for the index", &error).with_kind(ErrorKind::LimitReached)
}
