//! An iterator that may turn back and seek, as those of `lsmdb.plyvel` do.

use std::sync::Arc;

use lsm_core::base::sync::{AtomicU32, Ordering};
use lsm_core::{Cursor, Error};
use pyo3::exceptions::PyStopIteration;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::border::calling::call;
use crate::border::errors::{Failure, Outcome};
use crate::border::fork::Kept;
use crate::border::input::Input;
use crate::border::lock::Lock;
use crate::life::Life;
use crate::range::Range;
use crate::walk::{FIRST, Fetched, GROWTH, MOST, UNHEARD};

/// What is shown of each entry.
#[derive(Clone, Copy, Debug)]
struct Shown {
    key: bool,
    value: bool,
}

/// A place between two entries of a range. The next ones are fetched many at a time, as by other
/// iterators; a turn gives back what was not handed out.
#[pyclass(module = "lsmdb._native", name = "_Roamer", subclass, frozen, weakref)]
pub(crate) struct Roamer {
    shown: Shown,
    /// What all keys begin with, and nobody is shown.
    prefix: Vec<u8>,
    /// Makes the exception that is raised of one of ours.
    told: Py<PyAny>,
    /// How often something was asked, for signals to be heard now and then.
    asked: AtomicU32,
    inner: Kept<Lock<Option<Inner>>>,
    owner: Py<PyAny>,
}

struct Inner {
    life: Arc<Life>,
    /// Ahead of all that was fetched.
    cursor: Cursor,
    reverse: bool,
    fetched: Fetched,
    most: usize,
    /// An error came while it turned.
    is_lost: bool,
}

type Entry<'a> = (&'a [u8], &'a [u8]);

/// One step of a cursor.
fn step(cursor: &mut Cursor, reverse: bool) -> Result<Option<Entry<'_>>, Error> {
    if reverse { cursor.prev() } else { cursor.next() }
}

impl Inner {
    #[inline]
    fn next(&mut self, py: Python<'_>) -> Outcome<Option<Entry<'_>>> {
        self.life.check()?;
        if self.fetched.is_spent() {
            let Self { cursor, reverse, fetched, most, .. } = self;
            py.detach(|| fetched.refill(cursor, *reverse, *most))?;
            *most = (*most * GROWTH).min(MOST);
        }
        Ok(self.fetched.next())
    }

    fn back(&mut self, py: Python<'_>) -> Outcome<Option<Entry<'_>>> {
        self.life.check()?;
        if !self.fetched.take_back() {
            self.is_lost = true;
            py.detach(|| self.turn())?;
            self.is_lost = false;
        }
        Ok(self.fetched.peek())
    }

    /// Fetches the one entry in front of the place, as one that was not handed out.
    fn turn(&mut self) -> Result<(), Error> {
        let Self { cursor, reverse, fetched, most, .. } = self;
        for _ in 0..fetched.len() {
            step(cursor, !*reverse)?;
        }
        fetched.clear();
        *most = FIRST;
        if let Some((key, value)) = step(cursor, !*reverse)? {
            fetched.push(key, value);
            step(cursor, *reverse)?;
        }
        Ok(())
    }

    fn seek(
        &mut self,
        py: Python<'_>,
        seek: impl FnOnce(&mut Cursor) -> Result<(), Error> + Send,
    ) -> Outcome<()> {
        self.life.check()?;
        self.fetched.clear();
        self.most = FIRST;
        Ok(py.detach(|| seek(&mut self.cursor))?)
    }
}

impl Roamer {
    /// Does something with what it sees. If nobody knows where it stands afterwards, it is closed.
    fn with<T>(&self, py: Python<'_>, act: impl FnOnce(&mut Inner) -> Outcome<T>) -> PyResult<T> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        if asked % UNHEARD == 0 {
            // Before the lock is taken: handlers may do anything.
            py.check_signals()?;
        }
        let done = self.inner.get().map_err(Failure::from).and_then(|inner| {
            let mut inner = inner.lock(py);
            let here = inner.as_mut().ok_or_else(|| Failure::closed("iterator"))?;
            let done = act(here);
            if here.is_lost {
                let gone = inner.take();
                drop(inner);
                py.detach(|| drop(gone));
            }
            done
        });
        done.map_err(|failure| self.raised(py, failure))
    }

    fn raised(&self, py: Python<'_>, failure: Failure) -> PyErr {
        let is_ours = matches!(failure, Failure::Engine(_));
        let error = PyErr::from(failure);
        if !is_ours {
            return error;
        }
        let told = call(self.told.bind(py), (error.value(py),)).map(PyErr::from_value);
        let raised = told.unwrap_or_else(|failed| failed);
        raised.set_cause(py, Some(error));
        raised
    }

    /// What is shown of an entry: one object, or the two of a pair.
    fn made<'py>(&self, py: Python<'py>, (key, value): Entry<'_>) -> Made<'py> {
        let bytes = |bytes: &[u8]| PyBytes::new(py, bytes);
        let key = self.shown.key.then(|| bytes(key.get(self.prefix.len()..).unwrap_or_default()));
        (key, self.shown.value.then(|| bytes(value)))
    }

    fn shown<'py>(py: Python<'py>, made: Made<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(match made {
            (Some(key), Some(value)) => (key, value).into_pyobject(py)?.into_any(),
            (Some(one), None) | (None, Some(one)) => one.into_any(),
            (None, None) => py.None().into_bound(py),
        })
    }
}

type Made<'py> = (Option<Bound<'py, PyBytes>>, Option<Bound<'py, PyBytes>>);

#[pymethods]
impl Roamer {
    #[new]
    fn new(
        py: Python<'_>,
        range: &Bound<'_, Range>,
        shown: (bool, bool),
        prefix: Input<'_>,
        told: Py<PyAny>,
    ) -> PyResult<Self> {
        let shown = Shown { key: shown.0, value: shown.1 };
        let (life, mut cursor, reverse) = range.get().begin(!shown.value)?;
        if reverse {
            py.detach(|| cursor.seek_last()).map_err(Failure::from)?;
        }
        let fetched = Fetched::default();
        let inner = Inner { life, cursor, reverse, fetched, most: FIRST, is_lost: false };
        let prefix = prefix.as_ref().to_vec();
        let owner = range.clone().into_any().unbind();
        let asked = AtomicU32::new(0);
        Ok(Self { shown, prefix, told, asked, inner: Kept::new(Lock::new(Some(inner))), owner })
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let made = self.with(py, |inner| Ok(inner.next(py)?.map(|it| self.made(py, it))))?;
        made.map(|made| Self::shown(py, made)).transpose()
    }

    /// Moves one step back and answers the entry that it passed; StopIteration where the iterator
    /// began.
    fn prev<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let made = self.with(py, |inner| Ok(inner.back(py)?.map(|it| self.made(py, it))))?;
        Self::shown(py, made.ok_or_else(|| PyStopIteration::new_err(()))?)
    }

    /// Moves in front of the first key that is `target` or behind it, within the iterator's part
    /// of the keys.
    fn seek(&self, py: Python<'_>, target: Input<'_>) -> PyResult<()> {
        let key = [self.prefix.as_slice(), target.as_ref()].concat();
        self.with(py, |inner| inner.seek(py, |cursor| cursor.seek(&key)))
    }

    /// Moves in front of the smallest key of the iterator's part, in whichever direction it goes.
    fn seek_to_start(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, |inner| inner.seek(py, Cursor::seek_first))
    }

    /// Moves behind the largest key of the iterator's part, in whichever direction it goes.
    fn seek_to_stop(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, |inner| inner.seek(py, Cursor::seek_last))
    }

    /// Lets go of what it sees.
    fn close(&self, py: Python<'_>) {
        if let Ok(inner) = self.inner.get() {
            let gone = inner.lock(py).take();
            py.detach(|| drop(gone));
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.told)?;
        visit.call(&self.owner)
    }
}
