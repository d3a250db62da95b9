//! Large values apart: written once, read from anywhere, gone when nothing refers to them.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use lsm_core::env::clock::Clock;
use lsm_core::env::sim::op::OpKind;
use lsm_core::env::sim::rng::Rng;
use lsm_core::env::sim::world::SimWorld;
use lsm_core::{
    Batch, Comparator, Compression, Db, Durability, ErrorKind, Keyspace, KeyspaceOptions, Options,
    Read, ReadOptions, Snapshot, WriteOptions,
};

use crate::harness::disk::PATH;
use crate::harness::engine::stage::{Stage, options, quiet};

/// A value that no codec makes shorter.
pub fn value(seed: u64, len: usize) -> Vec<u8> {
    let mut rng = Rng::new(seed + 1);
    (0..len).map(|_| rng.below(256) as u8).collect()
}

pub fn key(n: u64) -> Vec<u8> {
    format!("key{n:06}").into_bytes()
}

/// Names of files of large values, in order.
pub fn blobs(stage: &Stage) -> Vec<String> {
    let names = stage.disk.paths().into_iter().map(|path| path.display().to_string());
    names.filter(|name| name.ends_with(".blob")).collect()
}

/// Bytes of those files.
fn blob_bytes(stage: &Stage) -> u64 {
    blobs(stage).iter().map(|name| stage.disk.contents(name).unwrap().len() as u64).sum()
}

fn written(stage: &Stage, act: impl FnOnce(&Db)) -> u64 {
    let trace = stage.trace(act);
    trace.iter().filter(|op| op.kind == OpKind::Write).map(|op| op.len).sum()
}

#[test]
fn values_of_4_and_64_kib_are_written_once() {
    for len in [4 << 10, 64 << 10] {
        let stage = Stage::new(options().memtable_bytes(1 << 20));
        let count = (8 << 20) / len as u64;
        let bytes = written(&stage, |db| {
            for n in 0..count {
                db.put(key(n), value(n, len)).unwrap();
            }
            db.flush().unwrap();
            stage.idle();
            db.compact(..).unwrap();
            db.wait_idle().unwrap();
        });
        let given = count * (len as u64 + 9);
        assert!(bytes * 10 < given * 12, "{bytes} bytes written for {given} of {len} each");
        for n in 0..count {
            assert_eq!(stage.db().get(key(n)).unwrap().as_deref(), Some(&value(n, len)[..]));
        }
    }
}

#[test]
fn large_values_are_read_in_every_way_from_memory_tables_and_after_a_reopening() {
    let mut stage = Stage::new(quiet());
    let mut expected = BTreeMap::new();
    for n in 0..40 {
        let len = [10, 4_095, 4_096, 5_000, 70_000][n as usize % 5];
        stage.db().put(key(n), value(n, len)).unwrap();
        expected.insert(key(n), value(n, len));
    }
    for round in 0..4 {
        let db = stage.db();
        let pairs: Vec<_> = db.iter().map(Result::unwrap).collect();
        let backward: Vec<_> = db.iter().rev().map(Result::unwrap).collect();
        assert!(pairs.iter().eq(backward.iter().rev()));
        let as_map: BTreeMap<Vec<u8>, Vec<u8>> =
            pairs.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
        assert!(as_map == expected, "round {round}");
        let many = db.get_many(expected.keys()).unwrap();
        assert!(
            many.iter().map(|value| value.as_deref()).eq(expected.values().map(|v| Some(&v[..])))
        );
        let mut cursor = db.cursor(..);
        cursor.seek(&key(3)).unwrap();
        assert_eq!(cursor.next().unwrap().unwrap().1, value(3, 5_000));
        assert_eq!(cursor.pinned_value().unwrap(), value(3, 5_000));
        assert_eq!(cursor.next().unwrap().unwrap().1, value(4, 70_000));
        assert_eq!(cursor.prev().unwrap().unwrap().1, value(4, 70_000));
        assert_eq!(cursor.prev().unwrap().unwrap().1, value(3, 5_000));
        let read = stage.db().stats().blobs.values_read;
        assert_eq!(db.count(..).unwrap(), 40);
        assert_eq!(db.iter().keys().count(), 40);
        assert!(db.contains_key(key(4)).unwrap());
        assert_eq!(stage.db().stats().blobs.values_read, read, "keys alone read no large value");
        match round {
            0 => db.flush().unwrap(),
            1 => db.compact(..).unwrap(),
            _ => stage.reopen(),
        }
        stage.db().verify().unwrap();
    }
}

#[test]
fn a_log_that_refers_to_large_values_is_replayed_and_the_values_are_there() {
    let stage = Stage::new(quiet());
    let durable = WriteOptions::new().durability(Durability::Durable);
    for n in 0..20 {
        stage.db().put_with(key(n), value(n, 6_000), &durable).unwrap();
    }
    let disk = stage.kill();
    let stage = Stage::on(disk, quiet());
    for n in 0..20 {
        assert_eq!(stage.db().get(key(n)).unwrap().as_deref(), Some(&value(n, 6_000)[..]));
    }
    stage.db().flush().unwrap();
    stage.db().verify().unwrap();
}

#[test]
fn space_of_what_was_overwritten_is_given_back() {
    let mut stage = Stage::new(options().memtable_bytes(256 << 10));
    let (keys, len) = (40, 16 << 10);
    let live = keys * (len as u64 + 33);
    for round in 0..12 {
        for n in 0..keys {
            stage.db().put(key(n), value(n + round, len)).unwrap();
        }
        stage.idle();
    }
    stage.db().flush().unwrap();
    stage.db().wait_idle().unwrap();
    let bytes = blob_bytes(&stage);
    assert!(bytes <= 2 * live, "{bytes} bytes for {live} alive");
    for n in 0..keys {
        assert_eq!(stage.db().get(key(n)).unwrap().as_deref(), Some(&value(n + 11, len)[..]));
    }
    stage.db().verify().unwrap();
    stage.reopen();
    assert_eq!(stage.db().get(key(7)).unwrap().as_deref(), Some(&value(18, len)[..]));
    stage.db().delete_range(..).unwrap();
    stage.db().compact(..).unwrap();
    stage.db().wait_idle().unwrap();
    assert_eq!(blobs(&stage), Vec::<String>::new(), "nothing is left of what was deleted");
}

#[test]
fn a_file_of_which_little_is_of_use_is_given_up_though_nobody_compacts() {
    let stage = Stage::new(options().memtable_bytes(1 << 20));
    for n in 0..32 {
        stage.db().put(key(n), value(n, 16 << 10)).unwrap();
    }
    stage.db().flush().unwrap();
    for n in 0..24 {
        stage.db().delete(key(n)).unwrap();
    }
    stage.db().flush().unwrap();
    stage.db().wait_idle().unwrap();
    let live = 8 * (16 << 10);
    assert!(blob_bytes(&stage) < 2 * live, "{} bytes for {live}", blob_bytes(&stage));
    assert!(stage.db().stats().blobs.bytes_moved >= live);
    for n in 24..32 {
        assert_eq!(stage.db().get(key(n)).unwrap().as_deref(), Some(&value(n, 16 << 10)[..]));
    }
}

#[test]
fn snapshots_and_iterators_keep_what_they_see() {
    let stage = Stage::new(quiet());
    for n in 0..16 {
        stage.db().put(key(n), value(n, 8_000)).unwrap();
    }
    stage.db().flush().unwrap();
    let snapshot = stage.db().snapshot().unwrap();
    let mut open = stage.db().iter();
    assert_eq!(open.next().unwrap().unwrap().1, value(0, 8_000));
    stage.db().delete_range(..).unwrap();
    stage.db().compact(..).unwrap();
    assert!(stage.db().iter().next().is_none());
    let seen: Vec<_> = stage.db().at(&snapshot).iter().map(|pair| pair.unwrap().1).collect();
    assert!(seen.iter().enumerate().all(|(n, seen)| *seen == value(n as u64, 8_000)));
    drop(snapshot);
    stage.db().compact(..).unwrap();
    stage.idle();
    // The iterator alone keeps them now.
    let seen: Vec<_> = open.map(|pair| pair.unwrap().1).collect();
    assert_eq!(seen.len(), 15);
    stage.db().wait_idle().unwrap();
    assert_eq!(blobs(&stage), Vec::<String>::new());
}

#[test]
fn a_dropped_keyspace_leaves_no_large_values() {
    let stage = Stage::new(quiet());
    let other = stage.db().keyspace("other").unwrap();
    for n in 0..8 {
        other.put(key(n), value(n, 8_000)).unwrap();
        stage.db().put(key(n), b"small").unwrap();
    }
    stage.db().flush().unwrap();
    assert!(!blobs(&stage).is_empty());
    stage.db().drop_keyspace("other").unwrap();
    stage.db().compact(..).unwrap();
    stage.db().wait_idle().unwrap();
    assert_eq!(blobs(&stage), Vec::<String>::new());
}

#[test]
fn the_threshold_is_a_keyspaces_own_and_can_be_off() {
    let stage = Stage::new(quiet());
    let never =
        stage.db().keyspace_with("never", KeyspaceOptions::new().blob_threshold(0)).unwrap();
    let early =
        stage.db().keyspace_with("early", KeyspaceOptions::new().blob_threshold(100)).unwrap();
    let of = || stage.db().stats().blobs.values_written;
    never.put(b"a", value(1, 100_000)).unwrap();
    early.put(b"a", value(1, 99)).unwrap();
    stage.db().put(b"a", value(1, 4_095)).unwrap();
    assert_eq!(of(), 0);
    early.put(b"b", value(1, 100)).unwrap();
    stage.db().put(b"b", value(1, 4_096)).unwrap();
    assert_eq!(of(), 2);
    let mut batch = Batch::new();
    batch.put(&early, b"c", value(2, 100)).put(&never, b"c", value(2, 100));
    batch.put_expiring(&early, b"d", value(3, 500), Duration::from_secs(60));
    stage.db().write(&batch).unwrap();
    assert_eq!(of(), 4);
    assert_eq!(early.get(b"c").unwrap().as_deref(), Some(&value(2, 100)[..]));
    assert_eq!(early.get(b"d").unwrap().as_deref(), Some(&value(3, 500)[..]));
    let refused =
        stage.db().keyspace_with("tiny", KeyspaceOptions::new().blob_threshold(63)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
}

#[test]
fn large_values_expire() {
    let stage = Stage::new(quiet());
    let minute = WriteOptions::new().ttl(Duration::from_secs(60));
    stage.db().put_with(b"a", value(1, 9_000), &minute).unwrap();
    stage.db().put(b"b", value(2, 9_000)).unwrap();
    assert_eq!(stage.db().get(b"a").unwrap().as_deref(), Some(&value(1, 9_000)[..]));
    let at = stage.db().expiry(b"a").unwrap().unwrap();
    for _ in 0..2 {
        assert_eq!(stage.db().expiry(b"a").unwrap(), Some(at));
        assert_eq!(stage.db().count(..).unwrap(), 2);
        stage.db().flush().unwrap();
    }
    stage.world.clock.set_wall_millis(stage.world.clock.wall_millis() + 61_000);
    assert_eq!(stage.db().get(b"a").unwrap(), None);
    assert_eq!(stage.db().count(..).unwrap(), 1);
    stage.db().compact(..).unwrap();
    stage.db().wait_idle().unwrap();
    assert_eq!(stage.db().get(b"b").unwrap().as_deref(), Some(&value(2, 9_000)[..]));
    assert!(blob_bytes(&stage) < 12_000, "{}", blob_bytes(&stage));
}

#[test]
fn damage_to_a_large_value_is_contained() {
    let stage = Stage::new(quiet());
    for n in 0..8 {
        stage.db().put(key(n), value(n, 8_000)).unwrap();
    }
    stage.db().flush().unwrap();
    let name = blobs(&stage).remove(0);
    stage.disk.rot(&name, 128 + 3 * (24 + 9 + 8_000) + 500, 1).unwrap();
    for n in 0..8 {
        let got = stage.db().get(key(n));
        match n {
            3 => {
                let error = got.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Corruption);
                assert!(error.path().unwrap().to_string_lossy().ends_with(".blob"));
            }
            _ => assert_eq!(got.unwrap().as_deref(), Some(&value(n, 8_000)[..])),
        }
    }
    assert_eq!(stage.db().verify().unwrap_err().kind(), ErrorKind::Corruption);
    let mut cursor = stage.db().cursor(..);
    for _ in 0..3 {
        cursor.next().unwrap().unwrap();
    }
    assert_eq!(cursor.next().unwrap_err().kind(), ErrorKind::Corruption);
    cursor.seek(&key(4)).unwrap();
    assert_eq!(cursor.next().unwrap().unwrap().0, key(4));
    // A merge goes on, and leaves the value where it is.
    for n in 4..8 {
        stage.db().delete(key(n)).unwrap();
    }
    stage.db().compact(..).unwrap();
    stage.db().wait_idle().unwrap();
    assert_eq!(stage.db().get(key(3)).unwrap_err().kind(), ErrorKind::Corruption);
    assert_eq!(stage.db().get(key(2)).unwrap().as_deref(), Some(&value(2, 8_000)[..]));
}

#[test]
fn a_batch_that_is_refused_costs_space_only_until_a_compaction() {
    let stage = Stage::new(quiet());
    stage.db().put(b"a", b"there").unwrap();
    let mut batch = Batch::new();
    batch.require_absent(stage.db(), b"a").put(stage.db(), b"b", value(1, 9_000));
    assert_eq!(stage.db().write(&batch).unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(stage.db().stats().blobs.values_written, 0, "it is known before");
    assert!(stage.db().insert_if_absent(b"b", value(1, 9_000)).unwrap().is_some());
    let swapped = stage.db().compare_and_set(b"b", Some(&value(1, 9_000)), Some(&value(2, 9_000)));
    assert!(swapped.unwrap().is_some());
    assert_eq!(stage.db().get(b"b").unwrap().as_deref(), Some(&value(2, 9_000)[..]));
}

#[test]
fn large_values_are_packed_as_the_keyspace_is() {
    let stage = Stage::new(quiet());
    let plain = KeyspaceOptions::new().compression(Compression::None);
    let plain = stage.db().keyspace_with("plain", plain).unwrap();
    let of = || stage.db().stats().blobs.bytes_written;
    stage.db().put(b"a", vec![7; 50_000]).unwrap();
    assert!(of() < 2_000, "{}", of());
    plain.put(b"a", vec![7; 50_000]).unwrap();
    assert!(of() > 50_000, "{}", of());
    for keyspace in [stage.db().default_keyspace(), &plain] {
        assert_eq!(keyspace.get(b"a").unwrap().unwrap(), vec![7; 50_000]);
    }
}

#[test]
fn few_open_files_are_enough_for_many_large_values() {
    let mut stage = Stage::new(options().memtable_bytes(256 << 10).open_files_max(2));
    for n in 0..64 {
        stage.db().put(key(n), value(n, 30_000)).unwrap();
    }
    stage.db().flush().unwrap();
    stage.reopen();
    for n in 0..64 {
        assert_eq!(stage.db().get(key(n)).unwrap().as_deref(), Some(&value(n, 30_000)[..]));
    }
}

#[test]
fn a_read_only_opening_reads_large_values() {
    let stage = Stage::new(quiet());
    stage.db().put(b"a", value(1, 9_000)).unwrap();
    stage.db().flush().unwrap();
    stage.db().put(b"b", value(2, 9_000)).unwrap();
    let disk = stage.kill();
    let before = disk.paths();
    let read_only: Options = quiet().read_only(true);
    let stage = Stage::on(disk, read_only);
    assert_eq!(stage.db().get(b"a").unwrap().as_deref(), Some(&value(1, 9_000)[..]));
    assert_eq!(stage.db().get(b"b").unwrap().as_deref(), Some(&value(2, 9_000)[..]));
    assert_eq!(stage.disk.paths(), before);
}

fn kept_at(at: &Snapshot, keyspace: &Keyspace, wanted: &[u8]) {
    assert_eq!(keyspace.at(at).get(b"k").unwrap().as_deref(), Some(wanted));
}

#[test]
fn operands_are_applied_to_large_values_wherever_they_stand() {
    type Settle = fn(&Keyspace);
    const PLACES: [Settle; 3] = [|_| {}, |it| it.flush().unwrap(), |it| it.compact(..).unwrap()];
    for first in PLACES {
        for second in PLACES {
            let mut stage = Stage::new(quiet());
            let options = KeyspaceOptions::new().merge_operator("append").blob_threshold(64);
            let log = stage.db().keyspace_with("log", options).unwrap();
            let base = value(1, 5_000);
            log.put(b"k", &base).unwrap();
            log.put_with(b"until", &base, &WriteOptions::new().ttl(Duration::from_secs(60)))
                .unwrap();
            first(&log);
            log.merge(b"k", b"1").unwrap();
            log.merge(b"until", b"1").unwrap();
            let before = stage.db().snapshot().unwrap();
            second(&log);
            log.merge(b"k", b"2").unwrap();
            let wanted = [&base[..], b"12"].concat();
            for settle in PLACES {
                settle(&log);
                assert_eq!(log.get(b"k").unwrap().as_deref(), Some(&wanted[..]));
                assert_eq!(&log.range(..).next().unwrap().unwrap().1[..], &wanted[..]);
                assert_eq!(&log.range(..=b"k").next_back().unwrap().unwrap().1[..], &wanted[..]);
                assert!(log.contains_key(b"k").unwrap());
                assert_eq!(log.range(..).keys().count(), 2);
                assert!(matches!(log.expiry(b"until").unwrap(), Some(lsm_core::Expiry::At(_))));
                kept_at(&before, &log, &wanted[..wanted.len() - 1]);
            }
            drop((before, log));
            stage.reopen();
            let log = stage.db().keyspace("log").unwrap();
            assert_eq!(log.get(b"k").unwrap().as_deref(), Some(&wanted[..]));
            log.compact(..).unwrap();
            stage.idle();
            stage.db().verify().unwrap();
            assert_eq!(log.get(b"k").unwrap().as_deref(), Some(&wanted[..]));
        }
    }
}

#[test]
fn large_values_stand_in_any_order_and_go_with_single_deletes() {
    let stage = Stage::new(quiet());
    let options = KeyspaceOptions::new().comparator(Comparator::Reverse).write_once(true);
    let back = stage.db().keyspace_with("back", options).unwrap();
    for n in 0..20 {
        back.put(key(n), value(n, 6_000)).unwrap();
    }
    back.flush().unwrap();
    let pairs: Vec<_> = back.range(..).map(|pair| pair.unwrap()).collect();
    assert!(pairs.iter().map(|(key, _)| key.to_vec()).eq((0..20).rev().map(key)));
    for (n, (_, found)) in (0..20).rev().zip(&pairs) {
        assert_eq!(found[..], value(n, 6_000)[..]);
    }
    for n in 0..20 {
        back.single_delete(key(n)).unwrap();
    }
    back.compact(..).unwrap();
    stage.db().wait_idle().unwrap();
    stage.idle();
    assert_eq!(back.range(..).count(), 0);
    assert_eq!(blob_bytes(&stage), 0);
}

#[test]
fn a_salvage_loses_the_large_value_that_is_damaged_and_no_other() {
    let stage = Stage::new(quiet());
    for n in 0..8 {
        stage.db().put(key(n), value(n, 8_000)).unwrap();
    }
    stage.db().flush().unwrap();
    stage.db().put(key(8), value(8, 8_000)).unwrap();
    let name = blobs(&stage).remove(0);
    stage.disk.rot(&name, 128 + 3 * (24 + 9 + 8_000) + 500, 1).unwrap();
    let disk = stage.kill();
    let world = SimWorld::from_disk(disk.clone(), 3);
    let new = Path::new("/data/salvaged");
    let report = Db::builder(Path::new(PATH)).options(quiet()).env(world.env()).salvage(new);
    let report = report.unwrap();
    assert!(!report.is_complete);
    let lost: Vec<_> = report.lost.iter().map(|lost| lost.from.clone()).collect();
    assert_eq!(lost, [key(3)], "{}", report.to_json());
    let world = SimWorld::from_disk(disk, 4);
    let db = Db::builder(new).options(quiet()).env(world.env()).open().unwrap();
    for n in 0..9 {
        let wanted = value(n, 8_000);
        let wanted = (n != 3).then_some(&wanted[..]);
        assert_eq!(db.get(key(n)).unwrap().as_deref(), wanted, "{n}");
    }
    assert!(db.stats().blobs.files > 0);
    db.close().unwrap();
}

#[test]
fn a_scrub_finds_damage_to_large_values() {
    let stage = Stage::new(quiet().scrub_bytes_per_second(64 << 10));
    for n in 0..40 {
        stage.db().put(key(n), value(n, 8_000)).unwrap();
    }
    stage.db().flush().unwrap();
    let pass = |seconds: u64| {
        for _ in 0..seconds * 2 {
            stage.world.clock.advance(Duration::from_millis(500));
            stage.world.scheduler.run_until_idle();
        }
    };
    pass(60);
    assert!(stage.db().stats().damage.is_empty());
    let last = blobs(&stage).pop().unwrap();
    stage.disk.rot(&last, 128 + 700, 1).unwrap();
    pass(130);
    let found = stage.db().stats().damage;
    assert!(found.iter().any(|found| last.ends_with(&found.file)), "{found:?}");
    let is_lost = |n: &u64| stage.db().get(key(*n)).is_err();
    assert_eq!((0..40).filter(is_lost).count(), 1);
}

#[test]
fn a_read_that_leaves_the_disk_alone_is_refused_a_large_value() {
    let stage = Stage::new(quiet());
    let options = KeyspaceOptions::new().merge_operator("append").blob_threshold(64);
    let log = stage.db().keyspace_with("log", options).unwrap();
    log.put(b"k", value(1, 5_000)).unwrap();
    log.put(b"small", b"1").unwrap();
    log.put(b"with", value(2, 5_000)).unwrap();
    log.merge(b"with", b"1").unwrap();
    let cached = log.with(ReadOptions::new().cached_only(true));
    for key in [&b"k"[..], b"with"] {
        assert_eq!(cached.get(key).unwrap_err().kind(), ErrorKind::Busy);
        assert_eq!(cached.get_many([key]).unwrap_err().kind(), ErrorKind::Busy);
        let pair = cached.range(key..=key).next().unwrap();
        assert_eq!(pair.unwrap_err().kind(), ErrorKind::Busy);
        assert!(cached.contains_key(key).unwrap());
    }
    assert_eq!(cached.get(b"small").unwrap().as_deref(), Some(&b"1"[..]));
    assert_eq!(cached.range(..).keys().count(), 3);
    let mut cursor = cached.cursor(..);
    assert_eq!(cursor.next().unwrap_err().kind(), ErrorKind::Busy);
    cursor.seek(b"l").unwrap();
    assert_eq!(cursor.next().unwrap().unwrap().0, b"small");
}

#[test]
fn an_explained_lookup_tells_of_the_large_value() {
    let stage = Stage::new(quiet());
    stage.db().put(b"large", value(1, 9_000)).unwrap();
    stage.db().put(b"small", b"1").unwrap();
    for _ in 0..2 {
        let told = stage.db().explain_get(b"large").unwrap();
        assert!(told.to_json().contains("\"part\":\"large_value\""), "{}", told.to_json());
        assert!(told.to_string().contains("large value"), "{told}");
        let told = stage.db().explain_get(b"small").unwrap();
        assert!(!told.to_json().contains("large_value"), "{}", told.to_json());
        stage.db().flush().unwrap();
    }
}
