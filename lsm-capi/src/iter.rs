//! Section "iteration": the position is a gap between two entries.

use std::ptr;

use lsm_core::{Cursor, Result};

use crate::border::call::{call, done, quiet};
use crate::border::handle::Kind;
use crate::border::pointers::{Border, Out};
use crate::border::table::{Owned, Table};
use crate::bytes::{lsm_slice, lsm_value};
use crate::db::open;
use crate::error::lsm_error;
use crate::expiry::stored;
use crate::handles::{Life, lsm_db, lsm_iter};
use crate::options::lsm_read_options;
use crate::status::{LSM_END, LSM_NOT_FOUND, LSM_OK, lsm_status};

mod bounds;
mod many;

/// What an `lsm_iter *` leads to.
struct Walk {
    cursor: Cursor,
    life: Life,
    /// What `lsm_iter_next_many` lends.
    many: many::Entries,
}

static ITERS: Table<Walk> = Table::new(Kind::Iter);

fn walk(iter: *mut lsm_iter) -> Result<Owned<Walk>> {
    let walk = ITERS.own(iter as usize)?;
    walk.life.check()?;
    Ok(walk)
}

/// An iterator over the keys of a keyspace, in order, in front of the first one. `lower`, `upper`
/// and `prefix` of the options bound it. It sees the moment of its making, or that of the snapshot,
/// whatever is written since, until lsm_iter_refresh(). For lsm_iter_free().
///
///     while ((rc = lsm_iter_next(it, &key, &value, &error)) == LSM_OK) { ... }
///
/// leaves LSM_END in `rc`, or an error.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_iter_new(
    db: *const lsm_db,
    options_or_null: *const lsm_read_options,
    iter: *mut *mut lsm_iter,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let new = border.out("iter", iter)?.first(ptr::null_mut());
        let seen = open(db)?;
        let cursor = bounds::cursor(border, &seen, options_or_null)?;
        let life = seen.database.life.clone();
        let walk = Walk { cursor, life, many: many::Entries::default() };
        new.set(ITERS.insert(walk)? as *mut lsm_iter);
        Ok(())
    })
}

/// Moves in front of the first entry whose key is `key` or behind it.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_iter_seek(
    iter: *mut lsm_iter,
    key: lsm_slice,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| walk(iter)?.cursor.seek(border.key(key)?))
}

/// Moves in front of everything: lsm_iter_next() then gives the first entry.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_iter_seek_first(
    iter: *mut lsm_iter,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |_| walk(iter)?.cursor.seek_first())
}

/// Moves behind everything: lsm_iter_prev() then gives the last entry.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_iter_seek_last(
    iter: *mut lsm_iter,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |_| walk(iter)?.cursor.seek_last())
}

/// Passes the next entry and lends it: `key` and `value_or_null` live until the next call with this
/// iterator. LSM_END behind the last one, and then both are absent. After an error the place is as
/// before, and the call may be made again.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_iter_next(
    iter: *mut lsm_iter,
    key: *mut lsm_slice,
    value_or_null: *mut lsm_slice,
    error: *mut *mut lsm_error,
) -> lsm_status {
    call(error, |border| {
        let lent = Lent::of(border, key, value_or_null)?;
        lent.set(walk(iter)?.cursor.next()?)
    })
}

/// Passes the entry before and lends it, as lsm_iter_next() does. LSM_END in front of the first
/// one.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_iter_prev(
    iter: *mut lsm_iter,
    key: *mut lsm_slice,
    value_or_null: *mut lsm_slice,
    error: *mut *mut lsm_error,
) -> lsm_status {
    call(error, |border| {
        let lent = Lent::of(border, key, value_or_null)?;
        lent.set(walk(iter)?.cursor.prev()?)
    })
}

/// Where a pair goes that is lent.
struct Lent<'a> {
    key: Out<'a, lsm_slice>,
    value: Option<Out<'a, lsm_slice>>,
}

impl<'a> Lent<'a> {
    #[inline]
    fn of(border: &'a Border, key: *mut lsm_slice, value: *mut lsm_slice) -> Result<Self> {
        let value = border.maybe_out("value_or_null", value)?;
        Ok(Self {
            key: border.out("key", key)?.first(lsm_slice::ABSENT),
            value: value.map(|value| value.first(lsm_slice::ABSENT)),
        })
    }

    #[inline]
    fn set(self, pair: Option<(&[u8], &[u8])>) -> Result<lsm_status> {
        let Some((key, value)) = pair else { return Ok(LSM_END) };
        self.key.set(lsm_slice::lend(key));
        if let Some(told) = self.value {
            told.set(lsm_slice::lend(value));
        }
        Ok(LSM_OK)
    }
}

/// Passes up to `capacity` entries and lends all of them, until the next call with this iterator:
/// for whom each call costs much. `count` gets how many they are. LSM_END, with no entry, behind
/// the last one. An error in the middle is told by the next call.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_iter_next_many(
    iter: *mut lsm_iter,
    capacity: usize,
    keys: *mut lsm_slice,
    values_or_null: *mut lsm_slice,
    count: *mut usize,
    error: *mut *mut lsm_error,
) -> lsm_status {
    call(error, |border| {
        let count = border.out("count", count)?.first(0);
        let keys = border.array_out("keys", keys, capacity)?;
        let room = if values_or_null.is_null() { 0 } else { capacity };
        let values = border.array_out("values_or_null", values_or_null, room)?;
        let mut walk = walk(iter)?;
        let Walk { cursor, many, .. } = &mut *walk;
        let passed = many.read(cursor, capacity, room > 0)?;
        many.lend(keys, values);
        count.set(passed);
        Ok(if passed == 0 && capacity > 0 { LSM_END } else { LSM_OK })
    })
}

/// The value of the entry that was passed last, to be kept beyond the next call: lsm_value_free().
/// LSM_NOT_FOUND if no entry was passed since the last seek, or by lsm_iter_next_many().
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_iter_pin(
    iter: *mut lsm_iter,
    value: *mut lsm_value,
    error: *mut *mut lsm_error,
) -> lsm_status {
    call(error, |border| {
        let pinned = border.out("value", value)?.first(lsm_value::NONE);
        let Some(found) = walk(iter)?.cursor.pinned_value() else { return Ok(LSM_NOT_FOUND) };
        pinned.set(lsm_value::keep(found)?);
        Ok(LSM_OK)
    })
}

/// When the value of the entry that was passed last expires, in milliseconds since 1970; 0 if it
/// never does. LSM_NOT_FOUND where lsm_iter_pin() answers it.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_iter_expiry(
    iter: *mut lsm_iter,
    expires_at_ms: *mut u64,
    error: *mut *mut lsm_error,
) -> lsm_status {
    call(error, |border| {
        let moment = border.out("expires_at_ms", expires_at_ms)?.first(0);
        let Some(expiry) = walk(iter)?.cursor.expiry() else { return Ok(LSM_NOT_FOUND) };
        moment.set(stored(expiry));
        Ok(LSM_OK)
    })
}

/// Sees from now on what is newest now, in the same place: behind or in front of the key that was
/// passed last, or where the last seek led. An iterator of a snapshot stays as it is.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_iter_refresh(iter: *mut lsm_iter, error: *mut *mut lsm_error) -> lsm_status {
    done(error, |_| walk(iter)?.cursor.refresh())
}

/// Frees an iterator, and what it lent.
#[unsafe(no_mangle)]
pub extern "C" fn lsm_iter_free(iter: *mut lsm_iter) {
    quiet((), |_| ITERS.remove(iter as usize));
}
