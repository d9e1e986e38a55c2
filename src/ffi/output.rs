//! What goes out: strings and arrays laid into the caller's buffer.

use super::error::{Failure, Outcome};
use super::input::{bytes_mut, tokenstore_bytes};
use super::status::TOKENSTORE_BUFFER_TOO_SMALL;

/// Counts what is laid into a buffer, and lays it there if there is room for all of it.
pub(super) struct Layout {
    start: *mut u8,
    room: usize,
    used: usize,
}

impl Layout {
    /// A layout over the caller's buffer, of which NULL with 0 only asks how much is needed.
    pub(super) fn new(buffer: *mut u8, capacity: usize) -> Layout {
        Layout { start: buffer, room: if buffer.is_null() { 0 } else { capacity }, used: 0 }
    }

    /// Lays bytes down; where they lie, which holds only if [`Layout::end`] says that all had room.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> tokenstore_bytes {
        let from = self.used;
        self.used += bytes.len();
        if bytes.is_empty() || self.used > self.room {
            return tokenstore_bytes { data: std::ptr::null(), len: bytes.len() };
        }
        let data = self.start.wrapping_add(from);
        // SAFETY: `from` to `used` lies within the buffer, and the caller promises that it may be written.
        if let Some(place) = unsafe { bytes_mut(data, bytes.len()) } {
            place.copy_from_slice(bytes);
        }
        tokenstore_bytes { data, len: bytes.len() }
    }

    /// Lays an array of byte strings down, each where a call of [`Layout::bytes`] put it.
    pub(super) fn array(&mut self, strings: &[tokenstore_bytes]) -> *const tokenstore_bytes {
        let align = align_of::<tokenstore_bytes>();
        let address = self.start.addr().wrapping_add(self.used);
        self.used += address.wrapping_neg() % align;
        let from = self.used;
        self.used += size_of_val(strings);
        if strings.is_empty() || self.used > self.room {
            return std::ptr::null();
        }
        let data = self.start.wrapping_add(from).cast::<tokenstore_bytes>();
        // SAFETY: the range lies within the buffer, is aligned, and the caller promises that it may be written. The
        // strings are the library's own memory.
        unsafe { std::ptr::copy_nonoverlapping(strings.as_ptr(), data, strings.len()) };
        data
    }

    /// How many bytes are needed, wherever the buffer lies.
    pub(super) fn needed(&self) -> usize {
        self.used + align_of::<tokenstore_bytes>()
    }

    /// Whether all had room.
    pub(super) fn end(&self) -> Outcome {
        if self.used <= self.room {
            Ok(())
        } else {
            Err(Failure::new(TOKENSTORE_BUFFER_TOO_SMALL, "the buffer is too small"))
        }
    }
}
