//! The store, as its callers see it.

use std::ops::Deref;
use std::time::Duration;

use time::OffsetDateTime;

use crate::clock::{duration_ms, to_ms};
use crate::edit::{Change, Edit, Target};
use crate::engine::{Engine, MAX_BATCH_BYTES, MAX_BATCH_OPS, Stats, Types, stale};
use crate::error::{Error, ErrorKind, Result};
use crate::event::Event;
use crate::filter::{Filter, Page};
use crate::id::Id;
use crate::key::Digest;
use crate::limits::check_project;
use crate::new_token::{Created, CreatedOrExisting, NewToken, Registered};
use crate::pair::{NewPair, Pair, PairValues, Refresh};
use crate::plan::{Action, Answer, Op, Spent};
use crate::policy::{TypeId, TypePolicy};
use crate::sys::OfProcess;
use crate::token::Token;
use crate::value::{Value, of_authorization};
#[cfg(doc)]
use crate::verdict::Status;
use crate::verdict::{OwnerRef, Query, Verdict};

/// An open store: share it by reference or in an `Arc`; every call may run beside any other.
///
/// A change is on the disk when its call returns. What ends a token is seen by every verify before that; what allows
/// more, from then on. Changes of several threads share commits.
///
/// Every call can also answer [`Closed`](ErrorKind::Closed) and, in a child process of the one that opened the
/// store, [`Forked`](ErrorKind::Forked); every change also [`Busy`](ErrorKind::Busy), [`Io`](ErrorKind::Io),
/// [`CommitUnknown`](ErrorKind::CommitUnknown), [`Poisoned`](ErrorKind::Poisoned) and [`Panic`](ErrorKind::Panic).
///
/// In a [shared](crate::Options::shared) store every call, a verify too, first sees to it that this process knows what
/// others changed. If it cannot, its answer is what kept it from that, as a change's; and in a child process it opens the
/// store first, and can answer as [`open`](crate::Options::open) does. What cannot answer with an error
/// ([`find_type`](Store::find_type), [`policy`](Store::policy), [`types`](Store::types)) tells what this process knows.
pub struct Store {
    engine: OfProcess<Engine>,
}

impl Store {
    pub(crate) fn new(engine: Engine) -> Store {
        Store { engine: OfProcess::new(engine) }
    }

    /// This process's engine: the one that the store was opened with, or in a child process, if the store is shared, one of
    /// its own.
    #[inline]
    fn own_engine(&self) -> Result<&Engine> {
        let engine = self.engine.get();
        if engine.is_own() || !engine.can_open_again() {
            return Ok(engine);
        }
        self.engine.replace(Engine::is_own, Engine::open_again)
    }

    /// The same, knowing all that other processes changed.
    #[inline]
    fn engine(&self) -> Result<&Engine> {
        let engine = self.own_engine()?;
        engine.current()?;
        Ok(engine)
    }

    /// The types as far as this process knows them.
    fn known_types(&self) -> &Types {
        self.engine().unwrap_or_else(|_| self.engine.get()).types()
    }

    /// The engine for a verify.
    #[inline]
    fn judge(&self, query: &Query) -> Result<&Engine> {
        if !query.no_wait {
            return self.engine();
        }
        let engine = self.engine.get();
        if !engine.is_own() && engine.can_open_again() {
            return Err(stale());
        }
        engine.current_now()?;
        Ok(engine)
    }

    /// Declares a type, or finds it if it is declared alike. Declare every type before values made elsewhere are
    /// registered: a value that begins with a prefix declared later is malformed from then on.
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) for a policy out of its ranges;
    /// [`TypeConflict`](ErrorKind::TypeConflict) if the name is declared with another policy, or the prefix is another
    /// type's; [`LimitReached`](ErrorKind::LimitReached) at 1,000 types.
    pub fn declare(&self, policy: &TypePolicy) -> Result<TypeId> {
        policy.check()?;
        let engine = self.engine()?;
        // Declared alike at every start of a service: no need to write then.
        if let Some((type_id, known)) = engine.types().iter().find(|(_, known)| *known == policy) {
            debug_assert_eq!(known.name(), policy.name());
            return Ok(type_id);
        }
        match engine.run(Op::Declare(policy.clone()))? {
            Answer::Type(type_id) => Ok(type_id),
            _ => Err(mixed_up()),
        }
    }

    /// The type of this name, if it is declared.
    pub fn find_type(&self, name: &str) -> Option<TypeId> {
        self.known_types().find(name)
    }

    /// The policy of a type.
    pub fn policy(&self, type_id: TypeId) -> Option<&TypePolicy> {
        self.known_types().get(type_id)
    }

    /// Every type and its policy, in the order of declaration.
    pub fn types(&self) -> impl Iterator<Item = (TypeId, &TypePolicy)> {
        self.known_types().iter()
    }

    /// Makes a token. Its value is in the answer and nowhere else.
    ///
    /// # Errors
    /// [`NameTaken`](ErrorKind::NameTaken) if a live token of the owner holds the name;
    /// [`NotFound`](ErrorKind::NotFound) if the type is not declared;
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) for a field out of its range, a lifetime longer than the type
    /// allows, or an expiry that is past; [`LimitReached`](ErrorKind::LimitReached).
    pub fn create(&self, token: &NewToken) -> Result<Created> {
        let engine = self.engine()?;
        if let Some(policy) = engine.ticket_policy(token.type_id) {
            let value = Value::generate(policy.prefix())?;
            let digest = engine.digest(value.as_bytes());
            let (id, revision) = engine.create_ticket(token, policy, digest)?;
            return Ok(Created { id, value, revision });
        }
        let (value, op) = creation(engine, token, Op::Create)?;
        match engine.run(op)? {
            Answer::Created { id, revision } => Ok(Created { id, value, revision }),
            _ => Err(mixed_up()),
        }
    }

    /// Makes many tokens with few commits, each by itself: one that is refused keeps no other from being made. The
    /// answers are in the order of the tokens. Tokens [in memory alone](TypePolicy::volatile), which need no commit, are
    /// made one by one instead, and refused here.
    pub fn create_many<'a>(&self, tokens: impl IntoIterator<Item = &'a NewToken>) -> Vec<Result<Created>> {
        let engine = self.engine();
        let mut answers = Vec::new();
        let (mut values, mut ops, mut bytes) = (Vec::new(), Vec::new(), 0);
        let mut run = |values: &mut Vec<Result<Value>>, ops: &mut Vec<Op>| {
            let engine = engine.as_ref().map_err(Error::clone);
            let ran = engine.and_then(|engine| engine.run_many(std::mem::take(ops)));
            let mut results = match ran {
                Ok(results) => results,
                Err(error) => values.iter().map(|_| Err(error.clone())).collect(),
            }
            .into_iter();
            answers.extend(values.drain(..).map(|value| {
                let value = value?;
                match results.next() {
                    Some(Ok(Answer::Created { id, revision })) => Ok(Created { id, value, revision }),
                    Some(Err(error)) => Err(error),
                    _ => Err(mixed_up()),
                }
            }));
        };
        for token in tokens {
            let engine = engine.as_ref().map_err(Error::clone);
            match engine.and_then(|engine| creation(engine, token, Op::Create)) {
                Ok((value, op)) => {
                    bytes += op.weight();
                    ops.push(op);
                    values.push(Ok(value));
                }
                Err(error) => values.push(Err(error)),
            }
            if values.len() == MAX_BATCH_OPS || bytes >= MAX_BATCH_BYTES {
                run(&mut values, &mut ops);
                bytes = 0;
            }
        }
        if !values.is_empty() {
            run(&mut values, &mut ops);
        }
        answers
    }

    /// Makes a token unless a live one of its type and owner has its name: for what must be there, whoever comes
    /// first. The token must have a name, and its type [unique names](TypePolicy::unique_names).
    ///
    /// # Errors
    /// As [`create`](Store::create); [`NameTaken`](ErrorKind::NameTaken) if a token of another type holds the name.
    pub fn create_if_absent(&self, token: &NewToken) -> Result<CreatedOrExisting> {
        let engine = self.engine()?;
        let unique = engine.types().get(token.type_id).is_none_or(|policy| policy.unique_names);
        if token.name.is_none() || !unique {
            return Err(Error::invalid("a token that may exist has a name, and its type unique names"));
        }
        let (value, op) = creation(engine, token, Op::CreateIfAbsent)?;
        match engine.run(op)? {
            Answer::Created { id, revision } => {
                Ok(CreatedOrExisting::Created(Created { id, value, revision }))
            }
            Answer::Existing(id) => Ok(CreatedOrExisting::Existing(id)),
            _ => Err(mixed_up()),
        }
    }

    /// Makes a token whose value was made elsewhere, 16 to 8,192 bytes that do not begin with a declared prefix and an
    /// underscore. That it cannot be guessed is for the caller to know: a length is no entropy.
    ///
    /// # Errors
    /// As [`create`](Store::create); [`ValueExists`](ErrorKind::ValueExists) if the store knows the value;
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) if the type
    /// [takes no such values](TypePolicy::accepts_external).
    pub fn create_from_value(&self, token: &NewToken, value: &[u8]) -> Result<Registered> {
        token.check()?;
        let engine = self.engine()?;
        let digest = engine.external_digest(token.type_id, value)?;
        if let Some(policy) = engine.ticket_policy(token.type_id) {
            let (id, revision) = engine.create_ticket(token, policy, digest)?;
            return Ok(Registered { id, revision });
        }
        match engine.run(Op::Create(Box::new(token.clone()), digest))? {
            Answer::Created { id, revision } => Ok(Registered { id, revision }),
            _ => Err(mixed_up()),
        }
    }

    /// Spends a use of a value, if a verify would admit it: exactly one consume wins each use, also of several at once. The
    /// use is on the disk when this returns, unless the type is [in memory alone](TypePolicy::volatile).
    ///
    /// The checks are those of [`verify`](Store::verify), and spend nothing; the losers of the last use hear
    /// [`Used`](Status::Used), and a token without a use count is [`NotCounted`](Status::NotCounted). A verify is the
    /// look that spends nothing: what follows links by itself must not use up a ticket.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tokenstore::{NewToken, Options, Query, Status, TypePolicy};
    /// # let store = Options::new().in_memory()?;
    /// let policy = TypePolicy::new("ticket", "sso").uses(1).default_lifetime(Duration::from_secs(15)).volatile(true);
    /// let ticket = store.declare(&policy)?;
    /// let value = store.create(&NewToken::new(ticket, "user-17").app_data("/inbox"))?.value;
    /// let query = Query::of_type(ticket);
    /// assert_eq!(store.verify(value.as_bytes(), &query)?.status(), Status::MustConsume);
    /// let consumed = store.consume(value.as_bytes(), &query)?;
    /// assert_eq!(consumed.app_data.as_deref(), Some(&b"/inbox"[..]));
    /// assert_eq!(store.consume(value.as_bytes(), &query)?.verdict.status(), Status::Used);
    /// # Ok::<(), tokenstore::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`verify`](Store::verify). After an error that leaves open what the file has
    /// ([`CommitUnknown`](ErrorKind::CommitUnknown)) there is no access, and the use may be gone.
    pub fn consume(&self, value: &[u8], query: &Query) -> Result<Consumed> {
        let (verdict, spent) = self.engine()?.consume(value, query)?;
        Ok(match spent {
            Some(Spent::Use { uses_left, app_data, .. }) => {
                Consumed { verdict, app_data: Some(app_data), uses_left: Some(uses_left) }
            }
            _ => Consumed { verdict, app_data: None, uses_left: None },
        })
    }

    /// Makes a family and its first pair: see [`NewPair`].
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if a type is not declared; [`InvalidArgument`](ErrorKind::InvalidArgument) for
    /// a field out of its range, or types that are none [of families](TypePolicy::families) and of access values.
    pub fn issue_pair(&self, pair: &NewPair) -> Result<Pair> {
        self.engine()?.issue_pair(pair, PairValues::default())
    }

    /// The same with values of your own.
    ///
    /// # Errors
    /// As [`issue_pair`](Store::issue_pair) and [`create_from_value`](Store::create_from_value).
    pub fn issue_pair_from_values(&self, pair: &NewPair, values: PairValues<'_>) -> Result<Pair> {
        self.engine()?.issue_pair(pair, values)
    }

    /// Uses a refresh value for the next pair. Exactly one refresh of a value makes one; within the type's
    /// [grace](crate::FamilyPolicy::grace) every other one of the same value gets that pair again, also after a crash.
    /// Later, or two generations back, somebody else has the value: the answer is [`Reused`](Status::Reused), and the
    /// family is revoked.
    ///
    /// The refusals, of which none but that changes anything, in this order: MALFORMED, UNKNOWN, WRONG_TYPE for what is no
    /// refresh value, REVOKED, EXPIRED for a family whose time is over, DISABLED, WRONG_BINDING, EXPIRED for a refresh
    /// value whose own time is over.
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) unless the binding has 1 to 255 bytes.
    pub fn refresh(&self, value: &[u8], binding: impl AsRef<[u8]>) -> Result<Refresh> {
        self.engine()?.refresh(value, binding.as_ref(), PairValues::default(), "")
    }

    /// The same with values of your own for the next pair, and with an actor for the event log.
    ///
    /// # Errors
    /// As [`refresh`](Store::refresh) and [`create_from_value`](Store::create_from_value).
    pub fn refresh_to_values(
        &self,
        value: &[u8],
        binding: impl AsRef<[u8]>,
        values: PairValues<'_>,
        by: &str,
    ) -> Result<Refresh> {
        self.engine()?.refresh(value, binding.as_ref(), values, by)
    }

    /// Revokes a family by its id, at once and whatever its size: when this returned, nothing of it verifies or
    /// refreshes.
    ///
    /// # Errors
    /// As [`revoke`](Store::revoke).
    pub fn revoke_family(&self, family: impl Into<Target>) -> Result<Change> {
        self.engine()?.revoke_family(family.into())
    }

    /// Revokes all that an owner has so far, or all of one type: tokens, and families that hold or issue that type.
    /// However much that is, it takes one change; what is made afterwards is good.
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) for a field out of its range; [`NotFound`](ErrorKind::NotFound)
    /// if the type is not declared.
    pub fn revoke_owner(
        &self,
        owner: impl AsRef<[u8]>,
        type_id: Option<TypeId>,
        by: &str,
        reason: &str,
    ) -> Result<Change> {
        self.engine()?.revoke_owner(owner.as_ref(), type_id, by, reason)
    }

    /// Gives a token another value; id, name, grants and owner stay, `app_data` is cleared. The value before works for
    /// `grace` more, up to its expiry, and is told by [`old_value`](crate::Identity::old_value); then it is SUPERSEDED.
    /// One value before is remembered: rotating again ends it at once.
    ///
    /// # Errors
    /// As [`edit`](Store::edit); [`InvalidArgument`](ErrorKind::InvalidArgument) for refresh values, tokens with a use
    /// count, and a grace of more than 557 years.
    pub fn rotate(&self, target: impl Into<Target>, grace: Duration) -> Result<Created> {
        let target = target.into();
        target.check()?;
        let grace_ms = match grace.is_zero() {
            true => 0,
            false => duration_ms(grace)?,
        };
        // What is expected of the token is asked in its place among the refusals.
        let engine = self.engine()?;
        let policy = engine.types().get(engine.get(&Target::new(target.id))?.type_id);
        let policy = policy.ok_or_else(|| Error::new(ErrorKind::NotFound, "no such type"))?;
        let value = Value::generate(policy.prefix())?;
        let digest = engine.digest(value.as_bytes());
        let id = target.id;
        let change = self.change(target, Action::Rotate(digest, grace_ms))?;
        Ok(Created { id, value, revision: change.revision })
    }

    /// Takes out tokens that are dead since before a time, at most so many; returns how many. Nothing that it takes out
    /// turns a refusal into OK. Refresh values stay while their family lives, and parents that are not revoked while anything
    /// hangs on them.
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) if none are to be taken out.
    pub fn prune(&self, dead_before: OffsetDateTime, most: usize) -> Result<u64> {
        if most == 0 {
            return Err(Error::invalid("at least 1 token is to be taken out"));
        }
        self.engine()?.prune(to_ms(dead_before), most)
    }

    /// Judges a value. Reads memory alone, allocates nothing, waits for nobody; but for the first call in a
    /// [shared](crate::Options::shared) store after another process's change, which reads that change.
    ///
    /// The checks are made in this order, and the first that fails is the answer: MALFORMED, UNKNOWN, REVOKED,
    /// SUPERSEDED, USED, EXPIRED, DISABLED, WRONG_TYPE, WRONG_BINDING, NO_GRANT, MUST_REFRESH, MUST_CONSUME. Every
    /// byte of the value counts: nothing is trimmed.
    ///
    /// ```
    /// # use tokenstore::{Grants, NewToken, Options, Query, Status, TypePolicy};
    /// # let store = Options::new().in_memory()?;
    /// # let server = store.declare(&TypePolicy::new("server", "srv"))?;
    /// let token = NewToken::new(server, "acme").grants(Grants::projects(["A-1"])).app_word(7);
    /// let value = store.create(&token)?.value;
    /// let verdict = store.verify(value.as_bytes(), &Query::of_type(server).project("A-1"))?;
    /// assert!(verdict.allowed());
    /// assert_eq!(verdict.identity().map(|who| who.app_word), Some(7));
    /// let verdict = store.verify(value.as_bytes(), &Query::of_type(server).project("B-2"))?;
    /// assert_eq!(verdict.status(), Status::NoGrant);
    /// # Ok::<(), tokenstore::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) for a query with a project or binding out of range;
    /// [`Stale`](ErrorKind::Stale) for one that [does not wait](Query::no_wait) and would have to. A refusal is a verdict,
    /// not an error.
    #[inline]
    pub fn verify(&self, value: &[u8], query: &Query) -> Result<Verdict> {
        self.judge(query)?.verify(value, query)
    }

    /// Judges the value in a whole `Authorization` header value: bare, or after `Bearer` or `Token` (in any case) and
    /// spaces. Spaces and tabs around it are ignored; anything else is MALFORMED.
    ///
    /// # Errors
    /// As [`verify`](Store::verify).
    #[inline]
    pub fn verify_authorization(&self, header: &[u8], query: &Query) -> Result<Verdict> {
        self.judge(query)?.verify(of_authorization(header).unwrap_or(b""), query)
    }

    /// Judges many values by one query and one reading of the clock, at a fraction of the time each. Returns how many are
    /// allowed; `verdicts` must be as long as `values`.
    ///
    /// # Errors
    /// As [`verify`](Store::verify); no verdict is written then.
    pub fn verify_many(&self, values: &[&[u8]], query: &Query, verdicts: &mut [Verdict]) -> Result<usize> {
        if values.len() != verdicts.len() {
            return Err(Error::invalid("there must be as many verdicts as values"));
        }
        let value = |n: usize| values.get(n).copied().unwrap_or_default();
        self.judge(query)?.verify_each(values.len(), value, query, |n, verdict| {
            if let Some(place) = verdicts.get_mut(n) {
                *place = verdict;
            }
        })
    }

    /// [`verify_many`](Store::verify_many) for whoever has values and verdicts in another form.
    #[cfg(not(test))]
    pub(crate) fn verify_each<'a>(
        &self,
        count: usize,
        value: impl Fn(usize) -> &'a [u8],
        query: &Query,
        put: impl FnMut(usize, Verdict),
    ) -> Result<usize> {
        self.judge(query)?.verify_each(count, value, query, put)
    }

    /// An error if nothing may be asked of the store.
    #[cfg(not(test))]
    pub(crate) fn alive(&self) -> Result<()> {
        self.engine().map(|_| ())
    }

    /// Ends all changes, after a panic.
    #[cfg(not(test))]
    pub(crate) fn poison(&self) {
        self.engine.get().poison();
    }

    /// The bytes of an owner whom a verdict refers to; `None` if the owner's last token was deleted since, or if another
    /// process or another opening gave the verdict.
    pub fn owner(&self, owner: OwnerRef) -> Result<Option<Owner>> {
        let mut bytes = [0; 256];
        let engine = self.engine.get();
        if !engine.is_own() && engine.can_open_again() {
            // A verdict of the parent's refers to an owner in the parent's memory.
            return Ok(None);
        }
        Ok(engine.owner(owner, &mut bytes)?.map(|len| Owner { bytes, len }))
    }

    /// A token by its id.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), also for another owner than the expected one;
    /// [`RevisionConflict`](ErrorKind::RevisionConflict).
    pub fn get(&self, target: impl Into<Target>) -> Result<Token> {
        self.engine()?.get(&target.into())
    }

    /// A page of tokens, ascending by id. A list of pages is no snapshot: each page is what it is when it is read.
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) for a filter out of its ranges.
    pub fn list(&self, filter: &Filter) -> Result<Page> {
        self.engine()?.list(filter)
    }

    /// Changes several things of a token in one step: no verify sees one without the others.
    ///
    /// # Errors
    /// In this order, and nothing is changed then: [`InvalidArgument`](ErrorKind::InvalidArgument) for a field out of
    /// its range, or [`LimitReached`](ErrorKind::LimitReached) for more than 1,000 projects;
    /// [`NotFound`](ErrorKind::NotFound), also for another owner than the expected one;
    /// [`Revoked`](ErrorKind::Revoked), [`Used`](ErrorKind::Used) and [`Expired`](ErrorKind::Expired) for a token
    /// that is; [`RevisionConflict`](ErrorKind::RevisionConflict); [`InvalidArgument`](ErrorKind::InvalidArgument) for
    /// an expiry that is past or later than the type allows; [`NameTaken`](ErrorKind::NameTaken).
    pub fn edit(&self, target: impl Into<Target>, edit: &Edit) -> Result<Change> {
        self.change(target, Action::Edit(edit.clone()))
    }

    /// Grants a project of 1 to 64 bytes. No change if the token reaches it already.
    ///
    /// # Errors
    /// As [`edit`](Store::edit); [`LimitReached`](ErrorKind::LimitReached) at 1,000 projects.
    pub fn grant(&self, target: impl Into<Target>, project: impl AsRef<[u8]>) -> Result<Change> {
        check_project(project.as_ref())?;
        self.change(target, Action::Grant(project.as_ref().to_vec()))
    }

    /// Takes a project away. No change if the token does not reach it.
    ///
    /// # Errors
    /// As [`edit`](Store::edit); [`GrantIsAll`](ErrorKind::GrantIsAll) if the token is granted all projects: one
    /// cannot be taken from all, replace them by [`edit`](Store::edit).
    pub fn ungrant(&self, target: impl Into<Target>, project: impl AsRef<[u8]>) -> Result<Change> {
        check_project(project.as_ref())?;
        self.change(target, Action::Ungrant(project.as_ref().to_vec()))
    }

    /// Grants all projects, those to come included, in place of the ones granted one by one.
    ///
    /// # Errors
    /// As [`edit`](Store::edit).
    pub fn grant_all(&self, target: impl Into<Target>) -> Result<Change> {
        self.change(target, Action::GrantAll)
    }

    /// Takes all projects away. The token stays, and reaches nothing until it is granted something again.
    ///
    /// # Errors
    /// As [`edit`](Store::edit).
    pub fn revoke_grants(&self, target: impl Into<Target>) -> Result<Change> {
        self.change(target, Action::RevokeGrants)
    }

    /// Takes a project from every live token that was granted it by name, so that a project that comes to have the
    /// same id is granted to nobody; returns how many tokens that were. Tokens that are granted all projects keep
    /// reaching it. It goes in steps of at most 1,000 tokens, each a commit; if one fails, calling again goes on.
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) unless the project has 1 to 64 bytes.
    pub fn remove_project(&self, project: impl AsRef<[u8]>, by: &str, reason: &str) -> Result<u64> {
        self.engine()?.remove_project(project.as_ref(), by, reason)
    }

    /// Switches a token off, until it is [enabled](Store::enable). It keeps its name.
    ///
    /// # Errors
    /// As [`edit`](Store::edit).
    pub fn disable(&self, target: impl Into<Target>) -> Result<Change> {
        self.change(target, Action::Disable)
    }

    /// Switches a token on again.
    ///
    /// # Errors
    /// As [`edit`](Store::edit).
    pub fn enable(&self, target: impl Into<Target>) -> Result<Change> {
        self.change(target, Action::Enable)
    }

    /// Revokes a token for good. From the moment this call has checked it no verify accepts it; when it returns, that
    /// is on the disk. A second revocation changes nothing: the first time and reason stay.
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) for a field out of its range;
    /// [`NotFound`](ErrorKind::NotFound); [`RevisionConflict`](ErrorKind::RevisionConflict).
    pub fn revoke(&self, target: impl Into<Target>) -> Result<Change> {
        self.change(target, Action::Revoke)
    }

    /// Revokes the token with this value. That succeeds for a value that nobody has, too, and changes nothing
    /// ([RFC 7009] section 2.2).
    ///
    /// [RFC 7009]: https://www.rfc-editor.org/rfc/rfc7009#section-2.2
    pub fn revoke_value(&self, value: &[u8], by: &str, reason: &str) -> Result<Change> {
        Target::new(Id::NONE).by(by).reason(reason).check()?;
        let nobody = Ok(Change { changed: false, revision: 0 });
        let engine = self.engine()?;
        let digest = engine.known_digest(value);
        let Some(id) = digest.and_then(|digest| engine.id_of(&digest)) else {
            // Only a store that takes changes knows all that it has made.
            return engine.changeable().and(nobody);
        };
        match self.revoke(Target::new(id).by(by).reason(reason)) {
            Err(error) if error.kind() == ErrorKind::NotFound => nobody,
            other => other,
        }
    }

    /// Deletes a token: nothing of it stays but its events. Its value is unknown from then on.
    ///
    /// # Errors
    /// As [`revoke`](Store::revoke).
    pub fn delete(&self, target: impl Into<Target>) -> Result<Change> {
        self.change(target, Action::Delete)
    }

    fn change(&self, target: impl Into<Target>, action: Action) -> Result<Change> {
        let target = target.into();
        target.check()?;
        let engine = self.engine()?;
        if let Some(changed) = engine.change_ticket(&target, &action) {
            return changed;
        }
        match engine.run(Op::Change(target, action))? {
            Answer::Change(change) => Ok(change),
            _ => Err(mixed_up()),
        }
    }

    /// The events behind the one numbered `after`, ascending, at most `limit` (1 to 1,000). The log keeps
    /// [so many](crate::Options::max_events); older ones are gone, which a gap after `after` shows.
    pub fn events(&self, after: u64, limit: usize) -> Result<Vec<Event>> {
        self.engine()?.events(after, limit)
    }

    /// Figures of the store.
    pub fn stats(&self) -> Result<Stats> {
        self.engine()?.stats()
    }

    /// Puts the file under another key, or under none. When it returns, the file opens with that key alone. Copies of
    /// the file made before still open with the key before.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) for a store in memory, which has no file to protect.
    pub fn change_key(&self, key: Option<&[u8; 32]>) -> Result<()> {
        self.own_engine()?.change_key(key)
    }

    /// Writes last uses and the mark of the clock to the disk now. Otherwise every change writes a few uses, and the
    /// close the rest: what a crash loses is the uses since then.
    pub fn flush(&self) -> Result<()> {
        self.own_engine()?.flush()
    }

    /// Closes the store: last uses and the mark of the clock are written, the file and its locks let go. Calls after
    /// it answer [`Closed`](ErrorKind::Closed). Dropping the store closes it, too, but cannot say what went wrong. A
    /// parent's store is not touched, nor what other processes have.
    ///
    /// # Errors
    /// What writing said. The store is closed all the same, and every change acknowledged before is on the disk.
    pub fn close(&self) -> Result<()> {
        self.engine.get().close()
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

/// A new value for a token, and the operation that makes the token.
fn creation(
    engine: &Engine,
    token: &NewToken,
    op: impl FnOnce(Box<NewToken>, Digest) -> Op,
) -> Result<(Value, Op)> {
    token.check()?;
    let policy = engine.types().get(token.type_id);
    let policy = policy.ok_or_else(|| Error::new(ErrorKind::NotFound, "no such type"))?;
    if engine.ticket_policy(token.type_id).is_some() {
        return Err(Error::invalid("tokens in memory alone are made one by one"));
    }
    let value = Value::generate(policy.prefix())?;
    let digest = engine.digest(value.as_bytes());
    Ok((value, op(Box::new(token.clone()), digest)))
}

/// What a consume did.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct Consumed {
    /// Whether the use was spent, and on what. Only with OK it was.
    pub verdict: Verdict,
    /// The token's own bytes, if the use was spent.
    pub app_data: Option<Vec<u8>>,
    /// How many uses are left, if the use was spent.
    pub uses_left: Option<u32>,
}

/// An owner's bytes.
#[derive(Clone)]
pub struct Owner {
    bytes: [u8; 256],
    len: usize,
}

impl Deref for Owner {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl std::fmt::Debug for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Owner({})", self.escape_ascii())
    }
}

/// An answer of another operation's kind: a mistake of ours, not the caller's.
pub(crate) fn mixed_up() -> Error {
    Error::new(ErrorKind::Panic, "the library failed inside: an answer was mixed up")
}
