//! What a keyspace takes and what lies in a range, as the classes of `lsmdb._usage`.

use lsm_core::{Estimate, Usage};
use pyo3::prelude::*;

use crate::border::calling::{call, get, import};
use crate::border::errors::Outcome;

/// The module of the classes.
const MODULE: &str = "lsmdb._usage";

/// A number with its bounds.
pub(crate) fn estimate<'py>(py: Python<'py>, told: Estimate) -> Outcome<Bound<'py, PyAny>> {
    let class = get(&import(py, MODULE)?, "Estimate")?;
    Ok(call(&class, (told.estimate, told.at_least, told.at_most))?)
}

/// What a keyspace takes.
pub(crate) fn usage<'py>(py: Python<'py>, told: &Usage) -> Outcome<Bound<'py, PyAny>> {
    let class = get(&import(py, MODULE)?, "Usage")?;
    let made = get(&class, "_made")?;
    let sizes = (told.disk_bytes, told.memory_bytes, told.memory_entries, told.table_entries);
    let live = (told.live_bytes, told.live_bytes_min, told.live_bytes_max);
    let garbage = (told.garbage_bytes, told.garbage_bytes_min, told.garbage_bytes_max);
    let quota = (told.quota_bytes, told.is_over_quota, told.quota_refusals);
    let keys = estimate(py, told.live_keys)?;
    let rest = (told.reclaimable_bytes(), keys);
    Ok(call(&made, (sizes, told.data_bytes, live, garbage, rest, quota))?)
}
