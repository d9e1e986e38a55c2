//! Output that nobody reads to the end, or that cannot be written: never a panic, and never a value lost in silence.

use std::fs::OpenOptions;
use std::process::Stdio;

use crate::bench::{Bench, Ran, command};

/// Runs the command with a standard output, and perhaps a standard error, that nobody reads.
fn unread(args: &[&str], stderr_too: bool) -> Ran {
    let broken = || {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        writer
    };
    let mut command = command(args);
    command.stdout(broken());
    if stderr_too {
        command.stderr(broken());
    }
    Ran::new(command.output().expect("the command ends"))
}

#[test]
fn a_reader_who_has_read_enough_is_no_trouble() {
    let bench = Bench::new();
    let id = bench.create(&["--name", "deploy"]).id;
    let store = bench.store();
    for stderr_too in [false, true] {
        for line in [
            &["--help"][..],
            &["create", "--help"],
            &["--version"],
            &["demo"],
            &["demo", "--json"],
            &["list"],
            &["list", "--json"],
            &["show", &id],
            &["events"],
            &["stats"],
            &["type", "list"],
            &["prune", "--older-than", "1d"],
            &["owner", "revoke", "nobody"],
            &["grant", &id, "--all"],
            &["create", "server", "acme", "--name", "deploy", "--if-absent"],
        ] {
            let ran = unread(
                &[&["--store", &store], line].concat()[if line[0] == "demo" { 2 } else { 0 }..],
                stderr_too,
            );
            assert_eq!((ran.code, ran.err.contains("trouble")), (0, false), "{line:?}: {ran:?}");
        }
        // What went wrong is told by the exit code all the same.
        assert_eq!(unread(&["--store", &store, "frobnicate"], stderr_too).code, 2);
        assert_eq!(unread(&["--store", "/nowhere", "stats"], stderr_too).code, 3);
        assert_eq!(
            unread(&["--store", &store, "revoke", "018f3a5e-7c1d-7a2b-9c3d-4e5f60718293"], stderr_too).code,
            1
        );
    }
    assert_eq!(bench.json(&["show", &id])["all_projects"], true, "what was asked was done");
}

#[test]
fn the_exit_code_of_a_verify_needs_no_reader() {
    let bench = Bench::new();
    let made = bench.create(&[]);
    let (store, file) = (bench.store(), bench.file("value", made.value.as_bytes()));
    let line = ["--store", &store, "verify", "--any-type", "--value-file", &file];
    assert_eq!(unread(&line, true).code, 0);
    bench.run(&["revoke", &made.id]).code(0);
    assert_eq!(unread(&line, true).code, 1);
}

/// The value of a new token cannot be shown again: that it was not written must be heard.
#[test]
fn a_value_that_could_not_be_handed_over_is_told() {
    let bench = Bench::new();
    for json in [&[][..], &["--json"]] {
        let ran =
            unread(&[&["--store", &bench.store()], json, &["create", "server", "acme"]].concat(), false)
                .code(3);
        let list = bench.run(&["--json", "list"]).code(0).json_lines();
        let id = list.last().expect("a token")["id"].as_str().expect("an id").to_owned();
        assert!(ran.err.contains(&id) && ran.err.contains("is lost"), "{ran:?}");
    }
}

/// The same of a token's new value, and of a pair: the refresh value that got the pair gets it again.
#[test]
fn new_values_that_could_not_be_handed_over_are_told() {
    let bench = Bench::new();
    let id = bench.create(&[]).id;
    bench.run(&["type", "declare", "access", "acc"]).code(0);
    let families = ["--access-lifetime", "1h", "--refresh-lifetime", "1d", "--family-lifetime", "1d"];
    bench.run(&[&["type", "declare", "refresh", "ref"], &families[..]].concat()).code(0);
    let issue = ["pair", "issue", "access", "refresh", "acme", "--binding", "client"];
    let pair = bench.json(&issue);
    let refresh_value = pair["refresh"]["value"].as_str().expect("a value");
    let file = bench.file("refresh", refresh_value.as_bytes());
    let refresh = ["pair", "refresh", "--binding", "client", "--value-file", &file];
    let store = bench.store();
    for json in [&[][..], &["--json"]] {
        for (line, told) in [
            (&["rotate", &id][..], "has a new value, but it could not be written and is lost"),
            (&issue, "has a new pair, but it could not be written; the values are lost"),
            (&refresh, "the same refresh value gets it again within the grace"),
        ] {
            let ran = unread(&[&["--store", &store], json, line].concat(), false).code(3);
            assert!(ran.err.contains(told), "{ran:?}");
        }
    }
    assert_eq!(bench.json(&refresh)["status"], "REPLAYED");
    // Refusals are answers, and the exit code tells them.
    let wrong = ["--store", &store, "pair", "refresh", "--binding", "other", "--value-file", &file];
    assert_eq!(unread(&wrong, true).code, 1);
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_trouble() {
    let bench = Bench::new();
    bench.create(&[]);
    let store = bench.store();
    for line in [&["list"][..], &["--json", "list"], &["stats"], &["create", "server", "acme"]] {
        let full = OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
        let output = command(&[&["--store", &store], line].concat()).stdout(Stdio::from(full)).output();
        let ran = Ran::new(output.expect("the command ends")).code(3);
        assert!(ran.err.contains("No space left"), "{ran:?}");
    }
}

#[test]
fn tables_have_the_columns_of_their_heading() {
    let bench = Bench::new();
    bench.create(&["--name", "deploy", "--projects", "a,b,c,d,e"]);
    bench.run(&["create", "server", "tab\tnew\nline\\"]).code(0);
    let ran = bench.run(&["list"]).code(0);
    let rows: Vec<Vec<_>> = ran.out.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(rows[0].join(","), "ID,NAME,OWNER,TYPE,STATE,EXPIRES,LAST USED,USES LEFT,KIN,PROJECTS");
    assert!(rows.iter().all(|row| row.len() == rows[0].len()), "{rows:?}");
    let deploy = ["deploy", "acme", "server", "ACTIVE", "never", "never", "-", "-", "a, b, c, and 2 more"];
    assert_eq!(rows[1][1..], deploy);
    assert_eq!(rows[2][1..3], ["-", "tab\\tnew\\nline\\\\"]);
    let owners: Vec<_> =
        bench.run(&["--json", "list"]).code(0).json_lines().iter().map(|row| row["owner"].clone()).collect();
    assert_eq!(owners, ["acme", "tab\tnew\nline\\"]);
    let ran = bench.run(&["events"]).code(0);
    assert!(ran.out.starts_with("NUMBER\tAT\tEVENT\tSUBJECT\tBY\tREASON\tDETAIL\n1\t"), "{ran:?}");
}
