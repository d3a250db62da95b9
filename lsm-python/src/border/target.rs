//! A buffer of Python's that is written to.

#![allow(unsafe_code, reason = "foreign buffers are written where they lie")]

use pyo3::ffi::{PyBUF_FORMAT, PyBUF_ND, PyBUF_WRITABLE};
use pyo3::prelude::*;

use crate::border::calling::Held;
use crate::border::input::check_format;

/// A writable buffer whose bytes lie one behind the other.
pub(crate) struct Target<'py>(Held<'py>);

impl<'py> Target<'py> {
    pub(crate) fn new(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        let held = Held::take(object, PyBUF_WRITABLE | PyBUF_ND | PyBUF_FORMAT)?;
        check_format("buffers", &held.format())?;
        Ok(Self(held))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Copies the bytes to the front; false if they do not fit. Whoever has the interpreter is
    /// alone with the buffer.
    pub(crate) fn fill(&self, _py: Python<'_>, bytes: &[u8]) -> bool {
        if bytes.len() > self.len() {
            return false;
        }
        if !bytes.is_empty() {
            // SAFETY: the exporter keeps `len` bytes there writable while the buffer is held, which
            // have room for these. No slice of ours overlaps them: ours is the database's.
            unsafe { self.0.start().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        }
        true
    }
}
