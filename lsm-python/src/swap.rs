//! What is read and written in one step.

use lsm_core::{Batch, ErrorKind, Expiry};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::border::calling::call;
use crate::border::errors::Outcome;
use crate::border::input::Input;
use crate::border::write::How;
use crate::seen::Seen;

/// What has conditions may have to look on the disk: other threads of Python go on meanwhile.
pub(crate) const NEVER_QUICK: usize = usize::MAX;

/// A write to one key, which depends on what the key has.
pub(crate) struct Swap<'a> {
    seen: &'a Seen,
    how: How,
    /// When the new value expires.
    expiry: Expiry,
    key: &'a [u8],
}

impl<'a> Swap<'a> {
    pub(crate) fn new(seen: &'a Seen, how: How, key: &'a [u8]) -> Self {
        let expiry = how.options.get_expiry();
        Self { seen, how: how.expiring(Expiry::Usual), expiry, key }
    }

    /// Gives the key another value, or none, if it has this one, or none. Answers whether it did.
    pub(crate) fn make(
        &self,
        py: Python<'_>,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Outcome<bool> {
        let (keyspace, key) = (&self.seen.keyspace, self.key);
        let mut batch = Batch::new();
        match expected {
            Some(value) => batch.require_value(keyspace, key, value),
            None => batch.require_absent(keyspace, key),
        };
        match new {
            Some(value) => batch.put_expiring(keyspace, key, value, self.expiry),
            None if expected.is_some() => batch.delete(keyspace, key),
            None => &mut batch,
        };
        let life = &self.seen.life;
        let write = |options: &_| life.db.write_with(&batch, options);
        match self.how.write(py, life, NEVER_QUICK, write) {
            Err(failure) if failure.is(ErrorKind::Conflict) => Ok(false),
            done => done.map(|_| true),
        }
    }

    /// Takes the value away and answers it.
    pub(crate) fn take<'py>(&self, py: Python<'py>) -> Outcome<Option<Bound<'py, PyBytes>>> {
        loop {
            let Some(value) = self.seen.get(py, self.key)? else { return Ok(None) };
            if self.make(py, Some(value.as_bytes()), None)? {
                return Ok(Some(value));
            }
            py.check_signals()?;
        }
    }

    /// The value; a key that has none gets this one first.
    pub(crate) fn get_or<'py>(
        &self,
        py: Python<'py>,
        default: &[u8],
    ) -> Outcome<Bound<'py, PyBytes>> {
        loop {
            if let Some(value) = self.seen.get(py, self.key)? {
                return Ok(value);
            }
            if self.make(py, None, Some(default))? {
                return Ok(PyBytes::new(py, default));
            }
        }
    }

    /// Replaces the value by what a function makes of it, and answers the value before.
    pub(crate) fn update<'py>(
        &self,
        update: &Bound<'py, PyAny>,
    ) -> Outcome<Option<Bound<'py, PyBytes>>> {
        let py = update.py();
        loop {
            let before = self.seen.get(py, self.key)?;
            let after = call(update, (before.clone(),))?;
            let after: Option<Input<'_>> = after.extract()?;
            let expected = before.as_ref().map(|value| value.as_bytes());
            if self.make(py, expected, after.as_ref().map(AsRef::as_ref))? {
                return Ok(before);
            }
            py.check_signals()?;
        }
    }
}

/// Hears signals, and tells how many of so many pairs were written.
pub(crate) fn tell(
    py: Python<'_>,
    told: Option<&Py<PyAny>>,
    (count, total): (u64, Option<usize>),
) -> Outcome<()> {
    py.check_signals()?;
    if let Some(told) = told {
        call(told.bind(py), (count, total.map_or(count, |total| total as u64)))?;
    }
    Ok(())
}

/// Takes the first pair away and answers it. Of several who do this, each gets another one.
pub(crate) fn take_first<'py>(
    py: Python<'py>,
    seen: &Seen,
    how: How,
    first: impl Fn() -> Outcome<Option<Bound<'py, PyTuple>>>,
) -> Outcome<Option<Bound<'py, PyTuple>>> {
    loop {
        let Some(pair) = first()? else { return Ok(None) };
        let (key, value) = (pair.get_item(0)?, pair.get_item(1)?);
        let (key, value): (Input<'_>, Input<'_>) = (key.extract()?, value.extract()?);
        if Swap::new(seen, how, key.as_ref()).make(py, Some(value.as_ref()), None)? {
            return Ok(Some(pair));
        }
        py.check_signals()?;
    }
}

/// Lets the value of a key expire at another moment; false if it has none.
pub(crate) fn touch(py: Python<'_>, seen: &Seen, how: How, key: &[u8]) -> Outcome<bool> {
    let swap = Swap::new(seen, how, key);
    loop {
        let Some(value) = seen.get(py, key)? else { return Ok(false) };
        if swap.make(py, Some(value.as_bytes()), Some(value.as_bytes()))? {
            return Ok(true);
        }
        py.check_signals()?;
    }
}
