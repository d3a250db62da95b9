//! Salvage: what can be read of a damaged database becomes a new one.

use lsm_core::{Db, LostRange, Options, SalvageReport};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::border::calling::{call, get, import, text};
use crate::border::errors::Outcome;
use crate::border::input::Seconds;
use crate::border::wait::Long;
use crate::database::path_of;

/// Rebuilds what can be read of the damaged database at `path` in `new_path`, a directory that is
/// made. Answers a report of what was lost: `is_complete`; `lost`, ranges of keys with
/// `keyspace`, `from`, `to` and `file`; `lost_log`, sequence numbers; `files` with their `damage`;
/// `keyspaces` with their `pairs`; `ignored`; `notes`.
///
/// The damaged directory is only read: `Locked` while somebody writes there. `options` are those of
/// the new database. `progress` is called with how many bytes were read, now and then, or is a bar
/// of tqdm. If the call fails or is stopped, the new database goes again.
///
/// >>> with lsmdb.open("fruits") as db:
/// ...     db[b"apple"] = b"red"
/// >>> report = lsmdb.salvage("fruits", "rescued")
/// >>> report["is_complete"], report["lost"]
/// (True, [])
#[pyfunction]
#[pyo3(signature = (path, new_path, /, *, options = None, progress = None, timeout = None))]
pub(crate) fn salvage<'py>(
    path: &Bound<'py, PyAny>,
    new_path: &Bound<'py, PyAny>,
    options: Option<&Bound<'py, PyAny>>,
    progress: Option<Py<PyAny>>,
    timeout: Option<Seconds>,
) -> Outcome<Bound<'py, PyAny>> {
    let py = path.py();
    let (path, new_path) = (path_of(path)?, path_of(new_path)?);
    let options = match options {
        Some(options) => Options::parse(&text(options)?)?,
        None => Options::new(),
    };
    let builder = Db::builder(path).options(options);
    let report =
        Long::new(progress, timeout).call(py, |call| builder.salvage_with(new_path, call))?;
    told(py, &report)
}

/// The report as plain data, with keys as they are.
fn told<'py>(py: Python<'py>, report: &SalvageReport) -> Outcome<Bound<'py, PyAny>> {
    let told = call(&get(&import(py, "json")?, "loads")?, (report.to_json(),))?;
    let lost = told.get_item("lost")?;
    for (at, range) in report.lost.iter().enumerate() {
        keys(lost.get_item(at)?.cast::<PyDict>().map_err(PyErr::from)?, range)?;
    }
    Ok(told)
}

fn keys(told: &Bound<'_, PyDict>, range: &LostRange) -> PyResult<()> {
    told.set_item("from", PyBytes::new(told.py(), &range.from))?;
    if let Some(to) = &range.to {
        told.set_item("to", PyBytes::new(told.py(), to))?;
    }
    Ok(())
}
