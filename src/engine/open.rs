//! Opening: everything in the file is read, checked, and put into the index.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, AtomicU64};
use std::sync::{Mutex, OnceLock, RwLock};

use super::book::{Book, Place, owner_hash};
use super::commit::{Desk, entries, kin_of_family, kin_of_parent};
use super::marks::Marks;
use super::{Engine, Queue, Settings, Types, close_storage, health};
use crate::clock::{Now, duration_ms, first_mark_ms};
use crate::error::{Error, ErrorKind, Result};
use crate::id::Id;
use crate::index::Index;
use crate::key::{Keys, add};
use crate::options::Options;
use crate::record::{
    Family, Fate, Head, OwnerKill, Record, RecordKey, RecordName, Table, decode_event, decode_family,
    decode_head, decode_owner_kill, decode_policy, decode_token, owner_kill_key, record_name, token_key,
    unseal,
};
use crate::storage::{self, How, Inherited, Opened, OpenedBy, Rows, Snapshot, WrapDisk};
use crate::sys;
use crate::verdict::flag;

impl Engine {
    pub(crate) fn create(path: &Path, options: &Options) -> Result<Engine> {
        let create = || storage::create_file(path, options.caller_key(), &new_head(options), options.shared);
        contain(create)?;
        Engine::open(path, options)
    }

    pub(crate) fn open(path: &Path, options: &Options) -> Result<Engine> {
        Engine::open_with(path, options, OpenedBy::CallerKey(options.caller_key()), &|disk| disk)
    }

    /// The same store for a child process of the one that opened it.
    pub(crate) fn open_again(&self) -> Result<Engine> {
        let (Some(Again { path, options }), Some(file)) = (&self.again, self.file) else {
            return Err(self.why_unusable());
        };
        // The board is the parent's still.
        let generation = self.board.generation();
        let (data_key, store_id) = (&self.data_key, self.keys.store_id());
        let parent = Inherited { data_key, store_id, file, generation };
        Engine::open_with(path, options, OpenedBy::Parent(parent), &|disk| disk)
    }

    fn open_with(path: &Path, options: &Options, key: OpenedBy<'_>, wrap: &WrapDisk<'_>) -> Result<Engine> {
        let shared = options.shared.then_some(options.busy_timeout);
        let how = How { key, cache_bytes: options.cache_bytes, shared, wrap };
        // A child may be elsewhere when it opens it.
        let again = options.shared.then(|| -> Result<Again> {
            let path = std::path::absolute(path).map_err(|error| Error::io("opening the store", &error))?;
            // What a child needs of the key, it has.
            Ok(Again { path, options: Options { key: None, ..options.clone() } })
        });
        let again = again.transpose()?;
        contain(|| storage::open_file(path, &how)).and_then(|opened| Engine::start(opened, options, again))
    }

    pub(crate) fn in_memory(options: &Options) -> Result<Engine> {
        storage::in_memory(&new_head(options)).and_then(|opened| Engine::start(opened, options, None))
    }

    #[cfg(feature = "testing")]
    pub(crate) fn open_through(path: &Path, options: &Options, wrap: &WrapDisk<'_>) -> Result<Engine> {
        Engine::open_with(path, options, OpenedBy::CallerKey(options.caller_key()), wrap)
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
        let key = OpenedBy::CallerKey(options.caller_key());
        let how = How { key, cache_bytes: options.cache_bytes, shared: None, wrap: &|disk| disk };
        contain(|| storage::open_on(disk, None, None, &how))
            .and_then(|opened| Engine::start(opened, options, None))
    }

    /// Reads and checks everything.
    fn start(opened: Opened, options: &Options, again: Option<Again>) -> Result<Engine> {
        let Opened { storage, data_key, store_id, acknowledged, file, board, alone } = opened;
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
            read_records(&*snapshot, &keys, head, alone)
        }));
        let Contents { types, index, desk, book } = match read {
            Ok(Ok(contents)) => contents,
            Ok(Err(error)) => {
                // What was found wrong may be met again by a close, and what that says is no news.
                let _unheard = close_storage(storage);
                return Err(error);
            }
            Err(_) => {
                storage.abandon();
                return Err(damaged_within());
            }
        };
        let Head { mark_ms, sequence, .. } = desk.head;
        // Who wrote the last change may have died before it made that known.
        board.raise_generation(sequence);
        Ok(Engine {
            keys,
            data_key,
            now: Now::new(options.clock.clone(), board.clone(), mark_ms),
            types,
            index,
            queue: Queue::new(),
            turn: Mutex::new(()),
            applied: AtomicU64::new(sequence),
            board,
            desk: Mutex::new(desk),
            book: Mutex::new(book),
            tickets: OnceLock::new(),
            storage: RwLock::new(Some(storage)),
            health: AtomicU8::new(health::GOOD),
            forks: sys::forks(),
            again,
            file,
            settings: Settings {
                use_resolution_ms: duration_ms(options.use_resolution)?,
                max_events: options.max_events,
                busy_timeout: options.busy_timeout,
                alone,
            },
        })
    }
}

/// How a child process opens the store for itself.
pub(super) struct Again {
    path: PathBuf,
    options: Options,
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
        mark_ms: first_mark_ms(&options.clock),
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

pub(super) fn read_head(rows: &dyn Rows, keys: &Keys) -> Result<Head> {
    let row = rows.head()?.ok_or_else(|| Error::corrupt("the file has no head"))?;
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

fn read_records(snapshot: &dyn Snapshot, keys: &Keys, head: Head, alone: bool) -> Result<Contents> {
    let mut reading = Reading::new(keys, head, alone)?;
    let (mut sum, mut records) = ([0; 32], 0);
    snapshot.scan(None, &mut |key, row| {
        let (body, part) = unseal(keys, Table::Records, key, row)?;
        add(&mut sum, &part);
        records += 1;
        match record_name(key)? {
            RecordName::Type(type_id) => reading.types.add(type_id, decode_policy(body)?)?,
            RecordName::Family(id) => reading.family(decode_family(id, body)?)?,
            RecordName::OwnerKill(_) => reading.owner_kill(key, &decode_owner_kill(body)?, part)?,
            RecordName::Token(id) => reading.token(decode_token(id, body)?)?,
        }
        Ok(true)
    })?;
    if records != reading.desk.head.records || sum != reading.desk.head.sum {
        return Err(Error::corrupt("the records of the file do not add up"));
    }
    reading.end(snapshot)
}

fn read_token(snapshot: &dyn Snapshot, keys: &Keys, id: Id) -> Result<Option<Record>> {
    let key = token_key(id);
    let Some(row) = snapshot.get(&key)? else { return Ok(None) };
    decode_token(id, unseal(keys, Table::Records, &key, &row)?.0).map(Some)
}

/// What was read so far. The rows come in the order of their keys: types, families, owners' revocations, tokens.
struct Reading<'a> {
    keys: &'a Keys,
    types: Types,
    index: Index,
    desk: Desk,
    families: HashMap<Id, Family>,
    /// Tokens with a parent, ascending, until everything else is known.
    children: Vec<Record>,
    /// Of each token the hashes of its name and owner, for the book.
    names: Vec<(Option<u32>, u32, Id)>,
    /// Families and their members that live.
    members: Vec<(Id, Id)>,
    /// Where tokens stand, if other processes may take them away.
    places: Option<Vec<(Id, Place)>>,
    /// When tokens end that are swept out then.
    ends: Vec<(i64, Id)>,
}

impl<'a> Reading<'a> {
    fn new(keys: &'a Keys, head: Head, alone: bool) -> Result<Reading<'a>> {
        let (index, writer) = Index::new(usize::try_from(head.records).unwrap_or(usize::MAX))?;
        Ok(Reading {
            keys,
            types: Types::new(),
            index,
            desk: Desk { writer, head, marks: Marks::default() },
            families: HashMap::new(),
            children: Vec::new(),
            names: Vec::new(),
            members: Vec::new(),
            places: (!alone).then(Vec::new),
            ends: Vec::new(),
        })
    }

    fn family(&mut self, family: Family) -> Result<()> {
        self.check_head(family.revision, family.id)?;
        self.families.insert(family.id, family);
        Ok(())
    }

    fn owner_kill(&mut self, key: &RecordKey, kill: &OwnerKill, part: [u8; 32]) -> Result<()> {
        self.check_head(kill.watermark, Id::NONE)?;
        if *key != owner_kill_key(self.keys, &kill.owner, kill.type_id) {
            return Err(Error::corrupt("a revocation of the file stands in another's place"));
        }
        self.desk.marks.set(kill, part);
        Ok(())
    }

    fn token(&mut self, mut record: Record) -> Result<()> {
        self.check_head(record.revision, record.id)?;
        let policy = self.types.get(record.type_id);
        let policy = policy.ok_or_else(|| Error::corrupt("a type of the file is missing"))?;
        let holds_name = policy.unique_names && record.revoked.is_none() && record.member.is_none();
        let is_volatile = policy.is_volatile();
        let dead = self.join(&mut record)?;
        if let Some(member) = record.member.as_ref().filter(|member| member.fate != Fate::Superseded) {
            self.members.push((member.family, record.id));
        }
        let name = record.name.as_deref().filter(|_| holds_name);
        let name_hash = name.map(|name| self.keys.name_hash(&record.owner, name));
        self.names.push((name_hash, owner_hash(self.keys, &record.owner), record.id));
        if let Some(places) = &mut self.places {
            places.push((record.id, Place::of(self.keys, &record, holds_name)));
            if is_volatile {
                self.ends.push((record.expires_ms, record.id));
            }
        }
        if record.parent.is_some() {
            self.children.push(record);
            return Ok(());
        }
        self.put(&record, dead)
    }

    /// Puts in what a member has of its family; whether the token died with its family or its owner.
    fn join(&mut self, record: &mut Record) -> Result<bool> {
        let dead = self.desk.marks.highest(&record.owner, &[record.type_id]) >= record.revision;
        let Some(member) = &record.member else { return Ok(dead) };
        let Some(family) = self.families.get(&member.family) else { return Ok(true) };
        record.join(family);
        self.desk.writer.know_line(&self.index, &kin_of_family(family))?;
        let types = [family.refresh_type, family.access_type];
        let marked = |mark: u64| mark >= family.revision || mark >= record.revision;
        Ok(family.revoked.is_some() || marked(self.desk.marks.highest(&family.owner, &types)))
    }

    /// Puts in the tokens that have a parent, each behind what it hangs on.
    fn put_children(&mut self, snapshot: &dyn Snapshot) -> Result<()> {
        let children = std::mem::take(&mut self.children);
        // Whether each parent is revoked, for its children.
        let mut ends: HashMap<Id, bool> = HashMap::new();
        for child in &children {
            let Some(parent) = child.parent else { continue };
            let dead = match ends.get(&parent) {
                Some(dead) => *dead,
                None => {
                    // A parent with a parent came before its child, and was put in already.
                    let known = children.binary_search_by_key(&parent, |record| record.id).ok();
                    let record = match known.and_then(|place| children.get(place)) {
                        Some(record) => Some(record.clone()),
                        None => read_token(snapshot, self.keys, parent)?,
                    };
                    self.know_parent(record, &ends)?
                }
            };
            ends.insert(parent, dead);
            let own = self.desk.marks.highest(&child.owner, &[child.type_id]) >= child.revision;
            self.put(child, dead || own)?;
        }
        Ok(())
    }

    /// Makes a parent's line known; whether the parent is revoked.
    fn know_parent(&mut self, parent: Option<Record>, ends: &HashMap<Id, bool>) -> Result<bool> {
        let Some(mut parent) = parent else { return Ok(true) };
        let dead = self.join(&mut parent)? || parent.revoked.is_some();
        self.desk.writer.know_line(&self.index, &kin_of_parent(&parent))?;
        Ok(dead || parent.parent.is_some_and(|above| ends.get(&above).copied().unwrap_or(true)))
    }

    fn end(mut self, snapshot: &dyn Snapshot) -> Result<Contents> {
        self.put_children(snapshot)?;
        let Reading { types, index, desk, names, members, places, ends, .. } = self;
        let mut book = Book::of(names.iter().copied());
        members.into_iter().for_each(|(family, id)| book.add_member(family, id));
        ends.into_iter().for_each(|(end_ms, id)| book.note_end(end_ms, id));
        places.into_iter().for_each(|places| book.keep_places(places));
        Ok(Contents { types, index, desk, book })
    }

    fn put(&mut self, record: &Record, dead: bool) -> Result<()> {
        let flags = if dead { flag::REVOKED } else { 0 };
        entries(record, flags).try_for_each(|entry| self.desk.writer.put(&self.index, &entry))
    }

    fn check_head(&self, revision: u64, id: Id) -> Result<()> {
        if revision > self.desk.head.sequence || id > self.desk.head.last_id {
            return Err(Error::corrupt("a record of the file is newer than its head"));
        }
        Ok(())
    }
}
