//! Between the store's types and text: times, lifetimes, bytes, names.

use std::fmt::Write;
use std::time::Duration;

use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokenstore::Expiry;

/// A time as RFC 3339, in UTC.
pub(crate) fn time_text(time: OffsetDateTime) -> String {
    // Only years beyond 9999 have no such form.
    time.format(&Rfc3339).unwrap_or_else(|_| time.to_string())
}

/// Reads a time of RFC 3339.
pub(crate) fn parse_time(text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_| "a time looks like 2027-01-31T00:00:00Z".to_owned())
}

/// Reads a lifetime such as `36000s`, `90d` or `1h 30m`.
pub(crate) fn parse_lifetime(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "a lifetime looks like 15s, 36000s, 12h or 90d".to_owned())
}

/// Reads when a token expires: `never`, a time, or a lifetime.
pub(crate) fn parse_expiry(text: &str) -> Result<Expiry, String> {
    if text == "never" {
        return Ok(Expiry::Never);
    }
    let at = parse_time(text).map(Expiry::At);
    at.or_else(|_| parse_lifetime(text).map(Expiry::In)).map_err(|_| {
        "it is never, a lifetime like 36000s or 90d, or a time like 2027-01-31T00:00:00Z".to_owned()
    })
}

/// Enough of a value to tell it from others, and too little to use it.
pub(crate) fn mask(value: &str) -> String {
    value.chars().take(6).chain(['…']).collect()
}

/// How long something took, with three digits.
pub(crate) fn elapsed_text(elapsed: Duration) -> String {
    let nanoseconds = elapsed.as_secs_f64() * 1e9;
    let (amount, unit) = match nanoseconds {
        under if under < 1e3 => (under, "ns"),
        under if under < 1e6 => (under / 1e3, "µs"),
        under if under < 1e9 => (under / 1e6, "ms"),
        over => (over / 1e9, "s"),
    };
    let decimals = match amount {
        under if under < 10.0 => 2,
        under if under < 100.0 => 1,
        _ => 0,
    };
    // Nanoseconds come whole.
    let decimals = if unit == "ns" { 0 } else { decimals };
    format!("{amount:.decimals$} {unit}")
}

/// Bytes of a caller: owners and projects are mostly text, and need not be.
#[derive(Clone, Copy)]
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl Bytes<'_> {
    /// For a terminal and for columns: what is no text, or would move the cursor, is escaped, as is the backslash,
    /// so that two different owners never look alike.
    pub(crate) fn text(self) -> String {
        let mut out = String::new();
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                match character {
                    '\\' => out.push_str("\\\\"),
                    control if control.is_control() => out.extend(control.escape_default()),
                    other => out.push(other),
                }
            }
            for byte in chunk.invalid() {
                // Writing to a String does not fail.
                let _infallible = write!(out, "\\x{byte:02x}");
            }
        }
        out
    }

    pub(crate) fn hex(self) -> String {
        let mut out = String::with_capacity(2 * self.0.len());
        for byte in self.0 {
            let _infallible = write!(out, "{byte:02x}");
        }
        out
    }
}

impl Serialize for Bytes<'_> {
    /// A string where the bytes are text, and otherwise an object with their hex digits.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Hex {
            hex: String,
        }
        match std::str::from_utf8(self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => Hex { hex: self.hex() }.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expiries() {
        assert_eq!(parse_expiry("never"), Ok(Expiry::Never));
        assert_eq!(parse_expiry("36000s"), Ok(Expiry::In(Duration::from_secs(36_000))));
        assert_eq!(parse_expiry("90d"), Ok(Expiry::In(Duration::from_secs(90 * 86_400))));
        let at = OffsetDateTime::from_unix_timestamp(1_801_353_600).map(Expiry::At);
        assert_eq!(parse_expiry("2027-01-31T00:00:00Z").ok(), at.ok());
        for wrong in ["", "90", "-1d", "tomorrow", "2027-01-31", "Never"] {
            assert!(parse_expiry(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_and_masks() {
        assert_eq!(mask("srv_0123456789"), "srv_01…");
    }

    #[test]
    fn different_bytes_never_look_alike() {
        assert_eq!(Bytes(b"acme").text(), "acme");
        assert_eq!(Bytes("Müller".as_bytes()).text(), "Müller");
        assert_eq!(Bytes(b"a\tb\x1b[2J").text(), "a\\tb\\u{1b}[2J");
        assert_eq!(Bytes(b"\xff\\xff").text(), "\\xff\\\\xff");
        assert_eq!(serde_json::to_string(&Bytes(b"\xff")).ok().as_deref(), Some(r#"{"hex":"ff"}"#));
    }

    #[test]
    fn times_taken() {
        for (nanoseconds, text) in
            [(420, "420 ns"), (1_234, "1.23 µs"), (45_600, "45.6 µs"), (2_000_000, "2.00 ms")]
        {
            assert_eq!(elapsed_text(Duration::from_nanos(nanoseconds)), text);
        }
    }
}
