//! What the database tells of its own work, as objects of `lsmdb._explain`.

use std::ops::Bound as End;

use lsm_core::{Diagnosis, Explanation, RangeExplanation};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::border::calling::{call, get, import};
use crate::border::errors::Outcome;

/// Data of a text in JSON.
pub(crate) fn parsed<'py>(py: Python<'py>, json: &str) -> Outcome<Bound<'py, PyAny>> {
    Ok(call(&get(&import(py, "json")?, "loads")?, (json,))?)
}

pub(crate) fn lookup<'py>(py: Python<'py>, told: &Explanation) -> Outcome<Bound<'py, PyAny>> {
    let data = parsed(py, &told.to_json())?;
    put(&data, "key", Some(&told.key))?;
    object(&data, "Explanation", &told.to_string())
}

pub(crate) fn scan<'py>(py: Python<'py>, told: &RangeExplanation) -> Outcome<Bound<'py, PyAny>> {
    let data = parsed(py, &told.to_json())?;
    for (name, end) in [("lower", &told.lower), ("upper", &told.upper)] {
        let key = match end {
            End::Included(key) | End::Excluded(key) => Some(key),
            End::Unbounded => None,
        };
        put(&data, name, key)?;
    }
    object(&data, "Explanation", &told.to_string())
}

pub(crate) fn diagnosis<'py>(py: Python<'py>, told: &Diagnosis) -> Outcome<Bound<'py, PyAny>> {
    object(&parsed(py, &told.to_json())?, "Diagnosis", &told.to_string())
}

/// JSON has keys escaped.
fn put(data: &Bound<'_, PyAny>, name: &str, key: Option<&Vec<u8>>) -> PyResult<()> {
    let key = key.map(|key| PyBytes::new(data.py(), key));
    data.cast::<PyDict>()?.set_item(name, key)
}

fn object<'py>(data: &Bound<'py, PyAny>, class: &str, text: &str) -> Outcome<Bound<'py, PyAny>> {
    let classes = import(data.py(), "lsmdb._explain")?;
    Ok(call(&get(&classes, class)?, (data, text.trim_end()))?)
}
