//! Sections "Cache" and "Env".

#![allow(unsafe_code, reason = "exported names are unsafe attributes")]
#![allow(clippy::disallowed_methods, reason = "a directory for tests, which a variable can name")]

use std::env;
use std::ffi::{OsString, c_char};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::ptr::null_mut;

use crate::boundary::{copied_text, untold, user};

/// A cache as C holds it: how large the cache of each database opened with it is.
#[derive(Debug)]
pub struct leveldb_cache_t {
    /// Its bytes.
    pub capacity: usize,
}

/// Makes a cache of so many bytes.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_cache_create_lru(capacity: usize) -> Box<leveldb_cache_t> {
    Box::new(leveldb_cache_t { capacity })
}

/// Frees it.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_cache_destroy(cache: Option<Box<leveldb_cache_t>>) {
    untold((), || drop(cache));
}

/// The one environment, as C holds it.
#[derive(Debug)]
pub struct leveldb_env_t {
    /// Each has an address of its own.
    _address: u8,
}

/// Makes a handle of the environment.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_create_default_env() -> Box<leveldb_env_t> {
    Box::new(leveldb_env_t { _address: 0 })
}

/// Frees it.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_env_destroy(environment: Option<Box<leveldb_env_t>>) {
    untold((), || drop(environment));
}

/// Answers the path of a directory for tests, made if it was not there, in memory to be freed:
/// what `TEST_TMPDIR` says, or one of the user's own.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_env_get_test_directory(_env: Option<&leveldb_env_t>) -> *mut c_char {
    untold(null_mut(), || {
        let chosen = env::var_os("TEST_TMPDIR").filter(|path| !path.is_empty());
        let own = || OsString::from(format!("/tmp/leveldbtest-{}", user()));
        let path = chosen.unwrap_or_else(own);
        // Mostly it is there already, and whoever uses it sees whether it is not.
        let _made = fs::create_dir(&path);
        copied_text(path.as_bytes())
    })
}
