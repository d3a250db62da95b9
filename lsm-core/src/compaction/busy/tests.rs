//! Which plans get in each other's way.

use std::sync::Arc;

use super::Busy;
use crate::compaction::place::Place;
use crate::compaction::plan::{Input, Plan, PlanKind};
use crate::compaction::tests::fake::{simple, tree};
use crate::version::tree::{Slice, Tree};

fn plan(tree: &Tree, slices: &[&Arc<Slice>], to: (u8, u64)) -> Plan {
    let input = |slice: &&Arc<Slice>| {
        let (level, run) = (slice.meta.level, slice.meta.run);
        Input { level, run, slices: vec![Arc::clone(slice)] }
    };
    let inputs = slices.iter().map(input).collect();
    Plan::new(tree, PlanKind::Merge, inputs, Place { level: to.0, run: to.1 })
}

#[test]
fn a_slice_belongs_to_one_plan_at_a_time() {
    let slices =
        [simple(1, (1, 0), (0, 9)), simple(2, (1, 0), (10, 19)), simple(3, (2, 0), (5, 15))];
    let tree = tree(slices.iter().cloned());
    let [a, b, c] = &slices;
    let mut busy = Busy::new();
    assert!(busy.is_idle());
    let first = plan(&tree, &[a, c], (2, 0));
    let ticket = busy.claim(&first).unwrap();
    assert!(busy.holds(a) && busy.holds(c) && !busy.holds(b));
    assert_eq!((busy.len(), busy.leaving(1), busy.leaving(2)), (1, 1000, 0));
    assert!(busy.claim(&first).is_none());
    assert!(!busy.allows(&plan(&tree, &[b, c], (2, 0))), "both take the third");
    assert!(busy.allows(&plan(&tree, &[b], (1, 0))), "rewritten where it stands");
    busy.release(ticket);
    assert!(busy.is_idle() && busy.claim(&first).is_some());
}

#[test]
fn results_do_not_overlap_in_one_run_nor_pass_each_other() {
    let slices = [
        simple(9, (0, 9), (0, 9)),
        simple(8, (0, 8), (10, 19)),
        simple(7, (0, 7), (20, 29)),
        simple(5, (1, 0), (5, 6)),
    ];
    let tree = tree(slices.iter().cloned());
    let [a, b, c, d] = &slices;
    let mut busy = Busy::new();
    // It reaches over the second slice without taking it.
    busy.claim(&plan(&tree, &[a, c], (3, 0))).unwrap();
    assert!(!busy.allows(&plan(&tree, &[b], (3, 0))));
    assert!(busy.allows(&plan(&tree, &[b], (2, 0))));
    assert!(busy.allows(&plan(&tree, &[b], (4, 0))));
    // The older slice stays ahead of where the newer one goes, or does not move.
    assert!(!busy.allows(&plan(&tree, &[d], (2, 0))));
    assert!(!busy.allows(&plan(&tree, &[d], (3, 0))));
    assert!(!busy.allows(&plan(&tree, &[d], (4, 0))), "it was to go along");
}
