//! Arguments: bytes in all the forms that Python has for them, ranges, durations, words.

#![allow(unsafe_code, reason = "foreign buffers are copied from where they lie")]

use std::ops::Bound as End;
use std::time::Duration;

use lsm_core::api::bounds::prefix_bounds;
use lsm_core::{Comparator, Durability, KeyRange, Slice};
use pyo3::exceptions::PyTypeError;
use pyo3::ffi::{PyBUF_FORMAT, PyBUF_ND};
use pyo3::prelude::*;
use pyo3::types::{PySlice, PyString};

use crate::border::calling::Held;
use crate::border::errors::Failure;

/// A key or a value. `bytes` never change, so they are used where they lie, also while the
/// interpreter runs on; anything else with a buffer may change then, and is copied first.
pub(crate) enum Input<'a> {
    Lent(&'a [u8]),
    Copied(Vec<u8>),
}

impl AsRef<[u8]> for Input<'_> {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Lent(bytes) => bytes,
            Self::Copied(bytes) => bytes,
        }
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Input<'a> {
    type Error = PyErr;

    #[inline]
    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        match <&[u8]>::extract(object) {
            Ok(bytes) => Ok(Self::Lent(bytes)),
            Err(_) => copied(&object).map(Self::Copied),
        }
    }
}

/// The bytes of an object that is not `bytes`.
#[cold]
fn copied(object: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    let held = match Held::take(object, PyBUF_ND | PyBUF_FORMAT) {
        Err(_) if !has_buffer(object) => return Err(no_bytes(object)),
        held => held?,
    };
    check_format("keys and values", &held.format())?;
    if held.len() == 0 {
        return Ok(Vec::new());
    }
    // SAFETY: the exporter keeps `len` bytes at `start` readable until they are given back, behind
    // this function; the interpreter is attached, so no Python code changes them meanwhile.
    Ok(unsafe { std::slice::from_raw_parts(held.start(), held.len()) }.to_vec())
}

/// Refuses bytes that mean something to this process alone, or to nobody who expects bytes. Names
/// of fields stand between colons in a format.
pub(crate) fn check_format(what: &str, format: &str) -> PyResult<()> {
    let has = |types: &[char]| format.split(':').step_by(2).any(|part| part.contains(types));
    if has(&['O', 'P', 'X', '&']) {
        let message = format!("{what} cannot be objects: their bytes are only pointers");
        return Err(PyTypeError::new_err(message));
    }
    if has(&['u', 'w']) {
        let message = format!("{what} are bytes, not text: encode it first, or use lsmdb.codecs");
        return Err(PyTypeError::new_err(message));
    }
    Ok(())
}

/// True if an object is of a type that has buffers, whether or not it has one now.
pub(crate) fn has_buffer(object: &Bound<'_, PyAny>) -> bool {
    // SAFETY: the object is there, and the interpreter attached.
    unsafe { pyo3::ffi::PyObject_CheckBuffer(object.as_ptr()) == 1 }
}

fn no_bytes(object: &Bound<'_, PyAny>) -> PyErr {
    let advice = if object.is_instance_of::<PyString>() {
        ", not str: encode it first, as with .encode(), or use lsmdb.codecs"
    } else {
        " or another object with a buffer: lsmdb.codecs has keys and values of other types"
    };
    let name = object.get_type().name().map_or_else(|_| String::new(), |name| name.to_string());
    PyTypeError::new_err(format!("keys and values are bytes{advice} (got {name})"))
}

/// From `start` to `stop`, either of which may be open.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) start: Option<Slice>,
    pub(crate) stop: Option<Slice>,
    /// What all keys begin with, beside; only where no bounds can say it.
    pub(crate) prefix: Option<Slice>,
}

impl Span {
    pub(crate) const ALL: Self = Self { start: None, stop: None, prefix: None };

    pub(crate) fn new(start: Option<Input<'_>>, stop: Option<Input<'_>>) -> Self {
        let copy = |key: Input<'_>| Slice::copy_from(key.as_ref());
        Self { start: start.map(copy), stop: stop.map(copy), prefix: None }
    }

    /// The keys that begin with `prefix`, in an order.
    pub(crate) fn prefix(prefix: &[u8], order: &Comparator) -> Self {
        if *order != Comparator::Bytewise {
            return Self { prefix: Some(Slice::copy_from(prefix)), ..Self::ALL };
        }
        let (_, stop) = prefix_bounds(prefix);
        let stop = match stop {
            End::Excluded(stop) => Some(stop),
            _ => None,
        };
        Self { start: Some(Slice::copy_from(prefix)), stop, prefix: None }
    }

    /// Of a slice between brackets.
    pub(crate) fn of(slice: &Bound<'_, PySlice>) -> PyResult<Self> {
        if !slice.getattr("step")?.is_none() {
            return Err(refused("a range of keys has no step: use range() and reversed()"));
        }
        let (start, stop) = (slice.getattr("start")?, slice.getattr("stop")?);
        Ok(Self::new(start.extract()?, stop.extract()?))
    }
}

impl KeyRange for &Span {
    fn into_bounds(self) -> (End<Slice>, End<Slice>) {
        let start = self.start.clone().map_or(End::Unbounded, End::Included);
        (start, self.stop.clone().map_or(End::Unbounded, End::Excluded))
    }

    fn prefix(&self) -> Option<Slice> {
        self.prefix.clone()
    }
}

/// A key, or a slice of keys, between brackets.
pub(crate) enum Index<'a> {
    Key(Input<'a>),
    Span(Span),
}

impl<'a, 'py> FromPyObject<'a, 'py> for Index<'a> {
    type Error = PyErr;

    #[inline]
    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        match object.cast::<PySlice>() {
            Ok(slice) => Span::of(&slice).map(Self::Span),
            Err(_) => object.extract().map(Self::Key),
        }
    }
}

fn refused(message: &str) -> PyErr {
    Failure::refuse(message).into()
}

/// A word for when a write is durable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Durable(pub(crate) Durability);

impl<'py> FromPyObject<'_, 'py> for Durable {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let word: String = object.extract()?;
        match word.as_str() {
            "durable" => Ok(Self(Durability::Durable)),
            "buffered" => Ok(Self(Durability::Buffered)),
            "volatile" => Ok(Self(Durability::Volatile)),
            _ => Err(refused(&format!(
                "durability is \"durable\", \"buffered\" or \"volatile\", not {word:?}"
            ))),
        }
    }
}

/// A time in seconds, as Python has them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seconds(pub(crate) Duration);

impl<'py> FromPyObject<'_, 'py> for Seconds {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let seconds: f64 = object.extract()?;
        let refusal = || refused(&format!("{seconds} is no time to wait, in seconds"));
        Duration::try_from_secs_f64(seconds).map(Self).map_err(|_| refusal())
    }
}
