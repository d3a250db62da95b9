//! Section "merging": operands that a keyspace's merge operator makes one value of.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char};
use std::ptr;

use lsm_core::base::sync::Mutex;
use lsm_core::{Error, ErrorKind, Expiry, KeyspaceOptions, Result};

use crate::batch::add;
use crate::border::call::done;
use crate::border::pointers::Border;
use crate::bytes::lsm_slice;
use crate::error::lsm_error;
use crate::handles::{lsm_batch, lsm_db, seen};
use crate::options::{convert, lsm_keyspace_options, lsm_write_options};
use crate::status::lsm_status;
use crate::write::write;

/// Applies an operand to the value of a key, or to none, by the keyspace's merge operator, and
/// reads nothing for that: operands are folded when the key is read. LSM_INVALID_ARGUMENT if the
/// keyspace has no operator, or the operator refuses the operand.
///
/// Without `ttl_ms` and `expires_at_ms` the value then expires as the keyspace has it, or, if that
/// says nothing, when it would have before.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_merge(
    db: *const lsm_db,
    options_or_null: *const lsm_write_options,
    key: lsm_slice,
    operand: lsm_slice,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let seen = seen(db)?;
        let (key, operand) = (border.key(key)?, border.value(operand)?);
        write(border, options_or_null, |options| match options {
            None => seen.keyspace.merge(key, operand),
            Some(options) => seen.keyspace.merge_with(key, operand, options),
        })
    })
}

/// Adds: apply an operand to a key of this keyspace, as lsm_merge().
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_batch_merge(
    batch: *mut lsm_batch,
    db: *const lsm_db,
    key: lsm_slice,
    operand: lsm_slice,
    error: *mut *mut lsm_error,
) -> lsm_status {
    merge(batch, db, (key, operand), Expiry::Usual, error)
}

/// As lsm_batch_merge(), and lets the value that comes of it expire `ttl_ms` after this call, as
/// `ttl_ms` of lsm_write_options.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_batch_merge_ttl(
    batch: *mut lsm_batch,
    db: *const lsm_db,
    key: lsm_slice,
    operand: lsm_slice,
    ttl_ms: u64,
    error: *mut *mut lsm_error,
) -> lsm_status {
    merge(batch, db, (key, operand), convert::ttl(ttl_ms), error)
}

/// As lsm_batch_merge(), and lets the value that comes of it expire at this moment, in milliseconds
/// since 1970.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_batch_merge_until(
    batch: *mut lsm_batch,
    db: *const lsm_db,
    key: lsm_slice,
    operand: lsm_slice,
    expires_at_ms: u64,
    error: *mut *mut lsm_error,
) -> lsm_status {
    merge(batch, db, (key, operand), Expiry::At(expires_at_ms), error)
}

fn merge(
    batch: *mut lsm_batch,
    db: *const lsm_db,
    (key, operand): (lsm_slice, lsm_slice),
    expiry: Expiry,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| -> Result<()> {
        let (key, operand) = (border.key(key)?, border.value(operand)?);
        add(batch, db, |batch, keyspace| {
            batch.merge_expiring(keyspace, key, operand, expiry);
        })
    })
}

/// Options of a keyspace, with the names in them.
pub(crate) fn keyspace(
    border: &Border,
    chosen: Option<lsm_keyspace_options>,
) -> Result<KeyspaceOptions> {
    let mut options = convert::keyspace(chosen)?;
    let Some(chosen) = chosen else { return Ok(options) };
    if !chosen.merge_operator.is_null() {
        options = options.merge_operator(border.text("merge_operator", chosen.merge_operator)?);
    }
    if !chosen.comparator.is_null() {
        options = options.comparator(border.text("comparator", chosen.comparator)?.parse()?);
    }
    if !chosen.compaction_filter.is_null() {
        let name = border.text("compaction_filter", chosen.compaction_filter)?;
        options = options.compaction_filter(name);
    }
    options.check()?;
    Ok(options)
}

/// So many different names are kept.
const NAMES_MAX: usize = 4096;

/// The name of an operator for C, which is kept for ever: a program has few. NULL for none.
pub(crate) fn name_for_c(name: Option<&str>) -> Result<*const c_char> {
    static NAMES: Mutex<BTreeMap<String, &'static CStr>> = Mutex::new(BTreeMap::new());
    let Some(name) = name else { return Ok(ptr::null()) };
    let mut names = NAMES.lock();
    if let Some(known) = names.get(name) {
        return Ok(known.as_ptr());
    }
    if names.len() == NAMES_MAX {
        let message = "too many different names of operators and filters were asked for";
        return Err(Error::new(ErrorKind::TooLarge, message));
    }
    let text = CString::new(name).unwrap_or_default();
    let kept: &'static CStr = Box::leak(text.into_boxed_c_str());
    names.insert(name.to_owned(), kept);
    Ok(kept.as_ptr())
}
