//! The store's keys: one random data key in the file, plain or wrapped by the caller's key, and what is derived from
//! it.

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::error::Result;
use crate::policy::TypeId;
use crate::value::fill_random;

/// 128 bits of a value's keyed BLAKE3 hash: what the store knows of a value.
pub(crate) type Digest = [u64; 2];

/// How many bytes a tag has, everywhere in the file.
pub(crate) const TAG_BYTES: usize = 16;

/// The keys that a store works with. Each has one use.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct Keys {
    value: [u8; 32],
    record: [u8; 32],
    name: [u8; 32],
    note: [u8; 32],
    pair: [u8; 32],
    store_id: [u8; 16],
}

/// The random key that all others are derived from. In one place on the heap: moving it copies nothing.
pub(crate) type DataKey = Box<Zeroizing<[u8; 32]>>;

pub(crate) fn new_data_key() -> Result<DataKey> {
    let mut key = Box::new(Zeroizing::new([0; 32]));
    fill_random(&mut key[..])?;
    Ok(key)
}

impl Keys {
    /// The keys of this data key in this store: the same data key in another store gives other keys.
    pub(crate) fn derive(data_key: &DataKey, store_id: &[u8; 16]) -> Box<Keys> {
        let mut material = Zeroizing::new([0_u8; 48]);
        material[..32].copy_from_slice(&data_key[..]);
        material[32..].copy_from_slice(store_id);
        let derive = |context| blake3::derive_key(context, &material[..]);
        Box::new(Keys {
            value: derive("tokenstore 2026-11-24 value digest"),
            record: derive("tokenstore 2026-11-24 record tag and sum"),
            name: derive("tokenstore 2026-11-24 name index"),
            note: derive("tokenstore 2026-11-24 generation note"),
            pair: derive("tokenstore 2026-11-24 sealed pair"),
            store_id: *store_id,
        })
    }

    /// The digest of a value.
    #[inline]
    pub(crate) fn digest(&self, value: &[u8]) -> Digest {
        let hash = blake3::keyed_hash(&self.value, value);
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = *hash.as_bytes();
        [u64::from_le_bytes([a, b, c, d, e, f, g, h]), u64::from_le_bytes([i, j, k, l, m, n, o, p])]
    }

    /// A row's tag and its part of the sum over all rows, from one hash over `table`, its key and its bytes.
    pub(crate) fn row(&self, table: u8, key: &[u8], bytes: &[u8]) -> ([u8; TAG_BYTES], [u8; 32]) {
        let mut hasher = blake3::Hasher::new_keyed(&self.record);
        hasher.update(&[table]).update(key).update(bytes);
        let mut out = [0_u8; 64];
        hasher.finalize_xof().fill(&mut out);
        let (mut tag, mut part) = ([0; TAG_BYTES], [0; 32]);
        tag.copy_from_slice(&out[..TAG_BYTES]);
        part.copy_from_slice(&out[32..]);
        (tag, part)
    }

    /// 32 bits by which a name of an owner is looked up. Whoever uses them compares the whole name.
    pub(crate) fn name_hash(&self, owner: &[u8], name: &str) -> u32 {
        let mut hasher = blake3::Hasher::new_keyed(&self.name);
        // An owner has at most 255 bytes, so that its length is one byte.
        hasher.update(&[owner.len() as u8]).update(owner).update(name.as_bytes());
        let [a, b, c, d, ..] = *hasher.finalize().as_bytes();
        u32::from_le_bytes([a, b, c, d])
    }

    /// 16 bytes by which it is looked up what ended an owner's tokens, of a type or of all.
    pub(crate) fn owner_kill(&self, owner: &[u8], type_id: Option<TypeId>) -> [u8; 16] {
        let mut hasher = blake3::Hasher::new_keyed(&self.name);
        // No owner has length 0, so that this is the hash of no name.
        hasher.update(&[0]).update(&type_id.map_or(0, |type_id| type_id.0).to_le_bytes()).update(owner);
        let mut short = [0; 16];
        short.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        short
    }

    /// The key that seals the pair after this refresh value: neither the file nor its keys give it without the value.
    pub(crate) fn pair_key(&self, refresh_value: &[u8]) -> Zeroizing<[u8; 32]> {
        let key = Zeroizing::new(*blake3::keyed_hash(&self.pair, refresh_value).as_bytes());
        scrub_stack(refresh_value.len());
        key
    }

    /// The store's id, which binds to it what is sealed in it.
    pub(crate) fn store_id(&self) -> &[u8; 16] {
        &self.store_id
    }

    /// The tag of a note of `generation` in the header's slot `slot`.
    pub(crate) fn note_tag(&self, slot: u8, generation: u64) -> [u8; TAG_BYTES] {
        let mut input = [slot; 9];
        input[1..].copy_from_slice(&generation.to_le_bytes());
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(&blake3::keyed_hash(&self.note, &input).as_bytes()[..TAG_BYTES]);
        tag
    }
}

/// A data key as it stands in the file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct WrappedKey {
    /// Whether a caller's key is needed.
    pub(crate) keyed: bool,
    /// Tells a wrong key from a damaged header. Zeros without a key.
    pub(crate) check: [u8; 16],
    /// XChaCha20's nonce. Zeros without a key.
    pub(crate) nonce: [u8; 24],
    /// The data key, encrypted if there is a caller's key.
    pub(crate) key: [u8; 32],
    /// Poly1305's tag. Zeros without a key.
    pub(crate) tag: [u8; 16],
}

/// Why a wrapped key did not open.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum UnwrapError {
    WrongKey,
    Damaged,
}

impl WrappedKey {
    /// Wraps `data_key` under `caller_key`, bound to `context`; plain without one.
    pub(crate) fn wrap(
        data_key: &DataKey,
        caller_key: Option<&[u8; 32]>,
        context: &[u8],
    ) -> Result<WrappedKey> {
        let mut wrapped =
            WrappedKey { keyed: false, check: [0; 16], nonce: [0; 24], key: ***data_key, tag: [0; 16] };
        if let Some(caller_key) = caller_key {
            wrapped.keyed = true;
            wrapped.check = check_of(caller_key, context);
            fill_random(&mut wrapped.nonce)?;
            let tag = cipher(caller_key)
                .encrypt_inout_detached(&XNonce::from(wrapped.nonce), context, (&mut wrapped.key[..]).into())
                .map_err(|_| crate::Error::invalid("the data key could not be wrapped"))?;
            wrapped.tag = tag.into();
        }
        Ok(wrapped)
    }

    /// The data key.
    pub(crate) fn unwrap(
        &self,
        caller_key: Option<&[u8; 32]>,
        context: &[u8],
    ) -> std::result::Result<DataKey, UnwrapError> {
        let mut key = Box::new(Zeroizing::new(self.key));
        match (self.keyed, caller_key) {
            (false, None) => Ok(key),
            (true, Some(caller_key)) => {
                // Of a keyed hash of a 256-bit key nothing is learnt by timing, but the comparison is free.
                if blake3::Hash::from_bytes(widen(check_of(caller_key, context)))
                    != blake3::Hash::from_bytes(widen(self.check))
                {
                    return Err(UnwrapError::WrongKey);
                }
                cipher(caller_key)
                    .decrypt_inout_detached(
                        &XNonce::from(self.nonce),
                        context,
                        (&mut key[..]).into(),
                        &Tag::from(self.tag),
                    )
                    .map_err(|_| UnwrapError::Damaged)?;
                Ok(key)
            }
            _ => Err(UnwrapError::WrongKey),
        }
    }
}

fn cipher(caller_key: &[u8; 32]) -> XChaCha20Poly1305 {
    let wrap_key = Zeroizing::new(blake3::derive_key("tokenstore 2026-11-24 data key wrap", caller_key));
    XChaCha20Poly1305::new((&*wrap_key).into())
}

fn check_of(caller_key: &[u8; 32], context: &[u8]) -> [u8; 16] {
    let check_key = Zeroizing::new(blake3::derive_key("tokenstore 2026-11-24 key check", caller_key));
    let mut check = [0; 16];
    check.copy_from_slice(&blake3::keyed_hash(&check_key, context).as_bytes()[..16]);
    check
}

/// `Hash` compares in constant time, 32 bytes at once.
fn widen(short: [u8; 16]) -> [u8; 32] {
    let mut wide = [0; 32];
    wide[..16].copy_from_slice(&short);
    wide
}

/// Adds `part` to `sum` modulo 2^256.
pub(crate) fn add(sum: &mut [u8; 32], part: &[u8; 32]) {
    let mut carry = 0_u16;
    for (byte, other) in sum.iter_mut().zip(part) {
        carry += u16::from(*byte) + u16::from(*other);
        *byte = carry as u8;
        carry >>= 8;
    }
}

/// Takes `part` from `sum` modulo 2^256.
pub(crate) fn subtract(sum: &mut [u8; 32], part: &[u8; 32]) {
    // -x = !x + 1
    let mut one = [0; 32];
    one[0] = 1;
    add(sum, &part.map(|byte| !byte));
    add(sum, &one);
}

/// Overwrites the part of the stack that hashing a value just used, so that no copy of the value stays in memory.
#[inline]
pub(crate) fn scrub_stack(value_len: usize) {
    // A value of one block uses less of the stack than one of many. The test that searches a process's memory finds a
    // value behind 8 words and none behind 32.
    if value_len <= crate::value::Value::MAX_BYTES { overwrite::<96>() } else { overwrite::<256>() }
}

#[inline(never)]
fn overwrite<const WORDS: usize>() {
    let mut frame = [0_u64; WORDS];
    std::hint::black_box(&mut frame);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrapped_key_opens_with_its_key_alone() {
        let data_key = new_data_key().unwrap();
        let wrapped = WrappedKey::wrap(&data_key, Some(&[7; 32]), b"context").unwrap();
        assert_eq!(wrapped.unwrap(Some(&[7; 32]), b"context").unwrap(), data_key);
        assert_eq!(wrapped.unwrap(Some(&[8; 32]), b"context"), Err(UnwrapError::WrongKey));
        assert_eq!(wrapped.unwrap(None, b"context"), Err(UnwrapError::WrongKey));
        assert_ne!(wrapped.key, **data_key);
        let damaged = WrappedKey { key: [1; 32], ..wrapped };
        assert_eq!(damaged.unwrap(Some(&[7; 32]), b"context"), Err(UnwrapError::Damaged));

        let plain = WrappedKey::wrap(&data_key, None, b"context").unwrap();
        assert_eq!(plain.unwrap(None, b"context").unwrap(), data_key);
        assert_eq!(plain.unwrap(Some(&[7; 32]), b"context"), Err(UnwrapError::WrongKey));
    }

    #[test]
    fn sums_are_sets() {
        let parts: Vec<[u8; 32]> = (0..20_u8).map(|n| *blake3::hash(&[n]).as_bytes()).collect();
        let (mut forth, mut back) = ([0; 32], [0; 32]);
        parts.iter().for_each(|part| add(&mut forth, part));
        parts.iter().rev().for_each(|part| add(&mut back, part));
        assert_eq!(forth, back);
        assert_ne!(forth, [0; 32]);
        parts.iter().for_each(|part| subtract(&mut forth, part));
        assert_eq!(forth, [0; 32]);
    }

    #[test]
    fn keys_differ_by_use_and_by_store() {
        let data_key = new_data_key().unwrap();
        let (one, two) = (Keys::derive(&data_key, &[1; 16]), Keys::derive(&data_key, &[2; 16]));
        let of = |keys: &Keys| [keys.value, keys.record, keys.name, keys.note, keys.pair];
        let all = [of(&one), of(&two)].concat();
        for (place, key) in all.iter().enumerate() {
            assert!(!all[..place].contains(key));
        }
        assert_ne!(one.digest(b"value"), two.digest(b"value"));
    }
}
