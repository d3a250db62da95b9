//! Calls of Python from here, in which a thread may end.
//!
//! Up to Python 3.13 a daemon thread ends where it waits for the interpreter when that has ended,
//! by unwinding the stack. Frames of Rust in that stack would drop what they hold, without the
//! interpreter, and the process would crash. So such a thread stays where it is, as it does from
//! Python 3.14 on; it goes with the process.

#![allow(unsafe_code, reason = "unwinding has to be met where it comes from C")]

use std::ffi::{CStr, c_int};
use std::hint::black_box;
use std::mem::forget;
use std::ptr::null_mut;

use pyo3::exceptions::{PyAttributeError, PySystemError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

/// The same functions as pyo3's, and they may unwind. pyo3 says that they do not, which would hold
/// here, too, where the whole library is optimised at once: so each is called by a pointer of which
/// the compiler knows nothing.
mod raw {
    use std::ffi::c_int;

    use pyo3::ffi::{Py_buffer, Py_ssize_t, PyObject};

    // SAFETY: these are the stable interface of Python, as pyo3 declares it.
    unsafe extern "C-unwind" {
        pub(super) fn PyIter_Next(iterator: *mut PyObject) -> *mut PyObject;
        pub(super) fn PyObject_GetIter(object: *mut PyObject) -> *mut PyObject;
        pub(super) fn PyObject_Str(object: *mut PyObject) -> *mut PyObject;
        pub(super) fn PyObject_Repr(object: *mut PyObject) -> *mut PyObject;
        pub(super) fn PyImport_Import(name: *mut PyObject) -> *mut PyObject;
        pub(super) fn PyObject_GetAttr(object: *mut PyObject, name: *mut PyObject)
        -> *mut PyObject;
        pub(super) fn PyObject_GetItem(object: *mut PyObject, key: *mut PyObject) -> *mut PyObject;
        pub(super) fn PyObject_Size(object: *mut PyObject) -> Py_ssize_t;
        pub(super) fn PyErr_WriteUnraisable(object: *mut PyObject);
        pub(super) fn PyObject_GetBuffer(
            object: *mut PyObject,
            buffer: *mut Py_buffer,
            flags: c_int,
        ) -> c_int;
        pub(super) fn PyBuffer_Release(buffer: *mut Py_buffer);
        pub(super) fn PyObject_Call(
            function: *mut PyObject,
            args: *mut PyObject,
            keywords: *mut PyObject,
        ) -> *mut PyObject;
    }
}

type Object = *mut ffi::PyObject;
type Buffer = *mut ffi::Py_buffer;
type Ask = unsafe extern "C-unwind" fn(Object) -> Object;
type AskOf = unsafe extern "C-unwind" fn(Object, Object) -> Object;
type Call = unsafe extern "C-unwind" fn(Object, Object, Object) -> Object;
type Size = unsafe extern "C-unwind" fn(Object) -> ffi::Py_ssize_t;
type Report = unsafe extern "C-unwind" fn(Object);
type Hold = unsafe extern "C-unwind" fn(Object, Buffer, c_int) -> c_int;
type Release = unsafe extern "C-unwind" fn(Buffer);

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

/// Makes a call of C, in which the thread may end. It is no more than that: nothing of it is to be
/// dropped.
fn staying<T>(call: impl FnOnce() -> T) -> T {
    let stay = Stay;
    let answer = call();
    forget(stay);
    answer
}

/// The object that a call has answered; none if it was null, and no exception is set.
///
/// # Safety
///
/// What the call has answered belongs to the caller.
unsafe fn answered(py: Python<'_>, answer: Object) -> PyResult<Option<Bound<'_, PyAny>>> {
    // SAFETY: as the caller promises.
    match unsafe { Bound::from_owned_ptr_or_opt(py, answer) } {
        Some(answer) => Ok(Some(answer)),
        None => PyErr::take(py).map_or(Ok(None), Err),
    }
}

fn silent() -> PyErr {
    PySystemError::new_err("a call has neither answered nor failed")
}

/// Asks an object for another one.
fn ask<'py>(object: &Bound<'py, PyAny>, raw: Ask) -> PyResult<Bound<'py, PyAny>> {
    let raw = black_box(raw);
    // SAFETY: the object is there during the call, and the interpreter is attached. Each of these
    // functions takes any object, and its answer belongs to the caller.
    let answer = unsafe { answered(object.py(), staying(|| raw(object.as_ptr())))? };
    answer.ok_or_else(silent)
}

/// Asks an object for what it has under the name of another.
fn ask_of<'py>(
    object: &Bound<'py, PyAny>,
    name: &Bound<'py, PyAny>,
    raw: AskOf,
) -> PyResult<Bound<'py, PyAny>> {
    let raw = black_box(raw);
    // SAFETY: both objects are there during the call, and the interpreter is attached. Each of
    // these functions takes any objects, and its answer belongs to the caller.
    let answer = unsafe { answered(object.py(), staying(|| raw(object.as_ptr(), name.as_ptr())))? };
    answer.ok_or_else(silent)
}

/// Calls `function`, which may let others have the interpreter.
pub(crate) fn call<'py, A>(function: &Bound<'py, PyAny>, args: A) -> PyResult<Bound<'py, PyAny>>
where
    A: IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>>,
    A::Error: Into<PyErr>,
{
    let args = args.into_pyobject(function.py()).map_err(Into::into)?;
    let raw: Call = black_box(raw::PyObject_Call);
    // SAFETY: both objects are there during the call, the interpreter is attached, and the answer
    // is ours.
    let answer = unsafe {
        let answer = staying(|| raw(function.as_ptr(), args.as_ptr(), null_mut()));
        answered(function.py(), answer)?
    };
    answer.ok_or_else(silent)
}

/// The attribute of that name.
pub(crate) fn get<'py>(object: &Bound<'py, PyAny>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    ask_of(object, &PyString::new(object.py(), name), raw::PyObject_GetAttr)
}

/// The same, if there is one.
pub(crate) fn find<'py>(
    object: &Bound<'py, PyAny>,
    name: &str,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    match get(object, name) {
        Err(error) if error.is_instance_of::<PyAttributeError>(object.py()) => Ok(None),
        found => found.map(Some),
    }
}

/// What `object[key]` is.
pub(crate) fn item<'py>(
    object: &Bound<'py, PyAny>,
    key: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    ask_of(object, key, raw::PyObject_GetItem)
}

/// What `len(object)` is.
pub(crate) fn len(object: &Bound<'_, PyAny>) -> PyResult<usize> {
    let raw: Size = black_box(raw::PyObject_Size);
    // SAFETY: the object is there during the call, and the interpreter is attached.
    let size = staying(|| unsafe { raw(object.as_ptr()) });
    usize::try_from(size).map_err(|_| PyErr::fetch(object.py()))
}

/// What `str(object)` is.
pub(crate) fn text(object: &Bound<'_, PyAny>) -> PyResult<String> {
    ask(object, raw::PyObject_Str)?.extract()
}

/// What `repr(object)` is.
pub(crate) fn shown(object: &Bound<'_, PyAny>) -> PyResult<String> {
    ask(object, raw::PyObject_Repr)?.extract()
}

/// The module of that name, which may have to be run first.
pub(crate) fn import<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    ask(&PyString::new(py, name), raw::PyImport_Import)
}

/// Reports what nobody can catch, as Python does.
pub(crate) fn report(error: PyErr, place: &Bound<'_, PyAny>) {
    let raw: Report = black_box(raw::PyErr_WriteUnraisable);
    error.restore(place.py());
    // SAFETY: the object is there during the call, the interpreter is attached, and there is an
    // exception.
    staying(|| unsafe { raw(place.as_ptr()) });
}

/// What an object iterates over. Each step may let others have the interpreter.
pub(crate) fn each<'py>(items: &Bound<'py, PyAny>) -> PyResult<Each<'py>> {
    ask(items, raw::PyObject_GetIter).map(Each)
}

pub(crate) struct Each<'py>(Bound<'py, PyAny>);

impl<'py> Iterator for Each<'py> {
    type Item = PyResult<Bound<'py, PyAny>>;

    fn next(&mut self) -> Option<Self::Item> {
        let Self(iterator) = self;
        let raw: Ask = black_box(raw::PyIter_Next);
        // SAFETY: the iterator is there during the call, the interpreter is attached, and the
        // answer is ours.
        let next = unsafe { answered(iterator.py(), staying(|| raw(iterator.as_ptr()))) };
        next.transpose()
    }
}

/// The bytes of an object, which stays as it is until they are given back.
pub(crate) struct Held<'py> {
    py: Python<'py>,
    /// Points into itself, as some objects fill it in.
    raw: Box<ffi::Py_buffer>,
}

impl<'py> Held<'py> {
    /// Takes hold of bytes that lie one behind the other, whatever they mean. `flags` says what
    /// else they have to be.
    pub(crate) fn take(object: &Bound<'py, PyAny>, flags: c_int) -> PyResult<Self> {
        let hold: Hold = black_box(raw::PyObject_GetBuffer);
        let mut raw = Box::new(ffi::Py_buffer::new());
        let at: Buffer = &raw mut *raw;
        // SAFETY: the object is there during the call, the interpreter is attached, and what is
        // filled in is ours.
        match staying(|| unsafe { hold(object.as_ptr(), at, flags) }) {
            0 => Ok(Self { py: object.py(), raw }),
            _ => Err(PyErr::fetch(object.py())),
        }
    }

    /// What the bytes mean, in the language of the module struct; plain bytes if nobody says.
    pub(crate) fn format(&self) -> String {
        if self.raw.format.is_null() {
            return "B".to_owned();
        }
        // SAFETY: whoever filled the buffer in keeps its format until it is given back.
        unsafe { CStr::from_ptr(self.raw.format) }.to_string_lossy().into_owned()
    }

    pub(crate) fn start(&self) -> *mut u8 {
        self.raw.buf.cast()
    }

    pub(crate) fn len(&self) -> usize {
        usize::try_from(self.raw.len).unwrap_or(0)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let release: Release = black_box(raw::PyBuffer_Release);
        let (_attached, at): (_, Buffer) = (self.py, &raw mut *self.raw);
        // SAFETY: the buffer was filled in, is given back once, and the interpreter is attached.
        staying(|| unsafe { release(at) });
    }
}
