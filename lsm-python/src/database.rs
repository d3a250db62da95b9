//! Databases: opened, looked after, closed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lsm_core::{Db, Error, ErrorKind, IfMissing, Keyspace as Core, Options, ReadOptions, SeqNo};
use pyo3::exceptions::PyValueError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::batch::Batch;
use crate::border::calling::{call, get, import, text};
use crate::border::errors::{Failure, Outcome, exception};
use crate::border::fork::{Kept, OF_PARENT};
use crate::border::input::{Durable, Seconds};
use crate::border::wait::{Long, deadline, detached, in_turns};
use crate::border::write::How;
use crate::comparator::{self, Orders};
use crate::event::Told;
use crate::explain::{diagnosis, parsed};
use crate::filter::{self, Filters};
use crate::keyspace::Keyspace;
use crate::life::Life;
use crate::operator::{Owns, Parts};
use crate::readers::reader_info;
use crate::seen::Seen;
use crate::snapshot::Snapshot;
use crate::writable::Writable;

/// The native part of `lsmdb.DB`: everything but how one is forgotten.
#[pyclass(module = "lsmdb._native", extends = Writable, frozen, subclass)]
pub(crate) struct Database {
    life: Kept<Arc<Life>>,
    told: Told,
    operators: Owns,
    orders: Orders,
    filters: Filters,
}

/// The program's own merge operators, comparators and compaction filters.
type Functions = (Vec<Parts>, Vec<comparator::Parts>, Vec<filter::Parts>);

/// A way to the directory, of anything that `open` of Python takes.
pub(crate) fn path_of(path: &Bound<'_, PyAny>) -> PyResult<PathBuf> {
    let path: PathBuf = call(&get(&import(path.py(), "os")?, "fsdecode")?, (path,))?.extract()?;
    if path.as_os_str().as_encoded_bytes().contains(&0) {
        return Err(PyValueError::new_err("a path has no null byte in it"));
    }
    Ok(path)
}

/// What may be there, and what may be made, by the word that dbm has for it.
fn with_mode(options: Options, mode: &str) -> Outcome<Options> {
    match mode {
        "r" => Ok(options.if_missing(IfMissing::Fail).read_only(true)),
        "w" => Ok(options.if_missing(IfMissing::Fail)),
        "c" | "n" => Ok(options.if_missing(IfMissing::Create)),
        "x" => Ok(options.if_missing(IfMissing::MustBeMissing)),
        _ => Err(Failure::refuse(&format!(
            "mode is \"r\", \"w\", \"c\", \"n\" or \"x\", not {mode:?}"
        ))),
    }
}

/// Removes the database that is there, if one is. Other files in its directory would keep the new
/// one from being made, so they keep the old one as well.
fn make_room(path: &Path) -> Result<(), Error> {
    if let Ok(db) = Db::builder(path).options(Options::new().read_only(true)).open() {
        if let Some(name) = db.open_report().unknown.first() {
            let message = "this directory holds other files, too; nothing was changed";
            return Err(Error::new(ErrorKind::Format, message).at_path(&path.join(name)));
        }
    }
    match Db::destroy(path) {
        Err(error) if !error.is_not_found() => Err(error),
        _ => Ok(()),
    }
}

impl Database {
    /// The program's functions, but for the listener.
    fn functions(&self) -> impl Iterator<Item = &Told> {
        let others = self.orders.functions().chain(self.filters.functions());
        self.operators.functions().chain(others)
    }

    fn life(&self) -> Outcome<&Arc<Life>> {
        let life = self.life.get()?;
        life.check()?;
        Ok(life)
    }

    fn owner(slf: &Bound<'_, Self>) -> Py<PyAny> {
        slf.clone().into_any().unbind()
    }

    /// A keyspace's object.
    fn wrap(slf: &Bound<'_, Self>, keyspace: Core) -> Outcome<Py<Keyspace>> {
        let life = slf.get().life()?;
        let seen = Seen::new(life, keyspace, None, ReadOptions::new());
        Keyspace::make(slf.py(), seen, Self::owner(slf))
    }
}

#[pymethods]
impl Database {
    #[new]
    #[pyo3(signature = (
        path, /, *, mode = "c", options = "", listener = None, functions = Functions::default(),
        default_keyspace = None
    ))]
    fn new(
        py: Python<'_>,
        path: &Bound<'_, PyAny>,
        mode: &str,
        options: &str,
        listener: Option<Py<PyAny>>,
        functions: Functions,
        default_keyspace: Option<&str>,
    ) -> Outcome<PyClassInitializer<Self>> {
        let path = path_of(path)?;
        let options = with_mode(Options::parse(options)?, mode)?;
        let usual = options.get_durability();
        let mut builder = Db::builder(&path).options(options);
        if let Some(text) = default_keyspace {
            builder = builder.default_keyspace(lsm_core::KeyspaceOptions::parse(text)?);
        }
        let told = Told::new(listener);
        if !told.is_nobody(py) {
            builder = builder.listener(told.clone());
        }
        let (operators, orders, filters) = functions;
        let operators = Owns::new(operators);
        for own in &operators.0 {
            builder = builder.merge_operator(own.clone());
        }
        let (orders, filters) = (Orders::new(orders), Filters::new(filters));
        builder = filters.register(orders.register(builder));
        let db = detached(py, || {
            if mode == "n" {
                make_room(&path)?;
            }
            builder.open()
        })?;
        let keyspace = db.default_keyspace().clone();
        let life = Arc::new(Life::new(db, usual));
        let seen = Arc::new(Seen::new(&life, keyspace, None, ReadOptions::new()));
        Ok(Writable::layers(&seen, None).add_subclass(Self {
            life: Kept::new(life),
            told,
            operators,
            orders,
            filters,
        }))
    }

    /// The directory that it was opened in, as the opening named it.
    #[getter]
    fn path(&self) -> Outcome<OsString> {
        Ok(self.life.get()?.db.path().as_os_str().to_owned())
    }

    /// True once it was closed; in a forked child, too.
    #[getter]
    fn closed(&self) -> bool {
        self.life.get().map_or(true, |life| life.is_closed())
    }

    /// What the opening found, as data.
    #[getter]
    fn open_report<'py>(&self, py: Python<'py>) -> Outcome<Bound<'py, PyAny>> {
        parsed(py, &self.life()?.db.open_report().to_json())
    }

    /// The keyspace that every database has: the one that the database's own verbs are about.
    #[getter]
    fn default(slf: &Bound<'_, Self>) -> Outcome<Py<Keyspace>> {
        let keyspace = slf.get().life()?.db.default_keyspace().clone();
        Self::wrap(slf, keyspace)
    }

    /// The keyspace of this name, made if there is none. With `options` it is made so, and one that
    /// is there with others is refused.
    ///
    /// >>> logs = db.keyspace("logs", lsmdb.KeyspaceOptions(compression="none"))
    /// >>> logs.options.compression
    /// 'none'
    #[pyo3(signature = (name, options = None, /))]
    fn keyspace(
        slf: &Bound<'_, Self>,
        name: &str,
        options: Option<&Bound<'_, PyAny>>,
    ) -> Outcome<Py<Keyspace>> {
        let life = slf.get().life()?;
        let options = options.map(options_of).transpose()?;
        let keyspace = detached(slf.py(), || match options {
            Some(options) => life.db.keyspace_with(name, options),
            None => life.db.keyspace(name),
        })?;
        Self::wrap(slf, keyspace)
    }

    /// The names of all keyspaces but the default one, in order.
    fn keyspaces(&self) -> Outcome<Vec<String>> {
        Ok(self.life()?.db.keyspace_names())
    }

    /// Drops a keyspace with everything in it; false if there is none. What is left of it in Python
    /// answers `Closed`.
    #[pyo3(signature = (name, /))]
    fn drop_keyspace(&self, py: Python<'_>, name: &str) -> Outcome<bool> {
        let life = self.life()?;
        detached(py, || life.db.drop_keyspace(name))
    }

    /// An empty batch. The keywords are those of a write, and count when it is committed.
    #[pyo3(signature = (*, durability = None, timeout = None, low_priority = false))]
    fn batch(
        slf: &Bound<'_, Self>,
        durability: Option<Durable>,
        timeout: Option<Seconds>,
        low_priority: bool,
    ) -> Outcome<Batch> {
        let how = How::new(slf.get().life()?.usual, durability, timeout, low_priority);
        let seen = slf.as_super().get().seen()?.clone();
        Ok(Batch::new(seen, how, Self::owner(slf)))
    }

    /// The whole database as it is now.
    fn snapshot(slf: &Bound<'_, Self>) -> Outcome<Py<Snapshot>> {
        let life = slf.get().life()?;
        let (keyspace, taken) = (life.db.default_keyspace().clone(), life.db.snapshot()?);
        let seen = Seen::new(life, keyspace, Some(taken), ReadOptions::new());
        Snapshot::make(slf.py(), seen, Self::owner(slf))
    }

    /// Shows what the writer, in another process, has done up to now; true if there is something
    /// new. For a database that was opened with mode "r": until then reads show what they showed,
    /// unless it was opened with `refresh_every`. Snapshots and iterators stay what they are.
    ///
    /// >>> db[b"k"] = b"v"
    /// >>> with lsmdb.open(db.path, mode="r") as reader:
    /// ...     db[b"k"] = b"w"
    /// ...     reader[b"k"], reader.refresh(), reader[b"k"]
    /// (b'v', True, b'w')
    fn refresh(&self, py: Python<'_>) -> Outcome<bool> {
        let life = self.life()?;
        detached(py, || life.db.refresh())
    }

    /// The readers in this and other processes for which the writer keeps files.
    ///
    /// >>> with lsmdb.open(db.path, mode="r"):
    /// ...     len(db.readers())
    /// 1
    fn readers<'py>(&self, py: Python<'py>) -> Outcome<Vec<Bound<'py, PyAny>>> {
        let life = self.life()?;
        let readers = detached(py, || life.db.readers())?;
        readers.iter().map(|reader| reader_info(py, reader)).collect()
    }

    /// Makes every write so far durable, but for those that are "volatile".
    fn sync(&self, py: Python<'_>) -> Outcome<()> {
        let life = self.life()?;
        detached(py, || life.db.sync())
    }

    /// The number of the last write that readers see.
    #[getter]
    fn latest_seqno(&self) -> Outcome<u64> {
        Ok(self.life()?.db.latest_seqno().get())
    }

    /// Every write up to this number is durable, but for those that are "volatile".
    #[getter]
    fn durable_seqno(&self) -> Outcome<u64> {
        Ok(self.life()?.db.durable_seqno().get())
    }

    /// Returns once the write with this number is durable, and every one before it; `Timeout` after
    /// so many seconds.
    ///
    /// >>> with db.batch() as batch:
    /// ...     batch.put(b"k", b"v")
    /// >>> db.wait_durable(db.latest_seqno)
    /// >>> db.durable_seqno >= db.latest_seqno
    /// True
    #[pyo3(signature = (seqno, timeout = None, /))]
    fn wait_durable(&self, py: Python<'_>, seqno: u64, timeout: Option<Seconds>) -> Outcome<()> {
        let life = self.life()?;
        let seqno = SeqNo::new(seqno).ok_or_else(no_such_number)?;
        let until = deadline(timeout.map(|timeout| timeout.0));
        in_turns(py, until, |turn: Duration| life.db.wait_durable_for(seqno, Some(turn)))
    }

    /// The error that stopped writes, if one did; `None` while all is well.
    #[getter]
    fn fault<'py>(&self, py: Python<'py>) -> Outcome<Option<Bound<'py, PyAny>>> {
        let fault = self.life()?.db.fault();
        Ok(fault.map(|error| exception(py, &error)).transpose()?)
    }

    /// Takes up writing again after a fault, once its cause is mended.
    fn resume(&self, py: Python<'_>) -> Outcome<()> {
        let life = self.life()?;
        detached(py, || life.db.resume())
    }

    /// Begins no more merges until `resume_background`, for hours in which the disk is needed for
    /// something else. Pauses count: as many are taken back as were begun.
    fn pause_background(&self, py: Python<'_>) -> Outcome<()> {
        let life = self.life()?;
        detached(py, || life.db.pause_background())
    }

    /// Takes one `pause_background` back; does nothing if there is none.
    fn resume_background(&self, py: Python<'_>) -> Outcome<()> {
        let life = self.life()?;
        detached(py, || life.db.resume_background())
    }

    /// Returns once nothing is left to flush or to merge, and old tables are gone.
    fn wait_idle(&self, py: Python<'_>) -> Outcome<()> {
        let life = self.life()?;
        Long::new(None, None).call(py, |options| life.db.wait_idle_with(options))
    }

    /// Checks every file: each checksum, the order of entries, the filters, the log, and what all
    /// that is said to be. Reads every byte; `Corruption` names the file and the byte.
    ///
    /// `progress` is called with how many bytes were checked, now and then, or is a bar of tqdm.
    #[pyo3(signature = (*, progress = None, timeout = None))]
    fn verify(
        &self,
        py: Python<'_>,
        progress: Option<Py<PyAny>>,
        timeout: Option<Seconds>,
    ) -> Outcome<()> {
        let life = self.life()?;
        Long::new(progress, timeout).call(py, |options| life.db.verify_with(options))
    }

    /// What was counted and measured since the opening, and what there is now, as data.
    fn stats<'py>(&self, py: Python<'py>) -> Outcome<Bound<'py, PyAny>> {
        let life = self.life()?;
        let text = detached(py, || Ok(life.db.stats().to_json()))?;
        parsed(py, &text)
    }

    /// The same as numbers by name, in the way that Prometheus names them.
    fn metrics<'py>(&self, py: Python<'py>) -> Outcome<Bound<'py, PyDict>> {
        let life = self.life()?;
        let stats = detached(py, || Ok(life.db.stats()))?;
        let mut numbers = Vec::new();
        stats.each_metric(&mut |name, labels, value| {
            let braced = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
            numbers.push((format!("{name}{braced}"), value));
        });
        let metrics = PyDict::new(py);
        for (name, value) in numbers {
            metrics.set_item(name, value)?;
        }
        Ok(metrics)
    }

    /// Says in plain words what is wrong or slow, and which limit or option causes it: a dict whose
    /// `str()` is a text. As cheap as `stats`.
    ///
    /// >>> print(db.doctor())
    /// healthy: nothing was found that is wrong or slow
    fn doctor<'py>(&self, py: Python<'py>) -> Outcome<Bound<'py, PyAny>> {
        let life = self.life()?;
        let told = detached(py, || life.db.doctor())?;
        diagnosis(py, &told)
    }

    /// Makes everything durable and lets go of the directory. Whatever is still there of the
    /// database answers `Closed` from then on. Does nothing the second time, or in a forked child.
    fn close(&self, py: Python<'_>) -> Outcome<()> {
        let Ok(life) = self.life.get() else { return Ok(()) };
        let closed = detached(py, || life.close());
        self.told.forget(py);
        self.functions().for_each(|function| function.forget(py));
        closed
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyAny>) -> Outcome<()> {
        self.close(py)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> Outcome<String> {
        let this = slf.get();
        let Ok(life) = this.life.get() else { return Ok(OF_PARENT.to_owned()) };
        let path = life.db.path().to_path_buf().into_pyobject(slf.py())?.str()?;
        let closed = if this.closed() { "closed " } else { "" };
        Ok(format!("<{closed}lsmdb.DB {}>", path.repr()?))
    }

    /// Something that closes the database and keeps no object of it: for when it is forgotten.
    fn _closer(&self) -> Outcome<Closer> {
        let (operators, orders) = (self.operators.clone(), self.orders.clone());
        let (told, filters) = (self.told.clone(), self.filters.clone());
        let life = Kept::new(self.life.get()?.clone());
        Ok(Closer { life, told, operators, orders, filters })
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.functions().try_for_each(|function| function.traverse(&visit))?;
        self.told.traverse(&visit)
    }

    fn __clear__(&self) {
        self.functions().for_each(Told::clear);
        self.told.clear();
    }
}

/// Closes a database that was forgotten.
#[pyclass(module = "lsmdb._native", frozen)]
pub(crate) struct Closer {
    life: Kept<Arc<Life>>,
    told: Told,
    operators: Owns,
    orders: Orders,
    filters: Filters,
}

#[pymethods]
impl Closer {
    /// True once the database was closed; in a forked child, too.
    #[getter]
    fn closed(&self) -> bool {
        self.life.get().map_or(true, |life| life.is_closed())
    }

    fn close(&self, py: Python<'_>) -> Outcome<()> {
        let Ok(life) = self.life.get() else { return Ok(()) };
        let closed = detached(py, || life.close());
        self.told.forget(py);
        self.operators
            .functions()
            .chain(self.orders.functions())
            .chain(self.filters.functions())
            .for_each(|function| function.forget(py));
        closed
    }
}

/// Deletes the files of the database in a directory, and nothing else. Answers the names of what
/// else lies there, which stays, and so does the directory. `Locked` while somebody has the
/// database open.
#[pyfunction]
#[pyo3(signature = (path, /))]
pub(crate) fn destroy(py: Python<'_>, path: &Bound<'_, PyAny>) -> Outcome<Vec<OsString>> {
    let path = path_of(path)?;
    Ok(detached(py, || Db::destroy(&path))?.left)
}

/// The text form of options of a database, with everything that has a default.
#[pyfunction]
pub(crate) fn _options_text(text: &str) -> Outcome<String> {
    Ok(Options::parse(text)?.to_string())
}

/// The text form of options of a keyspace, with everything that has a default.
#[pyfunction]
pub(crate) fn _keyspace_options_text(text: &str) -> Outcome<String> {
    Ok(lsm_core::KeyspaceOptions::parse(text)?.to_string())
}

fn options_of(options: &Bound<'_, PyAny>) -> Outcome<lsm_core::KeyspaceOptions> {
    Ok(lsm_core::KeyspaceOptions::parse(&text(options)?)?)
}

fn no_such_number() -> Error {
    Error::new(ErrorKind::InvalidArgument, "no write has such a number")
}
