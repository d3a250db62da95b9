//! The sizes of levels for trees of every size.

use super::{LAST, Shape};
use crate::compaction::context::Context;
use crate::compaction::tests::fake::{key, meta, slice, tree};
use crate::version::tree::Tree;

fn holding(levels: &[(u8, u64)]) -> Tree {
    let slices = levels.iter().enumerate().map(|(at, &(level, bytes))| {
        slice(meta(at as u64 + 1, bytes), (level, 0), (key(0), key(9)), false)
    });
    tree(slices)
}

fn context() -> Context {
    Context { memtable_bytes: 250, level_zero_runs: 4, ..Context::default() }
}

#[test]
fn levels_come_with_size_and_steps_are_even() {
    let shape = |levels: &[(u8, u64)]| Shape::of(&holding(levels), &context(), 10);
    assert_eq!(shape(&[]).base, LAST);
    assert_eq!(shape(&[(6, 10_000)]).base, LAST);
    let two = shape(&[(6, 10_001)]);
    assert_eq!((two.base, two.target(5), two.target(6)), (5, 2500, u64::MAX));
    let two = shape(&[(6, 100_000)]);
    assert_eq!((two.base, two.target(5)), (5, 10_000));
    let three = shape(&[(6, 1_000_000)]);
    assert_eq!((three.base, three.target(4), three.target(5)), (4, 10_000, 100_000));
    let most = shape(&[(6, u64::MAX)]);
    assert_eq!(most.base, 1);
}

#[test]
fn a_level_in_use_is_given_up_only_when_it_is_far_too_many() {
    let shape = |levels: &[(u8, u64)]| Shape::of(&holding(levels), &context(), 10);
    let kept = shape(&[(5, 500), (6, 6000)]);
    assert!(kept.base == 5 && kept.target(5) > 0);
    let left = shape(&[(5, 500), (6, 2000)]);
    assert_eq!((left.base, left.target(5)), (5, 0), "data goes down, and level 0 joins it");
}
