//! The C interface, called from C.
//!
//! A header that nobody compiles, and calls that only Rust makes, say little. Here a C program that includes the
//! header, compiled without a warning, makes every call on a real file.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

fn run(command: &mut Command) -> String {
    let ran =
        command.output().unwrap_or_else(|error| panic!("{command:?}: {error}: is a C compiler installed?"));
    assert!(ran.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

/// Where cargo leaves the shared library when it builds tests.
fn libraries() -> PathBuf {
    std::env::current_exe().unwrap().parent().unwrap().to_path_buf()
}

#[test]
fn every_call_answers_c_as_the_header_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let program = folder.path().join("calls");
    let warnings =
        ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wno-missing-field-initializers", "-Werror"];
    run(Command::new("cc")
        .arg("-std=c99")
        .args(warnings)
        .arg("-I")
        .arg(root.join("include"))
        .arg(root.join("tests/c/calls.c"))
        .arg("-o")
        .arg(&program)
        .arg("-L")
        .arg(libraries())
        .arg("-ltokenstore"));
    // What the program asks for is the library's name with its number, which cargo makes no file of.
    std::os::unix::fs::symlink(
        libraries().join("libtokenstore.so"),
        folder.path().join("libtokenstore.so.0"),
    )
    .unwrap();
    let said =
        run(Command::new(&program).arg(folder.path().join("c.store")).env("LD_LIBRARY_PATH", folder.path()));
    write!(std::io::stdout(), "{said}").unwrap();
    assert!(said.contains("checks passed"));
}

#[test]
fn the_header_stands_alone_in_c_and_in_cpp() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (compiler, language, standards) in [
        ("cc", "c", &["c99", "c11", "c17", "c2x"][..]),
        ("c++", "c++", &["c++11", "c++14", "c++17", "c++20"][..]),
    ] {
        for standard in standards {
            let mut child = Command::new(compiler)
                .args([&format!("-std={standard}"), "-x", language, "-fsyntax-only"])
                .args(["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-"])
                .arg("-I")
                .arg(root.join("include"))
                .stdin(std::process::Stdio::piped())
                .spawn()
                .unwrap_or_else(|error| panic!("{compiler}: {error}: is it installed?"));
            let twice = b"#include \"tokenstore.h\"\n#include \"tokenstore.h\"\n";
            child.stdin.take().unwrap().write_all(twice).unwrap();
            assert!(child.wait().unwrap().success(), "{compiler} -std={standard}");
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
