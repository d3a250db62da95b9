//! Events: what happens inside, told to a function of Python's.

use lsm_core::{Event as Happened, Level, Listener};
use pyo3::prelude::*;

use crate::border::calling::{call, report};

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
        | Happened::StrategyFailed { keyspace, .. } => Some(keyspace),
        Happened::KeyspaceCreated { name, .. } | Happened::KeyspaceDropped { name, .. } => {
            Some(name)
        }
        _ => None,
    }
}

/// A function of Python's that is told. What it raises is reported as Python reports what nobody
/// can catch; it is told of the next event all the same.
pub(crate) struct Told(pub(crate) Py<PyAny>);

impl Listener for Told {
    fn event(&self, event: &Happened) {
        // Without an interpreter there is nobody to tell.
        let _unheard = Python::try_attach(|py| {
            if let Err(error) = call(self.0.bind(py), (Event::of(event),)) {
                report(error, self.0.bind(py));
            }
        });
    }
}
