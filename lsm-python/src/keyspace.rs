//! Keyspaces: separately tuned mappings of one database.

use std::sync::Arc;

use pyo3::prelude::*;

use crate::border::errors::Outcome;
use crate::border::fork::OF_PARENT;
use crate::seen::Seen;
use crate::writable::Writable;

/// A mapping of its own inside a database, with its own options. Batches and snapshots span all
/// keyspaces.
///
/// >>> users = db.keyspace("users")
/// >>> users[b"ann"] = b"1"
/// >>> db.keyspaces()
/// ['users']
#[pyclass(module = "lsmdb", extends = Writable, frozen)]
pub(crate) struct Keyspace;

impl Keyspace {
    pub(crate) fn make(py: Python<'_>, seen: Seen, owner: Py<PyAny>) -> Outcome<Py<Self>> {
        let layers = Writable::layers(&Arc::new(seen), Some(owner)).add_subclass(Self);
        Ok(Py::new(py, layers)?)
    }
}

#[pymethods]
impl Keyspace {
    fn __repr__(slf: &Bound<'_, Self>) -> Outcome<String> {
        let readable = slf.as_super().as_super().get();
        let Ok(seen) = readable.open(slf.py()) else { return Ok(OF_PARENT.to_owned()) };
        Ok(format!("<lsmdb.Keyspace {:?}>", seen.keyspace.name()))
    }
}
