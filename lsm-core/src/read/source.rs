//! The sources that a scan merges: memtables and runs of tables.

use std::ops::Range;
use std::sync::Arc;

use crate::base::error::Result;
use crate::base::slice::Slice as Bytes;
use crate::cache::purpose::Use;
use crate::cursor::concat::{Concat, Parts};
use crate::cursor::contract::Cursor;
use crate::memtable::cursor::MemCursor;
use crate::options::read::ReadOptions;
use crate::read::access::Access;
use crate::read::itinerary::Itinerary;
use crate::read::slice_cursor::SliceCursor;
use crate::table::cursor::TableCursor;
use crate::version::tree::{Slice, Tree};

/// Slices of a run that follow each other, each opened when a scan gets there.
#[derive(Clone, Debug)]
pub struct RunPart {
    /// The tree, which keeps them.
    pub tree: Arc<Tree>,
    /// Which of its runs.
    pub run: usize,
    /// Which slices of the run.
    pub slices: Range<usize>,
    /// How they are read.
    pub how: ReadOptions,
    /// Where is taken down what is read, if anywhere.
    pub itinerary: Option<Arc<Itinerary>>,
}

impl RunPart {
    fn slice(&self, at: usize) -> Option<&Arc<Slice>> {
        let slices = &self.tree.runs.get(self.run)?.slices;
        slices.get(self.slices.clone())?.get(at)
    }
}

impl Parts for RunPart {
    type C = SliceCursor;

    fn count(&self) -> usize {
        self.slices.len()
    }

    fn smallest(&self, at: usize) -> &[u8] {
        self.slice(at).map_or(&[], |slice| &slice.meta.smallest)
    }

    fn largest(&self, at: usize) -> &[u8] {
        self.slice(at).map_or(&[], |slice| &slice.meta.largest)
    }

    fn open(&self, at: usize) -> Result<Option<SliceCursor>> {
        let Some(slice) = self.slice(at) else { return Ok(None) };
        let stop = self.itinerary.as_ref().map(|itinerary| itinerary.table(slice));
        self.how.visit(&slice.file, Use::Scan, |table, how| {
            stop.iter().for_each(|stop| stop.opened(table));
            let notes = stop.as_ref().map(|stop| stop.notes.clone());
            Ok(Some(SliceCursor::new(table, slice.clone(), how).noting(notes)))
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
    Run(Concat<RunPart>),
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

    #[inline]
    fn is_newest(&self) -> bool {
        each!(self, cursor => cursor.is_newest())
    }

    fn pin_value(&self) -> Bytes {
        each!(self, cursor => cursor.pin_value())
    }
}
