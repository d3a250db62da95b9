//! Copies of bytes that may be many: where there is no memory for one, that is an error.

use crate::base::error::Result;
use crate::base::room::make_room_for_all;
use crate::base::slice::Slice;

/// Copies of fewer bytes are among the small allocations, for which there is memory or no process.
pub const COPY_TRIED: usize = 1 << 20;

/// A copy of these bytes, by itself.
pub fn copy_of(bytes: &[u8], what: &str) -> Result<Vec<u8>> {
    let mut copy = Vec::new();
    make_room_for_all(&mut copy, bytes.len(), what)?;
    copy.extend_from_slice(bytes);
    Ok(copy)
}

/// The same as a slice.
pub fn slice_of(bytes: &[u8]) -> Result<Slice> {
    if bytes.len() < COPY_TRIED {
        return Ok(Slice::copy_from(bytes));
    }
    copy_of(bytes, "a copy of a value").map(Slice::from)
}
