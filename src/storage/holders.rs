//! Who has a store open: a table in the header, for the message to whom it is refused.
//!
//! An entry is the number of a process and how it has the store (2 words of 32 bits): 1 alone, 2 with others. Whether
//! who wrote an entry still lives, the lock on its byte tells.

use std::path::Path;

use super::disk::Disk;
use super::sharing::{self, HOLDERS, Held};
use crate::error::{Error, ErrorKind, Result};

/// Where the table begins in the header.
const TABLE_AT: u64 = 3_072;
const ENTRY_BYTES: u64 = 8;
const ALONE: u32 = 1;
const SHARED: u32 = 2;

/// Notes that this process has the store for itself alone.
pub(super) fn note_alone(disk: &Disk) -> Result<()> {
    let mut table = empty_table();
    table[..ENTRY_BYTES as usize].copy_from_slice(&entry(ALONE));
    write(disk, TABLE_AT, &table)
}

/// Notes that this process has the store with others, the first of which forgets who had it before. There are processes
/// beyond the table's end, which nobody names.
pub(super) fn note_shared(disk: &Disk, is_first: bool) -> Result<Option<Held>> {
    if is_first {
        write(disk, TABLE_AT, &empty_table())?;
    }
    let Some((place, held)) = sharing::hold_place(disk)? else { return Ok(None) };
    write(disk, TABLE_AT + place as u64 * ENTRY_BYTES, &entry(SHARED))?;
    Ok(Some(held))
}

/// Says of a store that is refused as locked which one it is, and who has it, as far as that is known.
pub(super) fn name_holder(disk: &Disk, path: &Path, error: Error) -> Error {
    if error.kind() != ErrorKind::Locked {
        return error;
    }
    let path = path.display();
    let message = match holder(disk) {
        Some((process, how)) => {
            let who = match process == std::process::id() {
                true => "this process".to_owned(),
                false => format!("process {process}"),
            };
            match how {
                SHARED => format!("{path} is open in {who} as a shared store: open it shared, too"),
                _ => format!("{path} is open in {who}, for itself alone"),
            }
        }
        None => format!("{path} is open elsewhere, in this process or another"),
    };
    Error::new(ErrorKind::Locked, message)
}

/// A process that has the store open, and how.
fn holder(disk: &Disk) -> Option<(u32, u32)> {
    let mut table = empty_table();
    disk.read(TABLE_AT, &mut table).ok()?;
    let entries = table.as_chunks::<{ ENTRY_BYTES as usize }>().0.iter();
    entries.zip(HOLDERS).find_map(|(entry, byte)| {
        let [a, b, c, d, how @ ..] = *entry;
        let (process, how) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes(how));
        let lives = process != 0 && sharing::is_held(disk, byte..byte + 1).unwrap_or(false);
        lives.then_some((process, how))
    })
}

fn entry(how: u32) -> [u8; ENTRY_BYTES as usize] {
    (u64::from(how) << 32 | u64::from(std::process::id())).to_le_bytes()
}

fn empty_table() -> [u8; ((HOLDERS.end - HOLDERS.start) * ENTRY_BYTES) as usize] {
    [0; _]
}

fn write(disk: &Disk, at: u64, bytes: &[u8]) -> Result<()> {
    disk.write(at, bytes).map_err(|error| Error::io("noting who has the store open", &error))
}
