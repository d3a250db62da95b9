//! Which stretch of keys goes from the last tier of a lazy tree to the bottom.
//!
//! A stretch is what one slice of the tier spans, with everything older that it touches. Tables of
//! the tier end where tables of the bottom end, so it reaches little further than its slice. What
//! is newer stays where it is, on top.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::base::sort::sort_by_key;
use crate::compaction::busy::Busy;
use crate::compaction::context::Context;
use crate::compaction::gather::{gather, is_dense, join_place, plan_to, runs_of, widened};
use crate::compaction::plan::{Input, Plan, Reason};
use crate::compaction::shape::LAST;
use crate::compaction::span::bytes_of;
use crate::version::tree::{Run, Slice, Tree};

/// The tier right above the bottom.
pub const LAST_TIER: u8 = LAST - 1;
/// About how many bytes are written for each that goes down.
pub const COST: u64 = 3;
/// How many stretches are tried before the tier is left alone.
const TRIES: usize = 32;
/// Deletes make room: they count for so many times what they are.
const DENSE_GAIN: u64 = 4;

/// The merge of the stretch that brings most to the bottom for what is rewritten there.
#[must_use]
pub fn pick(tree: &Tree, busy: &Busy, context: &Context) -> Option<Plan> {
    let bottom = join_place(tree, LAST);
    let mut stretches: Vec<(Reverse<u64>, &Run, &Arc<Slice>)> = Vec::new();
    for run in runs_of(tree, LAST_TIER) {
        for slice in run.slices.iter().filter(|slice| !busy.holds(slice)) {
            let inputs = gather(tree, &[Input::only(run, slice)], bottom);
            stretches.push((Reverse(gain(&inputs)), run, slice));
        }
    }
    sort_by_key(&mut stretches, |(gain, ..)| *gain);
    stretches.into_iter().take(TRIES).find_map(|(_, run, slice)| {
        let chosen = [Input::only(run, slice)];
        let plan = plan_to(tree, context, &chosen, bottom, Reason::LevelFull)?;
        let plan = widened(tree, busy, context, run, plan);
        busy.allows(&plan).then_some(plan)
    })
}

/// Bytes that go down for each that is rewritten at the bottom, in thousandths.
fn gain(inputs: &[Input]) -> u64 {
    let (bottom, above): (Vec<&Input>, Vec<&Input>) =
        inputs.iter().partition(|input| input.level == LAST);
    let bottom = bytes_of(bottom.iter().flat_map(|input| &input.slices));
    let gains = above.iter().flat_map(|input| &input.slices).map(|slice| {
        let weight = if is_dense(slice) { DENSE_GAIN } else { 1 };
        slice.meta.bytes.saturating_mul(weight)
    });
    let gains = gains.fold(0, u64::saturating_add);
    gains.saturating_mul(1000) / bottom.max(1)
}
