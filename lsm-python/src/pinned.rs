//! The iterator that copies nothing.

use std::collections::VecDeque;
use std::sync::Arc;

use lsm_core::{Cursor, Error, Slice};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::border::errors::Outcome;
use crate::border::fork::Kept;
use crate::border::lock::Lock;
use crate::life::Life;
use crate::value::Value;
use crate::walk::BYTES_ENOUGH;

/// No more entries are fetched at a time. Each may keep a block in memory.
const MOST: usize = 32;

/// An iterator over pairs of `Value`. It sees the moment at which it was made.
#[pyclass(module = "lsmdb", name = "ZeroCopyIterator", frozen)]
pub(crate) struct PinnedWalk {
    inner: Kept<Lock<Inner>>,
    owner: Py<PyAny>,
}

struct Inner {
    life: Arc<Life>,
    /// Until the end was reached.
    cursor: Option<Cursor>,
    reverse: bool,
    fetched: VecDeque<(Slice, Slice)>,
}

impl Inner {
    fn fetch(&mut self) -> Result<(), Error> {
        let Some(cursor) = &mut self.cursor else { return Ok(()) };
        let mut bytes = 0;
        while self.fetched.len() < MOST && bytes < BYTES_ENOUGH {
            let entry = if self.reverse { cursor.prev() } else { cursor.next() };
            let key = match entry {
                Ok(Some((key, _))) => Slice::copy_from(key),
                Err(error) if self.fetched.is_empty() => return Err(error),
                Ok(None) | Err(_) => break,
            };
            let Some(value) = cursor.pinned_value() else { break };
            bytes += value.len();
            self.fetched.push_back((key, value));
        }
        if self.fetched.is_empty() {
            self.cursor = None;
        }
        Ok(())
    }
}

impl PinnedWalk {
    pub(crate) fn new(
        life: &Arc<Life>,
        mut cursor: Cursor,
        reverse: bool,
        owner: Py<PyAny>,
    ) -> Outcome<Self> {
        if reverse {
            cursor.seek_last()?;
        }
        let (life, fetched) = (life.clone(), VecDeque::new());
        let inner = Inner { life, cursor: Some(cursor), reverse, fetched };
        Ok(Self { inner: Kept::new(Lock::new(inner)), owner })
    }
}

#[pymethods]
impl PinnedWalk {
    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> Outcome<Option<(Value, Value)>> {
        // Before the lock is taken: handlers of signals may run anything.
        py.check_signals()?;
        let mut inner = self.inner.get()?.lock(py);
        if inner.cursor.is_none() {
            return Ok(None);
        }
        inner.life.check()?;
        if inner.fetched.is_empty() {
            let inner = &mut *inner;
            py.detach(|| inner.fetch())?;
        }
        let pair = inner.fetched.pop_front();
        Ok(pair.map(|(key, value)| (Value::new(key), Value::new(value))))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.owner)
    }
}
