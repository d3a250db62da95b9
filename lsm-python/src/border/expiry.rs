//! When a value expires, as Python says it and hears it.

use std::time::Duration;

use lsm_core::Expiry;
use pyo3::prelude::*;

use crate::border::calling::{call, find};
use crate::border::errors::Failure;

/// A time to live: seconds, or a `timedelta`; `math.inf` for ever.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ttl(pub(crate) Expiry);

/// A moment: seconds since 1970, or a `datetime`; `math.inf` for never.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment(pub(crate) Expiry);

/// What the two keywords of a call say together.
pub(crate) fn expiry(ttl: Option<Ttl>, moment: Option<Moment>) -> PyResult<Expiry> {
    match (ttl, moment) {
        (Some(_), Some(_)) => Err(refused("ttl and expires_at say the same twice")),
        (Some(Ttl(expiry)), None) | (None, Some(Moment(expiry))) => Ok(expiry),
        (None, None) => Ok(Expiry::Usual),
    }
}

impl<'py> FromPyObject<'_, 'py> for Ttl {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let seconds = seconds_of(&object, "total_seconds")?;
        if seconds <= 0.0 {
            return Ok(Self(Expiry::After(Duration::ZERO)));
        }
        // No clock gets there.
        let lasting = |_| Expiry::Never;
        Ok(Self(Duration::try_from_secs_f64(seconds).map_or_else(lasting, Expiry::After)))
    }
}

impl<'py> FromPyObject<'_, 'py> for Moment {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let millis = seconds_of(&object, "timestamp")? * 1000.0;
        if millis >= u64::MAX as f64 {
            return Ok(Self(Expiry::Never));
        }
        Ok(Self(Expiry::At(millis.max(0.0).ceil() as u64)))
    }
}

/// Seconds: a number, or what a method of this name answers.
fn seconds_of(object: &Bound<'_, PyAny>, method: &str) -> PyResult<f64> {
    let seconds: f64 = match find(object, method)? {
        Some(method) => call(&method, ())?.extract()?,
        None => object.extract()?,
    };
    if seconds.is_nan() { Err(refused("nan is no time")) } else { Ok(seconds) }
}

/// Seconds since 1970; `None` for never.
pub(crate) fn seconds_since_1970(expiry: Expiry) -> Option<f64> {
    match expiry {
        Expiry::At(millis) => Some(millis as f64 / 1000.0),
        _ => None,
    }
}

fn refused(message: &str) -> PyErr {
    Failure::refuse(message).into()
}
