//! Keyspaces that are only looked at.

use std::sync::Arc;

use pyo3::prelude::*;

use crate::border::errors::Outcome;
use crate::border::fork::OF_PARENT;
use crate::readable::Readable;
use crate::seen::{Seen, Sight};

/// A keyspace as a snapshot sees it, or read in another way than usual: of `Keyspace.at` and
/// `Keyspace.reading`.
#[pyclass(module = "lsmdb", extends = Readable, frozen)]
pub(crate) struct KeyspaceView;

impl KeyspaceView {
    pub(crate) fn make(py: Python<'_>, seen: Seen, owner: Py<PyAny>) -> Outcome<Py<Self>> {
        let readable = Readable::new(Sight::Lasting(Arc::new(seen)), Some(owner));
        Ok(Py::new(py, PyClassInitializer::from(readable).add_subclass(Self))?)
    }
}

#[pymethods]
impl KeyspaceView {
    fn __repr__(slf: &Bound<'_, Self>) -> Outcome<String> {
        let Ok(seen) = slf.as_super().get().open(slf.py()) else {
            return Ok(OF_PARENT.to_owned());
        };
        let at = seen
            .snapshot
            .as_ref()
            .map_or_else(String::new, |snapshot| format!(" at {}", snapshot.seqno().get()));
        Ok(format!("<lsmdb.KeyspaceView {:?}{at}>", seen.keyspace.name()))
    }
}
