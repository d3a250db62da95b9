//! Section "keyspaces": separately tuned trees of one database.

use std::ffi::{c_char, c_void};
use std::ptr;
use std::sync::Arc;

use crate::border::call::{call, done, may_wait, quiet};
use crate::callbacks::{Context, lsm_keyspace_fn, namer};
use crate::db::open;
use crate::error::{lsm_error, string_of};
use crate::handles::{Seen, insert, lsm_db, seen};
use crate::merging;
use crate::options::{convert, lsm_keyspace_options};
use crate::status::{LSM_NOT_FOUND, LSM_OK, lsm_status};

/// Another handle of the same database, for the keyspace of this name, which is made if there is
/// none. Options are stored with a new keyspace; one that is there with others is refused with
/// LSM_INVALID_ARGUMENT. A name has 1 to 255 bytes of UTF-8. To be closed by lsm_close().
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_keyspace_open(
    db: *const lsm_db,
    name: *const c_char,
    options_or_null: *const lsm_keyspace_options,
    keyspace: *mut *mut lsm_db,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let opened = border.out("keyspace", keyspace)?.first(ptr::null_mut());
        may_wait()?;
        let seen = open(db)?;
        let name = border.text("name", name)?;
        let keyspace = match border.options(options_or_null)? {
            None => seen.database.db.keyspace(name)?,
            some => seen.database.db.keyspace_with(name, merging::keyspace(border, some)?)?,
        };
        let name = Arc::new(string_of(name.as_bytes()));
        let database = seen.database.clone();
        opened.set(insert(Seen { keyspace, name, database, is_first: false })?);
        Ok(())
    })
}

/// Drops a keyspace with everything in it. Its handles then answer LSM_CLOSED, and are still to be
/// closed. LSM_NOT_FOUND if there is none of this name.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_keyspace_drop(
    db: *const lsm_db,
    name: *const c_char,
    error: *mut *mut lsm_error,
) -> lsm_status {
    call(error, |border| {
        may_wait()?;
        let was_there = open(db)?.database.db.drop_keyspace(border.text("name", name)?)?;
        Ok(if was_there { LSM_OK } else { LSM_NOT_FOUND })
    })
}

/// Tells the names of all keyspaces but the default one, in order.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_keyspace_list(
    db: *const lsm_db,
    visit: lsm_keyspace_fn,
    context: *mut c_void,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |_| {
        let tell = namer(visit, Context(context))?;
        open(db)?.database.db.keyspace_names().iter().for_each(|name| tell(name));
        Ok(())
    })
}

/// The name of the keyspace that a handle is for. Lives as long as the handle; NULL if that is
/// closed.
#[unsafe(no_mangle)]
pub extern "C" fn lsm_keyspace_name(db: *const lsm_db) -> *const c_char {
    quiet(ptr::null(), |_| Ok(seen(db)?.name.as_ptr()))
}

/// How the keyspace of a handle is kept: fills in `options`, which begin with
/// LSM_KEYSPACE_OPTIONS_INIT.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_keyspace_options_read(
    db: *const lsm_db,
    options: *mut lsm_keyspace_options,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let options = border.options_out(options)?;
        *options = convert::keyspace_for_c(&open(db)?.keyspace.options())?;
        Ok(())
    })
}
