//! A strategy that answers anything: what the checks let pass may not break a tree.

use std::sync::Arc;

use super::sim::Sim;
use crate::compaction::context::Context;
use crate::compaction::leveled::Leveled;
use crate::compaction::place::Place;
use crate::compaction::plan::{Input, Plan, PlanKind};
use crate::env::sim::rng::Rng;
use crate::version::tree::{LEVELS, Tree};

fn anything(tree: &Tree, rng: &mut Rng) -> Option<Plan> {
    let mut inputs = Vec::new();
    let share = 1 + rng.below(4);
    let skip = rng.below(tree.runs.len() as u64 + 1) as usize;
    let take = 1 + rng.below(5) as usize;
    for run in tree.runs.iter().skip(skip).take(take) {
        let slices: Vec<_> =
            run.slices.iter().filter(|_| rng.chance(share, 4)).map(Arc::clone).collect();
        if !slices.is_empty() {
            inputs.push(Input { level: run.level, run: run.number, slices });
        }
    }
    let first = inputs.first()?.place();
    let runs: Vec<Place> = tree.runs.iter().map(Place::of).collect();
    let output = match rng.below(4) {
        0 => Place { level: rng.below(LEVELS as u64 + 1) as u8, run: rng.below(4) },
        1 => first,
        _ => runs[rng.below(runs.len() as u64) as usize],
    };
    let kind = match rng.below(5) {
        0 => PlanKind::Move,
        1 => PlanKind::Drop,
        _ => PlanKind::Merge,
    };
    let mut plan = Plan::new(tree, kind, inputs, output).with_tables_of(1000 + rng.below(4000));
    plan.is_bottom |= rng.chance(1, 4);
    if rng.chance(1, 20) {
        plan.inputs.reverse();
    }
    Some(plan)
}

#[test]
fn no_plan_that_passes_loses_or_reorders_data() {
    let (mut done, mut refused, mut moved, mut in_place) = (0, 0, 0, 0);
    for seed in 0..60 {
        println!("seed {seed}");
        let context = Context { memtable_bytes: 2000, table_bytes: 1000, ..Context::default() };
        let mut sim = Sim::new(Arc::new(Leveled::new(4)), context, seed);
        let mut rng = Rng::new(seed ^ 0x5eed);
        for _ in 0..60 {
            let from = rng.below(150) as u32;
            let width = 1 + rng.below(200 - u64::from(from));
            let writes: Vec<_> =
                (0..20).map(|_| (from + rng.below(width) as u32, rng.chance(20, 100))).collect();
            let sweeps: Vec<_> = (0..rng.below(2)).map(|_| (from, from + 3)).collect();
            sim.flush(&writes, &sweeps);
            for _ in 0..20 {
                let Some(plan) = anything(&sim.tree, &mut rng) else { continue };
                let passes = plan.check(&sim.tree, &sim.context).is_ok();
                match if passes { sim.busy.claim(&plan) } else { None } {
                    Some(ticket) => {
                        done += 1;
                        moved += u32::from(plan.kind == PlanKind::Move);
                        in_place += u32::from(
                            plan.inputs.iter().any(|input| input.place() == plan.output()),
                        );
                        sim.running.push((ticket, plan));
                    }
                    None => refused += 1,
                }
                if sim.rng.chance(1, 3) && sim.end() {
                    sim.check_order();
                    sim.check_model();
                }
            }
        }
        while sim.end() {}
        sim.check_order();
        sim.check_model();
        sim.settle();
        sim.check_order();
        sim.check_model();
    }
    println!(
        "{done} plans done ({moved} moves, {in_place} into a run of theirs), {refused} refused"
    );
    assert!(done > 1000 && refused > 1000 && moved > 50);
}
