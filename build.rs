//! What cargo does not tell the linker of the shared library.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        // The number that programs ask for: TOKENSTORE_ABI. cargo-c gives it by itself.
        if std::env::var_os("CARGO_FEATURE_CAPI").is_none() {
            println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libtokenstore.so.0");
        }
        // A library with thread-local destructors and a fork handler must not be unloaded.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
