//! Section "status": what a call answers.

use std::ffi::{CStr, c_char};

use lsm_core::ErrorKind;

/// What a call answers: 0 success, above 0 an expected outcome, below 0 an error.
pub type lsm_status = i32;

/// Success.
pub const LSM_OK: lsm_status = 0;
/// No such key, keyspace or backup.
pub const LSM_NOT_FOUND: lsm_status = 1;
/// The iteration is over.
pub const LSM_END: lsm_status = 2;
/// The caller's buffer is too small; the size needed is reported.
pub const LSM_TRUNCATED: lsm_status = 3;
/// Fix the call.
pub const LSM_INVALID_ARGUMENT: lsm_status = -1;
/// This platform, medium or build cannot do it.
pub const LSM_UNSUPPORTED: lsm_status = -2;
/// The operating system failed.
pub const LSM_IO: lsm_status = -3;
/// Free some space, then retry.
pub const LSM_NO_SPACE: lsm_status = -4;
/// Stored bytes are wrong: restore or salvage.
pub const LSM_CORRUPTION: lsm_status = -5;
/// Somebody else has the database open.
pub const LSM_LOCKED: lsm_status = -6;
/// A condition did not hold: read again and retry.
pub const LSM_CONFLICT: lsm_status = -7;
/// The deadline passed first.
pub const LSM_TIMED_OUT: lsm_status = -8;
/// The database, or what the handle depended on, was closed.
pub const LSM_CLOSED: lsm_status = -9;
/// Opened read-only, or turned read-only by an earlier fault.
pub const LSM_READ_ONLY: lsm_status = -10;
/// Not a database of ours, or written by a newer version.
pub const LSM_FORMAT: lsm_status = -11;
/// A documented limit was exceeded.
pub const LSM_TOO_LARGE: lsm_status = -12;
/// A callback refused.
pub const LSM_ABORTED: lsm_status = -13;
/// Memory could not be had.
pub const LSM_OUT_OF_MEMORY: lsm_status = -14;
/// In use right now: retry later.
pub const LSM_BUSY: lsm_status = -15;
/// It is there already.
pub const LSM_EXISTS: lsm_status = -16;
/// The handle was inherited through fork(): open the database anew in the child.
pub const LSM_FORKED: lsm_status = -17;
/// A bug in this library: please report it.
pub const LSM_INTERNAL: lsm_status = -99;

/// The name of a status, such as "LSM_IO"; "LSM_UNKNOWN" for a number that is none. Static: never
/// freed.
#[unsafe(no_mangle)]
pub extern "C" fn lsm_status_name(status: lsm_status) -> *const c_char {
    name_of(status).as_ptr()
}

/// True for a status whose call may succeed later, with nothing else changed by the caller:
/// LSM_NO_SPACE, LSM_LOCKED, LSM_CONFLICT, LSM_TIMED_OUT, LSM_BUSY. lsm_error_is_retryable() knows
/// more of a particular failure.
#[unsafe(no_mangle)]
pub extern "C" fn lsm_status_is_retryable(status: lsm_status) -> bool {
    matches!(status, LSM_NO_SPACE | LSM_LOCKED | LSM_CONFLICT | LSM_TIMED_OUT | LSM_BUSY)
}

/// The status for a kind of error.
pub(crate) fn status_of(kind: ErrorKind) -> lsm_status {
    match kind {
        ErrorKind::InvalidArgument => LSM_INVALID_ARGUMENT,
        ErrorKind::Unsupported => LSM_UNSUPPORTED,
        ErrorKind::Io => LSM_IO,
        ErrorKind::NoSpace => LSM_NO_SPACE,
        ErrorKind::Corruption => LSM_CORRUPTION,
        ErrorKind::Locked => LSM_LOCKED,
        ErrorKind::Conflict => LSM_CONFLICT,
        ErrorKind::TimedOut => LSM_TIMED_OUT,
        ErrorKind::Closed => LSM_CLOSED,
        ErrorKind::ReadOnly => LSM_READ_ONLY,
        ErrorKind::Format => LSM_FORMAT,
        ErrorKind::TooLarge => LSM_TOO_LARGE,
        ErrorKind::Aborted => LSM_ABORTED,
        ErrorKind::OutOfMemory => LSM_OUT_OF_MEMORY,
        ErrorKind::Busy => LSM_BUSY,
        ErrorKind::Exists => LSM_EXISTS,
        ErrorKind::Forked => LSM_FORKED,
        // A kind that this library does not know yet is as good as a bug.
        _ => LSM_INTERNAL,
    }
}

pub(crate) fn name_of(status: lsm_status) -> &'static CStr {
    match status {
        LSM_OK => c"LSM_OK",
        LSM_NOT_FOUND => c"LSM_NOT_FOUND",
        LSM_END => c"LSM_END",
        LSM_TRUNCATED => c"LSM_TRUNCATED",
        LSM_INVALID_ARGUMENT => c"LSM_INVALID_ARGUMENT",
        LSM_UNSUPPORTED => c"LSM_UNSUPPORTED",
        LSM_IO => c"LSM_IO",
        LSM_NO_SPACE => c"LSM_NO_SPACE",
        LSM_CORRUPTION => c"LSM_CORRUPTION",
        LSM_LOCKED => c"LSM_LOCKED",
        LSM_CONFLICT => c"LSM_CONFLICT",
        LSM_TIMED_OUT => c"LSM_TIMED_OUT",
        LSM_CLOSED => c"LSM_CLOSED",
        LSM_READ_ONLY => c"LSM_READ_ONLY",
        LSM_FORMAT => c"LSM_FORMAT",
        LSM_TOO_LARGE => c"LSM_TOO_LARGE",
        LSM_ABORTED => c"LSM_ABORTED",
        LSM_OUT_OF_MEMORY => c"LSM_OUT_OF_MEMORY",
        LSM_BUSY => c"LSM_BUSY",
        LSM_EXISTS => c"LSM_EXISTS",
        LSM_FORKED => c"LSM_FORKED",
        LSM_INTERNAL => c"LSM_INTERNAL",
        _ => c"LSM_UNKNOWN",
    }
}
