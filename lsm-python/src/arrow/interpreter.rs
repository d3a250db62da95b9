//! The interpreter, as a function meets it that anybody may call from any thread.
//!
//! Some callers have the interpreter's lock, some have released it, and pyo3 cannot tell when it
//! was not pyo3 that released it. So its lock is asked for here as C does.

#![allow(unsafe_code, reason = "the lock is taken and released past pyo3")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;

use pyo3::ffi;
use pyo3::prelude::*;

/// Why there was no work done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The interpreter has ended.
    Ended,
    /// A signal came whose handler raised an exception.
    Interrupted,
    /// The work panicked.
    Panicked,
}

/// Does `work` while other threads may have the interpreter, and hears signals before it.
pub(crate) fn released<T>(work: impl FnOnce() -> T) -> Result<T, Refused> {
    // SAFETY: this may be asked at any time.
    if unsafe { ffi::Py_IsInitialized() } == 0 {
        return Err(Refused::Ended);
    }
    // SAFETY: there is an interpreter; the lock is released below, in the reverse order.
    let held = unsafe { ffi::PyGILState_Ensure() };
    let done = if hear_signals() { without_lock(work) } else { Err(Refused::Interrupted) };
    // SAFETY: this is what was taken above, on this thread.
    unsafe { ffi::PyGILState_Release(held) };
    done
}

/// False if a signal's handler has raised. Ctrl-C is raised once more where Python code runs next,
/// because what is called from C cannot raise it.
fn hear_signals() -> bool {
    // SAFETY: the lock is held.
    unsafe {
        if ffi::PyErr_CheckSignals() == 0 {
            return true;
        }
        if ffi::PyErr_ExceptionMatches(ffi::PyExc_KeyboardInterrupt) == 0 {
            ffi::PyErr_WriteUnraisable(null_mut());
        } else {
            ffi::PyErr_Clear();
            ffi::PyErr_SetInterrupt();
        }
    }
    false
}

fn without_lock<T>(work: impl FnOnce() -> T) -> Result<T, Refused> {
    // SAFETY: the lock is held, and taken back below whatever the work does.
    let thread = unsafe { ffi::PyEval_SaveThread() };
    let done = catch_unwind(AssertUnwindSafe(work));
    // SAFETY: this is what was given above, on this thread.
    unsafe { ffi::PyEval_RestoreThread(thread) };
    done.map_err(|_| Refused::Panicked)
}

/// An object that is kept by what C holds, and let go wherever C lets go of that.
pub(crate) struct Owner(*mut ffi::PyObject);

impl Owner {
    pub(crate) fn new(object: Py<PyAny>) -> Self {
        Self(object.into_ptr())
    }
}

// SAFETY: the pointer is only used with the interpreter's lock held.
unsafe impl Send for Owner {}

impl Drop for Owner {
    fn drop(&mut self) {
        // SAFETY: the reference was given up to this struct, and is given back with the lock held.
        // Where the interpreter has ended, objects have ended, too.
        unsafe {
            if ffi::Py_IsInitialized() == 0 {
                return;
            }
            let held = ffi::PyGILState_Ensure();
            ffi::Py_DECREF(self.0);
            ffi::PyGILState_Release(held);
        }
    }
}
