//! The shared library of this very build, and the programs that are compiled against it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tokenstore_benches::Result;

const WARNINGS: [&str; 5] = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"];

pub(crate) struct Compiled {
    /// The shared library.
    pub(crate) library: PathBuf,
    /// A library of a function that does nothing.
    pub(crate) bare: PathBuf,
    /// The contender in C.
    pub(crate) c: PathBuf,
    /// The contender in C++.
    pub(crate) cpp: PathBuf,
}

impl Compiled {
    pub(crate) fn new(folder: &Path) -> Result<Compiled> {
        let built = std::env::current_exe()?.with_file_name("libtokenstore.so");
        // A copy, which no build that goes on beside this replaces, under the name that programs ask for.
        let library = folder.join("libtokenstore.so");
        fs::copy(&built, &library).map_err(|error| format!("{}: {error}", built.display()))?;
        std::os::unix::fs::symlink(
            &library,
            folder.join(format!("libtokenstore.so.{}", tokenstore::ffi::TOKENSTORE_ABI)),
        )?;

        let file = |name: &str| folder.join(name).into_os_string();
        let c = || tool("CC", "cc", "-std=c11", "a C compiler (Debian: gcc)");
        let cpp = || tool("CXX", "c++", "-std=c++17", "a C++ compiler (Debian: g++)");
        run(c()?.args(["-fPIC", "-shared"]).arg(source("bare.c")).arg("-o").arg(file("bare.so")))?;
        run(c()?.arg("-c").arg(source("child.c")).arg("-o").arg(file("child.o")))?;
        for (mut compiler, from, to) in [(c()?, "verify.c", "verify-c"), (cpp()?, "verify.cpp", "verify-cpp")]
        {
            let rpath = format!("-Wl,-rpath,{}", folder.display());
            compiler.arg(source(from)).arg(file("child.o"));
            run(compiler.arg("-o").arg(file(to)).arg("-L").arg(folder).args([&rpath, "-ltokenstore"]))?;
        }
        Ok(Compiled {
            library,
            bare: folder.join("bare.so"),
            c: folder.join("verify-c"),
            cpp: folder.join("verify-cpp"),
        })
    }
}

/// A file of this benchmark's.
pub(crate) fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("languages").join(name)
}

fn tool(variable: &str, name: &str, standard: &str, what: &str) -> Result<Command> {
    let program = std::env::var(variable).unwrap_or_else(|_| name.to_owned());
    match Command::new(&program).arg("--version").output() {
        Ok(ran) if ran.status.success() => {}
        _ => {
            return Err(
                format!("this needs {what}: `{program}` cannot be run; {variable} may name another").into()
            );
        }
    }
    let mut compiler = Command::new(program);
    compiler.args([standard, "-O2", "-pthread"]).args(WARNINGS);
    compiler.arg("-I").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../include"));
    Ok(compiler)
}

/// Runs a command that must succeed; what it printed.
pub(crate) fn run(command: &mut Command) -> Result<String> {
    let ran = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    if ran.status.success() {
        Ok(out.into_owned())
    } else {
        Err(format!("{command:?}: {}\n{out}\n{err}", ran.status).into())
    }
}
