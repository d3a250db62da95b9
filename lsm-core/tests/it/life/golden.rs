//! The golden directories: databases that were written once and open for ever.
//!
//! `tests/golden/v1` holds two that were closed in order and two that were not, each beside a
//! listing of what it holds: one pair is of the ground alone, one of the engine, with tables.
//! Today's code must open them, and must still write exactly these bytes: if it does not, the
//! format has changed, and that is a decision and not an accident.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lsm_core::base::checksum::FileCrc;
use lsm_core::base::error::Result;
use lsm_core::env::sim::disk::SimDisk;
use lsm_core::env::sim::world::SimWorld;
use lsm_core::journal::follow::Follow;
use lsm_core::journal::handle::Journal;
use lsm_core::key::seqno::SeqNo;
use lsm_core::options::durability::Durability;
use lsm_core::options::log_mode::LogMode;
use lsm_core::version::catalog::Catalog;
use lsm_core::version::edit::Edit;
use lsm_core::wal::chain::Replayed;
use lsm_core::wal::chain::follow::Taken;

use crate::harness::disk::{Files, PATH, files_of};
use crate::harness::engine::reference::Pairs;
use crate::harness::engine::rich::{open_at, options, read_all, rich};
use crate::harness::engine::subject;
use crate::harness::ground::subject::{kill, open};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1").join(name)
}

/// Writes a log and a manifest with everything that their formats have.
fn write(is_closed: bool) -> SimDisk {
    let disk = SimDisk::new();
    let (world, opened) = open(&disk, LogMode::Write, 1);
    let journal = opened.unwrap().0;
    let append = |text: &str, count, durability| {
        journal.append(text.as_bytes(), count, durability).unwrap();
    };
    append("retired before long", 1, Durability::Durable);
    journal.rotate().unwrap();
    append("one", 1, Durability::Buffered);
    append("", 1, Durability::Buffered);
    append("three entries in a batch", 3, Durability::Durable);
    journal.commit(&[Edit::LogStart(journal.log_number().unwrap())], &mut |_| ()).unwrap();
    let first = journal.create_keyspace("first", "").unwrap();
    journal.create_keyspace("zweiter Raum", "").unwrap();
    append("never logged", 2, Durability::Volatile);
    journal.rotate().unwrap();
    append("behind a gap in the numbers", 1, Durability::Buffered);
    journal.commit(&[Edit::KeyspaceDropped(first)], &mut |_| ()).unwrap();
    for _ in 0..4 {
        world.clock.advance(Duration::from_secs(1));
        world.scheduler.run_until_idle();
    }
    append("the last one", 1, Durability::Buffered);
    if is_closed {
        journal.close().unwrap();
    } else {
        kill(&world, journal);
    }
    disk
}

/// The files by their plain names.
fn plain(disk: &SimDisk) -> Files {
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    files_of(disk).into_iter().map(|(path, bytes)| (name(&path), bytes)).collect()
}

/// The files, and what anybody can check of them.
fn files(disk: &SimDisk) -> String {
    let mut text = String::new();
    let names = plain(&disk.process_crash());
    for (name, bytes) in names.iter().filter(|(name, _)| *name != "db.lock") {
        writeln!(text, "file {name} {} bytes crc32 {:08x}", bytes.len(), crc(bytes)).unwrap();
    }
    text
}

/// What the ground holds, as text.
fn list_ground(disk: &SimDisk) -> String {
    let mut text = files(disk);
    let (world, opened) = open(&disk.process_crash(), LogMode::Write, 2);
    let (journal, report, recovered) = opened.unwrap();
    writeln!(text, "closed {}", report.was_clean).unwrap();
    for (first, count, payload) in &recovered.batches {
        let payload = String::from_utf8_lossy(payload);
        writeln!(text, "batch {first} +{count} {payload:?}").unwrap();
    }
    for (id, name) in journal.catalog().unwrap().keyspaces {
        writeln!(text, "keyspace {} {name:?}", id.get()).unwrap();
    }
    let next = journal.append(b"next", 1, Durability::Volatile).unwrap();
    writeln!(text, "next {}", next.get()).unwrap();
    kill(&world, journal);
    text
}

/// What the engine holds, as text.
fn list_engine(disk: &SimDisk) -> String {
    let mut text = files(disk);
    let (world, opened) = open_at(&disk.process_crash(), options(), 2);
    let db = opened.unwrap();
    writeln!(text, "closed {}", db.open_report().was_clean).unwrap();
    let shown = read_all(&db).unwrap_or_else(|trouble| panic!("{trouble}"));
    for (name, pairs) in shown {
        let options = db.keyspace(&name).unwrap().options();
        let (count, crc) = (pairs.len(), crc(&in_a_row(&pairs)));
        writeln!(text, "keyspace {name:?} {options} has {count} pairs crc32 {crc:08x}").unwrap();
    }
    db.verify().unwrap();
    writeln!(text, "next {}", db.put("next", "").unwrap().get()).unwrap();
    subject::kill(&world, db);
    text
}

/// All keys and values, each behind its length in four bytes.
fn in_a_row(pairs: &Pairs) -> Vec<u8> {
    let parts = pairs.iter().flat_map(|(key, value)| [key.as_slice(), value]);
    parts.flat_map(|part| [&(part.len() as u32).to_le_bytes(), part].concat()).collect()
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = FileCrc::new();
    crc.update(bytes);
    crc.finish()
}

/// The committed directory on a simulated disk.
fn planted(name: &str) -> SimDisk {
    let disk = SimDisk::new();
    for entry in std::fs::read_dir(folder(name)).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        disk.plant(&format!("{PATH}/{name}"), &std::fs::read(&path).unwrap()).unwrap();
    }
    disk
}

struct Golden {
    name: &'static str,
    is_closed: bool,
    write: fn(bool) -> SimDisk,
    list: fn(&SimDisk) -> String,
}

const fn ground(name: &'static str, is_closed: bool) -> Golden {
    Golden { name, is_closed, write, list: list_ground }
}

const fn engine(name: &'static str, is_closed: bool) -> Golden {
    Golden { name, is_closed, write: |is_closed| rich(is_closed).0, list: list_engine }
}

const ALL: [Golden; 4] = [
    ground("closed", true),
    ground("unclean", false),
    engine("tables-closed", true),
    engine("tables-unclean", false),
];

#[test]
fn golden_directories_open() {
    for Golden { name, is_closed, list, .. } in ALL {
        let expected = std::fs::read_to_string(folder(&format!("{name}.txt"))).unwrap();
        let found = list(&planted(name));
        assert_eq!(found, expected, "{name}");
        assert!(found.contains(&format!("closed {is_closed}")), "{name}");
    }
}

#[test]
fn todays_code_writes_the_golden_bytes() {
    for Golden { name, is_closed, write, .. } in ALL {
        let (today, golden) = (plain(&write(is_closed)), plain(&planted(name)));
        assert!(today.keys().eq(golden.keys()), "{name}: {:?}", today.keys());
        for (file, bytes) in &today {
            let differs = bytes.iter().zip(&golden[file]).position(|(ours, theirs)| ours != theirs);
            assert!(*bytes == golden[file], "{name}/{file} differs at {differs:?}");
        }
    }
}

#[test]
fn sealed_logs_have_the_crc_that_the_manifest_says() {
    let mut sealed = 0;
    for Golden { name, .. } in ALL {
        let disk = planted(name);
        let env = SimWorld::from_disk(disk.clone(), 3).env();
        let lease = Duration::from_secs(1);
        let opened = Journal::open_read_only(&env, Path::new(PATH), lease, &mut Nobody);
        let (journal, files) = (opened.unwrap().0, plain(&disk));
        for (number, entry) in journal.catalog().unwrap().logs {
            let Some(seal) = entry.seal else { continue };
            let bytes = &files[&format!("{number:06}.wal")];
            assert_eq!(seal.end, bytes.len() as u64, "{name}: segment {number}");
            assert_eq!(seal.crc, crc(bytes), "{name}: segment {number}");
            sealed += 1;
        }
        journal.close().unwrap();
    }
    assert!(sealed >= 3, "only {sealed} segments are sealed");
}

/// Takes nothing in.
struct Nobody;

impl Follow for Nobody {
    fn begin(&mut self) -> Result<()> {
        Ok(())
    }

    fn forget_up_to(&mut self, _: SeqNo) -> Result<bool> {
        Ok(true)
    }

    fn take_in(&mut self, _: &Catalog, _: &Replayed<'_>) -> Result<Taken> {
        Ok(Taken::Yes)
    }
}

/// Writes the golden directories anew: only for a format that nobody has used yet.
#[test]
#[ignore = "changes the committed files: make golden"]
fn golden_rewrite() {
    for Golden { name, is_closed, write, list } in ALL {
        let disk = write(is_closed);
        let _may_be_absent = std::fs::remove_dir_all(folder(name));
        std::fs::create_dir_all(folder(name)).unwrap();
        for (file, bytes) in plain(&disk) {
            std::fs::write(folder(name).join(file), bytes).unwrap();
        }
        std::fs::write(folder(&format!("{name}.txt")), list(&disk)).unwrap();
    }
}
