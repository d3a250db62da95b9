//! Section "maintenance": what usually happens by itself, when a program wants it now.

use std::time::Duration;

use lsm_core::{CallOptions, Result};

use crate::border::call::{done, may_wait};
use crate::border::pointers::Border;
use crate::bytes::lsm_slice;
use crate::callbacks::{Context, teller};
use crate::db::open;
use crate::error::lsm_error;
use crate::handles::lsm_db;
use crate::options::lsm_call_options;
use crate::status::lsm_status;
use crate::write::range;

/// Shows what the writer, in another process, has done up to now, where the database was opened
/// with LSM_OPEN_READONLY: until then reads show what they showed, unless `refresh_every_ms` of the
/// options says otherwise. Snapshots and open iterators stay what they are. In the writer there is
/// nothing to do.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_refresh(db: *const lsm_db, error: *mut *mut lsm_error) -> lsm_status {
    done(error, |_| {
        may_wait()?;
        open(db)?.database.db.refresh().map(drop)
    })
}

/// Makes every logged write so far durable.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_sync(db: *const lsm_db, error: *mut *mut lsm_error) -> lsm_status {
    done(error, |_| {
        may_wait()?;
        open(db)?.database.db.sync()
    })
}

/// Writes what is in memory to a table, and returns when it is durable there.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_flush(db: *const lsm_db, error: *mut *mut lsm_error) -> lsm_status {
    lsm_flush_with(db, std::ptr::null(), error)
}

/// As lsm_flush(); `progress` of the options is told of entries. A flush that is stopped goes on in
/// the background.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_flush_with(
    db: *const lsm_db,
    options_or_null: *const lsm_call_options,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        may_wait()?;
        let seen = open(db)?;
        told(border, options_or_null, |options| seen.keyspace.flush_with(options))
    })
}

/// Merges everything from `begin` on, before `end`, down to the last level, and returns when that
/// is done. An absent end is no bound.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_compact(
    db: *const lsm_db,
    begin: lsm_slice,
    end: lsm_slice,
    error: *mut *mut lsm_error,
) -> lsm_status {
    lsm_compact_with(db, begin, end, std::ptr::null(), error)
}

/// As lsm_compact(); `progress` of the options is told of entries, first those that are flushed and
/// then those that are merged.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_compact_with(
    db: *const lsm_db,
    begin: lsm_slice,
    end: lsm_slice,
    options_or_null: *const lsm_call_options,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        may_wait()?;
        let seen = open(db)?;
        let range = range(border, begin, end)?;
        told(border, options_or_null, |options| seen.keyspace.compact_with(range, options))
    })
}

/// Returns once nothing is left to flush and nothing wants to be merged, or there is a pause.
/// Tables that nobody reads any more are gone then, too.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_wait_idle(db: *const lsm_db, error: *mut *mut lsm_error) -> lsm_status {
    done(error, |_| {
        may_wait()?;
        open(db)?.database.db.wait_idle()
    })
}

/// Begins no more merges until lsm_background_resume(), and drops no tables: for hours in which
/// the disk is needed for something else. A merge that runs goes on to its end; flushes go on, and
/// so does lsm_compact(). Writers are not held back for what is not merged meanwhile. Pauses count,
/// and end with the opening.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_background_pause(
    db: *const lsm_db,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |_| {
        may_wait()?;
        open(db)?.database.db.pause_background()
    })
}

/// Takes one lsm_background_pause() back; does nothing if there is none.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_background_resume(
    db: *const lsm_db,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |_| {
        may_wait()?;
        open(db)?.database.db.resume_background()
    })
}

/// Checks every file: each checksum, the order of entries, the filters, the log, and what all that
/// is said to be. Reads every byte. LSM_CORRUPTION with the file and the byte.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_verify(db: *const lsm_db, error: *mut *mut lsm_error) -> lsm_status {
    lsm_verify_with(db, std::ptr::null(), error)
}

/// As lsm_verify(); `progress` of the options is told of bytes.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_verify_with(
    db: *const lsm_db,
    options_or_null: *const lsm_call_options,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        may_wait()?;
        let seen = open(db)?;
        told(border, options_or_null, |options| seen.database.db.verify_with(options))
    })
}

/// Makes a long call of the engine, as the options say.
pub(crate) fn told<T>(
    border: &Border,
    options: *const lsm_call_options,
    call: impl FnOnce(CallOptions<'_>) -> Result<T>,
) -> Result<T> {
    let Some(chosen) = border.options(options)? else { return call(CallOptions::new()) };
    let mut options = CallOptions::new();
    if chosen.timeout_ms > 0 {
        options = options.timeout(Duration::from_millis(u64::from(chosen.timeout_ms)));
    }
    let Some(progress) = chosen.progress else { return call(options) };
    let mut told = teller(progress, Context(chosen.progress_context));
    call(options.progress(&mut told))
}
