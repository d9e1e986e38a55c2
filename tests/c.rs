//! The C interface, called from C.
//!
//! A header that nobody compiles, and calls that only Rust makes, say little. Here a C program that includes the
//! header, compiled without a warning, makes every call on a real file.

mod toolchain;

use std::io::Write as _;
use std::process::Command;

use toolchain::{WARNINGS, c_compiler, compile, cpp_compiler, root, run};

#[test]
fn every_call_answers_c_as_the_header_says() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let program = folder.path().join("calls");
    compile("c99", &["tests/c/calls.c"], &program, &["-Wno-missing-field-initializers"]);
    let said = run(Command::new(&program).arg(folder.path().join("c.store")));
    write!(std::io::stdout(), "{said}").unwrap();
    assert!(said.contains("checks passed"));
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
