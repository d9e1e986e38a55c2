//! The pair of a family's current generation, sealed: whoever lost the reply to a refresh shows the refresh value from
//! before again, and gets the same pair, while the file holds no usable value.
//!
//! The key comes from a key of the store and from the refresh value before, of which the file has a hash alone. What is
//! sealed is bound to store, family and generation.

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use zeroize::{Zeroize, Zeroizing};

use crate::error::{Error, Result};
use crate::id::Id;
use crate::key::Keys;
use crate::plan::PairLives;
use crate::record::{Family, SealedPair};
use crate::value::{Value, fill_random};

/// Two times in ms and two lengths.
const HEAD_BYTES: usize = 20;
const TAG_BYTES: usize = 16;

/// Two values on their way into a file.
pub(crate) struct Sealer {
    key: Zeroizing<[u8; 32]>,
    values: Zeroizing<Vec<u8>>,
    lens: [u16; 2],
}

impl Sealer {
    /// Takes the next pair, to be opened by whoever has `refresh_value`.
    pub(crate) fn new(keys: &Keys, refresh_value: &[u8], access: &Value, refresh: &Value) -> Sealer {
        let (access, refresh) = (access.as_bytes(), refresh.as_bytes());
        Sealer {
            key: keys.pair_key(refresh_value),
            values: Zeroizing::new([access, refresh].concat()),
            // No value is longer than 8,192 bytes.
            lens: [access.len() as u16, refresh.len() as u16],
        }
    }

    /// About how many bytes it makes.
    pub(crate) fn weight(&self) -> usize {
        self.values.len()
    }

    /// Seals the pair as the one of this generation.
    pub(crate) fn seal(
        self,
        keys: &Keys,
        family: Id,
        generation: u32,
        lives: PairLives,
    ) -> Result<SealedPair> {
        let mut bytes = Vec::with_capacity(HEAD_BYTES + self.values.len() + TAG_BYTES);
        bytes.extend(lives.access_ms.to_le_bytes());
        bytes.extend(lives.refresh_ms.to_le_bytes());
        self.lens.iter().for_each(|len| bytes.extend(len.to_le_bytes()));
        bytes.extend(&*self.values);
        let mut nonce = [0; 24];
        fill_random(&mut nonce)?;
        let sealed = XChaCha20Poly1305::new((&*self.key).into()).encrypt_inout_detached(
            &XNonce::from(nonce),
            &context(keys, family, generation),
            (&mut bytes[..]).into(),
        );
        let Ok(tag) = sealed else {
            bytes.zeroize();
            return Err(Error::invalid("the pair could not be sealed"));
        };
        bytes.extend(tag);
        Ok(SealedPair { nonce, bytes })
    }
}

/// A pair that was sealed.
pub(crate) struct OpenedPair {
    pub(crate) access: Value,
    pub(crate) refresh: Value,
    pub(crate) lives: PairLives,
}

/// Opens a family's pair by the refresh value before it.
///
/// # Errors
/// Corrupt if it does not open: it was checked before that the value is the one before.
pub(crate) fn open(keys: &Keys, refresh_value: &[u8], family: &Family) -> Result<OpenedPair> {
    let damaged = || Error::corrupt("a sealed pair of the file does not open");
    let sealed = family.sealed.as_ref().ok_or_else(damaged)?;
    let (text, tag) = sealed.bytes.split_last_chunk::<TAG_BYTES>().ok_or_else(damaged)?;
    let mut bytes = Zeroizing::new(text.to_vec());
    XChaCha20Poly1305::new((&*keys.pair_key(refresh_value)).into())
        .decrypt_inout_detached(
            &XNonce::from(sealed.nonce),
            &context(keys, family.id, family.generation),
            (&mut bytes[..]).into(),
            &Tag::from(*tag),
        )
        .map_err(|_| damaged())?;
    let (head, values) = bytes.split_first_chunk::<HEAD_BYTES>().ok_or_else(damaged)?;
    let time = |from: usize| {
        let eight = head[from..].first_chunk::<8>().copied().unwrap_or_default();
        i64::from_le_bytes(eight)
    };
    let access_len = usize::from(u16::from_le_bytes([head[16], head[17]]));
    let (access, refresh) = values.split_at_checked(access_len).ok_or_else(damaged)?;
    if refresh.len() != usize::from(u16::from_le_bytes([head[18], head[19]])) {
        return Err(damaged());
    }
    Ok(OpenedPair {
        access: Value::made_elsewhere(access),
        refresh: Value::made_elsewhere(refresh),
        lives: PairLives { access_ms: time(0), refresh_ms: time(8) },
    })
}

fn context(keys: &Keys, family: Id, generation: u32) -> Vec<u8> {
    [&keys.store_id()[..], family.as_bytes(), &generation.to_le_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grants::Grants;
    use crate::key::new_data_key;
    use crate::policy::TypeId;

    fn family(id: u8, generation: u32, sealed: SealedPair) -> Family {
        Family {
            id: Id::from_bytes([id; 16]),
            refresh_type: TypeId(1),
            access_type: TypeId(2),
            owner: b"o".to_vec(),
            name: None,
            created_ms: 0,
            expires_ms: 1,
            disabled: false,
            revoked: None,
            grants: Grants::none(),
            binding: b"b".to_vec(),
            binds_access: false,
            app_word: 0,
            app_data: Vec::new(),
            generation,
            rotated_ms: 0,
            refresh: Id::NONE,
            access: Id::NONE,
            replayed: false,
            sealed: Some(sealed),
            revision: 1,
        }
    }

    /// With every key of the store, a sealed pair opens for the refresh value before it alone, and only as the pair of
    /// its own family and generation, in its own store.
    #[test]
    fn a_sealed_pair_opens_for_the_value_before_it_alone() {
        let data_key = new_data_key().unwrap();
        let keys = Keys::derive(&data_key, &[7; 16]);
        let (access, refresh) = (Value::made_elsewhere(&[b'j'; 8_192]), Value::generate("ref").unwrap());
        let lives = PairLives { access_ms: 5, refresh_ms: i64::MAX };
        let id = Id::from_bytes([3; 16]);
        let seal =
            || Sealer::new(&keys, b"the value before", &access, &refresh).seal(&keys, id, 9, lives).unwrap();
        let sealed = seal();
        assert!(seal() != sealed, "a fresh nonce each time");
        for value in [access.as_bytes(), refresh.as_bytes()] {
            assert!(!sealed.bytes.windows(16).any(|window| value[..16] == *window));
        }
        let opened = open(&keys, b"the value before", &family(3, 9, sealed.clone())).unwrap();
        assert_eq!(opened.access.as_bytes(), access.as_bytes());
        assert_eq!(opened.refresh.as_bytes(), refresh.as_bytes());
        assert_eq!(opened.lives, lives);
        for wrong in [&b""[..], b"the value befor", b"the value before ", refresh.as_bytes()] {
            assert!(open(&keys, wrong, &family(3, 9, sealed.clone())).is_err());
        }
        assert!(open(&keys, b"the value before", &family(4, 9, sealed.clone())).is_err(), "another family");
        assert!(
            open(&keys, b"the value before", &family(3, 8, sealed.clone())).is_err(),
            "another generation"
        );
        let elsewhere = Keys::derive(&data_key, &[8; 16]);
        assert!(
            open(&elsewhere, b"the value before", &family(3, 9, sealed.clone())).is_err(),
            "another store"
        );
        for bit in 0..sealed.bytes.len() * 8 {
            let mut changed = sealed.clone();
            changed.bytes[bit / 8] ^= 1 << (bit % 8);
            if bit < 2_000 || bit % 97 == 0 {
                assert!(open(&keys, b"the value before", &family(3, 9, changed)).is_err());
            }
        }
    }
}
