//! Section "database": opening, closing, and what holds for all keyspaces.

use std::ffi::c_char;
use std::os::unix::ffi::OsStrExt;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use lsm_core::{Builder, Db, Result, SeqNo, Slice};

use crate::border::call::{done, may_wait, quiet};
use crate::border::pointers::{Border, invalid};
use crate::border::shared::Borrowed;
use crate::bytes::lsm_value;
use crate::callbacks::{Context, LSM_LOG_DEBUG, LSM_LOG_INFO, listener, logger};
use crate::comparator;
use crate::error::{lsm_error, string_of};
use crate::filter;
use crate::handles::{self, Database, Life, Seen, insert, lsm_db, seen};
use crate::merging;
use crate::operator::register;
use crate::options::{convert, lsm_options};
use crate::status::lsm_status;

/// Opens the database in a directory, and makes it if there is none. `db` gets the handle of its
/// default keyspace, for lsm_close().
///
/// LSM_LOCKED while somebody else has it open for writing, in this process or another one; with
/// LSM_OPEN_READONLY it stands beside whoever writes. LSM_FORMAT for a directory of something
/// else, which is not touched. LSM_CORRUPTION if what is there cannot be trusted: nothing is
/// changed then.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_open(
    path: *const c_char,
    options_or_null: *const lsm_options,
    db: *mut *mut lsm_db,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let opened = border.out("db", db)?.first(ptr::null_mut());
        may_wait()?;
        let path = border.path("path", path)?;
        let chosen = border.options(options_or_null)?;
        let mut builder = Db::builder(path).options(convert::database(chosen)?);
        if let Some(chosen) = chosen {
            builder = with_callbacks(border, builder, &chosen)?;
        }
        let path = string_of(path.as_os_str().as_bytes());
        let database = Arc::new(Database { db: builder.open()?, path, life: Life::begin() });
        let keyspace = database.db.default_keyspace().clone();
        let name = Arc::new(string_of(keyspace.name().as_bytes()));
        opened.set(insert(Seen { keyspace, name, database, is_first: true })?);
        Ok(())
    })
}

pub(crate) fn with_callbacks(
    border: &Border,
    builder: Builder,
    chosen: &lsm_options,
) -> Result<Builder> {
    // First: whatever fails later, the contexts of operators are freed.
    let count = chosen.merge_operator_count;
    let builder = register(border, builder, chosen.merge_operators, count)?;
    let count = chosen.comparator_count;
    let builder = comparator::register(border, builder, chosen.comparators, count)?;
    let count = chosen.compaction_filter_count;
    let mut builder = filter::register(border, builder, chosen.compaction_filters, count)?;
    if let Some(default) = border.options(chosen.default_keyspace)? {
        builder = builder.default_keyspace(merging::keyspace(border, Some(default))?);
    }
    if chosen.log_level > LSM_LOG_DEBUG {
        return Err(invalid(format!("`log_level` does not know {}", chosen.log_level)));
    }
    if let Some(log) = chosen.log {
        let level = if chosen.log_level == 0 { LSM_LOG_INFO } else { chosen.log_level };
        builder = builder.listener(logger(log, Context(chosen.log_context), level));
    }
    if let Some(event) = chosen.event {
        builder = builder.listener(listener(event, Context(chosen.event_context)));
    }
    Ok(builder)
}

/// Closes a handle. For one of lsm_keyspace_open() that is all. For the one of lsm_open() the
/// database is closed with it: what the log does not hold is flushed, everything is made durable,
/// the directory is let go of; other handles of the database and its iterators answer LSM_CLOSED
/// from then on, while other threads may still be using them.
///
/// The handle is gone afterwards, also if an error tells what was not made durable. In a callback
/// the call is refused, and changes nothing.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_close(db: *mut lsm_db, error: *mut *mut lsm_error) -> lsm_status {
    done(error, |_| {
        // What a callback may be waited for must not be closed in it.
        may_wait()?;
        let Seen { database, is_first, .. } = handles::remove(db)?;
        if !is_first {
            return Ok(());
        }
        database.life.end();
        database.db.clone().close()
    })
}

/// Deletes the files of the database in a directory, and nothing else that lies there; the
/// directory stays. LSM_LOCKED while somebody has it open, LSM_INVALID_ARGUMENT if there is none.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_destroy(path: *const c_char, error: *mut *mut lsm_error) -> lsm_status {
    done(error, |border| {
        may_wait()?;
        Db::destroy(border.path("path", path)?).map(drop)
    })
}

/// The path that the database was opened with. Lives as long as the handle; NULL if that is closed.
#[unsafe(no_mangle)]
pub extern "C" fn lsm_path(db: *const lsm_db) -> *const c_char {
    quiet(ptr::null(), |_| Ok(seen(db)?.database.path.as_ptr()))
}

/// What the opening found, as JSON: whether the database was new, whether it had been closed in
/// order, what was replayed and given up, names of files that are not its own.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_open_report(
    db: *const lsm_db,
    json: *mut lsm_value,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let json = border.out("json", json)?.first(lsm_value::NONE);
        let report = open(db)?.database.db.open_report().to_json();
        json.set(lsm_value::keep(Slice::from(report))?);
        Ok(())
    })
}

/// The sequence number of the newest write that readers see; 0 if the handle is closed.
#[unsafe(no_mangle)]
pub extern "C" fn lsm_latest_seqno(db: *const lsm_db) -> u64 {
    quiet(0, |_| Ok(seen(db)?.database.db.latest_seqno().get()))
}

/// Every logged write up to this sequence number is durable; 0 if the handle is closed.
#[unsafe(no_mangle)]
pub extern "C" fn lsm_durable_seqno(db: *const lsm_db) -> u64 {
    quiet(0, |_| Ok(seen(db)?.database.db.durable_seqno().get()))
}

/// Returns once the write with this sequence number, and every logged one before it, is durable.
/// LSM_TIMED_OUT after `timeout_ms`, if that is not 0.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_wait_durable_for(
    db: *const lsm_db,
    seqno: u64,
    timeout_ms: u32,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |_| wait_durable(db, seqno, timeout_ms))
}

/// As lsm_wait_durable_for(), however long it takes.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_wait_durable(
    db: *const lsm_db,
    seqno: u64,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |_| wait_durable(db, seqno, 0))
}

fn wait_durable(db: *const lsm_db, seqno: u64, timeout_ms: u32) -> Result<()> {
    may_wait()?;
    let seen = open(db)?;
    let seqno = SeqNo::new(seqno).ok_or_else(|| invalid("no write has such a `seqno`"))?;
    let timeout = (timeout_ms > 0).then(|| Duration::from_millis(u64::from(timeout_ms)));
    seen.database.db.wait_durable_for(seqno, timeout)
}

/// LSM_OK if the database takes writes; otherwise the fault that stopped them.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_health(db: *const lsm_db, error: *mut *mut lsm_error) -> lsm_status {
    done(error, |_| match open(db)?.database.db.fault() {
        Some(fault) => Err(fault),
        None => Ok(()),
    })
}

/// Takes up writing again after a fault whose cause is mended: see lsm_health().
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_resume(db: *const lsm_db, error: *mut *mut lsm_error) -> lsm_status {
    done(error, |_| {
        may_wait()?;
        open(db)?.database.db.resume()
    })
}

/// What a handle leads to, while its database is open.
#[inline]
pub(crate) fn open(db: *const lsm_db) -> Result<Borrowed<Seen>> {
    let seen = seen(db)?;
    seen.database.life.check()?;
    Ok(seen)
}
