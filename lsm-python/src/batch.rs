//! Batches: many writes as one.

use std::sync::Arc;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::border::errors::{Outcome, no_pickle};
use crate::border::fork::Kept;
use crate::border::input::{Index, Input, Span};
use crate::border::lock::Lock;
use crate::border::write::How;
use crate::seen::Seen;
use crate::writable::Writable;

/// Writes that happen together: all of them or none, for every reader and after every crash, over
/// any number of keyspaces.
///
/// A `with` statement commits at its end, and drops the batch if its block raises. Without one,
/// `commit()` writes, and leaves the batch empty and ready for more.
///
/// >>> users = db.keyspace("users")
/// >>> with db.batch() as batch:
/// ...     batch.put(b"k", b"v")
/// ...     batch.put(b"ann", b"1", keyspace=users)
/// >>> users[b"ann"]
/// b'1'
#[pyclass(module = "lsmdb", frozen, weakref)]
pub(crate) struct Batch {
    inner: Kept<Lock<lsm_core::Batch>>,
    seen: Kept<Arc<Seen>>,
    how: How,
    owner: Py<PyAny>,
}

type Chosen<'a, 'py> = Option<&'a Bound<'py, Writable>>;

impl Batch {
    pub(crate) fn new(seen: Arc<Seen>, how: How, owner: Py<PyAny>) -> Self {
        let inner = Kept::new(Lock::new(lsm_core::Batch::new()));
        Self { inner, seen: Kept::new(seen), how, owner }
    }

    /// Adds to the batch; what cannot be written is refused now, not with the commit.
    fn add(
        &self,
        py: Python<'_>,
        keyspace: Chosen<'_, '_>,
        add: impl FnOnce(&mut lsm_core::Batch, &lsm_core::Keyspace),
    ) -> Outcome<()> {
        let seen = match keyspace {
            Some(keyspace) => keyspace.get().seen()?,
            None => self.seen.get()?,
        };
        let mut batch = self.inner.get()?.lock(py);
        add(&mut batch, &seen.keyspace);
        Ok(batch.take_error().map_or(Ok(()), Err)?)
    }
}

#[pymethods]
impl Batch {
    /// Gives a key a value, in the default keyspace if none is named.
    #[pyo3(signature = (key, value, /, *, keyspace = None))]
    fn put(
        &self,
        py: Python<'_>,
        key: Input<'_>,
        value: Input<'_>,
        keyspace: Chosen<'_, '_>,
    ) -> Outcome<()> {
        self.add(py, keyspace, |batch, keyspace| {
            batch.put(keyspace, key, value);
        })
    }

    /// Takes a key away, whether or not it is there.
    #[pyo3(signature = (key, /, *, keyspace = None))]
    fn delete(&self, py: Python<'_>, key: Input<'_>, keyspace: Chosen<'_, '_>) -> Outcome<()> {
        self.add(py, keyspace, |batch, keyspace| {
            batch.delete(keyspace, key);
        })
    }

    /// Takes every key from `start` to before `stop` away; `None` leaves an end open.
    #[pyo3(signature = (start, stop, /, *, keyspace = None))]
    fn delete_range(
        &self,
        py: Python<'_>,
        start: Option<Input<'_>>,
        stop: Option<Input<'_>>,
        keyspace: Chosen<'_, '_>,
    ) -> Outcome<()> {
        let span = Span::new(start, stop);
        self.add(py, keyspace, |batch, keyspace| {
            batch.delete_range(keyspace, &span);
        })
    }

    fn __setitem__(&self, py: Python<'_>, key: Input<'_>, value: Input<'_>) -> Outcome<()> {
        self.put(py, key, value, None)
    }

    fn __delitem__(&self, py: Python<'_>, key: Index<'_>) -> Outcome<()> {
        self.add(py, None, |batch, keyspace| {
            match key {
                Index::Key(key) => batch.delete(keyspace, key),
                Index::Span(span) => batch.delete_range(keyspace, &span),
            };
        })
    }

    fn __len__(&self, py: Python<'_>) -> Outcome<usize> {
        Ok(self.inner.get()?.lock(py).len())
    }

    /// How many bytes its writes take.
    #[getter]
    fn nbytes(&self, py: Python<'_>) -> Outcome<usize> {
        Ok(self.inner.get()?.lock(py).bytes())
    }

    /// Drops what was not committed.
    fn clear(&self, py: Python<'_>) -> Outcome<()> {
        self.inner.get()?.lock(py).clear();
        Ok(())
    }

    /// Writes it, and answers the number of its last write, for `DB.wait_durable`. A batch that
    /// could not be written stays as it is.
    fn commit(&self, py: Python<'_>) -> Outcome<u64> {
        let mut batch = self.inner.get()?.lock(py);
        let db = &self.seen.get()?.life.db;
        let whole = &*batch;
        let seqno = self.how.write(py, whole.bytes(), |options| db.write_with(whole, options))?;
        batch.clear();
        Ok(seqno.get())
    }

    /// `commit` without ever waiting, not even to be durable: raises `Timeout` if it would have to.
    fn _try_commit(&self, py: Python<'_>) -> Outcome<u64> {
        let mut batch = self.inner.get()?.lock(py);
        let db = &self.seen.get()?.life.db;
        let seqno = self.how.write_now(|options| db.write_with(&batch, options))?;
        batch.clear();
        Ok(seqno.get())
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (kind = None, _exception = None, _traceback = None))]
    fn __exit__(
        &self,
        py: Python<'_>,
        kind: Option<&Bound<'_, PyAny>>,
        _exception: Option<&Bound<'_, PyAny>>,
        _traceback: Option<&Bound<'_, PyAny>>,
    ) -> Outcome<()> {
        match kind {
            None => self.commit(py).map(drop),
            Some(_) if self.inner.is_here() => self.clear(py),
            Some(_) => Ok(()),
        }
    }

    fn __repr__(&self, py: Python<'_>) -> Outcome<String> {
        Ok(format!("<lsmdb.Batch of {} writes>", self.__len__(py)?))
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(no_pickle("a batch"))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.owner)
    }
}
