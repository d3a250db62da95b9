//! Readers of a database, as the class of `lsmdb._readers`.

use lsm_core::ReaderInfo;
use pyo3::prelude::*;

use crate::border::calling::{call, get, import};
use crate::border::errors::Outcome;

/// What one reader says of itself.
pub(crate) fn reader_info<'py>(py: Python<'py>, reader: &ReaderInfo) -> Outcome<Bound<'py, PyAny>> {
    let class = get(&import(py, "lsmdb._readers")?, "ReaderInfo")?;
    let lease_left = reader.lease_left.as_secs_f64();
    Ok(call(&class, (reader.process_id, reader.edit, reader.seqno.get(), lease_left))?)
}
