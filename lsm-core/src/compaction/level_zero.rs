//! Level 0 of a leveled tree: runs of every size that overlap each other.
//!
//! They go to the base level together, oldest first. If that would cost too much for the little
//! that they hold, as in a keyspace that gets a few entries with every flush, they are merged among
//! themselves first.

use crate::compaction::busy::Busy;
use crate::compaction::context::Context;
use crate::compaction::gather::{join_place, level_bytes, plan_to, runs_of};
use crate::compaction::place::Place;
use crate::compaction::plan::{Input, Plan, PlanKind, Reason};
use crate::compaction::shape::Shape;
use crate::compaction::span::bytes_of;
use crate::compaction::strategy::Debt;
use crate::version::tree::{Run, Tree};

/// At most this many times the runs that ask for a merge are taken at once.
const BATCH: usize = 4;
/// Up to this many times the runs are no cause to slow writers down.
const EASY: usize = 2;
/// With this many times the runs, no cost is too high.
const CROWDED: usize = 3;

/// How urgent level 0 is, in thousandths: at 1000 something is to be done.
#[must_use]
pub fn score(tree: &Tree, busy: &Busy, context: &Context) -> u64 {
    let free: Vec<&Run> = runs_of(tree, 0).iter().filter(|run| is_free(run, busy)).collect();
    let bytes = bytes_of(free.iter().flat_map(|run| &run.slices));
    let by_runs = free.len().saturating_mul(1000) / context.level_zero_runs.max(1);
    let by_bytes = bytes.saturating_mul(1000) / context.level_zero_bytes();
    by_bytes.max(by_runs as u64)
}

/// What to do with level 0 if its score asks for it.
#[must_use]
pub fn pick(
    tree: &Tree,
    busy: &Busy,
    context: &Context,
    shape: &Shape,
    ratio: u32,
) -> Option<Plan> {
    let runs = runs_of(tree, 0);
    let free: Vec<&Run> = runs.iter().filter(|run| is_free(run, busy)).collect();
    let oldest = free.last()?;
    if runs_of(tree, shape.base).len() <= 1 {
        let output = join_place(tree, shape.base);
        let allowed = |plan: &Plan| busy.allows(plan);
        if let Some(plan) = pick_move(tree, context, oldest, shape).filter(allowed) {
            return Some(plan);
        }
        let count = context.level_zero_runs.max(1).saturating_mul(BATCH);
        let batch = free.get(free.len().saturating_sub(count)..).unwrap_or_default();
        let chosen: Vec<Input> = batch.iter().map(|run| Input::whole(run)).collect();
        let plan = plan_to(tree, context, &chosen, output, Reason::LevelFull)
            .filter(|plan| is_worth_it(plan, runs.len(), context, ratio))
            .filter(allowed);
        if plan.is_some() {
            return plan;
        }
    }
    pick_among(tree, busy, context, runs)
}

/// What level 0 owes.
#[must_use]
pub fn debt(tree: &Tree, context: &Context, shape: &Shape, ratio: u32) -> Debt {
    let trigger = context.level_zero_runs.max(1);
    let runs = runs_of(tree, 0).len();
    let zero = level_bytes(tree, 0);
    let base = level_bytes(tree, shape.base);
    let is_full = runs >= trigger || zero >= context.level_zero_bytes();
    // A few entries above much data wait until there are more of them.
    let is_worth_it =
        base <= zero.saturating_mul(ratio.into()) || runs >= trigger.saturating_mul(CROWDED);
    let bytes = if is_full && is_worth_it { zero.saturating_add(base) } else { 0 };
    Debt { bytes, runs_over: runs.saturating_sub(trigger.saturating_mul(EASY)) as u64 }
}

/// The oldest run as it is, if nothing is in its way, as far down as that holds.
fn pick_move(tree: &Tree, context: &Context, oldest: &Run, shape: &Shape) -> Option<Plan> {
    let chosen = [Input::whole(oldest)];
    let last = u8::try_from(shape.targets.len()).unwrap_or(shape.base);
    let mut moved = None;
    for level in shape.base..last {
        if runs_of(tree, level).len() > 1 {
            break;
        }
        let plan = plan_to(tree, context, &chosen, join_place(tree, level), Reason::LevelFull);
        match plan.filter(|plan| plan.kind == PlanKind::Move) {
            Some(plan) if plan.inputs.len() == 1 => moved = Some(plan),
            _ => break,
        }
    }
    moved
}

/// True if the merge does not rewrite too much of the base level for what it brings there.
fn is_worth_it(plan: &Plan, runs: usize, context: &Context, ratio: u32) -> bool {
    let (zero, rest): (Vec<&Input>, Vec<&Input>) =
        plan.inputs.iter().partition(|input| input.level == 0);
    let zero = bytes_of(zero.iter().flat_map(|input| &input.slices));
    let rest = bytes_of(rest.iter().flat_map(|input| &input.slices));
    let is_crowded = runs >= context.level_zero_runs.max(1).saturating_mul(CROWDED);
    is_crowded || rest <= zero.saturating_mul(u64::from(ratio))
}

/// Merges the newest runs of a level, if they are of about one size, into one run of it.
#[must_use]
pub fn pick_among(tree: &Tree, busy: &Busy, context: &Context, runs: &[Run]) -> Option<Plan> {
    let free = runs.iter().take_while(|run| is_free(run, busy)).count();
    let runs = runs.get(..free)?;
    let trigger = context.level_zero_runs.max(2);
    // Beside a merge into the base level they may grow in number for a while.
    if !busy.is_idle() && runs.len() < trigger.saturating_mul(EASY) {
        return None;
    }
    let least = if runs.len() > trigger.saturating_mul(EASY) { 2 } else { trigger };
    let first = (0..runs.len()).find(|&at| similar(runs.get(at..).unwrap_or_default()) >= least)?;
    let window = runs.get(first..)?;
    let window = window.get(..similar(window))?;
    let output = window.first().map(Place::of)?;
    let inputs: Vec<Input> = window.iter().map(Input::whole).collect();
    let plan = Plan::new(tree, PlanKind::Merge, inputs, output).because(Reason::TooManyRuns);
    busy.allows(&plan).then_some(plan)
}

/// How many runs, from the first, are each no larger than all before them together.
fn similar(runs: &[Run]) -> usize {
    let mut sum = 0_u64;
    let fits = runs.iter().take_while(|run| {
        let bytes = bytes_of(&run.slices);
        let fits = sum == 0 || bytes <= sum;
        sum = sum.saturating_add(bytes).max(1);
        fits
    });
    fits.count()
}

fn is_free(run: &Run, busy: &Busy) -> bool {
    busy.is_idle() || !run.slices.iter().any(|slice| busy.holds(slice))
}
