//! Bad input: what is not ours, too new, held, read-only or misshapen has an error of its own, and
//! nothing is created, changed or deleted.

use std::path::Path;

use lsm_core::base::checksum::hash64;
use lsm_core::base::error::{Error, ErrorKind};
use lsm_core::env::sim::disk::SimDisk;
use lsm_core::env::sim::op::OpKind;
use lsm_core::env::sim::world::SimWorld;
use lsm_core::journal::handle::Journal;
use lsm_core::journal::options::JournalOptions;
use lsm_core::key::seqno::SeqNo;
use lsm_core::options::durability::{Durability, IfMissing};
use lsm_core::options::log_mode::LogMode;
use lsm_core::record::frame::{Frame, Payload, Place, RecordType, padded_len};
use lsm_core::record::header::{FileHeader, FileKind};

use crate::harness::disk::{PATH, files_of};
use crate::harness::ground::specimen::Specimen;
use crate::harness::ground::subject::options;

fn open_with(disk: &SimDisk, if_missing: IfMissing) -> Result<Journal, Error> {
    let options = JournalOptions { if_missing, ..options(LogMode::Write) };
    let world = SimWorld::from_disk(disk.clone(), 4711);
    Journal::open(&world.env(), Path::new(PATH), options, &mut |_, _| Ok(()))
        .map(|(journal, _)| journal)
}

fn open(disk: &SimDisk) -> Result<Journal, Error> {
    open_with(disk, IfMissing::Create)
}

/// Opens, and expects this kind of error and a disk that nobody has touched.
fn refused_with(disk: &SimDisk, if_missing: IfMissing, kind: ErrorKind) -> Error {
    let (files, paths) = (files_of(disk), disk.paths());
    disk.record_trace(true);
    let error = open_with(disk, if_missing).expect_err("the opening must fail");
    assert_eq!(error.kind(), kind, "{error:?}");
    let change = disk.trace().into_iter().find(|op| op.kind.is_crash_point());
    assert!(change.is_none(), "{error:?}: but {}", change.unwrap());
    assert_eq!((files_of(disk), disk.paths()), (files, paths));
    error
}

pub fn refused(disk: &SimDisk, kind: ErrorKind) -> Error {
    refused_with(disk, IfMissing::Create, kind)
}

fn specimen() -> Specimen {
    Specimen::closed(LogMode::Write, 1)
}

fn named(specimen: &Specimen, end: &str) -> String {
    specimen.files.keys().rfind(|path| path.ends_with(end)).unwrap().clone()
}

/// The file with some bytes of its header changed, under a header check that fits.
pub fn with_header(bytes: &[u8], offset: usize, patch: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[offset..offset + patch.len()].copy_from_slice(patch);
    let check = hash64(&bytes[..120]);
    bytes[120..128].copy_from_slice(&check.to_le_bytes());
    if bytes.len() == 184 {
        let check = hash64(&bytes[..176]);
        bytes[176..].copy_from_slice(&check.to_le_bytes());
    }
    bytes
}

#[test]
fn a_directory_of_somebody_else_is_left_alone() {
    let disk = SimDisk::new();
    disk.plant(&format!("{PATH}/holiday.jpg"), b"not ours").unwrap();
    let error = refused(&disk, ErrorKind::Format);
    assert!(error.path().unwrap().ends_with("holiday.jpg"), "{error:?}");
    refused_with(&disk, IfMissing::Fail, ErrorKind::Format);
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let specimen = specimen();
    for end in [".wal", ".manifest", "a.head"] {
        let (disk, path) = (specimen.copy(), named(&specimen, end));
        disk.plant(&path, &with_header(&specimen.files[&path], 8, &[7, 0])).unwrap();
        let error = refused(&disk, ErrorKind::Format);
        let text = error.to_string();
        assert!(text.contains("format 7") && text.contains("format 1"), "{text}");
        assert_eq!(error.path(), Some(Path::new(&path)));

        let disk = specimen.copy();
        disk.plant(&path, &with_header(&specimen.files[&path], 24, &[0, 4])).unwrap();
        let text = refused(&disk, ErrorKind::Format).to_string();
        assert!(text.contains("0x400"), "{text}");

        // What a reader may pass over, it passes over. The first record chains to the header's
        // check, so only a head can be tried.
        if end == "a.head" {
            let disk = specimen.copy();
            disk.plant(&path, &with_header(&specimen.files[&path], 16, &[1])).unwrap();
            open(&disk).unwrap();
        }
    }
}

/// The last record of a file is followed by this one.
fn with_record(bytes: &[u8], kind: FileKind, type_byte: u8, seqno: u64, payload: &[u8]) -> Vec<u8> {
    let header = FileHeader::decode(bytes, kind, Path::new("x")).unwrap();
    let (mut at, mut chain) = (128, header.check());
    while at < bytes.len() {
        let len = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        chain = u64::from_le_bytes(bytes[at + 24..at + 32].try_into().unwrap());
        at += padded_len(len - 32) as usize;
    }
    let seqno = SeqNo::new(seqno).unwrap();
    let mut frame = Frame::new(RecordType::Edit, seqno, 0, chain, at as u64);
    frame.type_byte = type_byte;
    let payload = Payload::new(payload);
    let (head, _) = frame.encode(&payload, Place::of(&header), at as u64).unwrap();
    let mut longer = bytes.to_vec();
    longer.extend_from_slice(&head);
    longer.extend_from_slice(payload.bytes());
    longer.resize(at + padded_len(payload.bytes().len()) as usize, 0);
    longer
}

fn last_edit(specimen: &Specimen) -> u64 {
    let head = &specimen.files[&named(specimen, "a.head")];
    u64::from_le_bytes(head[152..160].try_into().unwrap())
}

#[test]
fn an_unknown_edit_is_refused_if_it_is_odd_and_passed_over_if_even() {
    let specimen = specimen();
    let (path, edit) = (named(&specimen, ".manifest"), last_edit(&specimen));
    let plant = |payload: &[u8]| {
        let disk = specimen.copy();
        let bytes = &specimen.files[&path];
        let longer = with_record(bytes, FileKind::Manifest, 5, edit + 1, payload);
        disk.plant(&path, &longer).unwrap();
        disk
    };
    let error = refused(&plant(&[61, 1, 9]), ErrorKind::Format);
    assert!(error.to_string().contains("61"), "{error:?}");
    assert_eq!(error.path(), Some(Path::new(&path)));
    assert_eq!(error.offset(), Some(specimen.files[&path].len() as u64));
    open(&plant(&[60, 1, 9])).unwrap();
}

#[test]
fn an_unknown_record_is_refused() {
    let specimen = specimen();
    let (path, edit) = (named(&specimen, ".manifest"), last_edit(&specimen));
    let disk = specimen.copy();
    let bytes = &specimen.files[&path];
    disk.plant(&path, &with_record(bytes, FileKind::Manifest, 0x30, edit + 1, &[])).unwrap();
    let error = refused(&disk, ErrorKind::Format);
    assert!(error.to_string().contains("type 48"), "{error:?}");

    // In the log, behind a batch that no close has sealed.
    let specimen = Specimen::unclean(LogMode::Write, true);
    let path = named(&specimen, ".wal");
    let end = specimen.files[&path].iter().rposition(|&byte| byte != 0).unwrap() + 1;
    let bytes = &specimen.files[&path][..end.next_multiple_of(8)];
    let disk = specimen.copy();
    disk.plant(&path, &with_record(bytes, FileKind::Log, 0x11, 1000, b"later")).unwrap();
    // That is known once the log was read up to there: a copy of it has come and gone by then.
    let before = (files_of(&disk), disk.paths());
    let error = open(&disk).expect_err("the opening must fail");
    assert_eq!((files_of(&disk), disk.paths()), before);
    assert_eq!(error.kind(), ErrorKind::Format, "{error:?}");
    assert!(error.to_string().contains("type 17"), "{error:?}");
    assert_eq!(error.path(), Some(Path::new(&path)));
}

#[test]
pub fn a_database_is_opened_once_at_a_time() {
    let disk = SimDisk::new();
    let journal = open(&disk).unwrap();
    let error = refused(&disk, ErrorKind::Locked);
    assert!(error.to_string().contains("4242"), "{error:?}");
    assert!(error.is_retryable());
    journal.append(b"still works", 1, Durability::Durable).unwrap();
    journal.close().unwrap();
    open(&disk).unwrap();
}

#[test]
fn a_read_only_medium_is_refused() {
    let disk = specimen().copy();
    disk.set_read_only(true);
    refused(&disk, ErrorKind::ReadOnly);
    disk.set_read_only(false);
    open(&disk).unwrap();
    let empty = SimDisk::new();
    empty.set_read_only(true);
    // The attempt to make the directory is what finds out.
    assert_eq!(open(&empty).expect_err("read-only").kind(), ErrorKind::ReadOnly);
    assert_eq!(empty.paths(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn names_of_ours_must_be_regular_files() {
    for name in
        ["db.lock", "a.head", "b.head", "a.tmp", "000099.wal", "000099.manifest", "000099.sst"]
    {
        let path = format!("{PATH}/{name}");
        let disk = specimen().copy();
        let _may_be_absent = disk.remove(&path);
        disk.plant_other(&path).unwrap();
        let error = refused(&disk, ErrorKind::Format);
        assert_eq!(error.path(), Some(Path::new(&path)));
    }
    let disk = SimDisk::new();
    disk.plant_other(PATH).unwrap();
    let error = open(&disk).expect_err("no directory stands there");
    assert_eq!(error.path(), Some(Path::new(PATH)), "{error:?}");
}

#[test]
fn a_forked_child_is_refused_and_touches_nothing() {
    let disk = SimDisk::new();
    let journal = open(&disk).unwrap();
    journal.append(b"before", 1, Durability::Buffered).unwrap();
    disk.set_forked(true);
    let before = files_of(&disk);
    disk.record_trace(true);
    let calls = [
        journal.append(b"after", 1, Durability::Buffered).map(drop),
        journal.sync(),
        journal.rotate().map(drop),
        journal.create_keyspace("k", "").map(drop),
        journal.resume(),
        journal.commit(&[], &mut |_| ()),
        journal.try_append(&Payload::new(b"after"), 1).map(drop),
        journal.wait_room(None),
        journal.reserve(1).map(drop),
        journal.new_table().map(drop),
        journal.discard_tables(&[7]),
        journal.unlink_tables(&[7]).map(drop),
    ];
    for call in calls {
        assert_eq!(call.expect_err("forked").kind(), ErrorKind::Forked);
    }
    drop(journal);
    assert_eq!(disk.trace(), []);
    assert_eq!(files_of(&disk), before);
}

#[test]
fn what_is_missing_is_made_only_if_asked_for() {
    let disk = SimDisk::new();
    refused_with(&disk, IfMissing::Fail, ErrorKind::InvalidArgument);
    drop(open_with(&disk, IfMissing::MustBeMissing).unwrap());
    let made = disk.trace().iter().filter(|op| op.kind == OpKind::CreateDir).count();
    assert_eq!(made, 2 + 1, "each parent once, and one attempt that was too early");
    refused_with(&disk, IfMissing::MustBeMissing, ErrorKind::Exists);
    drop(open_with(&disk, IfMissing::Fail).unwrap());

    let empty = SimDisk::new();
    empty.plant(&format!("{PATH}/x"), b"").unwrap();
    empty.remove(&format!("{PATH}/x")).unwrap();
    refused_with(&empty, IfMissing::Fail, ErrorKind::InvalidArgument);
    open(&empty).unwrap();
}
