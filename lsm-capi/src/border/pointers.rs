//! Pointers from C, checked as far as a pointer can be: whether it is NULL, whether it is aligned,
//! whether what it leads to can be so large.
//!
//! That the memory behind it is there is what the header asks of its callers. A `Border` stands for
//! that: only `call.rs` makes one, for the time of one call, and whoever has none reads no pointer.

use std::ffi::{CStr, OsStr, c_char};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use lsm_core::batch::{KEY_BYTES_MAX, VALUE_BYTES_MAX};
use lsm_core::{Error, ErrorKind, Result};

use crate::bytes::lsm_slice;

/// This is a call from C, and its caller keeps to the header.
pub(crate) struct Border(());

/// Where an answer goes.
pub(crate) struct Out<'a, T>(&'a mut T);

impl<T> Out<'_, T> {
    /// What it gets if nothing else comes.
    pub(crate) fn first(self, value: T) -> Self {
        *self.0 = value;
        self
    }

    pub(crate) fn set(self, value: T) {
        *self.0 = value;
    }
}

/// A struct of options: C says how large its own one is.
pub(crate) trait Sized32: Copy {
    const NAME: &'static str;
}

impl Border {
    /// # Safety
    ///
    /// The pointers that it is asked about come from a caller who keeps to the header: each is
    /// NULL, or leads to what the header says for as long as the call takes.
    pub(crate) unsafe fn new() -> Self {
        Self(())
    }

    /// Where an answer goes that the caller wants.
    #[inline]
    pub(crate) fn out<'a, T>(&'a self, name: &str, to: *mut T) -> Result<Out<'a, T>> {
        self.maybe_out(name, to)?.ok_or_else(|| null(name))
    }

    /// Where an answer goes that the caller may want.
    #[inline]
    pub(crate) fn maybe_out<'a, T>(&'a self, name: &str, to: *mut T) -> Result<Option<Out<'a, T>>> {
        check_aligned(name, to)?;
        // SAFETY: it is NULL, or leads to room for a `T` while the call lasts, which nobody else
        // uses meanwhile. Every `T` here is plain data that C may have left uninitialised, and is
        // only written.
        Ok(unsafe { to.as_mut() }.map(Out))
    }

    /// So many elements.
    pub(crate) fn array<'a, T>(
        &'a self,
        name: &str,
        from: *const T,
        count: usize,
    ) -> Result<&'a [T]> {
        if !check_array(name, from, count)? {
            return Ok(&[]);
        }
        // SAFETY: it leads to `count` elements while the call lasts.
        Ok(unsafe { std::slice::from_raw_parts(from, count) })
    }

    /// Room for so many elements.
    #[allow(clippy::mut_from_ref, reason = "it is the caller's memory, not the border's")]
    pub(crate) fn array_out<'a, T>(
        &'a self,
        name: &str,
        to: *mut T,
        count: usize,
    ) -> Result<&'a mut [T]> {
        if !check_array(name, to, count)? {
            return Ok(&mut []);
        }
        // SAFETY: it leads to room for `count` elements while the call lasts, for this call alone.
        // As for `maybe_out`, they are only written.
        Ok(unsafe { std::slice::from_raw_parts_mut(to, count) })
    }

    /// The bytes of a key. NULL with no length is the empty one.
    #[inline]
    pub(crate) fn key(&self, key: lsm_slice) -> Result<&[u8]> {
        self.bytes("key", key, KEY_BYTES_MAX)
    }

    /// The bytes of a value.
    #[inline]
    pub(crate) fn value(&self, value: lsm_slice) -> Result<&[u8]> {
        self.bytes("value", value, VALUE_BYTES_MAX)
    }

    /// The end of a range: absent if it is NULL.
    pub(crate) fn bound<'a>(&'a self, name: &str, end: lsm_slice) -> Result<Option<&'a [u8]>> {
        if end.data.is_null() && end.size == 0 {
            return Ok(None);
        }
        self.bytes(name, end, KEY_BYTES_MAX).map(Some)
    }

    #[inline]
    fn bytes<'a>(&'a self, name: &str, bytes: lsm_slice, max: usize) -> Result<&'a [u8]> {
        let lsm_slice { data, size } = bytes;
        if size > max {
            return Err(too_large(name, size, max));
        }
        if data.is_null() {
            return if size == 0 { Ok(&[]) } else { Err(null(name)) };
        }
        // SAFETY: it leads to `size` bytes while the call lasts, and so few fit into memory.
        Ok(unsafe { std::slice::from_raw_parts(data.cast(), size) })
    }

    /// A string that ends with a NUL.
    pub(crate) fn string<'a>(&'a self, name: &str, from: *const c_char) -> Result<&'a CStr> {
        if from.is_null() {
            return Err(null(name));
        }
        // SAFETY: it leads to bytes that end with a NUL, while the call lasts.
        Ok(unsafe { CStr::from_ptr(from) })
    }

    /// A string of text.
    pub(crate) fn text<'a>(&'a self, name: &str, from: *const c_char) -> Result<&'a str> {
        let string = self.string(name, from)?;
        string.to_str().map_err(|_| invalid(format!("`{name}` is not UTF-8")))
    }

    /// A path, of any bytes.
    pub(crate) fn path<'a>(&'a self, name: &str, from: *const c_char) -> Result<&'a Path> {
        let string = self.string(name, from)?;
        if string.is_empty() {
            return Err(invalid(format!("`{name}` is empty")));
        }
        Ok(Path::new(OsStr::from_bytes(string.to_bytes())))
    }

    /// Options, if there are any. Nothing but their first field is read before it is known to be
    /// the size of the struct.
    pub(crate) fn options<T: Sized32>(&self, from: *const T) -> Result<Option<T>> {
        check_aligned(T::NAME, from)?;
        // SAFETY: it is NULL, or leads to a struct whose first field this is.
        let Some(size) = (unsafe { from.cast::<u32>().as_ref() }) else { return Ok(None) };
        check_size::<T>(*size)?;
        // SAFETY: the caller says that the struct is of this size.
        Ok(Some(unsafe { from.read() }))
    }

    /// The same for options that are changed or filled in.
    #[allow(clippy::mut_from_ref, reason = "it is the caller's memory, not the border's")]
    pub(crate) fn options_out<T: Sized32>(&self, to: *mut T) -> Result<&mut T> {
        self.options(to.cast_const())?.ok_or_else(|| null(T::NAME))?;
        // SAFETY: the caller says that a struct of this size is there, for this call alone.
        Ok(unsafe { &mut *to })
    }
}

fn check_size<T: Sized32>(size: u32) -> Result<()> {
    if size as usize == size_of::<T>() {
        return Ok(());
    }
    let (name, known) = (T::NAME, size_of::<T>());
    Err(invalid(format!(
        "`struct_size` of this {name} is {size} and not {known}: initialise it with its _INIT \
         macro, and compile with the header of this library"
    )))
}

#[inline]
fn check_aligned<T>(name: &str, pointer: *const T) -> Result<()> {
    if pointer.is_aligned() {
        return Ok(());
    }
    Err(misaligned(name))
}

#[cold]
fn misaligned(name: &str) -> Error {
    invalid(format!("`{name}` leads to memory that is not aligned for it"))
}

/// False if there are no elements, and the pointer does not matter.
fn check_array<T>(name: &str, pointer: *const T, count: usize) -> Result<bool> {
    if count == 0 {
        return Ok(false);
    }
    if pointer.is_null() {
        return Err(null(name));
    }
    check_aligned(name, pointer)?;
    match count.checked_mul(size_of::<T>()) {
        Some(bytes) if isize::try_from(bytes).is_ok() => Ok(true),
        _ => Err(too_large(name, count, isize::MAX as usize / size_of::<T>())),
    }
}

#[cold]
fn null(name: &str) -> Error {
    invalid(format!("`{name}` is NULL"))
}

#[cold]
fn too_large(name: &str, size: usize, max: usize) -> Error {
    let message = format!("`{name}` has a length of {size}, more than {max}");
    Error::new(ErrorKind::TooLarge, message)
}

/// The caller has to change something.
#[cold]
pub(crate) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}
