//! Snapshots: all keyspaces as they were at one moment.

use std::sync::Arc;

use pyo3::prelude::*;

use crate::border::errors::Outcome;
use crate::border::lock::Lock;
use crate::readable::Readable;
use crate::seen::{Seen, Sight};

/// The whole database as it was at one moment. It reads the default keyspace as it was then;
/// `keyspace.at(snapshot)` reads another one.
///
/// What it sees stays on the disk until it is closed, by `close()`, at the end of a `with`
/// statement, or when nobody has it any more.
///
/// >>> db[b"k"] = b"before"
/// >>> with db.snapshot() as snapshot:
/// ...     db[b"k"] = b"after"
/// ...     snapshot[b"k"]
/// b'before'
#[pyclass(module = "lsmdb", extends = Readable, frozen)]
pub(crate) struct Snapshot {
    seqno: u64,
}

impl Snapshot {
    pub(crate) fn make(py: Python<'_>, seen: Seen, owner: Py<PyAny>) -> Outcome<Py<Self>> {
        let seqno = seen.snapshot.as_ref().map_or(0, |snapshot| snapshot.seqno().get());
        let sight = Sight::Passing(Lock::new(Some(Arc::new(seen))));
        let readable = Readable::new(sight, Some(owner));
        Ok(Py::new(py, PyClassInitializer::from(readable).add_subclass(Self { seqno }))?)
    }
}

#[pymethods]
impl Snapshot {
    /// The number of the last write that it sees.
    #[getter]
    fn seqno(&self) -> u64 {
        self.seqno
    }

    /// True once it was closed, or the database was.
    #[getter]
    fn closed(slf: &Bound<'_, Self>) -> bool {
        let open = slf.as_super().get().open(slf.py());
        open.map_or(true, |seen| seen.life.is_closed())
    }

    /// Lets go of what it sees; does nothing the second time. Ranges of it that are there already
    /// stay good.
    fn close(slf: &Bound<'_, Self>) -> Outcome<()> {
        if let Ok(sight) = slf.as_super().get().sight() {
            sight.close(slf.py());
        }
        Ok(())
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(slf: &Bound<'_, Self>, _exception: &Bound<'_, PyAny>) -> Outcome<()> {
        Self::close(slf)
    }

    fn __repr__(&self) -> String {
        format!("<lsmdb.Snapshot at {}>", self.seqno)
    }
}
