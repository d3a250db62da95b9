//! `lsmdb._native`: what the Python package gets from the engine.

use pyo3::prelude::*;

/// The native part of lsmdb. Import lsmdb instead.
#[pymodule(gil_used = false)]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))
}
