//! Making tokens and looking at them: what goes in comes back.

use std::thread::sleep;
use std::time::Duration;

use serde_json::json;

use crate::bench::{Bench, said};

#[test]
fn types_are_declared_once() {
    let bench = Bench::new();
    let declare = ["type", "declare", "pat", "pat", "--default-lifetime", "90d", "--max-lifetime", "365d"];
    let day = 86_400.0;
    let declared = json!({
        "number": 3, "name": "pat", "prefix": "pat", "default_lifetime": 90.0 * day, "max_lifetime": 365.0 * day,
        "unique_names": true, "by_name_only": false, "accepts_external": false, "uses": null, "volatile": false,
        "families": null,
    });
    assert_eq!(bench.json(&declare), declared);
    bench.run(&declare).code(0);
    bench.run(&["type", "declare", "pat", "pat"]).code(1);
    bench.run(&["type", "declare", "other", "pat"]).code(1);
    bench.run(&["type", "declare", "Wrong", "W"]).code(2);
    bench.run(&["type", "declare", "x", "x", "--max-lifetime", "1d"]).code(2);
    bench.run(&["type", "declare", "x", "x", "--default-lifetime", "soon"]).code(2);
    let names: Vec<_> = bench.run(&["--json", "type", "list"]).code(0).json_lines();
    assert_eq!(
        names.iter().map(|row| row["name"].as_str()).collect::<Vec<_>>(),
        [Some("server"), Some("jwt"), Some("pat")]
    );
    assert_eq!(
        bench.run(&["type", "list"]).code(0).out,
        "NUMBER\tNAME\tPREFIX\tLIFETIME\tLONGEST\tPOLICY\n\
         1\tserver\tsrv\tfor ever\tfor ever\tunique names\n\
         2\tjwt\tjwt\tfor ever\tfor ever\tunique names, values made elsewhere\n\
         3\tpat\tpat\t7776000 s\t31536000 s\tunique names\n"
    );
}

#[test]
fn policies_hold() {
    let bench = Bench::new();
    bench.run(&["type", "declare", "secret", "cs", "--by-name-only", "--no-unique-names"]).code(0);
    let create = ["create", "secret", "acme", "--name", "same"];
    let value = bench.run(&create).code(0).out;
    bench.run(&create).code(0);
    assert_eq!(bench.status(&value, &[]), said("WRONG_TYPE"));
    bench.run_with(&["verify", "--type", "secret"], value.as_bytes()).code(0);

    bench
        .run(&["type", "declare", "short", "sh", "--default-lifetime", "1h", "--max-lifetime", "2h"])
        .code(0);
    bench.run(&["create", "short", "acme", "--expires", "90m"]).code(0);
    bench.run(&["create", "short", "acme", "--expires", "3h"]).code(2);
    bench.run(&["create", "short", "acme", "--never"]).code(2);
}

#[test]
fn every_field_comes_back() {
    let bench = Bench::new();
    let data = bench.file("data", b"\x00\xffhost");
    let id = bench
        .create(&[
            "--name",
            "deploy \"1\"",
            "--project",
            "b,2",
            "--project",
            "a",
            "--projects",
            "c,d",
            "--expires",
            "2500-01-31T00:00:00Z",
            "--binding",
            "client-9",
            "--app-word",
            "18446744073709551615",
            "--app-data-file",
            &data,
            "--by",
            "root",
        ])
        .id;
    let token = bench.json(&["show", &id]);
    for (field, value) in [
        ("id", json!(id)),
        ("type", json!("server")),
        ("owner", json!("acme")),
        ("name", json!("deploy \"1\"")),
        ("state", json!("ACTIVE")),
        ("expires", json!("2500-01-31T00:00:00Z")),
        ("last_used", json!(null)),
        ("all_projects", json!(false)),
        ("projects", json!(["a", "b,2", "c", "d"])),
        ("bound", json!(true)),
        ("disabled", json!(false)),
        ("revoked", json!(null)),
        ("app_word", json!(u64::MAX)),
        ("app_data_hex", json!("00ff686f7374")),
        ("revision", json!(3)),
    ] {
        assert_eq!(token[field], value, "{field}");
    }
    assert_eq!(bench.run(&["--json", "list"]).code(0).json_lines(), [token]);
    let shown = bench.run(&["show", &id]).code(0).out;
    assert!(
        shown.contains("\nprojects   a, b,2, c, d\n") && shown.contains("\napp data   6 bytes\n"),
        "{shown}"
    );
    let events = bench.run(&["--json", "events", "--after", "2"]).code(0).json_lines();
    assert_eq!(events.len(), 1);
    assert_eq!(
        (&events[0]["kind"], &events[0]["id"], &events[0]["by"]),
        (&json!("created"), &json!(id), &json!("root"))
    );
}

#[test]
fn what_must_be_there_is_made_once() {
    let bench = Bench::new();
    let create = ["create", "server", "acme", "--name", "default", "--if-absent"];
    let first = bench.json(&create);
    assert_eq!(first["created"], true);
    let second = bench.json(&create);
    assert_eq!(
        (&second["created"], &second["id"], &second["value"]),
        (&json!(false), &first["id"], &json!(null))
    );
    let third = bench.run(&create).code(0);
    assert_eq!(third.out, "");
    assert!(third.err.contains(first["id"].as_str().expect("an id")), "{third:?}");
    // Without the option the name is simply taken.
    bench.run(&["create", "server", "acme", "--name", "default"]).code(1);
    bench.run(&["create", "server", "other", "--name", "default"]).code(0);
    bench.run(&["create", "server", "acme", "--if-absent"]).code(2);
}

#[test]
fn a_verify_says_who_it_is() {
    let bench = Bench::new();
    let made =
        bench.create(&["--all-projects", "--binding", "client-9", "--app-word", "7", "--expires", "1h"]);
    let args = ["--json", "verify", "--type", "server", "--project", "any", "--binding", "client-9"];
    let verdict = bench.run_with(&args, made.value.as_bytes()).code(0).json();
    assert_eq!((&verdict["status"], &verdict["allowed"]), (&json!("OK"), &json!(true)));
    let who = &verdict["identity"];
    assert_eq!(
        (&who["id"], &who["owner"], &who["type"]),
        (&json!(made.id), &json!("acme"), &json!("server"))
    );
    assert_eq!(
        (&who["app_word"], &who["all_projects"], &who["no_projects"]),
        (&json!(7), &json!(true), &json!(false))
    );
    assert!(who["expires"].as_str().is_some_and(|time| time.ends_with('Z')));

    let ran = bench.run_with(&args[1..], made.value.as_bytes()).code(0);
    assert_eq!(ran.out.lines().next(), Some("OK"));
    assert!(ran.out.contains(&made.id) && ran.out.contains("owner     acme\n"), "{ran:?}");

    assert_eq!(bench.status(&made.value, &["--binding", "other"]), said("WRONG_BINDING"));
    assert_eq!(bench.status(&made.value, &[]), said("WRONG_BINDING"));
    let ran = bench.run_with(&["verify", "--type", "jwt"], made.value.as_bytes()).code(1);
    assert!(ran.out.starts_with("WRONG_TYPE\nid "), "{ran:?}");
    let ran = bench.run_with(&["--json", "verify", "--any-type"], b"srv_nobody").code(1);
    assert_eq!(ran.json(), json!({ "status": "MALFORMED", "allowed": false, "identity": null }));
}

#[test]
fn a_header_is_read_whole() {
    let bench = Bench::new();
    let value = bench.create(&[]).value;
    for header in
        [format!("Bearer {value}"), format!("token   {value}\n"), format!(" {value}\t"), value.clone()]
    {
        let ran = bench.run_with(&["verify", "--any-type", "--header"], header.as_bytes());
        assert!(ran.code(0).out.starts_with("OK\n"));
        let plain = bench.status(&header, &[]);
        assert_eq!(plain, said(if header == value { "OK" } else { "UNKNOWN" }));
    }
    let basic = format!("Basic {value}");
    assert_eq!(bench.status(&basic, &["--header"]), said("MALFORMED"));
}

#[test]
fn time_ends_a_token() {
    let bench = Bench::new();
    let made = bench.create(&["--expires", "300ms"]);
    sleep(Duration::from_millis(400));
    assert_eq!(bench.status(&made.value, &[]), said("EXPIRED"));
    bench.run(&["edit", &made.id, "--never"]).code(1);
    assert_eq!(bench.run(&["--json", "list"]).code(0).out, "");
    assert_eq!(bench.run(&["--json", "list", "--with-dead"]).code(0).json_lines()[0]["state"], "EXPIRED");
}

#[test]
fn lists_are_filtered() {
    let bench = Bench::new();
    let first = bench.create(&["--name", "deploy", "--project", "A-1"]);
    bench.create(&["--name", "deploy 2", "--all-projects", "--expires", "1h"]);
    let off = bench.create(&["--name", "off"]);
    bench.run(&["disable", &off.id]).code(0);
    let gone = bench.create(&["--name", "gone"]);
    bench.run(&["revoke", &gone.id]).code(0);
    bench.run(&["create", "jwt", "other", "--name", "theirs"]).code(0);
    let list = |args: &[&str]| -> Vec<String> {
        let ran = bench.run(&[&["--json", "list"], args].concat()).code(0);
        ran.json_lines().iter().map(|token| token["name"].as_str().expect("a name").to_owned()).collect()
    };
    assert_eq!(list(&[]), ["deploy", "deploy 2", "off", "theirs"]);
    assert_eq!(list(&["--with-dead"]), ["deploy", "deploy 2", "off", "gone", "theirs"]);
    assert_eq!(list(&["--owner", "other"]), ["theirs"]);
    assert_eq!(list(&["--type", "jwt"]), ["theirs"]);
    assert_eq!(list(&["--state", "REVOKED", "--state", "disabled"]), ["off", "gone"]);
    assert_eq!(list(&["--name-prefix", "deploy"]), ["deploy", "deploy 2"]);
    assert_eq!(list(&["--project", "A-1"]), ["deploy", "deploy 2"]);
    assert_eq!(list(&["--expires-before", "2500-01-01T00:00:00Z"]), ["deploy 2"]);
    assert_eq!(list(&["--unused-since", "2001-01-01T00:00:00Z"]), [""; 0]);
    assert_eq!(list(&["--after", &first.id]), ["deploy 2", "off", "theirs"]);
    assert_eq!(list(&["--limit", "2"]), ["deploy", "deploy 2"]);
    assert_eq!(list(&["--limit", "0"]), [""; 0]);
    for wrong in [
        ["--type", "none"],
        ["--state", "none"],
        ["--after", "x"],
        ["--expires-before", "soon"],
        ["--owner", ""],
    ] {
        bench.run(&[&["list"], &wrong[..]].concat()).code(2);
    }
}

/// A page of the store holds 1,000 tokens, and of events as many: what lies behind must come, too.
#[test]
fn long_lists_are_whole() {
    let bench = Bench::new();
    let store = tokenstore::Options::new().open(bench.store()).expect("the store");
    let server = store.find_type("server").expect("the type");
    let new = tokenstore::NewToken::new(server, "acme");
    assert!(store.create_many(std::iter::repeat_n(&new, 2_500)).iter().all(Result::is_ok));
    store.close().expect("closed");
    let rows = |args: &[&str]| bench.run(args).code(0).out.lines().count();
    assert_eq!(rows(&["--json", "list"]), 2_500);
    assert_eq!(rows(&["--json", "list", "--limit", "1700"]), 1_700);
    assert_eq!(rows(&["list"]), 2_501);
    assert_eq!(rows(&["--json", "events"]), 2_502);
    assert_eq!(rows(&["--json", "events", "--after", "1000", "--limit", "1200"]), 1_200);
    assert_eq!(bench.json(&["stats"])["tokens"], 2_500);
}
