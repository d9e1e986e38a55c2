//! A slot: eight words, one cache line, all that a verify without a project needs to know of a token.
//!
//! | word | bits |
//! |---|---|
//! | 0, 1 | digest |
//! | 2, 3 | id |
//! | 4 | expiry in ms (44, all ones is never), type (10), flags (10) |
//! | 5 | owner's address in the arena (32), "has projects" (1), detail's address in the arena (31, 0 is none) |
//! | 6 | the caller's word |
//! | 7 | stamp: revision (42), turn (3), use not taken (1), last use (18) |
//!
//! The stamp makes the other words one: whoever changes them makes the turn odd first and even afterwards, and who
//! reads them looks at the stamp before and after. Revision 0 is a vacant slot.

use std::sync::atomic::{AtomicU64, Ordering, fence};

use crate::clock::NEVER_MS;
use crate::id::Id;
use crate::key::Digest;
use crate::policy::TypeId;
use crate::verdict::flag;

pub(super) const SLOT_WORDS: usize = 8;

const STATE: usize = 4;
const REFS: usize = 5;
const APP_WORD: usize = 6;
const STAMP: usize = 7;

const EXPIRY_BITS: u32 = 44;
const TYPE_BITS: u32 = 10;
const FLAG_MASK: u64 = (1 << flag::SLOT_BITS) - 1;
const NEVER: u64 = (1 << EXPIRY_BITS) - 1;
const HAS_PROJECTS: u64 = 1 << 31;

const USE_BITS: u32 = 18;
const USE_MASK: u64 = (1 << USE_BITS) - 1;
const UNWRITTEN: u64 = 1 << USE_BITS;
const TURN_SHIFT: u32 = USE_BITS + 1;
const TURN_MASK: u64 = 7 << TURN_SHIFT;
const ODD_TURN: u64 = 1 << TURN_SHIFT;
const REVISION_SHIFT: u32 = TURN_SHIFT + 3;

const _: () = assert!(EXPIRY_BITS + TYPE_BITS + flag::SLOT_BITS == 64 && REVISION_SHIFT + 42 == 64);
const _: () = assert!(crate::policy::MAX_TYPES < 1 << TYPE_BITS);
const _: () = assert!(crate::clock::MAX_EXPIRY_MS < NEVER as i64);

/// The highest sequence number that a slot can hold: 4.4 million million changes.
pub(crate) const MAX_REVISION: u64 = (1 << 42) - 1;
/// How many units of time a slot's last use tells apart: half a year of minutes.
const USE_UNITS: i64 = USE_MASK as i64;
/// The highest address of a detail.
pub(super) const MAX_DETAIL: u32 = (1 << 31) - 1;

/// The number, from 1 on, of the unit of time that `now_ms` lies in. The numbers go round.
#[inline]
pub(crate) fn use_unit(now_ms: i64, resolution_ms: i64) -> u32 {
    (now_ms / resolution_ms % USE_UNITS) as u32 + 1
}

/// The beginning of the last unit with this number, seen from `now_ms`.
pub(crate) fn time_of_use_ms(unit: u32, now_ms: i64, resolution_ms: i64) -> i64 {
    let now = now_ms / resolution_ms;
    let age = (now % USE_UNITS - (i64::from(unit) - 1)).rem_euclid(USE_UNITS);
    (now - age) * resolution_ms
}

/// A stamp: which content a slot had when it was read.
#[derive(Clone, Copy)]
pub(super) struct Stamp(u64);

impl Stamp {
    pub(super) fn is_vacant(self) -> bool {
        self.0 >> REVISION_SHIFT == 0
    }

    pub(super) fn is_changing(self) -> bool {
        self.0 & ODD_TURN != 0
    }

    pub(super) fn revision(self) -> u64 {
        self.0 >> REVISION_SHIFT
    }

    /// The unit of the last use, 1 or more; 0 is none since the open.
    pub(super) fn last_use(self) -> u32 {
        (self.0 & USE_MASK) as u32
    }

    /// The unit of the last use, unless it was taken already.
    pub(super) fn unwritten_use(self) -> Option<u32> {
        (self.0 & UNWRITTEN != 0).then(|| self.last_use())
    }

    fn same_content(self, other: Stamp) -> bool {
        (self.0 ^ other.0) >> TURN_SHIFT == 0
    }
}

/// What a slot says of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) digest: Digest,
    pub(super) id: Id,
    pub(super) type_id: TypeId,
    pub(super) expires_ms: i64,
    /// The flags that a slot holds, and HAS_PROJECTS.
    pub(super) flags: u16,
    pub(super) owner: u32,
    pub(super) detail: u32,
    pub(super) app_word: u64,
}

/// A view of a slot's words.
#[derive(Clone, Copy)]
pub(super) struct Slot<'a>(pub(super) &'a [AtomicU64; SLOT_WORDS]);

impl Slot<'_> {
    #[inline]
    pub(super) fn stamp(self) -> Stamp {
        Stamp(self.0[STAMP].load(Ordering::Acquire))
    }

    #[inline]
    pub(super) fn holds(self, digest: &Digest) -> bool {
        self.0[0].load(Ordering::Relaxed) == digest[0] && self.0[1].load(Ordering::Relaxed) == digest[1]
    }

    pub(super) fn digest(self) -> Digest {
        [self.0[0].load(Ordering::Relaxed), self.0[1].load(Ordering::Relaxed)]
    }

    /// Whether the slot still has the content it had under `stamp`. What was read in between is good then.
    #[inline]
    pub(super) fn stood_still(self, stamp: Stamp) -> bool {
        fence(Ordering::Acquire);
        Stamp(self.0[STAMP].load(Ordering::Relaxed)).same_content(stamp)
    }

    /// The content, which is one only if the slot [stood still](Slot::stood_still).
    #[inline]
    pub(super) fn read(self) -> Content {
        let word = |place: usize| self.0[place].load(Ordering::Relaxed);
        let (state, refs) = (word(STATE), word(REFS));
        let expiry = state >> (64 - EXPIRY_BITS);
        let has_projects = if refs & HAS_PROJECTS != 0 { flag::HAS_PROJECTS } else { 0 };
        let mut id = [0; 16];
        id[..8].copy_from_slice(&word(2).to_be_bytes());
        id[8..].copy_from_slice(&word(3).to_be_bytes());
        Content {
            digest: [word(0), word(1)],
            id: Id::from_bytes(id),
            type_id: TypeId((state >> flag::SLOT_BITS) as u16 & ((1 << TYPE_BITS) - 1)),
            expires_ms: if expiry == NEVER { NEVER_MS } else { expiry as i64 },
            flags: (state & FLAG_MASK) as u16 | has_projects,
            owner: (refs >> 32) as u32,
            detail: refs as u32 & MAX_DETAIL,
            app_word: word(APP_WORD),
        }
    }

    /// Puts `content` into the slot. The last use is kept. Writers only, one at a time.
    pub(super) fn write(self, content: &Content, revision: u64) {
        let before = self.open();
        let word = |place: usize, bits: u64| self.0[place].store(bits, Ordering::Relaxed);
        let half = |bytes: &[u8]| bytes.iter().fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
        let (high, low) = content.id.as_bytes().split_at(8);
        let expiry = if content.expires_ms == NEVER_MS { NEVER } else { content.expires_ms as u64 };
        let has_projects = if content.flags & flag::HAS_PROJECTS != 0 { HAS_PROJECTS } else { 0 };
        word(0, content.digest[0]);
        word(1, content.digest[1]);
        word(2, half(high));
        word(3, half(low));
        word(
            STATE,
            expiry << (64 - EXPIRY_BITS)
                | u64::from(content.type_id.0) << flag::SLOT_BITS
                | u64::from(content.flags) & FLAG_MASK,
        );
        word(REFS, u64::from(content.owner) << 32 | has_projects | u64::from(content.detail));
        word(APP_WORD, content.app_word);
        self.close(before, revision, before & (USE_MASK | UNWRITTEN));
    }

    /// Moves another slot's content, revision and last use into this one.
    pub(super) fn copy_from(self, other: Slot<'_>) {
        let before = self.open();
        for place in 0..STAMP {
            self.0[place].store(other.0[place].load(Ordering::Relaxed), Ordering::Relaxed);
        }
        let stamp = other.0[STAMP].load(Ordering::Relaxed);
        self.close(before, stamp >> REVISION_SHIFT, stamp & (USE_MASK | UNWRITTEN));
    }

    /// Empties the slot.
    pub(super) fn vacate(self) {
        let before = self.open();
        self.0[0].store(0, Ordering::Relaxed);
        self.0[1].store(0, Ordering::Relaxed);
        self.close(before, 0, 0);
    }

    /// Sets a bit that ends a token, at once and without a turn.
    pub(super) fn kill(self, flag: u16) {
        self.0[STATE].fetch_or(u64::from(flag) & FLAG_MASK, Ordering::Release);
    }

    /// Notes a use at `unit`, unless the slot changed since `stamp`. One compare-and-swap, never repeated.
    #[inline]
    pub(super) fn note_use(self, stamp: Stamp, unit: u32) {
        let used = stamp.0 & !USE_MASK | UNWRITTEN | u64::from(unit);
        // If it fails somebody else noted a use or changed the token: either way there is nothing to repeat.
        let _lost = self.0[STAMP].compare_exchange(stamp.0, used, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// The last use if it was not taken yet; it is taken now.
    pub(super) fn take_use(self) -> Option<u32> {
        self.stamp().unwritten_use()?;
        Stamp(self.0[STAMP].fetch_and(!UNWRITTEN, Ordering::Relaxed)).unwritten_use()
    }

    /// The same, and the slot knows of no use any more.
    pub(super) fn take_use_and_forget(self) -> Option<u32> {
        Stamp(self.0[STAMP].fetch_and(!(UNWRITTEN | USE_MASK), Ordering::Relaxed)).unwritten_use()
    }

    fn open(self) -> u64 {
        let before = self.0[STAMP].fetch_add(ODD_TURN, Ordering::Relaxed);
        fence(Ordering::Release);
        before
    }

    fn close(self, before: u64, revision: u64, last_use: u64) {
        let turn = before.wrapping_add(2 * ODD_TURN) & TURN_MASK;
        self.0[STAMP].store(revision << REVISION_SHIFT | turn | last_use, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_use_go_round() {
        let minute = 60_000;
        for now in [1, 59_999, 60_000, 1_790_000_000_123, 1_790_000_000_123 + USE_UNITS * minute] {
            let unit = use_unit(now, minute);
            assert!((1..=USE_MASK as u32).contains(&unit));
            for later in [0, 1, 59_999, 60_000, 86_400_000, (USE_UNITS - 1) * minute] {
                assert_eq!(time_of_use_ms(unit, now + later, minute), now / minute * minute);
            }
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let words = [const { AtomicU64::new(0) }; SLOT_WORDS];
        let slot = Slot(&words);
        assert!(slot.stamp().is_vacant());
        for (expires_ms, flags, detail) in
            [(NEVER_MS, 0x3ff, MAX_DETAIL), (0, flag::HAS_PROJECTS, 0), (crate::clock::MAX_EXPIRY_MS, 1, 1)]
        {
            let content = Content {
                digest: [u64::MAX, 7],
                id: Id::from_bytes(*b"0123456789abcdef"),
                type_id: TypeId(1_000),
                expires_ms,
                flags,
                owner: u32::MAX,
                detail,
                app_word: u64::MAX - 1,
            };
            slot.write(&content, MAX_REVISION);
            assert_eq!(slot.read(), content);
            let stamp = slot.stamp();
            assert_eq!((stamp.revision(), stamp.is_changing()), (MAX_REVISION, false));
            slot.note_use(stamp, 5);
            assert!(slot.stood_still(stamp), "a use is no change");
            assert_eq!(slot.take_use(), Some(5));
            assert_eq!((slot.take_use(), slot.stamp().last_use()), (None, 5));
            slot.write(&content, 3);
            assert!(!slot.stood_still(stamp));
            slot.note_use(stamp, 6);
            assert_eq!(slot.stamp().last_use(), 5, "the stamp is out of date");
        }
        slot.vacate();
        assert!(slot.stamp().is_vacant());
    }
}
