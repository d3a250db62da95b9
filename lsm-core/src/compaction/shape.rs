//! The sizes of the levels of a leveled tree, chosen from what it holds.
//!
//! The last level holds almost everything; each level above is smaller by the same factor, down to
//! the size at which level 0 is merged. There are as few levels between as the ratio allows, and
//! the factor is spread evenly over them: a merge of level 0 costs as one further down does, and
//! equal steps cost least together.

use crate::compaction::context::Context;
use crate::compaction::gather::level_bytes;
use crate::version::tree::{LEVELS, Tree};

/// The number of the last level.
pub const LAST: u8 = (LEVELS - 1) as u8;

/// How large each level should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Where level 0 is merged into.
    pub base: u8,
    /// How many bytes a level may hold; `u64::MAX` for the last one, 0 for those above the base.
    pub targets: [u64; LEVELS],
}

impl Shape {
    /// The shape for what the tree holds now; no level is more than `ratio` times the one above.
    #[must_use]
    pub fn of(tree: &Tree, context: &Context, ratio: u32) -> Self {
        let ratio = u64::from(ratio.max(2));
        let top = context.level_zero_bytes();
        let data = (1..=LAST).map(|level| level_bytes(tree, level)).max().unwrap_or(0);
        let used = (1..LAST).find(|&level| level_bytes(tree, level) > 0).unwrap_or(LAST);
        let has = steps_from(used);
        let mut steps = (1..LAST.into()).find(|&n| grown(top, ratio, n) >= data).unwrap_or(6);
        // A level that is in use is given up only when it is far from being needed.
        if steps < has && grown(top, ratio, has - 1) / 4 <= data {
            steps = has;
        }
        let factor = (2..ratio).find(|&factor| grown(top, factor, steps) >= data).unwrap_or(ratio);
        let computed = LAST.saturating_add(1).saturating_sub(u8::try_from(steps).unwrap_or(LAST));
        let mut targets = [0; LEVELS];
        let mut size = data;
        for (level, target) in targets.iter_mut().enumerate().rev() {
            if level < usize::from(computed) {
                break;
            }
            *target = if level == usize::from(LAST) { u64::MAX } else { size.max(top) };
            size /= factor;
        }
        Self { base: computed.min(used), targets }
    }

    /// What a level may hold.
    #[must_use]
    pub fn target(&self, level: u8) -> u64 {
        self.targets.get(usize::from(level)).copied().unwrap_or(u64::MAX)
    }
}

fn steps_from(base: u8) -> u32 {
    u32::from(LAST.saturating_add(1).saturating_sub(base))
}

fn grown(bytes: u64, factor: u64, steps: u32) -> u64 {
    (0..steps).fold(bytes, |bytes, _| bytes.saturating_mul(factor))
}

/// `value * by / over`, in between too.
#[must_use]
pub fn scaled(value: u64, by: u64, over: u64) -> u64 {
    let scaled = u128::from(value) * u128::from(by) / u128::from(over.max(1));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
