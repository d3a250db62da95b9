//! The memory of a column as a Python buffer, where it lies.

#![allow(unsafe_code, reason = "a buffer is a C struct to be filled in")]

use std::ffi::{CStr, c_int, c_void};
use std::ptr::null_mut;
use std::sync::Arc;

use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyMemoryView;

use crate::column::chunk::{Chunk, Column, Offsets};

/// Which memory of a chunk.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Which {
    KeyData,
    KeyOffsets,
    ValueData,
    ValueOffsets,
}

/// Some numbers behind each other.
struct Memory {
    start: *const c_void,
    count: usize,
    width: usize,
    format: &'static CStr,
}

impl Memory {
    fn of<T>(numbers: &[T], format: &'static CStr) -> Self {
        let start = numbers.as_ptr().cast();
        Self { start, count: numbers.len(), width: size_of::<T>(), format }
    }

    fn of_offsets(offsets: &Offsets) -> Self {
        match offsets {
            Offsets::Small(ends) => Self::of(ends, c"i"),
            Offsets::Large(ends) => Self::of(ends, c"q"),
        }
    }

    fn of_chunk(chunk: &Chunk, which: Which) -> Self {
        let data = |column: &Column| Self::of(&column.data, c"B");
        match which {
            Which::KeyData => data(&chunk.keys),
            Which::KeyOffsets => Self::of_offsets(&chunk.keys.offsets),
            Which::ValueData => data(&chunk.values),
            Which::ValueOffsets => Self::of_offsets(&chunk.values.offsets),
        }
    }
}

/// What memoryviews of a chunk keep.
#[pyclass(frozen, name = "_Lane", module = "lsmdb._native")]
pub(crate) struct Lane {
    chunk: Arc<Chunk>,
    which: Which,
    shape: isize,
    stride: isize,
}

impl Lane {
    /// A memoryview, which keeps the whole chunk.
    pub(crate) fn view<'py>(
        py: Python<'py>,
        chunk: &Arc<Chunk>,
        which: Which,
    ) -> PyResult<Bound<'py, PyMemoryView>> {
        let memory = Memory::of_chunk(chunk, which);
        let (shape, stride) = (memory.count as isize, memory.width as isize);
        let lane = Self { chunk: chunk.clone(), which, shape, stride };
        PyMemoryView::from(Bound::new(py, lane)?.as_any())
    }
}

#[pymethods]
impl Lane {
    /// # Safety
    ///
    /// The interpreter alone calls this, with a struct to be filled in.
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        if view.is_null() || flags & ffi::PyBUF_WRITABLE != 0 {
            return Err(PyBufferError::new_err("columns are read-only: copy them to change them"));
        }
        let asked = |flag: c_int| flags & flag == flag;
        let lane = slf.get();
        let memory = Memory::of_chunk(&lane.chunk, lane.which);
        let filled = ffi::Py_buffer {
            buf: memory.start.cast_mut(),
            obj: slf.clone().into_any().into_ptr(),
            len: lane.shape * lane.stride,
            itemsize: lane.stride,
            readonly: 1,
            ndim: 1,
            format: given(asked(ffi::PyBUF_FORMAT), memory.format.as_ptr()),
            shape: given(asked(ffi::PyBUF_ND), &raw const lane.shape),
            strides: given(asked(ffi::PyBUF_STRIDES), &raw const lane.stride),
            suboffsets: null_mut(),
            internal: null_mut(),
        };
        // SAFETY: the interpreter lends a struct for this. What is written into it points into the
        // chunk, which never changes, and into this object, which `obj` keeps where it is.
        unsafe { view.write(filled) };
        Ok(())
    }
}

/// The pointer, if it was asked for.
fn given<T>(is_asked: bool, pointer: *const T) -> *mut T {
    if is_asked { pointer.cast_mut() } else { null_mut() }
}
