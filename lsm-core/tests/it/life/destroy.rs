//! Destroying: a database's own files go, nothing else does, and a crash in the middle leaves what
//! opens as it was, or what is refused and can be destroyed.

use std::path::Path;

use lsm_core::api::db::Db;
use lsm_core::base::error::{ErrorKind, Result};
use lsm_core::env::sim::crash::CrashPolicy;
use lsm_core::env::sim::disk::SimDisk;
use lsm_core::env::sim::world::SimWorld;
use lsm_core::journal::destroy::Destroyed;

use crate::harness::disk::{PATH, files_of};
use crate::harness::engine::rich::{fill, open_at, options, read_all, reading, rich};
use crate::machine::kit::TempDir;

fn destroy(disk: &SimDisk) -> Result<Destroyed> {
    let world = SimWorld::from_disk(disk.clone(), 77);
    Db::builder(Path::new(PATH)).env(world.env()).destroy()
}

#[test]
fn all_of_a_database_goes_and_nothing_else() {
    for is_clean in [true, false] {
        let (disk, _) = rich(is_clean);
        let count = files_of(&disk).len() as u64;
        assert_eq!(destroy(&disk).unwrap(), Destroyed { files: count, left: Vec::new() });
        assert!(files_of(&disk).is_empty());
        assert_eq!(destroy(&disk).unwrap_err().kind(), ErrorKind::InvalidArgument);
        // The place is free for another.
        let (_world, opened) = open_at(&disk, options(), 31);
        assert!(opened.unwrap().open_report().is_new);
    }
}

#[test]
fn foreign_files_stay_and_are_told() {
    let (disk, _) = rich(true);
    let foreign = [
        (format!("{PATH}/letter.txt"), b"dear".to_vec()),
        (format!("{PATH}/900000.sst"), b"a table of some other program".to_vec()),
        (format!("{PATH}/900001.wal"), vec![7; 4096]),
    ];
    for (path, bytes) in &foreign {
        disk.plant(path, bytes).unwrap();
    }
    let done = destroy(&disk).unwrap();
    assert_eq!(done.left, ["letter.txt", "900001.wal", "900000.sst"]);
    assert_eq!(files_of(&disk), foreign.into_iter().collect());
}

#[test]
fn an_open_database_is_locked() {
    let (disk, shown) = rich(true);
    for options in [options(), reading()] {
        let (_world, opened) = open_at(&disk, options, 32);
        let db = opened.unwrap();
        let before = files_of(&disk);
        assert_eq!(destroy(&disk).unwrap_err().kind(), ErrorKind::Locked);
        assert_eq!(files_of(&disk), before);
        assert_eq!(read_all(&db).unwrap(), shown);
    }
}

#[test]
fn what_is_no_database_is_refused_untouched() {
    let disk = SimDisk::new();
    assert_eq!(destroy(&disk).unwrap_err().kind(), ErrorKind::InvalidArgument);
    let foreign = ["letter.txt", "000001.sst", "000002.wal", "000003.manifest", "db.lock"];
    for name in foreign {
        disk.plant(&format!("{PATH}/{name}"), b"of another program, this long").unwrap();
        let before = files_of(&disk);
        disk.record_trace(true);
        assert_eq!(destroy(&disk).unwrap_err().kind(), ErrorKind::InvalidArgument, "{name}");
        assert!(disk.trace().iter().all(|op| !op.kind.is_crash_point()), "{name}");
        assert_eq!(files_of(&disk), before);
    }
    let dir = TempDir::new();
    assert_eq!(Db::destroy(dir.db()).unwrap_err().kind(), ErrorKind::InvalidArgument);
    std::fs::create_dir(dir.db()).unwrap();
    assert_eq!(Db::destroy(dir.db()).unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(std::fs::read_dir(dir.db()).unwrap().count(), 0);
}

#[test]
fn a_damaged_database_can_be_destroyed() {
    for end in ["a.head", ".manifest", ".sst", ".wal"] {
        let (disk, _) = rich(true);
        for (path, bytes) in files_of(&disk).into_iter().filter(|(path, _)| path.ends_with(end)) {
            let mut bytes = bytes;
            bytes[100] ^= 1;
            disk.plant(&path, &bytes).unwrap();
        }
        assert_eq!(destroy(&disk).unwrap().left, Vec::<std::ffi::OsString>::new(), "{end}");
        assert!(files_of(&disk).is_empty());
    }
    // Heads that both are gone, with all the data there.
    let (disk, _) = rich(true);
    for head in ["a.head", "b.head"] {
        disk.remove(&format!("{PATH}/{head}")).unwrap();
    }
    assert_eq!(open_at(&disk, options(), 33).1.unwrap_err().kind(), ErrorKind::Corruption);
    destroy(&disk).unwrap();
    assert!(files_of(&disk).is_empty());
}

#[test]
fn a_crash_leaves_what_opens_or_what_can_be_destroyed() {
    let (disk, shown) = rich(false);
    disk.record_history(true);
    destroy(&disk).unwrap();
    let (mut opened, mut refused, mut empty) = (0, 0, 0);
    for (seed, moment) in disk.history().iter().enumerate() {
        let mut images: Vec<SimDisk> = CrashPolicy::ALL
            .iter()
            .map(|&policy| SimDisk::crashed(moment, policy, seed as u64))
            .collect();
        images.push(SimDisk::killed(moment));
        for image in images {
            match open_at(&image, reading(), 34).1 {
                Ok(db) => {
                    assert_eq!(read_all(&db).unwrap(), shown);
                    opened += 1;
                }
                Err(error) if error.kind() == ErrorKind::Corruption => refused += 1,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error:?}");
                    empty += 1;
                }
            }
            match destroy(&image) {
                Ok(done) => assert!(done.left.is_empty(), "{done:?}"),
                Err(error) => assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error:?}"),
            }
            let left = files_of(&image);
            // An empty lock file tells nothing; whoever makes a database here takes it over.
            assert!(left.iter().all(|(path, _)| path.ends_with("db.lock")), "{:?}", left.keys());
        }
    }
    assert!(opened > 0 && refused > 0 && empty > 0, "{opened} {refused} {empty}");
}

#[test]
fn on_the_machine() {
    let dir = TempDir::new();
    let db = Db::builder(dir.db()).options(options()).open().unwrap();
    fill(&db).unwrap();
    let error = Db::destroy(dir.db()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
    db.close().unwrap();
    std::fs::write(dir.db().join("letter.txt"), "dear").unwrap();
    assert_eq!(Db::destroy(dir.db()).unwrap().left, ["letter.txt"]);
    let names: Vec<_> =
        std::fs::read_dir(dir.db()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(names, ["letter.txt"]);
}
