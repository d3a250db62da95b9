//! Iterators: entries are fetched many at a time, without the interpreter, and handed out one by
//! one.

use std::sync::Arc;

use std::sync::MutexGuard;

use lsm_core::base::sync::{AtomicU32, Ordering};
use lsm_core::{Cursor, Error};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};

use crate::border::errors::Outcome;
use crate::border::fork::Kept;
use crate::border::lock::Lock;
use crate::life::Life;

/// So many entries are fetched at first, and more each time: who wants only one soon has it, and
/// who stops has let at most about as many be fetched in vain as it was given.
pub(crate) const FIRST: usize = 4;
pub(crate) const GROWTH: usize = 2;
pub(crate) const MOST: usize = 1024;
/// No more entries are fetched once they take so many bytes.
pub(crate) const BYTES_ENOUGH: usize = 256 << 10;

/// So many entries are handed out until signals are heard.
pub(crate) const UNHEARD: u32 = 1024;

/// What an iterator answers of each entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Pairs,
    Keys,
    Values,
    /// Lists of so many pairs.
    Chunks(usize),
}

/// An iterator over a range. It sees the moment at which it was made.
#[pyclass(module = "lsmdb", name = "Iterator", frozen)]
pub(crate) struct Walk {
    what: What,
    inner: Kept<Lock<Inner>>,
    /// How often it was asked; about, if threads share it.
    asked: AtomicU32,
    owner: Py<PyAny>,
}

struct Inner {
    life: Arc<Life>,
    /// Until the end was reached.
    cursor: Option<Cursor>,
    /// From the last to the first.
    reverse: bool,
    fetched: Fetched,
    most: usize,
}

/// Entries one behind the other.
#[derive(Default)]
pub(crate) struct Fetched {
    bytes: Vec<u8>,
    /// Where the key and the value of each end.
    ends: Vec<(usize, usize)>,
    /// How many were handed out, and where the next one starts.
    handed: usize,
    start: usize,
}

impl Fetched {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// True once all of them were handed out.
    pub(crate) fn is_spent(&self) -> bool {
        self.handed == self.ends.len()
    }

    /// Takes back what was handed out last; false if nothing was.
    pub(crate) fn take_back(&mut self) -> bool {
        let Some(handed) = self.handed.checked_sub(1) else { return false };
        self.handed = handed;
        self.start = match handed.checked_sub(1) {
            Some(before) => self.ends.get(before).map_or(0, |(_, end)| *end),
            None => 0,
        };
        true
    }

    /// What is handed out next.
    pub(crate) fn peek(&self) -> Option<(&[u8], &[u8])> {
        let (key_end, end) = self.ends.get(self.handed).copied()?;
        Some((self.bytes.get(self.start..key_end)?, self.bytes.get(key_end..end)?))
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        (self.handed, self.start) = (0, 0);
    }

    pub(crate) fn push(&mut self, key: &[u8], value: &[u8]) {
        self.bytes.extend_from_slice(key);
        let key_end = self.bytes.len();
        self.bytes.extend_from_slice(value);
        self.ends.push((key_end, self.bytes.len()));
    }

    pub(crate) fn next(&mut self) -> Option<(&[u8], &[u8])> {
        let (key_end, end) = self.ends.get(self.handed).copied()?;
        let start = std::mem::replace(&mut self.start, end);
        self.handed += 1;
        Some((self.bytes.get(start..key_end)?, self.bytes.get(key_end..end)?))
    }

    /// Fetches up to `most` entries, and at least one if there is one. An error behind some waits
    /// until they are handed out: the cursor meets it again.
    pub(crate) fn refill(
        &mut self,
        cursor: &mut Cursor,
        reverse: bool,
        most: usize,
    ) -> Result<(), Error> {
        self.clear();
        self.ends.reserve(most);
        while self.ends.len() < most && self.bytes.len() < BYTES_ENOUGH {
            let entry = if reverse { cursor.prev() } else { cursor.next() };
            match entry {
                Ok(Some((key, value))) => {
                    // Those behind it will be about as long.
                    if self.ends.is_empty() {
                        let all = (key.len() + value.len()).saturating_mul(most);
                        self.bytes.reserve(all.min(BYTES_ENOUGH));
                    }
                    self.push(key, value);
                }
                Ok(None) => break,
                Err(error) if self.ends.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        Ok(())
    }
}

impl Inner {
    /// Fetches more; false at the end.
    fn fetch(&mut self, py: Python<'_>) -> Outcome<bool> {
        let Self { cursor, reverse, fetched, most, .. } = self;
        let Some(at) = cursor else { return Ok(false) };
        py.detach(|| fetched.refill(at, *reverse, *most))?;
        *most = (*most * GROWTH).min(MOST);
        if fetched.ends.is_empty() {
            // What it holds of the database goes as soon as nobody needs it.
            let gone = cursor.take();
            py.detach(|| drop(gone));
            fetched.bytes = Vec::new();
        }
        Ok(!fetched.ends.is_empty())
    }

    #[inline]
    fn next(&mut self, py: Python<'_>) -> Outcome<Option<(&[u8], &[u8])>> {
        if self.cursor.is_none() {
            return Ok(None);
        }
        self.life.check()?;
        if self.fetched.handed == self.fetched.ends.len() && !self.fetch(py)? {
            return Ok(None);
        }
        Ok(self.fetched.next())
    }
}

impl Walk {
    pub(crate) fn new(
        life: &Arc<Life>,
        cursor: Cursor,
        what: What,
        reverse: bool,
        owner: Py<PyAny>,
    ) -> Outcome<Self> {
        let life = life.clone();
        let fetched = Fetched::default();
        let mut inner = Inner { life, cursor: Some(cursor), reverse, fetched, most: FIRST };
        if let (true, Some(cursor)) = (reverse, &mut inner.cursor) {
            cursor.seek_last()?;
        }
        let (inner, asked) = (Kept::new(Lock::new(inner)), AtomicU32::new(0));
        Ok(Self { what, inner, asked, owner })
    }

    /// Takes the lock. Before that signals are heard now and then: their handlers may do anything.
    #[inline]
    fn lock(&self, py: Python<'_>) -> Outcome<MutexGuard<'_, Inner>> {
        let asked = self.asked.load(Ordering::Relaxed).wrapping_add(1);
        self.asked.store(asked, Ordering::Relaxed);
        if asked % UNHEARD == 0 {
            py.check_signals()?;
        }
        Ok(self.inner.get()?.lock(py))
    }

    /// The next pair as two objects. A tuple is made of them elsewhere, without the lock: making
    /// one may begin a garbage collection, which may run anything.
    fn pair<'py>(
        &self,
        py: Python<'py>,
    ) -> Outcome<Option<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)>> {
        let mut inner = self.lock(py)?;
        let entry = inner.next(py)?;
        Ok(entry.map(|(key, value)| (PyBytes::new(py, key), PyBytes::new(py, value))))
    }

    pub(crate) fn next_pair<'py>(&self, py: Python<'py>) -> Outcome<Option<Bound<'py, PyTuple>>> {
        Ok(self.pair(py)?.map(|pair| pair.into_pyobject(py)).transpose()?)
    }

    fn list<'py>(&self, py: Python<'py>, size: usize) -> Outcome<Option<Bound<'py, PyList>>> {
        let chunk = PyList::empty(py);
        while chunk.len() < size {
            match self.next_pair(py)? {
                Some(pair) => chunk.append(pair)?,
                None => break,
            }
        }
        Ok((chunk.len() > 0).then_some(chunk))
    }
}

#[pymethods]
impl Walk {
    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> Outcome<Option<Bound<'py, PyAny>>> {
        let bytes = match self.what {
            What::Pairs => return Ok(self.next_pair(py)?.map(Bound::into_any)),
            What::Chunks(size) => return Ok(self.list(py, size)?.map(Bound::into_any)),
            What::Keys => self.lock(py)?.next(py)?.map(|(key, _)| PyBytes::new(py, key)),
            What::Values => self.lock(py)?.next(py)?.map(|(_, value)| PyBytes::new(py, value)),
        };
        Ok(bytes.map(Bound::into_any))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.owner)
    }
}
