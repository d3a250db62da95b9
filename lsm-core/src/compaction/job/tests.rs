//! Compactions over a simulated disk: every reader finds what it found, and what fails leaves
//! nothing behind.

use std::sync::Arc;

use crate::base::compress::Codec;
use crate::base::error::ErrorKind;
use crate::compaction::leveled::Leveled;
use crate::compaction::place::Place;
use crate::compaction::plan::{Input, Plan, PlanKind};
use crate::compaction::strategy::Strategy;
use crate::compaction::tiered::Tiered;
use crate::env::sim::faults::{Effect, Fault};
use crate::env::sim::op::OpKind;
use crate::env::sim::rng::Rng;
use crate::key::keyspace::KeyspaceId;
use crate::key::seqno::SeqNo;
use crate::options::keyspace::{Compression, KeyspaceOptions};
use crate::output::table_options;
use crate::output::testing::Mini;
use crate::version::edit::Edit;

fn live(mini: &mut Mini, rng: &mut Rng, strategy: &dyn Strategy, rounds: u32) {
    for _ in 0..rounds {
        mini.context.now_millis += rng.below(4);
        mini.context.expired_millis = mini.context.now_millis;
        if rng.chance(1, 6) {
            mini.snapshots.push(mini.latest());
        }
        if rng.chance(1, 5) && !mini.snapshots.is_empty() {
            let at = rng.below(mini.snapshots.len() as u64) as usize;
            mini.snapshots.remove(at);
        }
        mini.snapshots.dedup();
        mini.context.oldest_snapshot = mini.snapshots.first().copied();
        let writes = mini.writes(rng, 60, 300);
        mini.flush(writes);
        for _ in 0..rng.below(4) {
            if let Some(plan) = mini.pick(strategy) {
                mini.perform(&plan, rng);
            }
        }
        mini.check_readers();
    }
}

#[test]
fn readers_at_every_snapshot_find_what_was_written() {
    for seed in 0..12 {
        println!("seed {seed}");
        let strategy: Box<dyn Strategy> =
            if seed % 2 == 0 { Box::new(Leveled::new(3)) } else { Box::new(Tiered::new(3)) };
        let mut rng = Rng::new(seed);
        let mut mini = Mini::new();
        live(&mut mini, &mut rng, strategy.as_ref(), 40);
        mini.snapshots.clear();
        mini.context.oldest_snapshot = None;
        while let Some(plan) = mini.pick(strategy.as_ref()) {
            mini.perform(&plan, &mut rng);
        }
        mini.check_readers();
        assert_eq!(mini.files().len(), mini.version.files().count(), "no file is left over");
    }
}

/// A few overlapping tables of two keyspaces, and the plan that merges all of the first one.
fn prepared(seed: u64) -> (Mini, Plan) {
    let mut rng = Rng::new(seed);
    let mut mini = Mini::new();
    mini.snapshots = vec![SeqNo::new(100).unwrap(), SeqNo::new(300).unwrap()];
    for _ in 0..4 {
        let writes = mini.writes(&mut rng, 150, 250);
        mini.flush(writes);
    }
    let plan = whole(&mini);
    (mini, plan)
}

fn whole(mini: &Mini) -> Plan {
    let tree = mini.version.tree(KeyspaceId::DEFAULT).unwrap();
    let inputs = tree.runs.iter().map(Input::whole).collect();
    let place = Place { level: 6, run: 0 };
    let plan = Plan::new(tree, PlanKind::Merge, inputs, place).with_tables_of(2000);
    plan.check(tree, &mini.context).unwrap();
    plan
}

fn run(mini: &Mini, plan: &Plan) -> crate::base::error::Result<Vec<Edit>> {
    let mut merging = mini.merging(plan);
    loop {
        match merging.step() {
            Ok(true) => return Ok(merging.edits()),
            Ok(false) => {}
            Err(error) => {
                assert!(merging.step().is_err() && merging.edits().is_empty());
                return Err(error);
            }
        }
    }
}

#[test]
fn every_fault_is_an_error_that_leaves_nothing() {
    let effects = [
        (OpKind::Create, Effect::Error(libc::ENOSPC)),
        (OpKind::Open, Effect::Error(libc::EIO)),
        (OpKind::Write, Effect::Error(libc::EIO)),
        (OpKind::SyncData, Effect::Error(libc::EIO)),
        (OpKind::SyncData, Effect::SyncFails { drops_cache: false }),
        (OpKind::Read, Effect::Error(libc::EIO)),
    ];
    for (kind, effect) in effects {
        let mut strikes = 0;
        for nth in 1..10_000 {
            let (mut mini, plan) = prepared(3);
            let before = mini.files();
            mini.disk.inject(Fault::new(&[kind], ".sst$", effect.clone()).at(nth));
            let result = run(&mini, &plan);
            let struck = mini.disk.fault_strikes().iter().any(|(_, times)| *times > 0);
            assert_eq!(result.is_err(), struck, "{kind:?} {nth}");
            mini.disk.heal();
            if !struck {
                break;
            }
            strikes += 1;
            assert_eq!(mini.files(), before, "{kind:?} {nth}");
            if nth % 7 == 1 {
                mini.perform(&plan, &mut Rng::new(1));
                mini.check_readers();
            }
        }
        println!("{kind:?}: {strikes} places");
        assert!(strikes > 3, "{kind:?} hardly happens");
    }
}

#[test]
fn what_the_disk_did_not_keep_is_found_before_the_inputs_go() {
    let effects = [
        Effect::LostWrite,
        Effect::Misdirected { file: String::new(), shift: 512 },
        Effect::BitRot { offset: 300, mask: 4 },
    ];
    for effect in effects {
        for nth in 1..10_000 {
            let (mini, plan) = prepared(4);
            let before = mini.files();
            mini.disk.inject(Fault::new(&[OpKind::SyncData], ".sst$", effect.clone()).at(nth));
            let is_write = !matches!(effect, Effect::BitRot { .. });
            if is_write {
                mini.disk.heal();
                mini.disk.inject(Fault::new(&[OpKind::Write], ".sst$", effect.clone()).at(nth));
            }
            let result = run(&mini, &plan);
            let struck = mini.disk.fault_strikes().iter().any(|(_, times)| *times > 0);
            mini.disk.heal();
            if !struck {
                assert!(nth > 3);
                break;
            }
            assert!(result.is_err(), "{effect:?} {nth}");
            assert_eq!(mini.files(), before);
        }
    }
}

#[test]
fn a_job_that_is_given_up_at_any_step_leaves_nothing() {
    for steps in 0..10_000 {
        let (mut mini, plan) = prepared(5);
        mini.parts = 4;
        let before = mini.files();
        let mut merging = mini.merging(&plan);
        let mut helper = None;
        let mut is_done = false;
        for step in 0..steps {
            if step == 2 {
                helper = merging.parts().take();
            }
            if step % 2 == 0 {
                helper = helper
                    .filter(|_| true)
                    .and_then(|mut helper| (!helper.step()).then_some(helper));
            }
            is_done = merging.step().unwrap();
            if is_done {
                break;
            }
        }
        merging.discard();
        if let Some(mut helper) = helper {
            if steps % 2 == 0 {
                assert!(helper.step(), "it hears that all is over");
            }
            drop(helper);
        }
        assert_eq!(mini.files(), before);
        assert!(merging.step().is_err());
        if is_done {
            assert!(steps > 10);
            break;
        }
    }
}

#[test]
fn a_helper_that_disappears_fails_the_job() {
    let (mut mini, _) = prepared(6);
    mini.snapshots.clear();
    let plan = whole(&mini);
    mini.perform(&plan, &mut Rng::new(2));
    let writes = mini.writes(&mut Rng::new(3), 200, 250);
    mini.flush(writes);
    let plan = whole(&mini);
    let before = mini.files();
    let mut merging = mini.merging(&plan);
    let mut helper = None;
    let mut result = Ok(false);
    for _ in 0..10_000 {
        if helper.is_none() {
            helper = merging.parts().take();
        } else if merging.is_waiting() {
            helper = None;
        }
        result = merging.step();
        if !matches!(result, Ok(false)) {
            break;
        }
    }
    assert!(result.is_err());
    assert_eq!(mini.files(), before);
}

#[test]
fn many_cuts_and_helpers_give_the_same_as_one_part() {
    for seed in 0..10 {
        let mut results = Vec::new();
        for parts in [1, 2, 7] {
            let (mut mini, plan) = prepared(seed);
            mini.parts = parts;
            mini.snapshots.clear();
            mini.perform(&plan, &mut Rng::new(seed));
            let writes = mini.writes(&mut Rng::new(seed), 200, 250);
            mini.flush(writes);
            let plan = whole(&mini);
            mini.perform(&plan, &mut Rng::new(seed));
            mini.check_readers();
            let mut stored = mini.stored();
            stored.retain(|write| write.end.is_empty());
            results.push(stored);
        }
        assert!(results.iter().all(|result| *result == results[0]), "seed {seed}");
    }
}

#[test]
fn tables_of_about_the_size_that_was_asked_for() {
    let (mut mini, plan) = prepared(7);
    mini.snapshots.clear();
    mini.parts = 1;
    let edits = run(&mini, &plan).unwrap();
    let sizes = edits.iter().filter_map(|edit| match edit {
        Edit::TableAdded { meta, .. } => Some(meta.bytes),
        _ => None,
    });
    let sizes: Vec<u64> = sizes.collect();
    assert!(sizes.len() > 2, "{sizes:?}");
    assert!(sizes.iter().all(|size| *size < 9000), "{sizes:?}");
    mini.install(&edits);
    mini.check_readers();
}

#[test]
fn moves_and_drops_are_edits_and_nothing_else() {
    let (mut mini, _) = prepared(8);
    mini.context.may_drop = true;
    let tree = Arc::clone(mini.version.tree(KeyspaceId::DEFAULT).unwrap());
    let inputs = vec![Input::whole(tree.runs.last().unwrap())];
    let before = mini.files();
    for (kind, to) in [(PlanKind::Move, 5), (PlanKind::Drop, 0)] {
        let plan = Plan::new(&tree, kind, inputs.clone(), Place { level: to, run: 3 });
        plan.check(&tree, &mini.context).unwrap();
        let edits = run(&mini, &plan).unwrap();
        assert_eq!(edits.len(), 1);
        let is_it = match edits[0] {
            Edit::SliceMoved { level, run, .. } => kind == PlanKind::Move && (level, run) == (5, 3),
            Edit::SliceRemoved { .. } => kind == PlanKind::Drop,
            _ => false,
        };
        assert!(is_it, "{edits:?}");
    }
    assert_eq!(mini.files(), before);
    let plan = Plan::new(&tree, PlanKind::Move, inputs, Place { level: 5, run: 3 });
    mini.perform(&plan, &mut Rng::new(1));
    mini.check_readers();
    let moved = mini.version.tree(KeyspaceId::DEFAULT).unwrap();
    assert_eq!(moved.runs.last().map(Place::of), Some(Place { level: 5, run: 3 }));
}

#[test]
fn tables_that_lack_entries_fail_the_merge() {
    let (mini, mut plan) = prepared(9);
    let slice = &mut plan.inputs[0].slices[0];
    let mut wrong = (**slice).clone();
    wrong.meta.entries += 1;
    *slice = Arc::new(wrong);
    let before = mini.files();
    let error = run(&mini, &plan).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corruption);
    assert_eq!(mini.files(), before);
}

#[test]
fn what_is_above_the_bottom_is_packed_quickly_and_has_better_filters() {
    let options = KeyspaceOptions::default();
    let codec = |compression, is_bottom| {
        table_options(&options.clone().compression(compression), is_bottom).codec
    };
    let zstd = Compression::Zstd { level: 9 };
    assert_eq!([codec(zstd, true), codec(zstd, false)], [Codec::Zstd, Codec::Lz4]);
    assert_eq!([codec(Compression::Lz4, true), codec(Compression::Lz4, false)], [Codec::Lz4; 2]);
    assert_eq!([codec(Compression::None, true), codec(Compression::None, false)], [Codec::None; 2]);
    let (bottom, upper) = (table_options(&options, true), table_options(&options, false));
    assert!(upper.filter_bits > bottom.filter_bits);
    let none = options.clone().filter_bits_per_key(0);
    assert_eq!(table_options(&none, false).filter_bits, 0);
    let most = options.filter_bits_per_key(32);
    assert_eq!(table_options(&most, false).filter_bits, 32);
}
