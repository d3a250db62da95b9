//! Where tables end and parts begin.

use super::{Splitter, cuts};
use crate::compaction::place::Place;
use crate::compaction::plan::{Input, Plan, PlanKind};
use crate::compaction::tests::fake::{key, simple, tree};

/// A plan over one wide slice, with these slices beneath.
fn plan(beneath: &[(u32, u32)], table_bytes: u64) -> Plan {
    let top = simple(99, (0, 99), (0, 10_000));
    let beneath = beneath.iter().enumerate().map(|(at, keys)| simple(at as u64 + 1, (2, 0), *keys));
    let tree = tree(beneath.chain([top]));
    let inputs = vec![Input::whole(&tree.runs[0])];
    Plan::new(&tree, PlanKind::Merge, inputs, Place { level: 1, run: 0 })
        .with_tables_of(table_bytes)
}

/// The keys at which tables begin if each key takes `bytes`.
fn ends(plan: &Plan, bytes: u64) -> Vec<u32> {
    let mut splitter = Splitter::new(plan);
    let mut size = 0;
    let mut found = Vec::new();
    for number in 0..1000 {
        if splitter.ends_before(&key(number), size) {
            assert!(size > 0);
            found.push(number);
            size = 0;
        }
        size += bytes;
    }
    found
}

#[test]
fn size_alone_decides_when_nothing_is_beneath() {
    assert_eq!(ends(&plan(&[], 3000), 10), [300, 600, 900]);
    assert_eq!(ends(&plan(&[], 1), 10).len(), 999);
    assert!(ends(&plan(&[], u64::MAX), 10).is_empty());
}

#[test]
fn tables_end_with_those_beneath() {
    let beneath: Vec<(u32, u32)> = (0..10).map(|at| (at * 100, at * 100 + 90)).collect();
    // Half a size is reached at 150, the next end beneath is at 190.
    assert_eq!(ends(&plan(&beneath, 3000), 10), [191, 391, 591, 791, 991]);
    // One that covers too much ends early: ten slices of 1000 bytes beneath one of 1000.
    let narrow: Vec<(u32, u32)> = (0..100).map(|at| (at * 10, at * 10 + 9)).collect();
    assert_eq!(ends(&plan(&narrow, 1000), 2), [100, 200, 300, 400, 500, 600, 700, 800, 900]);
}

#[test]
fn parts_are_balanced_and_begin_at_tables() {
    let slices = (0..40).map(|at| simple(at + 1, (1, 0), (at as u32 * 10, at as u32 * 10 + 9)));
    let tree = tree(slices.chain([simple(99, (0, 99), (0, 1000))]));
    let inputs = tree.runs.iter().map(Input::whole).collect();
    let plan = Plan::new(&tree, PlanKind::Merge, inputs, Place { level: 1, run: 0 });
    assert!(cuts(&plan, 0).is_empty() && cuts(&plan, 1).is_empty());
    assert_eq!(cuts(&plan, 2), [key(200)]);
    assert_eq!(cuts(&plan, 4), [key(100), key(200), key(300)]);
    assert_eq!(cuts(&plan, 1000).len(), 39);
    let lone = Plan::new(&tree, PlanKind::Merge, vec![Input::whole(&tree.runs[0])], plan.output());
    assert!(cuts(&lone, 4).is_empty(), "one table says nothing");
}
