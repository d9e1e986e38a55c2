//! The form of what sessions keep in the file is a promise, too: families with their sealed pairs, revocations of owners,
//! counted tokens, parents, rotated values.
//!
//! `tests/golden/sessions.store` was written by version 1. It must open, and do what it did; and it is read a second way,
//! by hand, from DESIGN.md's words: even the sealed pair opens with nothing but a cipher from a library.
//!
//! `TOKENSTORE_WRITE_GOLDEN=1 cargo test --test golden_sessions` writes it anew: see `tests/golden.rs`.

mod golden_support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use golden_support::{Behind, Bytes, EVENTS, RECORDS, body};
use redb::{ReadableDatabase, ReadableTable};
use time::OffsetDateTime;
use time::macros::datetime;
use tokenstore::{
    Clock, FamilyPolicy, Grants, ManualClock, NewPair, NewToken, OldAccess, Options, PairValues, Query,
    Refresh, State, Status, Store, TypePolicy,
};

const THEN: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);
const SECOND: u64 = 1_000;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/sessions.store")
}

fn options() -> Options {
    Options::new().clock(Clock::Manual(ManualClock::new(THEN)))
}

/// The values: made elsewhere, so that they are known.
fn value(name: &str) -> Vec<u8> {
    format!("golden session value: {name}").into_bytes()
}

fn write(path: &Path) {
    let store = options().create(path).unwrap();
    let seconds = Duration::from_secs;
    let access = store.declare(&TypePolicy::new("access", "acc").accepts_external(true)).unwrap();
    let families = FamilyPolicy::new(seconds(36_000), seconds(86_400), seconds(864_000))
        .grace(seconds(60))
        .old_access(OldAccess::EndsWithGrace);
    let refresh = TypePolicy::new("refresh", "ref").accepts_external(true).families(families);
    let refresh = store.declare(&refresh).unwrap();
    let coupon = store.declare(&TypePolicy::new("coupon", "cou").accepts_external(true).uses(2)).unwrap();
    let ticket = TypePolicy::new("ticket", "sso").uses(1).volatile(true).default_lifetime(seconds(15));
    store.declare(&ticket).unwrap();
    let server = store.declare(&TypePolicy::new("server", "srv").accepts_external(true)).unwrap();

    let new = NewPair::new(access, refresh, "user-17", "client-1")
        .name("Firefox")
        .bind_access(true)
        .grants(Grants::projects(["A-1"]))
        .app_data([1, 2, 3])
        .app_word(9)
        .by("web");
    let (a1, r1, a2, r2) = (value("a1"), value("r1"), value("a2"), value("r2"));
    let values = PairValues { access: Some(&a1), refresh: Some(&r1) };
    store.issue_pair_from_values(&new, values).unwrap();
    let values = PairValues { access: Some(&a2), refresh: Some(&r2) };
    let refreshed = store.refresh_to_values(&r1, "client-1", values, "web").unwrap();
    assert!(matches!(refreshed, Refresh::Rotated(_)));
    assert!(matches!(store.refresh(&r1, "client-1").unwrap(), Refresh::Replayed(_)));

    let make = |new: NewToken, name: &str| store.create_from_value(&new, &value(name)).unwrap().id;
    make(NewToken::new(coupon, "user-17").app_data("tea"), "coupon");
    assert!(store.consume(&value("coupon"), &Query::any_type()).unwrap().verdict.allowed());
    let parent = make(NewToken::new(server, "acme"), "parent");
    make(NewToken::new(server, "acme").parent(parent), "child");
    store.rotate(parent, seconds(3_600)).unwrap();
    make(NewToken::new(server, "gone"), "gone");
    store.revoke_owner("gone", Some(server), "admin", "left").unwrap();
    store.close().unwrap();
}

fn check(store: &Store) {
    let status = |name: &str, query: Query| store.verify(&value(name), &query).unwrap().status();
    let any = Query::any_type;
    assert_eq!(status("a1", any().binding("client-1").project("A-1")), Status::Ok, "in its grace");
    assert_eq!(status("a2", any().binding("client-1").project("A-1")), Status::Ok);
    assert_eq!(status("a2", any()), Status::WrongBinding);
    assert_eq!(status("r1", any().binding("client-1")), Status::Superseded);
    assert_eq!(status("r2", any().binding("client-1")), Status::MustRefresh);
    assert_eq!(status("coupon", any()), Status::MustConsume);
    assert_eq!(status("parent", any()), Status::Ok, "an old value");
    assert_eq!(status("child", any()), Status::Ok);
    assert_eq!(status("gone", any()), Status::Revoked);
    let Refresh::Replayed(pair) = store.refresh(&value("r1"), "client-1").unwrap() else {
        panic!("the reply was lost")
    };
    assert_eq!(pair.access.value.as_bytes(), value("a2"));
    assert_eq!(pair.refresh.value.as_bytes(), value("r2"));
    let token = store.get(pair.access.id).unwrap();
    assert_eq!(
        (token.family, token.name.as_deref(), token.app_word),
        (Some(pair.family), Some("Firefox"), 9)
    );
    assert_eq!((token.state, token.app_data), (State::Active, vec![1, 2, 3]));
    assert_eq!(store.stats().unwrap().tokens, 8);
}

#[test]
fn a_store_with_sessions_opens_and_does_what_it_did() {
    if std::env::var_os("TOKENSTORE_WRITE_GOLDEN").is_some() {
        let _absent = std::fs::remove_file(golden());
        write(&golden());
    }
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("tokens.store");
    std::fs::copy(golden(), &copy).unwrap();
    for _ in 0..2 {
        let store = options().open(&copy).unwrap();
        check(&store);
        store.close().unwrap();
    }
    let store = options().open(&copy).unwrap();
    assert!(store.consume(&value("coupon"), &Query::any_type()).unwrap().verdict.allowed());
    let used = store.consume(&value("coupon"), &Query::any_type()).unwrap();
    assert_eq!(used.verdict.status(), Status::Used, "one of two uses was left");
    assert!(matches!(store.refresh(&value("r2"), "client-1").unwrap(), Refresh::Rotated(_)));
}

#[test]
fn families_and_their_sealed_pairs_can_be_read_by_hand() {
    let file = std::fs::read(golden()).unwrap();
    let (store_id, data_key) = (&file[32..48], &file[88..120]);
    let material = [data_key, store_id].concat();
    let derive = |context: &str| blake3::derive_key(context, &material);
    let record_key = derive("tokenstore 2026-11-24 record tag and sum");
    let digest = |name: &str| {
        let hash = blake3::keyed_hash(&derive("tokenstore 2026-11-24 value digest"), &value(name));
        hash.as_bytes()[..16].to_vec()
    };
    let database =
        redb::Builder::new().create_with_backend(Behind(std::sync::RwLock::new(file.clone()))).unwrap();
    let transaction = database.begin_read().unwrap();
    let then_ms = THEN.unix_timestamp() as u64 * 1_000;

    let (mut kinds, mut members) = (Vec::new(), 0);
    for row in transaction.open_table(RECORDS).unwrap().iter().unwrap() {
        let (key, row) = row.unwrap();
        let (key, row) = (key.value(), row.value());
        let (mut bytes, _) = body(&record_key, 1, key, row);
        kinds.push(key[0]);
        match key[0] {
            1 => {}
            2 => {
                read_family(&mut bytes, key, &derive("tokenstore 2026-11-24 sealed pair"), store_id, then_ms)
            }
            3 => {
                assert_eq!((bytes.number(8), bytes.number(8)), (15, then_ms));
                let type_id = bytes.optional(2).unwrap();
                let owner = bytes.number(8) as usize;
                assert_eq!((type_id, bytes.take(owner)), (&[5, 0][..], &b"gone"[..]));
                let input = [&[0][..], type_id, b"gone"].concat();
                let hash = blake3::keyed_hash(&derive("tokenstore 2026-11-24 name index"), &input);
                assert_eq!(key[1..], hash.as_bytes()[..16]);
            }
            4 => members += usize::from(read_token(&mut bytes, &digest, then_ms)),
            other => panic!("a record of kind {other}"),
        }
        assert!(key[0] == 1 || bytes.0.is_empty(), "nothing is left over");
    }
    assert_eq!(kinds, [1, 1, 1, 1, 1, 2, 3, 4, 4, 4, 4, 4, 4, 4, 4]);
    assert_eq!(members, 4);

    let events: Vec<u64> = transaction
        .open_table(EVENTS)
        .unwrap()
        .iter()
        .unwrap()
        .map(|row| {
            let (sequence, row) = row.unwrap();
            let (mut event, _) = body(&record_key, 3, &sequence.value().to_be_bytes(), row.value());
            let (kind, _at, _token, _type) =
                (event.number(1), event.number(8), event.optional(16), event.optional(2));
            let (by, reason) = (event.number(1) as usize, event.number(1) as usize);
            let text = event.number(8) as usize;
            let text = event.take(text);
            assert!(event.0.is_empty());
            match kind {
                19 => assert_eq!(text, b"adminleftgone"),
                _ => assert_eq!(text.len(), by + reason),
            }
            kind
        })
        .collect();
    assert_eq!(events, [1, 1, 1, 1, 1, 14, 15, 16, 2, 12, 2, 2, 13, 2, 19]);
}

fn read_family(bytes: &mut Bytes<'_>, key: &[u8], pair_key: &[u8; 32], store_id: &[u8], then_ms: u64) {
    assert_eq!(bytes.number(8), 7, "its last change that shows: the refresh");
    assert_eq!((bytes.number(8), bytes.number(8)), (then_ms, then_ms + 864_000 * SECOND));
    assert_eq!((bytes.number(8), bytes.number(8)), (then_ms, 9), "refreshed at, app_word");
    assert_eq!((bytes.number(2), bytes.number(2)), (2, 1), "types of refresh and access values");
    assert_eq!(bytes.number(1), 4 | 8, "access bound, replay noted");
    assert!(bytes.optional(8).is_none(), "not revoked");
    assert_eq!(bytes.number(4), 2, "generation");
    let _members = (bytes.take(16), bytes.take(16));
    let nonce: [u8; 24] = bytes.optional(24).unwrap().try_into().unwrap();
    let lens = [1, 1, 1, 1, 2, 2, 2].map(|width| bytes.number(width) as usize);
    let [owner, name, binding, reason, app_data, sealed, projects] = lens;
    let text = bytes.number(8) as usize;
    let mut text = Bytes(bytes.take(text));
    assert_eq!((text.take(owner), text.take(name)), (&b"user-17"[..], &b"Firefox"[..]));
    assert_eq!((text.take(binding), reason, text.take(app_data)), (&b"client-1"[..], 0, &[1, 2, 3][..]));
    let (pair, tag) = text.take(sealed).split_last_chunk::<16>().unwrap();
    assert_eq!((projects, text.0), (1, &b"\x03A-1"[..]));

    let mut pair = pair.to_vec();
    let context = [store_id, &key[1..], &2_u32.to_le_bytes()].concat();
    let key = blake3::keyed_hash(pair_key, &value("r1"));
    XChaCha20Poly1305::new(key.as_bytes().into())
        .decrypt_inout_detached(&XNonce::from(nonce), &context, (&mut pair[..]).into(), &Tag::from(*tag))
        .expect("the refresh value before opens it");
    let mut pair = Bytes(&pair);
    let lives = (pair.number(8), pair.number(8));
    assert_eq!(lives, (then_ms + 36_000 * SECOND, then_ms + 86_400 * SECOND));
    let (access, refresh) = (pair.number(2) as usize, pair.number(2) as usize);
    assert_eq!((pair.take(access), pair.take(refresh)), (&value("a2")[..], &value("r2")[..]));
    assert!(pair.0.is_empty());
}

/// Whether it is a member of a family.
fn read_token(bytes: &mut Bytes<'_>, digest: &dyn Fn(&str) -> Vec<u8>, then_ms: u64) -> bool {
    let hash = bytes.take(16);
    let (_revision, _created, expires) = (bytes.number(8), bytes.number(8), bytes.number(8));
    let (app_word, _type, flags) = (bytes.number(8), bytes.number(2), bytes.number(1));
    let ended = bytes.optional(8).map(|ms| Bytes(ms).number(8));
    let uses_left = bytes.optional(4).map(|uses| Bytes(uses).number(4));
    let parent = bytes.optional(16);
    let member = bytes.optional(21).map(|place| {
        let mut place = Bytes(place);
        let _family = place.take(16);
        (place.number(4), place.number(1))
    });
    let old = bytes.optional(24).map(|old| {
        let mut old = Bytes(old);
        (old.take(16).to_vec(), old.number(8))
    });
    let lens = [1, 1, 1, 1, 2, 2].map(|width| bytes.number(width));
    let text = bytes.number(8) as usize;
    bytes.take(text);
    let is = |name: &str| hash == digest(name);
    if member.is_some() {
        assert_eq!((lens, text, app_word), ([0; 6], 0, 0), "its family has them");
    }
    match () {
        () if is("a1") => {
            assert_eq!((flags, member, expires), (8, Some((1, 0)), then_ms + 60 * SECOND));
        }
        () if is("r1") => assert_eq!((flags, member, ended), (4 | 16, Some((1, 1)), Some(then_ms))),
        () if is("a2") => assert_eq!((flags, member), (0, Some((2, 0)))),
        () if is("r2") => assert_eq!((flags, member), (0, Some((2, 1)))),
        () if is("coupon") => assert_eq!((uses_left, ended), (Some(1), None)),
        () if is("child") => assert!(parent.is_some()),
        () if is("gone") => assert_eq!((flags, ended), (0, None), "nothing of its own row says so"),
        () => assert_eq!(old, Some((digest("parent"), then_ms + 3_600 * SECOND))),
    }
    member.is_some()
}
