//! The lines for a terminal in the project's README are run as they stand, in an empty folder.

use std::path::Path;
use std::process::Command;

#[test]
fn the_readmes_lines_for_a_terminal_run() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = std::fs::read_to_string(readme).expect("the README");
    let lines: Vec<&str> = readme.lines().filter(|line| line.starts_with("tokenstore --")).collect();
    assert!(lines.len() >= 5, "the README shows the command: {lines:?}");
    let folder = tempfile::tempdir().expect("a folder");
    let bin = Path::new(env!("CARGO_BIN_EXE_tokenstore")).parent().expect("a folder");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(bin.to_path_buf()).chain(std::env::split_paths(&path));
    let ran = Command::new("sh")
        .args(["-euc", &lines.join("\n")])
        .current_dir(folder.path())
        .env("PATH", std::env::join_paths(path).expect("a path"))
        .output()
        .expect("a shell");
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}\n{}", String::from_utf8_lossy(&ran.stderr));
    assert!(said.contains("deploy"), "the list names the token: {said}");
}
