//! First in, first out: nothing is merged, the oldest tables go.

use std::sync::Arc;

use crate::compaction::busy::Busy;
use crate::compaction::context::Context;
use crate::compaction::expiry::{drop_from_the_oldest, has_any, pick as pick_expired};
use crate::compaction::manual::{Answer, Request};
use crate::compaction::plan::{Plan, PlanKind, Reason};
use crate::compaction::strategy::{Debt, Strategy};
use crate::version::tree::{Slice, Tree};

/// Keeps the newest data, up to a number of bytes and an age. It gives up data that nobody deleted,
/// so it works only where `Context::may_drop` says that this is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fifo {
    /// How many bytes may stay; 0 for any number.
    pub bytes_max: u64,
    /// How long a table may stay; 0 for ever.
    pub age_max_millis: u64,
}

impl Fifo {
    fn is_too_old(&self, slice: &Slice, context: &Context) -> bool {
        let age = context.now_millis.saturating_sub(slice.file.meta.created_millis);
        self.age_max_millis > 0 && age >= self.age_max_millis
    }

    fn pick_too_large(&self, tree: &Tree, busy: &Busy) -> Option<Plan> {
        let all = || tree.runs.iter().flat_map(|run| &run.slices);
        // What is being dropped counts as gone.
        let dropped = busy.plans().filter(|plan| plan.kind == PlanKind::Drop);
        let sum = |sum: u64, slice: &Arc<Slice>| sum.saturating_add(taken_by(slice));
        let going = dropped.flat_map(Plan::slices).fold(0, sum);
        let total = all().fold(0, sum).saturating_sub(going);
        let mut excess = total.saturating_sub(self.bytes_max);
        if self.bytes_max == 0 || excess == 0 {
            return None;
        }
        let is_over = |slice: &Slice| {
            let goes = excess > 0;
            excess = excess.saturating_sub(if goes { taken_by(slice).max(1) } else { 0 });
            goes
        };
        drop_from_the_oldest(tree, busy, Reason::TooLarge, is_over)
    }
}

/// How many bytes a slice takes, with the large values that it refers to.
fn taken_by(slice: &Slice) -> u64 {
    slice.meta.bytes.saturating_add(slice.apart_bytes())
}

impl Strategy for Fifo {
    fn name(&self) -> &str {
        "fifo"
    }

    fn pick(&self, tree: &Tree, busy: &Busy, context: &Context) -> Option<Plan> {
        let expired = pick_expired(tree, busy, context);
        if expired.is_some() || !context.may_drop {
            return expired;
        }
        let is_over = |slice: &Slice| self.is_too_old(slice, context);
        let too_old = has_any(tree, is_over)
            .then(|| drop_from_the_oldest(tree, busy, Reason::TooOld, is_over))
            .flatten();
        too_old.or_else(|| self.pick_too_large(tree, busy))
    }

    fn debt(&self, _tree: &Tree, _context: &Context) -> Debt {
        // Nothing has to be written, and waiting would make nothing better.
        Debt::default()
    }

    fn compact(&self, _: &Tree, _: &Busy, _: &Context, _: &Request) -> Answer {
        Answer::Done
    }
}
