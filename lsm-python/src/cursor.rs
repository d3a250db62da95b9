//! Cursors: gaps between entries, for those who go to and fro.

use std::sync::Arc;

use std::sync::MutexGuard;

use lsm_core::{Error, Slice};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::border::errors::{Failure, Outcome, no_pickle};
use crate::border::expiry::seconds_since_1970;
use crate::border::fork::Kept;
use crate::border::input::Input;
use crate::border::lock::Lock;
use crate::life::Life;
use crate::value::Value;

/// A gap between two entries of a range. It moves both ways and seeks: `next()` passes the entry
/// behind the gap and answers it, `prev()` the one in front.
///
/// >>> db.update({b"a": b"1", b"c": b"3"})
/// >>> cursor = db.range().cursor()
/// >>> cursor.seek(b"b").next(), cursor.next(), cursor.prev()
/// ((b'c', b'3'), None, (b'c', b'3'))
///
/// It sees the moment at which it was made, until `refresh()`.
#[pyclass(module = "lsmdb", frozen, weakref)]
pub(crate) struct Cursor {
    inner: Kept<Lock<Option<lsm_core::Cursor>>>,
    life: Kept<Arc<Life>>,
    owner: Py<PyAny>,
}

type Bytes<'py> = Bound<'py, PyBytes>;

impl Cursor {
    pub(crate) fn new(life: &Arc<Life>, cursor: lsm_core::Cursor, owner: Py<PyAny>) -> Self {
        let inner = Kept::new(Lock::new(Some(cursor)));
        Self { inner, life: Kept::new(life.clone()), owner }
    }

    fn lock(&self, py: Python<'_>) -> Outcome<MutexGuard<'_, Option<lsm_core::Cursor>>> {
        self.life.get()?.check()?;
        Ok(self.inner.get()?.lock(py))
    }

    /// Moves it, without the interpreter: that may read.
    fn change<T: Send>(
        &self,
        py: Python<'_>,
        change: impl FnOnce(&mut lsm_core::Cursor) -> Result<T, Error> + Send,
    ) -> Outcome<T> {
        let mut inner = self.lock(py)?;
        let cursor = inner.as_mut().ok_or_else(|| Failure::closed("cursor"))?;
        Ok(py.detach(|| change(cursor))?)
    }

    fn pass<'py>(
        &self,
        py: Python<'py>,
        is_forwards: bool,
    ) -> Outcome<Option<Bound<'py, PyTuple>>> {
        let pair = {
            let mut inner = self.lock(py)?;
            let cursor = inner.as_mut().ok_or_else(|| Failure::closed("cursor"))?;
            let entry = py.detach(|| if is_forwards { cursor.next() } else { cursor.prev() })?;
            let made = |bytes: &[u8]| -> Bytes<'py> { PyBytes::new(py, bytes) };
            entry.map(|(key, value)| (made(key), made(value)))
        };
        Ok(pair.map(|pair| pair.into_pyobject(py)).transpose()?)
    }
}

#[pymethods]
impl Cursor {
    /// Moves in front of the first entry whose key is `key` or behind it.
    #[pyo3(signature = (key, /))]
    fn seek<'py>(slf: Bound<'py, Self>, key: Input<'_>) -> Outcome<Bound<'py, Self>> {
        let key = key.as_ref();
        slf.get().change(slf.py(), |cursor| cursor.seek(key))?;
        Ok(slf)
    }

    /// Moves in front of everything.
    fn seek_first(slf: Bound<'_, Self>) -> Outcome<Bound<'_, Self>> {
        slf.get().change(slf.py(), lsm_core::Cursor::seek_first)?;
        Ok(slf)
    }

    /// Moves behind everything.
    fn seek_last(slf: Bound<'_, Self>) -> Outcome<Bound<'_, Self>> {
        slf.get().change(slf.py(), lsm_core::Cursor::seek_last)?;
        Ok(slf)
    }

    /// Sees from now on what is newest now, and stays in the same gap. One of a snapshot stays as
    /// it is.
    fn refresh(slf: Bound<'_, Self>) -> Outcome<Bound<'_, Self>> {
        slf.get().change(slf.py(), lsm_core::Cursor::refresh)?;
        Ok(slf)
    }

    /// Passes the next pair and answers it; `None` behind the last.
    fn next<'py>(&self, py: Python<'py>) -> Outcome<Option<Bound<'py, PyTuple>>> {
        self.pass(py, true)
    }

    /// Passes the pair before and answers it; `None` in front of the first.
    fn prev<'py>(&self, py: Python<'py>) -> Outcome<Option<Bound<'py, PyTuple>>> {
        self.pass(py, false)
    }

    /// The value that was passed last, where it lies; `None` unless the last move passed one.
    fn value(&self, py: Python<'_>) -> Outcome<Option<Value>> {
        let pinned: Option<Slice> = self.change(py, |cursor| Ok(cursor.pinned_value()))?;
        Ok(pinned.map(Value::new))
    }

    /// When the value that was passed last expires, in seconds since 1970; `None` if it never does,
    /// or unless the last move passed one.
    fn expires_at(&self, py: Python<'_>) -> Outcome<Option<f64>> {
        let expiry = self.change(py, |cursor| Ok(cursor.expiry()))?;
        Ok(expiry.and_then(seconds_since_1970))
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> Outcome<Option<Bound<'py, PyTuple>>> {
        self.pass(py, true)
    }

    /// Lets go of what it sees, before the object itself goes.
    fn close(&self, py: Python<'_>) -> Outcome<()> {
        if !self.inner.is_here() {
            return Ok(());
        }
        let gone = self.inner.get()?.lock(py).take();
        py.detach(|| drop(gone));
        Ok(())
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyAny>) -> Outcome<()> {
        self.close(py)
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(no_pickle("a cursor"))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.owner)
    }
}
