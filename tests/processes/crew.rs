//! Processes that share a store: some that write, some that only verify, each to be asked by several threads of the
//! test, and opened anew when somebody killed it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use super::known::{Check, Known};
use super::opening::Opening;
use super::orders::NONE;
use super::talk::{Gone, Member, Process, Reply};

/// The types that are declared in the test's stores: name, prefix and what it can.
pub(crate) const TYPES: [&str; 6] = [
    "server srv",
    "external ext external",
    "coupon cou coupon",
    "access acc",
    "refresh ref families",
    "ticket tic ticket",
];

pub(crate) struct Crew {
    pub(crate) seed: u64,
    pub(crate) writers: Vec<Seat>,
    pub(crate) verifiers: Vec<Seat>,
    /// How many answers were compared with what they must be.
    pub(crate) answers: AtomicU64,
    /// Of those, how many let somebody in.
    pub(crate) allowed: AtomicU64,
    /// How many calls that were not to wait answered STALE.
    pub(crate) stale: AtomicU64,
    waits: Mutex<(Duration, String)>,
}

/// A place for a process.
pub(crate) struct Seat {
    name: String,
    opening: Opening,
    member: Mutex<Member>,
    /// The process that has the place now.
    pub(crate) process: Mutex<Process>,
    /// Whether it has opened the store.
    pub(crate) is_open: AtomicBool,
}

/// Makes a store with the types of these tests.
pub(crate) fn new_store(opening: &Opening) {
    opening.create();
    let mut member = Member::open(opening);
    for policy in TYPES {
        member.ask(&format!("declare {policy}")).ok();
    }
    member.leave();
}

impl Crew {
    /// Opens the store in so many processes.
    pub(crate) fn gather(seed: u64, opening: &Opening, writers: usize, verifiers: usize) -> Crew {
        let seats = |count: usize, what: &str| -> Vec<Seat> {
            (0..count).map(|n| Seat::take(format!("{what} {n}"), opening)).collect()
        };
        Crew {
            seed,
            writers: seats(writers, "writer"),
            verifiers: seats(verifiers, "verifier"),
            answers: AtomicU64::new(0),
            allowed: AtomicU64::new(0),
            stale: AtomicU64::new(0),
            waits: Mutex::default(),
        }
    }

    /// Has every verifying process answer these, first of all the first; if `looks`, without waiting before that. Then
    /// the writing one that knows of it anyway.
    pub(crate) fn check(&self, checks: &[Check], looks: bool, writer: &Seat) {
        let words: Vec<&str> = checks.iter().map(|check| &*check.words).collect();
        let words = words.join(" ");
        let mut members: Vec<MutexGuard<'_, Member>> = self.verifiers.iter().map(Seat::member).collect();
        if looks {
            let order = format!("look {words}");
            for (seat, reply) in self.verifiers.iter().zip(self.ask(&mut members, &order)) {
                self.compare(seat, checks, &reply, true);
            }
        }
        let order = format!("verify {words}");
        let mut replies = self.ask(&mut members, &order);
        drop(members);
        replies.push(self.ask_until_answered(writer, &mut writer.member(), &order));
        for (seat, reply) in self.verifiers.iter().chain([writer]).zip(&replies) {
            self.compare(seat, checks, reply, false);
        }
        // Where several answers may be right, all give the same.
        for reply in &replies {
            let statuses = |reply: &Reply| -> Vec<String> {
                reply
                    .ok()
                    .split(' ')
                    .filter_map(|answer| Some(answer.split('/').next()?.to_owned()))
                    .collect()
            };
            assert_eq!(statuses(reply), statuses(&replies[0]), "seed {}: two truths of {words}", self.seed);
        }
    }

    /// Has every verifying process show a token, or how far it is, by a call other than a verify.
    pub(crate) fn check_first(&self, known: &Known, kind: usize) {
        let Known { id, owner, revision, .. } = known;
        match (kind, revision) {
            // The event may be gone already, if there was another since.
            (0, Some(revision)) => self.ask_each(&format!("event {revision}"), |reply| {
                reply.ok().parse::<u64>().is_ok_and(|sequence| sequence >= *revision)
            }),
            (1, Some(revision)) => self.ask_each("stats", |reply| {
                let sequence = reply.ok().rsplit(' ').next();
                sequence.is_some_and(|sequence| sequence.parse::<u64>().is_ok_and(|is| is >= *revision))
            }),
            (2, _) => self.ask_each(&format!("list {owner} {id}"), |reply| {
                known.is_shown_by(Some(reply.ok()).filter(|line| *line != NONE))
            }),
            _ => self.ask_each(&format!("get {id}"), |reply| match reply.error() {
                Some(kind) => kind == "NotFound" && known.is_shown_by(None),
                None => known.is_shown_by(Some(reply.ok())),
            }),
        }
    }

    /// Has every verifying process carry out an order, and reply as it must.
    pub(crate) fn ask_each(&self, order: &str, is_right: impl Fn(&Reply) -> bool) {
        let mut members: Vec<MutexGuard<'_, Member>> = self.verifiers.iter().map(Seat::member).collect();
        for (seat, reply) in self.verifiers.iter().zip(self.ask(&mut members, order)) {
            assert!(is_right(&reply), "seed {}, {}, {order}: {reply:?}", self.seed, seat.name);
            self.answers.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Has all processes at these places carry out an order, at the same time.
    fn ask(&self, members: &mut [MutexGuard<'_, Member>], order: &str) -> Vec<Reply> {
        let told: Vec<Result<(), Gone>> = members.iter_mut().map(|member| member.tell(order)).collect();
        let mut replies = Vec::new();
        for ((seat, member), told) in self.verifiers.iter().zip(members).zip(told) {
            let reply = told.and_then(|()| member.hear());
            let reply = reply.unwrap_or_else(|Gone| {
                **member = self.reopen(seat);
                self.ask_until_answered(seat, member, order)
            });
            self.waited(&reply, &format!("{}: {order}", seat.name));
            replies.push(reply);
        }
        replies
    }

    /// Whether a process answered as it must. If it looked, it may say STALE.
    fn compare(&self, seat: &Seat, checks: &[Check], reply: &Reply, looked: bool) {
        let answers: Vec<&str> = reply.ok().split(' ').collect();
        assert_eq!(answers.len(), checks.len(), "{}: {:?}", seat.name, reply.text);
        for (check, answer) in checks.iter().zip(answers) {
            if looked && answer == "!Stale" {
                self.stale.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let right = check.is_met_by(answer);
            assert!(right, "seed {}, {}, looked {looked}: {answer} to {check:?}", self.seed, seat.name);
            self.answers.fetch_add(1, Ordering::Relaxed);
            self.allowed.fetch_add(u64::from(check.allows()), Ordering::Relaxed);
        }
    }

    /// Gives a process an order that may be given again, until it lives long enough to reply.
    pub(crate) fn ask_until_answered(&self, seat: &Seat, member: &mut Member, order: &str) -> Reply {
        loop {
            match member.tell(order).and_then(|()| member.hear()) {
                Ok(reply) => {
                    self.waited(&reply, &format!("{}: {order}", seat.name));
                    return reply;
                }
                Err(Gone) => *member = self.reopen(seat),
            }
        }
    }

    /// Opens the store in a new process, however often that is killed.
    pub(crate) fn reopen(&self, seat: &Seat) -> Member {
        loop {
            seat.is_open.store(false, Ordering::SeqCst);
            let mut member = Member::start(&seat.opening, |process| {
                *seat.process.lock().expect("no panic under it") = process.clone();
            });
            if let Ok(reply) = member.hear() {
                self.waited(&reply, &format!("{} opens", seat.name));
                reply.ok();
                seat.is_open.store(true, Ordering::SeqCst);
                return member;
            }
        }
    }

    /// Remembers the longest wait.
    pub(crate) fn waited(&self, reply: &Reply, what: &str) {
        let mut longest = self.waits.lock().expect("no panic under it");
        if reply.took > longest.0 {
            *longest = (reply.took, what.chars().take(60).collect());
        }
    }

    /// The longest wait of any call, and which.
    pub(crate) fn longest_wait(&self) -> (Duration, String) {
        self.waits.lock().expect("no panic under it").clone()
    }

    /// What every process shows of the tokens of owners whose names begin so must be what is known of them, and no more.
    pub(crate) fn check_dumps(&self, owners: &str, known: &[Known], folder: &Path) {
        let file = folder.join(format!("dump of {owners}"));
        for seat in self.writers.iter().chain(&self.verifiers) {
            let mut member = seat.member();
            let order = format!("dump {owners} {}", file.display());
            self.ask_until_answered(seat, &mut member, &order).ok();
            check_dump(&std::fs::read_to_string(&file).expect("a dump"), known, &seat.name);
        }
    }
}

/// Compares a dump with what is known.
pub(crate) fn check_dump(dump: &str, known: &[Known], who: &str) {
    let mut lines: BTreeMap<&str, &str> = BTreeMap::new();
    for line in dump.lines() {
        let id = line.split(' ').next().expect("an id");
        assert!(lines.insert(id, line).is_none(), "{who} lists a token twice: {line}");
    }
    for token in known {
        let line = lines.remove(&*token.id);
        assert!(token.is_shown_by(line), "{who} shows {line:?}, not {token:?}");
    }
    assert!(lines.is_empty(), "{who} shows what nobody made: {lines:?}");
}

impl Seat {
    fn take(name: String, opening: &Opening) -> Seat {
        let mut kept = None;
        let mut member = Member::start(opening, |process| kept = Some(process.clone()));
        member.hear().expect("a process opens the store").ok();
        let process = Mutex::new(kept.expect("a process was started"));
        let is_open = AtomicBool::new(true);
        Seat { name, opening: opening.clone(), member: Mutex::new(member), process, is_open }
    }

    /// The process, for one to talk to.
    pub(crate) fn member(&self) -> MutexGuard<'_, Member> {
        self.member.lock().expect("no test failed")
    }
}
