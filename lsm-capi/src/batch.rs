//! Section "batches": writes to any keyspaces that happen together or not at all.

use std::ptr;

use lsm_core::{Batch, Keyspace, Result, WriteOptions};

use crate::border::call::{done, quiet};
use crate::border::handle::Kind;
use crate::border::table::Table;
use crate::bytes::lsm_slice;
use crate::db::open;
use crate::error::lsm_error;
use crate::handles::{lsm_batch, lsm_db};
use crate::options::lsm_write_options;
use crate::status::lsm_status;
use crate::write::{range, write};

static BATCHES: Table<Batch> = Table::new(Kind::Batch);

/// An empty batch, for lsm_batch_free(). It owns its bytes, and belongs to no database until
/// something is in it.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_batch_new(
    batch: *mut *mut lsm_batch,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let new = border.out("batch", batch)?.first(ptr::null_mut());
        new.set(BATCHES.insert(Batch::new())? as *mut lsm_batch);
        Ok(())
    })
}

/// Adds: give a key of this keyspace a value. A call that fails leaves the batch as it was.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_batch_put(
    batch: *mut lsm_batch,
    db: *const lsm_db,
    key: lsm_slice,
    value: lsm_slice,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let (key, value) = (border.key(key)?, border.value(value)?);
        add(batch, db, |batch, keyspace| {
            batch.put(keyspace, key, value);
        })
    })
}

/// Adds: take a key of this keyspace away.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_batch_delete(
    batch: *mut lsm_batch,
    db: *const lsm_db,
    key: lsm_slice,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let key = border.key(key)?;
        add(batch, db, |batch, keyspace| {
            batch.delete(keyspace, key);
        })
    })
}

/// Adds: take a key of this keyspace away, as lsm_single_delete().
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_batch_single_delete(
    batch: *mut lsm_batch,
    db: *const lsm_db,
    key: lsm_slice,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let key = border.key(key)?;
        add(batch, db, |batch, keyspace| {
            batch.single_delete(keyspace, key);
        })
    })
}

/// Adds: take away every key of this keyspace from `begin` on, up to but without `end`; as
/// lsm_delete_range().
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_batch_delete_range(
    batch: *mut lsm_batch,
    db: *const lsm_db,
    begin: lsm_slice,
    end: lsm_slice,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let range = range(border, begin, end)?;
        add(batch, db, |batch, keyspace| {
            batch.delete_range(keyspace, range);
        })
    })
}

/// Adds something to a batch, or leaves it as it was.
pub(crate) fn add(
    batch: *mut lsm_batch,
    db: *const lsm_db,
    add: impl FnOnce(&mut Batch, &Keyspace),
) -> Result<()> {
    let mut batch = BATCHES.own(batch as usize)?;
    add(&mut batch, &open(db)?.keyspace);
    batch.take_error().map_or(Ok(()), Err)
}

/// How many conditions a batch has.
pub(crate) fn conditions(batch: *const lsm_batch) -> Result<usize> {
    Ok(BATCHES.share(batch as usize)?.conditions())
}

/// How many writes it holds; 0 for what is no batch.
#[unsafe(no_mangle)]
pub extern "C" fn lsm_batch_count(batch: *const lsm_batch) -> usize {
    quiet(0, |_| Ok(BATCHES.share(batch as usize)?.len()))
}

/// How many bytes it takes in the log; 0 for what is no batch.
#[unsafe(no_mangle)]
pub extern "C" fn lsm_batch_bytes(batch: *const lsm_batch) -> usize {
    quiet(0, |_| Ok(BATCHES.share(batch as usize)?.bytes()))
}

/// Empties it, and keeps its memory for what comes next.
#[unsafe(no_mangle)]
pub extern "C" fn lsm_batch_clear(batch: *mut lsm_batch) {
    quiet((), |_| {
        BATCHES.own(batch as usize)?.clear();
        Ok(())
    });
}

/// Makes all writes of a batch: all of them or none, for every reader and after every crash.
/// `seqno_or_null` gets the sequence number of the last one. The batch stays as it is, and can be
/// written again.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_write(
    db: *const lsm_db,
    options_or_null: *const lsm_write_options,
    batch: *const lsm_batch,
    seqno_or_null: *mut u64,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let seqno = border.maybe_out("seqno_or_null", seqno_or_null)?.map(|out| out.first(0));
        let seen = open(db)?;
        let batch = BATCHES.share(batch as usize)?;
        write(border, options_or_null, |options| {
            let usual = WriteOptions::new();
            let last = seen.database.db.write_with(&batch, options.unwrap_or(&usual))?;
            if let Some(seqno) = seqno {
                seqno.set(last.get());
            }
            Ok(last)
        })
    })
}

/// Frees a batch.
#[unsafe(no_mangle)]
pub extern "C" fn lsm_batch_free(batch: *mut lsm_batch) {
    quiet((), |_| BATCHES.remove(batch as usize));
}
