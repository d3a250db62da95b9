//! SQLite through its C interface: one table, whose rows stand in the order of their keys.
//!
//! A session has a connection of its own with every statement prepared, and each connection has a
//! cache of its own, as SQLite has it.

#![allow(unsafe_code, reason = "it calls C")]

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::ptr::{null, null_mut};
use std::sync::{Mutex, OnceLock};

use lsm_bench::store::{Cursor, Each, Engine, Result, Session, Setup, Store, Walk};

use crate::library::{Origin, Ptr, Search, bytes, functions, small, text};

const SEARCH: Search = Search {
    variable: "LSM_SQLITE",
    usual: "libsqlite3.so.0",
    is_linked: cfg!(feature = "sqlite"),
    advice: "install libsqlite3-0, name a library in LSM_SQLITE, or build with the feature sqlite",
    prefix: "sqlite3_",
};

#[cfg(feature = "sqlite")]
use libsqlite3_sys as _;

functions! {
    /// What is needed of SQLite.
    Api, linked by "sqlite" as "sqlite3_":
    libversion() -> *const c_char;
    open_v2(*const c_char, *mut Ptr, c_int, *const c_char) -> c_int;
    close(Ptr) -> c_int;
    errmsg(Ptr) -> *const c_char;
    busy_timeout(Ptr, c_int) -> c_int;
    exec(Ptr, *const c_char, Ptr, Ptr, *mut *mut c_char) -> c_int;
    prepare_v3(Ptr, *const c_char, c_int, c_uint, *mut Ptr, *mut *const c_char) -> c_int;
    bind_blob(Ptr, c_int, *const u8, c_int, *const c_void) -> c_int;
    step(Ptr) -> c_int;
    reset(Ptr) -> c_int;
    finalize(Ptr) -> c_int;
    column_blob(Ptr, c_int) -> *const u8;
    column_bytes(Ptr, c_int) -> c_int;
}

const OK: c_int = 0;
const ROW: c_int = 100;
const DONE: c_int = 101;
const READ_WRITE: c_int = 0x2;
const CREATE: c_int = 0x4;
/// A connection is used by one thread at a time: SQLite needs no lock for it.
const NO_MUTEX: c_int = 0x8000;
/// Statements stay for long.
const PERSISTENT: c_uint = 0x1;
/// Another connection's write is waited for.
const BUSY_MILLIS: c_int = 60_000;

const TABLE: &CStr =
    c"create table if not exists pairs(key blob primary key, value blob not null) \
                       without rowid";

/// SQLite.
#[derive(Default)]
pub(crate) struct Sqlite {
    found: OnceLock<std::result::Result<(Origin, Api), String>>,
}

impl Sqlite {
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

/// What each connection is told.
fn pragmas(setup: &Setup) -> [(&'static str, String); 3] {
    [
        ("journal_mode", "wal".to_owned()),
        ("synchronous", if setup.is_synced { "full" } else { "normal" }.to_owned()),
        ("cache_size", format!("-{}", setup.cache_bytes / 1024)),
    ]
}

impl Engine for Sqlite {
    fn name(&self) -> &str {
        "sqlite"
    }

    fn version(&self) -> String {
        match self.found() {
            // SAFETY: it answers a text that stays.
            Ok((_, api)) => unsafe { text((api.libversion)()) },
            Err(failure) => failure.to_string(),
        }
    }

    fn configuration(&self, setup: &Setup) -> Vec<(String, String)> {
        let own = |(name, value): (&str, String)| (format!("pragma {name}"), value);
        let mut lines: Vec<_> = pragmas(setup).into_iter().map(own).collect();
        lines.push(("schema".to_owned(), TABLE.to_string_lossy().into_owned()));
        lines.push(("connections".to_owned(), "one for each session".to_owned()));
        if let Ok((origin, _)) = self.found() {
            lines.push(("library".to_owned(), origin.place("open_v2")));
        }
        lines
    }

    fn open(&self, dir: &Path, setup: &Setup) -> Result<Box<dyn Store>> {
        let (_, api) = self.found()?;
        std::fs::create_dir_all(dir)?;
        let path = CString::new(dir.join("pairs.sqlite").as_os_str().as_bytes())?;
        let connection = Connection::open(*api, &path, setup)?;
        connection.run(TABLE)?;
        let main = Mutex::new(connection);
        Ok(Box::new(Opened { api: *api, path, setup: setup.clone(), main }))
    }
}

/// A connection.
struct Connection {
    api: Api,
    db: Ptr,
}

// SAFETY: a connection may be used by any thread, one at a time.
unsafe impl Send for Connection {}

impl Connection {
    fn open(api: Api, path: &CStr, setup: &Setup) -> Result<Self> {
        let mut db = null_mut();
        let flags = READ_WRITE | CREATE | NO_MUTEX;
        // SAFETY: the path is a C string, and the place takes what is made, even after a failure;
        // NULL stands for the usual file system.
        let code = unsafe { (api.open_v2)(path.as_ptr(), &mut db, flags, null()) };
        let opened = Self { api, db };
        opened.check(code)?;
        // SAFETY: the connection is open.
        opened.check(unsafe { (api.busy_timeout)(db, BUSY_MILLIS) })?;
        for (name, value) in pragmas(setup) {
            opened.run(&CString::new(format!("pragma {name}={value}"))?)?;
        }
        Ok(opened)
    }

    fn check(&self, code: c_int) -> Result<()> {
        if matches!(code, OK | ROW | DONE) {
            return Ok(());
        }
        // SAFETY: it answers a text for a connection in any state, which is copied at once.
        Err(unsafe { text((self.api.errmsg)(self.db)) }.into())
    }

    /// Runs statements whose rows nobody needs.
    fn run(&self, words: &CStr) -> Result<()> {
        let (null, no_words) = (null_mut(), null_mut());
        // SAFETY: the connection is open; NULL stands for no callback and no room for words.
        self.check(unsafe { (self.api.exec)(self.db, words.as_ptr(), null, null, no_words) })
    }

    fn prepare(&self, words: &CStr) -> Result<Statement> {
        let (start, mut statement) = (words.as_ptr(), null_mut());
        // SAFETY: the connection is open, the words end with a zero, and the place takes what is
        // made.
        self.check(unsafe {
            (self.api.prepare_v3)(self.db, start, -1, PERSISTENT, &mut statement, null_mut())
        })?;
        Ok(Statement { api: self.api, statement })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: its statements are gone: whoever has both drops them first.
        unsafe { (self.api.close)(self.db) };
    }
}

/// A prepared statement.
struct Statement {
    api: Api,
    statement: Ptr,
}

impl Statement {
    /// Gives the parameters values, which have to live until the statement is reset.
    fn bind(&self, values: &[&[u8]]) -> Result<()> {
        for (place, value) in (1..).zip(values) {
            let (start, len) = (value.as_ptr(), small(value.len())?);
            // SAFETY: the statement is not at work; the bytes are read before `Run` resets it.
            let code = unsafe { (self.api.bind_blob)(self.statement, place, start, len, null()) };
            if code != OK {
                return Err(format!("SQLite does not take a parameter: {code}").into());
            }
        }
        Ok(())
    }

    /// Begins to run it.
    fn run<'a>(&'a self, connection: &'a Connection, values: &'a [&[u8]]) -> Result<Run<'a>> {
        self.bind(values)?;
        Ok(Run { statement: self, connection })
    }

    /// Runs it, where it has no rows.
    fn act(&self, connection: &Connection, values: &[&[u8]]) -> Result<()> {
        while self.run(connection, values)?.step()? {}
        Ok(())
    }
}

impl Drop for Statement {
    fn drop(&mut self) {
        // SAFETY: nothing uses it any more.
        unsafe { (self.api.finalize)(self.statement) };
    }
}

/// A statement at work, until it is dropped.
struct Run<'a> {
    statement: &'a Statement,
    connection: &'a Connection,
}

impl Run<'_> {
    /// Goes to the next row, if there is one.
    fn step(&self) -> Result<bool> {
        // SAFETY: the statement is live.
        let code = unsafe { (self.statement.api.step)(self.statement.statement) };
        self.connection.check(code)?;
        Ok(code == ROW)
    }

    /// A column of the row, until the next step.
    fn column(&self, place: c_int) -> &[u8] {
        let Statement { api, statement } = self.statement;
        // SAFETY: there is a row; the bytes are asked for before their number, as SQLite wants it.
        unsafe {
            let start = (api.column_blob)(*statement, place);
            let len = (api.column_bytes)(*statement, place);
            bytes(start, usize::try_from(len).unwrap_or(0))
        }
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        // SAFETY: the statement is live. It repeats a failure that was told already.
        unsafe { (self.statement.api.reset)(self.statement.statement) };
    }
}

/// An open file, with a connection for what is no session's work.
struct Opened {
    api: Api,
    path: CString,
    setup: Setup,
    main: Mutex<Connection>,
}

impl Opened {
    fn run(&self, words: &CStr) -> Result<()> {
        self.main.lock().map_err(|_| "a thread panicked")?.run(words)
    }
}

impl Store for Opened {
    fn session(&self) -> Result<Box<dyn Session + '_>> {
        let connection = Connection::open(self.api, &self.path, &self.setup)?;
        Ok(Box::new(Way { statements: Statements::new(&connection)?, connection }))
    }

    fn settle(&self) -> Result<()> {
        self.run(c"pragma wal_checkpoint(truncate)")
    }

    fn compact(&self) -> Result<()> {
        self.run(c"vacuum")?;
        self.settle()
    }
}

/// Everything that a session says.
struct Statements {
    begin: Statement,
    commit: Statement,
    rollback: Statement,
    put: Statement,
    delete: Statement,
    get: Statement,
    from_first: Statement,
    from_last: Statement,
    from: Statement,
    down_from: Statement,
}

impl Statements {
    fn new(connection: &Connection) -> Result<Self> {
        let prepare = |words| connection.prepare(words);
        Ok(Self {
            begin: prepare(c"begin immediate")?,
            commit: prepare(c"commit")?,
            rollback: prepare(c"rollback")?,
            put: prepare(c"insert or replace into pairs values(?1, ?2)")?,
            delete: prepare(c"delete from pairs where key = ?1")?,
            get: prepare(c"select value from pairs where key = ?1")?,
            from_first: prepare(c"select key, value from pairs order by key")?,
            from_last: prepare(c"select key, value from pairs order by key desc")?,
            from: prepare(c"select key, value from pairs where key >= ?1 order by key")?,
            down_from: prepare(c"select key, value from pairs where key <= ?1 order by key desc")?,
        })
    }
}

/// One thread's way to it. The order of its fields is the order in which they go.
struct Way {
    statements: Statements,
    connection: Connection,
}

impl Way {
    /// Hands over the value of a key, or answers false.
    fn with_value(&self, key: &[u8], each: impl FnOnce(&[u8])) -> Result<bool> {
        let values = [key];
        let run = self.statements.get.run(&self.connection, &values)?;
        if !run.step()? {
            return Ok(false);
        }
        each(run.column(0));
        Ok(true)
    }
}

impl Session for Way {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.statements.put.act(&self.connection, &[key, value])
    }

    fn delete(&mut self, key: &[u8]) -> Result<()> {
        self.statements.delete.act(&self.connection, &[key])
    }

    fn put_all(&mut self, pairs: &[(&[u8], &[u8])]) -> Result<()> {
        let Statements { begin, commit, rollback, put, .. } = &self.statements;
        begin.act(&self.connection, &[])?;
        let mut each = pairs.iter();
        let answer = each.try_for_each(|(key, value)| put.act(&self.connection, &[key, value]));
        let answer = answer.and_then(|()| commit.act(&self.connection, &[]));
        if answer.is_err() {
            rollback.act(&self.connection, &[])?;
        }
        answer
    }

    fn get(&mut self, key: &[u8], value: &mut Vec<u8>) -> Result<bool> {
        self.with_value(key, |found| {
            value.clear();
            value.extend_from_slice(found);
        })
    }

    fn get_all(&mut self, keys: &[&[u8]], each: &mut dyn FnMut(usize, &[u8])) -> Result<()> {
        for (place, key) in keys.iter().enumerate() {
            self.with_value(key, |found| each(place, found))?;
        }
        Ok(())
    }

    fn cursor(&mut self) -> Result<Box<dyn Cursor + '_>> {
        Ok(Box::new(Steps(self)))
    }
}

/// Walks with a session's statements.
struct Steps<'a>(&'a Way);

impl Cursor for Steps<'_> {
    fn walk(&mut self, walk: Walk<'_>, each: Each<'_>) -> Result<()> {
        let Way { statements, connection } = self.0;
        let (statement, start) = match walk {
            Walk::FromFirst => (&statements.from_first, None),
            Walk::FromLast => (&statements.from_last, None),
            Walk::From(key) => (&statements.from, Some(key)),
            Walk::DownFrom(key) => (&statements.down_from, Some(key)),
        };
        let run = statement.run(connection, start.as_slice())?;
        while run.step()? && each(run.column(0), run.column(1)) {}
        Ok(())
    }
}
