//! Verifies race changes, and changes race each other.
//!
//! A store that reads a token's fields one after the other can answer with the expiry of yesterday and the grants of
//! today: nobody ever gave those rights. Here one thread moves tokens between two complete states that differ in
//! everything, while eight verify: an answer that is neither state fails. Stores that check a name and then take it
//! give it twice: here threads create one name, and all but one must lose.

use std::io::Write as _;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use time::OffsetDateTime;
use time::macros::datetime;
use tokenstore::{
    Clock, Edit, ErrorKind, Expiry, Grants, Id, ManualClock, NewToken, Options, Query, Status, Store, TypeId,
    TypePolicy,
};

const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);
const TOKENS: usize = 64;
const READERS: usize = 8;

fn store() -> Store {
    Options::new().clock(Clock::Manual(ManualClock::new(NOW))).in_memory().unwrap()
}

/// One of the two complete states, red and blue, told apart by every field that a verdict shows.
struct Complete {
    word: u64,
    type_id: TypeId,
    expires: OffsetDateTime,
    grants: Grants,
}

impl Complete {
    /// Blue has so many projects that they are searched otherwise than red's few.
    fn both(types: [TypeId; 2]) -> [Complete; 2] {
        let blues = (0..20).map(|n| format!("blue {n}")).chain(["blue".into(), "both".into()]);
        let grants = [Grants::projects(["red", "both"]), Grants::projects(blues)];
        let mut word = 0;
        types.map(|type_id| {
            let expires = NOW + Duration::from_secs(100 + word);
            word += 1;
            Complete { word, type_id, expires, grants: grants[word as usize - 1].clone() }
        })
    }

    fn edit(&self) -> Edit {
        Edit::new().app_word(self.word).expires(Expiry::At(self.expires)).grants(self.grants.clone())
    }
}

/// Has `READERS` threads verify the values, by three queries in turn, while `change` is called with numbers from 0 on,
/// until there were enough of both; returns how many there were. Every answer must be one of the two states, whole; which of
/// the statuses without rights are also right is for `refusals` to say.
fn race(
    store: &Store,
    states: &[Complete; 2],
    values: &[Vec<u8>],
    refusals: &[Status],
    enough: (u64, u64),
    mut change: impl FnMut(usize) + Send,
) -> (u64, u64) {
    let (done, verified, changed) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let projects = ["red", "blue", "both"];
    let queries = projects.map(|project| Query::any_type().project(project));
    let check = |n: usize, asked: usize| {
        let verdict = store.verify(&values[n], &queries[asked]).unwrap();
        let Some(who) = verdict.identity() else {
            assert!(refusals.contains(&verdict.status()), "{verdict:?}");
            return;
        };
        let state = states.iter().find(|state| state.word == who.app_word).expect("a state's word");
        assert_eq!(who.expires(), Some(state.expires), "word and expiry of two states");
        assert_eq!(who.type_id, state.type_id, "word and type of two states");
        let granted = state.grants.allow(projects[asked].as_bytes());
        let expected = if granted { Status::Ok } else { Status::NoGrant };
        assert!(
            verdict.status() == expected || refusals.contains(&verdict.status()),
            "word and grants of two states: {verdict:?}"
        );
        if let Some(owner) = store.owner(who.owner).unwrap() {
            assert_eq!(*owner, *owner_of(n).as_bytes(), "another token's owner");
        }
    };
    std::thread::scope(|scope| {
        let (check, done, verified, changed) = (&check, &done, &verified, &changed);
        scope.spawn(move || {
            for turn in 0.. {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                change(turn);
                changed.fetch_add(1, Ordering::Relaxed);
            }
        });
        for reader in 0..READERS {
            scope.spawn(move || {
                for round in 0_usize.. {
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                    (0..TOKENS).for_each(|n| check((n * 7 + reader) % TOKENS, (n + round) % 3));
                    let verified = verified.fetch_add(TOKENS as u64, Ordering::Relaxed);
                    if verified >= enough.0 && changed.load(Ordering::Relaxed) >= enough.1 {
                        done.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    (verified.into_inner(), changed.into_inner())
}

fn owner_of(n: usize) -> String {
    format!("owner {n}")
}

#[test]
fn no_answer_mixes_two_states_of_an_edited_token() {
    let store = store();
    let server = store.declare(&TypePolicy::new("server", "srv")).unwrap();
    let states = Complete::both([server; 2]);
    let tokens: Vec<_> = (0..TOKENS)
        .map(|n| {
            let token = store.create(&NewToken::new(server, owner_of(n))).unwrap();
            store.edit(token.id, &states[0].edit()).unwrap();
            token
        })
        .collect();
    let values: Vec<_> = tokens.iter().map(|token| token.value.as_bytes().to_vec()).collect();
    let (verified, edited) = race(&store, &states, &values, &[], (4_000_000, 2_000), |turn| {
        store.edit(tokens[turn % TOKENS].id, &states[(turn / TOKENS + 1) % 2].edit()).unwrap();
    });
    writeln!(std::io::stdout(), "races: {verified} verifies against {edited} edits, none mixed")
        .expect("a standard output");
}

/// A type is for life, so that a value changes it only by being deleted and registered anew.
#[test]
fn no_answer_mixes_two_tokens_of_one_value() {
    let store = store();
    let types = [("red", "r"), ("blue", "b")]
        .map(|(name, prefix)| store.declare(&TypePolicy::new(name, prefix).accepts_external(true)).unwrap());
    let states = Complete::both(types);
    let values: Vec<_> = (0..TOKENS).map(|n| format!("made elsewhere, number {n}").into_bytes()).collect();
    let register = |n: usize, state: &Complete| {
        let new = NewToken::new(state.type_id, owner_of(n))
            .app_word(state.word)
            .expires(Expiry::At(state.expires))
            .grants(state.grants.clone());
        store.create_from_value(&new, &values[n]).unwrap().id
    };
    let mut ids: Vec<Id> = (0..TOKENS).map(|n| register(n, &states[0])).collect();
    // On its way out a token is revoked, then gone.
    let between = [Status::Revoked, Status::Unknown];
    let (verified, replaced) = race(&store, &states, &values, &between, (2_000_000, 2_000), |turn| {
        let n = turn % TOKENS;
        store.delete(ids[n]).unwrap();
        ids[n] = register(n, &states[(turn / TOKENS + 1) % 2]);
    });
    writeln!(std::io::stdout(), "races: {verified} verifies against {replaced} replaced tokens, none mixed")
        .expect("a standard output");
}

#[test]
fn of_threads_that_create_one_name_one_wins_and_the_others_are_told() {
    let store = store();
    let server = store.declare(&TypePolicy::new("server", "srv")).unwrap();
    const THREADS: usize = 4;
    for round in 0..500 {
        let barrier = Barrier::new(THREADS);
        let won: Vec<bool> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        let new = NewToken::new(server, "acme").name(format!("name {round}"));
                        match store.create(&new) {
                            Ok(_) => true,
                            Err(error) => {
                                assert_eq!(error.kind(), ErrorKind::NameTaken);
                                false
                            }
                        }
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(won.iter().filter(|won| **won).count(), 1, "round {round}");
    }
}

/// When `revoke` has returned, no verify that begins accepts the token; and none ever accepts it again.
#[test]
fn what_a_revoke_returned_for_is_refused_by_the_next_verify() {
    let store = store();
    let server = store.declare(&TypePolicy::new("server", "srv")).unwrap();
    let query = Query::of_type(server);
    let mut revoked_while_read = 0;
    for _ in 0..300 {
        let token = store.create(&NewToken::new(server, "acme")).unwrap();
        let returned = AtomicBool::new(false);
        let accepted_first = std::thread::scope(|scope| {
            let readers: Vec<_> = (0..2)
                .map(|_| {
                    scope.spawn(|| {
                        let mut accepted = 0_u64;
                        loop {
                            let was_returned = returned.load(Ordering::SeqCst);
                            let verdict = store.verify(token.value.as_bytes(), &query).unwrap();
                            if was_returned {
                                assert_eq!(verdict.status(), Status::Revoked);
                                return accepted;
                            }
                            accepted += u64::from(verdict.allowed());
                        }
                    })
                })
                .collect();
            std::thread::yield_now();
            store.revoke(token.id).unwrap();
            returned.store(true, Ordering::SeqCst);
            readers.into_iter().map(|reader| reader.join().unwrap()).sum::<u64>()
        });
        revoked_while_read += u64::from(accepted_first > 0);
    }
    assert!(revoked_while_read > 0, "no verify ever came before its revoke");
}

/// A shard grows and shrinks under its readers: whoever is in is found, whoever is out is not.
#[test]
fn growth_and_deletion_hide_and_reveal_nobody() {
    let store = store();
    let server = store.declare(&TypePolicy::new("server", "srv").unique_names(false)).unwrap();
    let query = Query::of_type(server);
    let stay: Vec<_> = (0..500).map(|_| store.create(&NewToken::new(server, "stay")).unwrap()).collect();
    let (done, lookups) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    for token in &stay {
                        assert!(store.verify(token.value.as_bytes(), &query).unwrap().allowed());
                    }
                    lookups.fetch_add(stay.len() as u64, Ordering::Relaxed);
                }
            });
        }
        let new = NewToken::new(server, "go");
        for _ in 0..4 {
            let made: Vec<_> = store
                .create_many(std::iter::repeat_n(&new, 20_000))
                .into_iter()
                .map(|made| made.unwrap())
                .collect();
            for token in &made {
                assert!(store.verify(token.value.as_bytes(), &query).unwrap().allowed());
            }
            for token in made.iter().step_by(10) {
                store.delete(token.id).unwrap();
                assert_eq!(store.verify(token.value.as_bytes(), &query).unwrap().status(), Status::Unknown);
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    writeln!(
        std::io::stdout(),
        "races: {} lookups of tokens that stay, beside growth and deletion",
        lookups.into_inner()
    )
    .expect("a standard output");
}
