//! How bytes are written in a scenario: repetition, then percent-encoding.

use super::Mistake;

/// Words with a meaning of their own; a text that reads like one has its first byte encoded.
const SPECIAL: [&str; 6] = ["none", "all", "never", "any", "yes", "no"];

/// Writes out every `{TEXT*COUNT}`: TEXT, COUNT times, with `$` in it as the number of the turn, from 1 on.
pub(crate) fn expand(word: &str) -> Result<String, Mistake> {
    let (mut out, mut rest) = (String::new(), word);
    while let Some((before, from)) = rest.split_once('{') {
        let (inside, after) =
            from.split_once('}').ok_or_else(|| format!("`{word}` has a {{ without a }}"))?;
        out.push_str(before);
        match inside.rsplit_once('*') {
            Some((text, count)) => {
                let count: u32 = count.parse().map_err(|_| format!("`{count}` is no count in `{word}`"))?;
                (1..=count).for_each(|turn| out.push_str(&text.replace('$', &turn.to_string())));
            }
            // The place of the value in a header.
            None if inside.is_empty() => out.push_str("{}"),
            None => return Err(format!("`{{{inside}}}` has no count")),
        }
        rest = after;
    }
    Ok(out + rest)
}

/// The bytes of a text in which `%XX` stands for the byte with that number.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, Mistake> {
    let mut parts = text.split('%');
    let mut out = parts.next().unwrap_or("").as_bytes().to_vec();
    for part in parts {
        let byte = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(byte.ok_or_else(|| format!("`{text}` has a % without two hexadecimal digits"))?);
        out.extend(&part.as_bytes()[2..]);
    }
    Ok(out)
}

/// The one way in which an answer writes these bytes.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let is_special = SPECIAL.iter().any(|word| word.as_bytes() == bytes);
    let mut out = String::new();
    for (place, byte) in bytes.iter().enumerate() {
        let plain = byte.is_ascii_alphanumeric() || b"-._~:/@+".contains(byte);
        if plain && !(is_special && place == 0) {
            out.push(char::from(*byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// A list with commas, or `none`.
pub(crate) fn list(items: impl IntoIterator<Item = String>) -> String {
    let items: Vec<String> = items.into_iter().collect();
    if items.is_empty() { "none".to_owned() } else { items.join(",") }
}

/// The name in capitals of a variant: `NotFound` is NOT_FOUND.
pub(crate) fn capitals(variant: &str) -> String {
    let mut out = String::new();
    for letter in variant.chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(letter.to_ascii_uppercase());
    }
    out
}

/// What a value says of itself by its text alone: `Some(prefix)` if it is `<prefix>_<30 base62><6 check characters>`.
/// Written anew from the documents, so that it shares no mistake with the library.
pub(crate) fn native_prefix(value: &[u8]) -> Option<&[u8]> {
    const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let (text, check) = value.split_at_checked(value.len().checked_sub(6)?)?;
    let (prefix, random) = text.split_at_checked(text.len().checked_sub(31)?)?;
    if random[0] != b'_' || !random[1..].iter().all(u8::is_ascii_alphanumeric) {
        return None;
    }
    let digit = |byte: &u8| BASE62.iter().position(|place| place == byte).map(|place| place as u64);
    let read = check.iter().try_fold(0, |sum, byte| Some(sum * 62 + digit(byte)?))?;
    (read == u64::from(crc32(text))).then_some(prefix)
}

/// CRC-32/ISO-HDLC, a bit at a time.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}
