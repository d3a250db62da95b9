//! The owner's list: each path that the engine was asked for, as a test of its name. What happens
//! inside is told by the operations on the simulated disk; `speed.rs` has the measured ones.

use std::time::Duration;

use lsm_core::api::batch::Batch;
use lsm_core::api::db::Db;
use lsm_core::base::error::ErrorKind;
use lsm_core::env::sim::faults::{Effect, Fault};
use lsm_core::env::sim::op::{Op, OpKind};
use lsm_core::env::sim::world::SimWorld;
use lsm_core::options::database::Options;
use lsm_core::options::durability::{Durability, IfMissing};
use lsm_core::options::keyspace::{KeyspaceOptions, Strategy};
use lsm_core::options::memory::MemtableKind;
use lsm_core::options::write::WriteOptions;

use crate::harness::disk::PATH;
use crate::harness::engine::stage::{Stage, options, quiet};
use crate::harness::engine::subject::kill;

fn is_on(op: &Op, end: &str) -> bool {
    op.path.to_string_lossy().ends_with(end)
}

fn count(trace: &[Op], kind: OpKind, end: &str) -> usize {
    trace.iter().filter(|op| op.kind == kind && is_on(op, end)).count()
}

fn value(db: &Db, key: &str) -> Option<String> {
    db.get(key).unwrap().map(|value| String::from_utf8(value.to_vec()).unwrap())
}

#[test]
fn a_put_goes_to_the_log_and_then_to_memory() {
    let stage = Stage::new(quiet());
    stage.db().put("first", "makes a segment").unwrap();
    let trace = stage.trace(|db| drop(db.put("k", "v").unwrap()));
    assert_eq!(count(&trace, OpKind::Write, ".wal"), 1, "{trace:?}");
    assert_eq!(trace.iter().filter(|op| op.kind.is_change()).count(), 1, "and nothing else");
    assert_eq!(value(stage.db(), "k").as_deref(), Some("v"));

    // What the log does not take, memory does not get.
    stage.disk.inject(Fault::new(&[OpKind::Write], ".wal$", Effect::Error(libc::EIO)));
    stage.db().put("k", "w").unwrap_err();
    assert_eq!(value(stage.db(), "k").as_deref(), Some("v"));
}

#[test]
fn memory_is_flushed_at_its_threshold() {
    for kind in [MemtableKind::Tree, MemtableKind::SkipList] {
        let threshold = 64 << 10;
        let stage = Stage::new(options().memtable_bytes(threshold).memtable(kind));
        let mut written = 0;
        while stage.tables().is_empty() {
            let key = format!("key{written:08}");
            stage.db().put(key, [1; 100]).unwrap();
            stage.world.scheduler.run_until_idle();
            written += 111;
            assert!(written < 4 * threshold, "{kind:?}: nothing is flushed at {written} bytes");
        }
        assert!(written > threshold / 4, "{kind:?}: flushed at {written} bytes already");
        stage.db().verify().unwrap();
    }
}

#[test]
fn writes_are_seen_while_memory_waits_for_its_flush() {
    let stage = Stage::new(options().memtable_bytes(16 << 10).log_segment_bytes_max(1 << 20));
    let keys: Vec<String> = (0..300).map(|at| format!("key{at:04}")).collect();
    keys.iter().for_each(|key| drop(stage.db().put(key, [7; 100]).unwrap()));
    let all_there = |when: &str| {
        for key in &keys {
            assert_eq!(stage.db().get(key).unwrap().as_deref(), Some(&[7; 100][..]), "{when}");
        }
        assert_eq!(stage.db().count(..).unwrap(), keys.len() as u64, "{when}");
    };
    all_there("before the background has run");
    while stage.world.scheduler.run_one() {
        all_there("while it runs");
    }
    assert!(!stage.tables().is_empty(), "something was flushed");
    all_there("after it has run");
}

/// So many keys that a table has many blocks.
fn fill(db: &Db, keys: usize) {
    for at in 0..keys {
        db.put(format!("key{at:06}"), format!("value {at}").repeat(4)).unwrap();
    }
}

#[test]
fn a_get_goes_through_memory_filter_index_and_one_block() {
    let stage = Stage::new(quiet());
    fill(stage.db(), 5000);
    stage.db().flush().unwrap();
    stage.db().compact(..).unwrap();
    stage.db().put("key000001", "in memory").unwrap();
    let disk = stage.kill();
    let stage = Stage::on(disk, quiet());
    let reads = |key: &str| {
        let mut found = None;
        let trace = stage.trace(|db| found = value(db, key));
        (found, count(&trace, OpKind::Read, ".sst"))
    };
    // Memory answers first.
    assert_eq!(reads("key000001"), (Some("in memory".to_owned()), 0));
    // The first get of a table may have to read filter, index and the block.
    let (found, cold) = reads("key002500");
    assert!(found.unwrap().starts_with("value 2500"));
    assert!((1..=6).contains(&cold), "{cold} reads");
    // Its neighbour is in the same block, which is there now.
    assert_eq!(reads("key002501").1, 0);
    // Another part of the table costs one block at most, once filter and index are there.
    let (mut sum, mut worst) = (0, 0);
    for at in (0..5000).step_by(250) {
        let (found, cost) = reads(&format!("key{at:06}"));
        assert!(found.is_some());
        (sum, worst) = (sum + cost, worst.max(cost));
    }
    assert!(worst <= 4 && sum <= 20 * 3, "at most {worst} reads, {sum} for 20 gets");
    // The filter keeps a get of what is not there from reading blocks.
    let missing: usize = (0..500).map(|at| reads(&format!("key{:06}x", at * 10)).1).sum();
    assert!(missing <= 50, "{missing} reads for 500 keys that are not there");
    for at in (0..5000).step_by(250) {
        assert_eq!(reads(&format!("key{at:06}")).1, 0, "resident");
    }
}

#[test]
fn the_newest_table_answers_first() {
    let stage = Stage::new(quiet());
    for round in 0..6 {
        stage.db().put("k", format!("round {round}")).unwrap();
        stage.db().put(format!("other{round}"), "x").unwrap();
        if round < 5 {
            stage.db().flush().unwrap();
        }
        assert_eq!(value(stage.db(), "k"), Some(format!("round {round}")));
    }
}

#[test]
fn a_tombstone_hides_older_values_wherever_they_are() {
    let stage = Stage::new(quiet());
    let db = stage.db();
    let is_hidden = |when: &str| {
        assert_eq!(value(db, "k"), None, "{when}");
        assert_eq!(value(db, "r2"), None, "{when}");
        let left: Vec<_> = db.iter().keys().map(|key| key.unwrap().to_vec()).collect();
        assert_eq!(left, [b"j".to_vec(), b"r4".to_vec()], "{when}");
    };
    ["j", "k", "r1", "r2", "r4"].iter().for_each(|key| drop(db.put(key, "old").unwrap()));
    db.flush().unwrap();
    db.delete("k").unwrap();
    db.delete_range("r1".."r4").unwrap();
    is_hidden("in memory");
    db.flush().unwrap();
    is_hidden("in a newer table");
    db.compact(..).unwrap();
    is_hidden("after the merge");
}

#[test]
fn deleted_keys_and_old_values_are_purged_by_a_merge() {
    let stage = Stage::new(quiet());
    let db = stage.db();
    for round in 0..4 {
        (0..1000).for_each(|at| {
            drop(db.put(format!("key{at:04}"), [round; 200]).unwrap());
        });
        db.flush().unwrap();
    }
    let before = db.approximate_bytes(..).unwrap();
    db.compact(..).unwrap();
    let merged = db.approximate_bytes(..).unwrap();
    assert!(merged * 2 < before || before < 100_000, "{before} bytes became {merged}");
    assert_eq!(db.approximate_len().unwrap(), 1000);
    (0..1000).for_each(|at| drop(db.delete(format!("key{at:04}")).unwrap()));
    db.flush().unwrap();
    db.compact(..).unwrap();
    assert_eq!(db.approximate_len().unwrap(), 0);
    stage.idle();
    assert_eq!(stage.tables().len(), 0, "a table of nothing is no table");
}

#[test]
fn old_files_are_removed_only_after_a_successful_merge() {
    let stage = Stage::new(quiet());
    for round in 0..3 {
        (0..200).for_each(|at| drop(stage.db().put(format!("k{at}"), [round; 50]).unwrap()));
        stage.db().flush().unwrap();
    }
    let old = stage.tables();
    let all_there = || {
        let pairs: Vec<_> = stage.db().iter().map(|pair| pair.unwrap().1).collect();
        pairs.len() == 200 && pairs.iter().all(|value| value[..] == [2; 50])
    };
    // A merge that fails takes nothing away.
    stage.disk.inject(Fault::new(&[OpKind::Write], ".sst$", Effect::Error(libc::EIO)).sticky());
    stage.db().compact(..).unwrap_err();
    let left = stage.tables();
    assert!(old.iter().all(|name| left.contains(name)), "{old:?} became {left:?}");
    assert!(all_there());
    stage.disk.heal();
    if stage.db().fault().is_some() {
        stage.db().resume().unwrap();
    }
    // One that works writes and syncs the new table, then the manifest, and only then unlinks.
    stage.world.clock.advance(Duration::from_secs(120));
    let trace = stage.trace(|db| {
        db.compact(..).unwrap();
        stage.idle();
    });
    let place = |kind: &dyn Fn(OpKind) -> bool, end: &str| -> Vec<usize> {
        let is_it = |op: &Op| kind(op.kind) && is_on(op, end);
        trace.iter().enumerate().filter(|(_, op)| is_it(op)).map(|(at, _)| at).collect()
    };
    let written = place(&|kind| kind == OpKind::Write, ".sst");
    let synced = place(&OpKind::is_sync, ".sst");
    let listed = place(&OpKind::is_sync, ".manifest");
    let unlinks = trace
        .iter()
        .enumerate()
        .filter(|(_, op)| op.kind == OpKind::Unlink && old.iter().any(|name| is_on(op, name)));
    let unlinked: Vec<usize> = unlinks.map(|(at, _)| at).collect();
    assert_eq!(unlinked.len(), old.len(), "{trace:?}");
    let told = listed.iter().find(|at| *at > synced.last().unwrap()).unwrap();
    assert!(written.last() < synced.last() && unlinked.iter().all(|at| at > told), "{trace:?}");
    assert!(all_there());
}

#[test]
fn recovery_loads_the_tables_and_replays_the_log() {
    let stage = Stage::new(quiet());
    (0..100).for_each(|at| drop(stage.db().put(format!("table{at}"), "t").unwrap()));
    stage.db().flush().unwrap();
    (0..100).for_each(|at| drop(stage.db().put(format!("log{at}"), "l").unwrap()));
    let disk = stage.kill();
    let stage = Stage::on(disk, quiet());
    let report = stage.db().open_report();
    assert!(!report.was_clean && report.batches == 100, "{report:?}");
    assert_eq!(stage.db().prefix("table").count_keys().unwrap(), 100);
    assert_eq!(stage.db().prefix("log").count_keys().unwrap(), 100);
}

#[test]
fn durability_is_traded_for_speed_by_a_word() {
    let stage = Stage::new(quiet());
    let cost = |durability| {
        let options = WriteOptions::new().durability(durability);
        let trace = stage.trace(|db| {
            (0..50).for_each(|at| drop(db.put_with(format!("{at}"), "v", &options).unwrap()));
        });
        let syncs = trace.iter().filter(|op| op.kind.is_sync() && is_on(op, ".wal")).count();
        (syncs, count(&trace, OpKind::Write, ".wal"))
    };
    cost(Durability::Durable);
    assert_eq!(cost(Durability::Durable), (50, 50));
    assert_eq!(cost(Durability::Buffered), (0, 50));
    assert_eq!(cost(Durability::Volatile), (0, 0));
}

#[test]
fn ranges_are_read_in_order_from_both_ends() {
    let stage = Stage::new(quiet());
    let db = stage.db();
    ["b", "d", "a", "c", "e"].iter().for_each(|key| drop(db.put(key, key).unwrap()));
    let keys = |range: lsm_core::api::range::Range| -> String {
        range.keys().map(|key| key.unwrap()[0] as char).collect()
    };
    assert_eq!(keys(db.range("b".."d")), "bc");
    assert_eq!(keys(db.range("b"..="d")), "bcd");
    assert_eq!(keys(db.range("d"..)), "de");
    assert_eq!(keys(db.range(..)), "abcde");
    assert_eq!(keys(db.range("d".."b")), "");
    let mut both = db.iter().keys();
    let ends = [both.next(), both.next_back(), both.next_back()];
    let ends: String = ends.into_iter().map(|key| key.unwrap().unwrap()[0] as char).collect();
    assert_eq!(ends, "aed");
}

#[test]
fn a_batch_happens_as_one() {
    let stage = Stage::new(quiet());
    let other = stage.db().keyspace("other").unwrap();
    let mut batch = Batch::new();
    batch.put(stage.db(), "a", "1").put(&other, "b", "2").delete(stage.db(), "a");
    stage.disk.inject(Fault::new(&[OpKind::Write], ".wal$", Effect::Error(libc::EIO)));
    stage.db().write(&batch).unwrap_err();
    assert!(other.first().unwrap().is_none() && stage.db().first().unwrap().is_none());
    stage.db().delete("z").unwrap();
    let trace = stage.trace(|db| drop(db.write(&batch).unwrap()));
    assert_eq!(count(&trace, OpKind::Write, ".wal"), 1, "one record holds it whole: {trace:?}");
    assert_eq!(value(stage.db(), "a"), None);
    assert_eq!(other.get("b").unwrap().as_deref(), Some(&b"2"[..]));
}

#[test]
fn errors_have_a_type_that_says_what_to_do() {
    let stage = Stage::new(quiet());
    let db = stage.db();
    let too_long = db.put(vec![0; 65_536], "v").unwrap_err();
    assert_eq!(too_long.kind(), ErrorKind::TooLarge);
    let again = Db::builder(PATH).env(stage.world.env()).open().unwrap_err();
    assert_eq!((again.kind(), again.is_retryable()), (ErrorKind::Locked, true));
    let wrong = Options::new().background_threads(0);
    let wrong = Db::builder("/elsewhere").options(wrong).env(stage.world.env()).open().unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::InvalidArgument);
    let missing = Options::new().if_missing(IfMissing::Fail);
    let missing = Db::builder("/data/none").options(missing).env(stage.world.env()).open();
    missing.unwrap_err();
    let clone = db.clone();
    clone.close().unwrap();
    assert_eq!(db.get("k").unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(db.put("k", "v").unwrap_err().kind(), ErrorKind::Closed);
}

#[test]
fn a_damaged_table_is_told_with_file_and_byte() {
    let stage = Stage::new(quiet());
    fill(stage.db(), 2000);
    stage.db().flush().unwrap();
    let disk = stage.kill();
    let table = disk.paths().into_iter().find(|path| is_named(path, ".sst")).unwrap();
    let table = table.to_str().unwrap();
    for at in (0..disk.contents(table).unwrap().len() as u64).step_by(997) {
        let copy = disk.process_crash();
        copy.rot(table, at, 0x10).unwrap();
        let world = SimWorld::from_disk(copy, 5);
        let opened = Db::builder(PATH).options(quiet()).env(world.env()).open();
        let seen = opened.and_then(|db| {
            let seen = db.iter().try_for_each(|pair| pair.map(drop)).and_then(|()| db.verify());
            kill(&world, db);
            seen
        });
        let error = seen.expect_err("damage that nobody sees");
        assert_eq!(error.kind(), ErrorKind::Corruption, "byte {at}: {error:?}");
        assert!(error.path().is_some_and(|path| is_named(path, ".sst")), "byte {at}: {error:?}");
        assert!(error.offset().is_some(), "byte {at}: {error:?}");
    }
}

fn is_named(path: &std::path::Path, end: &str) -> bool {
    path.to_string_lossy().ends_with(end)
}

#[test]
fn each_keyspace_chooses_its_strategy() {
    let stage = Stage::new(options().memtable_bytes(32 << 10));
    let strategies = [
        Strategy::Leveled { ratio: 4 },
        Strategy::Tiered { runs_max: 3 },
        Strategy::Lazy { runs_max: 4 },
        Strategy::Fifo { bytes_max: 64 << 10, age_max_millis: 0 },
    ];
    let chosen = |strategy| KeyspaceOptions::new().strategy(strategy);
    let name = |strategy: &Strategy| format!("{strategy:?}").chars().take(4).collect::<String>();
    for strategy in &strategies {
        let keyspace = stage.db().keyspace_with(&name(strategy), chosen(strategy.clone())).unwrap();
        for at in 0..4000u32 {
            let noise = u64::from(at).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
            keyspace.put(format!("{:05}", at * 7 % 4000), noise.repeat(10)).unwrap();
        }
        stage.db().flush().unwrap();
        stage.idle();
    }
    for strategy in &strategies {
        let keyspace = stage.db().keyspace(&name(strategy)).unwrap();
        assert_eq!(keyspace.options().get_strategy(), strategy);
        let count = keyspace.count(..).unwrap();
        match strategy {
            Strategy::Fifo { bytes_max, .. } => {
                let bytes = keyspace.approximate_bytes(..).unwrap();
                assert!(count < 4000 && bytes < 2 * bytes_max, "{count} keys, {bytes} bytes");
                assert!(keyspace.contains_key(format!("{:05}", 3999 * 7 % 4000)).unwrap());
            }
            _ => assert_eq!(count, 4000, "{strategy:?}"),
        }
    }
    let refused = stage.db().keyspace_with("Leve", chosen(strategies[1].clone())).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidArgument, "{refused:?}");
}

#[test]
fn levels_are_merged_in_the_background() {
    let stage = Stage::new(options().memtable_bytes(16 << 10));
    for at in 0..6000u64 {
        let noise = at.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        stage.db().put(format!("{:05}", noise % 3000), noise.to_le_bytes().repeat(12)).unwrap();
        if at % 50 == 0 {
            stage.world.scheduler.run_until_idle();
        }
    }
    stage.idle();
    // Some fifty memtables were flushed.
    let tables = stage.tables().len();
    assert!(tables <= 20, "{tables} tables are left");
    let bytes: u64 = stage.db().approximate_bytes(..).unwrap();
    assert!(bytes < 3 * 3000 * 110, "{bytes} bytes");
    stage.db().verify().unwrap();
}
