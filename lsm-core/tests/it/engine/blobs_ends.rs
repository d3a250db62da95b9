//! How files of large values end: where a write has failed, and where one is on its way when the
//! database is closed. What cannot be read of them, and who they count for.

use std::path::Path;

use lsm_core::base::compress::Codec;
use lsm_core::blob::record::{Large, Packed};
use lsm_core::env::sim::world::SimWorld;
use lsm_core::journal::handle::Journal;
use lsm_core::journal::options::JournalOptions;
use lsm_core::key::keyspace::KeyspaceId;
use lsm_core::{
    CompactionFilter, Db, ErrorKind, FilterContext, FilterDecision, Keyspace, KeyspaceOptions,
    Result, Strategy,
};

use crate::engine::blobs::{blobs, key, value};
use crate::harness::disk::{PATH, new_disk};
use crate::harness::engine::stage::{Stage, options, quiet};

#[test]
fn a_large_value_that_found_no_room_keeps_nobody_out() {
    let mut stage = Stage::new(quiet());
    stage.db().put(key(1), value(1, 8_000)).unwrap();
    stage.disk.inject("write(.blob$)#1:enospc".parse().unwrap());
    stage.db().put(key(2), value(2, 8_000)).unwrap_err();
    stage.disk.heal();
    stage.db().put(key(3), value(3, 8_000)).unwrap();
    stage.db().flush().unwrap();
    for _ in 0..2 {
        stage.reopen();
        for n in [1, 3] {
            assert_eq!(stage.db().get(key(n)).unwrap().as_deref(), Some(&value(n, 8_000)[..]));
        }
        assert_eq!(stage.db().get(key(2)).unwrap(), None);
    }
}

#[test]
fn a_large_value_on_its_way_when_the_database_is_closed_costs_no_other() {
    let disk = new_disk();
    let open = || {
        let world = SimWorld::from_disk(disk.clone(), 3);
        let options = JournalOptions::default();
        Journal::open(&world.env(), Path::new(PATH), options, &mut |_, _| Ok(())).unwrap()
    };
    let bytes = value(1, 9_000);
    let (keyspace, codec) = (KeyspaceId::DEFAULT, Codec::None);
    let large = |key| Packed::new(&Large { keyspace, key, value: &bytes, codec });
    let (journal, _) = open();
    let (first, reserved) = journal.write_apart(large(b"a")).unwrap();
    drop(reserved);
    let (_, on_its_way) = journal.write_apart(large(b"b")).unwrap();
    journal.close().unwrap();
    drop(on_its_way);
    for round in 0..3 {
        let (journal, report) = open();
        assert!(report.was_clean);
        assert_eq!(journal.blobs().read(&first).unwrap(), bytes[..], "round {round}");
        journal.close().unwrap();
    }
}

#[test]
fn a_file_that_somebody_took_away_is_not_given_up_for_ever() {
    let mut stage = Stage::new(quiet().open_files_max(2));
    for n in 0..8 {
        stage.db().put(key(n), value(n, 8_000)).unwrap();
    }
    stage.db().flush().unwrap();
    stage.reopen();
    stage.disk.remove(&blobs(&stage)[0]).unwrap();
    for n in 4..8 {
        stage.db().delete(key(n)).unwrap();
    }
    stage.db().compact(..).unwrap();
    // Whoever tried again and again to save the others would never be done.
    stage.db().wait_idle().unwrap();
    assert_eq!(stage.db().get(key(1)).unwrap_err().kind(), ErrorKind::Corruption);
}

/// A large value of which the disk reads nothing, met by whatever reads such values to flush or to
/// compact.
fn unreadable_in_the_background(options: KeyspaceOptions, change: impl Fn(&Keyspace)) {
    let world = SimWorld::new(5);
    let builder = Db::builder(PATH).options(quiet()).env(world.env());
    let db = builder.compaction_filter(Keeper).open().unwrap();
    let large = db.keyspace_with("large", options).unwrap();
    for n in 0..8 {
        large.put(key(n), value(n, 8_000)).unwrap();
    }
    change(&large);
    world.disk.inject("read(.blob$)#1+:eio".parse().unwrap());
    large.compact(..).unwrap();
    db.wait_idle().unwrap();
    assert_eq!(large.get(key(1)).unwrap_err().kind(), ErrorKind::Io);
    db.put(b"other", b"value").unwrap();
    db.flush().unwrap();
    world.disk.heal();
    large.compact(..).unwrap();
    db.wait_idle().unwrap();
    let found = large.get(key(1)).unwrap().unwrap();
    assert!(found.starts_with(&value(1, 8_000)));
    db.verify().unwrap();
}

/// Has everything kept, and is shown it.
struct Keeper;

impl CompactionFilter for Keeper {
    fn name(&self) -> &str {
        "keeper"
    }

    fn filter(&self, _: &[u8], _: &[u8], _: &FilterContext<'_>) -> Result<FilterDecision> {
        Ok(FilterDecision::Keep)
    }
}

#[test]
fn a_large_value_that_cannot_be_moved_stops_no_writes() {
    unreadable_in_the_background(KeyspaceOptions::new(), |large| {
        for n in 4..8 {
            large.delete(key(n)).unwrap();
        }
    });
}

#[test]
fn a_large_value_that_cannot_be_shown_to_a_filter_stops_no_writes() {
    unreadable_in_the_background(KeyspaceOptions::new().compaction_filter("keeper"), |_| ());
}

#[test]
fn a_large_value_that_operands_cannot_be_applied_to_stops_no_writes() {
    unreadable_in_the_background(KeyspaceOptions::new().merge_operator("append"), |large| {
        large.merge(key(1), b"more").unwrap();
    });
}

#[test]
fn files_that_were_written_stay_open_no_longer_than_others() {
    let stage = Stage::new(quiet().open_files_max(2));
    for n in 0..30 {
        stage.db().put(key(n), value(n, 8_000)).unwrap();
        stage.db().flush().unwrap();
    }
    let open = stage.disk.open_files();
    assert!(open < 16, "{open} are open, of {} with large values", blobs(&stage).len());
    assert_eq!(stage.db().get(key(3)).unwrap().as_deref(), Some(&value(3, 8_000)[..]));
}

#[test]
fn large_values_count_for_the_keyspace_that_has_them() {
    let mut stage = Stage::new(quiet());
    let with = |quota| KeyspaceOptions::new().quota_bytes(quota);
    let small = stage.db().keyspace_with("small", with(2 << 20)).unwrap();
    let large = stage.db().keyspace_with("large", with(0)).unwrap();
    for n in 0..2_000 {
        small.put(key(n), b"value").unwrap();
    }
    for n in 0..40 {
        large.put(key(n), value(n, 100_000)).unwrap();
    }
    stage.db().flush().unwrap();
    for round in 0..2 {
        let [small, large] = ["small", "large"].map(|name| stage.db().keyspace(name).unwrap());
        let (of_small, of_large) = (small.usage().unwrap(), large.usage().unwrap());
        assert!(of_small.disk_bytes < 200_000, "round {round}: {of_small:?}");
        assert!(of_large.disk_bytes > 4_000_000, "round {round}: {of_large:?}");
        small.put(b"key", b"within its quota").unwrap();
        let whole = large.approximate_size(..).unwrap().estimate;
        assert!((4_000_000..4_400_000).contains(&whole), "round {round}: {whole}");
        stage.reopen();
    }
}

#[test]
fn a_fifo_keyspace_keeps_so_many_bytes_of_large_values_too() {
    let stage = Stage::new(options().memtable_bytes(256 << 10));
    let fifo = Strategy::Fifo { bytes_max: 2 << 20, age_max_millis: 0 };
    let fifo = stage.db().keyspace_with("fifo", KeyspaceOptions::new().strategy(fifo)).unwrap();
    for n in 0..200 {
        stage.db().put(key(n), b"beside it in the tables").unwrap();
        fifo.put(key(n), value(n, 50_000)).unwrap();
    }
    stage.db().flush().unwrap();
    stage.idle();
    stage.db().wait_idle().unwrap();
    let bytes = fifo.usage().unwrap().disk_bytes;
    assert!((1 << 20..=2 << 20).contains(&bytes), "{bytes}");
    let blobs = stage.db().stats().blobs;
    assert!(blobs.bytes < 3 << 20, "{blobs:?}");
    assert_eq!(fifo.get(key(199)).unwrap().as_deref(), Some(&value(199, 50_000)[..]));
}

#[test]
fn what_a_keyspace_gives_up_goes_though_others_share_its_tables() {
    let mut stage = Stage::new(quiet());
    let space = |stage: &Stage, name| stage.db().keyspace_with(name, KeyspaceOptions::new());
    let names = ["moved", "gone", "stays"];
    for round in 0..2 {
        for name in names {
            let space = space(&stage, name).unwrap();
            for n in 0..8 {
                space.put(key(n), value(n + round, 8_000)).unwrap();
            }
            space.put(b"small", b"value").unwrap();
        }
        stage.db().flush().unwrap();
    }
    let [moved, gone] = ["moved", "gone"].map(|name| space(&stage, name).unwrap());
    for n in 0..8 {
        gone.delete(key(n)).unwrap();
        if n % 2 == 0 {
            moved.delete(key(n)).unwrap();
        }
    }
    [moved, gone].iter().for_each(|space| space.compact(..).unwrap());
    for _ in 0..3 {
        stage.db().wait_idle().unwrap();
        let blobs = stage.db().stats().blobs;
        assert!(blobs.bytes < 200_000, "{blobs:?}");
        stage.db().verify().unwrap();
        for (name, first) in [("moved", 1), ("stays", 0)] {
            let pairs = space(&stage, name).unwrap().range(..b"small").map(Result::unwrap);
            let wanted = (first..8).step_by(1 + first as usize);
            assert!(pairs.map(|it| it.1).eq(wanted.map(|n| value(n + 1, 8_000))), "{name}");
        }
        stage.reopen();
    }
}

#[test]
fn a_verification_reads_what_only_the_log_refers_to() {
    let mut stage = Stage::new(quiet());
    stage.db().put(key(1), value(1, 8_000)).unwrap();
    stage.db().put(key(2), value(2, 8_000)).unwrap();
    stage.db().sync().unwrap();
    stage.db().verify().unwrap();
    let name = blobs(&stage).remove(0);
    let bytes = stage.disk.contents(&name).unwrap();
    for is_cut in [false, true] {
        match is_cut {
            false => stage.disk.rot(&name, 128 + 500, 1).unwrap(),
            true => stage.disk.plant(&name, &bytes[..9_000]).unwrap(),
        }
        let error = stage.db().verify().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corruption, "{error}");
        assert!(error.path().unwrap().to_string_lossy().ends_with(".blob"), "{error}");
        stage.disk.plant(&name, &bytes).unwrap();
    }
    stage.db().verify().unwrap();
    // The same of what a replay has read back.
    stage = Stage::on(stage.kill().process_crash(), quiet());
    stage.db().verify().unwrap();
    let name = blobs(&stage).remove(0);
    stage.disk.rot(&name, 128 + 24 + 9 + 8_000 + 500, 1).unwrap();
    assert_eq!(stage.db().verify().unwrap_err().kind(), ErrorKind::Corruption);
    assert_eq!(stage.db().get(key(1)).unwrap().as_deref(), Some(&value(1, 8_000)[..]));
}
