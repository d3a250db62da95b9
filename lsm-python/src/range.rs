//! Ranges: what a slice of a mapping is.

use std::sync::Arc;

use lsm_core::Cursor as Core;
use pyo3::exceptions::{PyKeyError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule, PyTuple};

use crate::account::estimate;
use crate::border::errors::{Outcome, no_pickle};
use crate::border::fork::Kept;
use crate::border::input::{Input, Span};
use crate::border::wait::{Long, detached};
use crate::column::scan::{Limits, Scan};
use crate::columns::{self, Arrays, Reader};
use crate::cursor::Cursor;
use crate::life::Life;
use crate::pinned::PinnedWalk;
use crate::seen::Seen;
use crate::walk::{Walk, What};

/// The pairs of a mapping from one key to before another. It is lazy, and can be gone through again
/// and again: each time it sees one moment, that at which the iteration began.
///
/// >>> db.update({b"a": b"1", b"b": b"2", b"c": b"3"})
/// >>> range = db[b"a":b"c"]
/// >>> list(range), list(reversed(range))
/// ([(b'a', b'1'), (b'b', b'2')], [(b'b', b'2'), (b'a', b'1')])
#[pyclass(module = "lsmdb", frozen, weakref)]
pub(crate) struct Range {
    seen: Kept<Arc<Seen>>,
    span: Span,
    reverse: bool,
    owner: Py<PyAny>,
}

impl Range {
    pub(crate) fn new(seen: Arc<Seen>, span: Span, reverse: bool, owner: Py<PyAny>) -> Self {
        Self { seen: Kept::new(seen), span, reverse, owner }
    }

    pub(crate) fn seen(&self) -> Outcome<&Arc<Seen>> {
        let seen = self.seen.get()?;
        seen.life.check()?;
        Ok(seen)
    }

    /// An iterator; `backwards` as seen from the range's own direction.
    pub(crate) fn walk(&self, py: Python<'_>, what: What, backwards: bool) -> Outcome<Walk> {
        let seen = self.seen()?;
        let cursor = seen.cursor(&self.span, what == What::Keys)?;
        let reverse = self.reverse != backwards;
        Walk::new(&seen.life, cursor, what, reverse, self.owner.clone_ref(py))
    }

    /// The same on its way into columns.
    fn scan(&self) -> Outcome<Scan> {
        let seen = self.seen()?;
        Ok(Scan::new(&seen.life, seen.cursor(&self.span, false)?, self.reverse)?)
    }

    /// A core cursor at that end of the range where an iteration begins, what it belongs to, and
    /// whether it goes backwards.
    pub(crate) fn begin(&self, is_keys_only: bool) -> Outcome<(Arc<Life>, Core, bool)> {
        let seen = self.seen()?;
        Ok((seen.life.clone(), seen.cursor(&self.span, is_keys_only)?, self.reverse))
    }

    fn points(&self, py: Python<'_>, parts: usize) -> Outcome<Vec<lsm_core::Slice>> {
        let seen = self.seen()?;
        detached(py, || seen.keyspace.split_points(&self.span, parts))
    }

    fn key<'py>(py: Python<'py>, key: Option<&lsm_core::Slice>) -> Option<Bound<'py, PyBytes>> {
        key.map(|key| PyBytes::new(py, key))
    }
}

#[pymethods]
impl Range {
    fn __iter__(&self, py: Python<'_>) -> Outcome<Walk> {
        self.walk(py, What::Pairs, false)
    }

    fn __reversed__(&self, py: Python<'_>) -> Outcome<Walk> {
        self.walk(py, What::Pairs, true)
    }

    /// The value of a key of the range; `KeyError` for one that has none, or is not of the range.
    /// With it and `keys()` a range is a mapping, as for `dict(range)`, which looks keys up one by
    /// one: `dict(range.items())` is quicker, and of one moment.
    fn __getitem__<'py>(&self, py: Python<'py>, key: Input<'_>) -> Outcome<Bound<'py, PyBytes>> {
        let seen = self.seen()?;
        let found = match seen.holds(py, &self.span, key.as_ref())? {
            true => seen.get(py, key.as_ref())?,
            false => None,
        };
        let missing = || PyKeyError::new_err(PyBytes::new(py, key.as_ref()).unbind());
        Ok(found.ok_or_else(missing)?)
    }

    /// True if a key lies in the range, and is there.
    fn __contains__(&self, py: Python<'_>, key: Input<'_>) -> Outcome<bool> {
        let seen = self.seen()?;
        Ok(seen.holds(py, &self.span, key.as_ref())?
            && seen.look(py, key.as_ref(), |_| ())?.is_some())
    }

    /// An iterator over the keys alone: values are not touched.
    fn keys(&self, py: Python<'_>) -> Outcome<Walk> {
        self.walk(py, What::Keys, false)
    }

    /// An iterator over the values.
    fn values(&self, py: Python<'_>) -> Outcome<Walk> {
        self.walk(py, What::Values, false)
    }

    /// An iterator over the pairs, as iterating over the range itself.
    fn items(&self, py: Python<'_>) -> Outcome<Walk> {
        self.walk(py, What::Pairs, false)
    }

    /// An iterator over pairs of which nothing is copied: a `Value` for the key, and one for the
    /// value. Worth it for values of some kilobytes.
    fn zero_copy(&self, py: Python<'_>) -> Outcome<PinnedWalk> {
        let seen = self.seen()?;
        let cursor = seen.cursor(&self.span, false)?;
        PinnedWalk::new(&seen.life, cursor, self.reverse, self.owner.clone_ref(py))
    }

    /// An iterator over lists of up to `size` pairs.
    ///
    /// >>> db.update({b"a": b"1", b"b": b"2", b"c": b"3"})
    /// >>> [len(chunk) for chunk in db.range().chunks(2)]
    /// [2, 1]
    #[pyo3(signature = (size = 1024))]
    fn chunks(&self, py: Python<'_>, size: usize) -> Outcome<Walk> {
        if size == 0 {
            return Err(PyValueError::new_err("a chunk has one pair at least").into());
        }
        self.walk(py, What::Chunks(size), false)
    }

    /// An iterator over `Columns`: chunks of up to `rows` pairs, which are complete, too, with the
    /// pair that brings their keys and values to `nbytes`. pyarrow reads it as a stream of record
    /// batches of that size.
    ///
    /// >>> db.update({b"a": b"1", b"b": b"2", b"c": b"3"})
    /// >>> [columns.keys() for columns in db.range().columns(rows=2)]
    /// [[b'a', b'b'], [b'c']]
    #[pyo3(signature = (rows = 65536, *, nbytes = 67108864))]
    fn columns(&self, py: Python<'_>, rows: usize, nbytes: usize) -> Outcome<Reader> {
        Ok(Reader::new(self.scan()?, Limits { rows, bytes: nbytes }, self.owner.clone_ref(py))?)
    }

    /// All keys and all values as two NumPy arrays, as `Columns.to_numpy` makes them.
    ///
    /// >>> db.update({b"a": b"\x00\x01", b"b": b"\x01\x00"})
    /// >>> db.range().to_numpy(key="S1", value=">u2")[1].tolist()
    /// [1, 256]
    #[pyo3(signature = (key = None, value = None))]
    fn to_numpy<'py>(
        &self,
        py: Python<'py>,
        key: Option<Bound<'py, PyAny>>,
        value: Option<Bound<'py, PyAny>>,
    ) -> Outcome<Arrays<'py>> {
        let whole = columns::whole(py, self.scan()?)?;
        Ok(whole.arrays(py, key.as_ref(), value.as_ref())?)
    }

    /// The range as a stream of Arrow arrays, structs of a binary `key` and a binary `value`: what
    /// reads Arrow reads a range, as `pyarrow.table(db[b"a":b"m"])` does.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> Outcome<Bound<'py, PyCapsule>> {
        let (scan, owner) = (self.scan()?, self.owner.clone_ref(py));
        columns::arrow_stream(py, scan, requested_schema.as_ref(), owner)
    }

    /// What the columns of `__arrow_c_stream__` are.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        columns::arrow_schema(py)
    }

    /// The first pair in the range's own direction; `None` if there is none.
    pub(crate) fn first<'py>(&self, py: Python<'py>) -> Outcome<Option<Bound<'py, PyTuple>>> {
        self.walk(py, What::Pairs, false)?.next_pair(py)
    }

    /// The last pair in the range's own direction; `None` if there is none.
    pub(crate) fn last<'py>(&self, py: Python<'py>) -> Outcome<Option<Bound<'py, PyTuple>>> {
        self.walk(py, What::Pairs, true)?.next_pair(py)
    }

    /// How many keys there are. Exact, and reads every one of them.
    #[pyo3(signature = (*, progress = None))]
    fn count(&self, py: Python<'_>, progress: Option<Py<PyAny>>) -> Outcome<u64> {
        let seen = self.seen()?;
        Long::new(progress, None).call(py, |options| seen.count(&self.span, options))
    }

    /// About how many bytes the range takes on disk, as it is now.
    fn approximate_bytes(&self, py: Python<'_>) -> Outcome<u64> {
        let seen = self.seen()?;
        detached(py, || seen.keyspace.approximate_bytes(&self.span))
    }

    /// About how many keys the range has now, as an `Estimate`: an `int`, the best guess, with
    /// bounds that always hold, `at_least` and `at_most`. Of a large range only both ends are
    /// looked at.
    fn approximate_count<'py>(&self, py: Python<'py>) -> Outcome<Bound<'py, PyAny>> {
        let seen = self.seen()?;
        estimate(py, detached(py, || seen.keyspace.approximate_count(&self.span))?)
    }

    /// About how many bytes the range takes on disk, as an `Estimate`: at least the blocks that lie
    /// in it as a whole, at most those that hold some of it too.
    fn approximate_size<'py>(&self, py: Python<'py>) -> Outcome<Bound<'py, PyAny>> {
        let seen = self.seen()?;
        estimate(py, detached(py, || seen.keyspace.approximate_size(&self.span))?)
    }

    /// At most `parts` - 1 keys, ascending and strictly inside of the range, that cut it into parts
    /// of about the same size.
    ///
    /// >>> db.update({bytes([n]): b"value" for n in range(8)})
    /// >>> db.range().split_points(4)
    /// [b'\x02', b'\x04', b'\x06']
    fn split_points<'py>(
        &self,
        py: Python<'py>,
        parts: usize,
    ) -> Outcome<Vec<Bound<'py, PyBytes>>> {
        let points = self.points(py, parts)?;
        Ok(points.iter().map(|point| PyBytes::new(py, point)).collect())
    }

    /// The range as at most `parts` ranges of about the same size, one after the other, so that
    /// several threads can each go through one. Where there is little data they are fewer.
    ///
    /// >>> db.update({bytes([n]): b"value" for n in range(8)})
    /// >>> [part.count() for part in db.range().split(4)]
    /// [2, 2, 2, 2]
    fn split(&self, py: Python<'_>, parts: usize) -> Outcome<Vec<Self>> {
        let points = self.points(py, parts)?;
        let ends = points.iter().cloned().map(Some).chain([self.span.stop.clone()]);
        let starts = [self.span.start.clone()].into_iter();
        let starts = starts.chain(points.iter().cloned().map(Some));
        let part = |(start, stop)| {
            let (seen, owner) = (self.seen()?.clone(), self.owner.clone_ref(py));
            Ok(Self::new(
                seen,
                Span { start, stop, prefix: self.span.prefix.clone() },
                self.reverse,
                owner,
            ))
        };
        let mut ranges: Vec<Self> = starts.zip(ends).map(part).collect::<Outcome<_>>()?;
        if self.reverse {
            ranges.reverse();
        }
        Ok(ranges)
    }

    /// A cursor over the range, in front of its smallest key, whichever way the range goes; with
    /// `keys_only` it reads no values, and answers empty ones.
    #[pyo3(signature = (*, keys_only = false))]
    fn cursor(&self, py: Python<'_>, keys_only: bool) -> Outcome<Cursor> {
        let seen = self.seen()?;
        let cursor = seen.cursor(&self.span, keys_only)?;
        Ok(Cursor::new(&seen.life, cursor, self.owner.clone_ref(py)))
    }

    /// Where it starts; `None` if that end is open.
    #[getter]
    fn start<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        Self::key(py, self.span.start.as_ref())
    }

    /// Before which key it stops; `None` if that end is open.
    #[getter]
    fn stop<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        Self::key(py, self.span.stop.as_ref())
    }

    /// True if it is gone through from the last key to the first.
    #[getter]
    fn reverse(&self) -> bool {
        self.reverse
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let (start, stop) = (self.start(py).into_pyobject(py)?, self.stop(py).into_pyobject(py)?);
        let reverse = if self.reverse { ", reverse=True" } else { "" };
        Ok(format!("<lsmdb.Range({}, {}{reverse})>", start.repr()?, stop.repr()?))
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(no_pickle("a range"))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.owner)
    }
}
