//! The doctor, asked about real databases: what is brought about is found, and nothing else.

use std::time::Duration;

use lsm_core::env::sim::crash::CrashPolicy;
use lsm_core::env::sim::faults::{Effect, Fault};
use lsm_core::env::sim::op::OpKind;
use lsm_core::{Db, Diagnosis, Durability, ErrorKind, KeyspaceOptions, ReadOptions, Severity};

use crate::harness::engine::stage::{Stage, options, quiet};

fn key(at: u32) -> String {
    format!("{at:06}")
}

fn fill(db: &Db, keys: u32) {
    (0..keys).for_each(|at| drop(db.put(key(at), [7; 100]).unwrap()));
}

fn doctor(stage: &Stage) -> Diagnosis {
    stage.db().doctor().unwrap()
}

/// The names of what is found, and of the options that cause it.
fn found(stage: &Stage) -> Vec<(&'static str, Option<&'static str>)> {
    doctor(stage).findings.iter().map(|it| (it.name, it.option)).collect()
}

#[test]
fn a_database_that_is_at_work_and_well_is_said_to_be_well() {
    let stage = Stage::new(options());
    assert!(doctor(&stage).is_healthy());
    fill(stage.db(), 3000);
    stage.db().flush().unwrap();
    assert!((0..3000).all(|at| stage.db().contains_key(key(at)).unwrap()));
    stage.idle();
    let diagnosis = doctor(&stage);
    assert!(diagnosis.is_healthy(), "{diagnosis}");
    assert!(diagnosis.to_string().starts_with("healthy"));
}

#[test]
fn a_database_that_is_closed_is_not_asked() {
    let stage = Stage::new(options());
    let db = stage.db().clone();
    db.clone().close().unwrap();
    assert_eq!(db.doctor().unwrap_err().kind(), ErrorKind::Closed);
}

#[test]
fn what_was_chosen_for_an_opening_is_told() {
    let stage = Stage::new(options().durability(Durability::Volatile));
    assert_eq!(found(&stage), [("volatile", Some("durability"))]);
    stage.db().clone().close().unwrap();
    let stage = Stage::on(stage.disk.clone(), options().read_only(true));
    assert_eq!(found(&stage), [("read_only", Some("read_only"))]);
}

#[test]
fn a_log_that_nobody_syncs_is_told_until_somebody_does() {
    let stage = Stage::new(options().sync_interval(None));
    fill(stage.db(), 1500);
    assert_eq!(found(&stage), [("log_not_synced", Some("sync_interval"))]);
    stage.db().sync().unwrap();
    assert!(doctor(&stage).is_healthy());
}

#[test]
fn bytes_that_a_power_cut_tore_are_told_after_the_opening() {
    let (mut torn, mut told) = (0, Vec::new());
    for (policy, seed) in CrashPolicy::ALL.into_iter().flat_map(|it| (0..8).map(move |at| (it, at)))
    {
        let stage = Stage::new(quiet());
        fill(stage.db(), 3);
        stage.db().sync().unwrap();
        (0..20).for_each(|at| drop(stage.db().put(key(at), [7; 400]).unwrap()));
        let disk = stage.disk.crash(policy, seed);
        let stage = Stage::on(disk, quiet());
        let is_torn = stage.db().open_report().dropped_bytes > 0;
        let wanted: &[_] = &[("recovery_lost_bytes", Some("durability"))];
        assert_eq!(found(&stage), if is_torn { wanted } else { &[] });
        told.push((policy, seed, stage.db().open_report().clone()));
        torn += u32::from(is_torn);
    }
    assert!(torn > 0, "no write was torn: {told:?}");
}

#[test]
fn a_sync_that_failed_is_told_until_the_database_is_resumed() {
    let stage = Stage::new(quiet());
    stage.db().put("a", "1").unwrap();
    let fails = Effect::SyncFails { drops_cache: false };
    stage.disk.inject(Fault::new(&[OpKind::SyncData], "", fails));
    stage.db().sync().unwrap_err();
    let diagnosis = doctor(&stage);
    let finding = diagnosis.finding("takes_no_writes").unwrap();
    assert_eq!(finding.severity, Severity::Critical);
    assert!(finding.advice.contains("`resume`"), "{diagnosis}");
    stage.db().resume().unwrap();
    assert!(doctor(&stage).is_healthy());
}

#[test]
fn a_full_disk_is_told_until_there_is_room() {
    let stage = Stage::new(options().memtable_bytes(64 << 10));
    stage.disk.set_capacity(Some(600 << 10));
    let write = |at: u32| stage.db().put(key(at), vec![at as u8; 4000]);
    let stopped = (0..1000).find_map(|at| write(at).err());
    assert!(stopped.is_some(), "the disk was not full");
    let diagnosis = doctor(&stage);
    let finding = diagnosis.finding("disk_full").unwrap_or_else(|| panic!("{diagnosis}"));
    assert_eq!(finding.severity, Severity::Critical);
    stage.disk.set_capacity(None);
    stage.idle();
    write(0).unwrap();
    stage.idle();
    let diagnosis = doctor(&stage);
    assert!(diagnosis.finding("disk_full").is_none(), "{diagnosis}");
}

#[test]
fn a_pause_that_nobody_ends_is_told_with_what_piles_up() {
    let stage = Stage::new(quiet());
    let db = stage.db();
    db.pause_background().unwrap();
    for _ in 0..14 {
        fill(db, 50);
        db.flush().unwrap();
    }
    let wanted = [
        ("background_paused", Some("pause_background")),
        ("level_zero_piles_up", Some("pause_background")),
    ];
    assert_eq!(found(&stage), wanted);
    db.resume_background().unwrap();
    db.wait_idle().unwrap();
    assert!(doctor(&stage).is_healthy());
}

#[test]
fn filters_that_are_off_are_told_once_lookups_miss() {
    let stage = Stage::new(options());
    let db = stage.db();
    let bare = db.keyspace_with("bare", KeyspaceOptions::new().filter_bits_per_key(0)).unwrap();
    (0..500).for_each(|at| drop(bare.put(key(at * 2), "value").unwrap()));
    bare.compact(..).unwrap();
    assert!(doctor(&stage).is_healthy());
    (0..2000).for_each(|at| assert!(!bare.contains_key(format!("{}x", key(at % 900))).unwrap()));
    let diagnosis = doctor(&stage);
    let finding = diagnosis.finding("filters_off").unwrap_or_else(|| panic!("{diagnosis}"));
    assert_eq!(finding.keyspace.as_deref(), Some("bare"));
    assert_eq!(diagnosis.findings.len(), 1, "{diagnosis}");
}

#[test]
fn a_snapshot_that_is_held_for_long_is_told_until_it_is_dropped() {
    let stage = Stage::new(options());
    let snapshot = stage.db().snapshot().unwrap();
    fill(stage.db(), 1200);
    assert!(doctor(&stage).is_healthy());
    stage.world.clock.advance(Duration::from_secs(1000));
    let diagnosis = doctor(&stage);
    let finding = diagnosis.finding("snapshot_old").unwrap_or_else(|| panic!("{diagnosis}"));
    assert!(finding.seen.contains("1000s") && finding.seen.contains("1200"), "{diagnosis}");
    drop(snapshot);
    stage.idle();
    assert!(doctor(&stage).is_healthy());
}

#[test]
fn range_deletes_and_deletes_that_are_not_merged_away_are_told() {
    let stage = Stage::new(quiet());
    let db = stage.db();
    fill(db, 6000);
    db.flush().unwrap();
    (0..5900).for_each(|at| drop(db.delete(key(at)).unwrap()));
    for at in 0..1100 {
        db.delete_range(key(at)..key(at + 1)).unwrap();
    }
    db.pause_background().unwrap();
    db.flush().unwrap();
    let names: Vec<_> = doctor(&stage).findings.iter().map(|it| it.name).collect();
    assert_eq!(names, ["background_paused", "deletes_pile_up", "range_deletes_pile_up"]);
    db.resume_background().unwrap();
    db.compact(..).unwrap();
    assert!(doctor(&stage).is_healthy(), "{}", doctor(&stage));
}

#[test]
fn too_few_open_files_and_a_log_that_is_too_short_are_told() {
    let options = options().open_files_max(1).memtable_bytes(1 << 20).log_bytes_max(64 << 10);
    let stage = Stage::new(options.sync_interval(None));
    let db = stage.db();
    for at in 0..4000 {
        db.put(key(at * 7919 % 4000), [7; 100]).unwrap();
    }
    db.sync().unwrap();
    db.flush().unwrap();
    let cold = db.with(ReadOptions::new().fill_cache(false));
    for at in 0..3000 {
        assert!(cold.contains_key(key(at * 7919 % 4000)).unwrap());
    }
    let diagnosis = doctor(&stage);
    assert!(diagnosis.finding("log_bytes_max_small").is_some(), "{diagnosis}");
    assert!(diagnosis.finding("open_files_max_small").is_some(), "{diagnosis}");
}
