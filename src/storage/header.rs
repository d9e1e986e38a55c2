//! The file's first 4 KiB:
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 512 | identity |
//! | 512 | 512 | identity, again |
//! | 1024 | 24 | note 0: a generation (8), its tag (16) |
//! | 1536 | 24 | note 1 |
//! | 2048 | 16 | the board: the generation that was made known last (8), the mark of the clock in ms (8) |
//! | 3072 | 512 | who has the store open, see `holders` |
//!
//! An identity is: magic (16), major and minor version of the format (2 + 2), flags (4; 1 is "keyed"), edition (8),
//! store id (16), key check (16), nonce (24), data key (32), its tag (16), and the first 16 bytes of the BLAKE3 hash
//! of all that. Numbers are little-endian. Of two good identities the higher edition counts; a new edition is
//! written over one copy, synced, and written over the other.
//!
//! The board is for processes that share the store, which map it, and means nothing once nobody has the store open: the
//! first to open it begins with zeros.
//!
//! A note says which generation was acknowledged last. It is written after a commit's second sync and before the
//! answer, over the lower of the two, and reaches the disk with the next sync. So it is never ahead of what is
//! committed, and a store that is behind it has lost something: damage made redb go back to an older commit.

use std::sync::Mutex;

use super::disk::{Disk, HEADER_BYTES};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{DataKey, Keys, TAG_BYTES, UnwrapError, WrappedKey};

/// Where the board begins.
#[cfg(target_os = "linux")]
pub(super) const BOARD_AT: usize = 2_048;

const SECTOR: u64 = 512;
const NOTES_AT: u64 = 2 * SECTOR;

const MAGIC: [u8; 16] = *b"tokenstore\r\n\x1a\n\0\0";
/// Major and minor. A file of another version is refused.
const VERSION: [u16; 2] = [1, 0];
const KEYED: u32 = 1;

const CONTEXT_BYTES: usize = 40;
const HASHED_BYTES: usize = 136;
const IDENTITY_BYTES: usize = HASHED_BYTES + 16;

/// Who the store is, and its data key as it stands in the file.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) store_id: [u8; 16],
    edition: u64,
    wrapped: WrappedKey,
}

impl Identity {
    pub(super) fn new(
        store_id: [u8; 16],
        data_key: &DataKey,
        caller_key: Option<&[u8; 32]>,
    ) -> Result<Identity> {
        Identity::wrap(store_id, 1, data_key, caller_key)
    }

    /// The same store and data key under another key of the caller.
    pub(super) fn rewrap(&self, data_key: &DataKey, caller_key: Option<&[u8; 32]>) -> Result<Identity> {
        Identity::wrap(self.store_id, self.edition + 1, data_key, caller_key)
    }

    fn wrap(
        store_id: [u8; 16],
        edition: u64,
        data_key: &DataKey,
        caller_key: Option<&[u8; 32]>,
    ) -> Result<Identity> {
        let context = context(caller_key.is_some(), &store_id);
        Ok(Identity { store_id, edition, wrapped: WrappedKey::wrap(data_key, caller_key, &context)? })
    }

    pub(super) fn unwrap(&self, caller_key: Option<&[u8; 32]>) -> Result<DataKey> {
        let context = context(self.wrapped.keyed, &self.store_id);
        self.wrapped.unwrap(caller_key, &context).map_err(|error| match error {
            UnwrapError::Damaged => Error::corrupt("the data key in the file is damaged"),
            UnwrapError::WrongKey => Error::new(
                ErrorKind::WrongKey,
                match (self.wrapped.keyed, caller_key) {
                    (true, Some(_)) => "the key is not this store's",
                    (true, None) => "the store needs a key",
                    (false, _) => "the store has no key, and one was given",
                },
            ),
        })
    }

    fn encode(&self) -> [u8; IDENTITY_BYTES] {
        let WrappedKey { keyed, check, nonce, key, tag } = &self.wrapped;
        let mut out = Vec::with_capacity(IDENTITY_BYTES);
        out.extend(&context(*keyed, &self.store_id)[..24]);
        out.extend(self.edition.to_le_bytes());
        out.extend(self.store_id);
        out.extend(check);
        out.extend(nonce);
        out.extend(key);
        out.extend(tag);
        let hash = blake3::hash(&out);
        out.extend(&hash.as_bytes()[..16]);
        let mut identity = [0; IDENTITY_BYTES];
        identity.copy_from_slice(&out);
        identity
    }

    /// `None` if it is damaged.
    fn decode(bytes: &[u8; IDENTITY_BYTES]) -> Option<Identity> {
        let mut rest = &bytes[..];
        let magic: [u8; 16] = take(&mut rest)?;
        let version = [u16::from_le_bytes(take(&mut rest)?), u16::from_le_bytes(take(&mut rest)?)];
        let flags = u32::from_le_bytes(take(&mut rest)?);
        let edition = u64::from_le_bytes(take(&mut rest)?);
        let store_id = take(&mut rest)?;
        let (check, nonce, key, tag) =
            (take(&mut rest)?, take(&mut rest)?, take(&mut rest)?, take(&mut rest)?);
        let hash: [u8; 16] = take(&mut rest)?;
        let good = blake3::hash(&bytes[..HASHED_BYTES]).as_bytes()[..16] == hash;
        (good && magic == MAGIC && version == VERSION && flags & !KEYED == 0).then_some(Identity {
            store_id,
            edition,
            wrapped: WrappedKey { keyed: flags & KEYED != 0, check, nonce, key, tag },
        })
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, left) = rest.split_first_chunk::<N>()?;
    *rest = left;
    Some(*taken)
}

/// What the wrapped key is bound to.
fn context(keyed: bool, store_id: &[u8; 16]) -> [u8; CONTEXT_BYTES] {
    let mut context = [0; CONTEXT_BYTES];
    context[..16].copy_from_slice(&MAGIC);
    context[16..18].copy_from_slice(&VERSION[0].to_le_bytes());
    context[18..20].copy_from_slice(&VERSION[1].to_le_bytes());
    context[20..24].copy_from_slice(&(if keyed { KEYED } else { 0 }).to_le_bytes());
    context[24..].copy_from_slice(store_id);
    context
}

/// Reads the identity.
///
/// # Errors
/// Corrupt if this is no store or neither copy is good, Unsupported if it is a newer format's.
pub(super) fn read_identity(disk: &Disk) -> Result<Identity> {
    let len = disk.len().map_err(|error| Error::io("reading the store's length", &error))?;
    if len <= HEADER_BYTES {
        return Err(Error::corrupt("the file is too short to be a store"));
    }
    let mut copies = [[0; IDENTITY_BYTES]; 2];
    for (copy, place) in copies.iter_mut().zip([0, SECTOR]) {
        read(disk, place, copy)?;
    }
    let good = copies.iter().filter_map(Identity::decode).max_by_key(|identity| identity.edition);
    if let Some(identity) = good {
        return Ok(identity);
    }
    let version = |copy: &[u8; IDENTITY_BYTES]| {
        [u16::from_le_bytes([copy[16], copy[17]]), u16::from_le_bytes([copy[18], copy[19]])]
    };
    let ours = copies.iter().filter(|copy| copy[..16] == MAGIC).map(version);
    match ours.max() {
        None => Err(Error::corrupt("the file is not a store, or its beginning is damaged")),
        Some(version) if version > VERSION => {
            let [major, minor] = version;
            let message = format!("the file has format {major}.{minor}; this version reads 1.0");
            Err(Error::new(ErrorKind::Unsupported, message))
        }
        Some(_) => Err(Error::corrupt("the file's beginning is damaged")),
    }
}

/// Writes the identity over both copies, one after the other.
pub(super) fn write_identity(disk: &Disk, identity: &Identity) -> Result<()> {
    let bytes = identity.encode();
    for place in [0, SECTOR] {
        write(disk, place, &bytes)?;
        sync(disk)?;
    }
    Ok(())
}

/// Makes both copies good again if one is not.
pub(super) fn mend_identity(disk: &Disk, identity: &Identity) -> Result<()> {
    let bytes = identity.encode();
    for place in [0, SECTOR] {
        let mut copy = [0; IDENTITY_BYTES];
        read(disk, place, &mut copy)?;
        if copy != bytes {
            write(disk, place, &bytes)?;
            sync(disk)?;
        }
    }
    Ok(())
}

/// The two notes of acknowledged generations.
pub(super) struct Notes {
    tag_keys: Box<Keys>,
    slots: Mutex<[u64; 2]>,
}

impl Notes {
    /// A new store's notes: generation 0.
    pub(super) fn start(disk: &Disk, keys: Box<Keys>) -> Result<Notes> {
        let notes = Notes { tag_keys: keys, slots: Mutex::new([0; 2]) };
        for slot in 0..2 {
            write(disk, note_at(slot), &notes.encode(slot, 0))?;
        }
        Ok(notes)
    }

    /// Reads the notes.
    pub(super) fn read(disk: &Disk, keys: Box<Keys>) -> Result<Notes> {
        let notes = Notes { tag_keys: keys, slots: Mutex::new([0; 2]) };
        notes.read_again(disk)?;
        Ok(notes)
    }

    /// Reads the notes again, which another process may have written. One may be damaged, by a power cut while it was
    /// being written.
    pub(super) fn read_again(&self, disk: &Disk) -> Result<()> {
        let mut good = [None; 2];
        for (slot, place) in good.iter_mut().enumerate() {
            let mut bytes = [0; 8 + TAG_BYTES];
            read(disk, note_at(slot as u8), &mut bytes)?;
            let (generation, _) = bytes.split_first_chunk().unwrap_or((&[0; 8], &[]));
            let generation = u64::from_le_bytes(*generation);
            *place = (bytes == self.encode(slot as u8, generation)).then_some(generation);
        }
        if good == [None; 2] {
            return Err(Error::corrupt("the notes of what was acknowledged are damaged"));
        }
        // A damaged note counts as the lowest, so that it is the next to be written.
        *lock(&self.slots) = good.map(|note| note.unwrap_or(0));
        Ok(())
    }

    /// The last generation that is known to have been acknowledged.
    pub(super) fn acknowledged(&self) -> u64 {
        let [one, other] = *lock(&self.slots);
        one.max(other)
    }

    /// Notes a generation. Never goes down.
    pub(super) fn acknowledge(&self, disk: &Disk, generation: u64) -> Result<()> {
        let mut slots = lock(&self.slots);
        if generation <= slots[0].max(slots[1]) {
            return Ok(());
        }
        let lower = usize::from(slots[1] < slots[0]);
        write(disk, note_at(lower as u8), &self.encode(lower as u8, generation))?;
        slots[lower] = generation;
        Ok(())
    }

    fn encode(&self, slot: u8, generation: u64) -> [u8; 8 + TAG_BYTES] {
        let mut bytes = [0; 8 + TAG_BYTES];
        bytes[..8].copy_from_slice(&generation.to_le_bytes());
        bytes[8..].copy_from_slice(&self.tag_keys.note_tag(slot, generation));
        bytes
    }
}

fn note_at(slot: u8) -> u64 {
    NOTES_AT + u64::from(slot) * SECTOR
}

fn lock(slots: &Mutex<[u64; 2]>) -> std::sync::MutexGuard<'_, [u64; 2]> {
    slots.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn read(disk: &Disk, offset: u64, out: &mut [u8]) -> Result<()> {
    disk.read(offset, out).map_err(|error| Error::io("reading the store's header", &error))
}

fn write(disk: &Disk, offset: u64, bytes: &[u8]) -> Result<()> {
    disk.write(offset, bytes).map_err(|error| Error::io("writing the store's header", &error))
}

fn sync(disk: &Disk) -> Result<()> {
    disk.sync_data().map_err(|error| Error::io("syncing the store's header", &error))
}
