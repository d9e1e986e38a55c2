//! What programs that are already built rely on: symbols, layouts, numbers, the name of the shared library.
//!
//! A program is built once and runs with libraries of later years. A function that is gone, a member that moved or a
//! number that changed breaks it, and no compiler says so. Here each promise is in a committed file, and what was built
//! is compared with it. Additions are no broken promise; `TOKENSTORE_WRITE_ABI=1 cargo test --test abi` writes the
//! files anew after one.

#[path = "abi/declarations.rs"]
mod declarations;
#[path = "abi/layout.rs"]
mod layout;
mod toolchain;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use declarations::Header;
use layout::{Layouts, compare};
use toolchain::{c_compiler, cpp_compiler, library_folder, root, run};

const SYMBOLS: &str = "tests/abi/symbols.txt";
const LAYOUTS: &str = "tests/abi/layouts.txt";
const FIRST_SIZES: &str = "tests/abi/first_sizes.txt";

#[test]
fn the_library_exports_what_was_promised_and_nothing_else() {
    let exported = exported();
    let foreign: Vec<_> = exported.iter().filter(|name| !name.starts_with("tokenstore_")).collect();
    assert!(foreign.is_empty(), "every exported name begins with tokenstore_, but these do not: {foreign:?}");

    let declared: BTreeSet<String> =
        Header::read().functions.into_iter().map(|function| function.name).collect();
    let undeclared: Vec<_> = exported.difference(&declared).collect();
    assert!(undeclared.is_empty(), "exported, but not in include/tokenstore.h: {undeclared:?}");
    let missing: Vec<_> = declared.difference(&exported).collect();
    assert!(missing.is_empty(), "in include/tokenstore.h, but not exported: {missing:?}");

    let gone: Vec<_> =
        committed(SYMBOLS).lines().map(str::to_owned).filter(|name| !exported.contains(name)).collect();
    assert!(
        gone.is_empty(),
        "broken promise: a function that programs may call stays for as long as the ABI number does; gone: {gone:?}"
    );
    let lines: String = exported.iter().map(|name| format!("{name}\n")).collect();
    let frozen: BTreeSet<String> = frozen(SYMBOLS, &lines).lines().map(str::to_owned).collect();
    let new: Vec<_> = exported.difference(&frozen).collect();
    assert!(new.is_empty(), "{SYMBOLS} does not have these yet; TOKENSTORE_WRITE_ABI=1 adds them: {new:?}");
}

#[test]
fn the_header_declares_each_function_once() {
    assert_eq!(Header::read().repeated, Vec::<String>::new());
}

#[test]
fn structs_and_constants_stay_as_programs_were_compiled() {
    let header = Header::read();
    let source = layout::program(&header);
    let printed = printed(&source, "c", c_compiler(), "-std=c99");
    let cpp = self::printed(&source, "c++", cpp_compiler(), "-std=c++11");
    assert_eq!(printed, cpp, "C and C++ see the header differently");

    let now = Layouts::parse(&printed);
    let structs: BTreeSet<&str> = header.structs.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(now.structs.keys().map(String::as_str).collect::<BTreeSet<_>>(), structs);
    assert_eq!(now.structs["tokenstore_verdict"].size, 64, "a verdict is one line of memory");
    assert_eq!(now.structs["tokenstore_error"].size, 256, "an error is 256 bytes");

    let (broken, new) = compare(&Layouts::parse(&committed(LAYOUTS)), &now);
    assert!(broken.is_empty(), "broken promise:\n{}", broken.join("\n"));
    let frozen = frozen(LAYOUTS, &printed);
    assert!(
        frozen == printed,
        "{LAYOUTS} does not have these additions yet; TOKENSTORE_WRITE_ABI=1 writes it anew:\n{}",
        new.join("\n")
    );
}

/// The size that a growing struct had when it was first published is accepted for ever. It is a number here as it is
/// one in the library, and no `sizeof`: that grows.
#[test]
fn every_growing_struct_is_accepted_in_its_first_size() {
    let header = Header::read();
    let layouts = Layouts::parse(&printed(&layout::program(&header), "c", c_compiler(), "-std=c99"));
    let mut first = first_sizes();
    for one in header.structs.iter().filter(|one| one.grows()) {
        let size = layouts.structs[&one.name].size;
        let kept = *first.entry(one.name.clone()).or_insert(size);
        assert!(kept <= size, "broken promise: {} shrank below its first size of {kept}", one.name);
    }
    let lines: String = first.iter().map(|(name, size)| format!("{name} {size}\n")).collect();
    assert!(
        frozen(FIRST_SIZES, &lines) == lines,
        "a growing struct has no first size yet; TOKENSTORE_WRITE_ABI=1 notes its size"
    );
    for (name, size) in first {
        assert!(
            header.find(&name).is_some_and(declarations::Struct::grows),
            "broken promise: {name} is gone"
        );
        let said = format!("impl Growing for {name} {{\n    const FIRST_SIZE: usize = {size};");
        assert!(sources().contains(&said), "src/ffi does not say of {name} that its first size is {size}");
    }
}

#[test]
fn the_library_has_its_number_in_its_name_and_stays_loaded() {
    let dynamic = binutils("readelf", &["-d", "-W"]);
    let abi = Header::read().constant("TOKENSTORE_ABI");
    assert!(
        dynamic.contains(&format!("soname: [libtokenstore.so.{abi}]")),
        "broken promise: the SONAME is libtokenstore.so.{abi}, for TOKENSTORE_ABI is {abi}\n{dynamic}"
    );
    let flags = dynamic.lines().find(|line| line.contains("(FLAGS_1)")).unwrap_or_default();
    assert!(
        flags.contains("NODELETE"),
        "broken promise: a library with thread-local destructors stays loaded (-z nodelete)\n{dynamic}"
    );
    assert_eq!(i64::from(tokenstore::ffi::tokenstore_abi()), abi);
}

#[test]
fn all_versions_are_that_of_cargo_toml() {
    let header = Header::read();
    let of = |name: &str| header.constant(&format!("TOKENSTORE_VERSION_{name}"));
    let number = |text: &str| text.parse::<i64>().unwrap();
    let (major, minor, patch) = (
        number(env!("CARGO_PKG_VERSION_MAJOR")),
        number(env!("CARGO_PKG_VERSION_MINOR")),
        number(env!("CARGO_PKG_VERSION_PATCH")),
    );
    assert_eq!((of("MAJOR"), of("MINOR"), of("PATCH")), (major, minor, patch));
    assert_eq!(of("NUMBER"), major * 1_000_000 + minor * 1_000 + patch);

    // What the shared library says, not what this test was linked with.
    let asked = printed_by_the_library(
        "#include \"tokenstore.h\"\n#include <stdio.h>\nint main(void) {\n    printf(\"%lu %s %lu\\n\", \
         (unsigned long)tokenstore_version_number(), tokenstore_version_text(), (unsigned long)tokenstore_abi());\n    \
         return 0;\n}\n",
    );
    let expected =
        format!("{} {} {}\n", of("NUMBER"), env!("CARGO_PKG_VERSION"), header.constant("TOKENSTORE_ABI"));
    assert_eq!(asked, expected);
}

/// The library's functions, but for those that only builds for its own tests have.
fn exported() -> BTreeSet<String> {
    let printed = binutils("nm", &["-D", "--defined-only"]);
    let names = printed.lines().map(|line| line.split_whitespace().last().unwrap().to_owned());
    names.filter(|name| !name.starts_with("tokenstore_testing_")).collect()
}

/// Runs a tool of binutils on the shared library that the tests built.
fn binutils(tool: &str, options: &[&str]) -> String {
    if Command::new(tool).arg("--version").output().is_err() {
        panic!("the tests need `{tool}`, which is missing (Debian: binutils)");
    }
    run(Command::new(tool).args(options).arg(library_folder().join("libtokenstore.so")))
}

/// What a program prints that only includes the header.
fn printed(source: &str, language: &str, compiler: Command, standard: &str) -> String {
    build_and_run(source, language, compiler, &[standard])
}

/// What a program prints that calls the shared library.
fn printed_by_the_library(source: &str) -> String {
    let folder = library_folder().display().to_string();
    let path = format!("-Wl,-rpath,{folder}");
    build_and_run(source, "c", c_compiler(), &["-std=c99", "-L", &folder, &path, "-ltokenstore"])
}

fn build_and_run(source: &str, language: &str, mut compiler: Command, options: &[&str]) -> String {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (file, program) = (folder.path().join("source"), folder.path().join("program"));
    std::fs::write(&file, source).unwrap();
    compiler.args(toolchain::WARNINGS).arg("-I").arg(root("include"));
    run(compiler
        .args(["-x", language])
        .arg(&file)
        .args(["-x", "none"])
        .args(options)
        .arg("-o")
        .arg(&program));
    run(&mut Command::new(&program))
}

/// A committed file; with TOKENSTORE_WRITE_ABI, what it is to be from now on.
fn frozen(path: &str, now: &str) -> String {
    if std::env::var_os("TOKENSTORE_WRITE_ABI").is_some() {
        std::fs::write(root(path), now).unwrap();
    }
    committed(path)
}

fn committed(path: &str) -> String {
    std::fs::read_to_string(root(path)).unwrap_or_default()
}

fn first_sizes() -> BTreeMap<String, u64> {
    let text = committed(FIRST_SIZES);
    let pairs = text.lines().map(|line| line.split_once(' ').unwrap());
    pairs.map(|(name, size)| (name.to_owned(), size.parse().unwrap())).collect()
}

fn sources() -> String {
    let files = std::fs::read_dir(Path::new(&root("src/ffi"))).unwrap();
    files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect()
}
