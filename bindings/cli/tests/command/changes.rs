//! Changing tokens and ending them.

use serde_json::json;

use crate::bench::{Bench, said};

#[test]
fn an_edit_changes_what_it_names() {
    let bench = Bench::new();
    let id = bench.create(&["--name", "old", "--project", "A-1", "--app-word", "1"]).id;
    let edited = bench.json(&[
        "edit",
        &id,
        "--name",
        "new",
        "--projects",
        "B-2,C-3",
        "--by",
        "me",
        "--reason",
        "moved",
    ]);
    assert_eq!(edited, json!({ "id": id, "changed": true, "revision": 4 }));
    let token = bench.json(&["show", &id]);
    assert_eq!(
        (&token["name"], &token["projects"], &token["app_word"]),
        (&json!("new"), &json!(["B-2", "C-3"]), &json!(1))
    );
    let events = bench.run(&["--json", "events", "--after", "3"]).code(0).json_lines();
    let fields = ["kind", "by", "reason"].map(|field| events[0][field].clone());
    assert_eq!(fields, [json!("edited"), json!("me"), json!("moved")]);

    let edit = |args: &[&str]| {
        bench.run(&[&["edit", &id], args].concat()).code(0);
        bench.json(&["show", &id])
    };
    assert_eq!(edit(&["--project", "D,4", "--project", "E"])["projects"], json!(["D,4", "E"]));
    assert_eq!(edit(&["--all-projects"])["all_projects"], true);
    let token = edit(&["--no-projects", "--no-name"]);
    assert_eq!(
        (&token["all_projects"], &token["projects"], &token["name"]),
        (&json!(false), &json!([]), &json!(null))
    );
    assert_eq!(edit(&["--expires", "2500-01-31T00:00:00Z"])["expires"], "2500-01-31T00:00:00Z");
    assert_eq!(edit(&["--never"])["expires"], json!(null));
    assert!(edit(&["--expires", "36000s"])["expires"].is_string());
    assert_eq!(edit(&["--expires", "never"])["expires"], json!(null));
    let data = bench.file("data", b"x");
    let token = edit(&["--app-word", "9", "--app-data-file", &data]);
    assert_eq!((&token["app_word"], &token["app_data_hex"]), (&json!(9), &json!("78")));
    assert_eq!(bench.json(&["edit", &id, "--app-word", "9"])["changed"], false);
}

#[test]
fn an_edit_keeps_its_conditions() {
    let bench = Bench::new();
    let id = bench.create(&[]).id;
    let edit = |args: &[&str]| bench.run(&[&["--json", "edit", &id, "--app-word", "5"], args].concat());
    let kind = |args: &[&str]| edit(args).code(1).error_json()["error"]["kind"].clone();
    assert_eq!(kind(&["--if-revision", "99"]), "REVISION_CONFLICT");
    assert_eq!(kind(&["--if-owner", "other"]), "NOT_FOUND");
    edit(&["--if-revision", "3", "--if-owner", "acme"]).code(0);
    for wrong in [
        &["edit", &id][..],
        &["edit", &id, "--never", "--expires", "1d"],
        &["edit", &id, "--name", "a", "--no-name"],
        &["edit", &id, "--all-projects", "--no-projects"],
        &["edit", &id, "--projects", "a,,b"],
        &["edit", &id, "--expires", "0s"],
    ] {
        bench.run(wrong).code(2);
    }
}

#[test]
fn projects_come_and_go() {
    let bench = Bench::new();
    let made = bench.create(&[]);
    let (id, on) = (made.id.as_str(), |project| bench.status(&made.value, &["--project", project]));
    assert_eq!(on("A-1"), said("NO_GRANT"));
    assert_eq!(bench.json(&["grant", id, "A-1"])["changed"], true);
    assert_eq!(bench.json(&["grant", id, "A-1"])["changed"], false);
    assert_eq!((on("A-1"), on("B-2")), (said("OK"), said("NO_GRANT")));
    bench.run(&["grant", id, "--all"]).code(0);
    assert_eq!(on("B-2"), said("OK"));
    let ran = bench.run(&["--json", "ungrant", id, "A-1"]).code(1);
    assert_eq!(ran.error_json()["error"]["kind"], "GRANT_IS_ALL");
    bench.run(&["ungrant", id, "--all"]).code(0);
    assert_eq!((on("A-1"), on("B-2")), (said("NO_GRANT"), said("NO_GRANT")));
    bench.run(&["grant", id, "B-2"]).code(0);
    bench.run(&["ungrant", id, "B-2"]).code(0);
    assert_eq!(on("B-2"), said("NO_GRANT"));
    bench.run(&["grant", id]).code(2);
    bench.run(&["ungrant", id, "A-1", "--all"]).code(2);
    bench.run(&["grant", id, "A-1", "--if-owner", "other"]).code(1);
}

#[test]
fn a_project_is_taken_from_everybody() {
    let bench = Bench::new();
    let one = bench.create(&["--projects", "A-1,B-2"]);
    let two = bench.create(&["--project", "A-1"]);
    let all = bench.create(&["--all-projects"]);
    assert_eq!(bench.json(&["remove-project", "A-1", "--by", "me"]), json!({ "tokens": 2 }));
    assert_eq!(bench.json(&["remove-project", "A-1"]), json!({ "tokens": 0 }));
    for (token, status) in [(one, "NO_GRANT"), (two, "NO_GRANT"), (all, "OK")] {
        assert_eq!(bench.status(&token.value, &["--project", "A-1"]), said(status));
    }
}

#[test]
fn off_and_on_again() {
    let bench = Bench::new();
    let made = bench.create(&["--name", "a"]);
    bench.run(&["disable", &made.id]).code(0);
    assert_eq!(bench.status(&made.value, &[]), said("DISABLED"));
    bench.run(&["create", "server", "acme", "--name", "a"]).code(1);
    bench.run(&["enable", &made.id]).code(0);
    assert_eq!(bench.status(&made.value, &[]), said("OK"));
    assert_eq!(bench.json(&["enable", &made.id])["changed"], false);
}

#[test]
fn revoked_is_for_good_and_first_wins() {
    let bench = Bench::new();
    let made = bench.create(&["--name", "a"]);
    bench.run(&["revoke", &made.id, "--if-owner", "other"]).code(1);
    bench.run(&["revoke", &made.id, "--reason", "leaked"]).code(0);
    assert_eq!(bench.json(&["revoke", &made.id, "--reason", "again"])["changed"], false);
    assert_eq!(bench.json(&["show", &made.id])["revoked"]["reason"], "leaked");
    assert_eq!(bench.status(&made.value, &[]), said("REVOKED"));
    for dead in [&["enable", &made.id][..], &["grant", &made.id, "--all"], &["edit", &made.id, "--never"]] {
        bench.run(dead).code(1);
    }
    bench.create(&["--name", "a"]);
    bench.run(&["delete", &made.id]).code(0);
    bench.run(&["delete", &made.id]).code(1);
    bench.run(&["show", &made.id]).code(1);
    bench.run(&["revoke", &made.id]).code(1);
    assert_eq!(bench.status(&made.value, &[]), said("UNKNOWN"));
}

#[test]
fn a_value_is_enough_to_revoke() {
    let bench = Bench::new();
    let made = bench.create(&[]);
    let revoke = ["--json", "revoke", "--value-stdin", "--reason", "found in a log"];
    let ran = bench.run_with(&revoke, made.value.as_bytes()).code(0);
    assert_eq!(ran.json()["changed"], true);
    assert_eq!(bench.status(&made.value, &[]), said("REVOKED"));
    // A value that nobody has is revoked already (RFC 7009).
    let ran = bench.run_with(&revoke, b"srv_nobody has this one").code(0);
    assert_eq!(ran.json(), json!({ "id": null, "changed": false, "revision": 0 }));
    let file = bench.file("value", bench.create(&[]).value.as_bytes());
    assert_eq!(bench.json(&["revoke", "--value-file", &file])["changed"], true);
    bench.run(&["revoke"]).code(2);
    bench.run(&["revoke", &made.id, "--value-stdin"]).code(2);
    // A condition that would not be looked at is not taken.
    bench.run_with(&["revoke", "--value-stdin", "--if-owner", "other"], made.value.as_bytes()).code(2);
}
