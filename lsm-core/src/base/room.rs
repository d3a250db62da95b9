//! Room for bytes whose number users or files choose: where there is none that is an error, and not
//! the end of the process.

use crate::base::error::{Error, ErrorKind, Result};

/// Makes room for `more` bytes behind those that are there, and perhaps for some that follow.
#[inline]
pub fn make_room(bytes: &mut Vec<u8>, more: usize, what: &str) -> Result<()> {
    bytes.try_reserve(more).map_err(|_| no_memory(what))
}

/// Makes room for `len` bytes in all, and for no more.
#[inline]
pub fn make_room_for_all(bytes: &mut Vec<u8>, len: usize, what: &str) -> Result<()> {
    let more = len.saturating_sub(bytes.len());
    bytes.try_reserve_exact(more).map_err(|_| no_memory(what))
}

/// That there is no memory for this.
#[cold]
#[must_use]
pub fn no_memory(what: &str) -> Error {
    Error::new(ErrorKind::OutOfMemory, format!("no memory for {what}"))
}
