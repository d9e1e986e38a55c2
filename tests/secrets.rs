//! A value is in the hands of whoever it was given to, and nowhere else.
//!
//! Token stores have leaked by their files (values kept in plain text), by copies that a library left in freed memory
//! and a core dump carried away, and by error messages that quoted what was wrong. Here a process creates and uses
//! values by every call, wipes its own copies, and stands still; then all of its memory, and every file in the store's
//! folder, are searched for what it knew.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokenstore::{
    CreatedOrExisting, ErrorKind, FamilyPolicy, Grants, NewPair, NewToken, Options, PairValues, Query,
    Refresh, Status, Store, Target, TypePolicy, Value, Verdict,
};
use zeroize::Zeroize;

const CHILD: &str = "TOKENSTORE_TEST_SECRETS";
const KEY: [u8; 32] = [0x5b; 32];
const MASK: u8 = 0xa5;
/// How much of a value may be found: nothing of this length.
const PIECE: usize = 16;

/// Tells the parent a value without writing it down: masked, in hexadecimal.
fn tell(value: &[u8]) {
    let mut line = String::new();
    for byte in value {
        line.push_str(&format!("{:02x}", byte ^ MASK));
    }
    println!("{line}");
}

/// A value of the caller's own, made where it stands and wiped by `wipe`.
fn outsider() -> Box<[u8; 48]> {
    let mut value = Box::new([0; 48]);
    getrandom::fill(&mut value[..]).unwrap();
    value.iter_mut().for_each(|byte| *byte = b'a' + *byte % 26);
    value
}

/// Uses a value by every call that takes one.
fn use_everywhere(store: &Store, value: &[u8], expected: Status) {
    let query = Query::any_type();
    for _ in 0..50 {
        assert_eq!(store.verify(value, &query).unwrap().status(), expected);
    }
    let mut header = [b"Bearer ", value].concat();
    assert_eq!(store.verify_authorization(&header, &query).unwrap().status(), expected);
    header.zeroize();
    let mut verdicts = [Verdict::default(); 3];
    let _allowed = store.verify_many(&[value, value, b"other"], &query, &mut verdicts).unwrap();
}

/// The child's part: does nothing unless it is one.
#[test]
fn child_that_wipes_its_copies() {
    let Ok(path) = std::env::var(CHILD) else { return };
    // Away from the line that the test runner began.
    println!();
    let store = Options::new().key(&KEY).create(&path).unwrap();
    let server = store.declare(&TypePolicy::new("server", "srv").accepts_external(true)).unwrap();
    let device = store.declare(&TypePolicy::new("device", "dev")).unwrap();
    let finish = |value: Value, expected: Status| {
        use_everywhere(&store, value.as_bytes(), expected);
        tell(value.as_bytes());
        drop(value);
    };
    // A single one, of each way to create, in each state that its value is used in.
    for n in 0..20 {
        let new = NewToken::new(server, "acme").name(format!("name {n}")).grants(Grants::All);
        let made = store.create(&new).unwrap();
        assert_eq!(store.create(&new).unwrap_err().kind(), ErrorKind::NameTaken);
        match n % 4 {
            0 => finish(made.value, Status::Ok),
            1 => {
                store.revoke(made.id).unwrap();
                finish(made.value, Status::Revoked);
            }
            2 => {
                store.delete(made.id).unwrap();
                finish(made.value, Status::Unknown);
            }
            _ => {
                store.revoke_value(made.value.as_bytes(), "", "").unwrap();
                finish(made.value, Status::Revoked);
            }
        }
    }
    let many = vec![NewToken::new(device, "many"); 100];
    for made in store.create_many(&many) {
        finish(made.unwrap().value, Status::Ok);
    }
    let absent = NewToken::new(device, "acme").name("default");
    match store.create_if_absent(&absent).unwrap() {
        CreatedOrExisting::Created(made) => finish(made.value, Status::Ok),
        CreatedOrExisting::Existing(id) => panic!("{id} is there already"),
    }
    let mut external = outsider();
    let new = NewToken::new(server, "acme").binding("client").app_data("data");
    store.create_from_value(&new, &external[..]).unwrap();
    assert_eq!(store.create_from_value(&new, &external[..]).unwrap_err().kind(), ErrorKind::ValueExists);
    use_everywhere(&store, &external[..], Status::WrongBinding);
    tell(&external[..]);
    external.zeroize();
    sessions(&store, &finish);
    store.change_key(Some(&[0x77; 32])).unwrap();
    store.flush().unwrap();
    println!("ready");
    // What the search must find: a value that was not wiped, and one in the file.
    let control = store.create(&NewToken::new(server, "control").name("a name the file shows")).unwrap();
    tell(control.value.as_bytes());
    let mut last = outsider();
    tell(&last[..]);
    store.create_from_value(&NewToken::new(server, "acme"), &last[..]).unwrap();
    let (query, mut line) = (Query::any_type(), String::with_capacity(64));
    println!("control");
    // The very last thing before it stands still is a verify: nothing else runs over what that left on the stack.
    let verdict = store.verify(&last[..], &query);
    last.zeroize();
    std::io::stdin().read_line(&mut line).unwrap();
    assert!(verdict.unwrap().allowed());
    assert!(!control.value.as_str().is_empty());
    store.close().unwrap();
    println!("closed");
    std::io::stdin().read_line(&mut line).unwrap();
}

/// The values of pairs, tickets and rotations, by every call that makes or takes one.
fn sessions(store: &Store, finish: &dyn Fn(Value, Status)) {
    let hour = Duration::from_secs(3_600);
    let access = store.declare(&TypePolicy::new("access", "acc").accepts_external(true)).unwrap();
    let families = FamilyPolicy::new(hour, hour, hour);
    let refresh = store.declare(&TypePolicy::new("refresh", "ref").families(families)).unwrap();
    let coupon = store.declare(&TypePolicy::new("coupon", "cou").uses(1)).unwrap();
    let ticket = TypePolicy::new("ticket", "tic").uses(1).default_lifetime(hour).volatile(true);
    let ticket = store.declare(&ticket).unwrap();
    let mut good = store.issue_pair(&NewPair::new(access, refresh, "user", "client")).unwrap();
    for n in 0..10 {
        let mut own = outsider();
        let values = PairValues { access: (n % 2 == 0).then_some(&own[..]), refresh: None };
        let used = good.refresh.value;
        let answer = store.refresh_to_values(used.as_bytes(), "client", values, "").unwrap();
        let Refresh::Rotated(next) = answer else { panic!("{answer:?}") };
        let again = store.refresh(used.as_bytes(), "client").unwrap();
        assert!(matches!(again, Refresh::Replayed(_)));
        drop(again);
        tell(&own[..]);
        own.zeroize();
        finish(good.access.value, Status::Superseded);
        finish(used, Status::Superseded);
        good = next;
    }
    store.revoke_family(good.family).unwrap();
    finish(good.access.value, Status::Revoked);
    finish(good.refresh.value, Status::Revoked);
    for type_id in [coupon, ticket] {
        let made = store.create(&NewToken::new(type_id, "user")).unwrap();
        let consumed = store.consume(made.value.as_bytes(), &Query::of_type(type_id)).unwrap();
        assert!(consumed.verdict.allowed());
        finish(made.value, Status::Used);
    }
    let server = store.find_type("server").unwrap();
    let old = store.create(&NewToken::new(server, "rotated")).unwrap();
    let new = store.rotate(old.id, hour).unwrap();
    finish(old.value, Status::Ok);
    finish(new.value, Status::Ok);
}

struct Watched {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Watched {
    fn start(store: &Path) -> Watched {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_that_wipes_its_copies", "--nocapture", "--test-threads=1"])
            .env(CHILD, store)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Watched { child, lines }
    }

    /// The values told up to this line.
    fn values_until(&mut self, last: &str) -> Vec<Vec<u8>> {
        let mut values = Vec::new();
        for line in &mut self.lines {
            let line = line.unwrap();
            if line == last {
                return values;
            }
            let byte = |n: usize| u8::from_str_radix(line.get(2 * n..2 * n + 2)?, 16).ok();
            let bytes = (0..line.len() / 2).map(|n| byte(n).map(|masked| masked ^ MASK));
            values.extend(bytes.collect::<Option<Vec<u8>>>().filter(|bytes| bytes.len() > PIECE));
        }
        panic!("the child ended before it said {last}: {:?}", self.child.wait());
    }

    fn go_on(&mut self) {
        self.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    }

    /// Every readable part of the process's memory, as a core dump would have it.
    fn memory(&self) -> Vec<Vec<u8>> {
        let folder = format!("/proc/{}", self.child.id());
        let maps = std::fs::read_to_string(format!("{folder}/maps")).unwrap();
        let mut memory = std::fs::File::open(format!("{folder}/mem")).unwrap();
        let mut parts = Vec::new();
        for line in maps.lines() {
            let mut fields = line.split_whitespace();
            let (range, rights) = (fields.next().unwrap(), fields.next().unwrap());
            if !rights.starts_with('r') || line.ends_with("[vvar]") || line.ends_with("[vsyscall]") {
                continue;
            }
            let (from, to) = range.split_once('-').unwrap();
            let [from, to] = [from, to].map(|hex| u64::from_str_radix(hex, 16).unwrap());
            let mut part = vec![0; usize::try_from(to - from).unwrap()];
            memory.seek(SeekFrom::Start(from)).unwrap();
            // A part of the system's own may refuse to be read; the control shows that the child's own are not.
            if memory.read_exact(&mut part).is_ok() {
                parts.push(part);
            }
        }
        parts
    }
}

/// How many pieces of any of the values stand in any of the texts.
fn hits(values: &[Vec<u8>], texts: &[Vec<u8>]) -> usize {
    // Each piece of a value's secret part, looked up by its first eight bytes: one pass over each text.
    let mut pieces = std::collections::HashMap::new();
    for value in values {
        for piece in value.windows(PIECE) {
            pieces.entry(<[u8; 8]>::try_from(&piece[..8]).unwrap()).or_insert_with(Vec::new).push(piece);
        }
    }
    let mut found = 0;
    for text in texts {
        for (place, window) in text.windows(8).enumerate() {
            if let Some(pieces) = pieces.get(window) {
                found += pieces.iter().filter(|piece| text[place..].starts_with(piece)).count();
            }
        }
    }
    found
}

/// Every file of a folder, whatever its name.
fn files(folder: &Path) -> Vec<Vec<u8>> {
    std::fs::read_dir(folder).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect()
}

#[test]
fn no_value_stays_in_memory_nor_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut watched = Watched::start(&folder.path().join("tokens.store"));
    let values = watched.values_until("ready");
    assert_eq!(values.len(), 158);
    let mut control = watched.values_until("control");
    let last = control.pop().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    let memory = watched.memory();
    let searched: usize = memory.iter().map(Vec::len).sum();
    assert!(hits(&control, &memory) > 0, "the search does not find what is there");
    assert_eq!(hits(&values, &memory), 0, "a wiped value is still in memory");
    assert_eq!(hits(&[last], &memory), 0, "a verify left its value behind");
    let all = [values.clone(), control].concat();
    let open = files(folder.path());
    assert!(
        hits(&[b"a name the file shows".to_vec()], &open) > 0,
        "the search does not find what is in the file"
    );
    assert_eq!(hits(&all, &open), 0, "a value is in a file of an open store");
    watched.go_on();
    let _none = watched.values_until("closed");
    assert_eq!(hits(&values, &watched.memory()), 0, "a wiped value is in memory after the close");
    assert_eq!(hits(&all, &files(folder.path())), 0, "a value is in a file of a closed store");
    assert_eq!(hits(&[KEY.to_vec(), vec![0x77; 32]], &files(folder.path())), 0, "a key is in a file");
    watched.go_on();
    assert!(watched.child.wait().unwrap().success());
    writeln!(
        std::io::stdout(),
        "secrets: {} values, {} MiB of memory, nothing found",
        values.len(),
        searched >> 20
    )
    .unwrap();
}

#[test]
fn no_value_nor_key_is_printed() {
    let store = Options::new().in_memory().unwrap();
    let server = store.declare(&TypePolicy::new("server", "srv").accepts_external(true)).unwrap();
    let secret = "correct horse battery staple";
    let new =
        NewToken::new(server, "acme").name("name").app_data("ciphertext of the host").binding("the binding");
    let made = store.create(&new).unwrap();
    let key = Options::new().key(&[0xab; 32]);
    let twice = store.create_from_value(&NewToken::new(server, "acme"), secret.as_bytes());
    let again = store.create_from_value(&NewToken::new(server, "acme"), secret.as_bytes());
    let claims = store.create_from_value(&NewToken::new(server, "acme"), b"srv_correct horse battery staple");
    let unknown = store.revoke(Target::new("00000000-0000-7000-8000-000000000000".parse().unwrap()));
    let query = Query::of_type(server).binding("the binding");
    let verdict = store.verify(made.value.as_bytes(), &query).unwrap();
    let token = store.get(made.id).unwrap();
    let events = store.events(0, 100).unwrap();
    let printed = format!(
        "{made:?} {key:?} {twice:?} {again:?} {claims:?} {unknown:?} {query:?} {verdict:?} {token:?} {events:?} {store:?}"
    );
    let mut secrets =
        vec![made.value.as_str(), "correct horse", "the binding", "ciphertext", "171, 171", "abab"];
    secrets.push(&made.value.as_str()[4..20]);
    for secret in secrets {
        assert!(!printed.contains(secret), "{printed}");
    }
}
