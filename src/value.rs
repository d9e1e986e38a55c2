//! A token's value: made, checked for its shape, read out of an `Authorization` header.
//!
//! A value made here is `<prefix>_<30 base62 characters><6 base62 characters>`: 178 random bits, then the
//! CRC-32/ISO-HDLC of all that comes before, so that a mistyped value and a scanner's false find are told from a
//! real one without a look at the store.

use std::fmt;

use zeroize::Zeroize;

use crate::error::{Error, ErrorKind, Result};

/// The shortest value made elsewhere that a store takes, in bytes.
pub const MIN_EXTERNAL_BYTES: usize = 16;
/// The longest value that a store takes, in bytes.
pub const MAX_VALUE_BYTES: usize = 8 * 1024;

const RANDOM_CHARS: usize = 30;
const CHECK_CHARS: usize = 6;
const TAIL: usize = RANDOM_CHARS + CHECK_CHARS;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A token's secret text, as it is shown once. It is wiped from memory when it is dropped, and never printed by
/// `Debug`.
pub struct Value {
    // In one place on the heap from the first random character on: moving a `Value` copies no secret.
    text: Box<[u8]>,
}

impl Value {
    /// The longest value that a store makes, in bytes: one block of the hash function. A value made elsewhere has up to
    /// [`MAX_VALUE_BYTES`].
    pub const MAX_BYTES: usize = 64;

    /// A new value for `prefix`, which has at most 16 bytes.
    pub(crate) fn generate(prefix: &str) -> Result<Value> {
        let mut value = Value { text: vec![0; prefix.len() + 1 + TAIL].into_boxed_slice() };
        let (head, tail) = value.text.split_at_mut(prefix.len() + 1);
        head[..prefix.len()].copy_from_slice(prefix.as_bytes());
        head[prefix.len()] = b'_';
        fill_base62(&mut tail[..RANDOM_CHARS])?;
        let checked = prefix.len() + 1 + RANDOM_CHARS;
        let check = check_chars(&value.text[..checked]);
        value.text[checked..checked + CHECK_CHARS].copy_from_slice(&check);
        Ok(value)
    }

    /// A value made elsewhere.
    pub(crate) fn made_elsewhere(bytes: &[u8]) -> Value {
        Value { text: bytes.into() }
    }

    /// The value. It is up to you where it goes from here. One that was made elsewhere and is no UTF-8 is empty here.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text).unwrap_or("")
    }

    /// The value's bytes, all of them ASCII if the store made it.
    pub fn as_bytes(&self) -> &[u8] {
        &self.text
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.text.zeroize();
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Value(not shown)")
    }
}

/// Fills `out` with random base62 characters, each as likely as any other.
fn fill_base62(out: &mut [u8]) -> Result<()> {
    let mut random = [0_u8; 64];
    let mut filled = 0;
    while filled < out.len() {
        fill_random(&mut random)?;
        // 248 is the largest multiple of 62 in a byte: what lies above would favour the first characters.
        for byte in random.iter().filter(|byte| **byte < 248) {
            if filled == out.len() {
                break;
            }
            out[filled] = BASE62[usize::from(byte % 62)];
            filled += 1;
        }
    }
    random.zeroize();
    Ok(())
}

/// Random bytes of the operating system.
pub(crate) fn fill_random(out: &mut [u8]) -> Result<()> {
    getrandom::fill(out).map_err(|error| {
        Error::new(ErrorKind::Io, format!("the operating system gave no random bytes: {error}"))
    })
}

/// The six check characters of what stands before them.
fn check_chars(text: &[u8]) -> [u8; CHECK_CHARS] {
    let mut rest = crc32fast::hash(text);
    let mut out = [b'0'; CHECK_CHARS];
    for place in out.iter_mut().rev() {
        *place = BASE62[(rest % 62) as usize];
        rest /= 62;
    }
    out
}

/// Whether a value's last 36 characters are base62, and the last six of them the check of all that comes before.
#[inline]
fn is_base62_and_checked(checked: &[u8], tail: &[u8]) -> bool {
    let Some(tail) = tail.first_chunk::<TAIL>() else { return false };
    // All of them, without a branch: the processor takes many at a time.
    let base62 = tail.iter().fold(true, |so_far, byte| so_far & byte.is_ascii_alphanumeric());
    // The digits' worth, added up in any order, where `check_chars` would divide six times one after the other.
    let worth =
        tail[RANDOM_CHARS..].iter().fold(0_u64, |sum, byte| sum * 62 + u64::from(DIGITS[usize::from(*byte)]));
    base62 && worth == u64::from(crc32fast::hash(checked))
}

/// What each character is worth in base62; 0 for what is none.
const DIGITS: [u8; 256] = {
    let mut digits = [0; 256];
    let mut digit = 0;
    while digit < BASE62.len() {
        digits[BASE62[digit] as usize] = digit as u8;
        digit += 1;
    }
    digits
};

/// What a value's text tells without its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape<'a> {
    /// As a store makes them, with this prefix, and its check characters are right.
    Native {
        /// What stands before the last underscore.
        prefix: &'a [u8],
    },
    /// Anything else of 16 to 8,192 bytes.
    Other,
    /// Too short or too long to be any value.
    Never,
}

/// Reads the shape of a value. Whether its prefix is declared is for the caller to look up.
#[inline]
pub(crate) fn shape(value: &[u8]) -> Shape<'_> {
    if value.len() > TAIL + 1 && value.len() <= Value::MAX_BYTES {
        let (head, tail) = value.split_at(value.len() - TAIL);
        let (prefix, underscore) = head.split_at(head.len() - 1);
        if underscore == b"_" && is_base62_and_checked(&value[..value.len() - CHECK_CHARS], tail) {
            return Shape::Native { prefix };
        }
    }
    if (MIN_EXTERNAL_BYTES..=MAX_VALUE_BYTES).contains(&value.len()) { Shape::Other } else { Shape::Never }
}

/// The value in a whole `Authorization` header value: bare, or after `Bearer` or `Token` in any case and spaces
/// ([RFC 6750] section 2.1, [RFC 9110] section 11.4). `None` if it is neither.
///
/// [RFC 6750]: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
/// [RFC 9110]: https://www.rfc-editor.org/rfc/rfc9110#section-11.4
pub(crate) fn of_authorization(header: &[u8]) -> Option<&[u8]> {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = header.iter().position(|byte| !is_blank(byte))?;
    let end = header.iter().rposition(|byte| !is_blank(byte))? + 1;
    let trimmed = &header[start..end];
    // Only a space divides; a tab inside is one of the value's bytes.
    let Some(space) = trimmed.iter().position(|byte| *byte == b' ') else { return Some(trimmed) };
    let (scheme, rest) = trimmed.split_at(space);
    if !scheme.eq_ignore_ascii_case(b"bearer") && !scheme.eq_ignore_ascii_case(b"token") {
        return None;
    }
    let value = &rest[rest.iter().position(|byte| *byte != b' ')?..];
    if value.contains(&b' ') { None } else { Some(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_value_has_its_shape_and_any_changed_character_loses_it() {
        for prefix in ["a", "pw_server", "abcdefghijklmnop"] {
            let value = Value::generate(prefix).unwrap();
            assert_eq!(value.as_str().len(), prefix.len() + 37);
            assert_eq!(shape(value.as_bytes()), Shape::Native { prefix: prefix.as_bytes() });
            assert_eq!(format!("{value:?}"), "Value(not shown)");
            for place in prefix.len()..value.as_bytes().len() {
                let mut changed = value.as_bytes().to_vec();
                for byte in 0..=255 {
                    changed[place] = byte;
                    let same = byte == value.as_bytes()[place];
                    assert_eq!(matches!(shape(&changed), Shape::Native { .. }), same, "{place} {byte}");
                }
            }
        }
    }

    #[test]
    fn the_check_characters_are_the_documented_ones() {
        // CRC-32/ISO-HDLC of "123456789" is 0xCBF43926 = 3421780262, which in base62 is 3JZZFG.
        let digits = check_chars(b"123456789");
        let read = digits.iter().fold(0_u64, |sum, digit| {
            sum * 62 + BASE62.iter().position(|place| place == digit).unwrap() as u64
        });
        assert_eq!(read, 0xCBF4_3926);
        assert_eq!(&check_chars(b""), b"000000");
    }

    #[test]
    fn every_character_is_as_likely_as_any_other() {
        let mut counts = [0_u32; 256];
        let mut out = [0; 62 * 100];
        for _ in 0..100 {
            fill_base62(&mut out).unwrap();
            out.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
        }
        // 10,000 expected of each: chi-squared with 61 degrees of freedom passes 130 once in a million runs.
        let chi: f64 = BASE62.iter().map(|c| (f64::from(counts[usize::from(*c)]) - 1e4).powi(2) / 1e4).sum();
        assert!(chi < 130.0, "{chi}");
    }

    #[test]
    fn authorization_headers() {
        let cases: [(&str, Option<&str>); 16] = [
            ("Bearer abc", Some("abc")),
            ("bEaReR    abc", Some("abc")),
            (" \tToken abc \t", Some("abc")),
            ("abc", Some("abc")),
            ("\t abc ", Some("abc")),
            ("Bearer", Some("Bearer")),
            ("", None),
            (" \t ", None),
            ("Basic abc", None),
            ("Bearer abc def", None),
            ("Bearer abc\tdef", Some("abc\tdef")),
            ("Bearer\tabc", Some("Bearer\tabc")),
            ("Bearer \tabc", Some("\tabc")),
            ("Bearerabc", Some("Bearerabc")),
            ("Token token=abc", Some("token=abc")),
            ("Bearer abc\n", Some("abc\n")),
        ];
        for (header, value) in cases {
            assert_eq!(of_authorization(header.as_bytes()), value.map(str::as_bytes), "{header:?}");
        }
    }
}
