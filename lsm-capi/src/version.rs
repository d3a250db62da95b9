//! Section "version": which library this is, at compile time and at run time.

use std::ffi::{CStr, c_char};

/// The first part of the version this header belongs to.
pub const LSM_VERSION_MAJOR: u32 = 0;
/// The second part; before 1.0 it grows with every change of this interface.
pub const LSM_VERSION_MINOR: u32 = 1;
/// The third part.
pub const LSM_VERSION_PATCH: u32 = 0;
/// The version of this header as one number, to hold against `lsm_version_number()`.
pub const LSM_VERSION_NUMBER: u32 =
    LSM_VERSION_MAJOR * 1000000 + LSM_VERSION_MINOR * 1000 + LSM_VERSION_PATCH;

const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");

const VERSION_C: &CStr = match CStr::from_bytes_with_nul(VERSION.as_bytes()) {
    Ok(version) => version,
    Err(_) => c"",
};

const _: () = assert!(
    is_number(env!("CARGO_PKG_VERSION_MAJOR"), LSM_VERSION_MAJOR)
        && is_number(env!("CARGO_PKG_VERSION_MINOR"), LSM_VERSION_MINOR)
        && is_number(env!("CARGO_PKG_VERSION_PATCH"), LSM_VERSION_PATCH),
    "the header's version is not the package's"
);

const fn is_number(text: &str, number: u32) -> bool {
    matches!(u32::from_str_radix(text, 10), Ok(value) if value == number)
}

/// The version of the loaded library, such as "0.1.0". Static: never freed.
#[unsafe(no_mangle)]
pub extern "C" fn lsm_version() -> *const c_char {
    VERSION_C.as_ptr()
}

/// The version of the loaded library as one number, made as `LSM_VERSION_NUMBER` is.
#[unsafe(no_mangle)]
pub extern "C" fn lsm_version_number() -> u32 {
    LSM_VERSION_NUMBER
}

/// What this build can do and how it was made, such as "lsm 0.1.0; release; compression none lz4".
/// Static: never freed.
#[unsafe(no_mangle)]
pub extern "C" fn lsm_build_info() -> *const c_char {
    BUILD_C.as_ptr()
}

const BUILD: &str = concat!(
    "lsm ",
    env!("CARGO_PKG_VERSION"),
    "; ",
    env!("LSM_PROFILE"),
    "; compression none lz4",
    "\0"
);

const BUILD_C: &CStr = match CStr::from_bytes_with_nul(BUILD.as_bytes()) {
    Ok(build) => build,
    Err(_) => c"",
};
