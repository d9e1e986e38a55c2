//! Whose store it is: beside a service that has it open shared the command is a guest, and both know at once what the
//! other did; beside one that has it exclusively it is told so, and by whom.

use std::io::Read;
use std::process::Child;

use tokenstore::{ErrorKind, Expiry, Filter, Grants, NewToken, Options, Query, Status, Store, TypeId};

use crate::bench::{Bench, Made, Ran, command, run, said};

/// The store of a bench, open in this process as a service has it.
struct Service {
    store: Store,
    server: TypeId,
}

impl Service {
    fn beside(bench: &Bench) -> Service {
        let store = Options::new().shared(true).open(bench.store()).expect("the store");
        let server = store.find_type("server").expect("the type");
        Service { store, server }
    }

    /// What its next verify says of a value.
    #[track_caller]
    fn status(&self, value: &str) -> Status {
        let query = Query::of_type(self.server).project("A-1");
        self.store.verify(value.as_bytes(), &query).expect("an answer").status()
    }
}

/// What the command did is known to the service's very next call, of whatever kind.
#[test]
fn a_service_knows_at_once_what_the_command_did() {
    let bench = Bench::new();
    let service = Service::beside(&bench);
    let Made { id, value } = bench.create(&["--name", "deploy", "--project", "A-1"]);
    assert_eq!(service.status(&value), Status::Ok);
    let status_after = |line: &[&str]| {
        bench.run(line).code(0);
        service.status(&value)
    };
    assert_eq!(status_after(&["ungrant", &id, "A-1"]), Status::NoGrant);
    assert_eq!(status_after(&["grant", &id, "--all"]), Status::Ok);
    assert_eq!(status_after(&["edit", &id, "--projects", "B-2"]), Status::NoGrant);
    assert_eq!(status_after(&["edit", &id, "--projects", "A-1,B-2"]), Status::Ok);
    assert_eq!(status_after(&["remove-project", "A-1"]), Status::NoGrant);
    assert_eq!(status_after(&["grant", &id, "A-1"]), Status::Ok);
    assert_eq!(status_after(&["disable", &id]), Status::Disabled);
    assert_eq!(status_after(&["enable", &id]), Status::Ok);
    let second = bench.json(&["rotate", &id])["value"].as_str().expect("a value").to_owned();
    assert_eq!((service.status(&value), service.status(&second)), (Status::Superseded, Status::Ok));
    bench.run(&["revoke", &id]).code(0);
    assert_eq!(service.status(&second), Status::Revoked);
    bench.run(&["delete", &id]).code(0);
    assert_eq!(service.status(&second), Status::Unknown);

    let of_owner = bench.create(&["--all-projects"]).value;
    assert_eq!(service.status(&of_owner), Status::Ok);
    bench.run(&["owner", "revoke", "acme"]).code(0);
    assert_eq!(service.status(&of_owner), Status::Revoked);

    // What is no verify is as new.
    bench.run(&["type", "declare", "device", "dev"]).code(0);
    let device = service.store.find_type("device").expect("the type that the command declared");
    bench.run(&["create", "device", "acme", "--name", "phone"]).code(0);
    let named = service.store.list(&Filter::new().of_type(device)).expect("a list").tokens;
    assert_eq!(named.len(), 1);
    assert_eq!(named[0].name.as_deref(), Some("phone"));
    let taken = service.store.create(&NewToken::new(device, "acme").name("phone"));
    assert_eq!(taken.expect_err("the name is held").kind(), ErrorKind::NameTaken);
    service.store.close().expect("closed");
}

/// And the other way: what the service did is known to the next command, and no command ends the service.
#[test]
fn a_command_knows_what_the_service_did() {
    let bench = Bench::new();
    let service = Service::beside(&bench);
    let new = NewToken::new(service.server, "acme").name("deploy").grants(Grants::All);
    let made = service.store.create(&new.expires(Expiry::Never)).expect("a token");
    let (value, id) = (made.value.as_str(), made.id.to_string());
    assert_eq!(bench.status(value, &["--project", "A-1"]), said("OK"));
    assert_eq!(bench.json(&["show", &id])["name"], "deploy");
    bench.run(&["create", "server", "acme", "--name", "deploy"]).code(1);
    service.store.revoke_grants(made.id).expect("done");
    assert_eq!(bench.status(value, &["--project", "A-1"]), said("NO_GRANT"));
    service.store.revoke(made.id).expect("done");
    assert_eq!(bench.status(value, &[]), said("REVOKED"));
    assert_eq!(bench.run(&["--json", "list"]).code(0).out, "");
    assert_eq!(bench.run(&["--json", "list", "--with-dead"]).code(0).json_lines().len(), 1);
    // Two types were declared, and a token made and changed twice.
    let log = bench.run(&["--json", "events"]).code(0).json_lines();
    assert_eq!(log.iter().map(|event| event["sequence"].as_u64()).max(), Some(Some(5)));
    assert_eq!(log.len(), 5);

    // --shared says what is so anyway.
    bench.run(&["--shared", "stats"]).code(0);
    assert_eq!(service.status(value), Status::Revoked);
    service.store.create(&NewToken::new(service.server, "acme")).expect("it goes on");
    service.store.close().expect("closed");
    bench.run(&["--exclusive", "stats"]).code(0);
}

/// Pairs and tickets: of the command and the service exactly one spends a use, and a lost reply is had again from either.
#[test]
fn exactly_one_of_them_spends_a_use() {
    let bench = Bench::new();
    bench.run(&["type", "declare", "coupon", "cou", "--uses", "1"]).code(0);
    bench.run(&["type", "declare", "access", "acc"]).code(0);
    let families = ["--access-lifetime", "1h", "--refresh-lifetime", "1d", "--family-lifetime", "1d"];
    bench.run(&[&["type", "declare", "refresh", "ref"], &families[..]].concat()).code(0);
    let service = Service::beside(&bench);
    let query = Query::of_type(service.store.find_type("coupon").expect("the type"));
    let coupon = || bench.json(&["create", "coupon", "acme"])["value"].as_str().expect("a value").to_owned();
    let consume = |value: &str| {
        let ran = bench.run_with(&["--json", "consume", "--type", "coupon"], value.as_bytes());
        ran.json()["status"].as_str().expect("a status").to_owned()
    };
    let spend = |value: &str| service.store.consume(value.as_bytes(), &query).expect("an answer").verdict;
    let (one, other) = (coupon(), coupon());
    assert_eq!((consume(&one).as_str(), spend(&one).status()), ("OK", Status::Used));
    assert_eq!((spend(&other).status(), consume(&other).as_str()), (Status::Ok, "USED"));

    let pair = bench.json(&["pair", "issue", "access", "refresh", "acme", "--binding", "client"]);
    let refresh = pair["refresh"]["value"].as_str().expect("a value");
    let next = match service.store.refresh(refresh.as_bytes(), "client").expect("an answer") {
        tokenstore::Refresh::Rotated(next) => next,
        other => panic!("{other:?}"),
    };
    let again =
        bench.run_with(&["--json", "pair", "refresh", "--binding", "client"], refresh.as_bytes()).code(0);
    assert_eq!(again.json()["status"], "REPLAYED");
    assert_eq!(again.json()["access"]["value"], next.access.value.as_str());
    assert_eq!(again.json()["refresh"]["value"], next.refresh.value.as_str());
}

/// Many scripts at once, beside a service that goes on verifying and creating.
#[test]
fn commands_that_run_at_once_all_do_what_they_are_told() {
    const COMMANDS: usize = 6;
    let bench = Bench::new();
    let service = Service::beside(&bench);
    let keeps = bench.create(&["--all-projects"]).value;
    let store = bench.store();
    let children: Vec<_> = (0..COMMANDS)
        .map(|number| {
            let name = format!("at once {number}");
            let line = ["--store", &store, "--json", "create", "server", "acme", "--name", &name];
            let one = command(&[&line[..], &["--all-projects"]].concat()).spawn().expect("it starts");
            let same = ["--store", &store, "--json", "create", "server", "acme", "--name", "one of us"];
            (one, command(&same).spawn().expect("it starts"))
        })
        .collect();
    for _ in 0..COMMANDS {
        service.store.create(&NewToken::new(service.server, "acme")).expect("it goes on");
        assert_eq!(service.status(&keeps), Status::Ok);
    }
    let ended = |child: Child| Ran::new(child.wait_with_output().expect("it ends"));
    let (made, same): (Vec<_>, Vec<_>) =
        children.into_iter().map(|(one, same)| (ended(one), ended(same))).unzip();
    for ran in made {
        let value = ran.code(0).json()["value"].as_str().expect("a value").to_owned();
        assert_eq!(service.status(&value), Status::Ok);
    }
    let mut codes: Vec<_> = same.iter().map(|ran| ran.code).collect();
    codes.sort_unstable();
    let mut one_winner = [1; COMMANDS];
    one_winner[0] = 0;
    assert_eq!(codes, one_winner, "a name is held by one: {same:?}");
    assert_eq!(service.store.stats().expect("figures").tokens as usize, 1 + COMMANDS + COMMANDS + 1);
}

/// The person who reads it must know which store, who has it, and what helps.
#[test]
fn locked_names_the_file_and_the_process_and_what_to_do() {
    let bench = Bench::new();
    let value = bench.create(&[]).value;
    let (file, this) = (bench.store(), format!("process {}", std::process::id()));
    let locked = |line: &[&str], advice: &str| {
        let ran = bench.run_with(&[&["--json"], line].concat(), value.as_bytes()).code(3);
        let error = &ran.error_json()["error"];
        let message = error["message"].as_str().expect("a message");
        assert_eq!((&error["kind"], ran.out.as_str()), (&"LOCKED".into(), ""), "{line:?}");
        for part in [&file, &this, advice] {
            assert!(message.contains(part), "{part:?} in {message:?}");
        }
        let text = bench.run_with(line, value.as_bytes()).code(3).err;
        assert_eq!(text, format!("tokenstore: LOCKED: {message}\n"));
    };

    let alone = Options::new().open(&file).expect("the store");
    for line in [
        &["verify", "--any-type"][..],
        &["list"],
        &["create", "server", "acme"],
        &["revoke", "--value-stdin"],
        &["type", "list"],
        &["--shared", "stats"],
    ] {
        locked(line, "must close it first, or open it shared");
    }
    locked(&["--exclusive", "stats"], "without --exclusive");
    assert_eq!(alone.verify(value.as_bytes(), &Query::any_type()).expect("an answer").status(), Status::Ok);
    alone.close().expect("closed");
    assert_eq!(bench.status(&value, &[]), said("OK"));

    let service = Service::beside(&bench);
    locked(&["--exclusive", "list"], "without --exclusive");
    bench.run(&["list"]).code(0);
    service.store.close().expect("closed");
    bench.run(&["list", "--exclusive"]).code(0);
}

/// A list that is not read to its end has the store open: a command is a holder as any.
#[test]
fn a_command_under_way_holds_the_store() {
    let bench = Bench::new();
    let path = long_list(&bench);
    for (how, beside) in [("--shared", true), ("--exclusive", false)] {
        let child = listing(&path, how);
        let holder = format!("process {}", child.id());
        let refused = Options::new().open(&path).expect_err("it is open");
        assert_eq!(refused.kind(), ErrorKind::Locked);
        assert!(refused.to_string().contains(&holder), "{refused}");
        match Options::new().shared(true).open(&path) {
            Ok(store) => assert!(beside && store.close().is_ok()),
            Err(error) => assert!(!beside && error.to_string().contains(&holder), "{error}"),
        }
        let rest = Ran::new(child.wait_with_output().expect("it ends")).code(0);
        // One byte of its first line was read before.
        assert_eq!(rest.out.lines().count(), LONG);
    }
}

/// Whoever is killed with the store open leaves nothing behind that stops a command, or a service that goes on.
#[test]
fn a_killed_holder_holds_nothing() {
    let bench = Bench::new();
    let value = bench.create(&[]).value;
    let path = long_list(&bench);
    for how in ["--shared", "--exclusive"] {
        let mut child = listing(&path, how);
        child.kill().expect("it is there");
        child.wait().expect("it ends");
        bench.run(&["--exclusive", "create", "server", "acme"]).code(0);
        assert_eq!(bench.status(&value, &[]), said("OK"));
    }
    let service = Service::beside(&bench);
    let mut child = listing(&path, "--shared");
    child.kill().expect("it is there");
    child.wait().expect("it ends");
    let made = bench.create(&["--all-projects"]);
    assert_eq!(service.status(&made.value), Status::Ok);
    bench.run(&["revoke", &made.id]).code(0);
    assert_eq!(service.status(&made.value), Status::Revoked);
    service.store.revoke_value(value.as_bytes(), "", "").expect("it goes on");
    assert_eq!(bench.status(&value, &[]), said("REVOKED"));
}

/// More tokens than a pipe takes.
const LONG: usize = 3_000;

/// Puts them into the store; its path.
fn long_list(bench: &Bench) -> String {
    let store = Options::new().open(bench.store()).expect("the store");
    let new = NewToken::new(store.find_type("server").expect("the type"), "acme");
    let have = store.stats().expect("figures").tokens as usize;
    assert!(store.create_many(std::iter::repeat_n(&new, LONG - have)).iter().all(Result::is_ok));
    store.close().expect("closed");
    bench.store()
}

/// A command that has the store open until its list is read.
fn listing(path: &str, how: &str) -> Child {
    let mut child = command(&["--store", path, how, "--json", "list"]).spawn().expect("it starts");
    child.stdout.as_mut().expect("a pipe").read_exact(&mut [0]).expect("it lists");
    child
}

#[test]
fn a_new_store_is_anybodys_to_open() {
    let bench = Bench::new();
    for (name, how) in [("guest", &[][..]), ("alone", &["--exclusive"])] {
        let path = bench.path(name).to_str().expect("UTF-8").to_owned();
        run(&[&["--store", &path, "init"], how].concat(), b"").code(0);
        let shared = Options::new().shared(true).open(&path).expect("shared");
        assert_eq!(run(&["--store", &path, "--json", "init"], b"").code(3).out, "");
        shared.close().expect("closed");
        Options::new().open(&path).expect("exclusive").close().expect("closed");
    }
    for wrong in [&["--shared", "--exclusive", "stats"][..], &["--exclusive", "stats", "--shared"]] {
        bench.run(wrong).code(2);
    }
}
