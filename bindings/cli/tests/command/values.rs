//! Values: alone on standard output, once, and nowhere else; read from standard input or a file, never from the line.

use crate::bench::{Bench, run, said};

#[test]
fn a_new_value_is_alone_on_standard_output() {
    let bench = Bench::new();
    let ran = bench.run(&["create", "server", "acme", "--name", "deploy"]).code(0);
    let value = ran.out.strip_suffix('\n').expect("one newline");
    assert!(value.starts_with("srv_") && value.len() == 40, "{value:?}");
    assert!(!value.contains(char::is_whitespace));
    assert!(ran.err.contains("name deploy") && !ran.err.contains(&value[..8]), "{ran:?}");
    assert_eq!(bench.status(value, &[]), said("OK"));
}

#[test]
fn one_newline_at_the_end_is_no_part_of_a_value() {
    let bench = Bench::new();
    let value = bench.create(&[]).value;
    for (presented, status) in [
        (value.clone(), "OK"),
        (format!("{value}\n"), "OK"),
        (format!("{value}\n\n"), "MALFORMED"),
        (format!("{value}\r\n"), "MALFORMED"),
        // As one that was made elsewhere may look.
        (format!(" {value}"), "UNKNOWN"),
    ] {
        assert_eq!(bench.status(&presented, &[]), said(status), "{:?}", presented.replace(&value, "VALUE"));
        let file = bench.file("value", presented.as_bytes());
        assert_eq!(bench.status("", &["--value-file", &file]), said(status));
        assert_eq!(bench.status(&presented, &["--value-file", "-"]), said(status));
    }
}

#[test]
fn what_is_too_long_is_not_judged_by_its_beginning() {
    let bench = Bench::new();
    let value = bench.create(&[]).value;
    for length in [8 << 10, 16 << 10, (16 << 10) + 1, 1 << 20] {
        let padded = format!("Bearer {value}{}junk", " ".repeat(length));
        assert_eq!(bench.status(&padded, &["--header"]), said("MALFORMED"), "{length}");
        let tail = format!("{value}{}", "x".repeat(length));
        assert_eq!(bench.status(&tail, &[]), said("MALFORMED"), "{length}");
        bench.run_with(&["create", "jwt", "acme", "--value-stdin"], tail.as_bytes()).code(2);
        let revoked = bench.run_with(&["--json", "revoke", "--value-stdin"], tail.as_bytes()).code(0);
        assert_eq!(revoked.json()["changed"], false);
    }
    assert_eq!(bench.status(&value, &[]), said("OK"));
}

#[test]
fn values_made_elsewhere() {
    let bench = Bench::new();
    let jwt = format!("eyJhbGciOiJIUzI1NiJ9.{}.sig", "a".repeat(4_000));
    let create = ["create", "jwt", "acme", "--value-stdin"];
    let ran = bench.run_with(&create, jwt.as_bytes()).code(0);
    assert_eq!(ran.out, "");
    assert_eq!(bench.status(&jwt, &[]), said("OK"));
    let ran = bench.run_with(&[&["--json"], &create[..]].concat(), format!("{jwt}\n").as_bytes()).code(1);
    assert_eq!(ran.error_json()["error"]["kind"], "VALUE_EXISTS");

    let file = bench.file("value", b"another value made elsewhere\n");
    let made = bench.json(&["create", "jwt", "acme", "--value-file", &file]);
    assert!(made["value"].is_null() && made["created"] == true);
    assert_eq!(bench.status("another value made elsewhere", &[]), said("OK"));

    bench.run_with(&create, b"too short").code(2);
    bench.run_with(&create, b"").code(2);
    bench.run_with(&create, b"srv_looks like one of the store's own").code(2);
    bench.run_with(&["create", "server", "acme", "--value-stdin"], jwt.as_bytes()).code(2);
    bench.run(&["create", "jwt", "acme", "--value-file", "/nowhere"]).code(2);
    bench.run(&["create", "jwt", "acme", "--name", "a", "--if-absent", "--value-stdin"]).code(2);
}

/// A person pastes a value where none belongs: it must not come back in the message.
#[test]
fn a_mistaken_value_is_not_repeated() {
    let bench = Bench::new();
    let made = bench.create(&["--name", "deploy"]);
    let (value, id) = (made.value.as_str(), made.id.as_str());
    let with_equals = |option: &str| format!("{option}={value}");
    for line in [
        &["verify", value][..],
        &["verify", "--any-type", value],
        &["verify", "--type", value],
        &["verify", &with_equals("--value"), "--any-type"],
        &["verify", &with_equals("--any-type")],
        &["verify", "--any-type", "--value-file", value],
        &["revoke", value],
        &["revoke", id, value],
        &["delete", value],
        &["show", value],
        &["create", value, "acme"],
        &["create", "server", "acme", "--expires", value],
        &["create", "server", "acme", "--app-word", value],
        &["create", "server", "acme", "--app-data-file", value],
        &["create", "jwt", "acme", "--value-file", value],
        &["consume", value],
        &["consume", "--type", value],
        &["pair", "issue", "server", value, "acme", "--binding", "c"],
        &["pair", "refresh", "--binding", "c", value],
        &["pair", "refresh", "--binding", "c", "--value-file", value],
        &["family", "revoke", value],
        &["owner", "revoke", "acme", "--type", value],
        &["rotate", id, "--grace", value],
        &["create", "server", "acme", "--parent", value],
        &["prune", "--older-than", value],
        &["list", "--type", value],
        &["list", "--state", value],
        &["list", "--after", value],
        &["type", value],
        &["type", "declare", "x", value],
        &["--key-file", value, "stats"],
        &[value],
    ] {
        let ran = bench.run_with(line, value.as_bytes()).code(2);
        assert!(!ran.err.contains(value) && !ran.out.contains(value), "{}", line.join(" "));
    }
    let ran = run(&["--store", value, "stats"], b"").code(3);
    assert!(!ran.err.contains(value), "{ran:?}");
}

#[test]
fn no_other_command_tells_a_value() {
    let bench = Bench::new();
    let made = bench.create(&["--name", "deploy"]);
    let (value, id) = (made.value.as_str(), made.id.as_str());
    for line in [
        &["verify", "--any-type"][..],
        &["verify", "--any-type", "--header"],
        &["verify", "--any-type", "--project", "x"],
        &["consume", "--any-type"],
        &["pair", "refresh", "--binding", "x"],
        &["owner", "revoke", "nobody"],
        &["prune", "--older-than", "1d"],
        &["list"],
        &["show", id],
        &["edit", id, "--name", "other"],
        &["grant", id, "--all"],
        &["events"],
        &["stats"],
        &["create", "server", "acme", "--name", "other", "--if-absent"],
        &["create", "jwt", "acme", "--value-stdin"],
        &["revoke", "--value-stdin"],
        &["list", "--with-dead"],
        &["delete", id],
    ] {
        for json in [&[][..], &["--json"]] {
            let ran = bench.run_with(&[json, line].concat(), value.as_bytes());
            assert!(!ran.err.contains(value) && !ran.out.contains(value), "{}", line.join(" "));
        }
    }
    let file = std::fs::read(bench.store()).expect("the store");
    assert!(!file.windows(value.len()).any(|part| part == value.as_bytes()));
}
