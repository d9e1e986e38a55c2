//! Forms, as `application/x-www-form-urlencoded` has them, in bodies and in addresses.

use std::borrow::Cow;
use std::fmt::Write;

/// The text as a form holds it.
pub(super) fn encode(text: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if text.bytes().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(3 * text.len());
    for byte in text.bytes() {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _infallible = write!(out, "%{byte:02X}");
        }
    }
    Cow::Owned(out)
}

/// The first field of this name.
pub(super) fn field<'f>(form: &'f str, name: &str) -> Option<Cow<'f, str>> {
    let mut pairs = form.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(known, _)| *known == name).and_then(|(_, text)| decode(text))
}

fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains(['%', '+']) {
        return Some(Cow::Borrowed(text));
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                u8::try_from(digit()? << 4 | digit()?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(out).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_encoded_is_read_again() {
        let url = "https://shop.example/Käse?a=1&b=2 3+4%";
        let form = format!("token=m1g_0&backUrl={}&locale=it", encode(url));
        assert_eq!(field(&form, "backUrl").as_deref(), Some(url));
        assert_eq!(field(&form, "token").as_deref(), Some("m1g_0"));
        assert_eq!(field("a=b+c%20d", "a").as_deref(), Some("b c d"));
        for (form, name) in [("a=%2", "a"), ("a=%zz", "a"), ("a=%ff", "a"), ("a=b", "b"), ("a", "a")] {
            assert_eq!(field(form, name), None, "{form}");
        }
    }
}
