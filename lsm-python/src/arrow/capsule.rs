//! Arrow's structs as Python objects: capsules, whose names say what is in them.

#![allow(unsafe_code, reason = "a capsule is a pointer with a name")]

use std::mem::replace;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyCapsuleMethods};

use crate::arrow::abi::Passed;

/// A capsule around `passed`. It gives it back if nobody has taken it out.
pub(crate) fn pack<T: Passed>(py: Python<'_>, passed: T) -> PyResult<Bound<'_, PyCapsule>> {
    PyCapsule::new_with_value(py, passed, T::NAME)
}

/// Takes out what somebody put into a capsule.
pub(crate) fn unpack<T: Passed>(object: &Bound<'_, PyAny>) -> PyResult<T> {
    let name = T::NAME.to_string_lossy();
    let wrong = || PyTypeError::new_err(format!("this should be a capsule named {name:?}"));
    let capsule = object.cast::<PyCapsule>().map_err(|_| wrong())?;
    let place = capsule.pointer_checked(Some(T::NAME)).map_err(|_| wrong())?.cast::<T>();
    if !place.is_aligned() {
        return Err(wrong());
    }
    // SAFETY: a capsule of this name holds such a struct, for as long as it lives; the interpreter
    // is attached, so nobody else takes it out meanwhile, and an empty one takes its place.
    let taken = replace(unsafe { &mut *place.as_ptr() }, T::EMPTY);
    if taken.is_empty() {
        return Err(PyValueError::new_err("what was in the capsule has been taken out before"));
    }
    Ok(taken)
}
