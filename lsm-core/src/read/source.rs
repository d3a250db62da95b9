//! The sources that a scan merges: memtables and runs of tables.

use std::sync::Arc;

use crate::base::error::Result;
use crate::base::slice::Slice as Bytes;
use crate::cache::purpose::Use;
use crate::cursor::concat::{Concat, Part};
use crate::cursor::contract::Cursor;
use crate::memtable::cursor::MemCursor;
use crate::options::read::ReadOptions;
use crate::read::access::Access;
use crate::read::slice_cursor::SliceCursor;
use crate::table::cursor::TableCursor;
use crate::version::tree::Slice;

/// One slice of a run, opened when a scan gets there.
#[derive(Clone, Debug)]
pub struct SlicePart(pub Arc<Slice>, pub ReadOptions);

impl Part for SlicePart {
    type C = SliceCursor;

    fn smallest(&self) -> &[u8] {
        &self.0.meta.smallest
    }

    fn largest(&self) -> &[u8] {
        &self.0.meta.largest
    }

    fn open(&self) -> Result<SliceCursor> {
        self.1.visit(&self.0.file, Use::Scan, |table, how| {
            Ok(SliceCursor::new(table, self.0.clone(), how))
        })
    }
}

/// A memtable, a table, or a run of several.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "there are few, and each is reached at every step")]
pub enum AnyCursor {
    /// A memtable.
    Memory(MemCursor),
    /// One table.
    Table(TableCursor),
    /// Several tables, one after the other.
    Run(Concat<SlicePart>),
}

macro_rules! each {
    ($self:ident, $cursor:ident => $call:expr) => {
        match $self {
            AnyCursor::Memory($cursor) => $call,
            AnyCursor::Table($cursor) => $call,
            AnyCursor::Run($cursor) => $call,
        }
    };
}

impl Cursor for AnyCursor {
    fn seek(&mut self, key: &[u8], trailer: u64) -> Result<()> {
        each!(self, cursor => cursor.seek(key, trailer))
    }

    fn seek_before(&mut self, key: &[u8], trailer: u64) -> Result<()> {
        each!(self, cursor => cursor.seek_before(key, trailer))
    }

    fn seek_first(&mut self) -> Result<()> {
        each!(self, cursor => cursor.seek_first())
    }

    fn seek_last(&mut self) -> Result<()> {
        each!(self, cursor => cursor.seek_last())
    }

    #[inline]
    fn next(&mut self) -> Result<()> {
        each!(self, cursor => cursor.next())
    }

    #[inline]
    fn prev(&mut self) -> Result<()> {
        each!(self, cursor => cursor.prev())
    }

    #[inline]
    fn is_valid(&self) -> bool {
        each!(self, cursor => cursor.is_valid())
    }

    #[inline]
    fn key(&self) -> &[u8] {
        each!(self, cursor => cursor.key())
    }

    #[inline]
    fn head(&self) -> u64 {
        each!(self, cursor => cursor.head())
    }

    #[inline]
    fn trailer(&self) -> u64 {
        each!(self, cursor => cursor.trailer())
    }

    #[inline]
    fn value(&self) -> &[u8] {
        each!(self, cursor => cursor.value())
    }

    fn pin_value(&self) -> Bytes {
        each!(self, cursor => cursor.pin_value())
    }
}
