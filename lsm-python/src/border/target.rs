//! A buffer of Python's that is written to.

#![allow(unsafe_code, reason = "foreign buffers are written where they lie")]

use pyo3::buffer::PyUntypedBuffer;
use pyo3::exceptions::PyBufferError;
use pyo3::prelude::*;

/// A writable buffer whose bytes lie one behind the other.
pub(crate) struct Target(PyUntypedBuffer);

impl Target {
    pub(crate) fn new(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let buffer = PyUntypedBuffer::get(object)?;
        if buffer.readonly() || !buffer.is_c_contiguous() {
            let message = "the buffer must be writable, and its bytes lie one behind the other";
            return Err(PyBufferError::new_err(message));
        }
        Ok(Self(buffer))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len_bytes()
    }

    /// Copies the bytes to the front; false if they do not fit. Whoever has the interpreter is
    /// alone with the buffer.
    pub(crate) fn fill(&self, _py: Python<'_>, bytes: &[u8]) -> bool {
        if bytes.len() > self.len() {
            return false;
        }
        if !bytes.is_empty() {
            let target = self.0.buf_ptr().cast::<u8>();
            // SAFETY: the exporter keeps `len` bytes at `target` writable while the buffer is held,
            // which have room for these. No slice of ours overlaps them: ours is the database's.
            unsafe { target.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        }
        true
    }
}
