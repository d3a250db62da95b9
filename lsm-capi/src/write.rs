//! Section "writing": one key, or a range of them.

use std::ops::Bound;

use lsm_core::{Error, ErrorKind, Result, SeqNo, WriteOptions};

use crate::border::call::{done, may_wait};
use crate::border::pointers::Border;
use crate::bytes::lsm_slice;
use crate::error::lsm_error;
use crate::handles::{lsm_db, seen};
use crate::options::{LSM_WRITE_NO_WAIT, convert, lsm_write_options};
use crate::status::lsm_status;

/// Gives a key a value. A key has up to 65,535 bytes, a value up to 1 GiB.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_put(
    db: *const lsm_db,
    options_or_null: *const lsm_write_options,
    key: lsm_slice,
    value: lsm_slice,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let seen = seen(db)?;
        let (key, value) = (border.key(key)?, border.value(value)?);
        write(border, options_or_null, |options| match options {
            None => seen.keyspace.put(key, value),
            Some(options) => seen.keyspace.put_with(key, value, options),
        })
    })
}

/// Takes a key away, whether or not it is there.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_delete(
    db: *const lsm_db,
    options_or_null: *const lsm_write_options,
    key: lsm_slice,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let seen = seen(db)?;
        let key = border.key(key)?;
        write(border, options_or_null, |options| match options {
            None => seen.keyspace.delete(key),
            Some(options) => seen.keyspace.delete_with(key, options),
        })
    })
}

/// Takes a key away, whether or not it is there. In a keyspace with `write_once` this takes less
/// room than lsm_delete(): it is gone as soon as it meets the put. Elsewhere it is as that.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_single_delete(
    db: *const lsm_db,
    options_or_null: *const lsm_write_options,
    key: lsm_slice,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let seen = seen(db)?;
        let key = border.key(key)?;
        write(border, options_or_null, |options| match options {
            None => seen.keyspace.single_delete(key),
            Some(options) => seen.keyspace.single_delete_with(key, options),
        })
    })
}

/// Takes away every key from `begin` on, up to but without `end`, at the same cost for any number
/// of them. An absent end is no bound; an end that is not behind `begin` is an empty range.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_delete_range(
    db: *const lsm_db,
    options_or_null: *const lsm_write_options,
    begin: lsm_slice,
    end: lsm_slice,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let seen = seen(db)?;
        let range = range(border, begin, end)?;
        write(border, options_or_null, |options| {
            let usual = WriteOptions::new();
            seen.keyspace.delete_range_with(range, options.unwrap_or(&usual))
        })
    })
}

/// A range as the engine takes it.
pub(crate) type Range<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// The range of two ends from C.
pub(crate) fn range(border: &Border, begin: lsm_slice, end: lsm_slice) -> Result<Range<'_>> {
    let begin = border.bound("begin", begin)?.map_or(Bound::Unbounded, Bound::Included);
    let end = border.bound("end", end)?.map_or(Bound::Unbounded, Bound::Excluded);
    Ok((begin, end))
}

/// Writes as the options say.
#[inline]
pub(crate) fn write(
    border: &Border,
    options: *const lsm_write_options,
    write: impl FnOnce(Option<&WriteOptions>) -> Result<SeqNo>,
) -> Result<()> {
    may_wait()?;
    let Some(chosen) = border.options(options)? else { return write(None).map(drop) };
    let told = border.maybe_out("seqno", chosen.seqno)?;
    let seqno = write(Some(&convert::write(Some(chosen))?)).map_err(|failure| {
        let is_impatient = chosen.flags & LSM_WRITE_NO_WAIT != 0;
        if is_impatient && failure.kind() == ErrorKind::TimedOut { busy(&failure) } else { failure }
    })?;
    if let Some(told) = told {
        told.set(seqno.get());
    }
    Ok(())
}

#[cold]
fn busy(failure: &Error) -> Error {
    failure.as_cause_of(ErrorKind::Busy, "the write would have to wait")
}
