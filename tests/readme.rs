//! The examples of README.md are compiled and run as they stand, in an empty folder. (The one in Rust is compiled with
//! the crate's documentation, the ones for a terminal are run by the command's tests.)

mod toolchain;

use std::path::Path;
use std::process::Command;

use toolchain::{compile, library_folder, python, root, run};

/// The one block of this language in README.md.
fn example(language: &str) -> String {
    let readme = std::fs::read_to_string(root("README.md")).unwrap();
    let fence = format!("```{language}\n");
    let blocks: Vec<&str> = readme.split(&fence).skip(1).collect();
    assert_eq!(blocks.len(), 1, "README.md has one example in {language}");
    blocks[0].split("```").next().unwrap().to_owned()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// Compiles the example of a language, runs it, and looks for the store that it makes.
fn compile_and_run(language: &str, standard: &str) {
    let folder = folder();
    let source = folder.path().join(format!("example.{language}"));
    std::fs::write(&source, example(language)).unwrap();
    let program = folder.path().join("example");
    compile(standard, &[source.to_str().unwrap()], &program, &["-Wno-missing-field-initializers"]);
    let said = run(Command::new(&program).current_dir(folder.path()));
    check(folder.path(), &said);
}

/// Each example makes a store, and prints the value that it issued.
fn check(folder: &Path, said: &str) {
    assert!(said.contains("srv_"), "the example printed: {said}");
    assert!(folder.join("tokens.store").is_file(), "the example made its store");
}

#[test]
fn the_example_in_c_runs() {
    compile_and_run("c", "c99");
}

#[test]
fn the_example_in_cpp_runs() {
    compile_and_run("cpp", "c++17");
}

#[test]
fn the_example_in_python_runs() {
    let folder = folder();
    let script = folder.path().join("example.py");
    std::fs::write(&script, example("python")).unwrap();
    let said = run(python()
        .arg(&script)
        .current_dir(folder.path())
        .env("PYTHONPATH", root("bindings/python/src"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("TOKENSTORE_LIBRARY", library_folder().join("libtokenstore.so")));
    check(folder.path(), &said);
}
