//! The file's form is a promise: a store written by the first version opens in every later one.
//!
//! `tests/golden/` holds two stores as version 1 wrote them, with a key and without. They must open, and hold what was
//! put into them. And because a library that turns records into bytes may change, or be given up, one of them is read
//! here a second way: by hand, from DESIGN.md's words, with nothing of the engine's.
//!
//! `TOKENSTORE_WRITE_GOLDEN=1 cargo test --test golden` writes them anew. That is for a new version of the form, under
//! new names, and not for making this test pass.

mod golden_support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use golden_support::{Behind, Bytes, EVENTS, HEAD, LAST_USES, RECORDS, body};
use redb::{ReadableDatabase, ReadableTable};
use time::OffsetDateTime;
use time::macros::datetime;
use tokenstore::{
    Clock, Edit, EventKind, Expiry, Filter, Grants, ManualClock, NewToken, Options, Query, State, Status,
    Store, Target, TypePolicy,
};

const THEN: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);
const KEY: [u8; 32] = *b"a key that is no secret: golden.";

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn options(keyed: bool) -> Options {
    let options = Options::new().clock(Clock::Manual(ManualClock::new(THEN)));
    if keyed { options.key(&KEY) } else { options }
}

/// The values of the golden tokens: made elsewhere, so that they are known.
fn value(n: usize) -> Vec<u8> {
    format!("golden value made elsewhere, number {n}").into_bytes()
}

/// Everything that version 1 can write.
fn write(path: &Path, keyed: bool) {
    let store = options(keyed).create(path).unwrap();
    let day = Duration::from_secs(86_400);
    let server = TypePolicy::new("server", "srv").accepts_external(true);
    let server = store.declare(&server).unwrap();
    let secret =
        TypePolicy::new("secret", "sec").by_name_only(true).unique_names(false).accepts_external(true);
    let secret = store.declare(&secret.default_lifetime(day).max_lifetime(30 * day)).unwrap();
    let make = |n: usize, new: NewToken| store.create_from_value(&new, &value(n)).unwrap().id;
    make(
        0,
        NewToken::new(server, "acme")
            .name("deploy \u{2713}")
            .grants(Grants::All)
            .app_word(u64::MAX)
            .by("ada"),
    );
    make(1, NewToken::new(server, [0, 0xff, b' ']).grants(Grants::projects(["A-1", "B-2", "C-3"])));
    make(2, NewToken::new(secret, "acme").binding("client 7").app_data([0, 1, 2, 0xff]));
    let disabled = make(3, NewToken::new(server, "acme").name("off").expires(Expiry::At(THEN + day)));
    let revoked = make(4, NewToken::new(server, "acme").name("gone"));
    let deleted = make(5, NewToken::new(server, "acme"));
    store.disable(disabled).unwrap();
    store.revoke(Target::new(revoked).by("ada").reason("leaked")).unwrap();
    store.delete(deleted).unwrap();
    store.edit(disabled, &Edit::new().app_word(3).grants(Grants::projects(["Z"]))).unwrap();
    assert!(store.verify(&value(0), &Query::any_type()).unwrap().allowed());
    store.close().unwrap();
}

fn check(store: &Store) {
    let server = store.find_type("server").unwrap();
    let secret = store.find_type("secret").unwrap();
    let policy = store.policy(secret).unwrap().clone();
    let day = Duration::from_secs(86_400);
    let declared =
        TypePolicy::new("secret", "sec").by_name_only(true).unique_names(false).accepts_external(true);
    assert_eq!(policy, declared.default_lifetime(day).max_lifetime(30 * day));
    let status = |n: usize, query: Query| store.verify(&value(n), &query).unwrap().status();
    assert_eq!(status(0, Query::of_type(server).project("any")), Status::Ok);
    assert_eq!(status(1, Query::of_type(server).project("B-2")), Status::Ok);
    assert_eq!(status(1, Query::of_type(server).project("D-4")), Status::NoGrant);
    assert_eq!(status(2, Query::any_type()), Status::WrongType);
    assert_eq!(status(2, Query::of_type(secret).binding("client 7")), Status::Ok);
    assert_eq!(status(2, Query::of_type(secret)), Status::WrongBinding);
    assert_eq!(status(3, Query::any_type()), Status::Disabled);
    assert_eq!(status(4, Query::any_type()), Status::Revoked);
    assert_eq!(status(5, Query::any_type()), Status::Unknown);

    let tokens = store.list(&Filter::new().with_dead()).unwrap().tokens;
    assert_eq!(tokens.len(), 5);
    let [all, three, bound, off, gone] = tokens.try_into().unwrap();
    assert_eq!(
        (all.name.as_deref(), &all.grants, all.app_word),
        (Some("deploy \u{2713}"), &Grants::All, u64::MAX)
    );
    assert_eq!((all.created, all.last_used, all.expires), (THEN, Some(THEN), None));
    assert_eq!((three.owner, three.name), (vec![0, 0xff, b' '], None));
    assert_eq!((bound.bound, bound.app_data, bound.expires), (true, vec![0, 1, 2, 0xff], Some(THEN + day)));
    assert_eq!((off.state, off.app_word, off.revision), (State::Disabled, 3, 12));
    let revocation = gone.revocation.unwrap();
    assert_eq!((revocation.at, revocation.reason.as_str(), gone.revision), (THEN, "leaked", 10));
    let kinds: Vec<_> = store.events(0, 100).unwrap().iter().map(|event| event.kind).collect();
    let [declared, created] = [EventKind::TypeDeclared, EventKind::Created];
    let [disabled, revoked, deleted, edited] =
        [EventKind::Disabled, EventKind::Revoked, EventKind::Deleted, EventKind::Edited];
    let created = [created; 6];
    assert_eq!(kinds, [&[declared; 2][..], &created, &[disabled, revoked, deleted, edited]].concat());
}

#[test]
fn a_store_of_version_1_opens_and_holds_what_it_held() {
    for (name, keyed) in [("version-1.store", false), ("version-1-keyed.store", true)] {
        if std::env::var_os("TOKENSTORE_WRITE_GOLDEN").is_some() {
            let _absent = std::fs::remove_file(golden(name));
            write(&golden(name), keyed);
        }
        // Opening writes to the file, so that it is a copy that is opened.
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("tokens.store");
        std::fs::copy(golden(name), &copy).unwrap();
        let store = options(keyed).open(&copy).unwrap();
        check(&store);
        store.close().unwrap();
        check(&options(keyed).open(&copy).unwrap());
    }
}

// From here on: the file read by hand.

#[test]
fn the_file_can_be_read_by_hand() {
    let file = std::fs::read(golden("version-1.store")).unwrap();
    // The header: magic, version 1.0, no flags, edition 1, store id, and a plain data key; twice.
    let mut header = Bytes(&file[..512]);
    assert_eq!(header.take(16), b"tokenstore\r\n\x1a\n\0\0");
    assert_eq!((header.number(2), header.number(2), header.number(4), header.number(8)), (1, 0, 0, 1));
    let store_id = header.take(16);
    assert_eq!(header.take(16 + 24), [0; 40], "key check and nonce of a store without a key");
    let data_key = header.take(32);
    assert_eq!(header.take(16), [0; 16]);
    assert_eq!(header.take(16), &blake3::hash(&file[..136]).as_bytes()[..16]);
    assert_eq!(file[..512], file[512..1024]);

    let material = [data_key, store_id].concat();
    let derive = |context: &str| blake3::derive_key(context, &material);
    let notes = [1024, 1536].map(|at| {
        let slot = ((at - 1024) / 512) as u8;
        let input = [&[slot], &file[at..at + 8]].concat();
        let tag = blake3::keyed_hash(&derive("tokenstore 2026-11-24 generation note"), &input);
        assert_eq!(file[at + 8..at + 24], tag.as_bytes()[..16], "note {slot}");
        Bytes(&file[at..at + 8]).number(8)
    });
    assert_eq!(notes.into_iter().max(), Some(12));

    let record_key = derive("tokenstore 2026-11-24 record tag and sum");
    let behind = Behind(std::sync::RwLock::new(file.clone()));
    let database = redb::Builder::new().create_with_backend(behind).unwrap();
    let transaction = database.begin_read().unwrap();

    let (mut sum, mut tokens, mut types) = ([0_u8; 32], BTreeMap::new(), Vec::new());
    for row in transaction.open_table(RECORDS).unwrap().iter().unwrap() {
        let (key, row) = row.unwrap();
        let (key, row) = (key.value(), row.value());
        let (mut bytes, part) = body(&record_key, 1, key, row);
        let mut carry = 0;
        for (byte, other) in sum.iter_mut().zip(part) {
            carry += u32::from(*byte) + u32::from(other);
            *byte = carry as u8;
            carry >>= 8;
        }
        match key[0] {
            1 => types.push(read_type(&mut bytes)),
            4 => {
                let token = read_token(&mut bytes);
                tokens.insert(token.digest, token);
            }
            other => panic!("a record of kind {other}"),
        }
        assert!(bytes.0.is_empty(), "nothing is left over");
    }
    assert_eq!(types, [("server".to_owned(), "srv".to_owned()), ("secret".to_owned(), "sec".to_owned())]);

    let row = transaction.open_table(HEAD).unwrap().get(0).unwrap().unwrap();
    let (mut head, _) = body(&record_key, 2, &[0], row.value());
    assert_eq!((head.number(8), head.number(8)), (12, 7), "changes and records");
    assert_eq!(head.take(32), sum);
    assert_eq!(head.number(8), THEN.unix_timestamp() as u64 * 1000, "the mark");
    assert_eq!(head.number(8), 1, "the first event");
    let last_id = head.take(16);
    assert_eq!(head.0, []);

    let digest = |n: usize| {
        let hash = blake3::keyed_hash(&derive("tokenstore 2026-11-24 value digest"), &value(n));
        <[u8; 16]>::try_from(&hash.as_bytes()[..16]).unwrap()
    };
    let expected = [
        (0, "acme", "deploy \u{2713}", 2, false, vec![]),
        (1, "\0\u{fffd} ", "", 0, false, vec!["A-1", "B-2", "C-3"]),
        (2, "acme", "", 0, false, vec![]),
        (3, "acme", "off", 1, false, vec!["Z"]),
        (4, "acme", "gone", 0, true, vec![]),
    ];
    assert_eq!(tokens.len(), expected.len());
    for (n, owner, name, flags, revoked, projects) in expected {
        let token = &tokens[&digest(n)];
        assert_eq!((token.owner.as_str(), token.name.as_str()), (owner, name));
        assert_eq!(
            (token.flags, token.revoked, token.projects.iter().map(String::as_str).collect::<Vec<_>>()),
            (flags, revoked, projects)
        );
    }

    let events: Vec<u64> = transaction
        .open_table(EVENTS)
        .unwrap()
        .iter()
        .unwrap()
        .map(|row| {
            let (sequence, row) = row.unwrap();
            let (mut event, _) = body(&record_key, 3, &sequence.value().to_be_bytes(), row.value());
            let kind = event.number(1);
            assert_eq!(event.number(8), THEN.unix_timestamp() as u64 * 1000);
            let (token, type_id) = (event.optional(16), event.optional(2));
            assert_eq!(token.is_some(), kind != 1);
            assert_eq!(type_id.is_some(), kind == 1);
            let (by, reason, text) =
                (event.number(1) as usize, event.number(1) as usize, event.number(8) as usize);
            assert_eq!(by + reason, text);
            let text = event.take(text);
            match sequence.value() {
                3 => assert_eq!(text, b"ada"),
                8 => assert_eq!(token, Some(last_id)),
                10 => assert_eq!(text, b"adaleaked"),
                _ => assert_eq!(text, b""),
            }
            kind
        })
        .collect();
    assert_eq!(events, [1, 1, 2, 2, 2, 2, 2, 2, 8, 10, 11, 3]);
    let uses = transaction.open_table(LAST_USES).unwrap();
    let uses: Vec<i64> = uses.iter().unwrap().map(|row| row.unwrap().1.value()).collect();
    assert_eq!(uses, [THEN.unix_timestamp() * 1000]);
}

fn read_type(bytes: &mut Bytes<'_>) -> (String, String) {
    let flags = bytes.number(1);
    let (default, max) = (bytes.optional(8), bytes.optional(8));
    assert_eq!((bytes.optional(4), bytes.optional(33)), (None, None), "kept for later");
    let (prefix, name, text) = (bytes.number(1) as usize, bytes.number(1) as usize, bytes.number(8) as usize);
    assert_eq!(prefix + name, text);
    let prefix = String::from_utf8(bytes.take(prefix).to_vec()).unwrap();
    let name = String::from_utf8(bytes.take(name).to_vec()).unwrap();
    match name.as_str() {
        "server" => assert_eq!((flags, default, max), (1 | 4, None, None)),
        _ => {
            assert_eq!(flags, 2 | 4);
            let days = |field: Option<&[u8]>| Bytes(field.unwrap()).number(8) / 86_400_000;
            assert_eq!((days(default), days(max)), (1, 30));
        }
    }
    (name, prefix)
}

struct ByHand {
    digest: [u8; 16],
    owner: String,
    name: String,
    flags: u64,
    revoked: bool,
    projects: Vec<String>,
}

fn read_token(bytes: &mut Bytes<'_>) -> ByHand {
    let digest = bytes.take(16).try_into().unwrap();
    let (revision, created) = (bytes.number(8), bytes.number(8));
    assert!((1..=12).contains(&revision) && created == THEN.unix_timestamp() as u64 * 1000);
    let (_expires, _app_word, type_id, flags) =
        (bytes.number(8), bytes.number(8), bytes.number(2), bytes.number(1));
    assert!((1..=2).contains(&type_id));
    let revoked = bytes.optional(8).is_some();
    assert_eq!((bytes.optional(4), bytes.optional(16)), (None, None), "kept for later");
    assert_eq!((bytes.optional(21), bytes.optional(24)), (None, None), "kept for later");
    let lengths = [1, 1, 1, 1, 2].map(|len| bytes.number(len) as usize);
    let projects = bytes.number(2);
    let text = bytes.number(8) as usize;
    let mut text = Bytes(bytes.take(text));
    let [owner, name, _binding, reason, _app_data] =
        lengths.map(|len| String::from_utf8_lossy(text.take(len)).into_owned());
    assert_eq!(reason, if revoked { "leaked" } else { "" });
    let projects = (0..projects)
        .map(|_| {
            let len = text.number(1) as usize;
            String::from_utf8(text.take(len).to_vec()).unwrap()
        })
        .collect();
    assert!(text.0.is_empty());
    ByHand { digest, owner, name, flags, revoked, projects }
}
