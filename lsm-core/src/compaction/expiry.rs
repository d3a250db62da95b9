//! Giving up tables in which everything has expired, without reading them.

use std::sync::Arc;

use crate::compaction::busy::Busy;
use crate::compaction::context::Context;
use crate::compaction::plan::{Input, Plan, PlanKind, Reason, is_same};
use crate::compaction::span::{Span, overlapping};
use crate::version::tree::{Slice, Tree};

/// The plan that drops every slice whose data has expired and hides nothing older.
#[must_use]
pub fn pick(tree: &Tree, busy: &Busy, context: &Context) -> Option<Plan> {
    let is_over = |slice: &Slice| {
        let meta = &slice.file.meta;
        let moment = meta.expiry_max_millis;
        moment != 0 && moment <= context.expired_millis && meta.range_deletes == 0
    };
    if !has_any(tree, is_over) {
        return None;
    }
    drop_from_the_oldest(tree, busy, Reason::Expired, is_over)
}

/// True if some slice is one of those: far cheaper to ask than what hides what.
pub fn has_any(tree: &Tree, is_over: impl Fn(&Slice) -> bool) -> bool {
    tree.runs.iter().flat_map(|run| &run.slices).any(|slice| is_over(slice))
}

/// The plan that drops the slices that `is_over` names, as far as nothing older is left that they
/// hide. The oldest run is asked first.
pub fn drop_from_the_oldest(
    tree: &Tree,
    busy: &Busy,
    reason: Reason,
    mut is_over: impl FnMut(&Slice) -> bool,
) -> Option<Plan> {
    let mut inputs: Vec<Input> = Vec::new();
    for (at, run) in tree.runs.iter().enumerate().rev() {
        let older = tree.runs.get(at..).unwrap_or_default().iter().skip(1);
        let mut slices = Vec::new();
        for slice in &run.slices {
            let hides = |stays: &Arc<Slice>| {
                let mut taken = inputs.iter().flat_map(|input| &input.slices);
                !taken.any(|taken| is_same(taken, stays))
            };
            let span = Span::of(slice);
            let is_free = older.clone().all(|run| !overlapping(run, &span).iter().any(hides));
            if is_free && !busy.holds(slice) && is_over(slice) {
                slices.push(Arc::clone(slice));
            }
        }
        if !slices.is_empty() {
            inputs.push(Input { level: run.level, run: run.number, slices });
        }
    }
    inputs.reverse();
    let output = inputs.last().map(Input::place)?;
    let plan = Plan::new(tree, PlanKind::Drop, inputs, output).because(reason);
    busy.allows(&plan).then_some(plan)
}
