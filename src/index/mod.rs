//! The index: every token's slot in memory, found by digest, read without locks.
//!
//! One [`Writer`] changes it; any number of readers go through [`Index`]. Slots lie in shards with linear probing.
//! A shard that grows fills a larger table beside the one that readers use and then swaps them; a deletion shifts
//! the slots behind it back. A reader's hit is good if the slot stood still, a miss if the shard's version did.

mod arena;
mod slot;

use std::collections::HashMap;
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};

use self::arena::{Arena, Blocks};
use self::slot::{Content, MAX_DETAIL, SLOT_WORDS, Slot, Stamp};
pub(crate) use self::slot::{MAX_REVISION, time_of_use_ms, use_unit};
use crate::error::{Error, ErrorKind, Result};
use crate::id::Id;
use crate::key::Digest;
use crate::packed::{self, Binding, Project};
use crate::policy::TypeId;
use crate::sys::Words;
use crate::token::Grants;
use crate::verdict::{Facts, Identity, OwnerRef, Query, flag};

const SHARDS: usize = 32;
/// The least slots of a shard: a page of them.
const MIN_SLOTS: usize = 64;
/// How many times a shard can double.
const TABLES: usize = 32;
/// Sets of more projects than this are searched by halves instead of one by one.
const LINEAR_PROJECTS: usize = 8;

/// What readers see.
pub(crate) struct Index {
    shards: [Shard; SHARDS],
    arena: Arena,
    /// Counts how often an owner's block was used again, so that an old reference to it is known as such.
    owner_epoch: AtomicU32,
}

struct Shard {
    /// Odd while slots are being shifted; another number after each shift and each growth.
    version: AtomicU64,
    current: AtomicUsize,
    tables: [OnceLock<Words>; TABLES],
}

/// The one who changes the index: bookkeeping that readers do not need.
pub(crate) struct Writer {
    len: [usize; SHARDS],
    blocks: Blocks,
    owners: HashMap<Box<[u8]>, Owner>,
    /// Where the sweep for uses goes on: a shard and a slot of it.
    sweep: (usize, usize),
}

struct Owner {
    address: u32,
    tokens: u32,
}

/// A token as it is put into the index.
pub(crate) struct Entry<'a> {
    pub(crate) digest: Digest,
    pub(crate) id: Id,
    pub(crate) type_id: TypeId,
    pub(crate) expires_ms: i64,
    /// Flags of a slot; those that follow from the fields below are added.
    pub(crate) flags: u16,
    pub(crate) owner: &'a [u8],
    pub(crate) grants: &'a Grants,
    pub(crate) binding: Option<&'a [u8]>,
    pub(crate) app_word: u64,
    pub(crate) revision: u64,
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
        let mut shards = Vec::with_capacity(SHARDS);
        for _ in 0..SHARDS {
            let shard = Shard {
                version: AtomicU64::new(0),
                current: AtomicUsize::new(0),
                tables: [const { OnceLock::new() }; TABLES],
            };
            let words = Words::new(slots * SLOT_WORDS).map_err(no_memory)?;
            shard.tables[0].get_or_init(|| words);
            shards.push(shard);
        }
        let Ok(shards) = <[Shard; SHARDS]>::try_from(shards) else {
            return Err(no_memory(io::ErrorKind::OutOfMemory.into()));
        };
        let index = Index { shards, arena: Arena::new(), owner_epoch: AtomicU32::new(0) };
        Ok((
            index,
            Writer { len: [0; SHARDS], blocks: Blocks::default(), owners: HashMap::new(), sweep: (0, 0) },
        ))
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
                (None, None) => DetailAnswer::default(),
                (project, binding) => self.ask_detail(content.detail, project.as_ref(), binding.as_ref()),
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
                flags: content.flags,
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
        self.read(digest, |content, _, stamp| (content.id, content.flags, stamp.unwritten_use()))
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
            if version % 2 == 0 && shard.version.load(Ordering::Relaxed) == version {
                return None;
            }
            std::hint::spin_loop();
        }
    }

    /// Copies an owner's bytes to `out`; `None` if the owner's last token is gone and its place was used again.
    pub(crate) fn owner(&self, owner: OwnerRef, out: &mut [u8; 256]) -> Option<usize> {
        let (epoch, address) = ((owner.0 >> 32) as u32, owner.0 as u32);
        let block = self.arena.from(address);
        let head = block.first()?.load(Ordering::Acquire);
        let len = packed::unpack(block.iter().skip(1).take(32).map(|word| word.load(Ordering::Relaxed)), out);
        fence(Ordering::Acquire);
        let assigned = (head >> 32) as u32;
        // Epochs are compared as a circle: an old reference is never two thousand million uses behind.
        let whole = head & 1 == 1 && block.first()?.load(Ordering::Relaxed) == head;
        (whole && (epoch.wrapping_sub(assigned) as i32) >= 0).then_some(len)
    }

    /// What a token's detail says of a project and a binding. See [`detail_words`] for its form.
    fn ask_detail(&self, detail: u32, project: Option<&Project>, binding: Option<&Binding>) -> DetailAnswer {
        let words = if detail == 0 { &[] } else { self.arena.from(detail) };
        let word = |place: usize| words.get(place).map_or(0, |word| word.load(Ordering::Relaxed));
        let equals = |place: usize, other: &[u64]| {
            other.iter().enumerate().all(|(offset, expected)| word(place + offset) == *expected)
        };
        let head = word(0);
        let (projects, binding_words) = ((head & 0xffff) as usize, (head >> 16 & 0xff) as usize);
        let binding_equal = binding.is_some_and(|binding| binding_words > 0 && equals(1, binding.words()));
        let first = 1 + binding_words;
        let project_granted = project.is_some_and(|project| {
            if projects <= LINEAR_PROJECTS {
                let mut place = first;
                (0..projects).any(|_| {
                    let here = place;
                    place += packed::words_of(word(here));
                    equals(here, project.words())
                })
            } else {
                let offset = |n: usize| (word(first + n / 4) >> (n % 4 * 16) & 0xffff) as usize;
                let (mut low, mut high) = (0, projects);
                while low < high {
                    let middle = low + (high - low) / 2;
                    let place = offset(middle);
                    let order = (0..project.words().len())
                        .map(|n| word(place + n).cmp(&project.words()[n]))
                        .find(|order| order.is_ne());
                    match order {
                        None => return true,
                        Some(std::cmp::Ordering::Less) => low = middle + 1,
                        Some(_) => high = middle,
                    }
                }
                false
            }
        });
        DetailAnswer { project_granted, binding_equal }
    }
}

#[derive(Default)]
struct DetailAnswer {
    project_granted: bool,
    binding_equal: bool,
}

/// A token's detail: a head word (number of projects in 16 bits, words of the binding in 8, words of all in 32), the
/// binding packed, for more than eight projects the place of each in 16 bits, and the projects packed, sorted as
/// words. Empty if there is nothing to say.
fn detail_words(grants: &Grants, binding: Option<&[u8]>) -> Vec<u64> {
    let pack = |bytes: &[u8]| {
        let mut words = vec![0; packed::words_for(bytes.len())];
        packed::pack(bytes, &mut words);
        words
    };
    let binding = binding.map(pack).unwrap_or_default();
    let mut projects: Vec<Vec<u64>> = match grants {
        Grants::All => Vec::new(),
        Grants::Projects(projects) => projects.iter().map(|project| pack(project)).collect(),
    };
    if projects.is_empty() && binding.is_empty() {
        return Vec::new();
    }
    projects.sort_unstable();
    let mut words = vec![projects.len() as u64 | (binding.len() as u64) << 16];
    words.extend(&binding);
    if projects.len() > LINEAR_PROJECTS {
        let mut place = words.len() + projects.len().div_ceil(4);
        let mut places = vec![0_u64; projects.len().div_ceil(4)];
        for (n, project) in projects.iter().enumerate() {
            places[n / 4] |= (place as u64) << (n % 4 * 16);
            place += project.len();
        }
        words.extend(places);
    }
    words.extend(projects.iter().flatten());
    words[0] |= (words.len() as u64) << 32;
    words
}

impl Writer {
    /// Puts a token in, or in place of what its digest has. Readers see the old or the new, never a mixture.
    pub(crate) fn put(&mut self, index: &Index, entry: &Entry<'_>) -> Result<()> {
        let words = detail_words(entry.grants, entry.binding);
        let detail = match words.len() {
            0 => 0,
            len => {
                let address = self.blocks.take(&index.arena, len as u32, MAX_DETAIL).map_err(no_memory)?;
                index.arena.write(address, &words);
                address
            }
        };
        let owner = self.own(index, entry.owner)?;
        let mut flags = entry.flags;
        match entry.grants {
            Grants::All => flags |= flag::ALL_PROJECTS,
            Grants::Projects(projects) if !projects.is_empty() => flags |= flag::HAS_PROJECTS,
            Grants::Projects(_) => {}
        }
        if entry.binding.is_some() {
            flags |= flag::BOUND;
        }
        let content = Content {
            digest: entry.digest,
            id: entry.id,
            type_id: entry.type_id,
            expires_ms: entry.expires_ms,
            flags,
            owner,
            detail,
            app_word: entry.app_word,
        };
        match self.locate(index, &entry.digest) {
            Some((slot, _)) => {
                let before = slot.read();
                slot.write(&content, entry.revision);
                self.forget(index, before.detail, before.owner);
            }
            None => {
                let shard = shard_of(&entry.digest);
                self.make_room(index, shard)?;
                if let Some(slot) = vacant(index.shards[shard].table(), &entry.digest) {
                    slot.write(&content, entry.revision);
                    self.len[shard] += 1;
                }
            }
        }
        Ok(())
    }

    /// Ends a token at once, whatever else is known of it.
    pub(crate) fn kill(&mut self, index: &Index, digest: &Digest) {
        if let Some((slot, _)) = self.locate(index, digest) {
            slot.kill(flag::REVOKED);
        }
    }

    /// Switches a token off at once.
    pub(crate) fn disable(&mut self, index: &Index, digest: &Digest) {
        if let Some((slot, _)) = self.locate(index, digest) {
            slot.kill(flag::DISABLED);
        }
    }

    /// Takes a token out.
    pub(crate) fn remove(&mut self, index: &Index, digest: &Digest) {
        let Some((slot, mut hole)) = self.locate(index, digest) else { return };
        let content = slot.read();
        let shard = &index.shards[shard_of(digest)];
        let table = shard.table();
        let slots = table.len() / SLOT_WORDS;
        shard.version.fetch_add(1, Ordering::Relaxed);
        fence(Ordering::Release);
        let mut place = hole;
        loop {
            place = if place + 1 == slots { 0 } else { place + 1 };
            let (Some(next), Some(empty)) = (slot_of(table, place), slot_of(table, hole)) else { break };
            if next.stamp().is_vacant() {
                empty.vacate();
                break;
            }
            // The next one may fill the hole unless its search begins behind the hole.
            let begins = home(&next.digest(), slots);
            let behind = if hole < place {
                hole < begins && begins <= place
            } else {
                hole < begins || begins <= place
            };
            if !behind {
                empty.copy_from(next);
                hole = place;
            }
        }
        shard.version.fetch_add(1, Ordering::Release);
        self.len[shard_of(digest)] -= 1;
        self.forget(index, content.detail, content.owner);
    }

    /// How many tokens there are.
    pub(crate) fn len(&self) -> usize {
        self.len.iter().sum()
    }

    /// How many bytes of memory the index takes, bookkeeping of owners included.
    pub(crate) fn bytes(&self, index: &Index) -> u64 {
        let tables: usize = index.shards.iter().map(|shard| shard.table().len() * 8).sum();
        // A HashMap holds an entry and a control byte in each of its places, of which it fills 7 of 8 at most.
        let owners = self.owners.capacity() * 8 / 7 * (size_of::<(Box<[u8]>, Owner)>() + 1);
        let texts: usize = self.owners.keys().map(|owner| owner.len()).sum();
        (tables + owners + texts) as u64 + self.blocks.bytes()
    }

    /// Goes on through the slots, `visits` of them, and calls `each` for every use that was not taken yet.
    pub(crate) fn take_uses(&mut self, index: &Index, visits: usize, mut each: impl FnMut(Id, u32)) {
        for _ in 0..visits {
            let (number, place) = self.sweep;
            let slot = index.shards.get(number).and_then(|shard| slot_of(shard.table(), place));
            let Some(slot) = slot else {
                self.sweep = if number + 1 < SHARDS { (number + 1, 0) } else { (0, 0) };
                continue;
            };
            self.sweep.1 += 1;
            if !slot.stamp().is_vacant()
                && let Some(unit) = slot.take_use()
            {
                each(slot.read().id, unit);
            }
        }
    }

    /// How many visits go once through all slots.
    pub(crate) fn visits(&self, index: &Index) -> usize {
        index.shards.iter().map(|shard| shard.table().len() / SLOT_WORDS + 1).sum()
    }

    fn locate<'a>(&self, index: &'a Index, digest: &Digest) -> Option<(Slot<'a>, usize)> {
        let table = index.shards[shard_of(digest)].table();
        let slots = table.len() / SLOT_WORDS;
        let mut place = home(digest, slots);
        for _ in 0..slots {
            let slot = slot_of(table, place)?;
            if slot.stamp().is_vacant() {
                return None;
            }
            if slot.holds(digest) {
                return Some((slot, place));
            }
            place = if place + 1 == slots { 0 } else { place + 1 };
        }
        None
    }

    /// Doubles a shard of which three quarters are full.
    fn make_room(&mut self, index: &Index, number: usize) -> Result<()> {
        let shard = &index.shards[number];
        let table = shard.table();
        let slots = table.len() / SLOT_WORDS;
        if (self.len[number] + 1) * 4 <= slots * 3 {
            return Ok(());
        }
        let current = shard.current.load(Ordering::Relaxed);
        let Some(home) = shard.tables.get(current + 1) else {
            return Err(no_memory(io::ErrorKind::OutOfMemory.into()));
        };
        let larger = Words::new(slots * 2 * SLOT_WORDS).map_err(no_memory)?;
        for words in table.as_chunks::<SLOT_WORDS>().0 {
            let slot = Slot(words);
            if !slot.stamp().is_vacant()
                && let Some(place) = vacant(&larger, &slot.digest())
            {
                place.copy_from(slot);
            }
        }
        home.get_or_init(|| larger);
        shard.current.store(current + 1, Ordering::Release);
        shard.version.fetch_add(2, Ordering::Release);
        if let Some(old) = shard.tables[current].get() {
            old.discard();
        }
        Ok(())
    }

    /// The address of an owner's block, made if it is the owner's first token.
    fn own(&mut self, index: &Index, owner: &[u8]) -> Result<u32> {
        if let Some(known) = self.owners.get_mut(owner) {
            known.tokens += 1;
            return Ok(known.address);
        }
        let mut words = vec![0_u64; packed::words_for(owner.len())];
        packed::pack(owner, &mut words);
        let address = self.blocks.take(&index.arena, 1 + words.len() as u32, u32::MAX).map_err(no_memory)?;
        let epoch = index.owner_epoch.fetch_add(1, Ordering::AcqRel).wrapping_add(1);
        // Not whole until it is sealed, so that nobody takes half of the new for the old.
        index.arena.write(address, &[0]);
        index.arena.write(address + 1, &words);
        index.arena.seal(address, u64::from(epoch) << 32 | 1);
        self.owners.insert(owner.into(), Owner { address, tokens: 1 });
        Ok(address)
    }

    /// Takes back the detail and the owner of a token that is no more.
    fn forget(&mut self, index: &Index, detail: u32, owner: u32) {
        if detail != 0 {
            let words = index.arena.word(detail, 0) >> 32;
            self.blocks.give(detail, words as u32);
        }
        let mut out = [0; 256];
        let head = index.arena.word(owner, 0);
        let Some(len) = index.owner(OwnerRef(head & !0xffff_ffff | u64::from(owner)), &mut out) else {
            return;
        };
        let bytes = &out[..len];
        let Some(known) = self.owners.get_mut(bytes) else { return };
        known.tokens -= 1;
        if known.tokens == 0 {
            self.owners.remove(bytes);
            self.blocks.give(owner, 1 + packed::words_for(len) as u32);
        }
    }
}

/// The first vacant slot for a digest that is not there yet.
fn vacant<'a>(table: &'a [AtomicU64], digest: &Digest) -> Option<Slot<'a>> {
    let slots = table.len() / SLOT_WORDS;
    let mut place = home(digest, slots);
    for _ in 0..slots {
        let slot = slot_of(table, place)?;
        if slot.stamp().is_vacant() {
            return Some(slot);
        }
        place = if place + 1 == slots { 0 } else { place + 1 };
    }
    None
}

fn no_memory(error: io::Error) -> Error {
    Error::io("no memory for the index", &error).with_kind(ErrorKind::LimitReached)
}
