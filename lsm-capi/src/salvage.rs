//! Section "salvage": what can be read of a damaged database becomes a new one.

use std::ffi::c_char;
use std::ptr;

use lsm_core::{Db, Slice};

use crate::border::call::{done, may_wait};
use crate::bytes::lsm_value;
use crate::db::with_callbacks;
use crate::error::lsm_error;
use crate::maintain::told;
use crate::options::{convert, lsm_call_options, lsm_options};
use crate::status::lsm_status;

/// Rebuilds what can be read of the damaged database at `path` in `new_path`, a directory that is
/// made: LSM_EXISTS if it is there. `report_json` tells what was lost: by ranges of keys, in
/// hexadecimal, by files and places in them, and by sequence numbers of the log; see `is_complete`
/// in it first. The options are those of the new database.
///
/// The damaged directory is only read: LSM_LOCKED while somebody writes there. If the call fails,
/// the new database goes again.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_salvage(
    path: *const c_char,
    new_path: *const c_char,
    options_or_null: *const lsm_options,
    report_json: *mut lsm_value,
    error: *mut *mut lsm_error,
) -> lsm_status {
    lsm_salvage_with(path, new_path, options_or_null, ptr::null(), report_json, error)
}

/// As lsm_salvage(); `progress` of the call's options is told of bytes.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_salvage_with(
    path: *const c_char,
    new_path: *const c_char,
    options_or_null: *const lsm_options,
    call_options_or_null: *const lsm_call_options,
    report_json: *mut lsm_value,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let report = border.out("report_json", report_json)?.first(lsm_value::NONE);
        may_wait()?;
        let path = border.path("path", path)?;
        let new_path = border.path("new_path", new_path)?;
        let chosen = border.options(options_or_null)?;
        let mut builder = Db::builder(path).options(convert::database(chosen)?);
        if let Some(chosen) = chosen {
            builder = with_callbacks(border, builder, &chosen)?;
        }
        let found =
            told(border, call_options_or_null, |call| builder.salvage_with(new_path, call))?;
        report.set(lsm_value::keep(Slice::from(found.to_json()))?);
        Ok(())
    })
}
