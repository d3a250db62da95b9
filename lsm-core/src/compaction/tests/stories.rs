//! Loads of several kinds under each strategy: order, model, rest, and what it costs.

use std::sync::Arc;

use super::sim::{ENTRY, Sim};
use crate::compaction::busy::Busy;
use crate::compaction::context::Context;
use crate::compaction::fifo::Fifo;
use crate::compaction::gather::{level_bytes, plan_to, runs_of};
use crate::compaction::lazy::Lazy;
use crate::compaction::leveled::Leveled;
use crate::compaction::manual::{Answer, Request};
use crate::compaction::place::Place;
use crate::compaction::plan::{Input, Plan, PlanKind, Reason};
use crate::compaction::shape::{LAST, Shape};
use crate::compaction::span::{Bounds, Span, bytes_of};
use crate::compaction::strategy::{Debt, Strategy};
use crate::compaction::tiered::Tiered;
use crate::env::sim::rng::Rng;
use crate::key::seqno::SeqNo;
use crate::version::tree::Tree;

fn context(memtable: u64, table: u64) -> Context {
    Context { memtable_bytes: memtable * ENTRY, table_bytes: table * ENTRY, ..Context::default() }
}

fn leveled() -> Arc<dyn Strategy> {
    Arc::new(Leveled::new(10))
}

fn tiered() -> Arc<dyn Strategy> {
    Arc::new(Tiered::new(4))
}

fn lazy() -> Arc<dyn Strategy> {
    Arc::new(Lazy::new(8))
}

fn all() -> [(&'static str, Arc<dyn Strategy>); 3] {
    [("leveled", leveled()), ("tiered", tiered()), ("lazy", lazy())]
}

struct Load {
    keys: u64,
    memtable: u64,
    flushes: u64,
    /// Deletes among a hundred writes.
    deletes: u64,
    /// Range deletes among a hundred flushes.
    sweeps: u64,
    check_every: u64,
}

fn drive(name: &str, strategy: Arc<dyn Strategy>, load: &Load, seed: u64) -> Sim {
    println!("seed {seed}");
    let context = context(load.memtable, load.memtable / 2);
    let mut sim = Sim::new(strategy, context, seed);
    let mut rng = Rng::new(seed ^ 77);
    for round in 0..load.flushes {
        let write = |rng: &mut Rng| (rng.below(load.keys) as u32, rng.chance(load.deletes, 100));
        let writes: Vec<(u32, bool)> = (0..load.memtable).map(|_| write(&mut rng)).collect();
        let mut sweeps = Vec::new();
        if rng.chance(load.sweeps, 100) {
            let start = rng.below(load.keys) as u32;
            sweeps.push((start, start + 1 + rng.below(load.keys / 20) as u32));
        }
        sim.flush(&writes, &sweeps);
        let events = sim.rng.below(8);
        sim.work(events);
        if round % load.check_every == 0 {
            sim.check_order();
            sim.check_model();
        }
    }
    sim.settle();
    sim.check_order();
    sim.check_model();
    sim.report(name);
    sim
}

fn check_levels(sim: &Sim, ratio: u32) {
    let shape = Shape::of(&sim.tree, &sim.context, ratio);
    for level in 1..LAST {
        let bytes = level_bytes(&sim.tree, level);
        assert!(bytes <= shape.target(level), "level {level}: {}", sim.show());
        assert!(runs_of(&sim.tree, level).len() <= 1);
    }
}

#[test]
fn overwriting_costs_little_and_tiers_cost_less() {
    // As ten million records of 116 bytes over memtables of 64 MiB.
    let load =
        Load { keys: 9000, memtable: 500, flushes: 400, deletes: 0, sweeps: 0, check_every: 16 };
    let a = drive("leveled, overwrite", leveled(), &load, 1);
    check_levels(&a, 10);
    assert!(a.amplification() < 7.5);
    assert!(a.space() < 1.6);
    let b = drive("tiered, overwrite", tiered(), &load, 1);
    assert!(b.amplification() < a.amplification());
    assert!(b.space() < 2.6);
}

#[test]
fn a_large_tree_grows_more_levels() {
    let load = Load {
        keys: 40_000,
        memtable: 100,
        flushes: 3000,
        deletes: 0,
        sweeps: 0,
        check_every: 200,
    };
    let a = drive("leveled, 400 memtables large", leveled(), &load, 2);
    check_levels(&a, 10);
    assert!(a.amplification() < 16.0);
    assert!(a.space() < 1.5);
    let b = drive("tiered, 400 memtables large", tiered(), &load, 2);
    assert!(b.amplification() < a.amplification());
    assert!(b.space() < 2.6);
}

#[test]
fn deletes_and_range_deletes_go_away() {
    for seed in 0..6 {
        for (name, strategy) in all() {
            let load = Load {
                keys: 2000,
                memtable: 50,
                flushes: 300,
                deletes: 50,
                sweeps: 30,
                check_every: 4,
            };
            let sim = drive(&format!("{name}, deletes"), strategy, &load, seed);
            assert!(sim.space() < 4.0);
        }
    }
}

#[test]
fn a_sequential_fill_is_moved_and_not_rewritten() {
    for (name, strategy) in all() {
        let mut sim = Sim::new(strategy, context(100, 50), 3);
        for round in 0..1000_u32 {
            let writes: Vec<_> = (0..100).map(|at| (round * 100 + at, false)).collect();
            sim.flush(&writes, &[]);
            let events = sim.rng.below(8);
            sim.work(events);
        }
        sim.settle();
        sim.check_order();
        sim.check_model();
        sim.report(&format!("{name}, sequential"));
        assert!(sim.amplification() < 1.05);
        assert!(sim.tree.runs.len() <= 12);
    }
}

#[test]
fn two_sequential_writers_and_a_hot_range() {
    for (name, strategy) in all() {
        let mut sim = Sim::new(strategy, context(100, 50), 4);
        for round in 0..600_u32 {
            let mut writes: Vec<_> = (0..40).map(|at| (round * 40 + at, false)).collect();
            writes.extend((0..40).map(|at| (1_000_000 + round * 40 + at, false)));
            writes.extend((0..20).map(|at| (2_000_000 + (round * 7 + at) % 200, at % 3 == 0)));
            sim.flush(&writes, &[]);
            sim.work(6);
        }
        sim.settle();
        sim.check_order();
        sim.check_model();
        sim.report(&format!("{name}, two sequences and a hot range"));
        assert!(sim.amplification() < 8.0);
    }
}

#[test]
fn a_trickle_into_a_large_tree_is_gathered_first() {
    for (name, strategy) in [("leveled", leveled()), ("lazy", lazy())] {
        let mut sim = Sim::new(strategy, context(1000, 500), 5);
        for round in 0..20_u32 {
            let writes: Vec<_> = (0..1000).map(|at| (at * 20 + round, false)).collect();
            sim.flush(&writes, &[]);
            sim.work(6);
        }
        sim.settle();
        let (flushed, written) = (sim.flushed, sim.written);
        let mut rng = Rng::new(5);
        for _ in 0..1000 {
            let writes: Vec<_> = (0..5).map(|_| (rng.below(20_000) as u32, false)).collect();
            sim.flush(&writes, &[]);
            sim.settle();
            assert!(sim.tree.runs.len() < 17, "{}", sim.show());
        }
        sim.check_order();
        sim.check_model();
        sim.report(&format!("{name}, trickle"));
        let cost = (sim.written - written) as f64 / (sim.flushed - flushed) as f64;
        println!("the trickle alone: {cost:.2}");
        assert!(cost < 18.0);
    }
}

#[test]
fn a_snapshot_keeps_deletes_and_nothing_turns_in_circles() {
    for seed in 0..4 {
        for (name, strategy) in all() {
            let mut sim = Sim::new(strategy, context(50, 25), seed);
            sim.context.delete_age_millis = 10;
            let mut rng = Rng::new(seed);
            for round in 0..200 {
                sim.context.now_millis += 1;
                if round % 50 == 20 {
                    sim.context.oldest_snapshot = SeqNo::new(sim.seqno - 1);
                }
                if round % 50 == 45 {
                    sim.context.oldest_snapshot = None;
                }
                let writes: Vec<_> =
                    (0..50).map(|_| (rng.below(1000) as u32, rng.chance(70, 100))).collect();
                let start = rng.below(1000) as u32;
                sim.flush(&writes, &[(start, start + 5)]);
                sim.settle();
                sim.check_order();
                sim.check_model();
            }
            sim.context.oldest_snapshot = None;
            sim.context.now_millis += 100;
            sim.settle();
            sim.check_model();
            sim.report(&format!("{name}, snapshots"));
            if name != "tiered" {
                let all = sim.tree.runs.iter().flat_map(|run| &run.slices);
                let left = all.filter(|slice| slice.meta.deletes > 0).count();
                assert_eq!(left, 0, "old deletes stay: {}", sim.show());
            }
        }
    }
}

#[test]
fn a_tree_survives_every_change_of_strategy() {
    for seed in 0..8 {
        println!("seed {seed}");
        let mut sim = Sim::new(leveled(), context(50, 25), seed);
        let mut rng = Rng::new(seed);
        for _ in 0..30 {
            sim.strategy = match rng.below(7) {
                0 => tiered(),
                4 => lazy(),
                5 => Arc::new(Lazy::new(2)),
                1 => Arc::new(Leveled::new(3)),
                2 => Arc::new(Tiered::new(8)),
                3 => Arc::new(Fifo { bytes_max: 0, age_max_millis: 0 }),
                _ => leveled(),
            };
            for _ in 0..20 {
                let writes: Vec<_> =
                    (0..50).map(|_| (rng.below(3000) as u32, rng.chance(1, 10))).collect();
                sim.flush(&writes, &[]);
                sim.context.is_quiet = rng.chance(1, 8);
                let events = sim.rng.below(6);
                sim.work_if_it_merges(events);
            }
            sim.check_order();
            sim.check_model();
        }
        sim.strategy = leveled();
        sim.settle();
        sim.check_order();
        sim.check_model();
        check_levels(&sim, 10);
    }
}

#[test]
fn first_in_first_out_keeps_the_newest_bytes() {
    let strategy = Arc::new(Fifo { bytes_max: 2000 * ENTRY, age_max_millis: 100 });
    let mut sim = Sim::new(strategy, context(100, 50), 6);
    let mut rng = Rng::new(6);
    for _ in 0..100 {
        sim.context.now_millis += 1;
        let writes: Vec<_> = (0..100).map(|_| (rng.below(100_000) as u32, false)).collect();
        sim.flush(&writes, &[]);
        sim.settle();
    }
    assert_eq!(sim.tree.runs.len(), 100, "nothing goes without permission");
    sim.context.may_drop = true;
    sim.settle();
    let bytes = bytes_of(sim.tree.runs.iter().flat_map(|run| &run.slices));
    assert!(bytes <= 2000 * ENTRY && bytes > 1800 * ENTRY);
    assert_eq!(sim.tree.runs.first().unwrap().number, 100, "the newest stays");
    sim.check_order();
    sim.context.now_millis += 85;
    sim.settle();
    assert_eq!(sim.tree.runs.len(), 15, "{}", sim.show());
    assert_eq!(sim.written, 0);
}

#[test]
fn a_request_leaves_one_run_without_deletes() {
    for seed in 0..6 {
        for strategy in all().map(|(_, strategy)| strategy) {
            let mut sim = Sim::new(strategy, context(50, 25), seed);
            let mut rng = Rng::new(seed);
            for _ in 0..(10 + seed * 30) {
                let writes: Vec<_> =
                    (0..50).map(|_| (rng.below(3000) as u32, rng.chance(30, 100))).collect();
                sim.flush(&writes, &[(rng.below(2000) as u32, 2010)]);
                sim.work(4);
            }
            let bounds = Bounds {
                smallest: super::fake::key(0),
                largest: super::fake::key(u32::MAX),
                is_largest_excluded: false,
            };
            let before = sim.next_number();
            let seqno = SeqNo::new(sim.seqno).unwrap();
            let request = Request { bounds, seqno, before };
            let mut rounds = 0;
            loop {
                rounds += 1;
                assert!(rounds < 100);
                let strategy = Arc::clone(&sim.strategy);
                match strategy.compact(&sim.tree, &sim.busy, &sim.context, &request) {
                    Answer::Work(plan) => {
                        plan.check(&sim.tree, &sim.context).unwrap();
                        sim.perform(&plan);
                    }
                    Answer::Wait => assert!(sim.end()),
                    Answer::Done => break,
                }
                sim.check_order();
                sim.check_model();
            }
            while sim.end() {}
            sim.check_order();
            sim.check_model();
            assert_eq!(sim.tree.runs.len(), 1, "{}", sim.show());
            let mut all = sim.tree.runs.iter().flat_map(|run| &run.slices);
            assert!(all.all(|slice| slice.meta.deletes + slice.file.meta.range_deletes == 0));
        }
    }
}

#[test]
fn a_request_for_a_range_leaves_the_rest_alone() {
    let mut sim = Sim::new(leveled(), context(100, 50), 8);
    for round in 0..200_u32 {
        let writes: Vec<_> = (0..100).map(|at| (at * 200 + round, false)).collect();
        sim.flush(&writes, &[]);
        sim.work(6);
    }
    sim.settle();
    let (from, to) = (super::fake::key(5000), super::fake::key(5100));
    let bounds = Bounds { smallest: from, largest: to, is_largest_excluded: true };
    let seqno = SeqNo::new(sim.seqno).unwrap();
    let request = Request { bounds, seqno, before: sim.next_number() };
    let strategy = Arc::clone(&sim.strategy);
    while let Answer::Work(plan) = strategy.compact(&sim.tree, &sim.busy, &sim.context, &request) {
        sim.perform(&plan);
    }
    sim.check_order();
    sim.check_model();
    let span = request.bounds.span();
    let mut touched = sim
        .tree
        .runs
        .iter()
        .filter(|run| run.slices.iter().any(|slice| Span::of(slice).overlaps(&span)));
    assert_eq!(touched.clone().count(), 1);
    assert_eq!(touched.next().unwrap().level, LAST);
}

/// The strategy that docs/compaction.md shows: keeps everything in one run, whatever it costs.
#[derive(Debug)]
struct OneRun;

impl Strategy for OneRun {
    fn name(&self) -> &str {
        "one-run"
    }

    fn pick(&self, tree: &Tree, busy: &Busy, context: &Context) -> Option<Plan> {
        if tree.runs.len() < 2 {
            return None;
        }
        let all: Vec<Input> = tree.runs.iter().map(Input::whole).collect();
        let bottom = Place { level: 6, run: 0 };
        let plan = plan_to(tree, context, &all, bottom, Reason::Other)?;
        busy.allows(&plan).then_some(plan)
    }

    fn debt(&self, tree: &Tree, _: &Context) -> Debt {
        Debt { bytes: 0, runs_over: tree.runs.len().saturating_sub(8) as u64 }
    }
}

#[test]
fn a_strategy_of_ones_own_works_like_any_other() {
    let load =
        Load { keys: 2000, memtable: 50, flushes: 200, deletes: 20, sweeps: 10, check_every: 4 };
    let sim = drive("one run", Arc::new(OneRun), &load, 12);
    assert!(sim.tree.runs.len() <= 1);
}

#[test]
fn what_has_expired_is_dropped_from_the_oldest_and_not_read() {
    for strategy in all().map(|(_, strategy)| strategy) {
        let mut sim = Sim::new(strategy, context(100, 50), 13);
        sim.expiry_max_millis = 1000;
        let writes: Vec<_> = (0..100).map(|at| (at, false)).collect();
        sim.flush(&writes, &[]);
        sim.expiry_max_millis = 500;
        sim.flush(&writes, &[]);
        let plan = |sim: &Sim| sim.strategy.pick(&sim.tree, &sim.busy, &sim.context);
        sim.context.expired_millis = 999;
        assert!(plan(&sim).is_none(), "the newer one hides what the older one holds");
        sim.context.expired_millis = 1000;
        let plan = plan(&sim).unwrap();
        assert_eq!((plan.kind, plan.reason), (PlanKind::Drop, Reason::Expired));
        assert_eq!(plan.slices().count(), 2);
        sim.settle();
        assert!(sim.tree.runs.is_empty() && sim.written == 0);
    }
}

#[test]
fn a_level_that_is_a_little_too_large_is_owed_and_merged() {
    let context = Context { memtable_bytes: 1000, table_bytes: 500, ..Context::default() };
    let leveled = Leveled::new(10);
    let tree = |above: u64| {
        let of = |number, bytes, level| {
            let keys = (super::fake::key(0), super::fake::key(9));
            super::fake::slice(super::fake::meta(number, bytes), (level, 0), keys, false)
        };
        super::fake::tree([of(1, 1_000_000, LAST), of(2, above, LAST - 1)])
    };
    let target = Shape::of(&tree(1), &context, 10).target(LAST - 1);
    for (above, is_full) in [(target, false), (target + 1, true)] {
        let tree = tree(above);
        assert_eq!(leveled.debt(&tree, &context).bytes > 0, is_full);
        assert_eq!(leveled.pick(&tree, &Busy::new(), &context).is_some(), is_full);
    }
}
