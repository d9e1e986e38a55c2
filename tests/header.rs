//! The header is made from the library's source, and committed.
//!
//! `TOKENSTORE_WRITE_HEADER=1 cargo test --test header` writes it anew after a change.

use std::path::{Path, PathBuf};

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn generated() -> String {
    let config = cbindgen::Config::from_file(root("cbindgen.toml")).unwrap();
    let mut builder = cbindgen::Builder::new().with_config(config);
    // In the order in which a reader of the header meets them.
    for file in [
        "version", "status", "error", "input", "handle", "open", "types", "create", "verify", "change",
        "read", "sessions",
    ] {
        builder = builder.with_src(root(&format!("src/ffi/{file}.rs")));
    }
    let mut header = Vec::new();
    builder.generate().unwrap().write(&mut header);
    String::from_utf8(header).unwrap()
}

#[test]
fn the_committed_header_is_the_generated_one() {
    let path = root("include/tokenstore.h");
    if std::env::var_os("TOKENSTORE_WRITE_HEADER").is_some() {
        std::fs::write(&path, generated()).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap() == generated(),
        "include/tokenstore.h is not what src/ffi says; TOKENSTORE_WRITE_HEADER=1 writes it anew"
    );
}
