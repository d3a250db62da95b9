//! Cutting: where one table of a result ends, and how a large merge becomes parts.
//!
//! No cut falls between two entries of one key: all versions of a key are in one table.

use std::sync::Arc;

use crate::base::sort::sort_by;
use crate::compaction::plan::Plan;
use crate::compaction::span::Span;
use crate::version::tree::Slice;

/// A table ends at a boundary of the level beneath once it has this share of its size.
const EARLY: u64 = 2;
/// A table that covers this many times its size in the level beneath ends early.
const COVER_MAX: u64 = 10;
/// But not before it has this share of its size.
const TINY: u64 = 8;

/// Says where the tables of one merge end.
#[derive(Clone, Debug)]
pub struct Splitter {
    table_bytes: u64,
    beneath: std::vec::IntoIter<Arc<Slice>>,
    covered: u64,
}

impl Splitter {
    /// For the result of this plan.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let beneath = plan.beneath.clone().into_iter();
        Self { table_bytes: plan.table_bytes.max(1), beneath, covered: 0 }
    }

    /// True if the table that has `bytes` by now should end before `key`, which follows another key
    /// and is asked about once, in order. If there is no table yet, its beginning is noted.
    pub fn ends_before(&mut self, key: &[u8], bytes: u64) -> bool {
        let mut crossed = false;
        while let Some(slice) = self.beneath.as_slice().first() {
            if Span::of(slice).reaches(key) {
                break;
            }
            self.covered = self.covered.saturating_add(slice.meta.bytes);
            crossed = true;
            self.beneath.next();
        }
        let is_wide = self.covered >= self.table_bytes.saturating_mul(COVER_MAX);
        let least = self.table_bytes / if is_wide { TINY } else { EARLY };
        let ends = bytes > 0 && (bytes >= self.table_bytes || (crossed && bytes >= least));
        if ends || bytes == 0 {
            self.covered = 0;
        }
        ends
    }
}

/// Keys that cut the work of a plan into at most `count` parts of about the same size. Each part
/// begins at its key and ends before the next one.
#[must_use]
pub fn cuts(plan: &Plan, count: usize) -> Vec<Vec<u8>> {
    // A slice that stands alone in its run says nothing about where its bytes are.
    let runs = plan.inputs.iter().filter(|input| input.slices.len() > 1);
    let mut starts: Vec<&Arc<Slice>> = runs.flat_map(|input| &input.slices).collect();
    sort_by(&mut starts, |a, b| a.meta.smallest.cmp(&b.meta.smallest));
    let total = starts.iter().fold(0_u64, |sum, slice| sum.saturating_add(slice.meta.bytes));
    let share = total / u64::try_from(count.max(1)).unwrap_or(u64::MAX);
    let mut cuts: Vec<Vec<u8>> = Vec::new();
    let mut bytes = 0_u64;
    for slice in starts {
        let is_new = cuts.last().is_none_or(|last| *last < slice.meta.smallest);
        if bytes >= share.max(1) && is_new && cuts.len().saturating_add(1) < count {
            cuts.push(slice.meta.smallest.clone());
            bytes = 0;
        }
        bytes = bytes.saturating_add(slice.meta.bytes);
    }
    cuts
}

#[cfg(test)]
mod tests;
