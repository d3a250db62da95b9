//! Damage to tables: a flipped byte, a missing end, a zeroed block, tables that are gone, swapped
//! or somebody else's. Opening, reading everything and verifying give right data or an error that
//! names the file, and nothing on the disk changes.

use std::ffi::OsStr;
use std::path::Path;

use lsm_core::api::db::Db;
use lsm_core::base::error::{Error, ErrorKind};
use lsm_core::env::sim::disk::SimDisk;

use crate::harness::disk::{PATH, files_of};
use crate::harness::engine::reference::Shown;
use crate::harness::engine::rich::{open_at, read_all, reading, rich};
use crate::harness::engine::subject::Trouble;

/// What became of damage.
#[derive(Debug, Default)]
struct Tally {
    refused: u64,
    met: u64,
    verified: u64,
}

struct Story {
    disk: SimDisk,
    shown: Shown,
    tables: Vec<String>,
    tally: Tally,
}

impl Story {
    fn new() -> Self {
        let (disk, shown) = rich(false);
        let tables: Vec<String> =
            files_of(&disk).into_keys().filter(|path| path.ends_with(".sst")).collect();
        assert!(tables.len() > 1, "{tables:?}");
        Self { disk, shown, tables, tally: Tally::default() }
    }

    /// Judges the disk as it is, where `path` is damaged.
    fn judge(&mut self, disk: &SimDisk, path: &str, what: &str) {
        let before = disk.image_hash();
        self.open_and_read(disk, path, what);
        // The slot of the reader is all that may be new.
        if disk.image_hash() != before {
            let (was, is) = (files_of(&self.disk), files_of(disk));
            let changed = |name: &&String| was.get(*name) != is.get(*name);
            let changed: Vec<_> = is.keys().filter(changed).collect();
            let is_known = |name: &&&String| name.ends_with("db.lock") || name.as_str() == path;
            assert!(changed.iter().all(|name| is_known(&name)), "{what}: {changed:?}");
        }
    }

    fn open_and_read(&mut self, disk: &SimDisk, path: &str, what: &str) {
        let db = match open_at(disk, reading(), 51).1 {
            Ok(db) => db,
            Err(error) => {
                is_typed(&error, path, what);
                self.tally.refused += 1;
                return;
            }
        };
        match read_all(&db) {
            Ok(found) => assert!(found == self.shown, "{what}: wrong data"),
            Err(Trouble::Failed(error)) => {
                is_typed(&error, path, what);
                self.tally.met += 1;
            }
            Err(Trouble::Wrong(why)) => panic!("{what}: {why}"),
        }
        self.ask_each(&db, path, what);
        match db.verify() {
            Ok(()) => panic!("{what}: verify finds nothing"),
            Err(error) => is_typed(&error, path, what),
        }
        self.tally.verified += 1;
    }

    /// Gets that another damaged place does not stand in the way of.
    fn ask_each(&self, db: &Db, path: &str, what: &str) {
        for (name, pairs) in &self.shown {
            let keyspace = if name == "default" {
                db.default_keyspace().clone()
            } else {
                match db.keyspace(name) {
                    Ok(keyspace) => keyspace,
                    Err(error) => return is_typed(&error, path, what),
                }
            };
            for (key, value) in pairs.iter().step_by(7) {
                match keyspace.get(key) {
                    Ok(found) => assert_eq!(found.as_deref(), Some(&value[..]), "{what}"),
                    Err(error) => is_typed(&error, path, what),
                }
            }
        }
    }

    /// Every byte, each end and each block, or so many of them.
    fn damage_all(&mut self, stride: usize) {
        for path in self.tables.clone() {
            let whole = self.disk.contents(&path).unwrap();
            for at in (0..whole.len()).step_by(stride) {
                for mask in [0x01, 0x80] {
                    let disk = self.disk.clone();
                    disk.rot(&path, at as u64, mask).unwrap();
                    self.judge(&disk, &path, &format!("{path}: byte {at} ^ {mask:#x}"));
                    disk.rot(&path, at as u64, mask).unwrap();
                }
            }
            for len in (0..whole.len()).step_by(stride.max(37)) {
                let disk = self.disk.process_crash();
                disk.plant(&path, &whole[..len]).unwrap();
                self.judge(&disk, &path, &format!("{path}: cut to {len}"));
            }
            for at in (0..whole.len()).step_by(512 * (1 + stride / 64)) {
                let end = whole.len().min(at + 512);
                let mut bytes = whole.clone();
                bytes[at..end].fill(0);
                if bytes == whole {
                    continue;
                }
                let disk = self.disk.process_crash();
                disk.plant(&path, &bytes).unwrap();
                self.judge(&disk, &path, &format!("{path}: zeros from {at}"));
            }
        }
        println!("{:?}", self.tally);
        assert!(self.tally.refused > 0 && self.tally.met > 0 && self.tally.verified > 0);
    }
}

fn is_typed(error: &Error, path: &str, what: &str) {
    let is_kind = matches!(error.kind(), ErrorKind::Corruption | ErrorKind::Format);
    assert!(is_kind, "{what}: {error:?}");
    assert_eq!(
        error.path().and_then(Path::file_name),
        Path::new(path).file_name(),
        "{what}: {error:?}"
    );
    assert!(error.offset().is_some(), "{what}: {error:?}");
}

#[test]
fn damaged_tables_give_right_data_or_an_error_that_names_them() {
    Story::new().damage_all(211);
}

#[test]
#[ignore = "every byte"]
fn prove_each_byte_of_each_table_is_watched() {
    Story::new().damage_all(1);
}

#[test]
fn missing_foreign_and_swapped_tables_are_told() {
    let mut story = Story::new();
    let tables = story.tables.clone();
    for path in &tables {
        let disk = story.disk.process_crash();
        disk.remove(path).unwrap();
        story.judge(&disk, path, "missing");
        // As long as it was, and somebody else's.
        let len = story.disk.contents(path).unwrap().len();
        let disk = story.disk.process_crash();
        disk.plant(path, &vec![0x5a; len]).unwrap();
        story.judge(&disk, path, "foreign");
    }
    for pair in tables.windows(2) {
        let (one, two) = (story.disk.contents(&pair[0]), story.disk.contents(&pair[1]));
        let (mut one, mut two) = (one.unwrap(), two.unwrap());
        for is_padded in [false, true] {
            let (to_one, to_two) = (one.len(), two.len());
            if is_padded {
                // As long as the manifest says, so that only what is in them tells.
                two.resize(to_one, 0);
                one.resize(to_two, 0);
            }
            let disk = story.disk.process_crash();
            disk.plant(&pair[0], &two).unwrap();
            disk.plant(&pair[1], &one).unwrap();
            match open_at(&disk, reading(), 52).1 {
                Err(error) => is_of(&error, pair),
                Ok(db) => {
                    match read_all(&db) {
                        Ok(found) => assert!(found == story.shown),
                        Err(Trouble::Failed(error)) => is_of(&error, pair),
                        Err(Trouble::Wrong(why)) => panic!("{why}"),
                    }
                    is_of(&db.verify().unwrap_err(), pair);
                }
            }
        }
    }
    assert!(tables.iter().all(|path| path.starts_with(PATH)));
}

fn is_of(error: &Error, pair: &[String]) {
    assert_eq!(error.kind(), ErrorKind::Corruption, "{error:?}");
    let name = error.path().and_then(Path::file_name).and_then(OsStr::to_str).unwrap().to_owned();
    assert!(pair.iter().any(|path| path.ends_with(&name)), "{error:?}");
}
