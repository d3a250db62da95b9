//! Section "handles": what the functions work on.

use std::ffi::CString;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lsm_core::{Db, Error, ErrorKind, Keyspace, Result};

use crate::border::fork;
use crate::border::handle::Kind;
use crate::border::shared::Borrowed;
use crate::border::table::Table;

/// A database seen through one of its keyspaces: the default one for the handle of lsm_open(),
/// another one for a handle of lsm_keyspace_open().
pub struct lsm_db {
    _opaque: [u8; 0],
}

/// The whole database as it was at one moment.
pub struct lsm_snapshot {
    _opaque: [u8; 0],
}

/// Writes that are made together or not at all.
pub struct lsm_batch {
    _opaque: [u8; 0],
}

/// A place between two entries of a keyspace.
pub struct lsm_iter {
    _opaque: [u8; 0],
}

/// What all handles of one database share.
pub(crate) struct Database {
    pub(crate) db: Db,
    pub(crate) path: CString,
    pub(crate) life: Life,
}

/// Whether a database was closed, or is another process's: for what outlives it and must not keep
/// it.
#[derive(Clone)]
pub(crate) struct Life {
    is_over: Arc<AtomicBool>,
    process: fork::Birth,
}

impl Life {
    /// That of a database which is opened here and now.
    pub(crate) fn begin() -> Self {
        Self { is_over: Arc::default(), process: fork::Birth::here() }
    }

    /// From now on what came from the database answers that it is closed.
    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::Release);
    }

    /// Refuses the use of what came from a database that is closed, or that a forked child got from
    /// its parent.
    #[inline]
    pub(crate) fn check(&self) -> Result<()> {
        self.process.check()?;
        if self.is_over.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Closed, "the database was closed"));
        }
        Ok(())
    }
}

/// What an `lsm_db *` leads to.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) keyspace: Keyspace,
    pub(crate) name: Arc<CString>,
    pub(crate) database: Arc<Database>,
    /// This is the handle of lsm_open().
    pub(crate) is_first: bool,
}

static DBS: Table<Seen> = Table::new(Kind::Db);

/// A new handle of a database.
pub(crate) fn insert(seen: Seen) -> Result<*mut lsm_db> {
    crate::border::shared::prepare();
    Ok(DBS.insert(seen)? as *mut lsm_db)
}

/// What a handle leads to, for the time of a call.
#[inline(always)]
pub(crate) fn seen(db: *const lsm_db) -> Result<Borrowed<Seen>> {
    DBS.borrow(db as usize)
}

/// Takes a handle away, and answers what it led to.
pub(crate) fn remove(db: *const lsm_db) -> Result<Seen> {
    let seen = DBS.borrow(db as usize)?.clone();
    DBS.retire(db as usize)?;
    Ok(seen)
}
