//! Planning changes of types and tokens: what each makes of the records, and what of it is shown at once.

use super::pending::{MAX_DEPTH, Pending};
use super::types::too_many;
use super::{Desk, Engine, lock, no_such_type};
use crate::edit::{Change, Target};
use crate::error::{Error, ErrorKind, Result};
use crate::event::EventKind;
use crate::id::Id;
use crate::index::use_unit;
use crate::key::Digest;
use crate::new_token::NewToken;
use crate::plan::{self, Action, Answer, Planned, Spent};
use crate::policy::{TypeId, TypePolicy};
use crate::record::{Family, Record, Subject};
use crate::token::State;
use crate::value::fill_random;
use crate::verdict::{Query, Status};

impl Engine {
    pub(super) fn plan_declare(&self, pending: &mut Pending<'_>, policy: TypePolicy) -> Result<TypeId> {
        policy.check()?;
        let declared =
            self.types.iter().chain(pending.changes.types.iter().map(|(type_id, policy)| (*type_id, policy)));
        for (type_id, known) in declared {
            if known.name == policy.name {
                return if *known == policy {
                    Ok(type_id)
                } else {
                    Err(Error::new(ErrorKind::TypeConflict, "the type is declared with another policy"))
                };
            }
            if known.prefix == policy.prefix {
                return Err(Error::new(ErrorKind::TypeConflict, "the prefix is another type's"));
            }
        }
        let number = self.types.len() + pending.changes.types.len() + 1;
        if number > crate::policy::MAX_TYPES {
            return Err(too_many());
        }
        let type_id = TypeId(number as u16);
        pending.next(EventKind::TypeDeclared, Subject::Type(type_id), "", "")?;
        pending.changes.types.push((type_id, policy));
        Ok(type_id)
    }

    pub(super) fn plan_create(
        &self,
        pending: &mut Pending<'_>,
        desk: &mut Desk,
        new: NewToken,
        digest: Digest,
    ) -> Result<Answer> {
        let policy = self.types.get(new.type_id).ok_or_else(no_such_type)?;
        new.check()?;
        if policy.families.is_some() {
            return Err(Error::invalid("a refresh value is made with its family, by issuing a pair"));
        }
        // A refused creation takes no number, so that whatever can be refused comes before one is drawn.
        policy.expiry_ms(new.expires, pending.now_ms, pending.now_ms)?;
        let parent = new.parent.map(|parent| self.plan_parent(pending, desk, parent)).transpose()?;
        if policy.unique_names && self.find_namesake(pending, desk, &new)?.is_some() {
            return Err(name_taken());
        }
        self.check_new_value(pending, &digest)?;
        let id = next_id(pending)?;
        let by = new.by.clone();
        let revision = pending.next(EventKind::Created, Subject::Token(id), &by, "")?;
        let record = plan::create(new, digest, policy, parent.as_ref(), id, revision, pending.now_ms)?;
        pending.head.last_id = id;
        pending.digests.insert(digest, id);
        let mut book = lock(&self.book);
        book.add(&self.keys, &record);
        if let (true, Some(name)) = (policy.unique_names, &record.name) {
            book.take_name(&self.keys, &record.owner, name, id);
        }
        pending.leave_token(id, Some(record));
        drop(book);
        if policy.is_volatile() {
            self.sweep(pending, desk)?;
        }
        Ok(Answer::Created { id, revision })
    }

    /// # Errors
    /// ValueExists if the store knows the value.
    pub(super) fn check_new_value(&self, pending: &Pending<'_>, digest: &Digest) -> Result<()> {
        let ticket = || self.tickets.get()?.index.peek(digest);
        if self.index.peek(digest).or_else(ticket).is_some() || pending.digests.contains_key(digest) {
            return Err(Error::new(ErrorKind::ValueExists, "the store knows this value already"));
        }
        Ok(())
    }

    /// The token that a new one is to hang on.
    fn plan_parent(&self, pending: &mut Pending<'_>, desk: &Desk, id: Id) -> Result<Record> {
        let parent = pending.token(id)?.ok_or_else(|| Error::new(ErrorKind::NotFound, "no such parent"))?;
        match pending.state(desk, &parent)? {
            State::Superseded => return Err(Error::invalid("a refresh of its family ended the parent")),
            state => plan::refusal_of(state).map_or(Ok(()), Err)?,
        }
        let (mut depth, mut above) = (1, parent.parent);
        while let Some(id) = above {
            depth += 1;
            above = pending.token(id)?.and_then(|record| record.parent);
        }
        if depth > MAX_DEPTH {
            return Err(Error::new(
                ErrorKind::LimitReached,
                "a chain of tokens is at most four below its first",
            ));
        }
        Ok(parent)
    }

    pub(super) fn plan_change(
        &self,
        pending: &mut Pending<'_>,
        desk: &mut Desk,
        target: &Target,
        action: &Action,
    ) -> Result<Change> {
        target.check()?;
        if let Action::Edit(edit) = action {
            edit.check()?;
        }
        let record = pending.token(target.id)?.ok_or_else(Error::not_found)?;
        let family = match &record.member {
            Some(member) => pending.family(member.family)?,
            None => None,
        };
        if let (Some(family), Action::Revoke) = (&family, action)
            && record.member.as_ref().is_some_and(|member| member.refreshes)
        {
            // Whoever revokes a refresh value, used or not, revokes what it stands for.
            if !plan::is_owners(&record, target) {
                return Err(Error::not_found());
            }
            plan::check_revision(&record, target)?;
            return self.plan_family_end(pending, desk, family.clone(), target);
        }
        if let Some(family) = &family
            && family.expires_ms <= pending.now_ms
            && !matches!(action, Action::Revoke | Action::Delete)
            && plan::is_owners(&record, target)
            && !pending.is_dead_family(desk, family)
            && record.revoked.is_none()
        {
            // What is done to a used member is done to a family whose time is over.
            self.now.raise(pending.now_ms);
            return Err(Error::new(ErrorKind::Expired, "the family has expired"));
        }
        let policy = self.types.get(record.type_id).ok_or_else(no_such_type)?;
        if let Action::Rotate(digest, _) = action {
            self.check_new_value(pending, digest)?;
        }
        let revision = pending.head.sequence + 1;
        let dead = pending.is_orphaned(desk, &record, MAX_DEPTH + 2)?;
        let planned = plan::change(action, target, &record, dead, policy, revision, pending.now_ms);
        // Who was told that it has expired was told for good.
        let planned = planned.inspect_err(|error| {
            if error.kind() == ErrorKind::Expired {
                self.now.raise(pending.now_ms);
            }
        })?;
        let after = match planned {
            Planned::Nothing => return Ok(Change { changed: false, revision: record.revision }),
            Planned::Put(after) => Some(*after),
            Planned::Delete => None,
        };
        let after = match (after, record.parent) {
            (Some(after), Some(parent)) if after.expires_ms != record.expires_ms => {
                // As at its creation: no later than its parent's.
                let latest_ms = pending.token(parent)?.map_or(after.expires_ms, |parent| parent.expires_ms);
                if latest_ms <= pending.now_ms {
                    return Err(Error::invalid("the expiry is later than the parent's, which is over"));
                }
                let after = Record { expires_ms: after.expires_ms.min(latest_ms), ..after };
                if after == (Record { revision, ..record.clone() }) {
                    return Ok(Change { changed: false, revision: record.revision });
                }
                Some(after)
            }
            (after, _) => after,
        };
        if let (Some(after), Some(family)) = (&after, &family) {
            if after.expires_ms > family.expires_ms {
                return Err(Error::invalid("the expiry is later than the family's"));
            }
        } else {
            self.plan_name(pending, desk, policy, (&record, dead), after.as_ref())?;
        }
        pending.next(action.event(), Subject::Token(target.id), &target.by, &target.reason)?;
        // Nothing refuses it any more: what ends a token takes effect now.
        match action {
            Action::Revoke | Action::Delete => self.show_end(desk, &record),
            Action::Disable if family.is_none() => self.show_off(desk, &record),
            _ => {}
        }
        match (after, family) {
            (Some(after), Some(family)) if is_the_familys(&record, &after) => {
                let changed = family_after(family, &after, revision);
                self.plan_family_change(pending, desk, changed, after)?;
            }
            (after, family) => {
                if let (None, Some(family)) = (&after, &family) {
                    self.plan_member_gone(pending, desk, family.clone(), &record, revision, target)?;
                }
                if let Action::Rotate(digest, _) = action {
                    pending.digests.insert(*digest, target.id);
                    // What was used so far was the token's value, and not yet its old one.
                    let used = desk.writer.take_use_of(&self.index, &record.digest);
                    pending.uses.extend(used.map(|unit| (target.id, unit)));
                }
                let gone = after.is_none();
                pending.leave_token(target.id, after);
                return Ok(Change { changed: true, revision: if gone { 0 } else { revision } });
            }
        }
        Ok(Change { changed: true, revision })
    }

    /// Shows at once that a token is revoked.
    pub(super) fn show_end(&self, desk: &mut Desk, record: &Record) {
        digests(record).for_each(|digest| desk.writer.kill(&self.index, &digest));
    }

    /// Shows at once that a token is switched off.
    pub(super) fn show_off(&self, desk: &mut Desk, record: &Record) {
        digests(record).for_each(|digest| desk.writer.disable(&self.index, &digest));
    }

    /// Spends a use.
    pub(super) fn plan_consume(
        &self,
        pending: &mut Pending<'_>,
        desk: &mut Desk,
        digest: &Digest,
        query: &Query,
    ) -> Result<Spent> {
        let known = self.index.peek(digest).map(|(id, _, _)| id);
        let Some(id) = known.or_else(|| pending.digests.get(digest).copied()) else {
            return Ok(Spent::Nothing(Status::Unknown));
        };
        let record = pending.token(id)?.filter(|record| record.digest == *digest);
        let Some(record) = record else { return Ok(Spent::Nothing(Status::Unknown)) };
        let dead = pending.is_orphaned(desk, &record, MAX_DEPTH + 2)?;
        let by_name_only = self.by_name_only(record.type_id);
        match plan::consume(&record, dead, by_name_only, query, pending.now_ms) {
            Status::Ok => {}
            refusal => {
                if refusal == Status::Expired {
                    self.now.raise(pending.now_ms);
                }
                return Ok(Spent::Nothing(refusal));
            }
        }
        let revision = pending.next(EventKind::Consumed, Subject::Token(id), "", "")?;
        let after = plan::spend(record, revision, pending.now_ms);
        let uses_left = after.uses_left.unwrap_or(0);
        if uses_left == 0 {
            desk.writer.use_up(&self.index, digest);
            // A token that died holds no name.
            if let Some(name) = &after.name {
                lock(&self.book).free_name(&self.keys, &after.owner, name, id);
            }
        }
        // Whoever spends a use uses the token.
        pending.uses.push((id, use_unit(pending.now_ms, self.settings.use_resolution_ms)));
        let app_data = after.app_data.clone();
        pending.leave_token(id, Some(after));
        Ok(Spent::Use { revision, uses_left, app_data })
    }

    /// Takes and frees the names that a change of a record takes and frees.
    fn plan_name(
        &self,
        pending: &mut Pending<'_>,
        desk: &Desk,
        policy: &TypePolicy,
        (before, dead): (&Record, bool),
        after: Option<&Record>,
    ) -> Result<()> {
        if !policy.unique_names {
            if after.is_none() {
                lock(&self.book).remove(&self.keys, before);
            }
            return Ok(());
        }
        // A dead token holds no name; it may still be deleted, or revoked for the record.
        let held = |record: &&Record| !plan::state(record, dead, pending.now_ms).is_dead();
        let old = Some(before).filter(held).and_then(|record| record.name.clone());
        let new = after.filter(held).and_then(|record| record.name.clone());
        if old != new
            && let Some(name) = &new
            && self.find_name(pending, desk, &before.owner, name)?.is_some()
        {
            return Err(name_taken());
        }
        let mut book = lock(&self.book);
        if let Some(name) = before.name.as_deref().filter(|name| new.as_deref() != Some(*name)) {
            book.free_name(&self.keys, &before.owner, name, before.id);
        }
        if let Some(name) = new {
            book.take_name(&self.keys, &before.owner, &name, before.id);
        }
        if after.is_none() {
            book.remove(&self.keys, before);
        }
        Ok(())
    }

    /// The live token that holds the name of a new one.
    pub(super) fn find_namesake(
        &self,
        pending: &mut Pending<'_>,
        desk: &Desk,
        new: &NewToken,
    ) -> Result<Option<Record>> {
        match &new.name {
            Some(name) => self.find_name(pending, desk, &new.owner, name),
            None => Ok(None),
        }
    }

    /// The live token of this owner that holds this name.
    fn find_name(
        &self,
        pending: &mut Pending<'_>,
        desk: &Desk,
        owner: &[u8],
        name: &str,
    ) -> Result<Option<Record>> {
        let candidates = lock(&self.book).named(&self.keys, owner, name);
        for id in candidates {
            let Some(record) = pending.token(id)? else { continue };
            if record.owner != owner || record.name.as_deref() != Some(name) {
                continue;
            }
            if pending.state(desk, &record)?.is_dead() {
                // The name is free from now on, whatever the clock does.
                self.now.raise(pending.now_ms);
                lock(&self.book).free_name(&self.keys, owner, name, id);
            } else {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }
}

/// The digests by which a token is found.
pub(super) fn digests(record: &Record) -> impl Iterator<Item = Digest> {
    [Some(record.digest), record.old_value.as_ref().map(|old| old.digest)].into_iter().flatten()
}

/// The id of a token or a family that is about to be made.
pub(super) fn next_id(pending: &Pending<'_>) -> Result<Id> {
    let mut random = [0; 16];
    fill_random(&mut random)?;
    Ok(Id::next(pending.head.last_id, pending.now_ms, random))
}

/// Whether a change of a member is one of what belongs to its family.
fn is_the_familys(before: &Record, after: &Record) -> bool {
    before.name != after.name
        || before.grants != after.grants
        || before.disabled != after.disabled
        || before.app_data != after.app_data
        || before.app_word != after.app_word
}

/// A family after a change to a member.
fn family_after(family: Family, member: &Record, revision: u64) -> Family {
    Family {
        name: member.name.clone(),
        grants: member.grants.clone(),
        disabled: member.disabled,
        app_data: member.app_data.clone(),
        app_word: member.app_word,
        revision,
        ..family
    }
}

fn name_taken() -> Error {
    Error::new(ErrorKind::NameTaken, "a live token of the owner has this name")
}
