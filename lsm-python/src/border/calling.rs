//! Calls of Python from here, in which a thread may end.
//!
//! Up to Python 3.13 a daemon thread ends where it waits for the interpreter when that has ended,
//! by unwinding the stack. Frames of Rust in that stack would drop what they hold, without the
//! interpreter, and the process would crash. So such a thread stays where it is, as it does from
//! Python 3.14 on; it goes with the process.

#![allow(unsafe_code, reason = "unwinding has to be met where it comes from C")]

use std::hint::black_box;
use std::mem::forget;
use std::ptr::null_mut;

use pyo3::exceptions::PySystemError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// The same functions as pyo3's, and they may unwind. pyo3 says that they do not, which would hold
/// here, too, where the whole library is optimised at once: so each is called by a pointer of which
/// the compiler knows nothing.
mod raw {
    use pyo3::ffi::PyObject;

    // SAFETY: these are the stable interface of Python, as pyo3 declares it.
    unsafe extern "C-unwind" {
        pub(super) fn PyIter_Next(iterator: *mut PyObject) -> *mut PyObject;
        pub(super) fn PyObject_GetIter(object: *mut PyObject) -> *mut PyObject;
        pub(super) fn PyObject_Call(
            function: *mut PyObject,
            args: *mut PyObject,
            keywords: *mut PyObject,
        ) -> *mut PyObject;
    }
}

type Ask = unsafe extern "C-unwind" fn(*mut ffi::PyObject) -> *mut ffi::PyObject;
type Call = unsafe extern "C-unwind" fn(
    *mut ffi::PyObject,
    *mut ffi::PyObject,
    *mut ffi::PyObject,
) -> *mut ffi::PyObject;

/// Is dropped when the thread ends, and then keeps it.
struct Stay;

impl Drop for Stay {
    #[allow(clippy::disallowed_methods, reason = "nobody ever wakes this thread")]
    fn drop(&mut self) {
        loop {
            std::thread::park();
        }
    }
}

/// Makes a call that answers an object, or null with an exception set.
///
/// # Safety
///
/// `call` is no more than a call of C, and what it answers belongs to the caller.
unsafe fn staying<'py>(
    py: Python<'py>,
    call: impl FnOnce() -> *mut ffi::PyObject,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let stay = Stay;
    let answer = call();
    forget(stay);
    // SAFETY: as the caller promises.
    let answer = unsafe { Bound::from_owned_ptr_or_opt(py, answer) };
    match answer {
        Some(answer) => Ok(Some(answer)),
        None => PyErr::take(py).map_or(Ok(None), Err),
    }
}

/// Calls `function`, which may let others have the interpreter.
pub(crate) fn call<'py, A>(function: &Bound<'py, PyAny>, args: A) -> PyResult<Bound<'py, PyAny>>
where
    A: IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>>,
    A::Error: Into<PyErr>,
{
    let args = args.into_pyobject(function.py()).map_err(Into::into)?;
    // SAFETY: both objects are there during the call, and the interpreter is attached.
    let answer = unsafe {
        let raw_call: Call = black_box(raw::PyObject_Call);
        let call = || raw_call(function.as_ptr(), args.as_ptr(), null_mut());
        staying(function.py(), call)?
    };
    answer.ok_or_else(|| PySystemError::new_err("a call has neither answered nor failed"))
}

/// What an object iterates over. Each step may let others have the interpreter.
pub(crate) fn each<'py>(items: &Bound<'py, PyAny>) -> PyResult<Each<'py>> {
    // SAFETY: the object is there during the call, and the interpreter is attached.
    let iterator = unsafe {
        let raw_iter: Ask = black_box(raw::PyObject_GetIter);
        staying(items.py(), || raw_iter(items.as_ptr()))?
    };
    let none = || PySystemError::new_err("there is neither an iterator nor an exception");
    iterator.map(Each).ok_or_else(none)
}

pub(crate) struct Each<'py>(Bound<'py, PyAny>);

impl<'py> Iterator for Each<'py> {
    type Item = PyResult<Bound<'py, PyAny>>;

    fn next(&mut self) -> Option<Self::Item> {
        let Self(iterator) = self;
        // SAFETY: the iterator is there during the call, and the interpreter is attached.
        let next = unsafe {
            let raw_next: Ask = black_box(raw::PyIter_Next);
            staying(iterator.py(), || raw_next(iterator.as_ptr()))
        };
        next.transpose()
    }
}
