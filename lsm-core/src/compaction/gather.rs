//! Completing a choice: what has to come along so that no newer entry passes an older one.

use std::sync::Arc;

use crate::base::sort::sort_by;
use crate::compaction::busy::Busy;
use crate::compaction::context::Context;
use crate::compaction::place::Place;
use crate::compaction::plan::{Input, Plan, PlanKind, Reason};
use crate::compaction::span::{Span, bytes_of, overlapping};
use crate::version::tree::{Run, Slice, Tree};

/// A slice at the bottom or on its way there is rewritten when this share of it is deletes.
const DENSE: u64 = 2;
/// A table that is moved may cover this many times its bytes one level further down.
const BENEATH_MAX: u64 = 12;

/// The chosen slices, and from every run between them and `output` all that touches them.
///
/// `chosen` is ordered from the newest run. What is added may reach further than what was chosen,
/// so that the older runs are asked with the wider span.
#[must_use]
pub fn gather(tree: &Tree, chosen: &[Input], output: Place) -> Vec<Input> {
    let mut hull: Option<Span<'_>> = None;
    let mut inputs = Vec::new();
    for run in &tree.runs {
        let place = Place::of(run);
        if place > output {
            break;
        }
        let mine = chosen.iter().find(|input| input.place() == place);
        let mine = mine.map(|input| input.slices.as_slice()).unwrap_or_default();
        let own = Span::hull(mine.iter().map(|slice| Span::of(slice)));
        hull = join(hull, own);
        let Some(span) = hull else { continue };
        // In the newest run itself only what was chosen goes; older runs give all that is touched.
        let slices =
            if inputs.is_empty() && place < output { mine } else { overlapping(run, &span) };
        if !slices.is_empty() {
            hull = join(hull, Span::hull(slices.iter().map(|slice| Span::of(slice))));
            let slices = slices.to_vec();
            inputs.push(Input { level: run.level, run: run.number, slices });
        }
    }
    inputs
}

fn join<'a>(a: Option<Span<'a>>, b: Option<Span<'a>>) -> Option<Span<'a>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.with(b)),
        (one, other) => one.or(other),
    }
}

/// The plan that brings the chosen slices to `output`: a move if that will do, else a merge.
#[must_use]
pub fn plan_to(
    tree: &Tree,
    context: &Context,
    chosen: &[Input],
    output: Place,
    reason: Reason,
) -> Option<Plan> {
    let inputs = gather(tree, chosen, output);
    if inputs.is_empty() {
        return None;
    }
    let plan = Plan::new(tree, PlanKind::Merge, inputs, output)
        .because(reason)
        .with_tables_of(context.table_bytes);
    Some(if can_move(&plan, context) { Plan { kind: PlanKind::Move, ..plan } } else { plan })
}

/// The same plan with every free slice of the newest run that lies within what it rewrites anyway.
#[must_use]
pub fn widened(tree: &Tree, busy: &Busy, context: &Context, run: &Run, plan: Plan) -> Plan {
    if plan.kind != PlanKind::Merge {
        return plan;
    }
    let Some(hull) = plan.hull() else { return plan };
    let inside = |slice: &&Arc<Slice>| {
        plan.takes(slice) || (hull.holds(&Span::of(slice)) && !busy.holds(slice))
    };
    let slices: Vec<_> = overlapping(run, &hull).iter().filter(inside).cloned().collect();
    let chosen = [Input { level: run.level, run: run.number, slices }];
    plan_to(tree, context, &chosen, plan.output(), plan.reason).unwrap_or(plan)
}

/// True if the inputs can stand in the output's run as they are, and it is good that they do.
fn can_move(plan: &Plan, context: &Context) -> bool {
    let output = plan.output();
    if plan.inputs.iter().any(|input| input.place() == output) || must_be_shown(plan, context) {
        return false;
    }
    let is_fit = |slice: &Arc<Slice>| {
        is_own_file(slice)
            && !(plan.is_bottom && is_worth_rewriting(slice) && can_drop_deletes(slice, context))
    };
    let beneath = bytes_of(&plan.beneath);
    let is_narrow = beneath <= plan.bytes().saturating_mul(BENEATH_MAX);
    let mut spans: Vec<Span<'_>> = plan.slices().map(|slice| Span::of(slice)).collect();
    sort_by(&mut spans, |a, b| a.smallest.cmp(b.smallest));
    let is_apart = spans.iter().zip(spans.iter().skip(1)).all(|(a, b)| !a.overlaps(b));
    is_narrow && is_apart && plan.slices().all(is_fit)
}

/// True if a filter has not seen the inputs yet: whatever has left level 0, it has.
#[must_use]
pub fn must_be_shown(plan: &Plan, context: &Context) -> bool {
    context.is_filtered && plan.from_level() == 0
}

/// A slice that is a small part of its file keeps all of the file alive for as long as it stands.
fn is_own_file(slice: &Slice) -> bool {
    slice.meta.bytes.saturating_mul(2) >= slice.file.meta.bytes
}

/// True if much of the slice would go away at the bottom.
#[must_use]
pub fn is_worth_rewriting(slice: &Slice) -> bool {
    is_dense(slice) || slice.file.meta.range_deletes > 0
}

/// True if many of the entries are deletes.
#[must_use]
pub fn is_dense(slice: &Slice) -> bool {
    slice.meta.deletes > 0 && slice.meta.deletes.saturating_mul(DENSE) >= slice.meta.entries
}

/// True if no snapshot needs the deletes of the slice.
#[must_use]
pub fn can_drop_deletes(slice: &Slice, context: &Context) -> bool {
    context.can_drop_up_to(slice.file.meta.seqno_max)
}

/// The runs of one level, the newest first.
#[must_use]
pub fn runs_of(tree: &Tree, level: u8) -> &[Run] {
    let from = tree.runs.partition_point(|run| run.level < level);
    let rest = tree.runs.get(from..).unwrap_or_default();
    let len = rest.partition_point(|run| run.level == level);
    rest.get(..len).unwrap_or_default()
}

/// The bytes of one level.
#[must_use]
pub fn level_bytes(tree: &Tree, level: u8) -> u64 {
    bytes_of(runs_of(tree, level).iter().flat_map(|run| &run.slices))
}

/// Where something goes that joins the one run of a level: that run, or the first one there.
#[must_use]
pub fn join_place(tree: &Tree, level: u8) -> Place {
    let run = runs_of(tree, level).first().map_or(0, |run| run.number);
    Place { level, run }
}
