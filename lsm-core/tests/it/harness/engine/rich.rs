//! A small database with something of everything: keyspaces of several kinds, range deletes, more
//! than one level, and a log that is left over.

use std::path::Path;

use lsm_core::api::db::Db;
use lsm_core::base::error::Result;
use lsm_core::env::sim::disk::SimDisk;
use lsm_core::env::sim::world::SimWorld;
use lsm_core::options::database::Options;
use lsm_core::options::keyspace::{Compression, KeyspaceOptions, Strategy};
use lsm_core::options::log_mode::LogMode;

use crate::harness::disk::PATH;
use crate::harness::engine::reference::Shown;
use crate::harness::engine::subject::{Trouble, kill, show};

/// Small memory, so that little makes tables.
pub fn options() -> Options {
    Options::new()
        .memory_limit(16 << 20)
        .memtable_bytes(16 << 10)
        .background_threads(1)
        .log_mode(LogMode::Write)
        .log_segment_bytes_max(16 << 10)
}

/// As `options`, and nothing is written.
pub fn reading() -> Options {
    options().read_only(true)
}

pub fn open_at(disk: &SimDisk, options: Options, seed: u64) -> (SimWorld, Result<Db>) {
    let world = SimWorld::from_disk(disk.clone(), seed);
    let opened = Db::builder(Path::new(PATH)).options(options).env(world.env()).open();
    (world, opened)
}

/// Fills a database: what is in tables, and what only the log has.
pub fn fill(db: &Db) -> Result<()> {
    let tiered = KeyspaceOptions::new().strategy(Strategy::Tiered { runs_max: 3 });
    let plain = KeyspaceOptions::new().compression(Compression::None);
    let (tiered, plain) = (db.keyspace_with("tiered", tiered)?, db.keyspace_with("plain", plain)?);
    for round in 0..3u32 {
        for key in 0..40u32 {
            let value = vec![(key * 7 + round) as u8; 10 + (key as usize * 13) % 90];
            db.put(format!("key {:03}", key * 3 + round), &value)?;
            tiered.put(key.to_be_bytes(), value.len().to_string())?;
            plain.put(format!("{key}"), &value)?;
        }
        db.delete(format!("key {:03}", round * 9))?;
        db.delete_range(format!("key {:03}", 30 + round)..format!("key {:03}", 36 + round))?;
        db.flush()?;
        if round == 1 {
            db.compact(..)?;
        }
    }
    db.put("key 001", "only in the log")?;
    db.delete_range("key 100".."key 105")?;
    plain.delete("7")?;
    db.sync()
}

/// The disk with such a database, closed in order or left as by a kill; and what it shows.
pub fn rich(is_clean: bool) -> (SimDisk, Shown) {
    let disk = SimDisk::new();
    let (world, opened) = open_at(&disk, options(), 11);
    let db = opened.unwrap();
    fill(&db).unwrap();
    // Not `wait_idle`, which makes one table of it all.
    world.scheduler.run_until_idle();
    let shown = show(&db).map_err(|trouble| trouble.to_string()).unwrap();
    if is_clean {
        db.close().unwrap();
        drop(world);
        return (disk, shown);
    }
    kill(&world, db);
    (disk.process_crash(), shown)
}

/// What a reading of everything came to.
pub fn read_all(db: &Db) -> Result<Shown, Trouble> {
    let shown = show(db)?;
    for name in db.keyspace_names() {
        let keyspace = db.keyspace(&name)?;
        if keyspace.count(..)? != shown[&name].len() as u64 {
            return Err(Trouble::Wrong(format!("{name}: a count and a scan differ")));
        }
    }
    Ok(shown)
}
