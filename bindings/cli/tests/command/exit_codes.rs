//! Exit codes: 1 is a no, 2 a wrong line, 3 trouble with the store. A script that takes any of them for another lets
//! somebody in, or locks everybody out.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::bench::{Bench, run};

const COMMANDS: [&str; 23] = [
    "demo",
    "init",
    "type",
    "create",
    "verify",
    "consume",
    "pair",
    "list",
    "show",
    "edit",
    "grant",
    "ungrant",
    "remove-project",
    "rotate",
    "revoke",
    "family",
    "owner",
    "delete",
    "disable",
    "enable",
    "prune",
    "stats",
    "events",
];

#[test]
fn every_command_has_help() {
    let main = run(&["--help"], b"").code(0);
    assert!(main.out.contains("Exit codes:\n  0  yes"), "{}", main.out);
    for command in COMMANDS {
        assert!(main.out.contains(&format!("\n  {command} ")), "{command}");
        let help = run(&[command, "--help"], b"").code(0);
        assert!(help.out.contains(&format!("Usage: tokenstore {command}")), "{}", help.out);
        assert!(help.out.contains("--store <PATH>") && help.err.is_empty());
        // No command takes a value on the line.
        assert!(!help.out.contains("<VALUE>") && !help.out.contains("--value <"), "{}", help.out);
        let longest = help.out.lines().map(|line| line.chars().count()).max();
        assert!(longest <= Some(110), "{command}: {longest:?}");
    }
    for line in [["pair", "issue"], ["pair", "refresh"], ["family", "revoke"], ["owner", "revoke"]] {
        let help = run(&[&line[..], &["--help"]].concat(), b"").code(0);
        assert!(help.out.contains(&format!("Usage: tokenstore {}", line.join(" "))), "{}", help.out);
        assert!(!help.out.contains("<VALUE>"), "{}", help.out);
    }
    assert!(run(&["--version"], b"").code(0).out.starts_with("tokenstore "));
}

#[test]
fn wrong_lines() {
    let bench = Bench::new();
    run(&[], b"").code(2);
    run(&["frobnicate"], b"").code(2);
    run(&["stats"], b"").code(2);
    let id = bench.create(&[]).id;
    for line in [
        &["verify"][..],
        &["verify", "--any-type", "--type", "server"],
        &["verify", "--any-type", "--project", ""],
        &["verify", "--any-type", "--binding", ""],
        &["verify", "--type", "undeclared"],
        &["verify", "--any-type", "--value-file", "/nowhere"],
        &["create", "server"],
        &["create", "undeclared", "acme"],
        &["create", "server", ""],
        &["create", "server", "acme", "--name", "two\nlines"],
        &["create", "server", "acme", "--expires", "yesterday"],
        &["create", "server", "acme", "--expires", "2001-01-01T00:00:00Z"],
        &["create", "server", "acme", "--all-projects", "--project", "a"],
        &["show", "no-id"],
        &["grant", &id, ""],
        &["list", "--limit", "-1"],
        &["--key-file", "/nowhere", "stats"],
    ] {
        let ran = bench.run_with(line, b"some value of sixteen bytes and more").code(2);
        assert!(ran.out.is_empty() && !ran.err.is_empty(), "{line:?}: {ran:?}");
    }
    let data = bench.file("data", &[0; 4_097]);
    bench.run(&["create", "server", "acme", "--app-data-file", &data]).code(2);
    let ran = bench.run(&["--json", "create", "undeclared", "acme"]).code(2);
    assert_eq!(ran.error_json()["error"]["kind"], "INVALID_ARGUMENT");
}

#[test]
fn no_store_and_no_store_file() {
    let bench = Bench::new();
    let missing = bench.path("missing").to_str().expect("UTF-8").to_owned();
    let trouble = |store: &str, kind: &str| {
        for line in [&["stats"][..], &["verify", "--any-type"], &["list"]] {
            let ran =
                run(&[&["--store", store, "--json"], line].concat(), b"some value of sixteen bytes").code(3);
            assert_eq!(ran.error_json()["error"]["kind"], kind);
            assert_eq!(ran.out, "");
        }
    };
    trouble(&missing, "IO");
    assert!(!bench.path("missing").exists(), "opening never makes a store");
    trouble(&bench.file("empty", b""), "CORRUPT");
    trouble(&bench.file("text", "no store ".repeat(2_000).as_bytes()), "CORRUPT");
    let ran = bench.run(&["--json", "init"]).code(3);
    assert_eq!(ran.error_json()["error"]["kind"], "ALREADY_EXISTS");
}

#[test]
fn keys() {
    let bench = Bench::new();
    let keyed = bench.path("keyed").to_str().expect("UTF-8").to_owned();
    let raw: Vec<u8> = (7..39).collect();
    let hex: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
    let key = bench.file("raw", &raw);
    let on = |store: &str, args: &[&str]| run(&[&["--store", store, "--json"], args].concat(), b"");
    assert_eq!(on(&keyed, &["--key-file", &key, "init"]).code(0).json()["keyed"], true);
    assert_eq!(fs::metadata(&keyed).expect("a file").permissions().mode() & 0o777, 0o600);
    for same in [hex.clone(), hex.to_uppercase(), format!("{hex}\n")] {
        on(&keyed, &["--key-file", &bench.file("hex", same.as_bytes()), "stats"]).code(0);
    }
    let other = bench.file("other", &[7; 32]);
    for (store, args) in [
        (keyed.as_str(), &["--key-file", &other, "stats"][..]),
        (&keyed, &["stats"]),
        (&bench.store(), &["--key-file", &key, "stats"]),
    ] {
        assert_eq!(on(store, args).code(3).error_json()["error"]["kind"], "WRONG_KEY");
    }
    for wrong in [&raw[..31], b"", &hex.as_bytes()[1..], &[b'z'; 64], &[0; 100]] {
        let ran = on(&keyed, &["--key-file", &bench.file("wrong", wrong), "stats"]).code(2);
        assert!(!ran.err.contains(&hex[1..]));
    }
}
