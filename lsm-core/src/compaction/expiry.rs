//! What has expired: tables in which nothing else is are given up without being read, and others
//! are rewritten once what has expired in them has waited long enough.

use std::sync::Arc;

use crate::compaction::busy::Busy;
use crate::compaction::context::Context;
use crate::compaction::gather::plan_to;
use crate::compaction::place::Place;
use crate::compaction::plan::{Input, Plan, PlanKind, Reason, is_same};
use crate::compaction::span::{Span, overlapping};
use crate::version::tree::{Slice, Tree};

/// The plan that drops every slice whose data has expired and hides nothing older.
#[must_use]
pub fn pick(tree: &Tree, busy: &Busy, context: &Context) -> Option<Plan> {
    let is_over = |slice: &Slice| slice.file.meta.is_over(context.expired_millis);
    if !has_any(tree, is_over) {
        return None;
    }
    drop_from_the_oldest(tree, busy, Reason::Expired, is_over)
}

/// The first value that has expired in a table waits for this share of the time that it had to
/// live, or that there is until the last one expires, whichever is shorter: a table whose values
/// expire one after the other is rewritten a few times, not for each of them.
const PATIENCE_SHARE: u64 = 4;
/// But at least this long, and at most that long.
const PATIENCE_MILLIS: std::ops::RangeInclusive<u64> = 60_000..=6 * 3_600_000;

/// The plan that rewrites a slice in which something has expired long enough ago, where it stands.
#[must_use]
pub fn pick_due(tree: &Tree, busy: &Busy, context: &Context) -> Option<Plan> {
    for run in &tree.runs {
        for slice in run.slices.iter().filter(|slice| is_due(slice, context)) {
            if busy.holds(slice) {
                continue;
            }
            let chosen = [Input::only(run, slice)];
            let plan = plan_to(tree, context, &chosen, Place::of(run), Reason::Expired);
            if let Some(plan) = plan.filter(|plan| busy.allows(plan)) {
                return Some(plan);
            }
        }
    }
    None
}

fn is_due(slice: &Slice, context: &Context) -> bool {
    due_millis(slice).is_some_and(|due| due <= context.expired_millis)
}

/// When the slice is to be rewritten because something in its file has expired; `None` if nothing
/// in it ever does.
#[must_use]
pub fn due_millis(slice: &Slice) -> Option<u64> {
    let meta = &slice.file.meta;
    let first = meta.expiry_min_millis;
    let lived = first.saturating_sub(meta.created_millis);
    // Zero if something in the table never expires.
    let until_last = meta.expiry_max_millis.checked_sub(first).unwrap_or(u64::MAX);
    let patience = lived.min(until_last) / PATIENCE_SHARE;
    let patience = patience.clamp(*PATIENCE_MILLIS.start(), *PATIENCE_MILLIS.end());
    (first != 0).then(|| first.saturating_add(patience))
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
