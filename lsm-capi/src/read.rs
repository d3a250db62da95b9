//! Section "reading": one key, or several.

use std::ffi::c_void;

use lsm_core::{Expiry, KeyspaceWith, Lent, ReadOptions, Result, Slice};

use crate::border::call::call;
use crate::border::pointers::Border;
use crate::bytes::{lsm_slice, lsm_value};
use crate::error::lsm_error;
use crate::handles::{Seen, lsm_db, seen};
use crate::options::convert::check_flags;
use crate::options::{
    LSM_READ_KEYS_ONLY, LSM_READ_MEMORY_ONLY, LSM_READ_NO_FILL_CACHE, LSM_READ_VERIFY,
    lsm_read_options,
};
use crate::snapshot::snapshot;
use crate::status::{LSM_NOT_FOUND, LSM_OK, LSM_TRUNCATED, lsm_status, status_of};

/// The value of a key, where it lies: to be given back by lsm_value_free(). LSM_NOT_FOUND if there
/// is none. What `value` held before is overwritten, not freed.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_get(
    db: *const lsm_db,
    options_or_null: *const lsm_read_options,
    key: lsm_slice,
    value: *mut lsm_value,
    error: *mut *mut lsm_error,
) -> lsm_status {
    call(error, |border| {
        let value = border.out("value", value)?.first(lsm_value::NONE);
        match look(border, db, options_or_null, key, lsm_value::of)? {
            Some(found) => {
                value.set(found?);
                Ok(LSM_OK)
            }
            None => Ok(LSM_NOT_FOUND),
        }
    })
}

/// Copies the value of a key into `buffer`, and its whole length into `size`. LSM_TRUNCATED if
/// `capacity` is less: the buffer then holds its beginning. LSM_NOT_FOUND if there is none. The
/// buffer may be NULL if `capacity` is 0.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_get_into(
    db: *const lsm_db,
    options_or_null: *const lsm_read_options,
    key: lsm_slice,
    buffer: *mut c_void,
    capacity: usize,
    size: *mut usize,
    error: *mut *mut lsm_error,
) -> lsm_status {
    call(error, |border| {
        let size = border.out("size", size)?.first(0);
        let found = look(border, db, options_or_null, key, |found| {
            let bytes = found.bytes();
            let room = capacity.min(bytes.len());
            let room = border.array_out("buffer", buffer.cast::<u8>(), room)?;
            room.copy_from_slice(bytes.get(..room.len()).unwrap_or_default());
            Ok(bytes.len())
        })?;
        let Some(found) = found.transpose()? else { return Ok(LSM_NOT_FOUND) };
        size.set(found);
        Ok(if capacity < found { LSM_TRUNCATED } else { LSM_OK })
    })
}

/// LSM_OK if the key has a value, LSM_NOT_FOUND if it has none.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_exists(
    db: *const lsm_db,
    options_or_null: *const lsm_read_options,
    key: lsm_slice,
    error: *mut *mut lsm_error,
) -> lsm_status {
    call(error, |border| {
        let found = expiry(border, db, options_or_null, key)?;
        Ok(if found.is_some() { LSM_OK } else { LSM_NOT_FOUND })
    })
}

/// The values of several keys, all of the same moment; their reads from disk and memory overlap.
/// Each of `count` values and statuses is as lsm_get() would answer it; `statuses_or_null` may be
/// NULL, a value that is not there has `data` NULL. Give all values back by lsm_values_free().
/// After an error no value is there, and every status is that of the error.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_multi_get(
    db: *const lsm_db,
    options_or_null: *const lsm_read_options,
    count: usize,
    keys: *const lsm_slice,
    values: *mut lsm_value,
    statuses_or_null: *mut lsm_status,
    error: *mut *mut lsm_error,
) -> lsm_status {
    call(error, |border| {
        let values = border.array_out("values", values, count)?;
        values.fill(lsm_value::NONE);
        let told = if statuses_or_null.is_null() { 0 } else { count };
        let statuses = border.array_out("statuses_or_null", statuses_or_null, told)?;
        let keys = border.array("keys", keys, count)?;
        let found = multi_get(border, db, options_or_null, keys);
        match found.and_then(|found| keep(found, values)) {
            Ok(()) => {
                for (status, value) in statuses.iter_mut().zip(values.iter()) {
                    *status = if value.data.is_null() { LSM_NOT_FOUND } else { LSM_OK };
                }
                Ok(LSM_OK)
            }
            Err(failure) => {
                statuses.fill(status_of(failure.kind()));
                Err(failure)
            }
        }
    })
}

fn multi_get(
    border: &Border,
    db: *const lsm_db,
    options: *const lsm_read_options,
    keys: &[lsm_slice],
) -> Result<Vec<Option<Slice>>> {
    let seen = seen(db)?;
    let keys: Vec<&[u8]> = keys.iter().map(|key| border.key(*key)).collect::<Result<_>>()?;
    match reader(border, &seen, options)? {
        None => seen.keyspace.get_many(keys),
        Some(reader) => reader.get_many(keys),
    }
}

/// Looks one key up as the options say.
#[inline]
pub(crate) fn look<T>(
    border: &Border,
    db: *const lsm_db,
    options: *const lsm_read_options,
    key: lsm_slice,
    look: impl FnMut(Lent<'_>) -> T,
) -> Result<Option<T>> {
    let seen = seen(db)?;
    let key = border.key(key)?;
    match reader(border, &seen, options)? {
        None => seen.keyspace.look(key, look),
        Some(reader) => reader.look(key, look),
    }
}

/// When the value of a key expires; none if it has no value. No value is read that stands apart.
// Two functions of the library ask this: it is in there once.
#[inline(never)]
pub(crate) fn expiry(
    border: &Border,
    db: *const lsm_db,
    options: *const lsm_read_options,
    key: lsm_slice,
) -> Result<Option<Expiry>> {
    let seen = seen(db)?;
    let key = border.key(key)?;
    match reader(border, &seen, options)? {
        None => seen.keyspace.expiry(key),
        Some(reader) => reader.expiry(key),
    }
}

/// Who reads as the options say; `None` if they say nothing.
#[inline]
pub(crate) fn reader(
    border: &Border,
    seen: &Seen,
    options: *const lsm_read_options,
) -> Result<Option<KeyspaceWith>> {
    match border.options(options)? {
        None => Ok(None),
        Some(chosen) => chosen_reader(seen, &chosen).map(Some),
    }
}

const KNOWN: u32 =
    LSM_READ_NO_FILL_CACHE | LSM_READ_VERIFY | LSM_READ_MEMORY_ONLY | LSM_READ_KEYS_ONLY;

/// The same for options that were read.
pub(crate) fn chosen_reader(seen: &Seen, chosen: &lsm_read_options) -> Result<KeyspaceWith> {
    check_flags(chosen.flags, KNOWN)?;
    let has = |flag| chosen.flags & flag != 0;
    let options = ReadOptions::new()
        .fill_cache(!has(LSM_READ_NO_FILL_CACHE))
        .verify(has(LSM_READ_VERIFY))
        .cached_only(has(LSM_READ_MEMORY_ONLY));
    if chosen.snapshot.is_null() {
        return Ok(seen.keyspace.with(options));
    }
    Ok(seen.keyspace.at(&snapshot(chosen.snapshot)?).with(options))
}

/// Hands found values to C: all of them, or none.
/// Hands values over, all or none.
pub(crate) fn keep(found: Vec<Option<Slice>>, values: &mut [lsm_value]) -> Result<()> {
    let mut kept = values.iter_mut().zip(found).filter_map(|(value, slice)| Some((value, slice?)));
    let done = kept.try_for_each(|(value, slice)| {
        *value = lsm_value::keep(slice)?;
        Ok(())
    });
    if done.is_err() {
        values.iter_mut().for_each(lsm_value::free);
    }
    done
}
