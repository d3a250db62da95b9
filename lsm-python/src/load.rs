//! Bulk load: rows of columns become pairs, in batches.

use std::sync::Arc;

use lsm_core::{Batch, Error};
use pyo3::prelude::*;

use crate::arrow::import::{Column, Pairs, Source};
use crate::border::calling::{call, get, len};
use crate::border::errors::{Failure, Outcome};
use crate::border::wait::teller;
use crate::border::write::How;
use crate::column::matrix::{Matrix, Piece};
use crate::seen::Seen;

/// So many bytes are written at a time.
const BATCH_BYTES: usize = 1 << 20;

/// Pairs that can be read without the interpreter.
trait Rows: Sync {
    fn rows(&self) -> usize;

    fn get(&self, row: usize) -> PyResult<(&[u8], &[u8])>;
}

impl Rows for Pairs {
    fn rows(&self) -> usize {
        Pairs::rows(self)
    }

    fn get(&self, row: usize) -> PyResult<(&[u8], &[u8])> {
        Pairs::get(self, row)
    }
}

impl Rows for Piece {
    fn rows(&self) -> usize {
        Piece::rows(self)
    }

    fn get(&self, row: usize) -> PyResult<(&[u8], &[u8])> {
        Ok(Piece::get(self, row))
    }
}

/// What a load writes to, and how far it is.
pub(crate) struct Loader<'a> {
    to: &'a Arc<Seen>,
    how: How,
    told: Option<Py<PyAny>>,
    total: Option<u64>,
    batch: Batch,
    loaded: u64,
}

impl<'a> Loader<'a> {
    pub(crate) fn new(
        py: Python<'_>,
        to: &'a Arc<Seen>,
        how: How,
        progress: Option<Py<PyAny>>,
    ) -> Outcome<Self> {
        let told = progress.map(|progress| teller(py, progress)).transpose()?;
        Ok(Self { to, how, told, total: None, batch: Batch::new(), loaded: 0 })
    }

    /// Loads the two columns of that name from whatever has Arrow's methods.
    pub(crate) fn table(
        mut self,
        source: &Bound<'_, PyAny>,
        (key, value): (&str, &str),
    ) -> Outcome<u64> {
        if self.told.is_some() {
            self.total = rows_of(source);
        }
        let done = self.try_table(source, key, value);
        self.end(source.py(), done)
    }

    fn try_table(&mut self, source: &Bound<'_, PyAny>, key: &str, value: &str) -> Outcome<()> {
        let py = source.py();
        let (mut source, schema) = Source::open(source)?;
        let (key, value) = (Column::find(&schema, key)?, Column::find(&schema, value)?);
        while let Some(array) = py.detach(|| source.next())? {
            self.take(py, &Pairs::new(array, &key, &value)?)?;
        }
        Ok(())
    }

    /// Loads the rows of two arrays.
    pub(crate) fn matrices(
        mut self,
        keys: &Bound<'_, PyAny>,
        values: &Bound<'_, PyAny>,
    ) -> Outcome<u64> {
        let py = keys.py();
        let (keys, values) = (Matrix::of(keys, "keys")?, Matrix::of(values, "values")?);
        keys.check_as_long_as(&values)?;
        self.total = Some(keys.rows() as u64);
        let done = self.try_matrices(py, &keys, &values);
        self.end(py, done)
    }

    fn try_matrices(
        &mut self,
        py: Python<'_>,
        keys: &Matrix<'_>,
        values: &Matrix<'_>,
    ) -> Outcome<()> {
        let step = (BATCH_BYTES / (keys.width() + values.width()).max(1)).max(1);
        for start in (0..keys.rows()).step_by(step) {
            self.take(py, &Piece::copy(py, keys, values, start..start + step))?;
        }
        Ok(())
    }

    /// Writes rows, all but those that make no full batch yet.
    fn take(&mut self, py: Python<'_>, rows: &impl Rows) -> Outcome<()> {
        let mut row = 0;
        while row < rows.rows() {
            row = py.detach(|| self.fill(rows, row))?;
            if self.batch.bytes() >= BATCH_BYTES {
                self.write(py)?;
            }
        }
        Ok(py.check_signals()?)
    }

    /// Fills the batch from `row` on, and answers how far it came.
    fn fill(&mut self, rows: &impl Rows, from: usize) -> PyResult<usize> {
        for row in from..rows.rows() {
            if self.batch.bytes() >= BATCH_BYTES {
                return Ok(row);
            }
            let (key, value) = rows.get(row)?;
            self.batch.put(&self.to.keyspace, key, value);
            if let Some(refused) = self.batch.take_error() {
                return Err(self.placed(&refused));
            }
        }
        Ok(rows.rows())
    }

    /// The error, with the place of the pair that could not be taken.
    fn placed(&self, refused: &Error) -> PyErr {
        let place = self.loaded + self.batch.len() as u64;
        let message = format!("the pair in row {place}: {refused}");
        Failure::Engine(Error::new(refused.kind(), message)).into()
    }

    fn write(&mut self, py: Python<'_>) -> Outcome<()> {
        let (life, batch) = (&self.to.life, &self.batch);
        self.how.write(py, life, batch.bytes(), |options| life.db.write_with(batch, options))?;
        self.loaded += self.batch.len() as u64;
        self.batch.clear();
        py.check_signals()?;
        if let Some(told) = &self.told {
            let total = self.total.unwrap_or(0).max(self.loaded);
            call(told.bind(py), (self.loaded, total))?;
        }
        Ok(())
    }

    /// Writes what is left. An error is told how many pairs were loaded before it.
    fn end(mut self, py: Python<'_>, done: Outcome<()>) -> Outcome<u64> {
        let done = done.and_then(|()| self.write(py));
        match done {
            Ok(()) => Ok(self.loaded),
            Err(failure) => {
                let error = PyErr::from(failure);
                note(error.value(py), self.loaded)?;
                Err(error.into())
            }
        }
    }
}

fn note(error: &Bound<'_, PyAny>, loaded: u64) -> PyResult<()> {
    let said = format!("{loaded} pairs were loaded before this");
    call(&get(error, "add_note")?, (said,))?;
    call(&get(error, "__setattr__")?, ("loaded", loaded)).map(drop)
}

/// How many rows a table has, if that can be known without running a query.
fn rows_of(table: &Bound<'_, PyAny>) -> Option<u64> {
    let said = |name: &str| get(table, name).ok()?.extract::<u64>().ok();
    let index = || len(&get(table, "index").ok()?).ok();
    said("num_rows").or_else(|| said("height")).or_else(|| index().map(|rows| rows as u64))
}
