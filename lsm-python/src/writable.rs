//! What a database and a keyspace have in common: a mapping that can be written.

use std::sync::Arc;

use lsm_core::{Batch, ReadOptions};
use pyo3::exceptions::{PyKeyError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::account::usage;
use crate::border::calling::{call, get, import};
use crate::border::errors::Outcome;
use crate::border::expiry::{Moment, Ttl, expiry};
use crate::border::fork::Kept;
use crate::border::input::{Durable, Index, Input, Seconds, Span};
use crate::border::wait::{Long, detached, teller};
use crate::load::Loader;
use crate::pairs::{in_batches, in_one_batch, len_of};
use crate::readable::Readable;
use crate::seen::{Seen, Sight};
use crate::snapshot::Snapshot;
use crate::swap::{Swap, take_first, tell, touch};
use crate::view::KeyspaceView;

mod ways;

/// A sorted mapping that can be written, too: what a database and a keyspace have in common.
///
/// Deletes are blind: `del mapping[key]` raises no `KeyError`, since finding out would cost a read.
/// Each write takes these keywords: `durability`, one of "durable", "buffered" and "volatile", as
/// the database has it otherwise; `timeout`, in seconds, for how long it may wait; and
/// `low_priority`, to let other writes go first while writers are held back.
#[pyclass(module = "lsmdb", name = "Writable", extends = Readable, frozen, subclass)]
pub(crate) struct Writable {
    seen: Kept<Arc<Seen>>,
}

impl Writable {
    /// A keyspace as two layers of one object.
    pub(crate) fn layers(seen: &Arc<Seen>, owner: Option<Py<PyAny>>) -> PyClassInitializer<Self> {
        let readable = Readable::new(Sight::Lasting(seen.clone()), owner);
        PyClassInitializer::from(readable).add_subclass(Self { seen: Kept::new(seen.clone()) })
    }

    pub(crate) fn seen(&self) -> Outcome<&Arc<Seen>> {
        Ok(self.seen.get()?)
    }
}

#[pymethods]
#[allow(clippy::too_many_arguments, reason = "Python's keywords are arguments here")]
impl Writable {
    fn __setitem__(&self, py: Python<'_>, key: Input<'_>, value: Input<'_>) -> Outcome<()> {
        self.seen()?.set(py, &self.how(None, None, false)?, key.as_ref(), value.as_ref())
    }

    fn __delitem__(&self, py: Python<'_>, key: Index<'_>) -> Outcome<()> {
        let how = self.how(None, None, false)?;
        match key {
            Index::Key(key) => self.seen()?.unset(py, &how, key.as_ref()),
            Index::Span(span) => self.seen()?.unset_span(py, &how, &span),
        }
    }

    /// Gives a key a value. It can expire: `ttl` seconds from now, or at the moment `expires_at`.
    ///
    /// >>> db.put(b"k", b"v", durability="durable")
    /// >>> db.put(b"session", b"ann", ttl=3600)
    #[pyo3(signature = (
        key, value, *, durability = None, timeout = None, low_priority = false, ttl = None,
        expires_at = None
    ))]
    fn put(
        &self,
        py: Python<'_>,
        key: Input<'_>,
        value: Input<'_>,
        durability: Option<Durable>,
        timeout: Option<Seconds>,
        low_priority: bool,
        ttl: Option<Ttl>,
        expires_at: Option<Moment>,
    ) -> Outcome<()> {
        let how = self.how(durability, timeout, low_priority)?.expiring(expiry(ttl, expires_at)?);
        self.seen()?.set(py, &how, key.as_ref(), value.as_ref())
    }

    /// Applies an operand to the value of a key, or to none, by the keyspace's merge operator, and
    /// reads nothing for that. The value then expires as `ttl` or `expires_at` say, else as the
    /// keyspace has it, or, if that says nothing, when it would have before.
    ///
    /// >>> log = db.keyspace("log", lsmdb.KeyspaceOptions(merge_operator="append"))
    /// >>> log.merge(b"k", b"a"), log.merge(b"k", b"b"), log[b"k"]
    /// (None, None, b'ab')
    #[pyo3(signature = (
        key, operand, *, durability = None, timeout = None, low_priority = false, ttl = None,
        expires_at = None
    ))]
    fn merge(
        &self,
        py: Python<'_>,
        key: Input<'_>,
        operand: Input<'_>,
        durability: Option<Durable>,
        timeout: Option<Seconds>,
        low_priority: bool,
        ttl: Option<Ttl>,
        expires_at: Option<Moment>,
    ) -> Outcome<()> {
        let how = self.how(durability, timeout, low_priority)?.expiring(expiry(ttl, expires_at)?);
        self.seen()?.merge(py, &how, key.as_ref(), operand.as_ref())
    }

    /// Lets the value that a key has expire at another moment, or never: with `math.inf`. Answers
    /// whether there was one; what has expired is gone.
    ///
    /// >>> db[b"k"] = b"v"
    /// >>> db.touch(b"k", ttl=60), db.touch(b"missing", ttl=60)
    /// (True, False)
    #[pyo3(signature = (
        key, *, ttl = None, expires_at = None, durability = None, timeout = None,
        low_priority = false
    ))]
    fn touch(
        &self,
        py: Python<'_>,
        key: Input<'_>,
        ttl: Option<Ttl>,
        expires_at: Option<Moment>,
        durability: Option<Durable>,
        timeout: Option<Seconds>,
        low_priority: bool,
    ) -> Outcome<bool> {
        let how = self.how(durability, timeout, low_priority)?;
        touch(py, self.seen()?, how.expiring(expiry(ttl, expires_at)?), key.as_ref())
    }

    /// Takes a key away, whether or not it is there.
    #[pyo3(signature = (key, *, durability = None, timeout = None, low_priority = false))]
    fn delete(
        &self,
        py: Python<'_>,
        key: Input<'_>,
        durability: Option<Durable>,
        timeout: Option<Seconds>,
        low_priority: bool,
    ) -> Outcome<()> {
        self.seen()?.unset(py, &self.how(durability, timeout, low_priority)?, key.as_ref())
    }

    /// Takes a key away, whether or not it is there. In a keyspace with `write_once` this takes
    /// less room than `delete`: it is gone as soon as it meets the put. Elsewhere it is as that.
    #[pyo3(signature = (key, *, durability = None, timeout = None, low_priority = false))]
    fn single_delete(
        &self,
        py: Python<'_>,
        key: Input<'_>,
        durability: Option<Durable>,
        timeout: Option<Seconds>,
        low_priority: bool,
    ) -> Outcome<()> {
        self.seen()?.unset_single(py, &self.how(durability, timeout, low_priority)?, key.as_ref())
    }

    /// Takes every key from `start` to before `stop` away, at the same cost for any number of them.
    /// `None` leaves an end open.
    ///
    /// >>> db.update({b"a": b"1", b"b": b"2", b"c": b"3"})
    /// >>> db.delete_range(b"a", b"c")
    /// >>> list(db)
    /// [b'c']
    #[pyo3(signature = (start, stop, *, durability = None, timeout = None, low_priority = false))]
    fn delete_range(
        &self,
        py: Python<'_>,
        start: Option<Input<'_>>,
        stop: Option<Input<'_>>,
        durability: Option<Durable>,
        timeout: Option<Seconds>,
        low_priority: bool,
    ) -> Outcome<()> {
        let how = self.how(durability, timeout, low_priority)?;
        self.seen()?.unset_span(py, &how, &Span::new(start, stop))
    }

    /// Gives a key a value if it has none. Answers whether it did; a value that is there stays.
    ///
    /// >>> db.insert_if_absent(b"lock", b"mine"), db.insert_if_absent(b"lock", b"yours")
    /// (True, False)
    #[pyo3(signature =
        (key, value, *, durability = None, timeout = None, low_priority = false, ttl = None))]
    fn insert_if_absent(
        &self,
        py: Python<'_>,
        key: Input<'_>,
        value: Input<'_>,
        durability: Option<Durable>,
        timeout: Option<Seconds>,
        low_priority: bool,
        ttl: Option<Ttl>,
    ) -> Outcome<bool> {
        let how = self.how(durability, timeout, low_priority)?.expiring(expiry(ttl, None)?);
        Swap::new(self.seen()?, how, key.as_ref()).make(py, None, Some(value.as_ref()))
    }

    /// Gives a key the value `new` if it has the value `expected`; `None` stands for no value on
    /// both sides. Answers whether it did.
    ///
    /// >>> db[b"k"] = b"1"
    /// >>> db.compare_and_set(b"k", b"1", b"2"), db.compare_and_set(b"k", b"1", None)
    /// (True, False)
    #[pyo3(signature =
        (key, expected, new, *, durability = None, timeout = None, low_priority = false))]
    fn compare_and_set(
        &self,
        py: Python<'_>,
        key: Input<'_>,
        expected: Option<Input<'_>>,
        new: Option<Input<'_>>,
        durability: Option<Durable>,
        timeout: Option<Seconds>,
        low_priority: bool,
    ) -> Outcome<bool> {
        let (expected, new) = (expected.as_ref(), new.as_ref());
        let how = self.how(durability, timeout, low_priority)?;
        let swap = Swap::new(self.seen()?, how, key.as_ref());
        swap.make(py, expected.map(AsRef::as_ref), new.map(AsRef::as_ref))
    }

    /// Replaces the value of a key by what `update` makes of it, and answers the value before.
    /// `None` stands for no value. `update` is called again if somebody else was faster.
    ///
    /// >>> db.fetch_update(b"count", lambda old: b"%d" % (int(old or 0) + 1))
    /// >>> db.fetch_update(b"count", lambda old: b"%d" % (int(old or 0) + 1))
    /// b'1'
    #[pyo3(signature =
        (key, update, /, *, durability = None, timeout = None, low_priority = false))]
    fn fetch_update<'py>(
        &self,
        key: Input<'_>,
        update: &Bound<'py, PyAny>,
        durability: Option<Durable>,
        timeout: Option<Seconds>,
        low_priority: bool,
    ) -> Outcome<Option<Bound<'py, PyBytes>>> {
        let how = self.how(durability, timeout, low_priority)?;
        Swap::new(self.seen()?, how, key.as_ref()).update(update)
    }

    /// Writes the pairs of a mapping, or an iterable of pairs, as one: all of them or none, for
    /// every reader and after every crash.
    #[pyo3(signature =
        (items = None, /, *, durability = None, timeout = None, low_priority = false))]
    fn update(
        &self,
        py: Python<'_>,
        items: Option<&Bound<'_, PyAny>>,
        durability: Option<Durable>,
        timeout: Option<Seconds>,
        low_priority: bool,
    ) -> Outcome<()> {
        let how = self.how(durability, timeout, low_priority)?;
        let Some(items) = items else { return Ok(()) };
        let batch = in_one_batch(&self.seen()?.keyspace, items)?;
        self.write(py, &how, &batch).map(drop)
    }

    /// Writes the pairs of a mapping, or an iterable of pairs, in batches of about a mebibyte, and
    /// answers how many there were. Fast for any number of pairs, and for those that do not fit
    /// into memory; not all or nothing: what was written before an error stays.
    ///
    /// `progress` is called with how many were written, now and then, or is a bar of tqdm.
    ///
    /// >>> db.put_many((b"%06d" % number, b"value") for number in range(1000))
    /// 1000
    #[pyo3(signature = (items, /, *, durability = None, progress = None))]
    fn put_many(
        &self,
        py: Python<'_>,
        items: &Bound<'_, PyAny>,
        durability: Option<Durable>,
        progress: Option<Py<PyAny>>,
    ) -> Outcome<u64> {
        let how = self.how(durability, None, false)?;
        let told = progress.map(|progress| teller(py, progress)).transpose()?;
        let total = len_of(items)?;
        let mut written = |batch: &mut Batch, count: u64| -> Outcome<()> {
            self.write(py, &how, batch)?;
            batch.clear();
            tell(py, told.as_ref(), (count, total))
        };
        in_batches(&self.seen()?.keyspace, items, &mut written)
    }

    /// Writes the rows of a table as pairs, as `put_many` writes them, and answers how many there
    /// were: of anything that Arrow reads, such as a table of pyarrow, a frame of pandas or polars,
    /// a result of DuckDB, a range of another database. `key` and `value` name the columns, which
    /// hold binary or strings and no nulls.
    ///
    /// An error has a note, and an attribute `loaded`, of how many pairs were written before it.
    ///
    /// >>> old = db.keyspace("old")
    /// >>> old.update({b"a": b"1", b"b": b"2"})
    /// >>> db.load(old.range())
    /// 2
    #[pyo3(signature = (
        source, /, *, key = "key", value = "value", durability = None, progress = None
    ))]
    fn load(
        &self,
        source: &Bound<'_, PyAny>,
        key: &str,
        value: &str,
        durability: Option<Durable>,
        progress: Option<Py<PyAny>>,
    ) -> Outcome<u64> {
        let how = self.how(durability, None, false)?;
        Loader::new(source.py(), self.seen()?, how, progress)?.table(source, (key, value))
    }

    /// The same of two arrays with a row for each pair: of NumPy, or with a buffer like theirs. A
    /// row's bytes are the key, or the value, as they lie there. Numbers are keys in their order
    /// if they are unsigned and big-endian, as in `numpy.arange(9, dtype=">u8")`.
    ///
    /// >>> from array import array
    /// >>> db.load_columns(memoryview(b"abc"), array("d", [0.5, 1.5, 2.5]))
    /// 3
    #[pyo3(signature = (keys, values, /, *, durability = None, progress = None))]
    fn load_columns(
        &self,
        keys: &Bound<'_, PyAny>,
        values: &Bound<'_, PyAny>,
        durability: Option<Durable>,
        progress: Option<Py<PyAny>>,
    ) -> Outcome<u64> {
        let how = self.how(durability, None, false)?;
        Loader::new(keys.py(), self.seen()?, how, progress)?.matrices(keys, values)
    }

    fn __ior__(&self, py: Python<'_>, items: &Bound<'_, PyAny>) -> Outcome<()> {
        self.update(py, Some(items), None, None, false)
    }

    /// Takes a key away and answers its value; `default`, or `KeyError`, if there is none. Of
    /// several who do this, one gets the value.
    #[pyo3(signature = (key, /, *default))]
    fn pop<'py>(
        slf: &Bound<'py, Self>,
        key: Input<'_>,
        default: &Bound<'py, PyTuple>,
    ) -> Outcome<Bound<'py, PyAny>> {
        let (py, this) = (slf.py(), slf.get());
        if default.len() > 1 {
            return Err(PyTypeError::new_err("pop takes a key, and one default at most").into());
        }
        let swap = Swap::new(this.seen()?, this.how(None, None, false)?, key.as_ref());
        match (swap.take(py)?, default.len()) {
            (Some(value), _) => Ok(value.into_any()),
            (None, 0) => Err(PyKeyError::new_err(PyBytes::new(py, key.as_ref()).unbind()).into()),
            (None, _) => Ok(default.get_item(0)?),
        }
    }

    /// Takes the first pair away and answers it; `KeyError` if there is none. Of several who do
    /// this, each gets another pair.
    fn popitem<'py>(slf: &Bound<'py, Self>) -> Outcome<Bound<'py, PyTuple>> {
        let (py, this) = (slf.py(), slf.get());
        let first = || Readable::span(slf.as_super(), Span::ALL, false)?.first(py);
        let taken = take_first(py, this.seen()?, this.how(None, None, false)?, first)?;
        Ok(taken.ok_or_else(|| PyKeyError::new_err("there is nothing in it"))?)
    }

    /// The value of a key; one that has none gets `default` first. All who do this get the same.
    #[pyo3(signature = (key, default, /))]
    fn setdefault<'py>(
        &self,
        py: Python<'py>,
        key: Input<'_>,
        default: Input<'_>,
    ) -> Outcome<Bound<'py, PyBytes>> {
        let how = self.how(None, None, false)?;
        Swap::new(self.seen()?, how, key.as_ref()).get_or(py, default.as_ref())
    }

    /// Takes everything away, at the same cost for any number of keys.
    fn clear(&self, py: Python<'_>) -> Outcome<()> {
        self.seen()?.unset_span(py, &self.how(None, None, false)?, &Span::ALL)
    }

    /// Writes what is in memory to a table, and returns when it is durable there. Seldom needed:
    /// `durability` and `DB.sync` are about what survives.
    ///
    /// `progress` is called with how many entries are written, now and then, or is a bar of tqdm.
    #[pyo3(signature = (*, progress = None, timeout = None))]
    fn flush(
        &self,
        py: Python<'_>,
        progress: Option<Py<PyAny>>,
        timeout: Option<Seconds>,
    ) -> Outcome<()> {
        let keyspace = &self.seen()?.keyspace;
        Long::new(progress, timeout).call(py, |options| keyspace.flush_with(options))
    }

    /// Merges everything from `start` to before `stop` down to the last level, and returns when
    /// that is done: afterwards nothing that was deleted takes space. Ctrl-C stops it at once.
    ///
    /// `progress` is called with how many entries are merged, now and then, or is a bar of tqdm.
    #[pyo3(signature = (start = None, stop = None, *, progress = None, timeout = None))]
    fn compact(
        &self,
        py: Python<'_>,
        start: Option<Input<'_>>,
        stop: Option<Input<'_>>,
        progress: Option<Py<PyAny>>,
        timeout: Option<Seconds>,
    ) -> Outcome<()> {
        let (keyspace, span) = (&self.seen()?.keyspace, Span::new(start, stop));
        Long::new(progress, timeout).call(py, |options| keyspace.compact_with(&span, options))
    }

    /// The same keyspace as a snapshot sees it.
    ///
    /// >>> users = db.keyspace("users")
    /// >>> users[b"ann"] = b"1"
    /// >>> with db.snapshot() as snapshot:
    /// ...     users[b"ann"] = b"2"
    /// ...     users.at(snapshot)[b"ann"]
    /// b'1'
    #[pyo3(signature = (snapshot, /))]
    fn at(slf: &Bound<'_, Self>, snapshot: &Bound<'_, Snapshot>) -> Outcome<Py<KeyspaceView>> {
        let of = snapshot.as_super().get().open(slf.py())?.snapshot.clone();
        Self::viewed(slf, of, ReadOptions::new())
    }

    /// The same keyspace, read in another way: without keeping blocks in the cache that have to be
    /// read (`fill_cache=False`, for large scans); only as far as no disk is needed, with `Busy`
    /// otherwise (`cached_only=True`); or believing nothing that is in memory (`verify=True`).
    #[pyo3(signature = (*, fill_cache = true, cached_only = false, verify = false))]
    fn reading(
        slf: &Bound<'_, Self>,
        fill_cache: bool,
        cached_only: bool,
        verify: bool,
    ) -> Outcome<Py<KeyspaceView>> {
        let options =
            ReadOptions::new().fill_cache(fill_cache).cached_only(cached_only).verify(verify);
        options.check()?;
        Self::viewed(slf, None, options)
    }

    /// The keyspace's name.
    #[getter]
    fn name(&self) -> Outcome<&str> {
        Ok(self.seen()?.keyspace.name())
    }

    /// How the keyspace is kept, as it was chosen when it was made.
    #[getter]
    fn options<'py>(&self, py: Python<'py>) -> Outcome<Bound<'py, PyAny>> {
        let class = get(&import(py, "lsmdb._options")?, "KeyspaceOptions")?;
        Ok(call(&get(&class, "parse")?, (self.seen()?.keyspace.options().to_string(),))?)
    }

    /// What the keyspace takes, on disk and in memory, and how much of that is alive and how much
    /// garbage, with bounds that always hold. Opens tables that were not opened yet.
    ///
    /// >>> db[b"key"] = b"value"
    /// >>> db.usage().live_keys
    /// Estimate(1)
    fn usage<'py>(&self, py: Python<'py>) -> Outcome<Bound<'py, PyAny>> {
        let seen = self.seen()?;
        usage(py, &detached(py, || seen.keyspace.usage())?)
    }

    /// `put` without ever waiting, not even to be durable: raises `Timeout` if it would have to.
    /// Answers the write's number, for `DB.wait_durable`.
    #[pyo3(signature = (key, value, durability = None, /))]
    fn _try_put(
        &self,
        key: Input<'_>,
        value: Input<'_>,
        durability: Option<Durable>,
    ) -> Outcome<u64> {
        let (keyspace, how) = (&self.seen()?.keyspace, self.how(durability, None, false)?);
        Ok(how.write_now(|options| keyspace.put_with(key, value, options))?.get())
    }

    /// `delete` without ever waiting, as `_try_put`.
    #[pyo3(signature = (key, durability = None, /))]
    fn _try_delete(&self, key: Input<'_>, durability: Option<Durable>) -> Outcome<u64> {
        let (keyspace, how) = (&self.seen()?.keyspace, self.how(durability, None, false)?);
        Ok(how.write_now(|options| keyspace.delete_with(key, options))?.get())
    }
}
