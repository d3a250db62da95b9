//! The entries of one slice: a file may hold more than the slice, before it and behind it.

use std::sync::Arc;

use crate::base::error::Result;
use crate::base::planted::{Bug, planted};
use crate::base::slice::Slice as Bytes;
use crate::cache::purpose::Use;
use crate::cursor::contract::Cursor;
use crate::key::trailer::NEWEST;
use crate::table::cursor::TableCursor;
use crate::table::notes::Notebook;
use crate::table::reader::Table;
use crate::version::tree::Slice;

/// The entries of one slice.
#[derive(Debug)]
pub struct SliceCursor {
    inner: TableCursor,
    slice: Arc<Slice>,
    /// All entries of the file belong to the slice.
    is_whole: bool,
    is_inside: bool,
}

impl SliceCursor {
    /// At no entry of the slice, which lies in this table.
    #[must_use]
    pub fn new(table: &Arc<Table>, slice: Arc<Slice>, how: Use) -> Self {
        let is_whole =
            table.properties().entries == slice.meta.entries || planted(Bug::SliceBoundsIgnored);
        Self { inner: table.cursor(how), slice, is_whole, is_inside: false }
    }

    /// The same, taking down what is read.
    #[must_use]
    pub fn noting(self, notes: Notebook) -> Self {
        Self { inner: self.inner.noting(notes), ..self }
    }

    fn look(&mut self) {
        self.is_inside =
            self.inner.is_valid() && (self.is_whole || self.slice.meta.spans(self.inner.key()));
    }
}

impl Cursor for SliceCursor {
    fn seek(&mut self, key: &[u8], trailer: u64) -> Result<()> {
        if key < self.slice.meta.smallest.as_slice() {
            return self.seek_first();
        }
        self.inner.seek(key, trailer)?;
        self.look();
        Ok(())
    }

    fn seek_before(&mut self, key: &[u8], trailer: u64) -> Result<()> {
        if self.slice.meta.is_before(key) {
            return self.seek_last();
        }
        self.inner.seek_before(key, trailer)?;
        self.look();
        Ok(())
    }

    fn seek_first(&mut self) -> Result<()> {
        self.inner.seek(&self.slice.meta.smallest, NEWEST)?;
        self.look();
        Ok(())
    }

    fn seek_last(&mut self) -> Result<()> {
        // Behind the last entry of the largest key, unless that key is not in the slice.
        let trailer = if self.slice.meta.is_largest_excluded { NEWEST } else { 0 };
        self.inner.seek(&self.slice.meta.largest, trailer)?;
        let is_at_last = self.inner.is_valid()
            && self.inner.key() == self.slice.meta.largest.as_slice()
            && !self.slice.meta.is_largest_excluded;
        if !is_at_last {
            self.inner.seek_before(&self.slice.meta.largest, trailer)?;
        }
        self.look();
        Ok(())
    }

    #[inline]
    fn next(&mut self) -> Result<()> {
        if self.is_inside {
            self.inner.next()?;
            self.look();
        }
        Ok(())
    }

    #[inline]
    fn prev(&mut self) -> Result<()> {
        if self.is_inside {
            self.inner.prev()?;
            self.look();
        }
        Ok(())
    }

    #[inline]
    fn is_valid(&self) -> bool {
        self.is_inside
    }

    #[inline]
    fn key(&self) -> &[u8] {
        self.inner.key()
    }

    #[inline]
    fn head(&self) -> u64 {
        self.inner.head()
    }

    #[inline]
    fn trailer(&self) -> u64 {
        self.inner.trailer()
    }

    #[inline]
    fn value(&self) -> &[u8] {
        self.inner.value()
    }

    #[inline]
    fn is_newest(&self) -> bool {
        self.inner.is_newest()
    }

    fn pin_value(&self) -> Bytes {
        self.inner.pin_value()
    }
}
