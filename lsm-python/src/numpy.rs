//! Columns as NumPy arrays. NumPy is imported when somebody asks for one.

use std::sync::Arc;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::border::calling::{call, get, import, text};
use crate::column::chunk::{Chunk, Column};
use crate::column::memory::{Lane, Which};

/// One of a chunk's two columns.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    Key,
    Value,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Value => "value",
        }
    }

    fn data(self) -> Which {
        match self {
            Self::Key => Which::KeyData,
            Self::Value => Which::ValueData,
        }
    }

    fn column(self, chunk: &Chunk) -> &Column {
        match self {
            Self::Key => &chunk.keys,
            Self::Value => &chunk.values,
        }
    }
}

/// A column as an array where it lies, of the dtype that is wanted; of bytes objects if none is.
pub(crate) fn array<'py>(
    py: Python<'py>,
    chunk: &Arc<Chunk>,
    side: Side,
    wanted: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let numpy = import(py, "numpy")?;
    let Some(wanted) = wanted else {
        return call(&get(&numpy, "array")?, (list(py, chunk, side)?, "O"));
    };
    let dtype = call(&get(&numpy, "dtype")?, (wanted,))?;
    check(&dtype, side.name(), side.column(chunk))?;
    if chunk.rows() > 0 {
        let view = Lane::view(py, chunk, side.data())?;
        return call(&get(&numpy, "frombuffer")?, (view, dtype));
    }
    let array = call(&get(&numpy, "empty")?, (0, dtype))?;
    array.getattr("flags")?.setattr("writeable", false)?;
    Ok(array)
}

/// A column as a list of bytes objects.
pub(crate) fn list<'py>(
    py: Python<'py>,
    chunk: &Chunk,
    side: Side,
) -> PyResult<Bound<'py, PyList>> {
    let column = side.column(chunk);
    let rows = (0..chunk.rows()).filter_map(|row| column.get(row));
    PyList::new(py, rows.map(|bytes| PyBytes::new(py, bytes)).collect::<Vec<_>>())
}

/// Refuses a dtype whose items are not bytes alone, or not as many as each row of `column` has.
fn check(dtype: &Bound<'_, PyAny>, name: &str, column: &Column) -> PyResult<()> {
    if dtype.getattr("hasobject")?.extract()? {
        let message = "the dtype has Python objects in it, and the database has bytes";
        return Err(PyTypeError::new_err(message));
    }
    let width = dtype.getattr("itemsize")?.extract()?;
    if width == 0 {
        let message = format!("the dtype {} has no width: name one, as in S16", text(dtype)?);
        return Err(PyTypeError::new_err(message));
    }
    match column.other_width(width) {
        Some((row, found)) => Err(PyValueError::new_err(format!(
            "the {name} in row {row} has {found} bytes, and {} takes {width}",
            text(dtype)?
        ))),
        None => Ok(()),
    }
}
