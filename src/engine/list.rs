//! Reading records: one token, lists by pages, events, figures.

use super::{Engine, lock};
use crate::clock::{NEVER_MS, from_ms};
use crate::edit::Target;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::filter::{Filter, Page};
use crate::grants::Grants;
use crate::id::Id;
use crate::index::{time_of_use_ms, use_key};
use crate::key::Digest;
use crate::plan::{Action, Op};
use crate::record::{
    Family, Fate, Record, RecordName, Table, decode_event, decode_family, decode_token, family_key,
    record_name, token_key, unseal,
};
use crate::storage::Snapshot;
use crate::token::{OldValue, Revocation, State, Token};
use crate::verdict::{flag, state};

/// How many records a page looks at in one snapshot: a filter that lets nothing through gets further ones.
const RECORDS_A_SNAPSHOT: usize = 1_024;
/// How many tokens a step of removing a project changes.
const TOKENS_A_STEP: usize = 1_000;

/// What a snapshot was asked for.
struct Found {
    records: Vec<Record>,
    /// The last id that was looked at: where to go on.
    last: Option<Id>,
    /// Whether that was the last there is.
    done: bool,
}

/// Figures of an open store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// How many tokens it holds, dead ones included.
    pub tokens: u64,
    /// How many types are declared.
    pub types: u64,
    /// The number of the last change.
    pub sequence: u64,
    /// The oldest event that is kept.
    pub first_event: u64,
    /// How many bytes of the file's pages are in use.
    pub file_bytes: u64,
    /// How many bytes of memory the index takes, the book of owners and names included.
    pub index_bytes: u64,
}

impl Engine {
    pub(crate) fn get(&self, target: &Target) -> Result<Token> {
        target.check()?;
        self.with_storage(|storage| {
            let snapshot = storage.read()?;
            let now_ms = self.now.ms();
            let record = match self.record(&*snapshot, target.id)? {
                Some(record) => Some(record),
                None => self.tickets.get().and_then(|tickets| tickets.get(target.id)),
            };
            let record = record.filter(|record| crate::plan::is_owners(record, target));
            let record = record.ok_or_else(Error::not_found)?;
            crate::plan::check_revision(&record, target)?;
            self.token(&*snapshot, record, now_ms).inspect(|token| self.show_expiry(token, now_ms))
        })
    }

    /// Whoever is shown that a token has expired is told for good.
    fn show_expiry(&self, token: &Token, now_ms: i64) {
        if token.state == State::Expired {
            self.now.raise(now_ms);
        }
    }

    /// A token's record, with what its family has if it is a member.
    pub(super) fn record(&self, snapshot: &dyn Snapshot, id: Id) -> Result<Option<Record>> {
        let key = token_key(id);
        let Some(row) = snapshot.get(&key)? else { return Ok(None) };
        let record = decode_token(id, unseal(&self.keys, Table::Records, &key, &row)?.0)?;
        self.joined(snapshot, record).map(Some)
    }

    fn joined(&self, snapshot: &dyn Snapshot, mut record: Record) -> Result<Record> {
        let family = record.member.as_ref().map(|member| member.family);
        if let Some(family) = family
            && let Some(family) = self.family(snapshot, family)?
        {
            record.join(&family);
        }
        Ok(record)
    }

    pub(super) fn family(&self, snapshot: &dyn Snapshot, id: Id) -> Result<Option<Family>> {
        let key = family_key(id);
        let Some(row) = snapshot.get(&key)? else { return Ok(None) };
        decode_family(id, unseal(&self.keys, Table::Records, &key, &row)?.0).map(Some)
    }

    /// What the index knows of a value: flags, and its last use if that is not written yet.
    fn peek(&self, digest: &Digest) -> Option<(u16, Option<u32>)> {
        let ticket = || self.tickets.get()?.index.peek(digest);
        self.index.peek(digest).or_else(ticket).map(|(_, flags, unwritten)| (flags, unwritten))
    }

    /// A record with what the index knows of it.
    fn token(&self, snapshot: &dyn Snapshot, record: Record, now_ms: i64) -> Result<Token> {
        let known = self.peek(&record.digest);
        // A revocation under way holds already; so does that of an owner, a family or a parent.
        let shown = known.map_or(0, |(flags, _)| flags & (flag::REVOKED | flag::DISABLED | flag::USED));
        let flags = record.flags() | shown;
        let use_of = |digest: &Digest, key: Id| -> Result<Option<i64>> {
            let unwritten = self.peek(digest).and_then(|(_, unwritten)| unwritten);
            let unwritten_ms =
                unwritten.map(|unit| time_of_use_ms(unit, now_ms, self.settings.use_resolution_ms));
            Ok(snapshot.last_use(key)?.max(unwritten_ms))
        };
        let mut last_use = use_of(&record.digest, record.id)?;
        if record.member.as_ref().is_some_and(|member| member.fate == Fate::Ending) {
            // Since the refresh its value is kept as an old one.
            last_use = last_use.max(snapshot.last_use(use_key(&record.digest))?);
        }
        // A use is known to the resolution, which may reach back before the creation.
        let used = |at_ms: Option<i64>| at_ms.map(|at_ms| from_ms(at_ms.max(record.created_ms)));
        let last_used = used(last_use);
        let old_value = match &record.old_value {
            Some(old) => Some(OldValue {
                until: from_ms(old.until_ms.min(record.expires_ms)),
                last_used: used(use_of(&old.digest, use_key(&old.digest))?),
            }),
            None => None,
        };
        let Record {
            id,
            digest: _,
            type_id,
            owner,
            name,
            created_ms,
            expires_ms,
            disabled,
            revoked,
            uses_left,
            ended_ms: _,
            parent,
            member,
            old_value: _,
            grants,
            binding,
            app_word,
            app_data,
            revision,
        } = record;
        Ok(Token {
            id,
            type_id,
            owner,
            name,
            state: state(flags, expires_ms, now_ms),
            created: from_ms(created_ms),
            expires: (expires_ms != NEVER_MS).then(|| from_ms(expires_ms)),
            last_used,
            grants,
            bound: binding.is_some(),
            disabled,
            revocation: revoked
                .map(|revoked| Revocation { at: from_ms(revoked.at_ms), reason: revoked.reason }),
            uses_left,
            parent,
            family: member.as_ref().map(|member| member.family),
            refreshes: member.is_some_and(|member| member.refreshes),
            old_value,
            app_word,
            app_data,
            revision,
        })
    }

    pub(crate) fn list(&self, filter: &Filter) -> Result<Page> {
        filter.check()?;
        let limit = filter.limit.unwrap_or(Filter::MAX_LIMIT);
        let (mut tokens, mut cursor) = (Vec::new(), filter.after);
        loop {
            let (last_looked_at, done) = self.with_storage(|storage| {
                let snapshot = storage.read()?;
                let now_ms = self.now.ms();
                let found = self.some_records(&*snapshot, filter, cursor)?;
                let mut last = cursor;
                for record in found.records {
                    if tokens.len() == limit {
                        return Ok((last, false));
                    }
                    last = Some(record.id);
                    let token = self.token(&*snapshot, record, now_ms)?;
                    if filter.admits(&token) {
                        self.show_expiry(&token, now_ms);
                        tokens.push(token);
                    }
                }
                Ok((found.last, found.done))
            })?;
            if done {
                return Ok(Page { tokens, next: None });
            }
            cursor = last_looked_at;
            if tokens.len() == limit {
                return Ok(Page { tokens, next: cursor });
            }
        }
    }

    /// Records behind a cursor, as many as a snapshot looks at.
    fn some_records(&self, snapshot: &dyn Snapshot, filter: &Filter, after: Option<Id>) -> Result<Found> {
        let mut found = Found { records: Vec::new(), last: after, done: true };
        if let Some(owner) = &filter.owner {
            let ids = lock(&self.book).owned_by(&self.keys, owner, after, RECORDS_A_SNAPSHOT);
            found.done = ids.len() < RECORDS_A_SNAPSHOT;
            for id in ids {
                // The book may be ahead of what is committed.
                found.records.extend(self.record(snapshot, id)?);
                found.last = Some(id);
            }
            return Ok(found);
        }
        let after = token_key(after.unwrap_or(Id::NONE));
        snapshot.scan(Some(&after), &mut |key, row| {
            if let RecordName::Token(id) = record_name(key)? {
                let record = decode_token(id, unseal(&self.keys, Table::Records, key, row)?.0)?;
                found.records.push(self.joined(snapshot, record)?);
                found.last = Some(id);
            }
            found.done = found.records.len() < RECORDS_A_SNAPSHOT;
            Ok(found.done)
        })?;
        Ok(found)
    }

    /// The events behind `after`, ascending, at most `limit`.
    pub(crate) fn events(&self, after: u64, limit: usize) -> Result<Vec<Event>> {
        if !(1..=Filter::MAX_LIMIT).contains(&limit) {
            return Err(Error::invalid("a page has 1 to 1,000 events"));
        }
        self.with_storage(|storage| {
            let mut events = Vec::new();
            storage.read()?.events(after.saturating_add(1), &mut |sequence, row| {
                let body = unseal(&self.keys, Table::Events, &sequence.to_be_bytes(), row)?.0;
                events.push(decode_event(body)?.into_event(sequence));
                Ok(events.len() < limit)
            })?;
            Ok(events)
        })
    }

    /// Takes a project from every token that is granted it by name; returns how many.
    pub(crate) fn remove_project(&self, project: &[u8], by: &str, reason: &str) -> Result<u64> {
        crate::limits::check_project(project)?;
        Target::new(Id::NONE).by(by).reason(reason).check()?;
        self.changeable()?;
        let (mut removed, mut after) = (0, None);
        loop {
            let (ids, last, done) = self.granted_by_name(project, after)?;
            if !ids.is_empty() {
                let target = |id| Target::new(id).by(by).reason(reason);
                let ops = ids.into_iter().map(|id| Op::Change(target(id), Action::Ungrant(project.to_vec())));
                for answer in self.run_many(ops.collect())? {
                    match answer {
                        Ok(crate::plan::Answer::Change(change)) => removed += u64::from(change.changed),
                        Ok(_) => {}
                        // It was granted all, died or went meanwhile: it does not reach the project by name any more.
                        Err(error) if error.is_refusal() => {}
                        Err(error) => return Err(error),
                    }
                }
            }
            if done {
                return Ok(removed);
            }
            after = last;
        }
    }

    /// Some tokens behind a cursor that are granted a project by name and can be changed; the cursor; whether they
    /// are the last.
    fn granted_by_name(&self, project: &[u8], after: Option<Id>) -> Result<(Vec<Id>, Option<Id>, bool)> {
        self.with_storage(|storage| {
            let now_ms = self.now.ms();
            let (mut ids, mut last, mut seen) = (Vec::new(), after, 0);
            let from = token_key(after.unwrap_or(Id::NONE));
            let mut more = false;
            let snapshot = storage.read()?;
            snapshot.scan(Some(&from), &mut |key, row| {
                let RecordName::Token(id) = record_name(key)? else { return Ok(true) };
                let record = decode_token(id, unseal(&self.keys, Table::Records, key, row)?.0)?;
                let record = self.joined(&*snapshot, record)?;
                let by_name =
                    matches!(&record.grants, Grants::Projects(projects) if projects.contains(project));
                let dead = self.peek(&record.digest).is_some_and(|(flags, _)| flags & flag::REVOKED != 0);
                if by_name && !crate::plan::state(&record, dead, now_ms).is_dead() {
                    ids.push(id);
                }
                last = Some(id);
                seen += 1;
                more = ids.len() >= TOKENS_A_STEP || seen >= RECORDS_A_SNAPSHOT;
                Ok(!more)
            })?;
            Ok((ids, last, !more))
        })
    }

    pub(crate) fn stats(&self) -> Result<Stats> {
        // Before the lock, which in a forked child may be held by a thread that does not exist there.
        self.usable()?;
        // Counting takes the place to write.
        let turn = lock(&self.turn);
        let file_bytes = self.with_storage(|storage| storage.used_bytes(self.settings.busy_timeout))?;
        drop(turn);
        let desk = lock(&self.desk);
        let book = lock(&self.book);
        Ok(Stats {
            tokens: book.tokens() as u64,
            types: self.types.len() as u64,
            sequence: desk.head.sequence,
            first_event: desk.head.first_event,
            file_bytes,
            index_bytes: desk.writer.bytes(&self.index) + book.bytes(),
        })
    }
}
