//! Section "Utility".

#![allow(unsafe_code, reason = "exported names are unsafe attributes")]

use std::ffi::c_int;

use crate::boundary::Made;

/// The version of LevelDB whose interface this is.
const VERSION: (c_int, c_int) = (1, 23);

/// Frees what a call of this library gave; so does `free`.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_free(memory: Made) {
    drop(memory);
}

/// The first part of the version of LevelDB whose interface this is.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_major_version() -> c_int {
    VERSION.0
}

/// The second part.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_minor_version() -> c_int {
    VERSION.1
}
