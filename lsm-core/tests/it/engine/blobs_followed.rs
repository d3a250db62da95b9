//! Large values as readers in other processes see them, beside a writer that gives files up.

use std::collections::BTreeMap;
use std::time::Duration;

use lsm_core::env::sim::world::SimWorld;
use lsm_core::options::log_mode::LogMode;
use lsm_core::{Db, ErrorKind, Options, Read, Result, Snapshot};

use crate::engine::blobs::{blobs, key, value};
use crate::harness::disk::new_disk;
use crate::harness::engine::rich::open_at;
use crate::harness::engine::stage::{Stage, options, quiet};

type Pairs = BTreeMap<Vec<u8>, Vec<u8>>;

/// A reader, what it shows until it is refreshed, and what a snapshot of it saw.
struct Beside {
    world: SimWorld,
    db: Db,
    shown: Pairs,
    kept: Option<(Snapshot, Pairs)>,
}

fn pairs(read: &impl Read) -> Result<Pairs> {
    read.iter().map(|pair| pair.map(|(key, value)| (key.to_vec(), value.to_vec()))).collect()
}

/// Few open files, so that each large value is looked for by its name again.
fn beside(stage: &Stage, chosen: Options, seed: u64) -> Result<(SimWorld, Db)> {
    let (world, opened) = open_at(&stage.disk, chosen.read_only(true).open_files_max(2), seed);
    opened.map(|db| (world, db))
}

impl Beside {
    fn look(&self) -> Result<(), String> {
        let told = |error: lsm_core::Error| error.to_string();
        if pairs(&*self.db).map_err(told)? != self.shown {
            return Err("it shows something else than before".to_owned());
        }
        let Some((snapshot, then)) = &self.kept else { return Ok(()) };
        let seen = pairs(&self.db.at(snapshot)).map_err(told)?;
        if seen == *then { Ok(()) } else { Err("its snapshot shows something else".to_owned()) }
    }
}

/// Values are replaced, files are given up and what is alive in them moves, while readers that came
/// before and after look at what they have.
fn garbage_beside_readers(mode: LogMode) -> Result<(), String> {
    let chosen = options().memtable_bytes(1 << 20).log_mode(mode);
    let stage = Stage::on(new_disk(), chosen.clone());
    let (mut now, mut readers) = (Pairs::new(), Vec::<Beside>::new());
    for round in 0..8 {
        for n in 0..32 {
            // Some stay, and move when the others are gone.
            if round == 0 || n % 4 != 0 {
                let value = value(n + round * 100, 9_000);
                stage.db().put(key(n), &value).unwrap();
                now.insert(key(n), value);
            }
        }
        if round % 2 == 1 {
            stage.db().flush().unwrap();
        }
        // By turns they find it in the log alone, and in tables.
        let opened = beside(&stage, chosen.clone(), 20 + round).map_err(|it| it.to_string())?;
        let (world, db) = opened;
        readers.push(Beside { world, db, shown: now.clone(), kept: None });
        stage.db().delete(key(round)).unwrap();
        now.remove(&key(round));
        stage.db().flush().unwrap();
        stage.db().compact(..).unwrap();
        stage.db().wait_idle().unwrap();
        stage.idle();
        for (at, reader) in readers.iter_mut().enumerate() {
            let of = |why: String| format!("round {round}, reader {at}: {why}");
            reader.look().map_err(of)?;
            if (at as u64 + round) % 3 == 0 {
                reader.kept = Some((reader.db.snapshot().unwrap(), reader.shown.clone()));
                reader.db.refresh().map_err(|error| of(error.to_string()))?;
                reader.shown = now.clone();
                reader.world.scheduler.run_until_idle();
                reader.look().map_err(of)?;
            }
        }
    }
    let moved = stage.db().stats().blobs.bytes_moved;
    let (held, files) = (blobs(&stage).len() as u64, stage.db().stats().blobs.files);
    if moved == 0 || held <= files {
        return Err(format!("{moved} bytes moved, {held} files are there and {files} listed"));
    }
    drop(readers);
    (0..3).for_each(|_| stage.idle());
    let (left, files) = (blobs(&stage).len() as u64, stage.db().stats().blobs.files);
    if left == files { Ok(()) } else { Err(format!("{left} files are left of {files} listed")) }
}

#[test]
pub fn readers_see_large_values_while_the_writer_gives_files_up() {
    for mode in [LogMode::Write, LogMode::Mapped] {
        garbage_beside_readers(mode).unwrap();
    }
}

#[cfg(lsm_planted)]
#[test]
fn large_values_that_are_unlinked_under_readers_are_found() {
    use crate::harness::planted::Planted;
    use lsm_core::base::planted::Bug;
    let planted = Planted::new(Some(Bug::ReadersNotAsked));
    let found = garbage_beside_readers(LogMode::Write);
    drop(planted);
    assert!(found.is_err_and(|why| why.contains("refresh")));
}

#[test]
fn a_reader_whose_lease_is_over_is_told_that_a_large_value_is_gone() {
    let stage = Stage::new(quiet());
    for n in 0..8 {
        stage.db().put(key(n), value(n, 8_000)).unwrap();
    }
    stage.db().flush().unwrap();
    let lease = Duration::from_secs(30);
    let (world, db) = beside(&stage, quiet().reader_lease(lease), 3).unwrap();
    assert_eq!(db.count(..).unwrap(), 8, "its tables are open now");
    stage.db().delete_range(..).unwrap();
    stage.db().compact(..).unwrap();
    stage.db().wait_idle().unwrap();
    stage.idle();
    assert!(!blobs(&stage).is_empty(), "they stay for it");
    assert_eq!(db.get(key(0)).unwrap().as_deref(), Some(&value(0, 8_000)[..]));
    stage.world.clock.advance(lease);
    (0..3).for_each(|_| stage.idle());
    assert_eq!(blobs(&stage), Vec::<String>::new());
    let error = db.get(key(0)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
    assert!(error.to_string().contains("refresh"), "{error}");
    assert!(error.path().unwrap().to_string_lossy().ends_with(".blob"), "{error}");
    world.clock.advance(Duration::from_secs(60));
    assert!(db.refresh().unwrap());
    assert_eq!(db.count(..).unwrap(), 0);
}

#[test]
fn a_reader_goes_on_while_a_recovery_copies_large_values() {
    let stage = Stage::new(quiet());
    let mut now = Pairs::new();
    for n in 0..6 {
        stage.db().put(key(n), value(n, 8_000)).unwrap();
        now.insert(key(n), value(n, 8_000));
    }
    let (_world, db) = beside(&stage, quiet(), 3).unwrap();
    let before = blobs(&stage);
    // It has read none of them yet.
    let stage = Stage::on(stage.kill(), quiet());
    assert_ne!(blobs(&stage), before, "they were copied");
    assert_eq!(pairs(&*db).unwrap(), now);
    let (snapshot, then) = (db.snapshot().unwrap(), now.clone());
    stage.db().put(key(6), value(6, 8_000)).unwrap();
    now.insert(key(6), value(6, 8_000));
    assert!(db.refresh().unwrap());
    assert_eq!(pairs(&*db).unwrap(), now);
    assert_eq!(pairs(&db.at(&snapshot)).unwrap(), then);
    drop(snapshot);
    db.close().unwrap();
    (0..3).for_each(|_| stage.idle());
    assert_eq!(blobs(&stage).len() as u64, stage.db().stats().blobs.files);
    assert!(!before.iter().any(|name| blobs(&stage).contains(name)));
}

#[test]
fn another_databases_large_values_are_not_taken_for_those_of_the_first() {
    let fill = |db: &Db| {
        for n in 0..4 {
            db.put(key(n), value(n, 8_000)).unwrap();
        }
        db.flush().unwrap();
    };
    let stage = Stage::new(quiet());
    fill(stage.db());
    let (_world, db) = beside(&stage, quiet(), 3).unwrap();
    assert_eq!(db.count(..).unwrap(), 4, "its tables are open now");
    let disk = stage.kill();
    for path in disk.paths() {
        if disk.contents(path.to_str().unwrap()).is_ok() {
            disk.remove(path.to_str().unwrap()).unwrap();
        }
    }
    // Of the same shape, so that names and numbers are the same.
    let (_other_world, other) = open_at(&disk, quiet(), 4);
    let other = other.unwrap();
    fill(&other);
    let error = db.get(key(0)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
}
