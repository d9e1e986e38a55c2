//! What went wrong, in the caller's own memory.

use super::status::{TOKENSTORE_OK, of_kind, tokenstore_status};
use crate::error::Error;

/// How many bytes of text an error holds, the NUL at its end included.
pub const TOKENSTORE_ERROR_TEXT_BYTES: usize = 248;

/// What went wrong: filled in by the last parameter of a call that failed, and left alone by one that did not. The
/// caller owns it. It never holds a token's value or a key.
#[repr(C)]
pub struct tokenstore_error {
    /// The status that the call returned.
    pub status: tokenstore_status,
    /// The operating system's error number, or 0.
    pub os_error: i32,
    /// One line of UTF-8 for people, with a NUL at its end; cut if it is too long.
    pub message: [u8; TOKENSTORE_ERROR_TEXT_BYTES],
}

/// A failure on its way out: a status, and what the error struct is to say.
pub(super) struct Failure {
    status: tokenstore_status,
    os_error: i32,
    message: std::borrow::Cow<'static, str>,
}

impl Failure {
    pub(super) fn new(status: tokenstore_status, message: &'static str) -> Failure {
        Failure { status, os_error: 0, message: message.into() }
    }

    pub(super) fn invalid(message: &'static str) -> Failure {
        Failure::new(super::status::TOKENSTORE_INVALID_ARGUMENT, message)
    }

    pub(super) fn status(&self) -> tokenstore_status {
        self.status
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure {
            status: of_kind(error.kind()),
            os_error: error.os_error().unwrap_or(0),
            message: error.into_message(),
        }
    }
}

/// What a call is, but for its status.
pub(super) type Outcome<T = ()> = Result<T, Failure>;

/// Ends a call: the status, and what it says in the caller's struct.
pub(super) fn finish(outcome: Outcome, error: *mut tokenstore_error) -> tokenstore_status {
    let failure = match outcome {
        Ok(()) => return TOKENSTORE_OK,
        Err(failure) => failure,
    };
    if !error.is_null() && error.is_aligned() {
        let mut message = [0; TOKENSTORE_ERROR_TEXT_BYTES];
        let mut end = failure.message.len().min(message.len() - 1);
        while !failure.message.is_char_boundary(end) {
            end -= 1;
        }
        message[..end].copy_from_slice(&failure.message.as_bytes()[..end]);
        // SAFETY: it is not null and aligned, and the caller promises that it points to an error struct of its own.
        unsafe {
            error.write(tokenstore_error { status: failure.status, os_error: failure.os_error, message })
        };
    }
    failure.status
}
