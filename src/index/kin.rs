//! What ends many tokens at once, without a walk over them: the revocation of an owner, of a family, of a parent.
//!
//! An owner's block in the arena leads to marks: whatever was changed last under a mark's number or a smaller one is
//! dead, for all types or for one. What hangs on a family or on a parent has the address of its line, a block that is
//! marked dead with it, and that leads up to the line above. Both lie in other cache lines than the slot, and are read
//! only if a small filter says that something of the kind happened to this owner since the open: what died before is
//! flagged in the slots themselves.

use std::sync::atomic::{AtomicU64, Ordering};

use super::arena::{Arena, Blocks};
use super::slot::{Content, MAX_DETAIL};
use super::{Index, detail, no_memory};
use crate::error::Result;
use crate::id::Id;
use crate::policy::TypeId;
use crate::verdict::flag;

/// Each owner has two bits, shared with whom the hash says.
const BUCKETS: u32 = 1 << 14;
const OWNER: u64 = 1;
const LINE: u64 = 2;

/// More lines than this are never above a token: its family, or four parents and theirs.
const MOST_LINES: usize = 8;

/// Whom something happened to since the open.
pub(super) struct Suspects {
    words: [AtomicU64; BUCKETS as usize / 32],
}

impl Suspects {
    pub(super) fn new() -> Suspects {
        Suspects { words: [const { AtomicU64::new(0) }; BUCKETS as usize / 32] }
    }

    /// The bits of an owner: 0 almost always.
    #[inline]
    fn bits(&self, owner: u32) -> u64 {
        let bucket = owner.wrapping_mul(0x9e37_79b9) >> (32 - BUCKETS.ilog2());
        let word = &self.words[bucket as usize / 32];
        word.load(Ordering::Acquire) >> (bucket % 32 * 2) & (OWNER | LINE)
    }

    fn add(&self, owner: u32, bits: u64) {
        let bucket = owner.wrapping_mul(0x9e37_79b9) >> (32 - BUCKETS.ilog2());
        self.words[bucket as usize / 32].fetch_or(bits << (bucket % 32 * 2), Ordering::Release);
    }

    fn add_everybody(&self) {
        self.words.iter().for_each(|word| word.store(u64::MAX, Ordering::Release));
    }
}

/// A family or a parent, as what hangs on it needs to know it.
pub(crate) struct Kin<'a> {
    pub(crate) id: Id,
    /// What it hangs on itself.
    pub(crate) up: Option<Id>,
    pub(crate) owner: &'a [u8],
    /// Its type, or the two of a family.
    pub(crate) types: [TypeId; 2],
    /// The number of its last change.
    pub(crate) revision: u64,
    pub(crate) dead: bool,
}

/// The words of a line's block: up (32) and dead (1); owner's address (32), types (16 each); revision; id.
const WORDS: u32 = 5;
const DEAD: u64 = 1;

/// A line, as the writer keeps it.
pub(super) struct Line {
    pub(super) address: u32,
    /// How many slots hang on it.
    slots: u32,
    /// How many lines lead up to it. One stays as long as anything hangs on it, also when its token is gone.
    lines: u32,
    up: Option<Id>,
    pub(super) owner: u32,
}

impl Index {
    /// Whether a token died with its owner, family or parent since the open.
    #[inline]
    pub(super) fn died_with_others(&self, content: &Content, revision: u64) -> bool {
        let bits = self.suspects.bits(content.owner);
        bits != 0 && (bits & OWNER != 0 || content.flags & flag::KIN != 0) && self.is_dead(content, revision)
    }

    #[cold]
    fn is_dead(&self, content: &Content, revision: u64) -> bool {
        if self.mark(content.owner, content.type_id) >= revision {
            return true;
        }
        if content.flags & flag::KIN == 0 {
            return false;
        }
        let mut line = detail::line(self.arena.from(content.detail));
        for _ in 0..MOST_LINES {
            if line == 0 {
                return false;
            }
            let word = |place| self.arena.word(line, place);
            let (up, refs, revision) = (word(0), word(1), word(2));
            let types = [refs as u16, (refs >> 16) as u16].map(TypeId);
            if up & DEAD != 0 || types.iter().any(|kind| self.mark((refs >> 32) as u32, *kind) >= revision) {
                return true;
            }
            line = (up >> 32) as u32;
        }
        true
    }

    /// The highest mark of an owner that holds for a type; 0 is none.
    fn mark(&self, owner: u32, type_id: TypeId) -> u64 {
        let mut highest = 0;
        let mut address = self.arena.word(owner, 1) as u32;
        // As many as there can be types, and one for all.
        for _ in 0..=crate::policy::MAX_TYPES + 1 {
            if address == 0 {
                break;
            }
            let head = self.arena.word(address, 0);
            let of = (head >> 32) as u16;
            if of == 0 || of == type_id.0 {
                highest = highest.max(self.arena.word(address, 1));
            }
            address = head as u32;
        }
        highest
    }
}

impl super::Writer {
    /// Ends all that an owner has, of a type or of all: whatever was changed last under `mark` or before.
    pub(crate) fn kill_owner(
        &mut self,
        index: &Index,
        owner: &[u8],
        type_id: Option<TypeId>,
        mark: u64,
    ) -> Result<()> {
        // Whoever has no token has nothing to end.
        let Some(address) = self.owners.get(owner).map(|owner| owner.address) else { return Ok(()) };
        let of = type_id.map_or(0, |type_id| type_id.0);
        let first = index.arena.word(address, 1) as u32;
        let mut known = first;
        while known != 0 && (index.arena.word(known, 0) >> 32) as u16 != of {
            known = index.arena.word(known, 0) as u32;
        }
        if known == 0 {
            known = self.blocks.take(&index.arena, 2, u32::MAX).map_err(no_memory)?;
            index.arena.write(known, &[u64::from(of) << 32 | u64::from(first), mark]);
            index.arena.seal(address + 1, u64::from(known));
        } else {
            index.arena.seal(known + 1, mark);
        }
        if self.has_mixed_lines {
            index.suspects.add_everybody();
        }
        index.suspects.add(address, OWNER | LINE);
        Ok(())
    }

    /// Ends all that hangs on a family or a parent.
    pub(crate) fn kill_line(&mut self, index: &Index, id: Id) {
        let Some(line) = self.lines.get(&id) else { return };
        index.arena.mark(line.address, DEAD);
        if self.has_mixed_lines {
            index.suspects.add_everybody();
        }
        index.suspects.add(line.owner, LINE);
    }

    /// Makes the line of a family or a parent known, before anything that hangs on it is put in.
    pub(crate) fn know_line(&mut self, index: &Index, kin: &Kin<'_>) -> Result<()> {
        if self.lines.contains_key(&kin.id) {
            return Ok(());
        }
        let up = kin.up.map_or(0, |up| self.lines.get(&up).map_or(self.dead_line, |line| line.address));
        let owner = self.own(index, kin.owner)?;
        let address = self.blocks.take(&index.arena, WORDS, MAX_DETAIL).map_err(no_memory)?;
        let [one, other] = kin.types.map(|kind| u64::from(kind.0));
        let (high, low) = kin.id.words();
        let dead = if kin.dead { DEAD } else { 0 };
        let refs = u64::from(owner) << 32 | other << 16 | one;
        index.arena.write(address, &[u64::from(up) << 32 | dead, refs, kin.revision, high, low]);
        if let Some(line) = kin.up.and_then(|up| self.lines.get_mut(&up)) {
            line.lines += 1;
            self.has_mixed_lines |= line.owner != owner;
        }
        self.lines.insert(kin.id, Line { address, slots: 0, lines: 0, up: kin.up, owner });
        Ok(())
    }

    /// Whether a token hangs on this token or family, itself and not by another that is gone.
    pub(crate) fn is_hung_on(&self, id: Id) -> bool {
        self.lines.get(&id).is_some_and(|line| line.slots > 0)
    }

    /// The address of the line that a token of this owner hangs on; of a dead one if it is not known.
    pub(super) fn hang(&mut self, id: Id, owner: u32) -> u32 {
        let Some(line) = self.lines.get_mut(&id) else { return self.dead_line };
        line.slots += 1;
        self.has_mixed_lines |= line.owner != owner;
        line.address
    }

    /// Whose line this is; none of the dead line.
    pub(super) fn id_of_line(&self, index: &Index, address: u32) -> Option<Id> {
        let known = address != 0 && address != self.dead_line;
        known.then(|| Id::of_words(index.arena.word(address, 3), index.arena.word(address, 4)))
    }

    /// Notes that a slot hangs on this line no more.
    pub(super) fn unhang(&mut self, index: &Index, address: u32) {
        let Some(id) = self.id_of_line(index, address) else { return };
        let Some(line) = self.lines.get_mut(&id) else { return };
        line.slots -= 1;
        self.take_back_unused(index, id);
    }

    /// Takes back a line when nothing hangs on it any more, and then those above it.
    fn take_back_unused(&mut self, index: &Index, id: Id) {
        let Some(&Line { address, slots: 0, lines: 0, up, owner }) = self.lines.get(&id) else { return };
        self.lines.remove(&id);
        self.blocks.give(address, WORDS);
        self.disown(index, owner);
        if let Some((id, above)) = up.and_then(|up| Some((up, self.lines.get_mut(&up)?))) {
            above.lines -= 1;
            self.take_back_unused(index, id);
        }
    }

    /// Takes back the marks of an owner who has nothing any more.
    pub(super) fn forget_marks(&mut self, index: &Index, owner: u32) {
        let mut address = index.arena.word(owner, 1) as u32;
        while address != 0 {
            let next = index.arena.word(address, 0) as u32;
            self.blocks.give(address, 2);
            address = next;
        }
    }
}

/// The line of whatever is not there: dead.
pub(super) fn dead_line(arena: &Arena, blocks: &mut Blocks) -> Result<u32> {
    let address = blocks.take(arena, WORDS, MAX_DETAIL).map_err(no_memory)?;
    arena.write(address, &[DEAD, 0, 0, 0, 0]);
    Ok(address)
}
