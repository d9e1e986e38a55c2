//! Tickets, pairs, rotation, parents and owners: what must hold when many ask at once, and after a reopen.
//!
//! Well-known token stores handed one refresh value two pairs, revoked whole sessions for a client that lost a reply, and
//! let a ticket in twice. `cargo test --test sessions -- --nocapture` prints how often each race was run.
//! `TOKENSTORE_LONG=1` runs them at full length.

mod support;

use std::io::{BufRead as _, Write as _};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use time::macros::datetime;
use tokenstore::{
    Change, Clock, EventDetail, EventKind, FamilyPolicy, Grants, ManualClock, NewPair, NewToken, OldAccess,
    Options, Pair, PairValues, Query, Refresh, State, Status, Store, Target, TypeId, TypePolicy,
};

fn say(text: std::fmt::Arguments<'_>) {
    writeln!(std::io::stdout(), "{text}").expect("a standard output");
}

/// So many rounds, or with TOKENSTORE_LONG=1 ten times as many.
fn rounds(short: usize) -> usize {
    if std::env::var_os("TOKENSTORE_LONG").is_some() { short * 10 } else { short }
}

struct World {
    store: Store,
    clock: std::sync::Arc<ManualClock>,
    access: TypeId,
    refresh: TypeId,
    ticket: TypeId,
    coupon: TypeId,
    server: TypeId,
}

const HOUR: Duration = Duration::from_secs(3_600);

fn declare(store: Store, clock: std::sync::Arc<ManualClock>, old_access: OldAccess) -> World {
    let access = store.declare(&TypePolicy::new("access", "acc").accepts_external(true)).unwrap();
    let policy = FamilyPolicy::new(10 * HOUR, 24 * HOUR, 30 * 24 * HOUR).old_access(old_access);
    let refresh = TypePolicy::new("refresh", "ref").families(policy).accepts_external(true);
    let refresh = store.declare(&refresh).unwrap();
    let seconds = Duration::from_secs(15);
    let ticket = TypePolicy::new("ticket", "sso").uses(1).default_lifetime(seconds).volatile(true);
    let ticket = store.declare(&ticket).unwrap();
    let coupon = store.declare(&TypePolicy::new("coupon", "cou").uses(3)).unwrap();
    let server = store.declare(&TypePolicy::new("server", "srv").accepts_external(true)).unwrap();
    World { store, clock, access, refresh, ticket, coupon, server }
}

fn memory(old_access: OldAccess) -> World {
    let clock = ManualClock::new(datetime!(2026-01-01 00:00 UTC));
    let store = Options::new().clock(Clock::Manual(clock.clone())).in_memory().unwrap();
    declare(store, clock, old_access)
}

impl World {
    fn pair(&self) -> Pair {
        self.store.issue_pair(&NewPair::new(self.access, self.refresh, "user", "client")).unwrap()
    }

    fn verify(&self, value: &tokenstore::Value) -> Status {
        self.store.verify(value.as_bytes(), &Query::any_type()).unwrap().status()
    }

    fn refresh(&self, value: &tokenstore::Value) -> Refresh {
        self.store.refresh(value.as_bytes(), "client").unwrap()
    }

    fn rotated(&self, value: &tokenstore::Value) -> Pair {
        match self.refresh(value) {
            Refresh::Rotated(pair) => pair,
            other => panic!("{other:?}"),
        }
    }

    fn refused(&self, value: &tokenstore::Value) -> Status {
        match self.refresh(value) {
            Refresh::Refused(status) => status,
            other => panic!("{other:?}"),
        }
    }
}

fn same(a: &Pair, b: &Pair) -> bool {
    a.access.value.as_bytes() == b.access.value.as_bytes()
        && a.refresh.value.as_bytes() == b.refresh.value.as_bytes()
        && (a.family, a.access.id, a.refresh.id) == (b.family, b.access.id, b.refresh.id)
        && (a.access.expires, a.refresh.expires) == (b.access.expires, b.refresh.expires)
}

/// Sixteen threads show one refresh value at once: one gets a new pair, fifteen the same again, byte for byte.
#[test]
fn one_refresh_makes_a_pair_and_the_others_get_it() {
    let world = memory(OldAccess::EndsNow);
    let (rounds, threads) = (rounds(100), 16);
    let mut good = world.pair();
    for round in 0..rounds {
        let (start, value) = (Barrier::new(threads), &good.refresh.value);
        let answers: Vec<Refresh> = std::thread::scope(|scope| {
            let present = || {
                start.wait();
                world.refresh(value)
            };
            let all: Vec<_> = (0..threads).map(|_| scope.spawn(present)).collect();
            all.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let (mut rotated, mut replayed) = (Vec::new(), Vec::new());
        for answer in answers {
            match answer {
                Refresh::Rotated(pair) => rotated.push(pair),
                Refresh::Replayed(pair) => replayed.push(pair),
                Refresh::Refused(status) => panic!("round {round}: {status}"),
            }
        }
        assert_eq!((rotated.len(), replayed.len()), (1, threads - 1), "round {round}");
        assert!(replayed.iter().all(|pair| same(pair, &rotated[0])), "round {round}: the same bytes");
        assert_eq!(world.verify(&good.access.value), Status::Superseded);
        assert_eq!(world.verify(&rotated[0].access.value), Status::Ok);
        good = rotated.remove(0);
    }
    let events = all_events(&world.store);
    let of = |kind| events.iter().filter(|event| event.kind == kind).count();
    assert_eq!((of(EventKind::Refreshed), of(EventKind::Replayed)), (rounds, rounds), "once a generation");
    say(format_args!("refresh: {rounds} rounds of {threads} threads, one pair each"));
}

fn all_events(store: &Store) -> Vec<tokenstore::Event> {
    let mut events = Vec::new();
    loop {
        let last = events.last().map_or(0, |event: &tokenstore::Event| event.sequence);
        let page = store.events(last, 1_000).unwrap();
        if page.is_empty() {
            return events;
        }
        events.extend(page);
    }
}

/// Sixteen threads consume one ticket: one wins. Both kinds, in memory and on the disk; of a token with three uses,
/// three.
#[test]
fn exactly_one_consume_wins_each_use() {
    let world = memory(OldAccess::EndsNow);
    for (type_id, uses, rounds) in [(world.ticket, 1, rounds(1_000)), (world.coupon, 3, rounds(100))] {
        for _ in 0..rounds {
            let new = NewToken::new(type_id, "user").app_data("/inbox");
            let value = world.store.create(&new).unwrap().value;
            let (start, winners) = (Barrier::new(16), AtomicUsize::new(0));
            std::thread::scope(|scope| {
                for _ in 0..16 {
                    scope.spawn(|| {
                        start.wait();
                        let query = Query::of_type(type_id);
                        let consumed = world.store.consume(value.as_bytes(), &query).unwrap();
                        match consumed.verdict.status() {
                            Status::Ok => {
                                assert_eq!(consumed.app_data.as_deref(), Some(&b"/inbox"[..]));
                                winners.fetch_add(1, Ordering::Relaxed);
                            }
                            Status::Used => assert!(consumed.app_data.is_none()),
                            other => panic!("{other}"),
                        }
                    });
                }
            });
            assert_eq!(winners.load(Ordering::Relaxed), uses);
            if type_id == world.coupon {
                let spent = world.store.list(&tokenstore::Filter::new().with_dead()).unwrap().tokens;
                assert!(spent.iter().all(|token| token.last_used.is_some()), "a consume is a use");
            }
            assert_eq!(world.verify(&value), Status::Used);
        }
        say(format_args!("consume: {rounds} rounds of 16 threads, {uses} winners each"));
    }
}

/// After a revocation of the family returned, nothing of it verifies or refreshes, whatever was under way.
#[test]
fn nothing_of_a_family_outlives_its_revocation() {
    let world = memory(OldAccess::LivesOn);
    let rounds = rounds(1_000);
    for round in 0..rounds {
        let first = world.pair();
        let (start, query) = (Barrier::new(2), Query::any_type());
        let made = std::thread::scope(|scope| {
            let refresher = scope.spawn(|| {
                start.wait();
                let mut made: Vec<Pair> = Vec::new();
                loop {
                    let value = made.last().map_or(&first.refresh.value, |pair| &pair.refresh.value);
                    match world.refresh(value) {
                        Refresh::Rotated(pair) => made.push(pair),
                        Refresh::Refused(Status::Revoked) => return made,
                        other => panic!("{other:?}"),
                    }
                }
            });
            start.wait();
            std::thread::sleep(Duration::from_micros(round as u64 % 300));
            world.store.revoke_family(first.family).unwrap();
            // From here on, whatever the other thread has.
            assert_eq!(world.verify(&first.access.value), Status::Revoked);
            refresher.join().unwrap()
        });
        for pair in made.iter().chain([&first]) {
            let verdict = world.store.verify(pair.access.value.as_bytes(), &query).unwrap();
            assert_eq!(verdict.status(), Status::Revoked, "round {round}");
            assert_eq!(world.refused(&pair.refresh.value), Status::Revoked, "round {round}");
        }
    }
    say(format_args!("revoke against refresh: {rounds} rounds"));
}

/// A used refresh value after its grace, or two generations back, is a theft: the family dies, and the log says how far
/// back and how old the value was.
#[test]
fn a_value_used_again_too_late_ends_the_family() {
    let world = memory(OldAccess::LivesOn);
    let first = world.pair();
    let second = world.rotated(&first.refresh.value);
    world.clock.advance(Duration::from_millis(29_999));
    assert!(matches!(world.refresh(&first.refresh.value), Refresh::Replayed(pair) if same(&pair, &second)));
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(world.refused(&first.refresh.value), Status::Reused);
    for pair in [&first, &second] {
        assert_eq!(world.verify(&pair.access.value), Status::Revoked);
        assert_eq!(world.refused(&pair.refresh.value), Status::Revoked);
    }
    let event = all_events(&world.store).pop().unwrap();
    let age = Duration::from_secs(30);
    assert_eq!((event.kind, event.id), (EventKind::Reused, Some(first.family)));
    assert_eq!(event.detail, Some(EventDetail::Reuse { distance: 1, age }));

    // Two generations back, however young.
    let first = world.pair();
    let second = world.rotated(&first.refresh.value);
    let third = world.rotated(&second.refresh.value);
    assert_eq!(world.refused(&first.refresh.value), Status::Reused);
    assert_eq!(world.verify(&third.access.value), Status::Revoked);
    let event = all_events(&world.store).pop().unwrap();
    assert_eq!(event.detail, Some(EventDetail::Reuse { distance: 2, age: Duration::ZERO }));
}

/// Unknown values and wrong clients change nothing, and take no transaction.
#[test]
fn garbage_changes_nothing() {
    let world = memory(OldAccess::EndsNow);
    let pair = world.pair();
    let before = world.store.stats().unwrap().sequence;
    let count = rounds(100_000);
    let unknown: Vec<String> = (0..64)
        .map(|_| {
            let made = memory(OldAccess::EndsNow);
            made.pair().refresh.value.as_str().to_owned()
        })
        .collect();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (world, pair, unknown) = (&world, &pair, &unknown);
            scope.spawn(move || {
                for n in 0..count / 8 {
                    let refused = if n % 2 == 0 {
                        world.store.refresh(unknown[(n + thread) % 64].as_bytes(), "client")
                    } else {
                        world.store.refresh(pair.refresh.value.as_bytes(), "another")
                    };
                    let expected = if n % 2 == 0 { Status::Unknown } else { Status::WrongBinding };
                    assert!(matches!(refused, Ok(Refresh::Refused(status)) if status == expected));
                }
            });
        }
    });
    assert_eq!(world.store.stats().unwrap().sequence, before);
    assert!(matches!(world.refresh(&pair.refresh.value), Refresh::Rotated(_)), "the family lives");
    say(format_args!("garbage: {count} refreshes from 8 threads, no change"));
}

/// What is said of a family holds for its access tokens, present and to come, and after a reopen.
#[test]
fn what_is_done_to_a_member_is_done_to_its_family() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.store");
    let clock = ManualClock::new(datetime!(2026-01-01 00:00 UTC));
    let options = Options::new().clock(Clock::Manual(clock.clone()));
    let world = declare(options.create(&path).unwrap(), clock.clone(), OldAccess::LivesOn);
    let first = world.pair();
    let in_project = |store: &Store, value: &tokenstore::Value| {
        store.verify(value.as_bytes(), &Query::any_type().project("p")).unwrap().status()
    };
    assert_eq!(in_project(&world.store, &first.access.value), Status::NoGrant);
    let changed = world.store.grant(first.access.id, "p").unwrap();
    assert!(changed.changed);
    assert_eq!(in_project(&world.store, &first.access.value), Status::Ok);
    let second = world.rotated(&first.refresh.value);
    assert_eq!(in_project(&world.store, &second.access.value), Status::Ok);
    // By a used refresh value's id.
    assert!(world.store.disable(first.refresh.id).unwrap().changed);
    for pair in [&first, &second] {
        assert_eq!(world.verify(&pair.access.value), Status::Disabled);
    }
    assert_eq!(world.refused(&second.refresh.value), Status::Disabled);
    world.store.close().unwrap();

    let world = declare(options.open(&path).unwrap(), clock.clone(), OldAccess::LivesOn);
    assert_eq!(world.verify(&second.access.value), Status::Disabled);
    assert!(!world.store.disable(second.access.id).unwrap().changed);
    assert!(world.store.enable(second.access.id).unwrap().changed);
    let third = world.rotated(&second.refresh.value);
    for pair in [&first, &second, &third] {
        assert_eq!(in_project(&world.store, &pair.access.value), Status::Ok);
        let token = world.store.get(pair.access.id).unwrap();
        assert_eq!((token.family, token.refreshes), (Some(first.family), false));
        assert_eq!(token.grants, Grants::projects(["p"]));
    }
    // An access token alone.
    world.store.revoke(second.access.id).unwrap();
    assert_eq!(world.verify(&second.access.value), Status::Revoked);
    assert_eq!(world.verify(&third.access.value), Status::Ok);
    // A refresh value, used long ago: all of it.
    world.store.revoke(Target::new(first.refresh.id).reason("signed out")).unwrap();
    world.store.close().unwrap();
    let world = declare(options.open(&path).unwrap(), clock, OldAccess::LivesOn);
    for pair in [&first, &second, &third] {
        assert_eq!(world.verify(&pair.access.value), Status::Revoked);
        assert_eq!(world.refused(&pair.refresh.value), Status::Revoked);
        assert_eq!(world.store.get(pair.access.id).unwrap().state, State::Revoked);
    }
}

/// The reply to a refresh is lost by a crash: whoever repeats it gets the same pair.
#[test]
fn a_lost_reply_is_answered_again_after_a_reopen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.store");
    let world = |store| declare(store, ManualClock::new(datetime!(2026-01-01 00:00 UTC)), OldAccess::EndsNow);
    let key = [7; 32];
    let options = Options::new().key(&key);
    let before = world(options.create(&path).unwrap());
    let jwt = vec![b'j'; 3_000];
    let new = NewPair::new(before.access, before.refresh, "user", "client");
    let first = before.store.issue_pair(&new).unwrap();
    let values = PairValues { access: Some(&jwt), refresh: None };
    let answer = before.store.refresh_to_values(first.refresh.value.as_bytes(), "client", values, "web");
    let Refresh::Rotated(second) = answer.unwrap() else { panic!("a good value") };
    // No close: what is on the disk when the call returned must do.
    let copy = folder.path().join("copy.store");
    std::fs::copy(&path, &copy).unwrap();
    let after = world(options.open(&copy).unwrap());
    let Refresh::Replayed(again) = after.refresh(&first.refresh.value) else { panic!("within the grace") };
    assert!(same(&again, &second));
    assert_eq!(again.access.value.as_bytes(), jwt);
    assert_eq!(after.verify(&again.access.value), Status::Ok);
    let bytes = std::fs::read(&copy).unwrap();
    for value in [&second.access.value, &second.refresh.value, &first.refresh.value] {
        assert!(!bytes.windows(16).any(|window| *window == value.as_bytes()[..16]), "no value in the file");
    }
}

/// What hangs on a parent dies with it, four levels down, and stays dead when the parent is deleted and after a reopen.
#[test]
fn children_die_with_their_parent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.store");
    let clock = ManualClock::new(datetime!(2026-01-01 00:00 UTC));
    let options = Options::new().clock(Clock::Manual(clock.clone()));
    let world = declare(options.create(&path).unwrap(), clock.clone(), OldAccess::EndsNow);
    let root = world.store.create(&NewToken::new(world.server, "user")).unwrap();
    let mut chain = vec![root];
    for level in 1..=4 {
        // Another owner's, too: the line is what counts.
        let owner = if level == 3 { "another" } else { "user" };
        let parent = chain.last().unwrap().id;
        chain.push(world.store.create(&NewToken::new(world.server, owner).parent(parent)).unwrap());
    }
    let deeper = NewToken::new(world.server, "user").parent(chain[4].id);
    assert_eq!(world.store.create(&deeper).unwrap_err().kind(), tokenstore::ErrorKind::LimitReached);
    let beside = world.store.create(&NewToken::new(world.server, "user").parent(chain[0].id)).unwrap();
    assert!(chain.iter().all(|token| world.verify(&token.value) == Status::Ok));
    world.store.disable(chain[1].id).unwrap();
    assert_eq!(world.verify(&chain[2].value), Status::Ok, "its other states do not matter");
    world.store.delete(chain[1].id).unwrap();
    let check = |world: &World| {
        assert_eq!(world.verify(&chain[0].value), Status::Ok);
        assert_eq!(world.verify(&beside.value), Status::Ok);
        assert_eq!(world.verify(&chain[1].value), Status::Unknown);
        for token in &chain[2..] {
            assert_eq!(world.verify(&token.value), Status::Revoked);
            assert_eq!(world.store.get(token.id).unwrap().state, State::Revoked);
            let refused = world.store.grant(token.id, "p").unwrap_err();
            assert_eq!(refused.kind(), tokenstore::ErrorKind::Revoked);
        }
    };
    check(&world);
    world.store.close().unwrap();
    let world = declare(options.open(&path).unwrap(), clock.clone(), OldAccess::EndsNow);
    check(&world);
    world.store.revoke(chain[0].id).unwrap();
    assert_eq!(world.verify(&beside.value), Status::Revoked);
    world.store.close().unwrap();
    let world = declare(options.open(&path).unwrap(), clock, OldAccess::EndsNow);
    assert_eq!(world.verify(&beside.value), Status::Revoked);
}

/// All that an owner has dies by one change, and nothing that comes later; by type, families that hold it included.
#[test]
fn an_owners_revocation_ends_what_was_and_not_what_comes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.store");
    let clock = ManualClock::new(datetime!(2026-01-01 00:00 UTC));
    let options = Options::new().clock(Clock::Manual(clock.clone()));
    let world = declare(options.create(&path).unwrap(), clock.clone(), OldAccess::EndsNow);
    let make = |world: &World, owner: &str| world.store.create(&NewToken::new(world.server, owner)).unwrap();
    let (mine, theirs) = (make(&world, "user"), make(&world, "other"));
    let pair = world.pair();
    let ticket = world.store.create(&NewToken::new(world.ticket, "user")).unwrap();
    let child = NewToken::new(world.server, "other").parent(mine.id);
    let child = world.store.create(&child).unwrap();

    // By the type of access values: the family goes, and the server token stays.
    let changed: Change = world.store.revoke_owner("user", Some(world.access), "admin", "left").unwrap();
    assert!(changed.changed);
    assert_eq!(world.verify(&pair.access.value), Status::Revoked);
    assert_eq!(world.refused(&pair.refresh.value), Status::Revoked);
    assert_eq!(world.verify(&mine.value), Status::Ok);
    assert_eq!(world.verify(&ticket.value), Status::MustConsume);
    let second = world.pair();
    assert_eq!(world.verify(&second.access.value), Status::Ok, "what comes later");

    world.store.revoke_owner("user", None, "admin", "left for good").unwrap();
    let later = make(&world, "user");
    let check = |world: &World| {
        for value in [&mine.value, &second.access.value, &pair.access.value, &child.value] {
            assert_eq!(world.verify(value), Status::Revoked);
        }
        assert_eq!(world.refused(&second.refresh.value), Status::Revoked);
        assert_eq!(world.verify(&theirs.value), Status::Ok);
        assert_eq!(world.verify(&later.value), Status::Ok);
    };
    check(&world);
    assert_eq!(world.verify(&ticket.value), Status::Revoked);
    let event =
        all_events(&world.store).into_iter().rev().find(|event| event.kind == EventKind::OwnerRevoked);
    assert_eq!(event.unwrap().detail, Some(EventDetail::Owner(b"user".to_vec())));
    world.store.close().unwrap();
    let world = declare(options.open(&path).unwrap(), clock, OldAccess::EndsNow);
    check(&world);
    assert_eq!(world.verify(&ticket.value), Status::Unknown, "a ticket is forgotten");
}

/// The value before a rotation works for its grace, says so, and is superseded then.
#[test]
fn a_rotation_leaves_the_old_value_its_grace() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.store");
    let clock = ManualClock::new(datetime!(2026-01-01 00:00 UTC));
    let options = Options::new().clock(Clock::Manual(clock.clone()));
    let mut world = declare(options.create(&path).unwrap(), clock.clone(), OldAccess::EndsNow);
    let new = NewToken::new(world.server, "user").name("ci").app_data("ciphertext");
    let first = world.store.create(&new).unwrap();
    let second = world.store.rotate(first.id, HOUR).unwrap();
    assert_eq!(second.id, first.id);
    let query = Query::of_type(world.server);
    for _ in 0..2 {
        let verdict = world.store.verify(first.value.as_bytes(), &query).unwrap();
        assert!(verdict.allowed() && verdict.identity().unwrap().old_value());
        let verdict = world.store.verify(second.value.as_bytes(), &query).unwrap();
        assert!(verdict.allowed() && !verdict.identity().unwrap().old_value());
        world.store.close().unwrap();
        world = declare(options.open(&path).unwrap(), clock.clone(), OldAccess::EndsNow);
    }
    let token = world.store.get(first.id).unwrap();
    assert_eq!((token.name.as_deref(), token.app_data.len()), (Some("ci"), 0));
    let old = token.old_value.unwrap();
    assert_eq!(old.until, datetime!(2026-01-01 01:00 UTC));
    assert!(old.last_used.is_some(), "an operator sees who still holds it");
    world.clock.advance(HOUR);
    assert_eq!(world.verify(&first.value), Status::Superseded);
    assert_eq!(world.verify(&second.value), Status::Ok);
    let third = world.store.rotate(first.id, HOUR).unwrap();
    assert_eq!(world.verify(&first.value), Status::Unknown, "one value before is remembered");
    assert_eq!(world.verify(&second.value), Status::Ok);
    world.store.revoke_value(second.value.as_bytes(), "", "").unwrap();
    assert_eq!(world.verify(&third.value), Status::Revoked, "an old value stands for its token");
    for (type_id, reason) in [(world.coupon, "counted"), (world.ticket, "in memory")] {
        let id = world.store.create(&NewToken::new(type_id, "user")).unwrap().id;
        let refused = world.store.rotate(id, HOUR).unwrap_err();
        assert_eq!(refused.kind(), tokenstore::ErrorKind::InvalidArgument, "{reason}");
    }
    let pair = world.pair();
    assert!(world.store.rotate(pair.refresh.id, HOUR).is_err());
}

/// What died long ago goes, in bounded steps; nothing that goes turns a refusal into OK.
#[test]
fn pruning_takes_out_the_dead_alone() {
    let world = memory(OldAccess::EndsNow);
    let dead = world.store.create(&NewToken::new(world.server, "user")).unwrap();
    let parent = world.store.create(&NewToken::new(world.server, "user")).unwrap();
    let child = world.store.create(&NewToken::new(world.server, "user").parent(parent.id)).unwrap();
    let (gone, lives) = (world.pair(), world.pair());
    let mut newest = world.rotated(&lives.refresh.value);
    for _ in 0..3 {
        newest = world.rotated(&newest.refresh.value);
    }
    let coupon = world.store.create(&NewToken::new(world.coupon, "user")).unwrap();
    for _ in 0..3 {
        let query = Query::of_type(world.coupon);
        let consumed = world.store.consume(coupon.value.as_bytes(), &query).unwrap();
        assert!(consumed.verdict.allowed());
    }
    world.store.revoke(dead.id).unwrap();
    world.store.revoke(parent.id).unwrap();
    world.store.revoke_family(gone.family).unwrap();
    let now = world.clock.now();
    assert_eq!(world.store.prune(now, 1_000).unwrap(), 0, "they died just now");
    world.clock.advance(Duration::from_secs(60));
    let before = world.store.stats().unwrap().tokens;
    let first = world.store.prune(world.clock.now(), 3).unwrap();
    assert_eq!(first, 3, "bounded");
    let mut removed = first;
    while let more @ 1.. = world.store.prune(world.clock.now(), 1_000).unwrap() {
        removed += more;
    }
    // dead, parent, child, two members, the coupon, and the four access tokens that refreshes ended.
    assert_eq!(removed, 10);
    assert_eq!(world.store.stats().unwrap().tokens, before - removed);
    for value in [&dead.value, &parent.value, &child.value, &gone.access.value, &coupon.value] {
        assert_eq!(world.verify(value), Status::Unknown);
    }
    assert_eq!(world.refused(&gone.refresh.value), Status::Unknown);
    assert_eq!(
        world.refused(&lives.refresh.value),
        Status::Reused,
        "used refresh values stay while their family lives"
    );
}

/// A token in every state that a durable one can be in, and what a verify answers to it.
fn every_state(world: &World) -> Vec<(String, Vec<u8>, Status)> {
    let World { store, access, refresh, coupon, server, .. } = world;
    let (access, refresh, coupon, server) = (*access, *refresh, *coupon, *server);
    let make = |new: NewToken| store.create(&new).unwrap();
    let mut said: Vec<(String, tokenstore::Value, Status)> = Vec::new();
    let new = |owner: &str| NewToken::new(server, owner);
    let pair = || store.issue_pair(&NewPair::new(access, refresh, "user", "client")).unwrap();
    let next = |pair: &Pair| match store.refresh(pair.refresh.value.as_bytes(), "client").unwrap() {
        Refresh::Rotated(next) => next,
        other => panic!("{other:?}"),
    };
    said.push(("active".into(), make(new("user")).value, Status::Ok));
    let disabled = make(new("user"));
    store.disable(disabled.id).unwrap();
    said.push(("disabled".into(), disabled.value, Status::Disabled));
    let enabled = make(new("user"));
    store.disable(enabled.id).unwrap();
    store.enable(enabled.id).unwrap();
    said.push(("enabled again".into(), enabled.value, Status::Ok));
    let revoked = make(new("user"));
    store.revoke(revoked.id).unwrap();
    said.push(("revoked".into(), revoked.value, Status::Revoked));
    let deleted = make(new("user"));
    store.delete(deleted.id).unwrap();
    said.push(("deleted".into(), deleted.value, Status::Unknown));
    let expired = make(new("user").expires(tokenstore::Expiry::In(Duration::from_millis(1))));
    std::thread::sleep(Duration::from_millis(30));
    said.push(("expired".into(), expired.value, Status::Expired));
    let parent = make(new("user"));
    let child = make(new("user").parent(parent.id));
    store.revoke(parent.id).unwrap();
    said.push(("child of a revoked parent".into(), child.value, Status::Revoked));
    let parent = make(new("user"));
    let child = make(new("user").parent(parent.id));
    store.delete(parent.id).unwrap();
    said.push(("child of a deleted parent".into(), child.value, Status::Revoked));
    let gone = make(new("gone"));
    store.revoke_owner("gone", None, "", "").unwrap();
    said.push(("owner revoked".into(), gone.value, Status::Revoked));
    said.push(("made after that".into(), make(new("gone")).value, Status::Ok));
    let used = make(NewToken::new(coupon, "user"));
    for _ in 0..3 {
        let consumed = store.consume(used.value.as_bytes(), &Query::of_type(coupon)).unwrap();
        assert!(consumed.verdict.allowed());
    }
    said.push(("used".into(), used.value, Status::Used));
    said.push(("not used yet".into(), make(NewToken::new(coupon, "user")).value, Status::MustConsume));
    let rotated = make(new("user"));
    let fresh = store.rotate(rotated.id, Duration::ZERO).unwrap();
    said.push(("rotated away".into(), rotated.value, Status::Superseded));
    said.push(("rotated to".into(), fresh.value, Status::Ok));
    let first = pair();
    let second = next(&first);
    said.push(("ended by a refresh".into(), first.access.value, Status::Superseded));
    said.push(("used refresh value".into(), first.refresh.value, Status::Superseded));
    said.push(("good access".into(), second.access.value, Status::Ok));
    let first = pair();
    store.revoke_family(first.family).unwrap();
    said.push(("family revoked".into(), first.access.value, Status::Revoked));
    let first = pair();
    store.disable(first.access.id).unwrap();
    said.push(("family switched off".into(), first.access.value, Status::Disabled));
    let first = pair();
    let second = next(&first);
    next(&second);
    let reused = store.refresh(first.refresh.value.as_bytes(), "client").unwrap();
    assert!(matches!(reused, Refresh::Refused(Status::Reused)));
    said.push(("stolen".into(), second.access.value, Status::Revoked));
    said.into_iter().map(|(what, value, status)| (what, value.as_bytes().to_vec(), status)).collect()
}

const CHILD: &str = "TOKENSTORE_TEST_SESSIONS";

/// The child's part: makes every state, says what it is, and waits to be killed. Does nothing unless it is one.
#[test]
fn child_that_makes_every_state() {
    let Ok(path) = std::env::var(CHILD) else { return };
    println!();
    let clock = ManualClock::new(datetime!(2026-01-01 00:00 UTC));
    let world = declare(Options::new().create(path).unwrap(), clock, OldAccess::EndsNow);
    for (what, value, status) in every_state(&world) {
        let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
        println!("state {hex} {status} {what}");
    }
    println!("ready");
    std::thread::sleep(Duration::from_secs(600));
}

/// Each state is the same before and after a close, a reopen, and a kill -9 in between.
#[test]
fn every_state_is_the_same_after_a_close_and_after_a_kill() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let check = |store: &Store, states: &[(String, Vec<u8>, Status)], when: &str| {
        for (what, value, status) in states {
            let now = store.verify(value, &Query::any_type()).unwrap().status();
            assert_eq!(now, *status, "{what}, {when}");
        }
    };
    let path = folder.path().join("closed.store");
    let clock = ManualClock::new(datetime!(2026-01-01 00:00 UTC));
    let world = declare(Options::new().create(&path).unwrap(), clock, OldAccess::EndsNow);
    let states = every_state(&world);
    check(&world.store, &states, "open");
    world.store.close().unwrap();
    for _ in 0..2 {
        let store = Options::new().open(&path).unwrap();
        check(&store, &states, "reopened");
        store.close().unwrap();
    }

    let path = folder.path().join("killed.store");
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_that_makes_every_state", "--nocapture", "--test-threads=1"])
        .env(CHILD, &path)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let told: Vec<String> = lines.take_while(|line| line != "ready").collect();
    child.kill().unwrap();
    child.wait().unwrap();
    let killed: Vec<(String, Vec<u8>, Status)> = told
        .iter()
        .filter_map(|line| line.strip_prefix("state "))
        .map(|line| {
            let mut words = line.splitn(3, ' ');
            let (hex, status, what) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
            let byte = |n: usize| u8::from_str_radix(&hex[n..n + 2], 16).unwrap();
            let value = (0..hex.len()).step_by(2).map(byte).collect();
            let status = Status::ALL.into_iter().find(|known| known.name() == status).unwrap();
            (what.to_owned(), value, status)
        })
        .collect();
    assert_eq!(killed.len(), states.len());
    for _ in 0..2 {
        let store = Options::new().open(&path).unwrap();
        check(&store, &killed, "after kill -9");
        store.close().unwrap();
    }
    say(format_args!("{} states, the same after a close and after kill -9", states.len()));
}
