//! Opening: everything in the file is read, checked, and put into the index.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::AtomicU8;
use std::sync::{Mutex, RwLock};

use super::book::{Book, owner_hash};
use super::commit::{Desk, entry};
use super::{Engine, Queue, Settings, Types, health};
use crate::clock::{Now, duration_ms};
use crate::error::{Error, ErrorKind, Result};
use crate::id::Id;
use crate::index::Index;
use crate::key::{Keys, add};
use crate::options::Options;
use crate::record::{
    Head, RecordName, Table, decode_event, decode_head, decode_policy, decode_token, record_name, unseal,
};
use crate::storage::{self, Opened, Snapshot};
use crate::sys;

impl Engine {
    pub(crate) fn create(path: &Path, options: &Options) -> Result<Engine> {
        contain(|| storage::create_file(path, options.caller_key(), &new_head(options)))?;
        Engine::open(path, options)
    }

    pub(crate) fn open(path: &Path, options: &Options) -> Result<Engine> {
        contain(|| storage::open_file(path, options.caller_key(), options.cache_bytes))
            .and_then(|opened| Engine::start(opened, options))
    }

    pub(crate) fn in_memory(options: &Options) -> Result<Engine> {
        storage::in_memory(&new_head(options)).and_then(|opened| Engine::start(opened, options))
    }

    #[cfg(feature = "testing")]
    pub(crate) fn create_on(
        disk: &std::sync::Arc<dyn redb::StorageBackend>,
        options: &Options,
    ) -> Result<()> {
        contain(|| storage::create_on(disk, options.caller_key(), &new_head(options)))
    }

    #[cfg(feature = "testing")]
    pub(crate) fn open_on(
        disk: &std::sync::Arc<dyn redb::StorageBackend>,
        options: &Options,
    ) -> Result<Engine> {
        contain(|| storage::open_on(disk, None, options.caller_key(), options.cache_bytes))
            .and_then(|opened| Engine::start(opened, options))
    }

    /// Reads and checks everything.
    fn start(opened: Opened, options: &Options) -> Result<Engine> {
        let Opened { storage, data_key, store_id, acknowledged } = opened;
        let keys = Keys::derive(&data_key, &store_id);
        let read = catch_unwind(AssertUnwindSafe(|| {
            let snapshot = storage.read()?;
            let head = read_head(&*snapshot, &keys)?;
            if head.sequence < acknowledged {
                return Err(Error::new(
                    ErrorKind::RolledBack,
                    format!("the file is at change {}, but acknowledged {acknowledged}", head.sequence),
                ));
            }
            check_events(&*snapshot, &keys, &head)?;
            read_records(&*snapshot, &keys, head)
        }));
        let Contents { types, index, desk, book } = match read {
            Ok(Ok(contents)) => contents,
            Ok(Err(error)) => return Err(error),
            Err(_) => {
                storage.abandon();
                return Err(damaged_within());
            }
        };
        let mark_ms = desk.head.mark_ms;
        Ok(Engine {
            keys,
            data_key,
            now: Now::new(options.clock.clone(), mark_ms),
            types,
            index,
            queue: Queue::new(),
            desk: Mutex::new(desk),
            book: Mutex::new(book),
            storage: RwLock::new(Some(storage)),
            health: AtomicU8::new(health::GOOD),
            forks: sys::forks(),
            settings: Settings {
                use_resolution_ms: duration_ms(options.use_resolution)?,
                max_events: options.max_events,
                busy_timeout: options.busy_timeout,
            },
        })
    }
}

struct Contents {
    types: Types,
    index: Index,
    desk: Desk,
    book: Book,
}

fn new_head(options: &Options) -> Head {
    Head {
        sequence: 0,
        records: 0,
        sum: [0; 32],
        mark_ms: Now::start(options.clock.clone()).mark_to_keep_ms(),
        first_event: 1,
        last_id: Id::NONE,
    }
}

/// Runs what touches a file that may be damaged: a panic of the storage is an error.
fn contain<T>(run: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err(damaged_within()))
}

fn damaged_within() -> Error {
    Error::corrupt("the file is damaged: the storage failed inside")
}

fn read_head(snapshot: &dyn Snapshot, keys: &Keys) -> Result<Head> {
    let row = snapshot.head()?.ok_or_else(|| Error::corrupt("the file has no head"))?;
    decode_head(unseal(keys, Table::Head, &[0], &row)?.0)
}

/// The events must be there without a gap, up to the last change.
fn check_events(snapshot: &dyn Snapshot, keys: &Keys, head: &Head) -> Result<()> {
    let mut expected = head.first_event;
    snapshot.events(0, &mut |sequence, row| {
        if sequence != expected {
            return Err(Error::corrupt("an event of the file is missing"));
        }
        decode_event(unseal(keys, Table::Events, &sequence.to_be_bytes(), row)?.0)?;
        expected += 1;
        Ok(true)
    })?;
    if expected != head.sequence + 1 {
        return Err(Error::corrupt("the last events of the file are missing"));
    }
    Ok(())
}

fn read_records(snapshot: &dyn Snapshot, keys: &Keys, head: Head) -> Result<Contents> {
    let (types, mut sum, mut records) = (Types::new(), [0; 32], 0);
    let (index, mut writer) = Index::new(usize::try_from(head.records).unwrap_or(usize::MAX))?;
    let mut entries = Vec::new();
    snapshot.scan(None, &mut |key, row| {
        let (body, part) = unseal(keys, Table::Records, key, row)?;
        add(&mut sum, &part);
        records += 1;
        match record_name(key)? {
            RecordName::Type(type_id) => types.add(type_id, decode_policy(body)?)?,
            RecordName::Token(id) => {
                let record = decode_token(id, body)?;
                let policy = types.get(record.type_id);
                let policy = policy.ok_or_else(|| Error::corrupt("a type of the file is missing"))?;
                if record.revision > head.sequence || id > head.last_id {
                    return Err(Error::corrupt("a record of the file is newer than its head"));
                }
                let holds_name = policy.unique_names && record.revoked.is_none();
                let name = record.name.as_deref().filter(|_| holds_name);
                let name_hash = name.map(|name| keys.name_hash(&record.owner, name));
                entries.push((name_hash, owner_hash(keys, &record.owner), id));
                writer.put(&index, &entry(&record))?;
            }
        }
        Ok(true)
    })?;
    if records != head.records || sum != head.sum {
        return Err(Error::corrupt("the records of the file do not add up"));
    }
    let book = Book::of(entries.iter().copied());
    Ok(Contents { types, index, desk: Desk { writer, head }, book })
}
