//! Who may have a store open beside whom, and what the others are told.

use tokenstore::{NewToken, Query, Status, Store, TypePolicy};

use super::opening::Opening;
use super::orders::NONE;
use super::talk::Member;
use super::{folder, full_or, report};

/// What an opening that must be refused is told: the error's kind, and its line.
fn refused(opening: &Opening) -> (String, String) {
    let mut member = Member::start(opening, |_| ());
    let reply = member.hear().expect("it says why not");
    let kind = reply.error().unwrap_or_else(|| panic!("it was opened")).to_owned();
    (kind, reply.text)
}

fn opens(opening: &Opening) {
    Member::open(opening).leave();
}

#[test]
fn who_has_a_store_alone_and_who_shares_it_keep_each_other_out_and_are_named() {
    let folder = folder();
    let shared = Opening { key: 3, ..Opening::of(folder.path().join("tokens.store")) };
    let alone = shared.clone().exclusive();
    shared.create();
    let name = shared.path.display().to_string();
    let must_name = |text: &str, holders: &[&Member]| {
        let names_one = holders.iter().any(|holder| {
            let words = text.split(|letter: char| !letter.is_ascii_digit());
            words.into_iter().any(|word| word == holder.pid().to_string())
        });
        assert!(text.contains(&name) && names_one, "{text}");
    };

    // While it is shared.
    let [mut one, mut other] = [(); 2].map(|()| Member::open(&shared));
    let (kind, text) = refused(&alone);
    assert_eq!(kind, "Locked");
    must_name(&text, &[&one, &other]);
    // Those who share it notice nothing.
    one.ask("declare server srv").ok();
    let made = one.ask(&format!("create server acme - {NONE} 0 {NONE}"));
    let value = made.ok().split(' ').nth(1).expect("a value").to_owned();
    let verify = format!("verify {value} {NONE} {NONE}");
    assert!(other.ask(&verify).ok().starts_with("OK/"));
    opens(&shared);
    // One of two goes, in either way.
    one.leave();
    let (kind, text) = refused(&alone);
    assert_eq!(kind, "Locked");
    must_name(&text, &[&other]);
    drop(other);

    // The last one was killed: nobody shares it any more.
    let mut holder = Member::open(&alone);
    for opening in [&shared, &alone] {
        let (kind, text) = refused(opening);
        assert_eq!(kind, "Locked");
        must_name(&text, &[&holder]);
    }
    assert!(holder.ask(&verify).ok().starts_with("OK/"));
    drop(holder);
    let mut member = Member::open(&shared);
    assert!(member.ask(&verify).ok().starts_with("OK/"));
    member.leave();
    opens(&alone);
    report(format_args!("modes: alone and shared keep each other out, and name who has the store"));
}

#[test]
fn another_key_opens_nothing_whoever_has_the_store_open() {
    let folder = folder();
    let right = Opening { key: 3, ..Opening::of(folder.path().join("tokens.store")) };
    right.create();
    let wrong = [0, 4].map(|key| Opening { key, ..right.clone() });
    let all_refused = || {
        for opening in wrong.iter().cloned().chain(wrong.iter().cloned().map(Opening::exclusive)) {
            let (kind, text) = refused(&opening);
            // Who would have it alone may be told first that it is shared.
            assert!(kind == "WrongKey" || kind == "Locked" && !opening.shared, "{opening:?}: {text}");
        }
    };
    all_refused();
    let mut member = Member::open(&right);
    all_refused();
    assert_eq!(refused(&wrong[0]).0, "WrongKey");
    member.ask("declare server srv").ok();
    opens(&right);

    // Another key from now on, also for who opened it before and goes on.
    let next = Opening { key: 5, ..right.clone() };
    let mut other = Member::open(&right);
    member.ask("change-key 5").ok();
    assert_eq!(refused(&right).0, "WrongKey");
    opens(&next);
    let made = other.ask(&format!("create server acme - {NONE} 0 {NONE}"));
    let value = made.ok().split(' ').nth(1).expect("a value").to_owned();
    assert!(member.ask(&format!("verify {value} {NONE} {NONE}")).ok().starts_with("OK/"));
    other.ask("change-key 6").ok();
    assert_eq!(refused(&next).0, "WrongKey");
    member.leave();
    other.leave();
    assert_eq!(refused(&Opening { key: 3, ..right.clone() }.exclusive()).0, "WrongKey");
    opens(&Opening { key: 6, ..right }.exclusive());
    report(format_args!(
        "keys: another key, and none, are refused beside others and alone; a new key holds for all"
    ));
}

/// As two processes do: locks and memory are each opening's own.
#[test]
fn two_openings_of_one_process_and_another_process_have_one_truth() {
    let folder = folder();
    let opening = Opening::of(folder.path().join("tokens.store"));
    opening.create();
    let open = || opening.options().open(&opening.path).expect("it is shared");
    let [one, other] = [open(), open()];
    let server = one.declare(&TypePolicy::new("server", "srv")).expect("a healthy disk");
    let mut third = Member::open(&opening);
    let rounds = full_or(500, 50);
    for round in 0..rounds {
        let made = one.create(&NewToken::new(server, "acme")).expect("a healthy disk");
        let verify = format!("verify {} {NONE} {NONE}", made.value.as_str());
        let status = |store: &Store| {
            let verdict = store.verify(made.value.as_bytes(), &Query::any_type());
            verdict.expect("a healthy disk").status()
        };
        assert_eq!(status(&other), Status::Ok);
        assert!(third.ask(&verify).ok().starts_with("OK/"));
        match round % 3 {
            0 => drop(one.revoke(made.id).expect("a healthy disk")),
            1 => drop(other.revoke(made.id).expect("a healthy disk")),
            _ => drop(third.ask(&format!("revoke {}", made.id))),
        }
        assert_eq!([status(&one), status(&other)], [Status::Revoked; 2]);
        assert!(third.ask(&verify).ok().starts_with("REVOKED/"));
    }
    // One is closed, and lets go nothing of the other's.
    one.close().expect("a healthy disk");
    assert_eq!(refused(&opening.clone().exclusive()).0, "Locked");
    let made = other.create(&NewToken::new(server, "acme")).expect("a healthy disk");
    assert!(third.ask(&format!("verify {} {NONE} {NONE}", made.value.as_str())).ok().starts_with("OK/"));
    report(format_args!("modes: two openings of one process and one of another agreed {rounds} times"));
}

/// There are more than are noted by name.
#[test]
fn a_hundred_openings_have_one_truth() {
    let folder = folder();
    let opening = Opening::of(folder.path().join("tokens.store"));
    opening.create();
    let open = || opening.options().open(&opening.path).expect("it is shared");
    let mut stores: Vec<Store> = (0..100).map(|_| open()).collect();
    let server = stores[0].declare(&TypePolicy::new("server", "srv")).expect("a healthy disk");
    for writer in [0, 50, 99] {
        let made = stores[writer].create(&NewToken::new(server, "acme")).expect("a healthy disk");
        let all_say = |status| {
            for store in &stores {
                let verdict = store.verify(made.value.as_bytes(), &Query::any_type());
                assert_eq!(verdict.expect("a healthy disk").status(), status);
            }
        };
        all_say(Status::Ok);
        stores[99 - writer].revoke(made.id).expect("a healthy disk");
        all_say(Status::Revoked);
    }
    // The last of them, whom nobody names, keeps out who would have it alone.
    let last = stores.pop().expect("there are a hundred");
    stores.into_iter().for_each(|store| store.close().expect("a healthy disk"));
    assert_eq!(refused(&opening.clone().exclusive()).0, "Locked");
    last.close().expect("a healthy disk");
    opens(&opening.exclusive());
    report(format_args!("modes: a hundred openings agreed"));
}
