//! Everything that a keyspace, a snapshot and a view have in common: a mapping that can be read.

use lsm_core::ExplainOptions;
use pyo3::exceptions::{PyBufferError, PyKeyError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};

use crate::account::estimate;
use crate::border::calling::{call, each, get, import, shown};
use crate::border::errors::{Outcome, no_pickle};
use crate::border::expiry::seconds_since_1970;
use crate::border::fork::Kept;
use crate::border::input::{Index, Input, Seconds, Span};
use crate::border::target::Target;
use crate::border::wait::{Long, detached};
use crate::explain::{lookup, scan};
use crate::range::Range;
use crate::seen::{Open, Sight};
use crate::value::Value;
use crate::walk::{Walk, What};

/// A sorted mapping of bytes to bytes that can be read: what a database, a keyspace, a snapshot and
/// a view have in common.
///
/// Keys are in the order of their bytes. Keys and values are anything with the buffer protocol
/// when they go in, and `bytes` when they come out. It is a mapping in all but one thing: there is
/// no `len()`, which would have to read everything without saying so. `count()` does, and `bool()`
/// is always true.
#[pyclass(module = "lsmdb", name = "Readable", frozen, subclass, weakref)]
pub(crate) struct Readable {
    sight: Kept<Sight>,
    /// The database's object, which stays while anything of it is there; `None` in itself.
    owner: Option<Py<PyAny>>,
}

impl Readable {
    pub(crate) fn new(sight: Sight, owner: Option<Py<PyAny>>) -> Self {
        Self { sight: Kept::new(sight), owner }
    }

    #[inline]
    pub(crate) fn open(&self, py: Python<'_>) -> Outcome<Open<'_>> {
        self.sight.get()?.open(py)
    }

    pub(crate) fn sight(&self) -> Outcome<&Sight> {
        Ok(self.sight.get()?)
    }

    /// The database's object.
    pub(crate) fn owner(slf: &Bound<'_, Self>) -> Py<PyAny> {
        let py = slf.py();
        let owner = slf.get().owner.as_ref().map(|owner| owner.clone_ref(py));
        owner.unwrap_or_else(|| slf.clone().into_any().unbind())
    }

    pub(crate) fn span(slf: &Bound<'_, Self>, span: Span, reverse: bool) -> Outcome<Range> {
        let seen = slf.get().open(slf.py())?.clone();
        seen.life.check()?;
        Ok(Range::new(seen, span, reverse, Self::owner(slf)))
    }

    fn walk(slf: &Bound<'_, Self>, what: What, reverse: bool) -> Outcome<Walk> {
        Self::span(slf, Span::ALL, reverse)?.walk(slf.py(), what, false)
    }
}

#[pymethods]
impl Readable {
    /// The value of a key, `KeyError` if there is none; or for a slice, a range.
    fn __getitem__<'py>(slf: &Bound<'py, Self>, key: Index<'_>) -> Outcome<Bound<'py, PyAny>> {
        let py = slf.py();
        match key {
            Index::Key(key) => {
                let found = slf.get().open(py)?.get(py, key.as_ref())?;
                let missing = || PyKeyError::new_err(PyBytes::new(py, key.as_ref()).unbind());
                Ok(found.ok_or_else(missing)?.into_any())
            }
            Index::Span(span) => Ok(Bound::new(py, Self::span(slf, span, false)?)?.into_any()),
        }
    }

    fn __contains__(&self, py: Python<'_>, key: Input<'_>) -> Outcome<bool> {
        Ok(self.open(py)?.look(py, key.as_ref(), |_| ())?.is_some())
    }

    fn __iter__(slf: &Bound<'_, Self>) -> Outcome<Walk> {
        Self::walk(slf, What::Keys, false)
    }

    fn __reversed__(slf: &Bound<'_, Self>) -> Outcome<Walk> {
        Self::walk(slf, What::Keys, true)
    }

    /// Always true: telling whether there are entries would read some.
    fn __bool__(&self) -> bool {
        true
    }

    /// The value of a key, or `default` if there is none.
    ///
    /// >>> db[b"k"] = b"v"
    /// >>> db.get(b"k"), db.get(b"missing"), db.get(b"missing", b"")
    /// (b'v', None, b'')
    #[pyo3(signature = (key, default = None, /))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        key: Input<'_>,
        default: Option<Bound<'py, PyAny>>,
    ) -> Outcome<Option<Bound<'py, PyAny>>> {
        let found = self.open(py)?.get(py, key.as_ref())?;
        Ok(found.map(Bound::into_any).or(default))
    }

    /// The value of a key where it lies in the database's memory, not copied; `None` if there is
    /// none. Values of up to 30 bytes are copied: that is cheaper.
    ///
    /// >>> db[b"k"] = bytes(1000)
    /// >>> len(db.get_value(b"k"))
    /// 1000
    #[pyo3(signature = (key, /))]
    fn get_value(&self, py: Python<'_>, key: Input<'_>) -> Outcome<Option<Value>> {
        Ok(self.open(py)?.keep(py, key.as_ref())?.map(Value::new))
    }

    /// When the value of a key expires, in seconds since 1970; `None` if it never does. `KeyError`
    /// if the key has no value.
    ///
    /// >>> db.put(b"k", b"v", expires_at=4e9)
    /// >>> db.expires_at(b"k")
    /// 4000000000.0
    #[pyo3(signature = (key, /))]
    fn expires_at(&self, py: Python<'_>, key: Input<'_>) -> Outcome<Option<f64>> {
        let found = self.open(py)?.expiry(py, key.as_ref())?;
        let missing = || PyKeyError::new_err(PyBytes::new(py, key.as_ref()).unbind());
        Ok(seconds_since_1970(found.ok_or_else(missing)?))
    }

    /// How many seconds the value of a key has to live; `None` if it does for ever. `KeyError` if
    /// the key has no value.
    ///
    /// >>> db.put(b"k", b"v", ttl=60)
    /// >>> 0 < db.ttl(b"k") <= 60
    /// True
    #[pyo3(signature = (key, /))]
    fn ttl(&self, py: Python<'_>, key: Input<'_>) -> Outcome<Option<f64>> {
        let moment = self.expires_at(py, key)?;
        let now: f64 = call(&get(&import(py, "time")?, "time")?, ())?.extract()?;
        Ok(moment.map(|moment| (moment - now).max(0.0)))
    }

    /// Copies the value of a key to the front of a writable buffer, such as a `bytearray` or an
    /// array, and answers its length; `None` if there is none. `BufferError` if it does not fit.
    ///
    /// >>> db[b"k"] = b"abc"
    /// >>> buffer = bytearray(8)
    /// >>> db.get_into(b"k", buffer), bytes(buffer[:3])
    /// (3, b'abc')
    #[pyo3(signature = (key, buffer, /))]
    fn get_into(
        &self,
        py: Python<'_>,
        key: Input<'_>,
        buffer: &Bound<'_, PyAny>,
    ) -> Outcome<Option<usize>> {
        let target = Target::new(buffer)?;
        let copy = |value: &[u8]| target.fill(py, value).then_some(value.len()).ok_or(value.len());
        match self.open(py)?.look(py, key.as_ref(), copy)? {
            None => Ok(None),
            Some(Ok(len)) => Ok(Some(len)),
            Some(Err(len)) => {
                let message = format!("the value has {len} bytes, the buffer {}", target.len());
                Err(PyBufferError::new_err(message).into())
            }
        }
    }

    /// The values of several keys, all of the same moment, with `default` where there is none.
    /// Looking them up together costs less than one by one, and other threads run meanwhile.
    ///
    /// >>> db.update({b"a": b"1", b"b": b"2"})
    /// >>> db.get_many([b"a", b"b", b"c"])
    /// [b'1', b'2', None]
    #[pyo3(signature = (keys, default = None, /))]
    fn get_many<'py>(
        &self,
        py: Python<'py>,
        keys: &Bound<'py, PyAny>,
        default: Option<Bound<'py, PyAny>>,
    ) -> Outcome<Bound<'py, PyList>> {
        let held = each(keys)?.collect::<PyResult<Vec<_>>>()?;
        let keys = inputs(&held)?;
        let found = self.open(py)?.get_many(py, &keys)?;
        Ok(list(py, &found, default)?)
    }

    /// The pairs from `start` to before `stop`, as a range that can be gone through again and
    /// again. Nothing is read yet. `None` leaves an end open; `reverse` begins at the last.
    ///
    /// >>> db.update({b"a": b"1", b"b": b"2", b"c": b"3"})
    /// >>> list(db.range(b"a", b"c"))
    /// [(b'a', b'1'), (b'b', b'2')]
    /// >>> list(db.range(b"b", reverse=True).keys())
    /// [b'c', b'b']
    #[pyo3(signature = (start = None, stop = None, *, reverse = false))]
    fn range(
        slf: &Bound<'_, Self>,
        start: Option<Input<'_>>,
        stop: Option<Input<'_>>,
        reverse: bool,
    ) -> Outcome<Range> {
        Self::span(slf, Span::new(start, stop), reverse)
    }

    /// The pairs whose keys begin with `prefix`, as a range.
    ///
    /// >>> db.update({b"user:1": b"ann", b"user:2": b"bob", b"zoo": b""})
    /// >>> list(db.prefix(b"user:").values())
    /// [b'ann', b'bob']
    #[pyo3(signature = (prefix, *, reverse = false))]
    fn prefix(slf: &Bound<'_, Self>, prefix: Input<'_>, reverse: bool) -> Outcome<Range> {
        let options = slf.get().open(slf.py())?.keyspace.options();
        Self::span(slf, Span::prefix(prefix.as_ref(), options.get_comparator()), reverse)
    }

    /// An iterator over all keys, in order.
    fn keys(slf: &Bound<'_, Self>) -> Outcome<Walk> {
        Self::walk(slf, What::Keys, false)
    }

    /// An iterator over all values, in the order of their keys.
    fn values(slf: &Bound<'_, Self>) -> Outcome<Walk> {
        Self::walk(slf, What::Values, false)
    }

    /// An iterator over all pairs, in the order of their keys. It sees the moment at which it
    /// begins, whatever is written meanwhile.
    fn items(slf: &Bound<'_, Self>) -> Outcome<Walk> {
        Self::walk(slf, What::Pairs, false)
    }

    /// The first pair; `None` if there is none.
    fn first<'py>(slf: &Bound<'py, Self>) -> Outcome<Option<Bound<'py, PyTuple>>> {
        Self::span(slf, Span::ALL, false)?.first(slf.py())
    }

    /// The last pair; `None` if there is none.
    fn last<'py>(slf: &Bound<'py, Self>) -> Outcome<Option<Bound<'py, PyTuple>>> {
        Self::span(slf, Span::ALL, false)?.last(slf.py())
    }

    /// How many keys there are. Exact, and reads every one of them.
    ///
    /// `progress` is called with how many were counted, now and then, or is a bar of tqdm.
    #[pyo3(signature = (*, progress = None))]
    fn count(&self, py: Python<'_>, progress: Option<Py<PyAny>>) -> Outcome<u64> {
        let seen = self.open(py)?;
        Long::new(progress, None).call(py, |options| seen.count(&Span::ALL, options))
    }

    /// About how many keys there are now from `start` to before `stop`, as an `Estimate`: an `int`,
    /// the best guess, with bounds that always hold, `at_least` and `at_most`. Of large ranges only
    /// both ends are looked at.
    ///
    /// >>> db.update({b"a": b"1", b"b": b"2", b"c": b"3"})
    /// >>> db.approximate_count(b"b").at_most
    /// 2
    #[pyo3(signature = (start = None, stop = None))]
    fn approximate_count<'py>(
        &self,
        py: Python<'py>,
        start: Option<Input<'_>>,
        stop: Option<Input<'_>>,
    ) -> Outcome<Bound<'py, PyAny>> {
        let (seen, span) = (self.open(py)?, Span::new(start, stop));
        estimate(py, detached(py, || seen.keyspace.approximate_count(&span))?)
    }

    /// Looks a key up as `get` does, and tells which memtables, tables, filters and blocks were
    /// asked, what each said, and what it cost: a dict whose `str()` is a text. Its `answer` is
    /// "found", "deleted", "expired", "covered" (by a range that was deleted) or "missing".
    ///
    /// >>> db[b"k"] = b"v"
    /// >>> told = db.explain_get(b"k")
    /// >>> told["answer"], told["seqno"] == db.latest_seqno, told["value_bytes"]
    /// ('found', True, 1)
    /// >>> str(told).splitlines()[0].endswith(": found, 1 bytes, entry 1")
    /// True
    #[pyo3(signature = (key, /))]
    fn explain_get<'py>(&self, py: Python<'py>, key: Input<'_>) -> Outcome<Bound<'py, PyAny>> {
        let told = self.open(py)?.explain_get(py, key.as_ref())?;
        lookup(py, &told)
    }

    /// Walks through the pairs from `start` to before `stop`, `limit` of them at most, and tells
    /// what was read, what was passed over, and what that cost: a dict whose `str()` is a text.
    ///
    /// `progress` is called with how many pairs were passed, now and then, or is a bar of tqdm.
    ///
    /// >>> db.update({b"a": b"1", b"b": b"2", b"c": b"3"})
    /// >>> del db[b"b"]
    /// >>> told = db.explain_range(b"a", b"c")
    /// >>> told["pairs"], told["entries"]["deleted"], told["is_complete"]
    /// (1, 1, True)
    #[pyo3(signature = (
        start = None, stop = None, *, reverse = false, limit = None, progress = None, timeout = None
    ))]
    fn explain_range<'py>(
        slf: &Bound<'py, Self>,
        start: Option<Input<'_>>,
        stop: Option<Input<'_>>,
        reverse: bool,
        limit: Option<u64>,
        progress: Option<Py<PyAny>>,
        timeout: Option<Seconds>,
    ) -> Outcome<Bound<'py, PyAny>> {
        let py = slf.py();
        let (seen, span) = (slf.get().open(py)?, Span::new(start, stop));
        let told = Long::new(progress, timeout).call(py, |options| {
            let how = ExplainOptions::new().limit(limit).reverse(reverse).call(options);
            seen.explain_range(&span, how)
        })?;
        scan(py, &told)
    }

    /// `get` without ever waiting: raises `Busy` if the disk is needed.
    #[pyo3(signature = (key, default = None, /))]
    fn _try_get<'py>(
        &self,
        py: Python<'py>,
        key: Input<'_>,
        default: Option<Bound<'py, PyAny>>,
    ) -> Outcome<Option<Bound<'py, PyAny>>> {
        let seen = self.open(py)?;
        let found = seen.look_now(key.as_ref(), |value| PyBytes::new(py, value.bytes()))?;
        Ok(found.map(Bound::into_any).or(default))
    }

    /// `get_many` without ever waiting: raises `Busy` if the disk is needed.
    #[pyo3(signature = (keys, default = None, /))]
    fn _try_get_many<'py>(
        &self,
        py: Python<'py>,
        keys: &Bound<'py, PyAny>,
        default: Option<Bound<'py, PyAny>>,
    ) -> Outcome<Bound<'py, PyList>> {
        let held = each(keys)?.collect::<PyResult<Vec<_>>>()?;
        let found = self.open(py)?.get_many_now(&inputs(&held)?)?;
        Ok(list(py, &found, default)?)
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(no_pickle(&shown(slf.as_any())?))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.owner)
    }
}

/// Keys that lie in objects which are held meanwhile.
fn inputs<'a>(held: &'a [Bound<'_, PyAny>]) -> PyResult<Vec<Input<'a>>> {
    held.iter().map(|key| key.extract()).collect()
}

fn list<'py>(
    py: Python<'py>,
    found: &[Option<lsm_core::Slice>],
    default: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyList>> {
    let default = default.unwrap_or_else(|| py.None().into_bound(py));
    let value = |slice: &Option<lsm_core::Slice>| match slice {
        Some(slice) => PyBytes::new(py, slice).into_any(),
        None => default.clone(),
    };
    PyList::new(py, found.iter().map(value))
}
