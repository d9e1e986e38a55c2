//! JWTs, as a service that signs its access tokens itself makes them. The store is given the finished text.

use tokenstore::MAX_VALUE_BYTES;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// `{"alg":"HS256","typ":"JWT"}`, and the length of its signature, in characters.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
const SIGNATURE_CHARS: usize = 43;

/// A JWT of exactly as many bytes as a store takes. Its signature is made of random bytes: nobody checks it here.
pub(super) fn longest() -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::with_capacity(MAX_VALUE_BYTES));
    text.push_str(HEADER);
    text.push('.');
    let payload_chars = MAX_VALUE_BYTES - HEADER.len() - 2 - SIGNATURE_CHARS;
    let begin = r#"{"sub":"user|1|5207","roles":""#;
    let filler = "x".repeat(payload_chars / 4 * 3 - begin.len() - 2);
    push_base64url(&mut text, format!("{begin}{filler}\"}}").as_bytes());
    // What is left of the last group of four has a place in the signature.
    text.push('.');
    let mut random = Zeroizing::new(vec![0; MAX_VALUE_BYTES - text.len()]);
    getrandom::fill(&mut random).map_err(|error| Failure::Trouble(format!("no random bytes: {error}")))?;
    for byte in random.iter() {
        text.push(base64url_char(byte & 63));
    }
    Ok(text)
}

/// Adds bytes in groups of three, of which there are whole ones alone.
fn push_base64url(text: &mut String, bytes: &[u8]) {
    for group in bytes.chunks_exact(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        for shift in [18, 12, 6, 0] {
            text.push(base64url_char((bits >> shift & 63) as u8));
        }
    }
}

fn base64url_char(six_bits: u8) -> char {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char::from(ALPHABET[usize::from(six_bits)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_looks_like_one() {
        let Ok(jwt) = longest() else { panic!("no JWT") };
        assert_eq!(jwt.len(), MAX_VALUE_BYTES);
        let parts: Vec<_> = jwt.split('.').collect();
        assert_eq!((parts.len(), parts[0]), (3, HEADER));
        assert!(parts[1].starts_with("eyJzdWIiOiJ1c2VyfDF8NTIwNyIsInJvbGVzIjoieHh4"), "{}", &parts[1][..60]);
        assert!(
            parts[1].ends_with("In0") || parts[1].ends_with("eCJ9"),
            "{}",
            &parts[1][parts[1].len() - 9..]
        );
        assert!((SIGNATURE_CHARS..SIGNATURE_CHARS + 4).contains(&parts[2].len()));
        let mut header = String::new();
        push_base64url(&mut header, br#"{"alg":"HS256","typ":"JWT"}"#);
        assert_eq!(header, HEADER);
    }
}
