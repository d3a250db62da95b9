//! Events: what happens inside, told to a function of Python's.

use std::sync::Arc;

use lsm_core::{Event as Happened, Level, Listener};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::border::calling::{call, report};
use crate::border::lock::Lock;

/// Something that happened inside a database. `str(event)` is a sentence.
#[pyclass(module = "lsmdb", frozen, get_all)]
pub(crate) struct Event {
    /// What: "flushed", "compacted", "pacing_changed" and so on.
    kind: &'static str,
    /// How much it matters: "error", "warn", "info" or "debug".
    level: &'static str,
    /// The keyspace, if it is about one.
    keyspace: Option<String>,
    /// A sentence.
    message: String,
}

impl Event {
    fn of(event: &Happened) -> Self {
        Self {
            kind: kind(event),
            level: level(event),
            keyspace: keyspace(event).map(str::to_owned),
            message: event.to_string(),
        }
    }
}

#[pymethods]
impl Event {
    fn __str__(&self) -> &str {
        &self.message
    }

    fn __repr__(&self) -> String {
        format!("<lsmdb.Event {}: {}>", self.kind, self.message)
    }
}

fn kind(event: &Happened) -> &'static str {
    match event {
        Happened::FlushBegan { .. } => "flush_began",
        Happened::Flushed { .. } => "flushed",
        Happened::CompactionBegan { .. } => "compaction_began",
        Happened::Compacted { .. } => "compacted",
        Happened::WorkFailed { .. } => "work_failed",
        Happened::StrategyFailed { .. } => "strategy_failed",
        Happened::TableDeleted { .. } => "table_deleted",
        Happened::PacingChanged { .. } => "pacing_changed",
        Happened::BecameReadOnly { .. } => "became_read_only",
        Happened::Resumed => "resumed",
        Happened::KeyspaceCreated { .. } => "keyspace_created",
        Happened::KeyspaceDropped { .. } => "keyspace_dropped",
        Happened::Recovered { .. } => "recovered",
        Happened::DamageFound { .. } => "damage_found",
        Happened::FilterFailed { .. } => "filter_failed",
        // Listeners pass over what they do not know.
        _ => "other",
    }
}

fn level(event: &Happened) -> &'static str {
    match event.level() {
        Level::Error => "error",
        Level::Warn => "warn",
        Level::Info => "info",
        Level::Debug => "debug",
    }
}

fn keyspace(event: &Happened) -> Option<&str> {
    match event {
        Happened::CompactionBegan { keyspace, .. }
        | Happened::Compacted { keyspace, .. }
        | Happened::StrategyFailed { keyspace, .. }
        | Happened::FilterFailed { keyspace, .. } => Some(keyspace),
        Happened::KeyspaceCreated { name, .. } | Happened::KeyspaceDropped { name, .. } => {
            Some(name)
        }
        _ => None,
    }
}

/// Who is told: a function of Python's, until nobody is to be told any more. It may hold the
/// database's object, which shows it to the garbage collector: else both would stay for ever.
#[derive(Clone, Default)]
pub(crate) struct Told(Arc<Lock<Option<Py<PyAny>>>>);

impl Told {
    pub(crate) fn new(function: Option<Py<PyAny>>) -> Self {
        Self(Arc::new(Lock::new(function)))
    }

    pub(crate) fn is_nobody(&self, py: Python<'_>) -> bool {
        self.0.lock(py).is_none()
    }

    /// The function, if it is there.
    pub(crate) fn get(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.0.lock(py).as_ref().map(|function| function.clone_ref(py))
    }

    /// Lets go of the function: what happens from now on goes unheard.
    pub(crate) fn forget(&self, py: Python<'_>) {
        let gone = self.0.lock(py).take();
        drop(gone);
    }

    /// Shows the function to the garbage collector, which cannot wait. What is in use just now is
    /// no garbage.
    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.0.try_lock().map_or(Ok(()), |function| visit.call(&*function))
    }

    /// `forget`, for the garbage collector.
    pub(crate) fn clear(&self) {
        let gone = self.0.try_lock().and_then(|mut function| function.take());
        drop(gone);
    }
}

impl Listener for Told {
    /// What the function raises is reported as Python reports what nobody can catch; it is told of
    /// the next event all the same.
    fn event(&self, event: &Happened) {
        // Without an interpreter there is nobody to tell.
        let _unheard = Python::try_attach(|py| {
            let Some(function) = self.get(py) else { return };
            if let Err(error) = call(function.bind(py), (Event::of(event),)) {
                report(error, function.bind(py));
            }
        });
    }
}
