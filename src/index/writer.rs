//! The one who changes the index.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering, fence};

use super::arena::Blocks;
use super::kin::{self, Line};
use super::slot::{Content, MAX_DETAIL, SLOT_WORDS, Slot};
use super::{Index, SHARDS, detail, home, no_memory, shard_of, slot_of};
use crate::error::Result;
use crate::grants::Grants;
use crate::id::Id;
use crate::key::Digest;
use crate::packed;
use crate::policy::TypeId;
use crate::sys::Words;
use crate::verdict::{OwnerRef, flag};

/// The one who changes the index: bookkeeping that readers do not need.
pub(crate) struct Writer {
    len: [usize; SHARDS],
    pub(super) blocks: Blocks,
    pub(super) owners: HashMap<Box<[u8]>, Owner>,
    pub(super) lines: HashMap<Id, Line>,
    /// The line of what is not there.
    pub(super) dead_line: u32,
    /// Whether anything hangs on a line of another owner.
    pub(super) has_mixed_lines: bool,
    /// Where the sweep for uses goes on: a shard and a slot of it.
    sweep: (usize, usize),
}

pub(super) struct Owner {
    pub(super) address: u32,
    /// How many slots and lines are this owner's.
    users: u32,
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
    /// The family or the parent that it hangs on, whose line is to be known already.
    pub(crate) hangs_on: Option<Id>,
    pub(crate) app_word: u64,
    pub(crate) revision: u64,
}

impl Writer {
    pub(super) fn new(index: &Index) -> Result<Writer> {
        let mut blocks = Blocks::default();
        let dead_line = kin::dead_line(&index.arena, &mut blocks)?;
        Ok(Writer {
            len: [0; SHARDS],
            blocks,
            owners: HashMap::new(),
            lines: HashMap::new(),
            dead_line,
            has_mixed_lines: false,
            sweep: (0, 0),
        })
    }

    /// Puts a token in, or in place of what its digest has. Readers see the old or the new, never a mixture.
    pub(crate) fn put(&mut self, index: &Index, entry: &Entry<'_>) -> Result<()> {
        let owner = self.own(index, entry.owner)?;
        let line = entry.hangs_on.map_or(0, |id| self.hang(id, owner));
        let words = detail::encode(entry.grants, entry.binding, line);
        let detail = match words.len() {
            0 => 0,
            len => {
                let address = self.blocks.take(&index.arena, len as u32, MAX_DETAIL).map_err(no_memory)?;
                index.arena.write(address, &words);
                address
            }
        };
        let mut flags = entry.flags;
        match entry.grants {
            Grants::All => flags |= flag::ALL_PROJECTS,
            Grants::Projects(projects) if !projects.is_empty() => flags |= flag::HAS_PROJECTS,
            Grants::Projects(_) => {}
        }
        if entry.binding.is_some() {
            flags |= flag::BOUND;
        }
        if line != 0 {
            flags |= flag::KIN;
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

    /// Ends a token and what hangs on it at once, whatever else is known of it.
    pub(crate) fn kill(&mut self, index: &Index, digest: &Digest) {
        if let Some((slot, _)) = self.locate(index, digest) {
            slot.kill(flag::REVOKED);
            self.kill_line(index, slot.read().id);
        }
    }

    /// Ends a value at once, and not its token.
    pub(crate) fn supersede(&mut self, index: &Index, digest: &Digest) {
        if let Some((slot, _)) = self.locate(index, digest) {
            slot.kill(flag::SUPERSEDED);
        }
    }

    /// Says at once that a token's uses ran out.
    pub(crate) fn use_up(&mut self, index: &Index, digest: &Digest) {
        if let Some((slot, _)) = self.locate(index, digest) {
            slot.kill(flag::USED);
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

    /// What a token hangs on, if that is known.
    pub(crate) fn hangs_on(&self, index: &Index, digest: &Digest) -> Option<Id> {
        let (slot, _) = self.locate(index, digest)?;
        let detail = slot.read().detail;
        let line = if detail == 0 { 0 } else { detail::line(index.arena.from(detail)) };
        self.id_of_line(index, line)
    }

    /// How many bytes of memory the index takes, bookkeeping of owners included.
    pub(crate) fn bytes(&self, index: &Index) -> u64 {
        let tables: usize = index.shards.iter().map(|shard| shard.table().len() * 8).sum();
        // A HashMap holds an entry and a control byte in each of its places, of which it fills 7 of 8 at most.
        let owners = self.owners.capacity() * 8 / 7 * (size_of::<(Box<[u8]>, Owner)>() + 1);
        let texts: usize = self.owners.keys().map(|owner| owner.len()).sum();
        (tables + owners + texts) as u64 + self.blocks.bytes()
    }

    /// The last use of a value if it was not taken yet; the slot knows of none then.
    pub(crate) fn take_use_of(&mut self, index: &Index, digest: &Digest) -> Option<u32> {
        self.locate(index, digest)?.0.take_use_and_forget()
    }

    /// Goes on through the slots, at most `visits` of them, and takes the uses that were not taken yet, at most `most`;
    /// ascending by what they are kept under: the token's id, or for an old value [its own key](use_key).
    pub(crate) fn take_uses(&mut self, index: &Index, visits: usize, most: usize) -> Vec<(Id, u32)> {
        let mut uses = Vec::new();
        for _ in 0..visits {
            if uses.len() == most {
                break;
            }
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
                let content = slot.read();
                let is_old = content.flags & flag::OLD_VALUE != 0;
                uses.push((if is_old { use_key(&content.digest) } else { content.id }, unit));
            }
        }
        uses.sort_unstable();
        uses
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
    pub(super) fn own(&mut self, index: &Index, owner: &[u8]) -> Result<u32> {
        if let Some(known) = self.owners.get_mut(owner) {
            known.users += 1;
            return Ok(known.address);
        }
        let mut words = vec![0_u64; packed::words_for(owner.len())];
        packed::pack(owner, &mut words);
        let address =
            self.blocks.take(&index.arena, 2 + words.len() as u32, MAX_DETAIL).map_err(no_memory)?;
        let epoch = index.owner_epoch.fetch_add(1, Ordering::AcqRel).wrapping_add(1);
        // Not whole until it is sealed, so that nobody takes half of the new for the old.
        index.arena.write(address, &[0, 0]);
        index.arena.write(address + 2, &words);
        index.arena.seal(address, u64::from(epoch) << 32 | 1);
        self.owners.insert(owner.into(), Owner { address, users: 1 });
        Ok(address)
    }

    /// Takes back the detail and the owner of a token that is no more.
    fn forget(&mut self, index: &Index, detail: u32, owner: u32) {
        if detail != 0 {
            let line = detail::line(index.arena.from(detail));
            let words = index.arena.word(detail, 0) >> 32;
            self.blocks.give(detail, words as u32);
            self.unhang(index, line);
        }
        self.disown(index, owner);
    }

    /// Takes back an owner's block when nothing is the owner's any more.
    pub(super) fn disown(&mut self, index: &Index, owner: u32) {
        let mut out = [0; 256];
        let head = index.arena.word(owner, 0);
        let Some(len) = index.owner(OwnerRef(head & !0xffff_ffff | u64::from(owner)), &mut out) else {
            return;
        };
        let bytes = &out[..len];
        let Some(known) = self.owners.get_mut(bytes) else { return };
        known.users -= 1;
        if known.users == 0 {
            self.owners.remove(bytes);
            // References to it lead nowhere from now on.
            index.arena.seal(owner, 0);
            self.forget_marks(index, owner);
            self.blocks.give(owner, 2 + packed::words_for(len) as u32);
        }
    }
}

/// What the last use of an old value is kept under, beside the ids of tokens.
pub(crate) fn use_key(digest: &Digest) -> Id {
    Id::of_words(digest[0], digest[1])
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
