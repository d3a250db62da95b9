//! Passing over many entries at once that a range tombstone has deleted.

use crate::base::error::Result;
use crate::base::slice::Slice;
use crate::cursor::contract::Cursor;
use crate::key::seqno::SeqNo;
use crate::key::trailer::NEWEST;

/// A cursor that may pass over old entries without looking at them.
pub trait Skip: Cursor {
    /// Up to which number, below `before`, something can be passed over; `None` if nothing can.
    fn skippable(&self, before: SeqNo) -> Option<SeqNo>;

    /// Going forward, passes over entries before `key` that are not newer than `newest`, and over
    /// no others. True if it moved.
    fn skip_to(&mut self, key: &[u8], newest: SeqNo) -> Result<bool>;

    /// Going backward, passes over entries at or after `key` that are not newer than `newest`, and
    /// over no others. True if it moved.
    fn skip_back(&mut self, key: &[u8], newest: SeqNo) -> Result<bool>;
}

/// A cursor, with the largest sequence number of what it moves over.
///
/// Where that is smaller than a tombstone's, everything under the tombstone can be passed over with
/// one seek.
#[derive(Clone, Debug)]
pub struct Source<C> {
    cursor: C,
    newest: SeqNo,
}

impl<C> Source<C> {
    /// `newest` may be too large, never too small; `SeqNo::MAX` if it is not known.
    #[must_use]
    pub fn new(cursor: C, newest: SeqNo) -> Self {
        Self { cursor, newest }
    }
}

impl<C: Cursor> Skip for Source<C> {
    fn skippable(&self, before: SeqNo) -> Option<SeqNo> {
        Some(self.newest).filter(|newest| *newest < before)
    }

    fn skip_to(&mut self, key: &[u8], newest: SeqNo) -> Result<bool> {
        if self.newest > newest || !self.cursor.is_valid() || self.cursor.key() >= key {
            return Ok(false);
        }
        self.cursor.seek(key, NEWEST)?;
        Ok(true)
    }

    fn skip_back(&mut self, key: &[u8], newest: SeqNo) -> Result<bool> {
        if self.newest > newest || !self.cursor.is_valid() || self.cursor.key() < key {
            return Ok(false);
        }
        self.cursor.seek_before(key, NEWEST)?;
        Ok(true)
    }
}

impl<C: Cursor> Cursor for Source<C> {
    #[inline]
    fn seek(&mut self, key: &[u8], trailer: u64) -> Result<()> {
        self.cursor.seek(key, trailer)
    }

    #[inline]
    fn seek_before(&mut self, key: &[u8], trailer: u64) -> Result<()> {
        self.cursor.seek_before(key, trailer)
    }

    #[inline]
    fn seek_first(&mut self) -> Result<()> {
        self.cursor.seek_first()
    }

    #[inline]
    fn seek_last(&mut self) -> Result<()> {
        self.cursor.seek_last()
    }

    #[inline]
    fn next(&mut self) -> Result<()> {
        self.cursor.next()
    }

    #[inline]
    fn prev(&mut self) -> Result<()> {
        self.cursor.prev()
    }

    #[inline]
    fn is_valid(&self) -> bool {
        self.cursor.is_valid()
    }

    #[inline]
    fn key(&self) -> &[u8] {
        self.cursor.key()
    }

    #[inline]
    fn head(&self) -> u64 {
        self.cursor.head()
    }

    #[inline]
    fn trailer(&self) -> u64 {
        self.cursor.trailer()
    }

    #[inline]
    fn value(&self) -> &[u8] {
        self.cursor.value()
    }

    #[inline]
    fn is_newest(&self) -> bool {
        self.cursor.is_newest()
    }

    fn pin_value(&self) -> Slice {
        self.cursor.pin_value()
    }
}
