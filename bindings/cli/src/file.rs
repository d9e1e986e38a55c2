//! What is read from files and standard input, and the one thing that must not linger on its way out: values and
//! keys. They are read and written without the standard library's buffers, which keep what went through them.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::path::Path;

use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::output::{note, stdin_is_terminal};

/// Twice the longest value: an Authorization header has a scheme and perhaps spaces besides.
const MAX_INPUT_BYTES: usize = 2 * tokenstore::MAX_VALUE_BYTES;

/// Reads a value, or a header that holds one, and strips one newline from its end. `None` and `-` are standard input.
///
/// What is longer than any value comes back empty: no value is empty, so it is refused, rather than judged by its
/// beginning.
pub(crate) fn read_value(path: Option<&Path>) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let read = match path {
        Some(path) if path != Path::new("-") => {
            File::open(path).and_then(|file| read_all(file, MAX_INPUT_BYTES))
        }
        _ => {
            if stdin_is_terminal() {
                note("Enter the value, which will show, then Enter and Ctrl-D:");
            }
            stdin().and_then(|file| read_all(file, MAX_INPUT_BYTES))
        }
    };
    // The path is not named: it may be a value, put there by mistake.
    let mut bytes = read.map_err(|error| Failure::Usage(format!("the value cannot be read: {error}")))?;
    if bytes.len() > MAX_INPUT_BYTES {
        bytes.clear();
    }
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    Ok(bytes)
}

/// Reads a key: 32 raw bytes, or 64 hex digits and perhaps a newline.
pub(crate) fn read_key(path: &Path) -> Result<Zeroizing<[u8; 32]>, Failure> {
    let bytes = File::open(path)
        .and_then(|file| read_all(file, 65))
        .map_err(|error| Failure::Usage(format!("the key file cannot be read: {error}")))?;
    parse_key(&bytes)
        .ok_or_else(|| Failure::Usage("a key file holds 32 raw bytes or 64 hex digits".to_owned()))
}

fn parse_key(bytes: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    if bytes.len() == key.len() {
        key.copy_from_slice(bytes);
        return Some(key);
    }
    let digits = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    if digits.len() != 2 * key.len() {
        return None;
    }
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok()?;
    }
    Some(key)
}

/// Reads the host's own bytes for a token. What is too long is refused by the store.
pub(crate) fn read_app_data(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    File::open(path)
        .and_then(|file| read_all(file, tokenstore::MAX_APP_DATA_BYTES))
        .map_err(|error| Failure::Usage(format!("the app data cannot be read: {error}")))
}

/// Reads to the end, or one byte more than `limit`, into memory that never moves and is wiped when it is dropped.
fn read_all(mut file: File, limit: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; limit + 1]);
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// Writes lines that hold values to standard output.
pub(crate) fn write_secret_lines(lines: &[&[u8]]) -> io::Result<()> {
    let length = lines.iter().map(|line| line.len() + 1).sum();
    let mut bytes = Zeroizing::new(Vec::with_capacity(length));
    for line in lines {
        bytes.extend_from_slice(line);
        bytes.push(b'\n');
    }
    File::from(io::stdout().as_fd().try_clone_to_owned()?).write_all(&bytes)
}

fn stdin() -> io::Result<File> {
    Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        let raw: [u8; 32] = std::array::from_fn(|place| place as u8 * 8);
        let hex: String = raw.iter().map(|byte| format!("{byte:02X}")).collect();
        for right in [&raw[..], hex.as_bytes(), hex.to_lowercase().as_bytes(), format!("{hex}\n").as_bytes()]
        {
            assert_eq!(parse_key(right).as_deref(), Some(&raw));
        }
        for wrong in [&raw[..31], &hex.as_bytes()[..63], format!("{hex}\n\n").as_bytes(), &[b'g'; 64], b""] {
            assert!(parse_key(wrong).is_none());
        }
    }
}
