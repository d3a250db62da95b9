//! Section "conditions": writes that are made only if something is so.

use std::ptr;

use lsm_core::{Error, ErrorKind, Result, WriteOptions};

use crate::batch::{add, conditions};
use crate::border::call::{done, quiet};
use crate::border::pointers::Border;
use crate::bytes::lsm_slice;
use crate::error::lsm_error;
use crate::handles::{lsm_batch, lsm_db, lsm_snapshot, seen};
use crate::options::lsm_write_options;
use crate::snapshot::snapshot as taken;
use crate::status::lsm_status;
use crate::write::write;

/// Adds a condition: lsm_write() makes the writes of this batch only if the key has no value then.
/// All conditions are looked at in the moment of the write; if one does not hold, nothing is
/// written, and the answer is LSM_CONFLICT.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_batch_require_absent(
    batch: *mut lsm_batch,
    db: *const lsm_db,
    key: lsm_slice,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let key = border.key(key)?;
        add(batch, db, |batch, keyspace| {
            batch.require_absent(keyspace, key);
        })
    })
}

/// Adds a condition: the key has this value.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_batch_require_value(
    batch: *mut lsm_batch,
    db: *const lsm_db,
    key: lsm_slice,
    value: lsm_slice,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let (key, value) = (border.key(key)?, border.value(value)?);
        add(batch, db, |batch, keyspace| {
            batch.require_value(keyspace, key, value);
        })
    })
}

/// Adds a condition: nobody has written to the key since the snapshot, not even the same value
/// again. A key that had no value then and has none now may count as unchanged, whatever it had in
/// between. The snapshot may be freed; the batch keeps it until it is cleared or freed.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_batch_require_unchanged(
    batch: *mut lsm_batch,
    db: *const lsm_db,
    key: lsm_slice,
    snapshot: *const lsm_snapshot,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let (key, snapshot) = (border.key(key)?, taken(snapshot)?);
        add(batch, db, |batch, keyspace| {
            batch.require_unchanged(keyspace, key, &snapshot);
        })
    })
}

/// How many conditions it has; 0 for what is no batch.
#[unsafe(no_mangle)]
pub extern "C" fn lsm_batch_conditions(batch: *const lsm_batch) -> usize {
    quiet(0, |_| conditions(batch))
}

/// Gives a key a value if it has none; LSM_CONFLICT if it has one, which stays.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_insert_if_absent(
    db: *const lsm_db,
    options_or_null: *const lsm_write_options,
    key: lsm_slice,
    value: lsm_slice,
    error: *mut *mut lsm_error,
) -> lsm_status {
    let (none, value) = (ptr::null(), &raw const value);
    done(error, |border| swap(border, db, options_or_null, key, (none, value)))
}

/// Gives a key the value `new_or_null`, or takes it away, if it has the value `expected_or_null`,
/// or none; LSM_CONFLICT if it has something else, which stays. A loop around lsm_get() and this
/// changes a value by what it was.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_compare_and_set(
    db: *const lsm_db,
    options_or_null: *const lsm_write_options,
    key: lsm_slice,
    expected_or_null: *const lsm_slice,
    new_or_null: *const lsm_slice,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| swap(border, db, options_or_null, key, (expected_or_null, new_or_null)))
}

fn swap(
    border: &Border,
    db: *const lsm_db,
    options: *const lsm_write_options,
    key: lsm_slice,
    (expected, new): (*const lsm_slice, *const lsm_slice),
) -> Result<()> {
    let seen = seen(db)?;
    let key = border.key(key)?;
    let (expected, new) = (maybe(border, "expected", expected)?, maybe(border, "new", new)?);
    write(border, options, |options| {
        let usual = WriteOptions::new();
        let options = options.unwrap_or(&usual);
        let set = seen.keyspace.compare_and_set_with(key, expected, new, options)?;
        set.ok_or_else(|| conflict(expected.is_some()))
    })
}

/// A value, if there is a slice.
fn maybe<'a>(border: &'a Border, name: &str, value: *const lsm_slice) -> Result<Option<&'a [u8]>> {
    let slices = border.array(name, value, usize::from(!value.is_null()))?;
    slices.first().map(|slice| border.value(*slice)).transpose()
}

fn conflict(is_expected: bool) -> Error {
    let message = if is_expected {
        "the key has not the value that was expected"
    } else {
        "the key has a value"
    };
    Error::new(ErrorKind::Conflict, message)
}
