//! The engine's errors as Python's: the classes and the table are in `lsmdb/_errors.py`.

use lsm_core::{Error, ErrorKind};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::border::calling::call;

/// What a call of the engine, or of Python in its midst, failed with.
pub(crate) enum Failure {
    Engine(Error),
    Python(PyErr),
}

pub(crate) type Outcome<T> = Result<T, Failure>;

impl Failure {
    /// What the call was given cannot be taken.
    pub(crate) fn refuse(message: &str) -> Self {
        Self::Engine(Error::new(ErrorKind::InvalidArgument, message))
    }

    /// Something that was closed is used.
    pub(crate) fn closed(what: &str) -> Self {
        Self::Engine(Error::new(ErrorKind::Closed, format!("the {what} is closed")))
    }

    /// The same, of a write that may be there all the same.
    pub(crate) fn and_maybe_committed(self) -> Self {
        match self {
            Self::Engine(error) => Self::Engine(error.and_maybe_committed()),
            python @ Self::Python(_) => python,
        }
    }

    /// The engine would have to wait for the disk.
    pub(crate) fn is_busy(&self) -> bool {
        self.is(ErrorKind::Busy)
    }

    /// The engine says so.
    pub(crate) fn is(&self, kind: ErrorKind) -> bool {
        matches!(self, Self::Engine(error) if error.kind() == kind)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

impl From<PyErr> for Failure {
    fn from(error: PyErr) -> Self {
        Self::Python(error)
    }
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Engine(error) => Python::attach(|py| told(py, &error)),
            Failure::Python(error) => error,
        }
    }
}

/// The exception for an error of the engine.
pub(crate) fn told(py: Python<'_>, error: &Error) -> PyErr {
    exception(py, error).map_or_else(|failed| failed, |raised| PyErr::from_value(raised))
}

static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// Finds what is imported, while it still can be: errors are raised at the interpreter's end, too.
pub(crate) fn prepare(py: Python<'_>) -> PyResult<()> {
    MAKE.import(py, "lsmdb._errors", "from_engine").map(drop)
}

/// The same as an object that nobody raises.
pub(crate) fn exception<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    let make = MAKE.import(py, "lsmdb._errors", "from_engine")?;
    let (is_retryable, maybe_committed) = (error.is_retryable(), error.maybe_committed());
    let place = (error.path(), error.offset(), error.os_code());
    let kind = name(error.kind());
    call(make, (kind, error.to_string(), place, is_retryable, maybe_committed))
}

/// The kind's name, by which `lsmdb/_errors.py` finds the class.
fn name(kind: ErrorKind) -> String {
    format!("{kind:?}")
}

/// Handles belong to one process, and cannot be copied.
pub(crate) fn no_pickle(what: &str) -> PyErr {
    PyTypeError::new_err(format!(
        "cannot pickle or copy {what}: open the database again where it is needed, by its path"
    ))
}
