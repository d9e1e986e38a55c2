//! The C interface, called from C.
//!
//! A header that nobody compiles, and calls that only Rust makes, say little. Here programs in C that include the
//! header, compiled without a warning, make every call on real files, from several threads and processes, across a fork,
//! after a close and after a panic, and play the same scenarios as Rust does. Each prints how much it checked.

#[path = "cases_support/scenario.rs"]
#[allow(dead_code)]
mod scenario;
mod toolchain;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use toolchain::{WARNINGS, c_compiler, compile, cpp_compiler, root, run};

/// What the reader of scenarios calls a line that cannot be read.
pub(crate) type Mistake = String;

/// The sources of the checks of every call.
const CALLS: [&str; 12] = [
    "calls",
    "calls_open",
    "calls_create",
    "calls_verify",
    "calls_change",
    "calls_sessions",
    "calls_pairs",
    "calls_refresh",
    "calls_many",
    "calls_read",
    "pairs",
    "checks",
];

/// The sources of the player of scenarios.
const PLAYER: [&str; 11] = [
    "cases",
    "case_file",
    "case_text",
    "case_world",
    "case_ops",
    "case_store",
    "case_create",
    "case_change",
    "case_verify",
    "case_pair",
    "case_read",
];

/// Compiles a program of these files of `tests/c`, each named without its ending, the first of which names it.
fn program(folder: &Path, sources: &[&str], options: &[&str]) -> PathBuf {
    let program = folder.join(sources[0]);
    let sources: Vec<String> = sources.iter().map(|source| format!("tests/c/{source}.c")).collect();
    compile("c99", &sources.iter().map(String::as_str).collect::<Vec<_>>(), &program, options);
    program
}

/// Compiles a program and runs it with a folder for its files. What it printed, which is also shown.
fn play(sources: &[&str], options: &[&str]) -> String {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let program = program(folder.path(), sources, options);
    let scratch = folder.path().join("scratch");
    std::fs::create_dir(&scratch).unwrap();
    let said = run(Command::new(program).arg(&scratch));
    std::io::stdout().write_all(said.as_bytes()).unwrap();
    assert_eq!(std::fs::read_dir(scratch).unwrap().count(), 0, "it leaves no file behind");
    said
}

#[test]
fn every_call_answers_c_as_the_header_says() {
    assert!(play(&CALLS, &[]).contains("checks passed"));
}

/// A call that is new in the header fails until the programs make it.
#[test]
fn every_function_of_the_header_is_called_by_the_checks() {
    let header = std::fs::read_to_string(root("include/tokenstore.h")).unwrap();
    let functions: Vec<(&str, &str)> = header
        .lines()
        .filter(|line| !line.starts_with([' ', '/', '#', '}']))
        .filter_map(|line| line.split_once('('))
        .filter_map(|(before, after)| Some((before.rsplit([' ', '*']).next()?, after)))
        .filter(|(name, _)| name.starts_with("tokenstore_"))
        .collect();
    assert!(functions.len() >= 40, "the functions were found: {functions:?}");
    let text = |name: &str| std::fs::read_to_string(root(&format!("tests/c/{name}.c"))).unwrap();
    let checks = CALLS.map(text).concat();
    let (refusals, successes) = (text("every_call"), text("working_calls"));
    for (name, parameters) in functions {
        let call = format!("{name}(");
        // Plain changes are handed to a helper by their names.
        assert!(checks.contains(&call) || checks.contains(&format!("{name})")), "no check calls {name}");
        let takes_a_store = parameters.starts_with("const struct tokenstore_store *store");
        assert!(!takes_a_store || refusals.contains(&call), "tests/c/every_call.c leaves {name} out");
        assert!(!takes_a_store || successes.contains(&call), "tests/c/working_calls.c leaves {name} out");
    }
}

/// The files of `tests/cases`, and how many scenarios and lines the reader that Rust plays them by finds in them.
fn cases() -> (Vec<PathBuf>, String) {
    let folder = root("tests/cases");
    let files = scenario::read_folder(&folder).unwrap();
    let scenarios: Vec<_> = files.iter().flat_map(|file| &file.scenarios).collect();
    let lines: usize = scenarios.iter().map(|scenario| scenario.lines.len()).sum();
    let counted =
        format!("cases in C: {} files, {} scenarios, {lines} lines passed", files.len(), scenarios.len());
    (files.iter().map(|file| folder.join(&file.name)).collect(), counted)
}

#[test]
fn every_scenario_is_answered_in_c_as_in_rust() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let player = program(folder.path(), &PLAYER, &[]);
    let (files, counted) = cases();
    let said = run(Command::new(player).arg(folder.path()).args(files));
    std::io::stdout().write_all(said.as_bytes()).unwrap();
    assert!(said.starts_with(&counted), "{said} is not {counted}");
}

/// Lines whose expectation is wrong, or that mean nothing: a player that lets one pass proves nothing by the others.
const WRONG: [&str; 63] = [
    "verify t1 type=server -> REVOKED",
    "verify t1 type=server flip=7 -> OK",
    "verify t1 type=server -> OK owner=zeta",
    "verify t1 type=server -> OK expires=never word=1",
    "verify t1 type=server project=A-1 -> OK",
    "verify t2 type=server -> OK",
    "authorization t1 as=Basic%20{} type=server -> OK",
    "verify_many t1,t1 type=any -> OK,OK allowed=1",
    "verify_many t1,t1 type=any -> OK",
    "value t1 -> NATIVE length=39",
    "owner t1 -> OK owner=acme",
    "get t1 -> OK state=DISABLED",
    "get t1 if_owner=zeta -> OK",
    "get id:00000000-0000-7000-8000-000000000000 -> OK",
    "list -> OK tokens=none",
    "list limit=1 -> OK tokens=t1 next=no",
    "events -> OK list=none",
    "event 1 -> OK kind=created",
    "stats -> OK tokens=7",
    "find_type server -> OK number=2",
    "types -> OK list=device",
    "type server prefix=other -> OK",
    "create x type=server owner= -> CREATED",
    "create_many x,y names=n,n type=server owner=acme -> CREATED,CREATED",
    "create_if_absent z type=server owner=acme -> CREATED",
    "create_from_value z value=x type=server owner=acme -> CREATED",
    "grant t1 project=A-1 -> UNCHANGED",
    "edit t1 -> CHANGED",
    "revoke_value value=a-value-that-nobody-has -> CHANGED",
    "remove_project project=never -> UNCHANGED tokens=1",
    "consume c1 type=coupon -> USED",
    "consume c1 type=coupon -> OK uses_left=2",
    "consume c1 type=coupon -> OK data=other",
    "consume c1 type=coupon -> OK token=t1",
    "consume c1 type=server -> OK",
    "verify c1 type=coupon -> OK",
    "verify t1 type=server -> OK old_value=yes",
    "refresh r1 client=c access=a2 refresh=r2 -> REPLAYED",
    "refresh r1 client=c access=a2 refresh=r2 -> ROTATED access=a1",
    "refresh r1 client=c access=a2 refresh=r2 -> ROTATED family=r1",
    "refresh r1 client=c access=a1 refresh=r2 -> ROTATED",
    "refresh r1 client=c -> ROTATED",
    "refresh r1 client=d access=a2 refresh=r2 -> ROTATED",
    "issue_pair f1 access=a2 refresh=r2 access_type=server refresh_type=refresh owner=acme client=c -> CREATED",
    "issue_pair f2 access=a2 refresh=r2 access_type=server refresh_type=server owner=acme client=c -> CREATED",
    "issue_pair f2 access=a2 refresh=r2 access_type=server refresh_type=refresh owner=acme client=c -> CREATED \
     refresh_expires=1",
    "revoke_family f1 -> UNCHANGED",
    "revoke_family t1 -> CHANGED",
    "rotate t1 to=t2 grace=0 -> UNCHANGED",
    "rotate t1 to=c1 grace=0 -> CHANGED",
    "revoke_owner owner=acme -> UNCHANGED",
    "prune before=0 limit=1 -> OK tokens=1",
    "create x type=server owner=acme parent=f1 -> CREATED",
    "get t1 -> OK uses_left=1",
    "get a1 -> OK family=none",
    "type second prefix=sec access=1 refresh=1 -> OK",
    "open_elsewhere -> OK",
    "frobnicate t1 -> OK",
    "get t1 colour=red -> OK",
    "get t1 -> OK colour=red",
    "verify t1 type=server type=server -> OK",
    "get t1",
    "advance 5 -> OK",
];

/// What there is when such a line is played.
const BEFORE_WRONG: [&str; 7] = [
    "scenario self_test",
    "type server prefix=srv -> OK",
    "create t1 type=server owner=acme -> CREATED",
    "type coupon prefix=cou uses=2 -> OK",
    "type refresh prefix=ref access=1000 refresh=1000 family=1000 -> OK",
    "create c1 type=coupon owner=acme -> CREATED",
    "issue_pair f1 access=a1 refresh=r1 access_type=server refresh_type=refresh owner=acme client=c -> CREATED",
];

fn play_text(player: &Path, folder: &Path, text: &str) -> Output {
    let file = folder.join("wrong.txt");
    std::fs::write(&file, text).unwrap();
    Command::new(player).arg(folder).arg(file).output().unwrap()
}

#[test]
fn a_wrong_expectation_fails_in_c_with_its_place() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let player = program(folder.path(), &PLAYER, &[]);
    let head = BEFORE_WRONG.map(|line| format!("{line}\n")).concat();
    let (at, passed) = (BEFORE_WRONG.len() + 1, BEFORE_WRONG.len());
    for line in WRONG {
        let played = play_text(&player, folder.path(), &format!("{head}{line}\nget t1 -> OK # goes on\n"));
        let complaint = String::from_utf8(played.stderr).unwrap();
        assert_eq!(played.status.code(), Some(1), "{line}: {complaint}");
        assert_eq!(complaint.lines().count(), 1, "{line}: {complaint}");
        assert!(complaint.starts_with(&format!("wrong.txt:{at} (self_test): `")), "{line}: {complaint}");
        assert!(
            String::from_utf8(played.stdout).unwrap().contains(&format!(" {passed} lines passed")),
            "{line}"
        );
    }
    for unreadable in
        ["get t1 -> OK\n", "scenario two words\n", "scenario a\nscenario a\n", "scenario a\nget ->\n", ""]
    {
        let played = play_text(&player, folder.path(), unreadable);
        assert_eq!(played.status.code(), Some(1), "{unreadable}");
    }
    let right = play_text(&player, folder.path(), &format!("{head}verify t1 type=server -> OK owner=acme\n"));
    assert!(right.status.success(), "{right:?}");
}

#[test]
fn eight_threads_on_one_handle_get_the_answers_that_they_must() {
    play(&["threads", "checks"], &[]);
}

#[test]
fn of_eight_threads_one_wins_each_use_and_each_refresh() {
    play(&["winners", "pairs", "checks"], &[]);
}

#[test]
fn after_a_close_every_call_answers_closed() {
    play(&["closed", "every_call", "checks"], &[]);
}

#[test]
fn a_forked_child_touches_nothing_of_its_parents_store() {
    play(&["forked", "every_call", "checks"], &[]);
}

/// The sources of processes that change one store by turns.
const PROCESSES: [&str; 5] = ["truths", "orders", "processes", "pairs", "checks"];

#[test]
fn forked_children_go_on_with_a_shared_store_and_hear_each_other() {
    play(&[&["shared_forked", "every_call", "working_calls"], &PROCESSES[..]].concat(), &[]);
}

#[test]
fn workers_that_share_a_store_hear_each_other_at_the_very_next_verify() {
    play(&[&["shared_workers"], &PROCESSES[..]].concat(), &[]);
}

#[test]
fn threads_of_several_processes_get_the_answers_that_they_must() {
    play(&["shared_threads", "processes", "checks"], &[]);
}

#[test]
fn a_process_that_is_killed_takes_nothing_from_those_that_share_its_store() {
    play(&["shared_killed", "processes", "checks"], &[]);
}

#[test]
fn the_example_of_workers_hears_what_a_worker_revoked() {
    let says = "the parent: OK\na worker: OK\na worker that revoked it: REVOKED\n\
                the parent, at once: STALE\nthe parent: REVOKED\nthe parent, at once: REVOKED\n";
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let program = folder.path().join("workers");
    compile("c99", &["bindings/c/examples/workers.c"], &program, &[]);
    assert_eq!(run(Command::new(program).arg(folder.path().join("workers.store"))), says);
    let program = std::fs::read_to_string(root("bindings/c/examples/workers.c")).unwrap();
    let readme = std::fs::read_to_string(root("bindings/c/README.md")).unwrap();
    let shown: Vec<_> =
        readme.split("```c\n").skip(1).filter_map(|block| block.split("```").next()).collect();
    assert!(!shown.is_empty() && shown.iter().all(|block| program.contains(block)), "{shown:?}");
}

/// Not linked with the library, although the compiler is told to: it loads and lets go of it itself.
#[test]
fn threads_end_well_after_the_library_was_let_go() {
    play(&["unloaded"], &["-Wl,--no-as-needed", "-ldl", "-Wl,--as-needed"]);
}

#[test]
fn a_panic_is_an_answer_to_everybody_who_waits() {
    play(&["panics", "every_call", "pairs", "checks"], &[]);
}

#[test]
fn a_verify_from_c_allocates_nothing() {
    play(&["allocations", "checks"], &[]);
}

#[test]
fn a_refused_call_keeps_what_the_header_promises() {
    play(&["refused", "every_call", "checks"], &[]);
}

#[test]
fn the_header_stands_alone_in_c_and_in_cpp() {
    for (compiler, language, standards) in [
        (c_compiler as fn() -> Command, "c", ["c99", "c11", "c17", "c2x"]),
        (cpp_compiler, "c++", ["c++11", "c++14", "c++17", "c++20"]),
    ] {
        for standard in standards {
            let mut child = compiler()
                .args([&format!("-std={standard}"), "-x", language, "-fsyntax-only"])
                .args(WARNINGS)
                .arg("-I")
                .arg(root("include"))
                .arg("-")
                .stdin(std::process::Stdio::piped())
                .spawn()
                .unwrap();
            let twice = b"#include \"tokenstore.h\"\n#include \"tokenstore.h\"\n";
            child.stdin.take().unwrap().write_all(twice).unwrap();
            assert!(child.wait().unwrap().success(), "{language} -std={standard}");
        }
    }
}

/// The numbers of verdicts are the ones that Rust has, under the same names.
#[test]
fn every_status_of_a_verdict_has_its_number_and_name() {
    for status in tokenstore::Status::ALL {
        let name = tokenstore::ffi::tokenstore_status_name(status as i32);
        assert_eq!(unsafe_text(name), status.name());
    }
}

#[allow(unsafe_code)]
fn unsafe_text(text: *const std::ffi::c_char) -> String {
    // SAFETY: the library's names are literals with a NUL at their end.
    unsafe { std::ffi::CStr::from_ptr(text) }.to_str().unwrap().to_owned()
}
