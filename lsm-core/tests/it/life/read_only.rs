//! Read-only: a database is read from where it lies, and nothing but a slot in the lock file
//! changes, whatever is asked of it. What it sees beside a writer is in `engine/readers.rs`.

use std::path::Path;

use lsm_core::api::db::Db;
use lsm_core::base::error::{Error, ErrorKind, Result};
use lsm_core::env::sim::disk::SimDisk;
use lsm_core::options::database::Options;
use lsm_core::options::durability::{Durability, IfMissing};
use lsm_core::options::write::WriteOptions;

use crate::harness::disk::{Files, PATH, files_of};
use crate::harness::engine::rich::{fill, open_at, options, read_all, reading, rich};
use crate::harness::engine::subject::kill;
use crate::machine::kit::TempDir;

const LOCK: &str = "db.lock";
/// Where the slots of readers begin in the lock file.
const SLOTS_AT: usize = 4096;

/// The files, the lock file without the slots of readers.
fn kept(disk: &SimDisk) -> Files {
    let mut files = files_of(disk);
    for (path, bytes) in &mut files {
        if path.ends_with(LOCK) {
            bytes.truncate(SLOTS_AT);
            while bytes.last() == Some(&0) {
                bytes.pop();
            }
        }
    }
    files
}

fn kind<T: std::fmt::Debug>(answer: Result<T>) -> ErrorKind {
    answer.map_err(|error| error.kind()).unwrap_err()
}

/// Asks for every call that writes.
fn ask_for_writes(db: &Db) {
    let read_only = |error: Error, what: &str| {
        assert_eq!(error.kind(), ErrorKind::ReadOnly, "{what}: {error:?}");
    };
    let options = WriteOptions::new().durability(Durability::Volatile);
    let keyspace = db.keyspace("plain").unwrap();
    let mut batch = db.batch();
    batch.put(&keyspace, "a", "b").delete(&keyspace, "c");
    read_only(db.put("a", "b").unwrap_err(), "put");
    read_only(db.put_with("a", "b", &options).unwrap_err(), "put_with");
    read_only(db.delete("a").unwrap_err(), "delete");
    read_only(db.delete_range("a".."b").unwrap_err(), "delete_range");
    read_only(db.delete_range("b".."a").unwrap_err(), "delete_range of nothing");
    read_only(db.write(&batch).unwrap_err(), "write");
    read_only(db.write(&db.batch()).unwrap_err(), "write of nothing");
    read_only(keyspace.flush().unwrap_err(), "flush");
    read_only(keyspace.compact(..).unwrap_err(), "compact");
    read_only(keyspace.compact("b".."a").unwrap_err(), "compact of nothing");
    read_only(db.sync().unwrap_err(), "sync");
    read_only(db.wait_durable(db.durable_seqno()).unwrap_err(), "wait_durable");
    read_only(db.resume().unwrap_err(), "resume");
    read_only(db.keyspace("new").unwrap_err(), "keyspace");
    read_only(db.drop_keyspace("plain").unwrap_err(), "drop_keyspace");
    read_only(db.drop_keyspace("nowhere").unwrap_err(), "drop_keyspace of none");
}

#[test]
pub fn a_database_is_read_where_it_lies() {
    for is_clean in [true, false] {
        let (disk, shown) = rich(is_clean);
        let before = kept(&disk);
        disk.record_trace(true);
        let (world, opened) = open_at(&disk, reading(), 12);
        let db = opened.unwrap();
        assert_eq!(db.open_report().was_clean, is_clean);
        assert_eq!(db.open_report().notes, Vec::<String>::new());
        assert_eq!(read_all(&db).unwrap(), shown, "clean: {is_clean}");
        ask_for_writes(&db);
        db.verify().unwrap();
        db.wait_idle().unwrap();
        let snapshot = db.snapshot().unwrap();
        assert_eq!(db.at(&snapshot).count(..).unwrap(), db.count(..).unwrap());
        assert!(db.fault().is_none());
        db.close().unwrap();
        drop(world);
        let changes = disk.trace().into_iter().filter(|op| op.kind.is_crash_point());
        for op in changes {
            let is_slot = op.path.ends_with(LOCK) && op.offset >= SLOTS_AT as u64;
            assert!(is_slot, "{op}");
        }
        assert_eq!(kept(&disk), before);

        // And a writer finds it as it was.
        let (_world, opened) = open_at(&disk, options(), 13);
        let db = opened.unwrap();
        assert_eq!(db.open_report().was_clean, is_clean);
        assert_eq!(read_all(&db).unwrap(), shown);
    }
}

#[test]
fn a_read_only_medium_is_read_without_a_slot() {
    let (disk, shown) = rich(false);
    let before = files_of(&disk);
    disk.set_read_only(true);
    assert_eq!(kind(open_at(&disk, options(), 14).1), ErrorKind::ReadOnly);
    let (_world, opened) = open_at(&disk, reading(), 15);
    let db = opened.unwrap();
    let notes = &db.open_report().notes;
    assert!(notes.len() == 1 && notes[0].contains("no slot"), "{notes:?}");
    assert_eq!(db.readers().unwrap(), []);
    assert_eq!(read_all(&db).unwrap(), shown);
    ask_for_writes(&db);
    drop(db);
    assert_eq!(files_of(&disk), before);
}

#[test]
fn readers_stand_beside_each_other_and_beside_a_writer() {
    let (disk, shown) = rich(true);
    let (world, opened) = open_at(&disk, options(), 16);
    let writer = opened.unwrap();
    let readers: Vec<_> = (0..3).map(|seed| open_at(&disk, reading(), seed).1.unwrap()).collect();
    let error = open_at(&disk, options(), 18).1.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    let pid = world.env().host.process_id().to_string();
    assert!(error.to_string().contains(&pid), "{error}");
    for reader in &readers {
        assert_eq!(read_all(reader).unwrap(), shown);
        assert_eq!(reader.readers().unwrap().len(), 3);
    }
    assert_eq!(writer.readers().unwrap().len(), 3);
    writer.close().unwrap();
    // One writer goes and another comes: that is all the same to them.
    let next = open_at(&disk, options(), 18).1.unwrap();
    for reader in &readers {
        assert_eq!(read_all(reader).unwrap(), shown);
        reader.refresh().unwrap();
        assert_eq!(read_all(reader).unwrap(), shown);
    }
    drop(readers);
    assert_eq!(next.readers().unwrap(), []);
    next.close().unwrap();
    open_at(&disk, options(), 19).1.unwrap().close().unwrap();
}

#[test]
fn a_closed_reader_is_closed_while_its_handles_live() {
    let (disk, _) = rich(true);
    let reader = open_at(&disk, reading(), 20).1.unwrap();
    let keyspace = reader.keyspace("tiered").unwrap();
    let mut range = keyspace.iter();
    range.next().unwrap().unwrap();
    reader.close().unwrap();
    let writer = open_at(&disk, options(), 21).1.unwrap();
    assert_eq!(kind(keyspace.get("a")), ErrorKind::Closed);
    assert_eq!(range.count(), 39);
    writer.close().unwrap();
}

#[test]
fn reading_makes_no_database() {
    let disk = SimDisk::new();
    for if_missing in [IfMissing::Create, IfMissing::Fail] {
        let options = reading().if_missing(if_missing);
        assert_eq!(kind(open_at(&disk, options, 22).1), ErrorKind::InvalidArgument);
    }
    assert_eq!(disk.paths(), SimDisk::new().paths());
    // A directory of somebody else, and one that a crash left before there was a database.
    disk.plant(&format!("{PATH}/letter.txt"), b"dear").unwrap();
    assert_eq!(kind(open_at(&disk, reading(), 23).1), ErrorKind::Format);
    let disk = SimDisk::new();
    disk.plant(&format!("{PATH}/000001.manifest"), b"").unwrap();
    let before = files_of(&disk);
    assert_eq!(kind(open_at(&disk, reading(), 24).1), ErrorKind::InvalidArgument);
    assert_eq!(files_of(&disk), before);
}

#[test]
fn options_that_contradict_each_other_are_refused_with_the_reason() {
    let disk = SimDisk::new();
    let all = [
        (reading().if_missing(IfMissing::MustBeMissing), "read-only"),
        (reading().durability(Durability::Durable), "durable"),
        (Options::new().memory_limit(1), "memory_limit"),
        (Options::new().memtable_bytes(1), "memtable_bytes"),
        (Options::new().memory_limit(16 << 20).memtable_bytes(12 << 20), "half"),
        (Options::new().background_threads(0), "background_threads"),
        (Options::new().background_threads(1000), "background_threads"),
        (Options::new().log_segment_bytes_max(1), "log_segment_bytes_max"),
    ];
    for (options, reason) in all {
        let error = open_at(&disk, options, 25).1.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error:?}");
        assert!(error.to_string().contains(reason), "{error} does not say {reason}");
    }
    assert_eq!(disk.paths(), SimDisk::new().paths(), "nothing was made");
}

#[test]
fn a_reader_that_was_killed_keeps_nobody_out() {
    let (disk, shown) = rich(true);
    let (world, opened) = open_at(&disk, reading(), 26);
    kill(&world, opened.unwrap());
    let disk = disk.process_crash();
    let (_world, opened) = open_at(&disk, options(), 27);
    assert_eq!(read_all(&opened.unwrap()).unwrap(), shown);
}

#[test]
fn on_the_machine_every_byte_and_every_name_stays() {
    let dir = TempDir::new();
    let open = |options: Options| Db::builder(dir.db()).options(options).open();
    let writer = open(options()).unwrap();
    fill(&writer).unwrap();
    writer.wait_idle().unwrap();
    let shown = read_all(&writer).unwrap();
    writer.close().unwrap();
    let before = on_machine(&dir.db());
    let readers = [open(reading()).unwrap(), open(reading()).unwrap()];
    for reader in &readers {
        assert_eq!(read_all(reader).unwrap(), shown);
        ask_for_writes(reader);
    }
    let error = Db::destroy(dir.db()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked, "{error:?}");
    let message = format!("process {} reads", std::process::id());
    assert!(error.to_string().contains(&message), "{error}");
    drop(readers);
    assert_eq!(on_machine(&dir.db()), before);
    // Without a lock file there is no slot, and that is said.
    std::fs::remove_file(dir.db().join(LOCK)).unwrap();
    let before = on_machine(&dir.db());
    let reader = open(reading()).unwrap();
    assert!(reader.open_report().notes[0].contains("no lock file"));
    assert_eq!(read_all(&reader).unwrap(), shown);
    drop(reader);
    assert_eq!(on_machine(&dir.db()), before);
}

/// Every name with its bytes, the lock file without the slots of readers.
fn on_machine(dir: &Path) -> Files {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    let read = |entry: std::fs::DirEntry| {
        let mut bytes = std::fs::read(entry.path()).unwrap();
        let name = entry.file_name().into_string().unwrap();
        if name == LOCK {
            bytes.resize(SLOTS_AT, 0);
        }
        (name, bytes)
    };
    entries.map(read).collect()
}
