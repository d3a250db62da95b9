//! Tiers: every level holds several runs, which become one run of the next level together.

use crate::compaction::busy::Busy;
use crate::compaction::context::Context;
use crate::compaction::deletes;
use crate::compaction::expiry::{pick as pick_expired, pick_due};
use crate::compaction::gather::{level_bytes, plan_to, runs_of};
use crate::compaction::manual::oldest_place;
use crate::compaction::place::Place;
use crate::compaction::plan::{Input, Plan, Reason};
use crate::compaction::shape::LAST;
use crate::compaction::span::bytes_of;
use crate::compaction::strategy::{Debt, Strategy};
use crate::version::tree::{Run, Tree};

/// Writes every entry about once per level. Space is bounded by a merge of everything when the
/// newer runs have grown as large as the oldest one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiered {
    /// A level with this many runs is merged.
    pub runs_max: u32,
    /// How much the newer runs may hold, in percent of the oldest one.
    pub newer_percent: u64,
}

impl Tiered {
    /// Levels of up to `runs_max` runs.
    #[must_use]
    pub fn new(runs_max: u32) -> Self {
        Self { runs_max: runs_max.max(2), newer_percent: 100 }
    }

    fn runs_max(&self) -> usize {
        usize::try_from(self.runs_max.max(2)).unwrap_or(usize::MAX)
    }

    /// True if most of what is stored may have been overwritten.
    fn is_wasteful(&self, tree: &Tree) -> bool {
        let Some((oldest, newer)) = tree.runs.split_last() else { return false };
        let newer_bytes = bytes_of(newer.iter().flat_map(|run| &run.slices));
        let allowed = bytes_of(&oldest.slices).saturating_mul(self.newer_percent) / 100;
        tree.runs.len() >= self.runs_max() && !newer.is_empty() && newer_bytes > allowed
    }

    fn pick_all(&self, tree: &Tree, busy: &Busy, context: &Context) -> Option<Plan> {
        let output = match oldest_place(tree) {
            place if tree.runs.last().is_some_and(|run| run.level > 0) => place,
            place => Place { level: 1, ..place },
        };
        let (_, newer) = tree.runs.split_last()?;
        let all = if output.level == 1 && runs_of(tree, 1).is_empty() { &tree.runs } else { newer };
        let chosen: Vec<Input> = all.iter().map(Input::whole).collect();
        let plan = plan_to(tree, context, &chosen, output, Reason::SpaceWasted)?;
        busy.allows(&plan).then_some(plan)
    }

    fn pick_level(&self, tree: &Tree, busy: &Busy, context: &Context, level: u8) -> Option<Plan> {
        let runs = runs_of(tree, level);
        if runs.len() < self.runs_max() || is_any_busy(runs, busy) {
            return None;
        }
        let output = if level == LAST {
            runs.first().map(Place::of)?
        } else {
            let next = level.saturating_add(1);
            let newest = runs_of(tree, next).first();
            Place { level: next, run: newest.map_or(0, |run| run.number.saturating_add(1)) }
        };
        let chosen: Vec<Input> = runs.iter().map(Input::whole).collect();
        let plan = plan_to(tree, context, &chosen, output, Reason::TooManyRuns)?;
        busy.allows(&plan).then_some(plan)
    }
}

fn is_any_busy(runs: &[Run], busy: &Busy) -> bool {
    !busy.is_idle() && runs.iter().flat_map(|run| &run.slices).any(|slice| busy.holds(slice))
}

impl Strategy for Tiered {
    fn name(&self) -> &str {
        "tiered"
    }

    fn pick(&self, tree: &Tree, busy: &Busy, context: &Context) -> Option<Plan> {
        if let Some(plan) = pick_expired(tree, busy, context) {
            return Some(plan);
        }
        let is_wasteful = self.is_wasteful(tree);
        if is_wasteful {
            if let Some(plan) = self.pick_all(tree, busy, context) {
                return Some(plan);
            }
        }
        // While everything waits to be merged, only level 0 is kept short; not if it waits for
        // ever.
        let last = if is_wasteful && !busy.is_holding() { 0 } else { LAST };
        let full = (0..=last).find_map(|level| self.pick_level(tree, busy, context, level));
        full.or_else(|| deletes::pick(tree, busy, context))
            .or_else(|| pick_due(tree, busy, context))
    }

    fn debt(&self, tree: &Tree, _context: &Context) -> Debt {
        let mut debt = Debt::default();
        for level in 0..=LAST {
            let over = runs_of(tree, level).len().saturating_sub(self.runs_max());
            if over > 0 {
                debt.bytes = debt.bytes.saturating_add(level_bytes(tree, level));
                debt.runs_over = debt.runs_over.saturating_add(over as u64);
            }
        }
        if self.is_wasteful(tree) {
            debt.bytes = bytes_of(tree.runs.iter().flat_map(|run| &run.slices));
        }
        debt
    }
}
