//! Each way in which a plan can be wrong.

use std::sync::Arc;

use crate::compaction::context::Context;
use crate::compaction::place::Place;
use crate::compaction::plan::{Input, Plan, PlanKind};
use crate::compaction::tests::fake::{key, meta, simple, slice, tree};
use crate::version::tree::{Slice, Tree};

fn input(slices: &[&Arc<Slice>]) -> Input {
    let place = &slices[0].meta;
    let slices = slices.iter().map(|slice| Arc::clone(slice)).collect();
    Input { level: place.level, run: place.run, slices }
}

fn why(tree: &Tree, kind: PlanKind, inputs: Vec<Input>, to: (u8, u64)) -> String {
    let plan = Plan::new(tree, kind, inputs, Place { level: to.0, run: to.1 });
    answer(&plan, tree)
}

fn answer(plan: &Plan, tree: &Tree) -> String {
    match plan.check(tree, &Context::default()) {
        Ok(()) => String::new(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_is_wrong_is_named() {
    let new = simple(9, (0, 9), (0, 50));
    let old = simple(8, (0, 8), (40, 90));
    let (left, right) = (simple(5, (1, 0), (0, 20)), simple(6, (1, 0), (30, 60)));
    let deep = simple(3, (2, 0), (10, 90));
    let all = [&new, &old, &left, &right, &deep].map(Arc::clone);
    let tree = tree(all);
    let merge = |inputs: Vec<Input>, to| why(&tree, PlanKind::Merge, inputs, to);

    assert_eq!(merge(vec![], (1, 0)), "a plan takes nothing");
    let good = vec![input(&[&new]), input(&[&old]), input(&[&left, &right])];
    assert_eq!(merge(good.clone(), (1, 0)), "");
    let mut turned = good.clone();
    turned.reverse();
    assert!(merge(turned, (1, 0)).contains("not ordered"));
    assert!(merge(vec![input(&[&new])], (1, 0)).contains("past older data"));
    assert!(merge(vec![input(&[&old]), input(&[&right])], (1, 0)).is_empty());
    // The hull of both tables in level 0 covers all of level 1.
    let gap = vec![input(&[&new]), input(&[&old]), input(&[&left])];
    assert!(merge(gap, (1, 0)).contains("past older data"));
    assert!(merge(vec![input(&[&left])], (2, 0)).contains("past older data"));
    assert!(merge(vec![input(&[&left, &right]), input(&[&deep])], (2, 0)).is_empty());
    assert!(merge(vec![input(&[&deep])], (1, 0)).contains("newer data belongs"));
    assert!(merge(vec![input(&[&left])], (7, 0)).contains("newer data belongs"));
    assert!(merge(vec![input(&[&left])], (1, u64::MAX)).contains("newer data belongs"));
    assert!(merge(vec![input(&[&left, &left])], (1, 0)).contains("twice"));
    let strange = simple(77, (1, 0), (0, 20));
    assert!(merge(vec![input(&[&strange])], (1, 0)).contains("not there"));
    let elsewhere = simple(77, (3, 0), (0, 20));
    assert!(merge(vec![input(&[&elsewhere])], (3, 0)).contains("run that is not there"));

    let mut bottom = Plan::new(&tree, PlanKind::Merge, good, Place { level: 1, run: 0 });
    assert!(!bottom.is_bottom);
    bottom.is_bottom = true;
    assert!(answer(&bottom, &tree).contains("bottom"));
}

#[test]
fn a_merge_into_a_gap_of_a_run_must_not_reach_over_what_stays() {
    let (a, b) = (simple(8, (0, 8), (0, 5)), simple(9, (0, 9), (40, 45)));
    let between = simple(3, (1, 0), (20, 25));
    let tree = tree([&a, &b, &between].map(Arc::clone));
    let both = || vec![input(&[&b]), input(&[&a])];
    assert!(why(&tree, PlanKind::Merge, both(), (1, 0)).contains("writes over"));
    assert_eq!(why(&tree, PlanKind::Move, both(), (1, 0)), "");
}

#[test]
fn touching_ends_are_told_from_overlap() {
    let upper = |is_excluded| slice(meta(9, 1000), (0, 9), (key(0), key(20)), is_excluded);
    let lower = simple(3, (1, 0), (20, 25));
    for is_excluded in [false, true] {
        let upper = upper(is_excluded);
        let tree = tree([&upper, &lower].map(Arc::clone));
        let answer = why(&tree, PlanKind::Move, vec![input(&[&upper])], (1, 0));
        assert_eq!(answer.is_empty(), is_excluded);
        let plan =
            Plan::new(&tree, PlanKind::Merge, vec![input(&[&upper])], Place { level: 0, run: 9 });
        assert_eq!(plan.is_bottom, is_excluded);
    }
}

#[test]
fn what_overlaps_is_not_moved_into_one_run() {
    let (a, b) = (simple(8, (0, 8), (0, 5)), simple(9, (0, 9), (5, 45)));
    let tree = tree([&a, &b].map(Arc::clone));
    let answer = why(&tree, PlanKind::Move, vec![input(&[&b]), input(&[&a])], (1, 0));
    assert!(answer.contains("overlap"));
}

#[test]
fn data_is_dropped_by_permission_or_when_expired_and_from_the_oldest() {
    let with_expiry = |number, place, expiry, sweeps| {
        let mut meta = meta(number, 1000);
        meta.expiry_max_millis = expiry;
        meta.range_deletes = sweeps;
        slice(meta, place, (key(0), key(9)), false)
    };
    let new = with_expiry(9, (0, 9), 50, 0);
    let old = with_expiry(3, (1, 0), 90, 0);
    let both = tree([&new, &old].map(Arc::clone));
    let drops = |slices: &[&Arc<Slice>], now: u64, may_drop: bool| {
        let inputs = slices.iter().map(|slice| input(&[slice])).collect();
        let plan = Plan::new(&both, PlanKind::Drop, inputs, Place { level: 0, run: 9 });
        let context = Context { expired_millis: now, may_drop, ..Context::default() };
        plan.check(&both, &context).is_ok()
    };
    assert!(!drops(&[&old], 89, false) && drops(&[&old], 90, false) && drops(&[&old], 0, true));
    assert!(!drops(&[&new], 100, false) && !drops(&[&new], 100, true), "it hides older data");
    assert!(drops(&[&new, &old], 90, false) && !drops(&[&new, &old], 60, false));
    let sweeping = with_expiry(4, (1, 0), 10, 1);
    let tree = tree([&sweeping].map(Arc::clone));
    let plan =
        Plan::new(&tree, PlanKind::Drop, vec![input(&[&sweeping])], Place { level: 1, run: 0 });
    let context = Context { expired_millis: 100, ..Context::default() };
    assert!(plan.check(&tree, &context).is_err(), "range tombstones do not expire");
}
