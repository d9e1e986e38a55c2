//! A store's file read by hand, from DESIGN.md's words, with nothing of the engine's.

// Each test program uses a part of it.
#![allow(dead_code)]

use std::ops::Bound;

use redb::{StorageBackend, TableDefinition};

pub(crate) const RECORDS: TableDefinition<&[u8; 17], &[u8]> = TableDefinition::new("records");
pub(crate) const HEAD: TableDefinition<u8, &[u8]> = TableDefinition::new("head");
pub(crate) const EVENTS: TableDefinition<u64, &[u8]> = TableDefinition::new("events");
pub(crate) const LAST_USES: TableDefinition<&[u8; 16], i64> = TableDefinition::new("last_uses");

/// A file's bytes behind the first 4 KiB, which are redb's.
#[derive(Debug)]
pub(crate) struct Behind(pub(crate) std::sync::RwLock<Vec<u8>>);

impl StorageBackend for Behind {
    fn len(&self) -> std::io::Result<u64> {
        Ok(self.0.read().unwrap().len() as u64 - 4096)
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        let from = offset as usize + 4096;
        out.copy_from_slice(&self.0.read().unwrap()[from..from + out.len()]);
        Ok(())
    }
    fn set_len(&self, len: u64) -> std::io::Result<()> {
        self.0.write().unwrap().resize(len as usize + 4096, 0);
        Ok(())
    }
    fn sync_data(&self) -> std::io::Result<()> {
        Ok(())
    }
    fn write(&self, offset: u64, data: &[u8]) -> std::io::Result<()> {
        let from = offset as usize + 4096;
        self.0.write().unwrap()[from..from + data.len()].copy_from_slice(data);
        Ok(())
    }
    fn try_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, redb::BackendError> {
        Err(redb::BackendError::Unsupported)
    }
}

/// Takes numbers and strings off the front of some bytes.
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(crate) fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(len);
        self.0 = rest;
        taken
    }
    pub(crate) fn number(&mut self, len: usize) -> u64 {
        self.take(len).iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
    pub(crate) fn optional(&mut self, len: usize) -> Option<&'a [u8]> {
        match self.number(1) {
            0 => None,
            1 => Some(self.take(len)),
            other => panic!("an optional field begins with {other}"),
        }
    }
}

/// A row's body, once its envelope and tag are right, and its part of the sum.
pub(crate) fn body<'a>(record_key: &[u8; 32], table: u8, key: &[u8], row: &'a [u8]) -> (Bytes<'a>, [u8; 32]) {
    let (bytes, tag) = row.split_at(row.len() - 16);
    let mut hasher = blake3::Hasher::new_keyed(record_key);
    hasher.update(&[table]).update(key).update(bytes);
    let mut out = [0; 64];
    hasher.finalize_xof().fill(&mut out);
    assert_eq!(tag, &out[..16], "the tag");
    let mut envelope = Bytes(&bytes[..8]);
    assert_eq!((envelope.number(1), envelope.number(1), envelope.number(2)), (1, u64::from(table), 0));
    assert_eq!(envelope.number(4), bytes.len() as u64 - 8);
    (Bytes(&bytes[8..]), out[32..].try_into().unwrap())
}
