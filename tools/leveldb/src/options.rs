//! Section "Options".

#![allow(unsafe_code, reason = "exported names are unsafe attributes")]

use std::ffi::{c_int, c_void};

use crate::boundary::untold;
use crate::comparator::leveldb_comparator_t;
use crate::environment::{leveldb_cache_t, leveldb_env_t};
use crate::filter::leveldb_filterpolicy_t;
use crate::opening::Opening;

/// How a database is opened, as C holds it.
#[derive(Debug, Default)]
pub struct leveldb_options_t(pub Opening);

/// Options as a setter gets them.
type Given<'a> = Option<&'a mut leveldb_options_t>;

fn set(options: Given<'_>, choose: impl FnOnce(&mut Opening)) {
    let Some(options) = options else { return };
    untold((), || choose(&mut options.0));
}

/// Makes the usual options.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_options_create() -> Box<leveldb_options_t> {
    Box::default()
}

/// Frees them.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_options_destroy(options: Option<Box<leveldb_options_t>>) {
    untold((), || drop(options));
}

/// Chooses an order of keys, which must be that of their bytes; NULL for just that.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_options_set_comparator(
    options: Given<'_>,
    comparator: Option<&leveldb_comparator_t>,
) {
    set(options, |it| it.comparator = comparator.map(|comparator| comparator.0.clone()));
}

/// Chooses a filter; NULL leaves it to the engine.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_options_set_filter_policy(
    options: Given<'_>,
    policy: Option<&leveldb_filterpolicy_t>,
) {
    set(options, |it| it.policy = policy.map(|policy| policy.0.clone()));
}

/// Chooses to make a database if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_options_set_create_if_missing(options: Given<'_>, yes: u8) {
    set(options, |it| it.create_if_missing = yes != 0);
}

/// Chooses to fail if there is a database.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_options_set_error_if_exists(options: Given<'_>, yes: u8) {
    set(options, |it| it.error_if_exists = yes != 0);
}

/// Taken, and without effect: everything is always checked.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_options_set_paranoid_checks(_options: Given<'_>, _yes: u8) {}

/// Taken, and without effect: the interface knows only the one environment.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_options_set_env(_options: Given<'_>, _env: Option<&leveldb_env_t>) {}

/// Taken, and without effect: no call of the interface makes a log.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_options_set_info_log(_options: Given<'_>, _log: *mut c_void) {}

/// Chooses how many bytes of writes are gathered in memory.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_options_set_write_buffer_size(options: Given<'_>, bytes: usize) {
    set(options, |it| it.write_buffer = bytes);
}

/// Taken, and without effect: tables stay open.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_options_set_max_open_files(_options: Given<'_>, _count: c_int) {}

/// Chooses how many bytes of blocks are kept in memory; NULL for the usual number.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_options_set_cache(options: Given<'_>, cache: Option<&leveldb_cache_t>) {
    let usual = Opening::default().cache;
    set(options, |it| it.cache = cache.map_or(usual, |cache| cache.capacity));
}

/// Chooses how many bytes of pairs make a block, for a database that is made.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_options_set_block_size(options: Given<'_>, bytes: usize) {
    set(options, |it| it.block = bytes);
}

/// Taken, and without effect: blocks have no restart points.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_options_set_block_restart_interval(_options: Given<'_>, _keys: c_int) {}

/// Taken, and without effect: the engine chooses where a table ends.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_options_set_max_file_size(_options: Given<'_>, _bytes: usize) {}

/// Chooses whether blocks are compressed, for a database that is made: 0 for not at all.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_options_set_compression(options: Given<'_>, kind: c_int) {
    set(options, |it| it.is_compressed = kind != 0);
}
