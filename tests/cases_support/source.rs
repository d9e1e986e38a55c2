//! What the library's sources declare: enums that are not exhaustive outside of it, and public methods. So that what
//! is added there without being decided in the table of cells fails.

use std::path::{Path, PathBuf};

/// The variants of a public enum.
pub(crate) fn variants(of: &str) -> Vec<String> {
    let start = format!("pub enum {of} {{");
    let body = blocks(&start).pop().unwrap_or_default();
    let is_variant = |line: &&str| line.starts_with(|first: char| first.is_ascii_uppercase());
    let name =
        |line: &str| line.split(|letter: char| !letter.is_ascii_alphanumeric()).next().map(str::to_owned);
    body.lines().map(str::trim).filter(is_variant).filter_map(name).collect()
}

/// The public methods of a public type, as `Type::method`, those that the documentation hides left out.
pub(crate) fn methods(of: &str) -> Vec<String> {
    let start = format!("impl {of} {{");
    let mut methods = Vec::new();
    for body in blocks(&start) {
        let mut hidden = false;
        for line in body.lines().map(str::trim) {
            if let Some(rest) = line.strip_prefix("pub fn ") {
                let name: String = rest
                    .chars()
                    .take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_')
                    .collect();
                if !hidden {
                    methods.push(format!("{of}::{name}"));
                }
            }
            hidden = line == "#[doc(hidden)]";
        }
    }
    methods
}

/// What stands between a line and the next that is a closing brace alone, in all sources.
fn blocks(start: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    for path in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let text = std::fs::read_to_string(&path).expect("a source file");
        let mut lines = text.lines();
        while lines.any(|line| line == start) {
            blocks.push(lines.by_ref().take_while(|line| *line != "}").collect::<Vec<_>>().join("\n"));
        }
    }
    blocks
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder of the sources").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
