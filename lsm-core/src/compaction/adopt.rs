//! Adopting a plan that the program's own strategy made: only what it names is taken from it.
//!
//! The fields of a plan and of a slice are open to whoever makes one. A slice with a span that is
//! not its own would pass every check and break the order of runs, so the slices, their spans and
//! what lies beneath are taken from the tree itself.

use std::sync::Arc;

use crate::compaction::context::Context;
use crate::compaction::gather::must_be_shown;
use crate::compaction::place::Place;
use crate::compaction::plan::{Input, Plan, PlanKind, is_same};
use crate::version::tree::{Slice, Tree};

/// Tables are at least this part of their usual size: each one is an open file.
const TABLE_SHARE_MIN: u64 = 8;

/// The same plan with what the tree knows; `None` if it takes what is not there.
#[must_use]
pub fn adopt(plan: &Plan, tree: &Tree, context: &Context) -> Option<Plan> {
    let inputs: Option<Vec<Input>> = plan.inputs.iter().map(|input| of_tree(input, tree)).collect();
    let bytes_min = context.table_bytes / TABLE_SHARE_MIN;
    let adopted = Plan::new(tree, plan.kind, inputs?, plan.output())
        .because(plan.reason)
        .with_tables_of(plan.table_bytes.max(bytes_min).max(1));
    let is_shown = plan.kind == PlanKind::Move && must_be_shown(&adopted, context);
    let kind = if is_shown { PlanKind::Merge } else { plan.kind };
    // Deletes may be kept for longer than they must; `Plan::check` refuses the contrary.
    Some(Plan { kind, is_bottom: plan.is_bottom, keyspace: plan.keyspace, ..adopted })
}

fn of_tree(input: &Input, tree: &Tree) -> Option<Input> {
    let run = tree.runs.iter().find(|run| Place::of(run) == input.place())?;
    let there = |slice: &Arc<Slice>| {
        let before = |there: &Arc<Slice>| there.meta.smallest < slice.meta.smallest;
        let there = run.slices.get(run.slices.partition_point(before))?;
        is_same(there, slice).then(|| Arc::clone(there))
    };
    let slices: Option<Vec<_>> = input.slices.iter().map(there).collect();
    Some(Input { level: input.level, run: input.run, slices: slices? })
}
