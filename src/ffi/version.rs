//! Which library it is; and the one call that has to do with no store.

use std::ffi::c_char;

use super::input;

/// The version of this header: major, minor, patch.
pub const TOKENSTORE_VERSION_MAJOR: u32 = 0;
/// See TOKENSTORE_VERSION_MAJOR.
pub const TOKENSTORE_VERSION_MINOR: u32 = 1;
/// See TOKENSTORE_VERSION_MAJOR.
pub const TOKENSTORE_VERSION_PATCH: u32 = 0;
/// The version as one number: major * 1000000 + minor * 1000 + patch.
pub const TOKENSTORE_VERSION_NUMBER: u32 = 1_000;
/// The number in the shared library's name. Programs built for one number run with every library of that number.
pub const TOKENSTORE_ABI: u32 = 0;

/// The library's version as one number, to compare with TOKENSTORE_VERSION_NUMBER.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn tokenstore_version_number() -> u32 {
    TOKENSTORE_VERSION_NUMBER
}

/// The library's version as text, such as "0.1.0". The text is the library's own and stays.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn tokenstore_version_text() -> *const c_char {
    const TEXT: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    TEXT.as_ptr().cast()
}

/// The library's ABI number, to compare with TOKENSTORE_ABI.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn tokenstore_abi() -> u32 {
    TOKENSTORE_ABI
}

/// Overwrites `len` bytes with zeros, so that a compiler does not leave it out. NULL is allowed with any length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenstore_memzero(memory: *mut u8, len: usize) {
    // SAFETY: the caller promises `len` bytes to write to, and a length that no memory has is refused.
    if let Some(bytes) = unsafe { input::bytes_mut(memory, len) } {
        zeroize::Zeroize::zeroize(bytes);
    }
}
