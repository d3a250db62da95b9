//! `Cursor`: what every sorted source of entries can do.

use crate::base::error::Result;
use crate::base::slice::Slice;

/// A place in a sorted source of entries: at one of them, or at none.
///
/// Entries are ordered by full key ascending, then by trailer descending, so the newest entry of a
/// key comes first. A source may hold several entries of a key, never two with the same trailer.
///
/// `key`, `trailer` and `value` may be asked for only while `is_valid`; what they lend stays until
/// the cursor moves. After an error the cursor is at no entry until the next seek. A cursor owns
/// what it reads: it stays usable however long it lives, and never sees an entry twice or out of
/// order, whatever is written meanwhile.
pub trait Cursor: Send {
    /// Moves to the first entry at or after `(key, trailer)`.
    fn seek(&mut self, key: &[u8], trailer: u64) -> Result<()>;

    /// Moves to the last entry before `(key, trailer)`.
    fn seek_before(&mut self, key: &[u8], trailer: u64) -> Result<()>;

    /// Moves to the first entry.
    fn seek_first(&mut self) -> Result<()>;

    /// Moves to the last entry.
    fn seek_last(&mut self) -> Result<()>;

    /// Moves to the next entry. Does nothing at no entry.
    fn next(&mut self) -> Result<()>;

    /// Moves to the entry before. Does nothing at no entry.
    fn prev(&mut self) -> Result<()>;

    /// True at an entry.
    fn is_valid(&self) -> bool;

    /// The full key.
    fn key(&self) -> &[u8];

    /// `key::full::head_of` the key, kept at hand because merging compares little else.
    fn head(&self) -> u64;

    /// Sequence number and kind.
    fn trailer(&self) -> u64;

    /// The value; empty for deletes.
    fn value(&self) -> &[u8];

    /// True if no entry of the key comes before this one, and that is known without a look. False
    /// says nothing.
    #[inline]
    fn is_newest(&self) -> bool {
        false
    }

    /// The value by itself, which keeps the block that it lies in, or is a copy.
    fn pin_value(&self) -> Slice {
        Slice::copy_from(self.value())
    }
}
