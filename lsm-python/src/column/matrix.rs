//! Rows of one width, in what has a buffer: NumPy arrays above all.

#![allow(unsafe_code, reason = "foreign buffers are copied from where they lie")]

use std::ops::Range;

use pyo3::exceptions::{PyBufferError, PyTypeError};
use pyo3::ffi::PyBUF_SIMPLE;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView};

use crate::border::calling::{Held, call, get};
use crate::border::errors::{Failure, Outcome};
use crate::border::input::{check_format, has_buffer};

/// A column: each place along the first axis is a row.
pub(crate) struct Matrix<'py> {
    held: Held<'py>,
    rows: usize,
    width: usize,
}

impl<'py> Matrix<'py> {
    /// Of an object; `what` it holds is said in errors.
    pub(crate) fn of(object: &Bound<'py, PyAny>, what: &str) -> Outcome<Self> {
        let is_one = object.is_instance_of::<PyBytes>() || object.is_instance_of::<PyByteArray>();
        if is_one || !has_buffer(object) {
            let name = object.get_type().name()?;
            let advice = "they are an array with a row for each; pairs are for put_many()";
            return Err(PyTypeError::new_err(format!("{what} are {name}: {advice}")).into());
        }
        // Not all objects say all that a memoryview of them says. It goes before its object does:
        // letting go of a buffer may run Python, too.
        let view = call(&object.py().get_type::<PyMemoryView>(), (object,))?;
        let rows = rows_of(&view, what);
        call(&get(&view, "release")?, ())?;
        let (rows, held) = (rows?, Held::take(object, PyBUF_SIMPLE)?);
        let width = held.len().checked_div(rows).unwrap_or(0);
        Ok(Self { held, rows, width })
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// How many bytes a row has.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn check_as_long_as(&self, values: &Self) -> Outcome<()> {
        if self.rows == values.rows {
            return Ok(());
        }
        let message = format!("there are {} keys, but {} values", self.rows, values.rows);
        Err(Failure::refuse(&message))
    }

    /// The bytes of some rows. Another thread may be changing them; then they are a mix.
    fn copy(&self, _py: Python<'_>, rows: Range<usize>) -> Vec<u8> {
        let (start, end) = (rows.start.min(self.rows), rows.end.min(self.rows));
        let bytes = (end - start) * self.width;
        let mut copied = Vec::with_capacity(bytes);
        if bytes > 0 {
            let first = self.held.start().wrapping_add(start * self.width);
            // SAFETY: the exporter keeps the buffer where it is until it is released, the rows lie
            // in it, and there is room for them.
            unsafe {
                first.copy_to_nonoverlapping(copied.as_mut_ptr(), bytes);
                copied.set_len(bytes);
            }
        }
        copied
    }
}

/// How many rows there are in what can be used as a column.
fn rows_of(view: &Bound<'_, PyAny>, what: &str) -> Outcome<usize> {
    let shape: Vec<usize> = view.getattr("shape")?.extract()?;
    let Some(rows) = shape.first().copied() else {
        return Err(Failure::refuse(&format!("{what} are one number, not an array")));
    };
    if !view.getattr("c_contiguous")?.extract::<bool>()? {
        let advice = "copy them first, as with numpy.ascontiguousarray";
        let message = format!("the rows of {what} do not lie one behind the other: {advice}");
        return Err(PyBufferError::new_err(message).into());
    }
    check_format(what, &view.getattr("format")?.extract::<String>()?)?;
    Ok(rows)
}

/// Some rows of two columns, copied.
pub(crate) struct Piece {
    rows: usize,
    keys: Vec<u8>,
    values: Vec<u8>,
    key_width: usize,
    value_width: usize,
}

impl Piece {
    /// The rows, as far as there are so many.
    pub(crate) fn copy(
        py: Python<'_>,
        keys: &Matrix<'_>,
        values: &Matrix<'_>,
        rows: Range<usize>,
    ) -> Self {
        let count = rows.end.min(keys.rows).saturating_sub(rows.start);
        let (key_width, value_width) = (keys.width, values.width);
        let (keys, values) = (keys.copy(py, rows.clone()), values.copy(py, rows));
        Self { rows: count, keys, values, key_width, value_width }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// The pair of a row.
    pub(crate) fn get(&self, row: usize) -> (&[u8], &[u8]) {
        (at(&self.keys, row, self.key_width), at(&self.values, row, self.value_width))
    }
}

fn at(rows: &[u8], row: usize, width: usize) -> &[u8] {
    rows.get(row * width..(row + 1) * width).unwrap_or_default()
}
