//! LMDB through its C interface.
//!
//! A write is a transaction of its own. A session keeps one transaction for reading, which is reset
//! while it is idle and renewed for each call: beginning a new one each time would cost more.

#![allow(unsafe_code, reason = "it calls C")]

use std::ffi::{CString, c_char, c_int, c_uint};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::ptr::{null, null_mut};
use std::sync::{OnceLock, RwLock, RwLockReadGuard, TryLockError};

use lsm_bench::store::{Cursor, Each, Engine, Result, Session, Setup, Store, Walk};

use crate::library::{Origin, Ptr, Search, bytes, functions, text};

const SEARCH: Search = Search {
    variable: "LSM_LMDB",
    usual: "liblmdb.so.0",
    is_linked: cfg!(feature = "lmdb"),
    advice: "install liblmdb0, name a library in LSM_LMDB, or build with the feature lmdb",
    prefix: "mdb_",
};

#[cfg(feature = "lmdb")]
use lmdb_master_sys as _;

/// Bytes as LMDB has them.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Value {
    len: usize,
    start: *const u8,
}

impl Value {
    const NONE: Self = Self { len: 0, start: null() };

    fn of(bytes: &[u8]) -> Self {
        Self { len: bytes.len(), start: bytes.as_ptr() }
    }
}

type Place = *mut Value;

functions! {
    /// What is needed of LMDB.
    Api, linked by "lmdb" as "mdb_":
    version(*mut c_int, *mut c_int, *mut c_int) -> *const c_char;
    strerror(c_int) -> *const c_char;
    env_create(*mut Ptr) -> c_int;
    env_set_mapsize(Ptr, usize) -> c_int;
    env_open(Ptr, *const c_char, c_uint, libc::mode_t) -> c_int;
    env_close(Ptr);
    env_sync(Ptr, c_int) -> c_int;
    env_copy2(Ptr, *const c_char, c_uint) -> c_int;
    txn_begin(Ptr, Ptr, c_uint, *mut Ptr) -> c_int;
    txn_commit(Ptr) -> c_int;
    txn_abort(Ptr);
    txn_reset(Ptr);
    txn_renew(Ptr) -> c_int;
    dbi_open(Ptr, *const c_char, c_uint, *mut c_uint) -> c_int;
    get(Ptr, c_uint, Place, Place) -> c_int;
    put(Ptr, c_uint, Place, Place, c_uint) -> c_int;
    del(Ptr, c_uint, Place, Place) -> c_int;
    cursor_open(Ptr, c_uint, *mut Ptr) -> c_int;
    cursor_close(Ptr);
    cursor_renew(Ptr, Ptr) -> c_int;
    cursor_get(Ptr, Place, Place, c_int) -> c_int;
}

const NOT_FOUND: c_int = -30798;
const READ_ONLY: c_uint = 0x2_0000;
const NO_SYNC: c_uint = 0x1_0000;
const NO_TLS: c_uint = 0x20_0000;
const COPY_COMPACT: c_uint = 1;
/// Address space, not memory: the file may grow to this.
const MAP_BYTES: usize = 32 << 30;

// What a cursor is asked for.
const FIRST: c_int = 0;
const LAST: c_int = 6;
const NEXT: c_int = 8;
const PREV: c_int = 12;
const SET_RANGE: c_int = 17;

impl Api {
    fn check(&self, code: c_int) -> Result<()> {
        self.is_there(code)?.then_some(()).ok_or_else(|| "not found".into())
    }

    /// False if a code says that there is nothing.
    fn is_there(&self, code: c_int) -> Result<bool> {
        match code {
            0 => Ok(true),
            NOT_FOUND => Ok(false),
            // SAFETY: it answers a text for each code.
            code => Err(unsafe { text((self.strerror)(code)) }.into()),
        }
    }
}

/// LMDB.
#[derive(Default)]
pub(crate) struct Lmdb {
    found: OnceLock<std::result::Result<(Origin, Api), String>>,
}

impl Lmdb {
    fn find() -> Result<(Origin, Api)> {
        let origin = SEARCH.origin()?;
        let api = Api::of(&origin)?;
        Ok((origin, api))
    }

    fn found(&self) -> Result<&(Origin, Api)> {
        let found = self.found.get_or_init(|| Self::find().map_err(|failure| failure.to_string()));
        found.as_ref().map_err(|failure| failure.clone().into())
    }
}

fn flags(setup: &Setup) -> c_uint {
    if setup.is_synced { NO_TLS } else { NO_TLS | NO_SYNC }
}

impl Engine for Lmdb {
    fn name(&self) -> &str {
        "lmdb"
    }

    fn version(&self) -> String {
        let (mut major, mut minor, mut patch) = (0, 0, 0);
        match self.found() {
            Ok((_, api)) => {
                // SAFETY: the places take what is written there.
                unsafe { (api.version)(&mut major, &mut minor, &mut patch) };
                format!("{major}.{minor}.{patch}")
            }
            Err(failure) => failure.to_string(),
        }
    }

    fn configuration(&self, setup: &Setup) -> Vec<(String, String)> {
        let has = |flag| (flags(setup) & flag != 0).to_string();
        let mut lines = vec![
            ("MDB_NOSYNC".to_owned(), has(NO_SYNC)),
            ("MDB_NOTLS".to_owned(), has(NO_TLS)),
            ("map size".to_owned(), MAP_BYTES.to_string()),
            ("transactions".to_owned(), "one for each write, one renewed for reads".to_owned()),
        ];
        if let Ok((origin, _)) = self.found() {
            lines.push(("library".to_owned(), origin.place("env_open")));
        }
        lines
    }

    fn open(&self, dir: &Path, setup: &Setup) -> Result<Box<dyn Store>> {
        let (_, api) = self.found()?;
        std::fs::create_dir_all(dir)?;
        let flags = flags(setup);
        let environment = Environment::open(*api, dir, flags)?;
        let environment = RwLock::new(Some(environment));
        Ok(Box::new(Opened { api: *api, dir: dir.to_owned(), flags, environment }))
    }
}

/// An open environment with its one database.
struct Environment {
    api: Api,
    env: Ptr,
    dbi: c_uint,
}

// SAFETY: an environment may be used by many threads at once, each with transactions of its own,
// and is closed by whichever drops it.
unsafe impl Send for Environment {}
// SAFETY: as above.
unsafe impl Sync for Environment {}

impl Environment {
    fn open(api: Api, dir: &Path, flags: c_uint) -> Result<Self> {
        let path = path_text(dir)?;
        let mut env = null_mut();
        // SAFETY: the place takes what is made; dropping closes it, whatever happens next.
        api.check(unsafe { (api.env_create)(&mut env) })?;
        let mut opened = Self { api, env, dbi: 0 };
        // SAFETY: the environment was made above; the path is a C string.
        unsafe {
            api.check((api.env_set_mapsize)(env, MAP_BYTES))?;
            api.check((api.env_open)(env, path.as_ptr(), flags, 0o600))?;
        }
        let transaction = opened.begin(0)?;
        let mut dbi = 0;
        // SAFETY: NULL stands for the one database without a name.
        api.check(unsafe { (api.dbi_open)(transaction.0, null(), 0, &mut dbi) })?;
        transaction.commit()?;
        opened.dbi = dbi;
        Ok(opened)
    }

    fn begin(&self, flags: c_uint) -> Result<Transaction> {
        let mut transaction = null_mut();
        // SAFETY: the environment is open, and the place takes what is made.
        let code = unsafe { (self.api.txn_begin)(self.env, null_mut(), flags, &mut transaction) };
        self.api.check(code)?;
        Ok(Transaction(transaction, self.api))
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        // SAFETY: transactions do not outlive it: sessions, which hold them, borrow it.
        unsafe { (self.api.env_close)(self.env) };
    }
}

fn path_text(path: &Path) -> Result<CString> {
    Ok(CString::new(path.as_os_str().as_bytes())?)
}

/// A transaction, aborted unless it is committed.
struct Transaction(Ptr, Api);

impl Transaction {
    fn commit(mut self) -> Result<()> {
        let transaction = std::mem::replace(&mut self.0, null_mut());
        // SAFETY: it is live, and gone after this, even if it fails.
        self.1.check(unsafe { (self.1.txn_commit)(transaction) })
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: it is live, and nothing uses it any more.
            unsafe { (self.1.txn_abort)(self.0) };
        }
    }
}

/// An open directory. The environment is away while it is replaced by its compact copy.
struct Opened {
    api: Api,
    dir: PathBuf,
    flags: c_uint,
    environment: RwLock<Option<Environment>>,
}

impl Store for Opened {
    fn session(&self) -> Result<Box<dyn Session + '_>> {
        let guard = self.environment.read().map_err(|_| "a compaction failed")?;
        let environment = guard.as_ref().ok_or("a compaction failed")?;
        let read = environment.begin(READ_ONLY)?;
        let mut cursor = null_mut();
        // SAFETY: the transaction is live, and the place takes what is made.
        let code = unsafe { (self.api.cursor_open)(read.0, environment.dbi, &mut cursor) };
        self.api.check(code)?;
        // SAFETY: it is live; from now on it is renewed before each use.
        unsafe { (self.api.txn_reset)(read.0) };
        let (api, env, dbi) = (self.api, environment.env, environment.dbi);
        Ok(Box::new(Way { api, env, dbi, cursor, read, _guard: guard }))
    }

    fn settle(&self) -> Result<()> {
        let guard = self.environment.read().map_err(|_| "a compaction failed")?;
        let environment = guard.as_ref().ok_or("a compaction failed")?;
        // SAFETY: the environment is open.
        self.api.check(unsafe { (self.api.env_sync)(environment.env, 1) })
    }

    /// LMDB compacts into a copy, which then takes the place of the file. No session may live.
    fn compact(&self) -> Result<()> {
        let mut guard = match self.environment.try_write() {
            Ok(guard) => guard,
            Err(TryLockError::WouldBlock) => return Err("LMDB compacts with no session".into()),
            Err(TryLockError::Poisoned(_)) => return Err("a compaction failed".into()),
        };
        let environment = guard.take().ok_or("a compaction failed")?;
        let copy = self.dir.join("compact");
        std::fs::create_dir(&copy)?;
        let path = path_text(&copy)?;
        // SAFETY: the environment is open; the path is a C string.
        let code = unsafe { (self.api.env_copy2)(environment.env, path.as_ptr(), COPY_COMPACT) };
        self.api.check(code)?;
        drop(environment);
        std::fs::rename(copy.join("data.mdb"), self.dir.join("data.mdb"))?;
        std::fs::remove_dir(&copy)?;
        *guard = Some(Environment::open(self.api, &self.dir, self.flags)?);
        Ok(())
    }
}

/// One thread's way to it. The order of its fields is the order in which they go.
struct Way<'a> {
    api: Api,
    env: Ptr,
    dbi: c_uint,
    cursor: Ptr,
    read: Transaction,
    _guard: RwLockReadGuard<'a, Option<Environment>>,
}

impl Drop for Way<'_> {
    fn drop(&mut self) {
        // SAFETY: nothing uses it any more, and its transaction goes after it.
        unsafe { (self.api.cursor_close)(self.cursor) };
    }
}

impl Way<'_> {
    /// Does something in a transaction of its own.
    fn write(&mut self, act: impl FnOnce(&Api, Ptr, c_uint) -> Result<()>) -> Result<()> {
        let mut transaction = null_mut();
        // SAFETY: the environment is open, and the place takes what is made.
        let code = unsafe { (self.api.txn_begin)(self.env, null_mut(), 0, &mut transaction) };
        self.api.check(code)?;
        let transaction = Transaction(transaction, self.api);
        act(&self.api, transaction.0, self.dbi)?;
        transaction.commit()
    }

    /// Puts the transaction for reading to work until it is dropped.
    fn reading(&self) -> Result<Reading<'_>> {
        // SAFETY: it is reset whenever it is not in use.
        self.api.check(unsafe { (self.api.txn_renew)(self.read.0) })?;
        Ok(Reading(&self.read))
    }
}

fn put(api: &Api, transaction: Ptr, dbi: c_uint, (key, value): (&[u8], &[u8])) -> Result<()> {
    let (mut key, mut value) = (Value::of(key), Value::of(value));
    // SAFETY: the transaction is live, and the bytes are read only during the call.
    api.check(unsafe { (api.put)(transaction, dbi, &mut key, &mut value, 0) })
}

/// The transaction for reading, at work.
struct Reading<'a>(&'a Transaction);

impl Reading<'_> {
    /// The value of a key, which stays as it is while this lives.
    fn get(&self, dbi: c_uint, key: &[u8]) -> Result<Option<&[u8]>> {
        let Transaction(transaction, api) = self.0;
        let (mut key, mut value) = (Value::of(key), Value::NONE);
        // SAFETY: the transaction is at work, and the places are a key and room for a value.
        let code = unsafe { (api.get)(*transaction, dbi, &mut key, &mut value) };
        // SAFETY: pages that a live transaction sees are not written.
        Ok(api.is_there(code)?.then(|| unsafe { bytes(value.start, value.len) }))
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        // SAFETY: it is live, and renewed before it is used again.
        unsafe { (self.0.1.txn_reset)(self.0.0) };
    }
}

impl Session for Way<'_> {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.write(|api, transaction, dbi| put(api, transaction, dbi, (key, value)))
    }

    fn delete(&mut self, key: &[u8]) -> Result<()> {
        let mut key = Value::of(key);
        self.write(|api, transaction, dbi| {
            // SAFETY: the transaction is live; NULL stands for whatever value there is.
            let code = unsafe { (api.del)(transaction, dbi, &mut key, null_mut()) };
            api.is_there(code).map(|_| ())
        })
    }

    fn put_all(&mut self, pairs: &[(&[u8], &[u8])]) -> Result<()> {
        self.write(|api, transaction, dbi| {
            pairs.iter().try_for_each(|pair| put(api, transaction, dbi, *pair))
        })
    }

    fn get(&mut self, key: &[u8], value: &mut Vec<u8>) -> Result<bool> {
        let reading = self.reading()?;
        let Some(found) = reading.get(self.dbi, key)? else { return Ok(false) };
        value.clear();
        value.extend_from_slice(found);
        Ok(true)
    }

    fn get_all(&mut self, keys: &[&[u8]], each: &mut dyn FnMut(usize, &[u8])) -> Result<()> {
        let reading = self.reading()?;
        for (place, key) in keys.iter().enumerate() {
            if let Some(found) = reading.get(self.dbi, key)? {
                each(place, found);
            }
        }
        Ok(())
    }

    fn cursor(&mut self) -> Result<Box<dyn Cursor + '_>> {
        let reading = self.reading()?;
        // SAFETY: transaction and cursor are live, and belong to each other.
        self.api.check(unsafe { (self.api.cursor_renew)(self.read.0, self.cursor) })?;
        Ok(Box::new(Steps { api: &self.api, cursor: self.cursor, _reading: reading }))
    }
}

/// Walks with a session's cursor.
struct Steps<'a> {
    api: &'a Api,
    cursor: Ptr,
    _reading: Reading<'a>,
}

impl Steps<'_> {
    /// Moves; `key` and `value` are what is found there.
    fn go(&self, way: c_int, key: &mut Value, value: &mut Value) -> Result<bool> {
        // SAFETY: the cursor is live, and so is its transaction.
        self.api.is_there(unsafe { (self.api.cursor_get)(self.cursor, key, value, way) })
    }

    fn begin(&self, walk: Walk<'_>, key: &mut Value, value: &mut Value) -> Result<bool> {
        match walk {
            Walk::FromFirst => self.go(FIRST, key, value),
            Walk::FromLast => self.go(LAST, key, value),
            Walk::From(start) => {
                *key = Value::of(start);
                self.go(SET_RANGE, key, value)
            }
            Walk::DownFrom(start) => {
                *key = Value::of(start);
                if !self.go(SET_RANGE, key, value)? {
                    return self.go(LAST, key, value);
                }
                // SAFETY: as in `walk`.
                let is_there = unsafe { bytes(key.start, key.len) } == start;
                Ok(is_there || self.go(PREV, key, value)?)
            }
        }
    }
}

impl Cursor for Steps<'_> {
    fn walk(&mut self, walk: Walk<'_>, each: Each<'_>) -> Result<()> {
        let way = match walk {
            Walk::FromFirst | Walk::From(_) => NEXT,
            Walk::FromLast | Walk::DownFrom(_) => PREV,
        };
        let (mut key, mut value) = (Value::NONE, Value::NONE);
        let mut is_there = self.begin(walk, &mut key, &mut value)?;
        // SAFETY: pages that a live transaction sees are not written.
        while is_there && unsafe { each(bytes(key.start, key.len), bytes(value.start, value.len)) }
        {
            is_there = self.go(way, &mut key, &mut value)?;
        }
        Ok(())
    }
}
