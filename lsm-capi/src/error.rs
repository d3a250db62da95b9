//! Section "errors": what happened, for programs and for people.

use std::ffi::{CString, c_char, c_int};
use std::os::unix::ffi::OsStrExt;
use std::ptr;

use lsm_core::Error;

use crate::border::call::quiet;
use crate::border::handle::Kind;
use crate::border::table::{Shared, Table};
use crate::status::{LSM_INVALID_ARGUMENT, lsm_status, status_of};

/// Why a call failed. Any thread may look at it.
pub struct lsm_error {
    _opaque: [u8; 0],
}

/// What its handle leads to.
pub(crate) struct Told {
    error: Error,
    message: CString,
    path: Option<CString>,
}

static ERRORS: Table<Told> = Table::new(Kind::Error);

/// An error as C gets it; NULL if there are too many already.
#[cold]
pub(crate) fn new(error: Error) -> *mut lsm_error {
    let message = string_of(error.to_string().as_bytes());
    let path = error.path().map(|path| string_of(path.as_os_str().as_bytes()));
    let told = Told { error, message, path };
    ERRORS.insert(told).map_or(ptr::null_mut(), |word| word as *mut lsm_error)
}

/// A string for C: what would end it early is a question mark.
pub(crate) fn string_of(bytes: &[u8]) -> CString {
    let bytes: Vec<u8> = bytes.iter().map(|&byte| if byte == 0 { b'?' } else { byte }).collect();
    CString::new(bytes).unwrap_or_default()
}

fn told(error: *const lsm_error) -> lsm_core::Result<Shared<Told>> {
    ERRORS.share(error as usize)
}

/// The status of the call that failed. LSM_INVALID_ARGUMENT for a NULL and for an error that was
/// freed.
#[unsafe(no_mangle)]
pub extern "C" fn lsm_error_status(error: *const lsm_error) -> lsm_status {
    quiet(LSM_INVALID_ARGUMENT, |_| Ok(status_of(told(error)?.error.kind())))
}

/// What happened, in a sentence for people: UTF-8, and it lives as long as the error. Never NULL:
/// for a NULL, and for an error that was freed, it says so.
#[unsafe(no_mangle)]
pub extern "C" fn lsm_error_message(error: *const lsm_error) -> *const c_char {
    quiet(c"there is no error".as_ptr(), |_| Ok(told(error)?.message.as_ptr()))
}

/// The file concerned, in the bytes of the operating system; NULL if it is none in particular.
/// Lives as long as the error.
#[unsafe(no_mangle)]
pub extern "C" fn lsm_error_path(error: *const lsm_error) -> *const c_char {
    let path = |told: Shared<Told>| told.path.as_ref().map_or(ptr::null(), |path| path.as_ptr());
    quiet(ptr::null(), |_| told(error).map(path))
}

/// The byte of that file where the trouble begins; UINT64_MAX if it is none in particular.
#[unsafe(no_mangle)]
pub extern "C" fn lsm_error_offset(error: *const lsm_error) -> u64 {
    quiet(u64::MAX, |_| Ok(told(error)?.error.offset().unwrap_or(u64::MAX)))
}

/// The error number of the operating system, as in errno; 0 if it gave none.
#[unsafe(no_mangle)]
pub extern "C" fn lsm_error_os_code(error: *const lsm_error) -> c_int {
    quiet(0, |_| Ok(told(error)?.error.os_code().unwrap_or(0)))
}

/// True if the same call may succeed later, with nothing else changed by the caller.
#[unsafe(no_mangle)]
pub extern "C" fn lsm_error_is_retryable(error: *const lsm_error) -> bool {
    quiet(false, |_| Ok(told(error)?.error.is_retryable()))
}

/// True if the write that failed may be found after a restart all the same. Any other write that
/// failed will not be.
#[unsafe(no_mangle)]
pub extern "C" fn lsm_error_maybe_committed(error: *const lsm_error) -> bool {
    quiet(false, |_| Ok(told(error)?.error.maybe_committed()))
}

/// Frees an error.
#[unsafe(no_mangle)]
pub extern "C" fn lsm_error_free(error: *mut lsm_error) {
    quiet((), |_| ERRORS.remove(error as usize));
}
