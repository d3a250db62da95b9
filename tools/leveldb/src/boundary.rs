//! Where pointers of C become bytes of Rust, and back. What the header has callers promise is
//! trusted here: a pointer is NULL or points to as many values as the length beside it says, they
//! stay while the call lasts, and callbacks may be called from any thread.
//!
//! Everything that C is to free comes from `malloc`: programs call `free` as often as
//! `leveldb_free`.

#![allow(unsafe_code, reason = "pointers of C")]

use std::ffi::{CStr, OsStr, c_char, c_void};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::slice;

use lsm_core::base::contain::contained;

use crate::failure::{Failure, Result};

/// Values that the caller lends, bytes in most places: a pointer whose length comes beside it.
#[repr(transparent)]
#[derive(Debug)]
pub struct Lent<'a, T = u8>(*const T, PhantomData<&'a [T]>);

impl<T> Clone for Lent<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Lent<'_, T> {}

impl<'a, T> Lent<'a, T> {
    /// The values. None behind NULL; a length that nothing can have is refused.
    pub fn values(self, len: usize) -> Result<&'a [T]> {
        if self.is_null() || len == 0 {
            return Ok(&[]);
        }
        if len > isize::MAX as usize / size_of::<T>() {
            return Err(Failure::invalid(len, "nothing is as long as that"));
        }
        // SAFETY: the header has the caller lend `len` values for as long as `'a`.
        Ok(unsafe { slice::from_raw_parts(self.0, len) })
    }

    /// True for NULL.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.0.is_null()
    }

    /// Lends values to a callback.
    #[must_use]
    pub fn new(values: &'a [T]) -> Self {
        Self(values.as_ptr(), PhantomData)
    }
}

/// Room for values that the caller wants written.
#[repr(transparent)]
#[derive(Debug)]
pub struct Room<'a, T>(*mut MaybeUninit<T>, PhantomData<&'a mut [T]>);

impl<'a, T> Room<'a, T> {
    /// The places, none behind NULL.
    pub fn places(self, len: usize) -> &'a mut [MaybeUninit<T>] {
        if self.0.is_null() || len > isize::MAX as usize / size_of::<T>() {
            return &mut [];
        }
        // SAFETY: the header has the caller make room for `len` values that nobody else looks at
        // while the call lasts; they need no value yet.
        unsafe { slice::from_raw_parts_mut(self.0, len) }
    }

    /// Writes the only value.
    pub fn put(self, value: T) {
        if let [place] = self.places(1) {
            place.write(value);
        }
    }
}

/// A text of C that the caller lends.
#[repr(transparent)]
#[derive(Clone, Copy, Debug)]
pub struct Text<'a>(*const c_char, PhantomData<&'a CStr>);

impl<'a> Text<'a> {
    /// Its bytes without the zero behind them; none behind NULL.
    #[must_use]
    pub fn bytes(self) -> &'a [u8] {
        if self.0.is_null() {
            return &[];
        }
        // SAFETY: the header has the caller lend a text that ends with a zero.
        unsafe { CStr::from_ptr(self.0) }.to_bytes()
    }

    /// The path that it names.
    #[must_use]
    pub fn path(self) -> &'a Path {
        Path::new(OsStr::from_bytes(self.bytes()))
    }
}

/// Where a failure is told: the `errptr` of the header.
#[repr(transparent)]
#[derive(Debug)]
pub struct ErrorPlace<'a>(*mut *mut c_char, PhantomData<&'a mut *mut c_char>);

impl ErrorPlace<'_> {
    /// Puts the failure there, and frees the one that was there.
    pub fn tell(self, failure: &Failure) {
        if self.0.is_null() {
            return;
        }
        let text = copied_text(failure.text().as_bytes());
        // SAFETY: the header has the caller pass a place that holds NULL or a text from malloc.
        unsafe {
            libc::free((*self.0).cast());
            *self.0 = text;
        }
    }
}

/// What `call` answers; a failure if it panics. Nothing unwinds into C.
pub fn guarded<T>(call: impl FnOnce() -> Result<T>) -> Result<T> {
    contained(call).unwrap_or_else(|| Err(Failure::panicked()))
}

/// What `call` answers; if it fails, the failure is told and the answer is `otherwise`.
pub fn told<T>(place: ErrorPlace<'_>, otherwise: T, call: impl FnOnce() -> Result<T>) -> T {
    match guarded(call) {
        Ok(answer) => answer,
        Err(failure) => {
            place.tell(&failure);
            otherwise
        }
    }
}

/// What `call` answers, or `otherwise` if it panics, where C has no place for an error.
pub fn untold<T>(otherwise: T, call: impl FnOnce() -> T) -> T {
    contained(call).unwrap_or(otherwise)
}

/// A copy from `malloc`; NULL if memory cannot be had.
#[must_use]
pub fn copied(bytes: &[u8]) -> *mut c_char {
    // SAFETY: malloc takes any size, and what it gives holds the bytes, in memory of its own.
    unsafe {
        let copy = libc::malloc(bytes.len().max(1)).cast::<u8>();
        if !copy.is_null() {
            copy.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        }
        copy.cast()
    }
}

/// A copy from `malloc` that ends with a zero, as texts of C do.
#[must_use]
pub fn copied_text(bytes: &[u8]) -> *mut c_char {
    let mut text = bytes.to_vec();
    text.push(0);
    copied(&text)
}

/// Memory from `malloc` that is handed to us, and freed when it is dropped.
#[repr(transparent)]
#[derive(Debug)]
pub struct Made(*mut c_char);

impl Made {
    /// Its first bytes.
    pub fn bytes(&self, len: usize) -> Result<&[u8]> {
        Lent(self.0.cast_const().cast(), PhantomData).values(len)
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        // SAFETY: the header has programs and their callbacks pass NULL or what malloc gave.
        unsafe { libc::free(self.0.cast()) }
    }
}

/// What a program hands its callbacks; it means nothing to us.
#[repr(transparent)]
#[derive(Clone, Copy, Debug)]
pub struct State(*mut c_void);

// SAFETY: we never look behind it. The interface has callbacks be callable from any thread.
unsafe impl Send for State {}
// SAFETY: as above.
unsafe impl Sync for State {}

/// An object that may be passed a second time in the same call.
#[repr(transparent)]
#[derive(Debug)]
pub struct Object<T>(*mut T);

impl<T> Object<T> {
    /// True if both are the same object.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }

    /// Works on the object, if it is one.
    pub fn with<A>(&self, work: impl FnOnce(&mut T) -> A) -> Option<A> {
        // SAFETY: the header has the caller pass NULL or an object of this library that no other
        // thread uses, and `work` knows of no second way to it.
        unsafe { self.0.as_mut() }.map(work)
    }
}

/// The number of the user in whose name this process acts.
#[must_use]
pub fn user() -> u32 {
    // SAFETY: it takes nothing and always succeeds.
    unsafe { libc::geteuid() }
}
