//! Pushing deletes down to what they delete, so that they and it go away.

use std::sync::Arc;

use crate::compaction::busy::Busy;
use crate::compaction::context::Context;
use crate::compaction::gather::{can_drop_deletes, is_dense, is_worth_rewriting, plan_to};
use crate::compaction::place::Place;
use crate::compaction::plan::{Input, Plan, Reason};
use crate::compaction::span::{Span, overlapping};
use crate::version::tree::{Run, Slice, Tree};

/// The plan for a slice with many deletes, or with one that has waited too long. None is made while
/// a snapshot needs the deletes: they would only be carried about.
#[must_use]
pub fn pick(tree: &Tree, busy: &Busy, context: &Context) -> Option<Plan> {
    for (at, run) in tree.runs.iter().enumerate() {
        let older = tree.runs.get(at..).unwrap_or_default().iter().skip(1);
        for slice in &run.slices {
            let Some(reason) = is_due(slice, run.level, context) else { continue };
            if busy.holds(slice) || !can_drop_deletes(slice, context) {
                continue;
            }
            let span = Span::of(slice);
            let next = older.clone().find(|run| !overlapping(run, &span).is_empty());
            let Some(output) = target(run, next, slice) else { continue };
            let slices = vec![Arc::clone(slice)];
            let chosen = [Input { level: run.level, run: run.number, slices }];
            let plan = plan_to(tree, context, &chosen, output, reason);
            if let Some(plan) = plan.filter(|plan| busy.allows(plan)) {
                return Some(plan);
            }
        }
    }
    None
}

fn is_due(slice: &Slice, level: u8, context: &Context) -> Option<Reason> {
    let meta = &slice.file.meta;
    let has_deletes = slice.meta.deletes > 0 || meta.range_deletes > 0;
    let due = meta.created_millis.saturating_add(context.delete_age_millis);
    if has_deletes && context.delete_age_millis > 0 && due <= context.now_millis {
        return Some(Reason::DeleteOld);
    }
    // Level 0 is merged soon enough.
    (level > 0 && is_worth_rewriting(slice)).then_some(Reason::TombstoneDense)
}

/// Where the slice goes: to the next run that holds some of its keys. A slice that has none beneath
/// it is rewritten where it stands, where all of its deletes go away.
fn target(run: &Run, next: Option<&Run>, slice: &Slice) -> Option<Place> {
    match next {
        // A range tombstone alone does not say how much it deletes: its level is merged in time.
        Some(next) if is_dense(slice) || run.level == 0 => Some(Place::of(next)),
        Some(next) => (slice.meta.deletes > 0).then(|| Place::of(next)),
        None => Some(Place::of(run)),
    }
}
