//! The golden directories: databases that were written once and open for ever.
//!
//! `tests/golden/v1` holds one that was closed in order and one that was not, each beside a listing
//! of what it holds. Today's code must open them, and must still write exactly these bytes: if it
//! does not, the format has changed, and that is a decision and not an accident.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lsm_core::base::checksum::FileCrc;
use lsm_core::env::sim::disk::SimDisk;
use lsm_core::options::durability::Durability;
use lsm_core::options::log_mode::LogMode;
use lsm_core::version::edit::Edit;

use crate::script::{PATH, kill, open};
use crate::specimen::{Files, files_of};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1").join(name)
}

/// Writes the database with everything that the format has.
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

/// What the database holds, as text, and the checks of its files.
fn listing(disk: &SimDisk) -> String {
    let mut text = String::new();
    let names = plain(&disk.process_crash());
    for (name, bytes) in names.iter().filter(|(name, _)| *name != "db.lock") {
        writeln!(text, "file {name} {} bytes crc32 {:08x}", bytes.len(), crc(bytes)).unwrap();
    }
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

const BOTH: [(&str, bool); 2] = [("closed", true), ("unclean", false)];

#[test]
fn golden_directories_open() {
    for (name, is_closed) in BOTH {
        let expected = std::fs::read_to_string(folder(&format!("{name}.txt"))).unwrap();
        let found = listing(&planted(name));
        assert_eq!(found, expected, "{name}");
        assert!(found.contains(&format!("closed {is_closed}")), "{name}");
    }
}

#[test]
fn todays_code_writes_the_golden_bytes() {
    for (name, is_closed) in BOTH {
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
    for (name, _) in BOTH {
        let disk = planted(name);
        let (world, opened) = open(&disk, LogMode::Write, 3);
        let journal = opened.unwrap().0;
        let files = plain(&disk);
        for (number, entry) in journal.catalog().unwrap().logs {
            let Some(seal) = entry.seal else { continue };
            let bytes = &files[&format!("{number:06}.wal")];
            assert_eq!(seal.end, bytes.len() as u64, "{name}: segment {number}");
            assert_eq!(seal.crc, crc(bytes), "{name}: segment {number}");
            sealed += 1;
        }
        kill(&world, journal);
    }
    assert!(sealed >= 3, "only {sealed} segments are sealed");
}

/// Writes the golden directories anew: only for a format that nobody has used yet.
#[test]
#[ignore = "changes the committed files: make golden"]
fn golden_rewrite() {
    for (name, is_closed) in BOTH {
        let disk = write(is_closed);
        let _may_be_absent = std::fs::remove_dir_all(folder(name));
        std::fs::create_dir_all(folder(name)).unwrap();
        for (file, bytes) in plain(&disk) {
            std::fs::write(folder(name).join(file), bytes).unwrap();
        }
        std::fs::write(folder(&format!("{name}.txt")), listing(&disk)).unwrap();
    }
}
