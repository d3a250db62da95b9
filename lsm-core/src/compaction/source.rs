//! The inputs of a merge as cursors: the slices of a run one after the other, each kept to its own
//! bounds, for a file may hold more than the slice.

use std::sync::Arc;

use crate::base::error::Result;
use crate::cache::purpose::Use;
use crate::compaction::plan::Input;
use crate::cursor::concat::{Concat, Part};
use crate::output::Sink;
use crate::read::slice_cursor::SliceCursor;
use crate::version::tree::Slice;

/// A slice that is opened when the merge gets there.
#[derive(Debug)]
pub struct SlicePart {
    slice: Arc<Slice>,
    sink: Arc<dyn Sink>,
}

/// The slices of an input.
#[must_use]
pub fn run_cursor(input: &Input, sink: &Arc<dyn Sink>) -> Concat<Vec<SlicePart>> {
    let part = |slice: &Arc<Slice>| SlicePart { slice: Arc::clone(slice), sink: Arc::clone(sink) };
    Concat::new(input.slices.iter().map(part).collect())
}

impl Part for SlicePart {
    type C = SliceCursor;

    fn smallest(&self) -> &[u8] {
        &self.slice.meta.smallest
    }

    fn largest(&self) -> &[u8] {
        &self.slice.meta.largest
    }

    fn open(&self) -> Result<SliceCursor> {
        let table = self.sink.open(&self.slice.file)?;
        Ok(SliceCursor::new(&table, Arc::clone(&self.slice), Use::Bypass))
    }
}
