//! A token's public name.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// A token's public id: 16 bytes, a UUID of version 7 ([RFC 9562]), ascending in the order of creation within a
/// store and never used again. It is no secret and proves nothing.
///
/// It prints and parses as a UUID: `018f3a5e-7c1d-7a2b-9c3d-4e5f60718293`.
///
/// [RFC 9562]: https://www.rfc-editor.org/rfc/rfc9562#section-5.7
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id([u8; 16]);

impl Id {
    pub(crate) const NONE: Id = Id([0; 16]);
    /// The bits that version and variant take, the same in every id.
    const FIXED: u128 = 0x7000_8000_0000_0000_0000;
    const RANDOM_LOW: u128 = (1 << 62) - 1;

    /// The id of these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Id {
        Id(bytes)
    }

    /// The id's bytes, which sort as the ids do.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The id as two words, the high one first.
    pub(crate) fn words(self) -> (u64, u64) {
        let bits = u128::from_be_bytes(self.0);
        ((bits >> 64) as u64, bits as u64)
    }

    /// The reverse of [`words`](Id::words).
    pub(crate) fn of_words(high: u64, low: u64) -> Id {
        Id((u128::from(high) << 64 | u128::from(low)).to_be_bytes())
    }

    /// The next id after `last` for a token created at `now_ms`, drawing from 16 `random` bytes.
    ///
    /// Within a millisecond, and when the clock went back, it goes on from `last` by a random step.
    pub(crate) fn next(last: Id, now_ms: i64, random: [u8; 16]) -> Id {
        let random = u128::from_le_bytes(random);
        let ms = u128::from(now_ms.clamp(0, (1 << 48) - 1).unsigned_abs());
        let fresh = ms << 74 | (random & ((1 << 74) - 1));
        let (last_packed, step) = (last.packed(), 1 + (random >> 74 & 0xffff_ffff));
        let next = if fresh > last_packed { fresh } else { last_packed + step };
        Id::unpacked(next)
    }

    /// The 122 bits that are not fixed.
    fn packed(self) -> u128 {
        let bits = u128::from_be_bytes(self.0);
        (bits >> 80) << 74 | (bits >> 64 & 0xfff) << 62 | (bits & Id::RANDOM_LOW)
    }

    fn unpacked(packed: u128) -> Id {
        let bits = (packed >> 74) << 80 | (packed >> 62 & 0xfff) << 64 | (packed & Id::RANDOM_LOW);
        Id((bits | Id::FIXED).to_be_bytes())
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        uuid::Uuid::from_bytes(self.0).as_hyphenated().fmt(f)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Id {
    type Err = Error;

    /// Parses a UUID.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) if it is none.
    fn from_str(text: &str) -> Result<Id> {
        let uuid = uuid::Uuid::try_parse(text).map_err(|_| Error::invalid("an id is a UUID"))?;
        Ok(Id(uuid.into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_ascend_within_a_millisecond_and_when_the_clock_goes_back() {
        let mut last = Id::NONE;
        for (now, fill) in [(1_000, 0xff), (1_000, 0xff), (1_000, 0), (5, 0xff), (2_000, 0), (2_000, 0)] {
            let next = Id::next(last, now, [fill; 16]);
            assert!(next > last);
            let uuid = uuid::Uuid::from_bytes(*next.as_bytes());
            assert_eq!((uuid.get_version_num(), uuid.get_variant()), (7, uuid::Variant::RFC4122));
            assert_eq!(next.to_string().parse::<Id>().unwrap(), next);
            last = next;
        }
    }
}
