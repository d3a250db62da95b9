//! Whether a strategy comes to rest: a tree that nobody writes to must not go in circles.

use crate::base::checksum::hash64;
use crate::compaction::place::Place;
use crate::version::tree::Tree;

/// A tree that has looked the same so many times goes in circles. Once or twice is no harm: a
/// rewrite may pack blocks in another way, or take sequence numbers away.
const CIRCLES_MAX: u32 = 8;

/// Watches the tree that plans leave behind, one after the other.
///
/// It keeps one shape and compares it with those that follow; the shape is replaced after 1, 2, 4,
/// 8 plans and so on, so a circle of any length is met once it is shorter than that (Brent's
/// algorithm). Numbers of files and of runs do not count: they are new each time.
#[derive(Debug, Default)]
pub struct Rest {
    kept: u64,
    steps: u64,
    power: u64,
    met: u32,
}

impl Rest {
    /// Takes in what the tree is after a plan; true if the plans lead nowhere.
    pub fn note(&mut self, tree: &Tree) -> bool {
        let shape = shape_of(tree);
        if self.power > 0 && shape == self.kept {
            self.met += 1;
        }
        if self.steps == self.power {
            self.kept = shape;
            self.power = self.power.saturating_mul(2).max(1);
            self.steps = 0;
        }
        self.steps += 1;
        self.met >= CIRCLES_MAX
    }

    /// Takes in that there is something new to work on.
    pub fn begin_again(&mut self) {
        *self = Self::default();
    }
}

fn shape_of(tree: &Tree) -> u64 {
    let mut bytes = Vec::new();
    let mut level_before = None;
    let mut rank = 0_u64;
    for run in &tree.runs {
        let Place { level, .. } = Place::of(run);
        rank = if level_before == Some(level) { rank + 1 } else { 0 };
        level_before = Some(level);
        for slice in &run.slices {
            let meta = &slice.meta;
            let numbers = [
                u64::from(level),
                rank,
                meta.entries,
                meta.deletes,
                slice.file.meta.range_deletes,
                meta.smallest.len() as u64,
                meta.largest.len() as u64,
            ];
            numbers.iter().for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
            bytes.extend_from_slice(&meta.smallest);
            bytes.extend_from_slice(&meta.largest);
        }
    }
    hash64(&bytes)
}

#[cfg(test)]
mod tests;
