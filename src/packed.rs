//! Short byte strings as whole words: how the index holds and compares projects and bindings.

use crate::limits::{MAX_BINDING_BYTES, MAX_PROJECT_BYTES};

/// A byte string of 1 to 255 bytes as words: its length in the first byte, then its bytes, then zeros. Two strings
/// are equal exactly if their words are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Packed<const WORDS: usize> {
    words: [u64; WORDS],
    len: usize,
}

/// A project, packed.
pub(crate) type Project = Packed<{ words_for(MAX_PROJECT_BYTES) }>;
/// A binding, packed.
pub(crate) type Binding = Packed<{ words_for(MAX_BINDING_BYTES) }>;

/// How many words a string of `bytes` bytes takes.
pub(crate) const fn words_for(bytes: usize) -> usize {
    (1 + bytes).div_ceil(8)
}

/// How many words the string takes whose first word is `first`.
#[inline]
pub(crate) fn words_of(first: u64) -> usize {
    words_for((first & 0xff) as usize)
}

impl<const WORDS: usize> Packed<WORDS> {
    /// `None` for an empty string and one that is too long.
    pub(crate) fn new(bytes: &[u8]) -> Option<Packed<WORDS>> {
        let mut place = None;
        Packed::put(bytes, &mut place);
        place
    }

    /// Packs a string in its place; none if it is empty or too long.
    #[inline]
    pub(crate) fn put(bytes: &[u8], place: &mut Option<Packed<WORDS>>) {
        // The last word of the widest string may have room to spare: the limits are the bytes', not the words'.
        const { assert!(WORDS == words_for(MAX_PROJECT_BYTES) || WORDS == words_for(MAX_BINDING_BYTES)) };
        let most = if WORDS == words_for(MAX_PROJECT_BYTES) { MAX_PROJECT_BYTES } else { MAX_BINDING_BYTES };
        if !(1..=most).contains(&bytes.len()) {
            *place = None;
            return;
        }
        let packed = place.insert(Packed { words: [0; WORDS], len: words_for(bytes.len()) });
        pack(bytes, &mut packed.words);
    }

    #[inline]
    pub(crate) fn words(&self) -> &[u64] {
        &self.words[..self.len]
    }
}

/// Packs `bytes`, of which there are at most 255, into the first of `words`, which must be zeros.
pub(crate) fn pack(bytes: &[u8], words: &mut [u64]) {
    let (head, rest) = bytes.split_at(bytes.len().min(7));
    words[0] = bytes.len() as u64 | word(head) << 8;
    for (place, eight) in words[1..].iter_mut().zip(rest.chunks(8)) {
        *place = word(eight);
    }
}

/// Up to eight bytes, the first one lowest.
#[inline]
fn word(bytes: &[u8]) -> u64 {
    let two_halves = |low: &[u8; 4], high: &[u8; 4]| {
        let (low, high) = (u32::from_le_bytes(*low), u32::from_le_bytes(*high));
        // Where the halves overlap they say the same.
        u64::from(low) | u64::from(high) << (8 * (bytes.len() - 4))
    };
    match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(low), Some(high)) => two_halves(low, high),
        _ => bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

/// The reverse of [`pack`]: writes the bytes to `out` and returns their number.
pub(crate) fn unpack(words: impl Iterator<Item = u64>, out: &mut [u8; 256]) -> usize {
    for (word, eight) in words.zip(out.chunks_exact_mut(8)) {
        eight.copy_from_slice(&word.to_le_bytes());
    }
    let len = usize::from(out[0]);
    out.copy_within(1.., 0);
    len
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_packs_and_unpacks() {
        assert!(Project::new(b"").is_none() && Binding::new(b"").is_none());
        assert!(Project::new(&[1; 65]).is_none() && Binding::new(&[1; 256]).is_none());
        for len in 1..=255 {
            let bytes: Vec<u8> = (0..len).map(|n| n as u8 | 1).collect();
            let packed = Binding::new(&bytes).unwrap();
            assert_eq!(words_of(packed.words()[0]), packed.words().len());
            let mut out = [0; 256];
            assert_eq!(unpack(packed.words().iter().copied(), &mut out), len);
            assert_eq!(&out[..len], bytes);
            assert_eq!(Project::new(&bytes).is_some(), len <= 64);
        }
        assert!(Project::new(b"a\0") != Project::new(b"a"));
    }
}
