//! The Python package, as it lies in the tree, over the library that was just built.
//!
//! Its own tests, the shared scenarios, and what it says of C's structs, which a C compiler compares with the header.
//! `.ci/python` does the same with the package installed.

mod toolchain;

#[allow(dead_code)]
#[path = "cases_support/scenario.rs"]
mod scenario;

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use toolchain::{compile, library_folder, root, run};

/// A line of a scenario that cannot be read.
type Mistake = String;

/// Python with the package on its path, and nothing left behind by it.
fn python() -> Command {
    let mut python = toolchain::python();
    python
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .env("PYTHONPATH", root("bindings/python/src"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("TOKENSTORE_LIBRARY", library_folder().join("libtokenstore.so"));
    python
}

fn say(text: &str) {
    write!(std::io::stdout(), "{text}").expect("a standard output");
}

/// What the Rust reader finds in the scenarios, as the player in Python is to say it.
fn expected_count() -> String {
    let files = scenario::read_folder(&root("tests/cases")).unwrap();
    let scenarios = files.iter().map(|file| file.scenarios.len()).sum::<usize>();
    let lines =
        files.iter().flat_map(|file| &file.scenarios).map(|scenario| scenario.lines.len()).sum::<usize>();
    assert!(lines > 300, "too few lines to mean anything");
    format!("cases in Python: {} files, {scenarios} scenarios, {lines} lines passed\n", files.len())
}

#[test]
fn the_packages_own_tests_pass() {
    let mut tests = python();
    let ran =
        tests.args(["-m", "unittest", "discover", "-s"]).arg(root("bindings/python/tests")).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}\n{}", String::from_utf8_lossy(&ran.stdout));
    let count = said.lines().find(|line| line.starts_with("Ran ")).expect("how many ran");
    say(&format!("tests in Python: {count}\n"));
}

#[test]
fn python_answers_every_line_of_the_scenarios_as_rust_does() {
    let said = run(python().arg(root("bindings/python/tests/cases.py")));
    say(&said);
    assert_eq!(said, expected_count());
}

#[test]
fn the_player_in_python_fails_what_is_not_as_expected() {
    let head = "scenario wrong\ntype server prefix=srv -> OK\ncreate t1 type=server owner=acme -> CREATED\n";
    for (line, says) in [
        ("verify t1 type=server -> REVOKED", "expected REVOKED; OK"),
        ("verify t1 type=server flip=7 -> OK", "expected OK; MALFORMED"),
        ("get t1 -> OK state=DISABLED", "expected OK state=DISABLED; OK"),
        ("get t1 -> NOT_FOUND", "expected NOT_FOUND; OK"),
        ("list -> OK tokens=none", "expected OK tokens=none; OK next=no tokens=t1"),
        ("revoke t1 -> UNCHANGED", "expected UNCHANGED; CHANGED"),
        ("verify_many t1,t1 type=any -> OK,OK allowed=1", "allowed=2"),
        ("consume t1 type=server -> OK", "expected OK; NOT_COUNTED"),
        ("rotate t1 to=t1 grace=5 -> CHANGED", "a token or a family `t1` already"),
        ("refresh t1 client=c -> ROTATED", "expected ROTATED; WRONG_TYPE"),
        ("revoke_family t1 -> CHANGED", "expected CHANGED; NOT_FOUND"),
        ("revoke_owner owner=acme -> UNCHANGED", "expected UNCHANGED; CHANGED"),
        ("prune before=5 limit=1 -> OK tokens=1", "expected OK tokens=1; OK tokens=0"),
        ("get t1 -> OK colour=red", "no field `colour`"),
        ("frobnicate t1 -> OK", "no operation `frobnicate`"),
        ("get t1 colour=red -> OK", "knows no `colour`"),
        ("get t2 -> OK", "no line made a token `t2`"),
        ("get t1", "no answer is expected"),
        ("advance 5 -> OK", "answers nothing"),
        ("repeat 2 revoke t1 -> CHANGED", "UNCHANGED"),
    ] {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        std::fs::write(folder.path().join("wrong.txt"), format!("{head}{line}\n")).unwrap();
        let ran = python().arg(root("bindings/python/tests/cases.py")).arg(folder.path()).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(1), "{line}: {said}");
        assert!(said.starts_with("wrong.txt:4 (wrong): ") && said.contains(says), "{line}: {said}");
        assert!(String::from_utf8_lossy(&ran.stdout).ends_with("1 scenarios, 2 lines passed\n"), "{line}");
    }
}

#[test]
fn the_structs_in_python_lie_in_memory_as_those_in_c() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (source, program) = (folder.path().join("layout.c"), folder.path().join("layout"));
    std::fs::write(&source, run(python().arg(root("bindings/python/tests/layout.py")))).unwrap();
    compile("c99", &[source.to_str().unwrap()], &program, &[]);
    let said = run(&mut Command::new(&program));
    assert!(said.starts_with("structs in Python: "), "{said}");
    say(&said);
}

#[test]
fn the_examples_of_the_packages_readme_run() {
    say(&run(python().arg(root("bindings/python/tests/readme.py"))));
}

#[test]
fn nothing_is_left_in_the_tree() {
    fn search(folder: &Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            assert!(!name.ends_with(".pyc") && !name.ends_with(".store"), "{}", path.display());
            if path.is_dir() {
                search(&path);
            }
        }
    }
    run(python().args(["-c", "import tokenstore"]));
    search(&root("bindings/python/src"));
    search(&root("bindings/python/tests"));
    search(&root("bindings/python/examples"));
}
