//! Pairs of an access value and a refresh value, their families, and their owners.

use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};

use crate::bench::{Bench, said};

/// A bench with types for pairs: `access`, prefix `acc`, takes values made elsewhere; `refresh`, prefix `ref`, with
/// these further options.
fn bench_of_pairs(more: &[&str]) -> Bench {
    let bench = Bench::new();
    bench.run(&["type", "declare", "access", "acc", "--accepts-external"]).code(0);
    let families = ["--access-lifetime", "36000s", "--refresh-lifetime", "30d", "--family-lifetime", "90d"];
    bench.run(&[&["type", "declare", "refresh", "ref"], &families[..], more].concat()).code(0);
    bench
}

fn issue(bench: &Bench) -> Value {
    bench.json(&["pair", "issue", "access", "refresh", "user-17", "--binding", "client-1"])
}

/// Refreshes with a pair's refresh value; the answer and the exit code.
fn refresh(bench: &Bench, pair: &Value, more: &[&str]) -> (Value, i32) {
    let line = [&["--json", "pair", "refresh", "--binding", "client-1"], more].concat();
    let ran = bench.run_with(&line, value_of(pair, "refresh").as_bytes());
    (ran.json(), ran.code)
}

fn value_of<'a>(pair: &'a Value, which: &str) -> &'a str {
    pair[which]["value"].as_str().expect("a value")
}

fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row[field].as_str().expect("text")
}

#[test]
fn types_of_tickets_and_pairs_are_declared() {
    let bench = bench_of_pairs(&["--grace", "10s", "--old-access", "lives-on"]);
    let families = json!({
        "access_lifetime": 36_000.0, "refresh_lifetime": 30.0 * 86_400.0, "family_lifetime": 90.0 * 86_400.0,
        "grace": 10.0, "old_access": "lives-on",
    });
    bench.run(&["type", "declare", "coupon", "cou", "--uses", "3"]).code(0);
    let volatile = ["type", "declare", "t", "sso", "--uses", "1", "--default-lifetime", "15s", "--volatile"];
    let warned = bench.run(&volatile).code(0);
    assert!(warned.err.contains("none of them outlives the program"), "{warned:?}");
    let types = bench.run(&["--json", "type", "list"]).code(0).json_lines();
    let fields = |n: usize| ["uses", "volatile", "families"].map(|field| types[n][field].clone());
    assert_eq!(fields(3), [json!(null), json!(false), families]);
    assert_eq!(fields(4), [json!(3), json!(false), json!(null)]);
    assert_eq!(fields(5), [json!(1), json!(true), json!(null)]);
    let list = bench.run(&["type", "list"]).code(0).out;
    for shown in [
        "refresh\tref\t2592000 s\t7776000 s\tunique names, refreshes: access values 36000 s, grace 10 s, old access lives-on\n",
        "coupon\tcou\tfor ever\tfor ever\tunique names, uses: 3\n",
        "t\tsso\t15 s\tfor ever\tunique names, in memory alone unless shared, uses: 1\n",
    ] {
        assert!(list.contains(shown), "{shown:?} in {list}");
    }
    for wrong in [
        &["--uses", "0"][..],
        &["--volatile"],
        &["--volatile", "--uses", "1"],
        &["--volatile", "--default-lifetime", "15s"],
        &["--access-lifetime", "1h"],
        &["--access-lifetime", "1h", "--refresh-lifetime", "1d"],
        &["--grace", "1s"],
        &["--old-access", "ends-now"],
        &["--access-lifetime", "1h", "--refresh-lifetime", "1d", "--family-lifetime", "1d", "--uses", "1"],
        &["--access-lifetime", "1h", "--refresh-lifetime", "1d", "--family-lifetime", "1d", "--grace", "25h"],
        &[
            "--access-lifetime",
            "1h",
            "--refresh-lifetime",
            "1d",
            "--family-lifetime",
            "1d",
            "--old-access",
            "x",
        ],
    ] {
        bench.run(&[&["type", "declare", "x", "x"], wrong].concat()).code(2);
    }
    // Alike but for the grace.
    let ran = bench.run(&[
        "--json",
        "type",
        "declare",
        "refresh",
        "ref",
        "--access-lifetime",
        "36000s",
        "--refresh-lifetime",
        "30d",
        "--family-lifetime",
        "90d",
    ]);
    assert_eq!(ran.code(1).error_json()["error"]["kind"], "TYPE_CONFLICT");
}

#[test]
fn a_pair_is_two_lines_of_values() {
    let bench = bench_of_pairs(&[]);
    let line = ["pair", "issue", "access", "refresh", "user-17", "--binding", "client-1", "--name", "phone"];
    let ran = bench.run(&line).code(0);
    let lines: Vec<_> = ran.out.lines().map(|line| line.split_once('\t').expect("a tab")).collect();
    assert_eq!(lines.iter().map(|(word, _)| *word).collect::<Vec<_>>(), ["access", "refresh"]);
    let (access, first) = (lines[0].1, lines[1].1);
    assert!(access.starts_with("acc_") && first.starts_with("ref_"), "{lines:?}");
    assert!(ran.err.starts_with("ISSUED: family ") && !ran.err.contains(&access[..8]), "{ran:?}");
    assert_eq!(bench.status(access, &[]), said("OK"));
    assert_eq!(bench.status(first, &["--binding", "client-1"]), said("MUST_REFRESH"));

    let refresh = ["pair", "refresh", "--binding", "client-1"];
    let next = bench.run_with(&refresh, format!("{first}\n").as_bytes()).code(0);
    assert!(next.err.starts_with("ROTATED: family "), "{next:?}");
    assert_eq!(bench.status(access, &[]), said("SUPERSEDED"));
    let file = bench.file("first", first.as_bytes());
    let again = bench.run(&[&refresh[..], &["--value-file", &file]].concat()).code(0);
    assert!(again.err.starts_with("REPLAYED: family "), "{again:?}");
    assert_eq!(again.out, next.out, "byte for byte");
    assert_ne!(again.out, ran.out);
    // A refusal is one line, without a tab.
    let refused = bench.run_with(&["pair", "refresh", "--binding", "other"], first.as_bytes()).code(1);
    assert_eq!((refused.out.as_str(), refused.err.as_str()), ("WRONG_BINDING\n", ""));

    let family = bench.run(&["--json", "list", "--with-dead"]).code(0).json_lines();
    assert!(family.iter().all(|row| row["family"] == family[0]["family"] && row["name"] == "phone"));
    let of = |field: &str| family.iter().map(|row| row[field].clone()).collect::<Vec<_>>();
    assert_eq!(of("refreshes"), [false, true, false, true]);
    assert_eq!(of("state"), ["SUPERSEDED", "SUPERSEDED", "ACTIVE", "ACTIVE"]);
    let list = bench.run(&["list"]).code(0).out;
    assert!(list.contains(&format!("\trefreshes family {}\t", text(&family[0], "family"))), "{list}");
}

#[test]
fn a_refresh_answers_in_json() {
    let bench = bench_of_pairs(&[]);
    let first = issue(&bench);
    assert_eq!(first["status"], "ISSUED");
    assert!(text(&first["access"], "expires") < text(&first["refresh"], "expires"));
    let (second, code) = refresh(&bench, &first, &[]);
    assert_eq!((code, &second["status"], &second["family"]), (0, &json!("ROTATED"), &first["family"]));
    let (again, code) = refresh(&bench, &first, &[]);
    assert_eq!((code, &again["status"]), (0, &json!("REPLAYED")));
    assert_eq!((&again["access"], &again["refresh"]), (&second["access"], &second["refresh"]));
    let none =
        json!({ "status": "WRONG_TYPE", "family": null, "revision": null, "access": null, "refresh": null });
    let access = json!({ "refresh": { "value": value_of(&second, "access") } });
    assert_eq!(refresh(&bench, &access, &[]), (none, 1));
    for (garbage, status) in [("ref_garbage", "MALFORMED"), ("a value that nobody has", "UNKNOWN")] {
        let garbage = json!({ "refresh": { "value": garbage } });
        assert_eq!(refresh(&bench, &garbage, &[]).0["status"], status);
    }
}

#[test]
fn a_value_used_again_too_late_ends_its_family() {
    let bench = bench_of_pairs(&["--grace", "100ms"]);
    let first = issue(&bench);
    let second = refresh(&bench, &first, &[]).0;
    sleep(Duration::from_millis(150));
    let (reused, code) = refresh(&bench, &first, &[]);
    assert_eq!((code, &reused["status"], &reused["access"]), (1, &json!("REUSED"), &json!(null)));
    assert_eq!(bench.status(value_of(&second, "access"), &[]), said("REVOKED"));
    assert_eq!(refresh(&bench, &second, &[]).0["status"], "REVOKED");
    let event = bench.run(&["--json", "events"]).code(0).json_lines().pop().expect("an event");
    assert_eq!((&event["kind"], &event["id"]), (&json!("reused"), &first["family"]));
    assert_eq!(event["detail"]["distance"], 1);
    assert!(event["detail"]["age"].as_f64().is_some_and(|age| age >= 0.1), "{event}");
    assert!(bench.run(&["events"]).code(0).out.contains("\t1 back, replaced 0."));
}

#[test]
fn a_pair_keeps_what_it_was_given() {
    let bench = bench_of_pairs(&[]);
    let jwt = "eyJhbGciOiJIUzI1NiJ9.".to_owned() + &"a".repeat(8_192 - 21);
    let file = bench.file("jwt", jwt.as_bytes());
    let data = bench.file("data", b"x");
    let issue = [
        "pair",
        "issue",
        "access",
        "refresh",
        "user-17",
        "--binding",
        "client-1",
        "--bind-access",
        "--project",
        "A",
        "--app-word",
        "7",
        "--app-data-file",
        &data,
        "--by",
        "root",
        "--access-value-file",
        &file,
    ];
    let pair = bench.json(&issue);
    assert_eq!(value_of(&pair, "access"), jwt);
    assert_eq!(bench.status(&jwt, &[]), said("WRONG_BINDING"));
    assert_eq!(bench.status(&jwt, &["--binding", "client-1", "--project", "A"]), said("OK"));
    let token = bench.json(&["show", text(&pair["access"], "id")]);
    let kept = ["family", "refreshes", "app_word", "app_data_hex", "bound"].map(|field| token[field].clone());
    assert_eq!(kept, [pair["family"].clone(), json!(false), json!(7), json!("78"), json!(true)]);
    let event = bench.run(&["--json", "events"]).code(0).json_lines().pop().expect("an event");
    assert_eq!((&event["kind"], &event["by"]), (&json!("pair_issued"), &json!("root")));

    let ran = bench.run(&[&["--json"], &issue[..]].concat()).code(1);
    assert_eq!(ran.error_json()["error"]["kind"], "VALUE_EXISTS");
    let next = bench.file("next", b"another JWT, made elsewhere");
    let (rotated, code) = refresh(&bench, &pair, &["--access-value-file", &next, "--by", "me"]);
    assert_eq!((code, value_of(&rotated, "access")), (0, "another JWT, made elsewhere"));
    for wrong in [
        &["pair"][..],
        &["pair", "issue", "access", "refresh", "user"],
        &["pair", "issue", "access", "none", "user", "--binding", "c"],
        &["pair", "issue", "access", "server", "user", "--binding", "c"],
        &["pair", "issue", "refresh", "refresh", "user", "--binding", "c"],
        &["pair", "issue", "access", "refresh", "", "--binding", "c"],
        &["pair", "issue", "access", "refresh", "user", "--binding", ""],
        &["pair", "issue", "access", "refresh", "user", "--binding", "c", "--refresh-value-file", &next],
        &["pair", "refresh"],
        &["pair", "refresh", "--binding", ""],
        &["pair", "refresh", "--binding", "c", "--value-file", "/nowhere"],
    ] {
        let ran = bench.run_with(wrong, b"some value of sixteen bytes and more").code(2);
        assert!(ran.out.is_empty(), "{wrong:?}: {ran:?}");
    }
}

#[test]
fn a_family_is_revoked_whole() {
    let bench = bench_of_pairs(&[]);
    let (first, other) = (issue(&bench), issue(&bench));
    let second = refresh(&bench, &first, &[]).0;
    let family = text(&first, "family");
    let kind = |more: &[&str]| {
        let ran = bench.run(&[&["--json", "family", "revoke"], more].concat()).code(1);
        ran.error_json()["error"]["kind"].clone()
    };
    assert_eq!(kind(&[family, "--if-owner", "other"]), "NOT_FOUND");
    assert_eq!(kind(&[family, "--if-revision", "1"]), "REVISION_CONFLICT");
    assert_eq!(kind(&[text(&first["access"], "id")]), "NOT_FOUND");
    let revoke =
        ["family", "revoke", family, "--if-owner", "user-17", "--by", "me", "--reason", "signed out"];
    let changed = bench.json(&revoke);
    assert_eq!((&changed["id"], &changed["changed"]), (&json!(family), &json!(true)));
    assert_eq!(bench.json(&revoke)["changed"], false);
    assert_eq!(bench.status(value_of(&second, "access"), &[]), said("REVOKED"));
    assert_eq!(refresh(&bench, &second, &[]).0["status"], "REVOKED");
    assert_eq!(bench.status(value_of(&other, "access"), &[]), said("OK"));
    let event = bench.run(&["--json", "events"]).code(0).json_lines().pop().expect("an event");
    let told = ["kind", "id", "by", "reason"].map(|field| event[field].clone());
    assert_eq!(told, [json!("family_revoked"), json!(family), json!("me"), json!("signed out")]);
    bench.run(&["family", "revoke"]).code(2);
}

#[test]
fn all_of_an_owner_ends_and_what_comes_is_good() {
    let bench = bench_of_pairs(&[]);
    bench.run(&["type", "declare", "other", "oth"]).code(0);
    let create =
        |type_name: &str, owner: &str| text(&bench.json(&["create", type_name, owner]), "value").to_owned();
    let (mine, of_type, theirs) =
        (create("server", "user-17"), create("other", "user-17"), create("server", "b"));
    let pair = issue(&bench);
    let access = value_of(&pair, "access");
    let by_type = bench.json(&["owner", "revoke", "user-17", "--type", "other", "--by", "me"]);
    assert_eq!(by_type["changed"], true);
    assert_eq!((bench.status(&of_type, &[]), bench.status(&mine, &[])), (said("REVOKED"), said("OK")));
    bench.run(&["owner", "revoke", "user-17", "--reason", "left"]).code(0);
    for value in [&mine, access] {
        assert_eq!(bench.status(value, &[]), said("REVOKED"));
    }
    assert_eq!(refresh(&bench, &pair, &[]).0["status"], "REVOKED");
    assert_eq!(bench.status(&theirs, &[]), said("OK"));
    assert_eq!(bench.status(&create("server", "user-17"), &[]), said("OK"));
    let events = bench.run(&["--json", "events"]).code(0).json_lines();
    let kills: Vec<_> = events.iter().filter(|event| event["kind"] == "owner_revoked").collect();
    let told = |n: usize, field: &str| kills[n][field].clone();
    assert_eq!((told(0, "type"), told(0, "by")), (json!("other"), json!("me")));
    assert_eq!((told(1, "type"), told(1, "reason")), (json!(null), json!("left")));
    assert!(kills.iter().all(|event| event["detail"]["owner"] == "user-17"));
    bench.run(&["owner", "revoke", "nobody has this"]).code(0);
    bench.run(&["owner", "revoke", ""]).code(2);
    bench.run(&["owner", "revoke", "user-17", "--type", "undeclared"]).code(2);
}
