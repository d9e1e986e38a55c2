//! A damaged file is refused, or is what it was. It is never an older state in silence, never fewer tokens, and never a
//! crash of the process.
//!
//! A database that trusts its file serves what it finds: of 400 single flipped bits in one that did, 353 changed
//! answers without a word, and one bit in the byte that says which commit is the latest brought a revoked token back
//! to life, with every checksum of the file in order. Copies of old rows still lie in the pages that a change leaves
//! behind, with right checksums and right tags.
//!
//! So everything that can happen to a file is done to two stores, one closed and one copied while it was open, as a
//! crash leaves it: every bit of the headers flipped, thousands of others, pages zeroed, swapped, doubled, put back
//! from an older copy, the file cut and lengthened, rows put back, exchanged and taken out by way of redb itself, so
//! that its checksums are right. Each time the store must refuse to open, the second time as well as the first, or show
//! exactly the latest state: every token, every verdict, every event. Last uses are left out: no answer depends on
//! them, and they are not protected.
//!
//! `TOKENSTORE_LONG=1` does more of everything; `TOKENSTORE_SEED` repeats a run.

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use redb::TableDefinition;
use support::child;
use support::disk::{Disk, Fate, Image, Op, PAGE};
use support::judge::{Damage, GOD_BYTE, Outcome, Tally, each, judge, subjects};
use support::past_us::{
    EVENTS, HEAD, HEADER, Key, LAST_USES, RECORDS, Rows, put_all, put_event, put_head, put_record, rows,
    written,
};
use support::quiet::quietly;
use support::random::{Random, long};
use support::steps::{Step, types};
use support::story::{Opener, Story};
use support::world::START;
use tokenstore::{ErrorKind, Options, Store, TypePolicy};

#[test]
fn no_flipped_bit_of_the_headers_goes_unnoticed() {
    let (seed, start) = (Random::seed(), Instant::now());
    let mut random = Random::new(seed);
    let tally = Tally::default();
    for subject in &subjects(seed, 40) {
        let mut damages = Vec::new();
        for byte in 0..HEADER + 512 {
            let class = match byte {
                0..152 | 512..664 => "a bit of an identity",
                1024..1048 | 1536..1560 => "a bit of a note",
                HEADER.. => "a bit of redb's header",
                _ => "a bit of our header that is not used",
            };
            for bit in 0..8 {
                // What nobody looks at needs no exhaustive proof.
                let is_used = !class.ends_with("not used") || long();
                if is_used || random.once_in(16) {
                    let flip = byte * 8 + bit;
                    damages.push(each(class, format!("bit {bit} of byte {byte}"), move |image| {
                        image.flip(flip);
                    }));
                }
            }
        }
        tally.sweep(seed, subject, &damages);
    }
    tally.report("flipped bits of the headers", seed, start);
}

#[test]
fn no_damaged_page_goes_unnoticed() {
    let (seed, start) = (Random::seed(), Instant::now());
    let mut random = Random::new(seed);
    let tally = Tally::default();
    let times = if long() { 40_000 } else { 2_500 };
    for subject in &subjects(seed, 200) {
        let image = &subject.image;
        let used: Vec<usize> =
            (0..image.page_count()).filter(|page| image.page(*page).iter().any(|byte| *byte != 0)).collect();
        let mut damages = Vec::new();
        for _ in 0..times {
            let page = *random.pick(&used);
            let bytes: Vec<usize> = (0..PAGE).filter(|byte| image.page(page)[*byte] != 0).collect();
            let bit = (page * PAGE + *random.pick(&bytes)) * 8 + random.below(8);
            damages.push(each("a bit of a page", format!("bit {bit}"), move |image| image.flip(bit)));
        }
        for _ in 0..times / 5 {
            let bit = random.below(image.len() * 8);
            damages.push(each("a bit anywhere", format!("bit {bit}"), move |image| image.flip(bit)));
            let (first, second) = (*random.pick(&used), *random.pick(&used));
            damages.push(each("two pages swapped", format!("{first} and {second}"), move |image| {
                let (one, other) = (*image.page(first), *image.page(second));
                image.write(first * PAGE, &other);
                image.write(second * PAGE, &one);
            }));
            damages.push(each("a page over another", format!("{first} over {second}"), move |image| {
                let page = *image.page(first);
                image.write(second * PAGE, &page);
            }));
            let at = *random.pick(&used) * PAGE + 512 * random.below(8);
            let seed = random.next();
            damages.push(each("a sector of garbage", format!("at {at}"), move |image| {
                let mut random = Random::new(seed);
                let garbage: Vec<u8> = (0..512).map(|_| random.next() as u8).collect();
                image.write(at, &garbage);
            }));
        }
        for page in 0..image.page_count() {
            damages.push(each("a page zeroed", format!("{page}"), move |image| {
                image.write(page * PAGE, &[0; PAGE]);
            }));
            damages.push(each("a page of ones", format!("{page}"), move |image| {
                image.write(page * PAGE, &[0xff; PAGE]);
            }));
        }
        for (age, older) in subject.older.iter().rev().enumerate() {
            for page in 0..older.page_count().min(image.page_count()) {
                if older.page(page) != image.page(page) {
                    damages.push(each("a page of older", format!("{page}, {age} changes"), move |image| {
                        image.write(page * PAGE, older.page(page));
                    }));
                }
            }
        }
        tally.sweep(seed, subject, &damages);
    }
    tally.report("damaged pages", seed, start);
}

#[test]
fn no_file_of_another_length_goes_unnoticed() {
    let (seed, start) = (Random::seed(), Instant::now());
    let tally = Tally::default();
    for subject in &subjects(seed, 60) {
        let len = subject.image.len();
        let mut damages = Vec::new();
        for end in (0..=len + 4 * PAGE).step_by(PAGE) {
            for end in [end.saturating_sub(1), end, end + 1] {
                let class = if end < len { "cut" } else { "lengthened" };
                damages.push(each(class, format!("to {end}"), move |image| image.set_len(end)));
                if end < len {
                    // As a file system that lost the data, but not the length.
                    damages.push(each("cut and filled with zeros", format!("from {end}"), move |image| {
                        image.set_len(end);
                        image.set_len(len);
                    }));
                }
            }
        }
        tally.sweep(seed, subject, &damages);
    }
    tally.report("files of other lengths", seed, start);
}

/// The bit that brought a revoked token back to life, and every other value of that byte.
#[test]
fn going_back_to_the_commit_before_is_refused() {
    let (seed, start) = (Random::seed(), Instant::now());
    let tally = Tally::default();
    let subjects = subjects(seed, 60);
    for subject in &subjects {
        let value = subject.image.page(1)[GOD_BYTE - HEADER];
        let others = (0..=255_u8).filter(|other| *other != value);
        let damages: Vec<Damage<'_>> = others
            .map(|other| {
                each("another god byte", format!("{other}"), move |image| image.write(GOD_BYTE, &[other]))
            })
            .collect();
        tally.sweep(seed, subject, &damages);

        // And all of redb's part as it was, behind our header as it is.
        let damages: Vec<Damage<'_>> = (subject.older.iter().rev().enumerate())
            .map(|(age, older)| {
                each("redb's part of older", format!("{age} changes"), move |image| {
                    let ours = *image.page(0);
                    *image = older.clone();
                    image.write(0, &ours);
                })
            })
            .collect();
        tally.sweep(seed, subject, &damages);
    }
    tally.report("older commits", seed, start);

    // Pages of the commit before may be gone or used again by then: that is Corrupt.
    let flipped = |seed: u64| {
        let [_, killed] = self::subjects(seed, 60);
        let mut image = killed.image.clone();
        image.flip(GOD_BYTE * 8);
        judge(&image, &killed.world, false)
    };
    let [rolled_back, corrupt] = [ErrorKind::RolledBack, ErrorKind::Corrupt].map(Outcome::Refused);
    let outcomes: Vec<_> = (0..6).map(|n| flipped(seed.wrapping_add(n))).collect();
    assert!(
        outcomes.iter().all(|outcome| [&rolled_back, &corrupt].contains(&outcome)),
        "{outcomes:?}, seed {seed}"
    );
    assert!(outcomes.contains(&rolled_back), "{outcomes:?}, seed {seed}");
}

/// The same flipped bit in a store whose disk swallows the notes of what was acknowledged: if the check above passed
/// there, too, it would say nothing.
#[test]
fn without_the_notes_a_flipped_bit_goes_back_in_silence() {
    let seed = Random::seed();
    let disk = Disk::meddled(Image::default(), move |op| match op {
        Op::Write { offset: 1024..2048, data } if data[..8] != [0; 8] => Fate::Skip,
        _ => Fate::Do,
    });
    let mut story = Story::begin(seed, disk, None).expect("a new store");
    story.open().expect("the new store opens");
    for step in story.first_steps(20) {
        story.go(&step);
    }
    let before = Arc::new(story.world.clone());
    let victim = story.world.live(story.clock.now())[0];
    story.go(&Step::Revoke(victim));
    let mut image = story.disk.image();
    let world = Arc::new(story.world.clone());
    assert_eq!(judge(&image, &world, false), Outcome::Latest);
    image.flip(GOD_BYTE * 8);
    let outcome = judge(&image, &world, false);
    assert!(matches!(outcome, Outcome::Wrong(_)), "the check did not notice: {outcome:?}");
    assert_eq!(judge(&image, &before, false), Outcome::Latest, "it is the state before the revocation");
}

/// Whoever can write to the file has everything that ever stood in it, and can make redb's checksums right. Without the
/// key it is refused all the same.
#[test]
fn no_row_can_be_put_back_exchanged_or_taken_out() {
    let (seed, start) = (Random::seed(), Instant::now());
    let mut random = Random::new(seed);
    let tally = Tally::default();
    for subject in &subjects(seed, 60) {
        let now = rows(&subject.image);
        let older: Vec<Rows> = subject.older[types().len() + 1..].iter().map(rows).collect();
        let mut damages: Vec<Damage<'_>> = Vec::new();
        let mut damage = |class, what: String, damage: Box<dyn Fn(&Image) -> Image + Sync>| {
            damages.push((class, what, damage));
        };
        let keys: Vec<Key> = now.records.keys().copied().collect();
        for (age, then) in older.iter().rev().enumerate() {
            for (key, row) in &then.records {
                let (key, row) = (*key, row.clone());
                let class = match now.records.get(&key) {
                    Some(present) if *present == row => continue,
                    Some(_) => "a record of older",
                    None => "a deleted record put back",
                };
                let put = move |image: &Image| put_record(image, &key, Some(&row));
                damage(class, format!("{key:?}, {age} changes"), Box::new(put));
            }
            if then.head != now.head {
                let then = then.clone();
                let head = then.head.clone();
                let put = move |image: &Image| put_head(image, &head);
                damage("the head of older", format!("{age} changes"), Box::new(put));
                let put = move |image: &Image| put_all(image, &then);
                damage("all rows of older", format!("{age} changes"), Box::new(put));
            }
        }
        for key in &keys {
            let key = *key;
            damage(
                "a record taken out",
                format!("{key:?}"),
                Box::new(move |image| put_record(image, &key, None)),
            );
            let other = *random.pick(&keys);
            if other != key {
                let (row, others) = (now.records[&key].clone(), now.records[&other].clone());
                let swap = move |image: &Image| {
                    put_record(&put_record(image, &key, Some(&others)), &other, Some(&row))
                };
                damage("two records exchanged", format!("{key:?} and {other:?}"), Box::new(swap));
            }
            let mut fresh = key;
            fresh[16] ^= 1 << random.below(8);
            fresh[random.below(16)] ^= 1 << random.below(8);
            let row = now.records[&key].clone();
            let put = move |image: &Image| put_record(image, &fresh, Some(&row));
            damage("a record under another key", format!("{fresh:?}"), Box::new(put));
            let mut row = now.records[&key].clone();
            let bit = random.below(row.len() * 8);
            row[bit / 8] ^= 1 << (bit % 8);
            let put = move |image: &Image| put_record(image, &key, Some(&row));
            damage("a bit of a record", format!("bit {bit} of {key:?}"), Box::new(put));
            let cut = now.records[&key][..random.below(now.records[&key].len())].to_vec();
            let put = move |image: &Image| put_record(image, &key, Some(&cut));
            damage("a record cut short", format!("{key:?}"), Box::new(put));
        }
        let (first, last) = (*now.events.keys().next().unwrap(), *now.events.keys().last().unwrap());
        for (sequence, row) in &now.events {
            let sequence = *sequence;
            damage(
                "an event taken out",
                format!("{sequence}"),
                Box::new(move |image| put_event(image, sequence, None)),
            );
            let row = row.clone();
            for to in [first + random.below((last - first) as usize) as u64, last + 1, first - 1] {
                if to != sequence {
                    let row = row.clone();
                    let put = move |image: &Image| put_event(image, to, Some(&row));
                    damage("an event under another number", format!("{sequence} as {to}"), Box::new(put));
                }
            }
        }
        for name in ["records", "head", "events"] {
            let drop_table = move |image: &Image| {
                written(image, |transaction| {
                    let dropped = match name {
                        "records" => transaction.delete_table(RECORDS),
                        "head" => transaction.delete_table(HEAD),
                        _ => transaction.delete_table(EVENTS),
                    };
                    assert!(dropped.expect("redb writes"));
                })
            };
            damage("a table taken out", name.into(), Box::new(drop_table));
        }
        for name in ["records", "head", "events", "last_uses"] {
            let exchange = move |image: &Image| {
                written(image, |transaction| {
                    let other: TableDefinition<'_, u128, bool> = TableDefinition::new(name);
                    let dropped = match name {
                        "records" => transaction.delete_table(RECORDS),
                        "head" => transaction.delete_table(HEAD),
                        "events" => transaction.delete_table(EVENTS),
                        _ => transaction.delete_table(LAST_USES),
                    };
                    assert!(dropped.expect("redb writes"));
                    drop(transaction.open_table(other).expect("redb writes"));
                })
            };
            damage("a table of other types", name.into(), Box::new(exchange));
        }
        tally.sweep(seed, subject, &damages);
    }
    tally.report("rows written past us", seed, start);
    for (class, outcomes) in &*tally.classes.lock().expect("no panic under it") {
        assert!(!outcomes.contains_key("the latest state"), "seed {seed}: {class} was not noticed");
    }
}

/// What no answer depends on is not protected, and must not stop a store from opening.
#[test]
fn changed_last_uses_change_nothing_else() {
    let seed = Random::seed();
    for subject in &subjects(seed, 60) {
        let image = written(&subject.image, |transaction| {
            let mut uses = transaction.open_table(LAST_USES).expect("there are last uses");
            uses.retain(|_, _| false).expect("redb writes");
            for id in subject.world.ids() {
                uses.insert(id.as_bytes(), i64::MAX - 1).expect("redb writes");
            }
            uses.insert(&[0xee; 16], i64::MIN).expect("redb writes");
        });
        assert_eq!(judge(&image, &subject.world, true), Outcome::Latest, "seed {seed}");
    }
}

#[test]
fn what_is_no_store_of_ours_is_refused() {
    let (seed, start) = (Random::seed(), Instant::now());
    let mut random = Random::new(seed);
    let tally = Tally::default();
    let [closed, killed] = subjects(seed, 30);
    let others = subjects(seed.wrapping_add(1), 30);
    for (subject, other) in [(&closed, &others[0]), (&killed, &others[1]), (&closed, &others[1])] {
        let mut damages = Vec::new();
        for end in [0, 1, 15, 16, 152, 511, 4095, 4096, 4097, 4096 + 320, 8191, 8192] {
            damages
                .push(each("the beginning alone", format!("{end} bytes"), move |image| image.set_len(end)));
            let seed = random.next();
            damages.push(each("garbage", format!("{end} bytes"), move |image| {
                let mut random = Random::new(seed);
                *image = Image::of(&(0..end * 3).map(|_| random.next() as u8).collect::<Vec<u8>>());
            }));
        }
        for len in [4097, 8192, 1 << 20] {
            damages.push(each("zeros", format!("{len} bytes"), move |image| {
                *image = Image::default();
                image.set_len(len);
            }));
            damages.push(each("our header and zeros", format!("{len} bytes"), move |image| {
                image.set_len(4096);
                image.set_len(len);
            }));
        }
        damages.push(each("redb's part alone", String::new(), |image| {
            *image = Image::of(&image.bytes()[HEADER..]);
        }));
        damages.push(each("another store's header", String::new(), |image| {
            image.write(0, other.image.page(0));
        }));
        for (from, to) in [(0, 512), (512, 1024), (1024, 1536), (1536, 2048), (0, 1024), (1024, 2048)] {
            damages.push(each("another store's sectors", format!("{from}..{to}"), move |image| {
                image.write(from, &other.image.page(0)[from..to]);
            }));
        }
        // An identity of ours behind another's, and the notes exchanged.
        damages.push(each("our sectors exchanged", "identities".into(), |image| {
            let page = *image.page(0);
            image.write(0, &page[512..1024]);
            image.write(512, &page[..512]);
        }));
        damages.push(each("our sectors exchanged", "notes".into(), |image| {
            let page = *image.page(0);
            image.write(1024, &page[1536..2048]);
            image.write(1536, &page[1024..1536]);
        }));
        tally.sweep(seed, subject, &damages);
    }
    tally.report("files that are no store of ours", seed, start);

    // The whole of another store is that store, and not one of ours.
    assert!(matches!(judge(&others[1].image, &killed.world, false), Outcome::Wrong(_)));
    assert_eq!(judge(&others[1].image, &others[1].world, true), Outcome::Latest);
    // Another's file under a key that is not its own.
    assert_eq!(judge(&closed.image, &killed.world, false), Outcome::Refused(ErrorKind::WrongKey));
}

#[test]
fn a_newer_format_is_told_from_damage() {
    let seed = Random::seed();
    let [closed, killed] = subjects(seed, 10);
    for subject in [&closed, &killed] {
        for major in [2_u16, 3, 255, 256, 257, 0x0200, 0xffff] {
            let mut image = subject.image.clone();
            for place in [0, 512] {
                let mut identity = image.page(0)[place..place + 152].to_vec();
                identity[16..18].copy_from_slice(&major.to_le_bytes());
                let hash = blake3::hash(&identity[..136]);
                identity[136..].copy_from_slice(&hash.as_bytes()[..16]);
                image.write(place, &identity);
            }
            let outcome = judge(&image, &subject.world, false);
            assert_eq!(
                outcome,
                Outcome::Refused(ErrorKind::Unsupported),
                "format {major} of a {} store",
                subject.name
            );
        }
    }
}

/// A store open or made by another process, for the tests below.
#[test]
fn child() {
    let Some(task) = child::task() else { return };
    let (what, path) = task.split_once(' ').expect("a task and a path");
    let options = Options::new();
    let done = if what == "create" { options.create(path) } else { options.open(path) };
    child::say(&done.map_or_else(|error| format!("{:?}", error.kind()), |_| "Ok".into()));
}

/// Of two copies of what nothing else in the file tells, one damaged must not wait for the other.
#[test]
fn opening_mends_what_it_could_do_without() {
    let seed = Random::seed();
    for subject in &subjects(seed, 20) {
        for [damaged, other] in [[0, 512], [512, 0]] {
            let mut image = subject.image.clone();
            image.flip((damaged + 77) * 8);
            let disk = Disk::new(image);
            let worlds = std::slice::from_ref(&subject.world);
            drop(Opener::new().open_as(&disk, worlds).unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}")));
            let mut image = disk.image();
            image.write(other, &[0; 512]);
            let judged = judge(&image, &subject.world, true);
            assert_eq!(judged, Outcome::Latest, "seed {seed}, the copy at {damaged}");
        }
    }
}

/// Once, stores were readable for everybody who had an account on the machine, because nobody had said otherwise.
#[test]
fn a_file_is_its_owners_alone_whatever_the_umask() {
    let folder = tempfile::tempdir().unwrap();
    for umask in ["000", "022", "077"] {
        let path = folder.path().join(umask);
        let create =
            child::command_after(&format!("umask {umask}"), "child", &format!("create {}", path.display()));
        assert_eq!(child::lines_of(create), ["Ok"]);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600, "umask {umask}");
    }
    assert_eq!(names(folder.path()), ["000", "022", "077"]);
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A path that leads elsewhere is a way to have a service write over, or read, a file of another's choice.
#[test]
fn what_is_there_is_never_written_over_and_no_link_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let options = Options::new();
    options.create(at("store")).unwrap().close().unwrap();
    let bytes = std::fs::read(at("store")).unwrap();
    std::fs::write(at("text"), "not a store").unwrap();
    std::fs::write(at("empty"), "").unwrap();
    std::fs::create_dir(at("folder")).unwrap();
    std::os::unix::fs::symlink("store", at("link")).unwrap();
    std::os::unix::fs::symlink("nothing", at("dangling")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(at("fifo")).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();

    let kind = |result: tokenstore::Result<Store>| result.map(drop).map_err(|error| error.kind());
    let all = names(folder.path());
    for name in &all {
        assert_eq!(kind(options.create(at(name))), Err(ErrorKind::AlreadyExists), "{name}");
    }
    let expected = [
        ("text", ErrorKind::Corrupt),
        ("empty", ErrorKind::Corrupt),
        ("folder", ErrorKind::Io),
        ("link", ErrorKind::Io),
        ("dangling", ErrorKind::Io),
        ("fifo", ErrorKind::Corrupt),
        ("socket", ErrorKind::Io),
        ("nothing", ErrorKind::Io),
    ];
    for (name, refusal) in expected {
        assert_eq!(kind(options.open(at(name))), Err(refusal), "{name}");
    }
    assert_eq!(kind(options.open("/dev/zero")), Err(ErrorKind::Corrupt));
    assert_eq!(kind(options.create(at("nowhere").join("store"))), Err(ErrorKind::Io));
    assert_eq!(kind(options.create("/")), Err(ErrorKind::AlreadyExists));

    assert_eq!(names(folder.path()), all, "nothing was made and nothing left behind");
    assert_eq!(std::fs::read(at("store")).unwrap(), bytes);
    assert_eq!(std::fs::read(at("text")).unwrap(), b"not a store");
    assert_eq!(std::fs::read(at("empty")).unwrap(), b"");
}

#[test]
fn a_store_is_open_once_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let elsewhere = || child::lines_of(child::command("child", &format!("open {}", path.display())));
    let store = Options::new().create(&path).unwrap();
    assert_eq!(Options::new().open(&path).unwrap_err().kind(), ErrorKind::Locked);
    assert_eq!(elsewhere(), ["Locked"]);
    // The attempts took nothing from the one who has it.
    store.declare(&TypePolicy::new("server", "srv")).unwrap();
    assert_eq!(elsewhere(), ["Locked"]);
    store.close().unwrap();
    assert_eq!(elsewhere(), ["Ok"]);
    let store = Options::new().open(&path).unwrap();
    assert!(store.find_type("server").is_some());
}

/// A refusal lets go of the file: whoever puts a good copy in its place, or looks again, is not told that it is in use.
#[test]
fn a_refused_file_is_let_go() {
    let seed = Random::seed();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let [_, killed] = subjects(seed, 60);
    let mut damages = vec![killed.image.clone(); 40];
    let mut random = Random::new(seed);
    damages[0].flip(GOD_BYTE * 8);
    for image in &mut damages[1..] {
        for _ in 0..2_000 {
            image.flip((2 * PAGE + random.below(image.len() - 2 * PAGE)) * 8 + random.below(8));
        }
    }
    let mut refusals = 0;
    for image in &damages {
        std::fs::write(&path, image.bytes()).unwrap();
        let opener = Opener::new();
        let open = || opener.options(killed.world.key.as_ref()).open(&path);
        for _ in 0..2 {
            if let Err(error) = quietly(open).unwrap_or_else(|panic| panic!("seed {seed}: {panic}")) {
                assert!(
                    matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::RolledBack),
                    "seed {seed}: {error:?}"
                );
                refusals += 1;
            }
        }
        std::fs::write(&path, killed.image.bytes()).unwrap();
        let store = open().unwrap_or_else(|error| panic!("seed {seed}: {error:?}"));
        killed.world.check(&store, START).unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"));
    }
    assert!(refusals >= 40, "only {refusals} refusals");
}

/// A disk that is full while a store is made leaves nothing that looks like one.
#[test]
fn a_failed_creation_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    for blocks in [0, 1, 8, 9, 64, 500, 1_000, 2_000] {
        // Too long a file is then an error instead of the process's end.
        let shell = format!("trap '' XFSZ; ulimit -f {blocks}");
        let create = child::command_after(&shell, "child", &format!("create {}", path.display()));
        assert_eq!(child::lines_of(create), ["Io"], "{blocks} blocks");
        assert_eq!(names(folder.path()), [""; 0], "{blocks} blocks");
    }
}

#[test]
fn of_many_who_make_a_store_one_does() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..10 {
        let path = folder.path().join(format!("store {round}"));
        let made: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..6).map(|_| scope.spawn(|| Options::new().create(&path))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 1);
        for error in made.iter().filter_map(|made| made.as_ref().err()) {
            assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
        }
    }
    assert_eq!(names(folder.path()).len(), 10);
}
