//! LMDB: a keyed hash, one table, everything in the map.

use std::path::Path;

use heed::types::Bytes;
use heed::{Database, Env, EnvOpenOptions, WithTls};
use tokenstore_benches::Result;

use crate::peer::{Peer, Row, now_ms};
use crate::record::{digest, encode, verify};

/// Room for addresses, not for bytes: more than any run needs.
const MAP_BYTES: usize = 64 << 30;

pub(crate) struct Lmdb {
    env: Env<WithTls>,
    table: Database<Bytes, Bytes>,
}

impl Peer for Lmdb {
    fn create(folder: &Path) -> Result<Lmdb> {
        let folder = folder.join("lmdb");
        std::fs::create_dir(&folder)?;
        // SAFETY: the folder was made just now for this run alone: nobody else maps or changes what lies in it.
        #[allow(unsafe_code)]
        let env = unsafe { EnvOpenOptions::new().map_size(MAP_BYTES).open(folder)? };
        let mut transaction = env.write_txn()?;
        let table = env.create_database(&mut transaction, None)?;
        transaction.commit()?;
        Ok(Lmdb { env, table })
    }

    fn insert(&mut self, rows: &[Row<'_>]) -> Result<()> {
        let mut transaction = self.env.write_txn()?;
        for row in rows {
            self.table.put(&mut transaction, &digest(row.value), &encode(row))?;
        }
        Ok(transaction.commit()?)
    }

    fn warm(&mut self) -> Result<()> {
        let transaction = self.env.read_txn()?;
        for row in self.table.iter(&transaction)? {
            std::hint::black_box(row?);
        }
        Ok(())
    }

    fn held(&self) -> Result<impl FnMut(&[u8]) -> Option<u64>> {
        let transaction = self.env.read_txn()?;
        let now_ms = now_ms();
        Ok(move |value: &[u8]| {
            verify(self.table.get(&transaction, &digest(value)).expect("LMDB answers")?, now_ms)
        })
    }

    fn each(&self) -> Result<impl FnMut(&[u8]) -> Option<u64>> {
        let now_ms = now_ms();
        Ok(move |value: &[u8]| {
            let transaction = self.env.read_txn().expect("LMDB answers");
            verify(self.table.get(&transaction, &digest(value)).expect("LMDB answers")?, now_ms)
        })
    }

    fn used_bytes(&self) -> Result<u64> {
        let transaction = self.env.read_txn()?;
        let stat = self.table.stat(&transaction)?;
        let pages = stat.branch_pages + stat.leaf_pages + stat.overflow_pages;
        Ok(pages as u64 * u64::from(stat.page_size))
    }
}
