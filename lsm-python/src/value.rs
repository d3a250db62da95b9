//! Values that are not copied: bytes where they lie, lent by the buffer protocol.

#![allow(unsafe_code, reason = "the buffer protocol is a struct of C that is filled in here")]

use std::ffi::c_int;

use lsm_core::Slice;
use pyo3::exceptions::{PyBufferError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::pyclass::CompareOp;
use pyo3::types::{PyBool, PyBytes, PyMemoryView, PyWeakrefReference};

use crate::border::calling::call;
use crate::border::errors::Outcome;
use crate::border::fork::{Kept, OF_PARENT};
use crate::border::input::Input;
use crate::border::lock::Lock;

/// The bytes of a value where they lie in the database's memory: nothing was copied.
///
/// `memoryview(value)` reads them in place, `bytes(value)` copies them. They stay as they are
/// whatever is written afterwards, and even when the database is closed. A value that is kept may
/// keep a block of the cache in memory: `release()` it, use it in a `with` statement, or let it go.
///
/// >>> db[b"k"] = b"a long value" * 10
/// >>> with db.get_value(b"k") as view:
/// ...     view[:6].tobytes()
/// b'a long'
#[pyclass(module = "lsmdb", frozen, weakref)]
pub(crate) struct Value {
    kept: Kept<Lock<Lent>>,
}

struct Lent {
    slice: Option<Slice>,
    /// How many buffers of it others hold.
    exports: usize,
    /// References to what `with` statements were given, which do not keep it.
    entered: Vec<Py<PyAny>>,
}

fn released() -> PyErr {
    PyValueError::new_err("the value was released")
}

impl Value {
    pub(crate) fn new(slice: Slice) -> Self {
        let lent = Lent { slice: Some(slice), exports: 0, entered: Vec::new() };
        Self { kept: Kept::new(Lock::new(lent)) }
    }

    /// Shows the bytes.
    fn show<T>(&self, py: Python<'_>, look: impl FnOnce(&[u8]) -> T) -> Outcome<T> {
        let lent = self.kept.get()?.lock(py);
        Ok(lent.slice.as_deref().map(look).ok_or_else(released)?)
    }
}

#[pymethods]
impl Value {
    fn __bytes__<'py>(&self, py: Python<'py>) -> Outcome<Bound<'py, PyBytes>> {
        self.show(py, |bytes| PyBytes::new(py, bytes))
    }

    fn __len__(&self, py: Python<'_>) -> Outcome<usize> {
        self.show(py, <[u8]>::len)
    }

    fn __hash__(&self, py: Python<'_>) -> Outcome<isize> {
        Ok(self.__bytes__(py)?.hash()?)
    }

    fn __richcmp__(
        &self,
        py: Python<'_>,
        other: &Bound<'_, PyAny>,
        how: CompareOp,
    ) -> Outcome<Py<PyAny>> {
        let Ok(other) = other.extract::<Input<'_>>() else { return Ok(py.NotImplemented()) };
        let is_so = self.show(py, |bytes| how.matches(bytes.cmp(other.as_ref())))?;
        Ok(PyBool::new(py, is_so).to_owned().into_any().unbind())
    }

    fn __repr__(&self, py: Python<'_>) -> Outcome<String> {
        let Ok(kept) = self.kept.get() else { return Ok(OF_PARENT.to_owned()) };
        let lent = kept.lock(py);
        let shown = lent.slice.as_deref().map(|bytes| PyBytes::new(py, bytes));
        drop(lent);
        Ok(match shown {
            Some(bytes) => format!("lsmdb.Value({})", bytes.repr()?),
            None => "<released lsmdb.Value>".to_owned(),
        })
    }

    /// Lets go of the bytes before the object itself goes. `BufferError` while a memoryview of them
    /// is still there; nothing happens the second time.
    fn release(&self, py: Python<'_>) -> Outcome<()> {
        let mut lent = self.kept.get()?.lock(py);
        if lent.exports > 0 {
            let message = "a memoryview of the value is still there: release it first";
            return Err(PyBufferError::new_err(message).into());
        }
        lent.slice = None;
        Ok(())
    }

    fn __enter__<'py>(slf: &Bound<'py, Self>) -> Outcome<Bound<'py, PyMemoryView>> {
        let view = PyMemoryView::from(slf.as_any())?;
        let reference = PyWeakrefReference::new(&view)?.into_any().unbind();
        slf.get().kept.get()?.lock(slf.py()).entered.push(reference);
        Ok(view)
    }

    /// Releases the memoryview that the `with` statement was given, and the value unless there are
    /// others of it.
    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyAny>) -> Outcome<()> {
        let entered = self.kept.get()?.lock(py).entered.pop();
        let view = entered.map(|reference| call(reference.bind(py), ())).transpose()?;
        if let Some(view) = view.filter(|view| !view.is_none()) {
            call(&view.getattr("release")?, ())?;
        }
        let mut lent = self.kept.get()?.lock(py);
        if lent.exports == 0 {
            lent.slice = None;
        }
        Ok(())
    }

    /// # Safety
    ///
    /// Python's: `view` is a buffer to be filled in.
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> Outcome<()> {
        if view.is_null() {
            return Err(PyBufferError::new_err("there is no buffer to fill in").into());
        }
        // Not under the lock: raising may begin a garbage collection, which may release buffers.
        if flags & ffi::PyBUF_WRITABLE != 0 {
            return Err(PyBufferError::new_err("a value is read only").into());
        }
        let mut lent = slf.get().kept.get()?.lock(slf.py());
        let bytes = lent.slice.as_deref().ok_or_else(released)?;
        let len = ffi::Py_ssize_t::try_from(bytes.len()).map_err(|_| released())?;
        // SAFETY: `view` is Python's to be filled in. The bytes stay where they are and as they are
        // until the slice goes, which is not before the last buffer was released.
        let failed = unsafe {
            let start = bytes.as_ptr().cast_mut().cast();
            ffi::PyBuffer_FillInfo(view, slf.as_ptr(), start, len, 1, flags)
        };
        if failed != 0 {
            return Err(PyErr::fetch(slf.py()).into());
        }
        lent.exports += 1;
        Ok(())
    }

    /// # Safety
    ///
    /// Python's: the buffer was filled in by `__getbuffer__`.
    unsafe fn __releasebuffer__(&self, py: Python<'_>, _view: *mut ffi::Py_buffer) {
        if let Ok(lent) = self.kept.get() {
            let mut lent = lent.lock(py);
            lent.exports = lent.exports.saturating_sub(1);
        }
    }

    fn __reduce__(&self, py: Python<'_>) -> Outcome<(Py<PyAny>, (Py<PyBytes>,))> {
        let bytes = self.__bytes__(py)?;
        Ok((bytes.get_type().into_any().unbind(), (bytes.unbind(),)))
    }
}
