//! One call from C: what it answers, and what becomes of errors and panics.

use std::panic::{AssertUnwindSafe, catch_unwind};

use lsm_core::{Error, ErrorKind, Result};

use crate::border::pointers::{Border, invalid};
use crate::border::thread::is_in_callback;
use crate::error::lsm_error;
use crate::status::{LSM_OK, lsm_status, status_of};

/// Does a call that can fail: writes `*error`, if there is one, in any case.
#[inline]
pub(crate) fn call(
    error: *mut *mut lsm_error,
    body: impl FnOnce(&Border) -> Result<lsm_status>,
) -> lsm_status {
    // SAFETY: this is only called by what C calls, with what C handed over.
    let border = unsafe { Border::new() };
    let Ok(error) = border.maybe_out("error", error) else {
        return status_of(ErrorKind::InvalidArgument);
    };
    let (status, told) = match contained(|| body(&border)) {
        Ok(status) => (status, None),
        Err(failure) => (status_of(failure.kind()), Some(failure)),
    };
    if let Some(error) = error {
        error.set(told.map_or(std::ptr::null_mut(), crate::error::new));
    }
    status
}

/// The same for a call that answers `LSM_OK` or fails.
#[inline]
pub(crate) fn done(
    error: *mut *mut lsm_error,
    body: impl FnOnce(&Border) -> Result<()>,
) -> lsm_status {
    call(error, |border| body(border).map(|()| LSM_OK))
}

/// Does a call that answers something without a status; `instead` if it cannot.
#[inline]
pub(crate) fn quiet<T>(instead: T, body: impl FnOnce(&Border) -> Result<T>) -> T {
    // SAFETY: as in `call`.
    let border = unsafe { Border::new() };
    contained(|| body(&border)).unwrap_or(instead)
}

/// What `body` answers, where a panic is an error like others.
#[inline]
fn contained<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|thrown| Err(panicked(thrown)))
}

/// Refuses a call that writes, or waits for background work, from within a callback: the work may
/// be waiting for the callback.
#[inline]
pub(crate) fn may_wait() -> Result<()> {
    if is_in_callback() {
        return Err(invalid("a callback may read and look, but neither write nor wait"));
    }
    Ok(())
}

/// What was thrown, as an error. Dropping it could throw again, and is not worth that.
#[cold]
fn panicked(thrown: Box<dyn std::any::Any + Send>) -> Error {
    let told = thrown.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let told = told.or_else(|| thrown.downcast_ref::<String>().cloned()).unwrap_or_default();
    std::mem::forget(thrown);
    Error::new(ErrorKind::Internal, format!("a bug in this library, please report it: {told}"))
}
