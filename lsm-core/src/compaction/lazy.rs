//! Lazy: tiers above, one run at the bottom, and what goes down goes a stretch at a time.
//!
//! The upper levels are tiers: each collects a few runs, which become one run of the next. An entry
//! is written once for each tier, whatever stands around it. The last level holds almost everything
//! and is one run, so that little room is wasted. What waits above it may grow to a fifth of it;
//! then the stretch of keys goes down that brings most for what is rewritten (see `descent`).
//!
//! There are as few tiers as the number of runs allows, and the fewer runs in each, the less there
//! is to hold. A small tree has no tiers at all: level 0 goes straight to the bottom.
//!
//! In quiet times reads count for more than what a merge costs: tiers are merged in pairs, and less
//! waits above the bottom.

use crate::base::sort::sort_by_key;
use crate::compaction::busy::Busy;
use crate::compaction::context::Context;
use crate::compaction::deletes;
use crate::compaction::descent::{self, LAST_TIER};
use crate::compaction::expiry::{pick as pick_expired, pick_due};
use crate::compaction::gather::{join_place, level_bytes, plan_to, runs_of};
use crate::compaction::place::Place;
use crate::compaction::plan::{Input, Plan, PlanKind, Reason};
use crate::compaction::shape::{LAST, scaled};
use crate::compaction::span::bytes_of;
use crate::compaction::strategy::{Debt, Strategy};
use crate::version::tree::{Run, Tree};

/// Writes half of what leveled does and wastes as little room; readers look into more runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lazy {
    /// How many runs a tier collects at most.
    pub runs_max: u32,
}

/// What the last tier may hold, in percent of the bottom.
const ABOVE: u64 = 20;
/// The same in quiet times.
const ABOVE_QUIET: u64 = 10;
/// How many runs are merged in quiet times.
const FAN_QUIET: usize = 2;
/// In quiet times a run is merged with one of up to so many times its size.
const LOPSIDED_QUIET: u64 = 4;
/// Level 0 goes straight to a bottom of so many times its size.
const STRAIGHT: u64 = 3;
/// Entries of the bottom are taken to be so many times as large, at most, as they are packed.
const PACKED_MAX: u64 = 2;
/// So many runs may arrive while a merge goes on.
const EASY: usize = 4;

/// What a tree should look like.
#[derive(Clone, Copy, Debug)]
struct Aim {
    /// The level that level 0 goes to: a tier, or the bottom.
    base: u8,
    /// How many bytes the bottom has, if they were not packed.
    bottom: u64,
    /// How many runs of a tier become one of the next.
    fan: usize,
    /// How many runs the last tier may have.
    last_runs: usize,
    /// How many bytes it may hold.
    last_bytes: u64,
}

impl Lazy {
    /// Tiers of up to `runs_max` runs.
    #[must_use]
    pub fn new(runs_max: u32) -> Self {
        Self { runs_max: runs_max.max(2) }
    }

    fn aim(&self, tree: &Tree, context: &Context) -> Aim {
        let bottom = unpacked_bottom(tree);
        let above = |percent: u64| bottom.saturating_mul(percent) / 100;
        // What is above the bottom is thick where it will go down next: twice as thick as on the
        // whole. That much is made of so many flushes.
        let flushes = above(ABOVE).saturating_mul(2) / context.memtable_bytes.max(1);
        let (most, least) = (u64::from(self.runs_max), context.level_zero_runs.max(2) as u64);
        let steps = (1..u32::from(LAST)).find(|&steps| most.saturating_pow(steps) >= flushes);
        let steps = steps.unwrap_or(u32::from(LAST));
        let fan = (least..most).find(|fan| fan.saturating_pow(steps) >= flushes).unwrap_or(most);
        let fan = usize::try_from(fan).unwrap_or(usize::MAX);
        let base = LAST.saturating_add(1).saturating_sub(u8::try_from(steps).unwrap_or(LAST));
        if context.is_quiet {
            let last_bytes = above(ABOVE_QUIET);
            return Aim { base, bottom, fan: FAN_QUIET, last_runs: 1, last_bytes };
        }
        Aim { base, bottom, fan, last_runs: fan, last_bytes: above(ABOVE) }
    }
}

impl Aim {
    /// With so many runs a level is to be merged.
    fn full(&self, level: u8) -> usize {
        // Nothing belongs between level 0 and the first tier.
        if level > 0 && level < self.base { 1 } else { self.fan }
    }

    /// The oldest run as it is, if nothing is in its way; else all of level 0.
    fn pick_zero(&self, tree: &Tree, busy: &Busy, context: &Context) -> Option<Plan> {
        let runs = runs_of(tree, 0);
        if runs.len() < self.fan || is_any_busy(runs, busy) {
            return None;
        }
        let bottom = join_place(tree, LAST);
        let oldest = [Input::whole(runs.last()?)];
        let moved = plan_to(tree, context, &oldest, bottom, Reason::LevelFull);
        let is_alone = |plan: &Plan| plan.kind == PlanKind::Move && plan.inputs.len() == 1;
        if let Some(plan) = moved.filter(|plan| is_alone(plan) && busy.allows(plan)) {
            return Some(plan);
        }
        let bytes = bytes_of(runs.iter().flat_map(|run| &run.slices));
        let is_straight = bytes.saturating_mul(STRAIGHT) >= self.bottom;
        let tier = next_place(tree, self.base.min(LAST_TIER));
        merge_to(tree, busy, context, runs, if is_straight { bottom } else { tier })
    }

    /// All runs of a tier but the last one.
    fn pick_tier(&self, tree: &Tree, busy: &Busy, context: &Context) -> Option<Plan> {
        (1..LAST_TIER).find_map(|level| {
            let runs = runs_of(tree, level);
            if runs.len() < self.full(level) || is_any_busy(runs, busy) {
                return None;
            }
            let output = next_place(tree, level.saturating_add(1));
            merge_to(tree, busy, context, runs, output)
        })
    }

    fn pick_last(&self, tree: &Tree, busy: &Busy, context: &Context) -> Option<Plan> {
        let stays = level_bytes(tree, LAST_TIER).saturating_sub(busy.leaving(LAST_TIER));
        let down = (stays > self.last_bytes).then(|| descent::pick(tree, busy, context));
        down.flatten().or_else(|| {
            let is_over = runs_of(tree, LAST_TIER).len() > self.last_runs;
            let most = if context.is_quiet { LOPSIDED_QUIET } else { u64::MAX };
            is_over.then(|| pick_pair(tree, busy, context, (LAST_TIER, most))).flatten()
        })
    }
}

/// How many bytes the bottom would take if its entries took as many as those above, which are not
/// packed. It is merged by entries, and not by what they take when they are packed; but the room
/// that is taken above counts too, so it is twice what it takes at most.
fn unpacked_bottom(tree: &Tree) -> u64 {
    let entries_of = |is_bottom: bool| {
        let slices = tree.slices().filter(|slice| (slice.meta.level == LAST) == is_bottom);
        slices.fold(0_u64, |sum, slice| sum.saturating_add(slice.meta.entries))
    };
    let bottom = level_bytes(tree, LAST);
    let above = bytes_of(tree.slices()).saturating_sub(bottom);
    let unpacked = scaled(above, entries_of(true), entries_of(false));
    unpacked.clamp(bottom, bottom.saturating_mul(PACKED_MAX))
}

/// A new run of this level.
fn next_place(tree: &Tree, level: u8) -> Place {
    let newest = runs_of(tree, level).first();
    Place { level, run: newest.map_or(0, |run| run.number.saturating_add(1)) }
}

fn merge_to(
    tree: &Tree,
    busy: &Busy,
    context: &Context,
    runs: &[Run],
    output: Place,
) -> Option<Plan> {
    let all: Vec<Input> = runs.iter().map(Input::whole).collect();
    let plan = plan_to(tree, context, &all, output, Reason::TooManyRuns);
    plan.filter(|plan| busy.allows(plan))
}

/// Two neighbours of a level become one run: those with the fewest bytes, of which the older has at
/// most so many times as many as the newer. So what is left of old runs, where little is written,
/// does not pile up.
fn pick_pair(
    tree: &Tree,
    busy: &Busy,
    context: &Context,
    (level, most): (u8, u64),
) -> Option<Plan> {
    let runs = runs_of(tree, level);
    let mut pairs: Vec<(u64, &Run, &Run)> = Vec::new();
    for (newer, older) in runs.iter().zip(runs.iter().skip(1)) {
        let (bytes, older_bytes) = (newer.bytes(), older.bytes());
        if older_bytes <= bytes.max(1).saturating_mul(most) {
            pairs.push((bytes.saturating_add(older_bytes), newer, older));
        }
    }
    sort_by_key(&mut pairs, |(bytes, ..)| *bytes);
    pairs.into_iter().find_map(|(_, newer, older)| {
        merge_to(tree, busy, context, std::slice::from_ref(newer), Place::of(older))
    })
}

fn is_any_busy(runs: &[Run], busy: &Busy) -> bool {
    !busy.is_idle() && runs.iter().flat_map(|run| &run.slices).any(|slice| busy.holds(slice))
}

impl Strategy for Lazy {
    fn name(&self) -> &str {
        "lazy"
    }

    fn pick(&self, tree: &Tree, busy: &Busy, context: &Context) -> Option<Plan> {
        if let Some(plan) = pick_expired(tree, busy, context) {
            return Some(plan);
        }
        if runs_of(tree, LAST).len() > 1 {
            // Another strategy has left them.
            return pick_pair(tree, busy, context, (LAST, u64::MAX));
        }
        let aim = self.aim(tree, context);
        aim.pick_zero(tree, busy, context)
            .or_else(|| aim.pick_tier(tree, busy, context))
            .or_else(|| aim.pick_last(tree, busy, context))
            .or_else(|| deletes::pick(tree, busy, context))
            .or_else(|| pick_due(tree, busy, context))
    }

    fn debt(&self, tree: &Tree, context: &Context) -> Debt {
        let aim = self.aim(tree, &Context { is_quiet: false, ..context.clone() });
        let mut debt = Debt::default();
        for level in 0..LAST_TIER {
            let runs = runs_of(tree, level).len();
            if runs >= aim.full(level) {
                debt.bytes = debt.bytes.saturating_add(level_bytes(tree, level));
                let over = runs.saturating_sub(aim.fan.saturating_add(EASY)) as u64;
                debt.runs_over = debt.runs_over.saturating_add(over);
            }
        }
        let last_runs = runs_of(tree, LAST_TIER).len().saturating_sub(aim.last_runs) as u64;
        debt.runs_over = debt.runs_over.saturating_add(last_runs);
        let excess = level_bytes(tree, LAST_TIER).saturating_sub(aim.last_bytes);
        debt.bytes = debt.bytes.saturating_add(excess.saturating_mul(descent::COST));
        debt
    }
}
