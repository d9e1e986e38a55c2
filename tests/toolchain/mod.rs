//! Compilers, an interpreter and the library, for the tests of other languages.

// Each test program uses a part of it.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Warnings that a program of ours is free of.
pub(crate) const WARNINGS: [&str; 5] = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"];

/// A file of the project.
pub(crate) fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The C compiler: `CC`, or `cc`.
pub(crate) fn c_compiler() -> Command {
    tool("CC", "cc", "a C compiler (Debian: gcc)")
}

/// The C++ compiler: `CXX`, or `c++`.
pub(crate) fn cpp_compiler() -> Command {
    tool("CXX", "c++", "a C++ compiler (Debian: g++)")
}

/// Python 3: `PYTHON`, or `python3`.
pub(crate) fn python() -> Command {
    tool("PYTHON", "python3", "Python 3 (Debian: python3)")
}

fn tool(variable: &str, name: &str, what: &str) -> Command {
    let program = std::env::var(variable).unwrap_or_else(|_| name.to_owned());
    match Command::new(&program).arg("--version").output() {
        Ok(ran) if ran.status.success() => Command::new(program),
        _ => panic!("the tests need {what}: `{program}` cannot be run; {variable} may name another"),
    }
}

/// Runs a command that must succeed; what it printed.
pub(crate) fn run(command: &mut Command) -> String {
    let ran = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{command:?}: {}\n{out}\n{err}", ran.status);
    out.into_owned()
}

/// A folder in which the shared library lies under both its names, as an installation has it. Cargo leaves it without
/// its number.
pub(crate) fn library_folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let built = std::env::current_exe().unwrap().with_file_name("libtokenstore.so");
        let folder = built.with_file_name("named");
        std::fs::create_dir_all(&folder).unwrap();
        for name in ["libtokenstore.so", "libtokenstore.so.0"] {
            // By a rename, so that another test program that does the same never finds it missing.
            let fresh = folder.join(format!("{name}.{}", std::process::id()));
            std::os::unix::fs::symlink(&built, &fresh).unwrap();
            std::fs::rename(&fresh, folder.join(name)).unwrap();
        }
        folder
    })
}

/// Compiles a program of one or more files in C (`.c`) or C++ against the shared library, without a warning. The
/// standard is the compiler's word for it, such as `c99`; `more` are further options.
pub(crate) fn compile(standard: &str, sources: &[&str], program: &Path, more: &[&str]) {
    let mut compiler =
        if sources.iter().all(|source| source.ends_with(".c")) { c_compiler() } else { cpp_compiler() };
    run(compiler
        .arg(format!("-std={standard}"))
        .args(WARNINGS)
        .args(["-g", "-O1", "-pthread"])
        .args(more)
        .arg("-I")
        .arg(root("include"))
        .args(sources.iter().map(|source| root(source)))
        .arg("-o")
        .arg(program)
        .arg("-L")
        .arg(library_folder())
        .arg(format!("-Wl,-rpath,{}", library_folder().display()))
        .arg("-ltokenstore"));
}
