//! Quiet times: merges that only make reads faster wait until nobody writes.

use std::time::Duration;

use lsm_core::{Keyspace, KeyspaceOptions, Strategy};

use crate::harness::engine::stage::{Stage, options};

/// So many runs read well.
const FEW: u64 = 3;

/// A lazy keyspace that was written to for a while, on its stage.
fn written() -> (Stage, Keyspace) {
    let stage = Stage::new(options().memtable_bytes(16 << 10).sync_interval(None));
    let lazy = KeyspaceOptions::new().strategy(Strategy::Lazy { runs_max: 8 });
    let records = stage.db().keyspace_with("records", lazy).unwrap();
    for at in 0..9000_u64 {
        let noise = at.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        records.put(format!("{:05}", at * 7 % 3000), noise.to_le_bytes().repeat(12)).unwrap();
        if at % 50 == 0 {
            stage.world.scheduler.run_until_idle();
        }
    }
    stage.db().wait_idle().unwrap();
    let few = runs(&stage);
    assert!(few <= FEW, "{few} runs");
    for at in 0..200_u64 {
        records.put(format!("{at:05}"), "again").unwrap();
        if at % 100 == 99 {
            stage.db().flush().unwrap();
            stage.world.scheduler.run_until_idle();
        }
    }
    assert_eq!(runs(&stage), few + 2, "too few for a merge while somebody writes");
    (stage, records)
}

fn runs(stage: &Stage) -> u64 {
    stage.db().stats().keyspace("records").unwrap().runs
}

fn let_pass(stage: &Stage, seconds: u64) {
    stage.world.clock.advance(Duration::from_secs(seconds));
    stage.world.scheduler.run_until_idle();
}

#[test]
fn what_is_left_for_quiet_times_is_done_once_nobody_has_written_for_a_while() {
    let (stage, records) = written();
    let before = runs(&stage);
    let_pass(&stage, 25);
    assert_eq!(runs(&stage), before, "somebody may go on writing");
    let_pass(&stage, 10);
    let after = runs(&stage);
    assert!(after < before && after <= FEW, "{after} runs");
    assert_eq!(records.count(..).unwrap(), 3000);
    let later = stage.trace(|_| let_pass(&stage, 100));
    assert!(later.is_empty(), "{later:?}");
    stage.db().verify().unwrap();
}

#[test]
fn who_waits_until_nothing_is_left_to_do_need_not_wait_for_that() {
    let (stage, _) = written();
    let before = runs(&stage);
    stage.db().wait_idle().unwrap();
    assert!(runs(&stage) < before);
}

#[test]
fn a_leveled_tree_becomes_one_run_unless_little_stands_above_much() {
    let stage = Stage::new(options().memtable_bytes(64 << 10).sync_interval(None));
    let records = stage.db().keyspace("records").unwrap();
    let write = |count: u64, value: &str| {
        for at in 0..count {
            records.put(format!("{:05}", at * 7 % 3000), value.repeat(12)).unwrap();
        }
        stage.db().flush().unwrap();
        stage.world.scheduler.run_until_idle();
    };
    write(3000, "first");
    write(900, "second");
    let before = runs(&stage);
    assert!(before > 1, "{before}");
    let_pass(&stage, 35);
    assert_eq!(runs(&stage), 1);
    write(20, "third");
    let_pass(&stage, 100);
    assert_eq!(runs(&stage), 2, "so little is not worth a merge with everything");
    let later = stage.trace(|_| let_pass(&stage, 100));
    assert!(later.is_empty(), "{later:?}");
    assert_eq!(records.count(..).unwrap(), 3000);
    stage.db().verify().unwrap();
}
