//! The scenarios of `tests/cases`, played against the library.
//!
//! They are the documents in a form that runs: what each of the systems that the store carries needs, what every call
//! answers to a token in every state, and what is refused. Bindings in other languages play the same files, so that
//! they answer alike. A table of all cells (call, state, answer) that the documents allow must be covered whole, and
//! no other cell may ever be hit.
//!
//! `cargo test --test cases -- --nocapture` prints how much was played.

mod cases_support;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;

use cases_support::cells::{Call, Cell, METHODS_WITHOUT_CELLS, On, UNPLAYED_ERRORS};
use cases_support::coverage::Coverage;
use cases_support::play::{Between, Report};
use cases_support::possible::possible;
use cases_support::scenario::{CaseFile, parse, read_folder};
use cases_support::{source, text};
use tokenstore::Status;

fn case_files() -> Vec<CaseFile> {
    read_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases"))
        .expect("scenarios that can be read")
}

fn play(files: &[CaseFile], between: Between) -> Report {
    let mut report = Report::default();
    files.iter().for_each(|file| report.play(file, between));
    report
}

#[test]
fn every_line_is_answered_as_the_documents_say_and_every_cell_is_covered() {
    let report = play(&case_files(), Between::StaysOpen);
    writeln!(
        std::io::stdout(),
        "cases: {} files, {} scenarios, {} lines passed ({} operations), {} of {} cells covered",
        report.files,
        report.scenarios,
        report.lines,
        report.operations,
        report.coverage.hit_count(),
        Coverage::wanted().len(),
    )
    .expect("a standard output");
    let faults: Vec<String> = report.failures.into_iter().chain(report.coverage.faults()).collect();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    assert!(report.lines >= 300, "too few lines to mean anything");
}

/// Nothing that a line finds may depend on the store having stayed open since the line before: a token that is
/// refused is refused after a restart, and so on for every answer there is.
#[test]
fn every_line_is_answered_alike_if_the_store_is_reopened_before_it() {
    all_are_answered_alike(Between::Reopened, "reopened before every line");
}

/// Nothing that a line finds may depend on which of two processes made the lines before: each line finds what the line
/// before it did through the other opening.
#[test]
fn every_line_is_answered_alike_if_the_one_before_was_another_processs() {
    all_are_answered_alike(Between::Shared, "by two openings in turns");
}

fn all_are_answered_alike(between: Between, how: &str) {
    let report = play(&case_files(), between);
    let (scenarios, lines) = (report.scenarios, report.lines);
    writeln!(std::io::stdout(), "cases, {how}: {scenarios} scenarios, {lines} lines passed")
        .expect("a standard output");
    assert!(report.failures.is_empty(), "{}", report.failures.join("\n"));
}

/// What the sources declare must be decided in the table: a new method, status, error or event does not slip by.
#[test]
fn the_table_knows_every_call_and_every_answer_of_the_sources() {
    let known: BTreeSet<&str> = Call::ALL
        .into_iter()
        .map(Call::method)
        .chain(METHODS_WITHOUT_CELLS.iter().map(|(method, _)| *method))
        .collect();
    let declared = [source::methods("Store"), source::methods("Options")].concat();
    let declared: BTreeSet<&str> = declared.iter().map(String::as_str).collect();
    assert_eq!(known, declared, "methods that the table knows, and those that there are");

    let rows = Call::ALL.into_iter().flat_map(|call| On::ALL.into_iter().map(move |on| (call, on)));
    let mut answers: BTreeSet<String> =
        rows.flat_map(|(call, on)| possible(call, on)).map(str::to_owned).collect();
    answers.extend(UNPLAYED_ERRORS.map(|(name, _)| name.to_owned()));
    let errors = source::variants("ErrorKind");
    assert!(errors.len() > 20, "the errors were found in the sources: {errors:?}");
    let errors = errors.iter().map(|variant| text::capitals(variant));
    let undecided: Vec<String> = Status::ALL
        .iter()
        .map(|status| status.name().to_owned())
        .chain(errors)
        .filter(|name| !answers.contains(name))
        .collect();
    assert_eq!(undecided, Vec::<String>::new(), "answers that stand in no cell");

    // Each state of a token is a row.
    let rows: BTreeSet<String> = On::ALL.iter().map(|on| format!("{on:?}")).collect();
    let states = source::variants("State");
    assert!(states.len() >= 6, "the states were found in the sources: {states:?}");
    for state in states {
        assert!(rows.contains(&state), "no row for the state {state}");
    }
}

/// Plays a scenario made of these lines and returns what failed.
fn failures_of(lines: &str) -> Vec<String> {
    let head =
        "scenario self_test\ntype server prefix=srv -> OK\ncreate t1 type=server owner=acme -> CREATED\n";
    match parse("self", &format!("{head}{lines}\n")) {
        Ok(file) => play(&[file], Between::StaysOpen).failures,
        Err(mistake) => vec![mistake],
    }
}

#[test]
fn the_runner_lets_a_right_line_pass() {
    let lines = "get t1 -> OK state=ACTIVE name=none owner=acme projects=none # a comment\n\
                 verify t1 type=server -> OK token=t1\n\
                 for t1 get $ -> OK\n\
                 repeat 2 create n$ type=server owner=acme name=n$ -> CREATED\n\
                 get n2 -> OK name=n2\n\
                 advance 5\n\
                 create t2 type=server owner=%41{b$*3} -> CREATED\n\
                 get t2 -> OK owner=Ab1b2b3 created=5";
    assert_eq!(failures_of(lines), Vec::<String>::new());
}

#[test]
fn the_runner_calls_families_and_their_pairs_by_words() {
    let pair = "type ref prefix=ref access=9 refresh=9 family=9 -> OK\n\
                issue_pair f access=a refresh=r access_type=server refresh_type=ref owner=o client=c -> CREATED";
    let right = "refresh r client=c access=a2 refresh=r2 -> ROTATED access=a2 refresh=r2 family=f\n\
                 refresh r client=c access=a3 refresh=r3 -> REPLAYED access=a2 refresh=r2 # a3 and r3 are free\n\
                 create a3 type=server owner=acme -> CREATED\n\
                 rotate a3 to=r3 grace=1 -> CHANGED\n\
                 verify a3 type=server -> OK token=a3 old_value=yes\n\
                 verify r3 type=server -> OK token=a3 old_value=no\n\
                 get f -> NOT_FOUND\n\
                 revoke_family a -> NOT_FOUND";
    assert_eq!(failures_of(&format!("{pair}\n{right}")), Vec::<String>::new());
    for (line, mistake) in [
        ("refresh r client=c -> ROTATED", "no names for it"),
        ("create f type=server owner=acme -> CREATED", "is a family `f` already"),
        ("revoke_family g -> NOT_FOUND", "no line made a token `g`"),
        ("refresh r client=c access=a2 refresh=r2 -> ROTATED refresh=r", "expected ROTATED"),
    ] {
        let failures = failures_of(&format!("{pair}\n{line}"));
        assert!(failures.len() == 1 && failures[0].contains(mistake), "{line}: {failures:?}");
    }
}

#[test]
fn the_runner_fails_what_is_not_as_expected() {
    let wrong = [
        "verify t1 type=server -> REVOKED",
        "verify t1 type=server flip=7 -> OK",
        "get t1 -> OK state=DISABLED",
        "get t1 -> OK name=none state=DISABLED",
        "get t1 -> NOT_FOUND",
        "list -> OK tokens=none",
        "revoke t1 -> UNCHANGED",
        "verify_many t1,t1 type=any -> OK,OK allowed=1",
        "verify_many t1,t1 type=any -> OK",
        "repeat 2 create n type=server owner=acme -> CREATED",
        "repeat 2 revoke t1 -> CHANGED",
        "consume t1 type=server -> OK",
        "get t1 -> OK uses_left=1",
        "refresh t1 client=c -> REVOKED",
        "rotate t1 to=t2 grace=0 -> UNCHANGED",
        "revoke_owner owner=acme -> CHANGED revision=1",
        "prune before=0 limit=1 -> OK tokens=1",
    ];
    for line in wrong {
        let failures = failures_of(line);
        assert_eq!(failures.len(), 1, "{line}");
        assert!(failures[0].starts_with("self:4 "), "it names the place: {failures:?}");
    }
}

#[test]
fn the_runner_fails_what_it_does_not_know() {
    let mistaken = [
        ("frobnicate t1 -> OK", "no operation `frobnicate`"),
        ("get t1 colour=red -> OK", "knows no `colour`"),
        ("get t1 t1 -> OK", "knows no `t1`"),
        ("revoke t1 project=p -> CHANGED", "knows no `project`"),
        ("get t1 -> OK colour=red", "no field `colour`"),
        ("get t2 -> OK", "no line made a token `t2`"),
        ("verify t1 -> OK", "`type=` is missing"),
        ("verify t1 type=device -> OK", "no line declared the type `device`"),
        ("verify t1 type=server type=server -> OK", "given twice"),
        ("verify value=%4 type=server -> MALFORMED", "two hexadecimal digits"),
        ("verify value={x type=server -> MALFORMED", "without a }"),
        ("verify value={x} type=server -> MALFORMED", "has no count"),
        ("get t1", "no answer is expected"),
        ("get t1 ->", "nothing is expected"),
        ("get t1 -> OK ACTIVE", "no field=value"),
        ("advance 5 -> OK", "answers nothing"),
        ("create t1 type=server owner=acme -> CREATED", "is a token `t1` already"),
        ("reopen -> OK", "store file"),
        ("scenario self_test", "already"),
        ("scenario two words", "one word"),
        ("get caf\u{e9} -> OK", "ASCII"),
        ("rotate t1 to=t1 grace=0 -> CHANGED", "is a token `t1` already"),
        ("rotate t1 to=t2 -> CHANGED", "`grace=` is missing"),
        ("refresh t1 client=c access=a -> WRONG_TYPE", "stand together"),
        ("refresh t1 client=c access=a refresh=t1 -> WRONG_TYPE", "is a token `t1` already"),
        ("refresh t1 client=c access_value=x access_value_of=t1 -> WRONG_TYPE", "either"),
        ("type r prefix=r access=1 -> OK", "stand together"),
        ("type r prefix=r access=1 refresh=1 family=1 grace=0 -> OK", "grace=none"),
        ("type r prefix=r access=1 refresh=1 family=1 old_access=off -> OK", "now, grace or on"),
        ("type r prefix=r uses=0 -> OK", "from 1 on"),
        ("revoke_owner owner=acme type=device -> CHANGED", "no line declared the type `device`"),
        ("consume t1 -> OK", "`type=` is missing"),
        ("prune before=0 -> OK", "`limit=` is missing"),
    ];
    for (line, mistake) in mistaken {
        let failures = failures_of(line);
        assert!(failures.len() == 1 && failures[0].contains(mistake), "{line}: {failures:?}");
    }
    assert!(parse("self", "get t1 -> OK").is_err(), "a line before any scenario");
}

#[test]
fn the_table_reports_what_is_missing_and_what_cannot_be() {
    let mut coverage = Coverage::default();
    let all = Coverage::wanted();
    assert_eq!(coverage.faults().len(), all.len(), "nothing was played yet");
    coverage.hit(all.iter().skip(1).cloned());
    let [missing] = &coverage.faults()[..] else { panic!("one cell is missing") };
    assert!(missing.starts_with("no scenario has: "), "{missing}");
    coverage.hit(all);
    assert_eq!(coverage.faults(), Vec::<String>::new());
    coverage.hit([Cell { call: Call::Verify, on: On::Revoked, answer: "OK".to_owned() }]);
    let [impossible] = &coverage.faults()[..] else { panic!("one cell is impossible") };
    assert_eq!(impossible, "impossible, says the table: Verify on Revoked -> OK");
}
