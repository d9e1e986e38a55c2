//! What comes in: pointers, lengths and structs, checked before anything is read.
//!
//! The promises that make reading sound are the caller's, and the header states them: a pointer with a length points to
//! so many bytes, a pointer to a struct to `struct_size` bytes of it, and both stay as they are until the call returns.
//! What can be checked is checked: null, alignment, lengths that no memory has, sizes that no version has.

use super::error::{Failure, Outcome};

/// Bytes of the caller's: a project, say. NULL with 0 is empty.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tokenstore_bytes {
    /// The first byte.
    pub data: *const u8,
    /// How many there are.
    pub len: usize,
}

/// The bytes at a pointer; NULL is allowed with 0.
///
/// # Safety
/// A pointer that is not null points to `len` bytes that stay as they are for `'a`.
#[inline]
pub(super) unsafe fn bytes<'a>(data: *const u8, len: usize) -> Outcome<&'a [u8]> {
    match (data.is_null(), len) {
        (_, 0) => Ok(&[]),
        (true, _) => Err(Failure::invalid("a pointer is NULL and its length is not 0")),
        (false, len) if len > isize::MAX as usize || data.addr().checked_add(len).is_none() => {
            Err(Failure::invalid("a length is larger than any memory"))
        }
        // SAFETY: not null, no longer than memory can be, and the caller promises the rest. Bytes are always aligned.
        (false, len) => Ok(unsafe { std::slice::from_raw_parts(data, len) }),
    }
}

/// Bytes to write to; none for NULL, for 0, and for a length that no memory has.
///
/// # Safety
/// A pointer that is not null points to `len` bytes that nobody else uses for `'a`.
pub(super) unsafe fn bytes_mut<'a>(data: *mut u8, len: usize) -> Option<&'a mut [u8]> {
    let possible = len <= isize::MAX as usize && data.addr().checked_add(len).is_some();
    // SAFETY: not null, no longer than memory can be, and the caller promises the rest.
    (!data.is_null() && len > 0 && possible).then(|| unsafe { std::slice::from_raw_parts_mut(data, len) })
}

/// The text at a pointer.
///
/// # Safety
/// As [`bytes`].
pub(super) unsafe fn text<'a>(data: *const u8, len: usize) -> Outcome<&'a str> {
    // SAFETY: handed on.
    let bytes = unsafe { bytes(data, len) }?;
    std::str::from_utf8(bytes).map_err(|_| Failure::invalid("a text is not UTF-8"))
}

/// A value that is frozen in form.
///
/// # Safety
/// A pointer that is not null points to a `T` that stays as it is for `'a`.
pub(super) unsafe fn frozen<'a, T>(pointer: *const T) -> Outcome<&'a T> {
    if pointer.is_null() || !pointer.is_aligned() {
        return Err(Failure::invalid("a pointer is NULL or not aligned"));
    }
    // SAFETY: not null, aligned, and the caller promises the rest.
    Ok(unsafe { &*pointer })
}

/// Where a result goes.
///
/// # Safety
/// A pointer that is not null points to a `T` that may be written.
pub(super) unsafe fn out<'a, T>(pointer: *mut T) -> Outcome<Out<'a, T>> {
    if pointer.is_null() || !pointer.is_aligned() {
        return Err(Failure::invalid("a pointer for a result is NULL or not aligned"));
    }
    Ok(Out { pointer, alive: std::marker::PhantomData })
}

/// Where a result goes, with what it is if nothing comes of the call.
///
/// # Safety
/// As [`out`].
pub(super) unsafe fn cleared<'a, T>(pointer: *mut T, nothing: T) -> Outcome<Out<'a, T>> {
    // SAFETY: handed on.
    let mut out = unsafe { out(pointer) }?;
    out.set(nothing);
    Ok(out)
}

/// The same for an array of `count` places.
///
/// # Safety
/// A pointer that is not null points to `count` places that may be written, no more than memory has.
pub(super) unsafe fn cleared_array<'a, T: Copy>(
    pointer: *mut T,
    count: usize,
    nothing: T,
) -> Outcome<Out<'a, T>> {
    // SAFETY: handed on.
    let mut out = unsafe { out(pointer) }?;
    for n in 0..count {
        // SAFETY: within the array, as the caller promises.
        unsafe { out.at(n) }.set(nothing);
    }
    Ok(out)
}

/// A checked pointer for a result.
pub(super) struct Out<'a, T> {
    pointer: *mut T,
    alive: std::marker::PhantomData<&'a mut T>,
}

impl<T> Out<'_, T> {
    pub(super) fn set(&mut self, value: T) {
        // SAFETY: `out` checked the pointer, and its caller promised the rest.
        unsafe { self.pointer.write(value) }
    }

    /// The same for the `n`-th place of an array whose first was checked.
    ///
    /// # Safety
    /// The array has more than `n` places.
    pub(super) unsafe fn at(&mut self, n: usize) -> Self {
        // SAFETY: within the array, as the caller promises.
        Out { pointer: unsafe { self.pointer.add(n) }, alive: std::marker::PhantomData }
    }
}

/// A struct that can grow: its first member is its size as the caller knows it.
///
/// # Safety
/// Implementors are `repr(C)`, begin with `struct_size: usize`, and are valid for every bit pattern.
pub(super) unsafe trait Growing: Copy {
    /// The smallest size that was ever published. A number, never `size_of`: it does not move.
    const FIRST_SIZE: usize;
}

/// The size of a growing struct as the caller knows it.
///
/// # Safety
/// A pointer that is not null points to `struct_size` bytes.
#[inline]
pub(super) unsafe fn given_size<T: Growing>(pointer: *const T) -> Outcome<usize> {
    if pointer.is_null() || !pointer.is_aligned() {
        return Err(Failure::invalid("a pointer to a struct is NULL or not aligned"));
    }
    // SAFETY: not null and aligned; every struct begins with its size.
    let size = unsafe { pointer.cast::<usize>().read() };
    // No struct will ever have a page: a larger size is one that was never set.
    if !(T::FIRST_SIZE..=4096).contains(&size) {
        return Err(Failure::invalid("a struct_size is none of this struct's"));
    }
    Ok(size)
}

/// Copies a growing struct; what the caller does not know is zeros, which mean the default.
///
/// # Safety
/// A pointer that is not null points to `struct_size` bytes.
#[inline]
pub(super) unsafe fn growing<T: Growing>(pointer: *const T) -> Outcome<T> {
    // SAFETY: handed on.
    let size = unsafe { given_size(pointer) }?;
    if size == size_of::<T>() {
        // SAFETY: not null, aligned, the caller promises `size` bytes, and any bytes make a valid `T`.
        return Ok(unsafe { pointer.read() });
    }
    let known = size.min(size_of::<T>());
    // SAFETY: the caller promises `size` bytes; they are read as bytes, which have no alignment.
    let given = unsafe { std::slice::from_raw_parts(pointer.cast::<u8>(), size) };
    if given[known..].iter().any(|byte| *byte != 0) {
        return Err(Failure::invalid("a struct says something that this version does not know"));
    }
    let mut copy = std::mem::MaybeUninit::<T>::zeroed();
    // SAFETY: `known` bytes are within both; any bytes make a valid `T`, zeros included.
    unsafe {
        std::ptr::copy_nonoverlapping(given.as_ptr(), copy.as_mut_ptr().cast::<u8>(), known);
        Ok(copy.assume_init())
    }
}

/// The place of a growing struct that a result goes to: zeros behind its size if nothing comes of the call.
///
/// # Safety
/// A pointer that is not null points to `struct_size` bytes that may be written.
pub(super) unsafe fn cleared_growing<T: Growing>(pointer: *mut T) -> Outcome {
    // SAFETY: handed on; it checks the pointer and the size.
    unsafe { growing::<T>(pointer) }.map(drop)?;
    // SAFETY: checked just now; the size itself stays the caller's.
    unsafe {
        let known = pointer.cast::<usize>().read().min(size_of::<T>());
        pointer.cast::<u8>().add(size_of::<usize>()).write_bytes(0, known - size_of::<usize>());
    }
    Ok(())
}

/// Writes a growing struct back, as much of it as the caller knows, zeros behind.
///
/// # Safety
/// A pointer that is not null points to `struct_size` bytes that may be written.
pub(super) unsafe fn grown<T: Growing>(pointer: *mut T, value: &T) -> Outcome {
    // SAFETY: handed on; it checks the pointer and the size.
    unsafe { growing::<T>(pointer) }.map(drop)?;
    // SAFETY: checked just now.
    let size = unsafe { pointer.cast::<usize>().read() };
    let known = size.min(size_of::<T>());
    // SAFETY: `known` bytes are within both. The size itself stays the caller's.
    unsafe {
        let (from, to) = (std::ptr::from_ref(value).cast::<u8>(), pointer.cast::<u8>());
        std::ptr::copy_nonoverlapping(
            from.add(size_of::<usize>()),
            to.add(size_of::<usize>()),
            known - size_of::<usize>(),
        );
    }
    Ok(())
}

/// Refuses flags that this version does not know.
pub(super) fn flags(given: u32, known: u32) -> Outcome {
    if given & !known == 0 { Ok(()) } else { Err(Failure::invalid("a flag is none of this call's")) }
}
