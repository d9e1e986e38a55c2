//! A token as LMDB and redb hold it: fixed fields first, so that a verify reads one place.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 8 | expiry in ms |
//! | 8 | 8 | number |
//! | 16 | 2 | type |
//! | 18 | 1 | revoked |
//! | 19 | 1 + n | owner, its length first |
//! | | 1 + n | name |
//! | | 3 (1 + n) | projects |

use crate::peer::{Row, TYPE, accept};

/// The key of all digests here.
pub(crate) const KEY: [u8; 32] = [0x42; 32];
/// As much of the hash as tokenstore keeps.
pub(crate) type Digest = [u8; 16];

#[inline]
pub(crate) fn digest(value: &[u8]) -> Digest {
    let hash = blake3::keyed_hash(&KEY, value);
    *hash.as_bytes().first_chunk().expect("a hash has 32 bytes")
}

pub(crate) fn encode(row: &Row<'_>) -> Vec<u8> {
    let Row { value: _, token, expires_ms } = row;
    let mut out = Vec::with_capacity(96);
    out.extend(expires_ms.to_le_bytes());
    out.extend(token.number.to_le_bytes());
    out.extend(TYPE.to_le_bytes());
    out.push(0);
    for text in [&token.owner, &token.name].into_iter().chain(&token.projects) {
        out.push(u8::try_from(text.len()).expect("all are short"));
        out.extend(text.as_bytes());
    }
    out
}

/// The number of the token in `record`, if it is good at `now_ms`.
#[inline]
pub(crate) fn verify(record: &[u8], now_ms: i64) -> Option<u64> {
    let (expires_ms, rest) = record.split_first_chunk()?;
    let (number, rest) = rest.split_first_chunk()?;
    let (type_id, rest) = rest.split_first_chunk()?;
    let (revoked, rest) = rest.split_first()?;
    let (owner_len, rest) = rest.split_first()?;
    let owner = rest.get(..usize::from(*owner_len))?;
    accept(
        u64::from_le_bytes(*number),
        u16::from_le_bytes(*type_id),
        i64::from_le_bytes(*expires_ms),
        *revoked != 0,
        owner,
        now_ms,
    )
}
