//! Merge operators that are functions of Python's.

use lsm_core::{Error, ErrorKind, MergeOperator, Result};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::border::calling::{call, text};
use crate::event::Told;

/// The name of an operator, and what it does: to a value, to two operands, with an operand that is
/// about to be written, and with a value.
pub(crate) type Parts =
    (String, Py<PyAny>, Option<Py<PyAny>>, Option<Py<PyAny>>, Option<Py<PyAny>>);

/// An operator by way of Python. Its functions are let go of with the database, as a listener is.
#[derive(Clone)]
pub(crate) struct Own {
    name: String,
    merge: Told,
    partial: Option<Told>,
    check: Option<Told>,
    check_value: Option<Told>,
}

/// All operators of a database.
#[derive(Clone, Default)]
pub(crate) struct Owns(pub(crate) Vec<Own>);

impl Owns {
    pub(crate) fn new(all: Vec<Parts>) -> Self {
        let told = |function: Py<PyAny>| Told::new(Some(function));
        let own = |(name, merge, partial, check, check_value): Parts| Own {
            name,
            merge: told(merge),
            partial: partial.map(told),
            check: check.map(told),
            check_value: check_value.map(told),
        };
        Self(all.into_iter().map(own).collect())
    }

    /// Every function.
    pub(crate) fn functions(&self) -> impl Iterator<Item = &Told> {
        self.0.iter().flat_map(|own| {
            let others = [&own.partial, &own.check, &own.check_value];
            std::iter::once(&own.merge).chain(others.into_iter().flatten())
        })
    }
}

/// Asks a function of Python's; what it raises is an error.
pub(crate) fn ask<T>(
    function: &Told,
    question: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<T>,
) -> Result<T> {
    let gone = || Error::new(ErrorKind::Closed, "the database and its functions are gone");
    let answer = Python::try_attach(|py| {
        let function = function.get(py).ok_or_else(gone)?;
        question(function.bind(py)).map_err(|error| raised(py, &error))
    });
    answer.ok_or_else(gone)?
}

/// What was raised, in words.
fn raised(py: Python<'_>, error: &PyErr) -> Error {
    let kind = error.get_type(py).name().map(|name| name.to_string()).unwrap_or_default();
    let message = text(error.value(py).as_any()).unwrap_or_default();
    Error::new(ErrorKind::Aborted, format!("{kind}: {message}"))
}

pub(crate) fn take(answer: &Bound<'_, PyAny>, out: &mut Vec<u8>) -> PyResult<()> {
    let bytes: Vec<u8> = match answer.cast::<PyBytes>() {
        Ok(bytes) => bytes.as_bytes().to_vec(),
        Err(_) => crate::border::input::Input::extract(answer.as_borrowed())?.as_ref().to_vec(),
    };
    *out = bytes;
    Ok(())
}

impl MergeOperator for Own {
    fn name(&self) -> &str {
        &self.name
    }

    fn merge(
        &self,
        key: &[u8],
        base: Option<&[u8]>,
        operands: &[&[u8]],
        out: &mut Vec<u8>,
    ) -> Result<()> {
        ask(&self.merge, |function| {
            let py = function.py();
            let base = base.map(|base| PyBytes::new(py, base));
            let operands = PyList::new(py, operands.iter().map(|it| PyBytes::new(py, it)))?;
            take(&call(function, (PyBytes::new(py, key), base, operands))?, out)
        })
    }

    fn partial(&self, key: &[u8], older: &[u8], newer: &[u8], out: &mut Vec<u8>) -> Result<bool> {
        let Some(partial) = &self.partial else { return Ok(false) };
        ask(partial, |function| {
            let [key, older, newer] = [key, older, newer].map(|it| PyBytes::new(function.py(), it));
            let answer = call(function, (key, older, newer))?;
            if answer.is_none() { Ok(false) } else { take(&answer, out).map(|()| true) }
        })
    }

    fn check(&self, operand: &[u8]) -> Result<()> {
        look(self.check.as_ref(), operand)
    }

    fn check_value(&self, value: &[u8]) -> Result<()> {
        look(self.check_value.as_ref(), value)
    }
}

/// Whether bytes make sense: a function that raises or answers `False` refuses them.
fn look(check: Option<&Told>, bytes: &[u8]) -> Result<()> {
    let Some(check) = check else { return Ok(()) };
    let refused = |why: &str| Err(Error::new(ErrorKind::InvalidArgument, why));
    let answer = ask(check, |function| {
        let answer = call(function, (PyBytes::new(function.py(), bytes),))?;
        Ok(answer.extract::<bool>().unwrap_or(true))
    });
    match answer {
        Ok(true) => Ok(()),
        Ok(false) => refused("its check answered False"),
        Err(error) => refused(&error.to_string()),
    }
}
