//! Use counts, rotation, parents and housekeeping: how a token's life goes on, and ends.

use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};

use crate::bench::{Bench, said};

/// A token in memory alone would be gone before anybody could use it; in a shared store it is on the disk.
#[test]
fn no_token_in_memory_alone_is_made() {
    let bench = Bench::new();
    let volatile = ["type", "declare", "t", "sso", "--uses", "1", "--default-lifetime", "15s", "--volatile"];
    bench.run(&volatile).code(0);
    let ran = bench.run(&["--exclusive", "create", "t", "user"]).code(2);
    assert!(ran.out.is_empty() && ran.err.contains("gone when this command ends"), "{ran:?}");
    assert_eq!(bench.json(&["stats"])["tokens"], 0);

    let made = bench.json(&["create", "t", "user"]);
    let consume = || bench.run_with(&["--json", "consume", "--type", "t"], text(&made, "value").as_bytes());
    assert_eq!(bench.status(text(&made, "value"), &[]), said("MUST_CONSUME"));
    assert_eq!(consume().code(0).json()["uses_left"], 0);
    assert_eq!(consume().code(1).json()["status"], "USED");
}

#[test]
fn a_use_is_spent_once() {
    let bench = Bench::new();
    bench.run(&["type", "declare", "coupon", "cou", "--uses", "2"]).code(0);
    let data = bench.file("data", b"/inbox");
    let create = ["create", "coupon", "acme", "--app-data-file", &data, "--project", "A-1", "--binding", "b"];
    let made = bench.json(&create);
    let (id, value) = (text(&made, "id").to_owned(), text(&made, "value").to_owned());
    let consume = |more: &[&str]| {
        let ran =
            bench.run_with(&[&["--json", "consume", "--type", "coupon"], more].concat(), value.as_bytes());
        (ran.json(), ran.code)
    };
    // A refusal spends nothing, and neither does a look.
    assert_eq!(bench.status(&value, &["--binding", "b"]), said("MUST_CONSUME"));
    assert_eq!(consume(&[]).0["status"], "WRONG_BINDING");
    let (refused, code) = consume(&["--binding", "b", "--project", "B-2"]);
    assert_eq!((code, &refused["status"], &refused["allowed"]), (1, &json!("NO_GRANT"), &json!(false)));
    assert_eq!((&refused["uses_left"], &refused["app_data_hex"]), (&json!(null), &json!(null)));
    assert_eq!(bench.json(&["show", &id])["uses_left"], 2);

    let (spent, code) = consume(&["--binding", "b", "--project", "A-1"]);
    assert_eq!((code, &spent["status"], &spent["uses_left"]), (0, &json!("OK"), &json!(1)));
    assert_eq!((&spent["app_data_hex"], &spent["identity"]["id"]), (&json!("2f696e626f78"), &json!(id)));
    let file = bench.file("value", value.as_bytes());
    let ran = bench.run(&["consume", "--any-type", "--binding", "b", "--value-file", &file]).code(0);
    assert!(
        ran.out.starts_with("OK\nid ") && ran.out.contains("uses left  0\napp data   /inbox\n"),
        "{ran:?}"
    );
    assert_eq!((consume(&["--binding", "b"]).0["status"].clone(), 1), (json!("USED"), 1));
    let ran = bench.run_with(&["consume", "--any-type", "--binding", "b"], value.as_bytes()).code(1);
    assert!(ran.out.starts_with("USED\nid "), "{ran:?}");
    assert_eq!(bench.json(&["show", &id])["state"], "USED");
    let kinds = bench.run(&["--json", "events", "--after", "4"]).code(0).json_lines();
    assert_eq!(kinds.iter().map(|event| text(event, "kind")).collect::<Vec<_>>(), ["consumed", "consumed"]);

    let plain = bench.create(&[]).value;
    let ran = bench.run_with(&["consume", "--any-type"], plain.as_bytes()).code(1);
    assert!(ran.out.starts_with("NOT_COUNTED\nid "), "{ran:?}");
    let ran = bench.run_with(&["--json", "consume", "--any-type"], b"srv_nobody").code(1);
    assert_eq!(ran.json()["status"], "MALFORMED");
    for wrong in
        [&["consume"][..], &["consume", "--any-type", "--type", "coupon"], &["consume", "--type", "none"]]
    {
        let ran = bench.run_with(wrong, value.as_bytes()).code(2);
        assert!(ran.out.is_empty(), "{ran:?}");
    }
}

#[test]
fn a_token_gets_a_new_value() {
    let bench = Bench::new();
    let made = bench.create(&["--name", "ci"]);
    let ran = bench.run(&["rotate", &made.id, "--grace", "1h"]).code(0);
    let second = ran.out.strip_suffix('\n').expect("one newline").to_owned();
    assert!(second.starts_with("srv_") && second.len() == 40, "{second:?}");
    assert!(ran.err.contains("works until ") && !ran.err.contains(&second[..8]), "{ran:?}");
    assert_eq!((bench.status(&made.value, &[]), bench.status(&second, &[])), (said("OK"), said("OK")));
    let verify = ["--json", "verify", "--any-type"];
    let old = |value: &str| bench.run_with(&verify, value.as_bytes()).json()["identity"]["old_value"].clone();
    assert_eq!((old(&made.value), old(&second)), (json!(true), json!(false)));
    let token = bench.json(&["show", &made.id]);
    assert!(token["old_value"]["until"].is_string() && token["name"] == "ci", "{token}");

    let third = bench.json(&["rotate", &made.id, "--if-owner", "acme", "--by", "me", "--reason", "leaked"]);
    assert_eq!((&third["id"], &third["old_value_until"].is_string()), (&json!(made.id), &true));
    assert_eq!(bench.status(&second, &[]), said("SUPERSEDED"), "no grace unless it is said");
    assert_eq!(bench.status(text(&third, "value"), &[]), said("OK"));
    let event = bench.run(&["--json", "events"]).code(0).json_lines().pop().expect("an event");
    let told = ["kind", "by", "reason"].map(|field| event[field].clone());
    assert_eq!(told, [json!("rotated"), json!("me"), json!("leaked")]);

    bench.run(&["rotate", &made.id, "--if-owner", "other"]).code(1);
    bench.run(&["rotate", &made.id, "--if-revision", "1"]).code(1);
    bench.run(&["rotate", &made.id, "--grace", "soon"]).code(2);
    bench.run(&["type", "declare", "coupon", "cou", "--uses", "1"]).code(0);
    let counted = bench.json(&["create", "coupon", "acme"]);
    bench.run(&["rotate", text(&counted, "id")]).code(2);
    bench.run(&["revoke", &made.id]).code(0);
    let ran = bench.run(&["--json", "rotate", &made.id]).code(1);
    assert_eq!((ran.out.as_str(), &ran.error_json()["error"]["kind"]), ("", &json!("REVOKED")));
}

#[test]
fn a_child_dies_with_its_parent() {
    let bench = Bench::new();
    let parent = bench.create(&["--expires", "1h"]);
    let child = bench.create(&["--parent", &parent.id]);
    let token = bench.json(&["show", &child.id]);
    assert_eq!(
        (&token["parent"], &token["expires"]),
        (&json!(parent.id), &bench.json(&["show", &parent.id])["expires"])
    );
    assert!(bench.run(&["list"]).code(0).out.contains(&format!("\tparent {}\t", parent.id)));
    bench.run(&["revoke", &parent.id]).code(0);
    assert_eq!(bench.status(&child.value, &[]), said("REVOKED"));
    let nobody = "018f3a5e-7c1d-7a2b-9c3d-4e5f60718293";
    for refused in [nobody, &parent.id] {
        let ran = bench.run(&["create", "server", "acme", "--parent", refused]).code(1);
        assert!(ran.out.is_empty(), "{ran:?}");
    }
}

#[test]
fn the_dead_are_taken_out_in_steps() {
    let bench = Bench::new();
    let dead: Vec<_> = (0..3).map(|_| bench.create(&[])).collect();
    let lives = bench.create(&[]);
    for token in &dead {
        bench.run(&["revoke", &token.id]).code(0);
    }
    let prune = |more: &[&str]| bench.json(&[&["prune"], more].concat());
    assert_eq!(prune(&["--older-than", "1h"]), json!({ "tokens": 0 }));
    assert_eq!(prune(&["--dead-before", "2001-01-01T00:00:00Z"]), json!({ "tokens": 0 }));
    sleep(Duration::from_millis(20));
    assert_eq!(prune(&["--older-than", "5ms", "--at-most", "2"]), json!({ "tokens": 2 }));
    assert_eq!(bench.run(&["prune", "--older-than", "5ms"]).code(0).out, "took out 1 token\n");
    assert_eq!(bench.json(&["stats"])["tokens"], 1);
    assert_eq!(bench.status(&dead[0].value, &[]), said("UNKNOWN"));
    assert_eq!(bench.status(&lives.value, &[]), said("OK"));
    let event = bench.run(&["--json", "events"]).code(0).json_lines().pop().expect("an event");
    assert_eq!((&event["kind"], &event["detail"]), (&json!("pruned"), &json!({ "tokens": 1 })));
    for wrong in [
        &["prune"][..],
        &["prune", "--older-than", "1h", "--dead-before", "2001-01-01T00:00:00Z"],
        &["prune", "--older-than", "1h", "--at-most", "0"],
        &["prune", "--older-than", "soon"],
        &["prune", "--older-than", "100000y"],
    ] {
        bench.run(wrong).code(2);
    }
}

fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row[field].as_str().expect("text")
}
