//! Section "values that expire": when that is, and how it is put off.

use lsm_core::{Expiry, Result, WriteOptions};

use crate::batch::add;
use crate::border::call::{call, done};
use crate::bytes::lsm_slice;
use crate::error::lsm_error;
use crate::handles::{lsm_batch, lsm_db, seen};
use crate::options::{convert, lsm_read_options, lsm_write_options};
use crate::read::expiry;
use crate::status::{LSM_NOT_FOUND, LSM_OK, lsm_status};
use crate::write::write;

/// Lets the value that a key has expire at another moment, or never, as `ttl_ms` and
/// `expires_at_ms` of the options say. LSM_NOT_FOUND if it has none: what has expired is gone.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_touch(
    db: *const lsm_db,
    options_or_null: *const lsm_write_options,
    key: lsm_slice,
    error: *mut *mut lsm_error,
) -> lsm_status {
    call(error, |border| {
        let seen = seen(db)?;
        let key = border.key(key)?;
        let mut is_there = false;
        write(border, options_or_null, |options| {
            let usual = WriteOptions::new();
            let touched = seen.keyspace.touch_with(key, options.unwrap_or(&usual))?;
            is_there = touched.is_some();
            Ok(touched.unwrap_or_default())
        })?;
        Ok(if is_there { LSM_OK } else { LSM_NOT_FOUND })
    })
}

/// When the value of a key expires, in milliseconds since 1970; 0 if it never does. LSM_NOT_FOUND
/// if the key has no value.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_expiry(
    db: *const lsm_db,
    options_or_null: *const lsm_read_options,
    key: lsm_slice,
    expires_at_ms: *mut u64,
    error: *mut *mut lsm_error,
) -> lsm_status {
    call(error, |border| {
        let moment = border.out("expires_at_ms", expires_at_ms)?.first(0);
        let found = expiry(border, db, options_or_null, key)?;
        let Some(expiry) = found else { return Ok(LSM_NOT_FOUND) };
        moment.set(stored(expiry));
        Ok(LSM_OK)
    })
}

/// Adds: give a key of this keyspace a value that expires `ttl_ms` after this call, as `ttl_ms` of
/// lsm_write_options: 0 as the keyspace has it, LSM_TTL_NEVER for never.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_batch_put_ttl(
    batch: *mut lsm_batch,
    db: *const lsm_db,
    key: lsm_slice,
    value: lsm_slice,
    ttl_ms: u64,
    error: *mut *mut lsm_error,
) -> lsm_status {
    put(batch, db, (key, value), convert::ttl(ttl_ms), error)
}

/// Adds: give a key of this keyspace a value that expires at this moment, in milliseconds since
/// 1970. One that is past deletes the key.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_batch_put_until(
    batch: *mut lsm_batch,
    db: *const lsm_db,
    key: lsm_slice,
    value: lsm_slice,
    expires_at_ms: u64,
    error: *mut *mut lsm_error,
) -> lsm_status {
    put(batch, db, (key, value), Expiry::At(expires_at_ms), error)
}

fn put(
    batch: *mut lsm_batch,
    db: *const lsm_db,
    (key, value): (lsm_slice, lsm_slice),
    expiry: Expiry,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| -> Result<()> {
        let (key, value) = (border.key(key)?, border.value(value)?);
        add(batch, db, |batch, keyspace| {
            batch.put_expiring(keyspace, key, value, expiry);
        })
    })
}

/// A moment as C has it.
pub(crate) fn stored(expiry: Expiry) -> u64 {
    match expiry {
        Expiry::At(millis) => millis,
        _ => 0,
    }
}
