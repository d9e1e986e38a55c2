//! The C++ header, called from C++.
//!
//! A header alone proves nothing: a template that nobody uses compiles whatever it says. Here programs make every call
//! in both its forms, and play the scenarios of `tests/cases` as Rust does, through the header alone.

mod toolchain;

#[allow(dead_code)] // the scenarios are counted here, and played elsewhere
#[path = "cases_support/scenario.rs"]
mod scenario;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;
use toolchain::{WARNINGS, compile, cpp_compiler, root, run};

/// A line that cannot be read.
type Mistake = String;

fn folder() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// Compiles a program, runs it with a scratch folder, and checks and shows what it says.
fn compiles_runs_and_says(standard: &str, sources: &[&str], more: &[&str], says: &str) {
    let scratch = folder();
    let program = scratch.path().join("program");
    compile(standard, sources, &program, &[&["-Wshadow"], more].concat());
    let said = run(Command::new(&program).arg(scratch.path()));
    write!(std::io::stdout(), "{said}").expect("a standard output");
    assert!(said.contains(says), "{said}");
}

/// For programs of which optimisation shows nothing more.
const QUICK: [&str; 2] = ["-O0", "-g0"];

#[test]
fn every_call_answers_cpp_as_the_header_says() {
    let sources = ["tests/cpp/calls.cpp", "tests/cpp/calls_tokens.cpp", "tests/cpp/calls_sessions.cpp"];
    // Optimised once, so that a wipe that a compiler could leave out is left out.
    for (standard, more) in [("c++17", &["-g0"][..]), ("c++20", &QUICK)] {
        compiles_runs_and_says(standard, &sources, more, "checks passed");
    }
}

#[test]
fn what_one_thread_revoked_no_other_accepts() {
    compiles_runs_and_says("c++17", &["tests/cpp/threads.cpp"], &QUICK, "8 threads");
}

#[test]
fn what_one_process_revoked_no_other_accepts() {
    compiles_runs_and_says("c++17", &["tests/cpp/processes.cpp"], &QUICK, "checks passed");
}

#[test]
fn everything_is_there_without_exceptions_and_run_time_types() {
    let more = [&QUICK[..], &["-fno-exceptions", "-fno-rtti"]].concat();
    compiles_runs_and_says("c++17", &["tests/cpp/no_exceptions.cpp"], &more, "checks passed");
}

#[test]
fn two_units_share_everything_that_is_inline() {
    let units = ["tests/cpp/unit_one.cpp", "tests/cpp/unit_two.cpp"];
    // Exceptions alone need no run-time types.
    let more = [&QUICK[..], &["-fno-rtti"]].concat();
    compiles_runs_and_says("c++17", &units, &more, "one category, one store");
}

#[test]
fn a_verify_allocates_nothing() {
    compiles_runs_and_says("c++17", &["tests/cpp/allocations.cpp"], &QUICK, "calls, 0 allocations");
}

#[test]
fn the_example_is_a_service_that_refuses_what_it_must() {
    let says = "A-1: 200\nC-3: 403\na guess: 401\nrevoked: 401\nci: seen in a log\n";
    compiles_runs_and_says("c++17", &["bindings/cpp/example.cpp"], &QUICK, says);
}

#[test]
fn the_example_of_sessions_refuses_what_is_over() {
    let says = "signed in: 200\nrefreshed: 200\nthe old access value: 401\nthe lost reply: the same pair\n\
                the link: /inbox\nthe link again: USED\nsigned out everywhere: 401, REVOKED\n";
    compiles_runs_and_says("c++17", &["bindings/cpp/sessions.cpp"], &QUICK, says);
}

#[test]
fn the_example_of_workers_hears_what_a_worker_revoked() {
    let says = "here: 200\nin a worker: 200\nrevoked there: 401\nhere, at once: ask again\nhere: 401\n\
                here, at once: 401\n";
    compiles_runs_and_says("c++17", &["bindings/cpp/workers.cpp"], &QUICK, says);
}

#[test]
fn what_the_readme_shows_is_a_part_of_the_examples() {
    let text = |path: &str| std::fs::read_to_string(root(path)).unwrap();
    let programs = ["sessions", "workers"].map(|name| text(&format!("bindings/cpp/{name}.cpp")));
    let readme = text("bindings/cpp/README.md");
    let shown: Vec<&str> =
        readme.split("```cpp\n").skip(1).filter_map(|block| block.split("```").next()).collect();
    let stands = |block: &&str| programs.iter().any(|program| program.contains(*block));
    assert!(shown.len() >= 4 && shown.iter().all(stands), "{shown:?}");
    for program in &programs {
        assert!(shown.iter().any(|block| program.contains(block)), "the README shows nothing of {program}");
    }
}

/// Whether the compiler takes this text with all warnings as errors.
fn compiles(text: &str, options: &[&str]) -> Output {
    let mut child = cpp_compiler()
        .args(WARNINGS)
        .args(["-Wshadow", "-x", "c++", "-fsyntax-only"])
        .args(options)
        .arg("-I")
        .arg(root("include"))
        .arg("-")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn the_header_stands_alone_in_every_standard() {
    for standard in ["-std=c++17", "-std=c++20", "-std=c++2b"] {
        // Before C's header, or behind it, which has nothing to do with what is left out.
        for (order, without) in [
            (["tokenstore.h", "tokenstore.hpp", "tokenstore.h"], &[][..]),
            (["tokenstore.hpp", "tokenstore.hpp", "tokenstore.h"], &["-fno-exceptions", "-fno-rtti"]),
        ] {
            let text = order.map(|header| format!("#include \"{header}\"\n")).concat();
            let came = compiles(&text, &[&[standard], without].concat());
            let errors = String::from_utf8_lossy(&came.stderr);
            assert!(came.status.success(), "{standard} {without:?}: {text}{errors}");
        }
    }
}

#[test]
fn a_standard_that_is_too_old_is_named() {
    let came = compiles("#include \"tokenstore.hpp\"\n", &["-std=c++14"]);
    let errors = String::from_utf8_lossy(&came.stderr);
    assert!(!came.status.success() && errors.contains("needs C++17"), "{errors}");
}

#[test]
fn a_result_that_says_yes_or_no_cannot_be_ignored() {
    let program = std::fs::read_to_string(root("tests/cpp/ignored.cpp")).unwrap();
    assert!(compiles(&program, &["-std=c++17"]).status.success(), "it compiles without those calls");
    let came = compiles(&program, &["-std=c++17", "-DIGNORE_THEM"]);
    let errors = String::from_utf8_lossy(&came.stderr).into_owned();
    let lines = || (1..).zip(program.lines());
    let (first, _) = lines().find(|(_, line)| line.starts_with("#if")).expect("where they begin");
    let (last, _) = lines().find(|(_, line)| line.starts_with("#endif")).expect("where they end");
    let ignored: Vec<_> = lines().filter(|(number, _)| (first + 1..last).contains(number)).collect();
    assert!(!came.status.success() && ignored.len() == 15, "{errors}");
    for (number, line) in ignored {
        let place = format!("<stdin>:{number}:");
        let is_refused = |error: &str| error.starts_with(&place) && error.contains("nodiscard");
        assert!(errors.lines().any(is_refused), "{line}: {errors}");
    }
}

/// What C can call, C++ can call: a function, a status, a flag or a member that is new in C fails until it is here.
#[test]
fn everything_of_the_c_header_is_reached() {
    /// What C++ says by its types.
    const OF_C_ALONE: [&str; 4] =
        ["TOKENSTORE_CREATED", "TOKENSTORE_ERROR_TEXT_BYTES", "reserved", "reserved_2"];
    let c = std::fs::read_to_string(root("include/tokenstore.h")).unwrap();
    let cpp = std::fs::read_to_string(root("include/tokenstore.hpp")).unwrap();
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let is_code = |line: &&str| !line.trim_start().starts_with(['*', '/']);
    let code = cpp.lines().filter(is_code);
    let known: BTreeSet<&str> = code.flat_map(|line| line.split(|letter| !is_part(letter))).collect();
    let mut names = Vec::new();
    for line in c.lines().filter(is_code) {
        if let Some(rest) =
            line.strip_prefix("#define ").filter(|rest| rest.ends_with(|last: char| last.is_ascii_digit()))
        {
            names.extend(rest.split(' ').next());
        } else if let Some((before, _)) =
            line.split_once('(').filter(|(before, _)| before.contains("tokenstore_"))
        {
            names.extend(before.rsplit(|letter| !is_part(letter)).next());
        } else if let Some(member) = line.strip_prefix("    ").and_then(|line| line.strip_suffix(';')) {
            names.extend(
                member.split('[').next().and_then(|member| member.rsplit(|letter| !is_part(letter)).next()),
            );
        }
    }
    assert!(names.len() > 150, "names were found in the C header: {}", names.len());
    let is_of_c = |name: &str| OF_C_ALONE.contains(&name) || name.starts_with("TOKENSTORE_VERSION_");
    let missing: Vec<_> = names.into_iter().filter(|name| !known.contains(name) && !is_of_c(name)).collect();
    assert_eq!(missing, Vec::<&str>::new(), "not to be reached from C++");
}

/// The program that plays scenarios.
fn player() -> &'static Path {
    static PLAYER: OnceLock<(TempDir, std::path::PathBuf)> = OnceLock::new();
    let (_, program) = PLAYER.get_or_init(|| {
        let folder = folder();
        let program = folder.path().join("cases");
        compile("c++17", &["tests/cpp/cases.cpp"], &program, &[&["-Wshadow"], &QUICK[..]].concat());
        (folder, program)
    });
    program
}

/// Plays the scenarios of a folder.
fn play(cases: &Path) -> (bool, String, String) {
    let scratch = folder();
    let came = Command::new(player()).arg(scratch.path()).arg(cases).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (came.status.success(), text(came.stdout), text(came.stderr))
}

#[test]
fn the_scenarios_are_answered_in_cpp_as_in_rust() {
    let files = scenario::read_folder(&root("tests/cases")).unwrap();
    let scenarios = files.iter().flat_map(|file| &file.scenarios);
    let lines: usize = scenarios.clone().map(|scenario| scenario.lines.len()).sum();
    let (passed, said, errors) = play(&root("tests/cases"));
    write!(std::io::stdout(), "{said}").expect("a standard output");
    assert!(passed, "{errors}");
    let counted = format!("{} files, {} scenarios, {lines} lines passed", files.len(), scenarios.count());
    assert_eq!(said.trim_end(), format!("cases in C++: {counted}"));
}

/// Begins each scenario of the tests of the player.
const HEAD: &str = "type server prefix=srv -> OK\ncreate t1 type=server owner=acme -> CREATED\n";

#[test]
fn the_player_fails_what_is_not_as_expected() {
    let wrong = [
        ("verify t1 type=server -> REVOKED", "expected REVOKED; OK "),
        ("verify t1 type=server flip=7 -> OK", "expected OK; MALFORMED came"),
        ("get t1 -> OK state=DISABLED", "expected OK state=DISABLED; OK "),
        ("get t1 -> OK name=none state=DISABLED", "state=ACTIVE"),
        ("get t1 -> NOT_FOUND", "expected NOT_FOUND; OK "),
        ("list -> OK tokens=none", "tokens=t1"),
        ("revoke t1 -> UNCHANGED", "CHANGED revision=3 came"),
        ("verify_many t1,t1 type=any -> OK,OK allowed=1", "allowed=2"),
        ("verify_many t1,t1 type=any -> OK", "OK,OK"),
        ("repeat 2 create n type=server owner=acme -> CREATED", "is a token `n` already"),
        ("repeat 2 revoke t1 -> CHANGED", "UNCHANGED"),
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
        ("advance 5 -> OK", "answers nothing"),
        ("create t1 type=server owner=acme -> CREATED", "is a token `t1` already"),
        ("reopen -> OK", "store file"),
        ("consume t1 type=server -> OK", "expected OK; NOT_COUNTED "),
        ("consume t1 type=server -> NOT_COUNTED uses_left=1", "no field `uses_left`"),
        ("rotate t1 grace=0 -> CHANGED", "`to=` is missing"),
        ("rotate t1 to=t1 grace=0 -> CHANGED", "is a token `t1` already"),
        ("refresh t1 client=c -> ROTATED", "WRONG_TYPE came"),
        ("refresh t1 client=c access=a -> ROTATED", "stand together"),
        ("refresh t1 client=c access_value=a access_value_of=t1 -> ROTATED", "either `access_value`"),
        (
            "issue_pair t1 access=a refresh=r access_type=server refresh_type=server owner=o client=c -> CREATED",
            "is a token `t1`",
        ),
        ("revoke_family t1 -> CHANGED", "NOT_FOUND came"),
        ("revoke_owner owner=acme type=device -> CHANGED", "no line declared the type `device`"),
        ("prune before=0 limit=9 -> OK tokens=1", "tokens=0 came"),
        ("type r prefix=r access=1 refresh=1 -> OK", "stand together"),
        ("type r prefix=r access=1 refresh=1 family=1 old_access=later -> OK", "now, grace or on"),
    ];
    let cases = folder();
    let scenario = |(n, (line, _)): (usize, &(&str, &str))| format!("scenario s{n}\n{HEAD}{line}\n");
    let text: String = wrong.iter().enumerate().map(scenario).collect();
    std::fs::write(cases.path().join("wrong.txt"), text).unwrap();
    let (passed, said, errors) = play(cases.path());
    assert!(!passed);
    let right = 2 * wrong.len();
    assert_eq!(
        said.trim_end(),
        format!("cases in C++: 1 files, {} scenarios, {right} lines passed", wrong.len())
    );
    assert_eq!(errors.lines().count(), wrong.len(), "{errors}");
    for (n, (error, (line, why))) in errors.lines().zip(wrong).enumerate() {
        assert!(
            error.starts_with(&format!("wrong.txt:{} (s{n}): ", 4 * n + 4)) && error.contains(why),
            "{line}: {error}"
        );
    }
}

#[test]
fn the_player_reads_no_file_that_is_not_as_described() {
    for (text, why) in [
        ("scenario s\nget t1 ->\n", "bad.txt:2: nothing is expected"),
        ("scenario s\nget t1 -> OK ACTIVE\n", "bad.txt:2: `ACTIVE` is no field=value"),
        ("scenario s\nscenario s\n", "bad.txt:2: there is a scenario `s` already"),
        ("scenario two words\n", "one word"),
        ("scenario s\nget caf\u{e9} -> OK\n", "ASCII"),
        ("get t1 -> OK\n", "the first line is"),
        ("# nothing\n", "without a scenario"),
    ] {
        let cases = folder();
        std::fs::write(cases.path().join("bad.txt"), text).unwrap();
        let (passed, _, errors) = play(cases.path());
        assert!(!passed && errors.contains(why), "{text}: {errors}");
        assert!(
            scenario::read_folder(cases.path()).is_err() || text.starts_with('#'),
            "Rust reads it: {text}"
        );
    }
}
