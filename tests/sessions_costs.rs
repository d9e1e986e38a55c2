//! What sessions cost: ending many tokens costs what ending few does, and a ticket needs no disk.
//!
//! A store that walks over an owner's tokens to revoke them is slow at the moment when it matters, and one that syncs a
//! disk for a ticket of 15 seconds is slow always. `cargo test --release --test sessions_costs -- --nocapture` prints the
//! figures; `TOKENSTORE_LONG=1` takes a million tokens instead of a hundred thousand.

mod support;

use std::io::Write as _;
use std::time::{Duration, Instant};

use support::disk::{Disk, Image, Op};
use tokenstore::{
    Created, FamilyPolicy, Id, NewPair, NewToken, Options, Query, Refresh, Status, Store, TypeId, TypePolicy,
};

fn say(text: std::fmt::Arguments<'_>) {
    writeln!(std::io::stdout(), "{text}").expect("a standard output");
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// How many times each is ended, for a median.
const ROUNDS: usize = 9;

/// So many children of each of some parents, all of one owner.
fn crowd(store: &Store, server: TypeId, owner: &str, each: usize) -> Vec<(Id, Created)> {
    (0..ROUNDS)
        .map(|_| {
            let parent = store.create(&NewToken::new(server, owner)).unwrap().id;
            let news = vec![NewToken::new(server, owner).parent(parent); each];
            (parent, store.create_many(&news).pop().unwrap().unwrap())
        })
        .collect()
}

/// Families with so many generations.
fn families(store: &Store, access: TypeId, refresh: TypeId, generations: usize) -> Vec<(Id, Vec<u8>)> {
    (0..ROUNDS)
        .map(|_| {
            let mut pair = store.issue_pair(&NewPair::new(access, refresh, "user", "client")).unwrap();
            for _ in 0..generations {
                let next = store.refresh(pair.refresh.value.as_bytes(), "client").unwrap();
                let Refresh::Rotated(next) = next else { panic!("{next:?}") };
                pair = next;
            }
            (pair.family, pair.access.value.as_bytes().to_vec())
        })
        .collect()
}

fn time(mut act: impl FnMut(usize)) -> Duration {
    let times = (0..ROUNDS).map(|n| {
        let start = Instant::now();
        act(n);
        start.elapsed()
    });
    median(times.collect())
}

#[test]
fn ending_many_costs_what_ending_few_does() {
    let many = if std::env::var_os("TOKENSTORE_LONG").is_some() { 1_000_000 } else { 100_000 } / ROUNDS;
    let store = Options::new().in_memory().unwrap();
    let server = store.declare(&TypePolicy::new("server", "srv")).unwrap();
    let access = store.declare(&TypePolicy::new("access", "acc")).unwrap();
    let month = Duration::from_secs(30 * 86_400);
    let refresh = TypePolicy::new("refresh", "ref").families(FamilyPolicy::new(month, month, month));
    let refresh = store.declare(&refresh).unwrap();
    let small = crowd(&store, server, "few", 100 / ROUNDS);
    let large = crowd(&store, server, "many", many);
    let [young, old] = [1, many / 50].map(|generations| families(&store, access, refresh, generations));

    let verify = |value: &[u8]| store.verify(value, &Query::any_type()).unwrap().status();
    let end = |owner: &str, crowd: &[(Id, Created)]| {
        let beside = store.create(&NewToken::new(server, owner)).unwrap();
        let parent = time(|n| assert!(store.revoke(crowd[n].0).unwrap().changed));
        assert!(crowd.iter().all(|(_, child)| verify(child.value.as_bytes()) == Status::Revoked));
        assert_eq!(verify(beside.value.as_bytes()), Status::Ok);
        let owner = time(|_| assert!(store.revoke_owner(owner, None, "", "").unwrap().changed));
        assert_eq!(verify(beside.value.as_bytes()), Status::Revoked);
        (parent, owner)
    };
    let end_families = |families: &[(Id, Vec<u8>)]| {
        let family = time(|n| assert!(store.revoke_family(families[n].0).unwrap().changed));
        assert!(families.iter().all(|(_, access)| verify(access) == Status::Revoked));
        family
    };
    let ((few_parent, few_owner), (many_parent, many_owner)) = (end("few", &small), end("many", &large));
    let (few_family, many_family) = (end_families(&young), end_families(&old));
    for (what, few, many) in [
        ("parent", few_parent, many_parent),
        ("owner", few_owner, many_owner),
        ("family", few_family, many_family),
    ] {
        let ratio = many.as_secs_f64() / few.as_secs_f64();
        say(format_args!("ending of {what}: {few:?} with few, {many:?} with many, {ratio:.2} times"));
        assert!(ratio <= 3.0, "{what}: {ratio}");
    }
    let all = many * ROUNDS;
    say(format_args!(
        "an owner of 100 and of {all} tokens, parents of 11 and {many}, {} generations",
        many / 50
    ));
}

#[test]
fn a_ticket_needs_no_disk() {
    let disk = Disk::new(Image::default());
    Options::new().create_on(&disk.backend()).unwrap();
    let store = Options::new().open_on(&disk.backend()).unwrap();
    let ticket = TypePolicy::new("ticket", "sso").uses(1).default_lifetime(Duration::from_secs(15));
    let durable = store.declare(&ticket).unwrap();
    let volatile = TypePolicy::new("volatile", "vol").uses(1).default_lifetime(Duration::from_secs(15));
    let volatile = store.declare(&volatile.volatile(true)).unwrap();
    let syncs = || disk.ops().iter().filter(|op| matches!(op, Op::Sync)).count();
    let spend = |store: &Store, type_id: TypeId| {
        let made = store.create(&NewToken::new(type_id, "user").app_data("/inbox")).unwrap();
        let consumed = store.consume(made.value.as_bytes(), &Query::of_type(type_id)).unwrap();
        assert_eq!(consumed.app_data.as_deref(), Some(&b"/inbox"[..]));
    };
    let before = (syncs(), disk.op_count(), store.stats().unwrap().sequence);
    for _ in 0..1_000 {
        spend(&store, volatile);
    }
    let after = (syncs(), disk.op_count(), store.stats().unwrap().sequence);
    assert_eq!(after.0, before.0, "no sync");
    assert_eq!(after.2, before.2, "no change to the store");
    spend(&store, durable);
    assert!(syncs() > after.0, "the count counts");

    // On a real file, and its time.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let store = Options::new().create(folder.path().join("tokens.store")).unwrap();
    let durable = store.declare(&ticket).unwrap();
    let volatile = TypePolicy::new("volatile", "vol").uses(1).default_lifetime(Duration::from_secs(15));
    let volatile = store.declare(&volatile.volatile(true)).unwrap();
    let each = |type_id, count: u32| {
        let start = Instant::now();
        (0..count).for_each(|_| spend(&store, type_id));
        start.elapsed() / count
    };
    let (with, without) = (each(durable, 50), each(volatile, 5_000));
    say(format_args!("a ticket made and consumed: {without:?} in memory, {with:?} on the disk"));
    assert!(without * 10 < with, "{without:?} in memory, {with:?} on the disk");
}
