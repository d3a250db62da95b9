//! Leveled: each level is one run, and a level that outgrows its size gives slices to the next.

use std::sync::Arc;

use crate::base::sort::{sort_by, sort_by_key};
use crate::compaction::busy::Busy;
use crate::compaction::context::Context;
use crate::compaction::expiry::{pick as pick_expired, pick_due};
use crate::compaction::gather::{is_dense, join_place, level_bytes, plan_to, runs_of, widened};
use crate::compaction::place::Place;
use crate::compaction::plan::{Input, Plan, Reason};
use crate::compaction::shape::{LAST, Shape, scaled};
use crate::compaction::span::{Span, bytes_of, overlapping};
use crate::compaction::strategy::{Debt, Strategy};
use crate::compaction::{deletes, level_zero};
use crate::version::tree::{Run, Slice, Tree};

/// Every key is looked for in level 0 and once per level. The default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leveled {
    /// How many times a level may be as large as the one above.
    pub ratio: u32,
}

/// How many slices of a level are tried before it is left alone.
const TRIES: usize = 32;
/// In quiet times the last level may be rewritten for what is above it, if it has at most so many
/// times as many bytes.
const WORTH_QUIET: u64 = 4;

impl Leveled {
    /// With levels of at most `ratio` times the size of the one above.
    #[must_use]
    pub fn new(ratio: u32) -> Self {
        Self { ratio: ratio.max(2) }
    }

    /// Levels that ask for a merge, the most urgent first.
    fn urgent(&self, tree: &Tree, busy: &Busy, context: &Context, shape: &Shape) -> Vec<u8> {
        let score = |level: u8| match level {
            0 => level_zero::score(tree, busy, context),
            _ => {
                let bytes = level_bytes(tree, level).saturating_sub(busy.leaving(level));
                match (bytes, shape.target(level)) {
                    (0, _) => 0,
                    // Above the base nothing needs to be, but there is no hurry.
                    (_, 0) => 1000,
                    // A little over its size is over, too.
                    (bytes, target) if bytes > target => scaled(bytes, 1000, target).max(1001),
                    (bytes, target) => scaled(bytes, 1000, target),
                }
            }
        };
        let mut scores: Vec<(u64, u8)> = (0..LAST).map(|level| (score(level), level)).collect();
        scores.retain(|&(score, level)| {
            score > 1000 || (score == 1000 && level_is_due(level, shape))
        });
        sort_by(&mut scores, |a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        scores.into_iter().map(|(_, level)| level).collect()
    }
}

/// A level with just its size is full if it is level 0, or if it should be empty.
fn level_is_due(level: u8, shape: &Shape) -> bool {
    level == 0 || shape.target(level) == 0
}

/// A level that another strategy has left with several runs becomes one run.
fn pick_unite(tree: &Tree, busy: &Busy, context: &Context) -> Option<Plan> {
    let level = (1..=LAST).find(|&level| runs_of(tree, level).len() > 1)?;
    let runs = runs_of(tree, level);
    let chosen: Vec<Input> = runs.iter().map(Input::whole).collect();
    let oldest = runs.last().map(Place::of)?;
    let plan = plan_to(tree, context, &chosen, oldest, Reason::TooManyRuns)?;
    busy.allows(&plan).then_some(plan)
}

/// In quiet times everything becomes one run, which reads best, if what is above the last level is
/// a good part of it all.
fn pick_quiet(tree: &Tree, busy: &Busy, context: &Context) -> Option<Plan> {
    if !context.is_quiet || !busy.is_idle() || tree.runs.len() < 2 {
        return None;
    }
    let above = tree.runs.iter().filter(|run| run.level < LAST);
    let above: Vec<Input> = above.map(Input::whole).collect();
    let bytes = bytes_of(above.iter().flat_map(|input| &input.slices));
    if level_bytes(tree, LAST) > bytes.saturating_mul(WORTH_QUIET) {
        return None;
    }
    let plan = plan_to(tree, context, &above, join_place(tree, LAST), Reason::TooManyRuns)?;
    busy.allows(&plan).then_some(plan)
}

/// The slice that costs least to bring one level down, with the neighbours that cost nothing more.
fn pick_slice(tree: &Tree, busy: &Busy, context: &Context, level: u8) -> Option<Plan> {
    let next = level.saturating_add(1);
    let [run] = runs_of(tree, level) else { return None };
    let below = match runs_of(tree, next) {
        [] => None,
        [below] => Some(below),
        _ => return None,
    };
    let output = join_place(tree, next);
    let mut costs: Vec<(u64, usize)> = Vec::new();
    for (at, slice) in run.slices.iter().enumerate() {
        costs.push((cost(slice, below), at));
    }
    sort_by_key(&mut costs, |cost| *cost);
    let free = costs.into_iter().filter_map(|(_, at)| run.slices.get(at));
    for slice in free.filter(|slice| !busy.holds(slice)).take(TRIES) {
        let plan = plan_to(tree, context, &[Input::only(run, slice)], output, Reason::LevelFull)?;
        let plan = widened(tree, busy, context, run, plan);
        if busy.allows(&plan) {
            return Some(plan);
        }
    }
    None
}

/// Bytes rewritten for each that goes down, in thousandths. Deletes make room: they go first.
fn cost(slice: &Arc<Slice>, below: Option<&Run>) -> u64 {
    let touched = below.map(|below| bytes_of(overlapping(below, &Span::of(slice)))).unwrap_or(0);
    let cost = scaled(touched, 1000, slice.meta.bytes);
    if is_dense(slice) { cost / 4 } else { cost }
}

impl Strategy for Leveled {
    fn name(&self) -> &str {
        "leveled"
    }

    fn pick(&self, tree: &Tree, busy: &Busy, context: &Context) -> Option<Plan> {
        if let Some(plan) = pick_expired(tree, busy, context) {
            return Some(plan);
        }
        if let Some(plan) = pick_unite(tree, busy, context) {
            return Some(plan);
        }
        let shape = Shape::of(tree, context, self.ratio);
        let urgent = self.urgent(tree, busy, context, &shape);
        let full = urgent.into_iter().find_map(|level| match level {
            0 => level_zero::pick(tree, busy, context, &shape, self.ratio),
            _ => pick_slice(tree, busy, context, level),
        });
        full.or_else(|| deletes::pick(tree, busy, context))
            .or_else(|| pick_due(tree, busy, context))
            .or_else(|| pick_quiet(tree, busy, context))
    }

    fn debt(&self, tree: &Tree, context: &Context) -> Debt {
        let shape = Shape::of(tree, context, self.ratio);
        let mut debt = level_zero::debt(tree, context, &shape, self.ratio);
        for level in 1..LAST {
            let bytes = level_bytes(tree, level);
            let excess = bytes.saturating_sub(shape.target(level));
            let below = level_bytes(tree, level.saturating_add(1));
            let work = scaled(below, excess, bytes).saturating_add(excess);
            debt.bytes = debt.bytes.saturating_add(work);
        }
        debt
    }
}
