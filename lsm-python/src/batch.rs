//! Batches: many writes as one.

use std::sync::{Arc, MutexGuard};

use lsm_core::base::sync::{AtomicUsize, Ordering};
use lsm_core::{Error, ErrorKind};

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::border::errors::{Failure, Outcome, no_pickle};
use crate::border::expiry::{Moment, Ttl, expiry};
use crate::border::fork::{Kept, OF_PARENT};
use crate::border::input::{Index, Input, Span};
use crate::border::lock::Lock;
use crate::border::write::How;
use crate::seen::Seen;
use crate::snapshot::Snapshot;
use crate::swap::NEVER_QUICK;
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
    /// The thread that commits it, while one does.
    committer: AtomicUsize,
    how: How,
    owner: Py<PyAny>,
}

/// A number that no other thread has at the time; never 0.
fn this_thread() -> usize {
    std::thread_local!(static HERE: u8 = const { 0 });
    HERE.with(|here| std::ptr::from_ref(here).addr())
}

type Chosen<'a, 'py> = Option<&'a Bound<'py, Writable>>;

impl Batch {
    pub(crate) fn new(seen: Arc<Seen>, how: How, owner: Py<PyAny>) -> Self {
        let inner = Kept::new(Lock::new(lsm_core::Batch::new()));
        let committer = AtomicUsize::new(0);
        Self { inner, seen: Kept::new(seen), committer, how, owner }
    }

    /// Takes the lock; `Busy` in a handler of a signal that came while this thread commits.
    fn lock(&self, py: Python<'_>) -> Outcome<MutexGuard<'_, lsm_core::Batch>> {
        if self.committer.load(Ordering::Relaxed) == this_thread() {
            let message = "the batch is being committed by this thread";
            return Err(Error::new(ErrorKind::Busy, message).into());
        }
        Ok(self.inner.get()?.lock(py))
    }

    /// Adds to the batch; what cannot be written is refused now, not with the commit.
    fn add(
        &self,
        py: Python<'_>,
        keyspace: Chosen<'_, '_>,
        add: impl FnOnce(&mut lsm_core::Batch, &lsm_core::Keyspace),
    ) -> Outcome<()> {
        let own = self.seen.get()?;
        let seen = keyspace.map_or(Ok(own), |keyspace| keyspace.get().seen())?;
        if !Arc::ptr_eq(&seen.life, &own.life) {
            return Err(Failure::refuse("the keyspace is one of another database"));
        }
        let mut batch = self.lock(py)?;
        add(&mut batch, &seen.keyspace);
        Ok(batch.take_error().map_or(Ok(()), Err)?)
    }
}

#[pymethods]
impl Batch {
    /// Gives a key a value, in the default keyspace if none is named. It can expire: `ttl` seconds
    /// from now, or at the moment `expires_at`.
    #[pyo3(signature = (key, value, /, *, keyspace = None, ttl = None, expires_at = None))]
    fn put(
        &self,
        py: Python<'_>,
        key: Input<'_>,
        value: Input<'_>,
        keyspace: Chosen<'_, '_>,
        ttl: Option<Ttl>,
        expires_at: Option<Moment>,
    ) -> Outcome<()> {
        let expiry = expiry(ttl, expires_at)?;
        self.add(py, keyspace, |batch, keyspace| {
            batch.put_expiring(keyspace, key, value, expiry);
        })
    }

    /// Applies an operand to the value of a key by the keyspace's merge operator, as
    /// `Writable.merge` does.
    #[pyo3(signature = (key, operand, /, *, keyspace = None, ttl = None, expires_at = None))]
    fn merge(
        &self,
        py: Python<'_>,
        key: Input<'_>,
        operand: Input<'_>,
        keyspace: Chosen<'_, '_>,
        ttl: Option<Ttl>,
        expires_at: Option<Moment>,
    ) -> Outcome<()> {
        let expiry = expiry(ttl, expires_at)?;
        self.add(py, keyspace, |batch, keyspace| {
            batch.merge_expiring(keyspace, key, operand, expiry);
        })
    }

    /// Takes a key away, whether or not it is there.
    #[pyo3(signature = (key, /, *, keyspace = None))]
    fn delete(&self, py: Python<'_>, key: Input<'_>, keyspace: Chosen<'_, '_>) -> Outcome<()> {
        self.add(py, keyspace, |batch, keyspace| {
            batch.delete(keyspace, key);
        })
    }

    /// Takes a key away, as `Writable.single_delete` does.
    #[pyo3(signature = (key, /, *, keyspace = None))]
    fn single_delete(
        &self,
        py: Python<'_>,
        key: Input<'_>,
        keyspace: Chosen<'_, '_>,
    ) -> Outcome<()> {
        self.add(py, keyspace, |batch, keyspace| {
            batch.single_delete(keyspace, key);
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

    /// Adds a condition: the key has no value. All conditions are looked at in the moment of the
    /// commit; if one does not hold, nothing is written, and `commit` raises `Conflict`.
    ///
    /// >>> with db.batch() as batch:
    /// ...     batch.require_absent(b"k")
    /// ...     batch.put(b"k", b"v")
    #[pyo3(signature = (key, /, *, keyspace = None))]
    fn require_absent(
        &self,
        py: Python<'_>,
        key: Input<'_>,
        keyspace: Chosen<'_, '_>,
    ) -> Outcome<()> {
        self.add(py, keyspace, |batch, keyspace| {
            batch.require_absent(keyspace, key);
        })
    }

    /// Adds a condition: the key has this value.
    #[pyo3(signature = (key, value, /, *, keyspace = None))]
    fn require_value(
        &self,
        py: Python<'_>,
        key: Input<'_>,
        value: Input<'_>,
        keyspace: Chosen<'_, '_>,
    ) -> Outcome<()> {
        self.add(py, keyspace, |batch, keyspace| {
            batch.require_value(keyspace, key, value);
        })
    }

    /// Adds a condition: nobody has written to the key since the snapshot, not even the same value
    /// again. A key that had no value then and has none now may count as unchanged. The snapshot
    /// may be closed; the batch keeps what it needs of it.
    #[pyo3(signature = (key, snapshot, /, *, keyspace = None))]
    fn require_unchanged(
        &self,
        py: Python<'_>,
        key: Input<'_>,
        snapshot: &Bound<'_, Snapshot>,
        keyspace: Chosen<'_, '_>,
    ) -> Outcome<()> {
        let since = snapshot.as_super().get().open(py)?.snapshot.clone();
        let Some(since) = since else { return Err(Failure::refuse("the snapshot has no moment")) };
        self.add(py, keyspace, |batch, keyspace| {
            batch.require_unchanged(keyspace, key, &since);
        })
    }

    /// How many conditions it has.
    #[getter]
    fn conditions(&self, py: Python<'_>) -> Outcome<usize> {
        Ok(self.lock(py)?.conditions())
    }

    fn __setitem__(&self, py: Python<'_>, key: Input<'_>, value: Input<'_>) -> Outcome<()> {
        self.put(py, key, value, None, None, None)
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
        Ok(self.lock(py)?.len())
    }

    /// How many bytes its writes take.
    #[getter]
    fn nbytes(&self, py: Python<'_>) -> Outcome<usize> {
        Ok(self.lock(py)?.bytes())
    }

    /// Drops what was not committed.
    fn clear(&self, py: Python<'_>) -> Outcome<()> {
        self.lock(py)?.clear();
        Ok(())
    }

    /// Writes it, and answers the number of its last write, for `DB.wait_durable`. A batch that
    /// could not be written stays as it is.
    fn commit(&self, py: Python<'_>) -> Outcome<u64> {
        let mut batch = self.lock(py)?;
        let life = &self.seen.get()?.life;
        let whole = &*batch;
        let bytes = if whole.conditions() == 0 { whole.bytes() } else { NEVER_QUICK };
        // Signals are heard meanwhile, and their handlers run on this thread.
        self.committer.store(this_thread(), Ordering::Relaxed);
        let written = self.how.write(py, life, bytes, |options| life.db.write_with(whole, options));
        self.committer.store(0, Ordering::Relaxed);
        let seqno = written?;
        batch.clear();
        Ok(seqno.get())
    }

    /// `commit` without ever waiting, not even to be durable: raises `Timeout` if it would have to.
    fn _try_commit(&self, py: Python<'_>) -> Outcome<u64> {
        let mut batch = self.lock(py)?;
        if batch.conditions() > 0 {
            let message = "conditions may have to be looked at on the disk";
            return Err(Error::new(ErrorKind::TimedOut, message).into());
        }
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
        let len =
            if self.inner.is_here() { self.__len__(py)? } else { return Ok(OF_PARENT.to_owned()) };
        Ok(format!("<lsmdb.Batch of {len} writes>"))
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(no_pickle("a batch"))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.owner)
    }
}
