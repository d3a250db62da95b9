//! Walking records, and what is found behind the place where a walk ends.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::path::Path;
use std::sync::Arc;

use crate::env::fs::{Access, File, FileSystem, write_all_at};
use crate::env::sim::disk::SimDisk;
use crate::key::seqno::SeqNo;
use crate::record::frame::{Frame, Payload, Place, RecordType};
use crate::record::header::FileKind;
use crate::record::reader::{Evidence, RecordReader};

const PLACE: fn() -> Place = || Place::new(FileKind::Log, 1, 42);

fn records(count: u64) -> Vec<u8> {
    let (mut bytes, mut check) = (Vec::new(), 0);
    for index in 0..count {
        let durable = if index > 1 { 64 } else { 0 };
        let seqno = SeqNo::new(index + 1).unwrap();
        let frame = Frame::new(RecordType::Batch, seqno, 1, check, durable);
        let payload = vec![index as u8; index as usize * 3];
        let payload = Payload::new(&payload);
        let (head, next) = frame.encode(&payload, PLACE(), bytes.len() as u64).unwrap();
        bytes.extend_from_slice(&head);
        bytes.extend_from_slice(payload.bytes());
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        check = next;
    }
    bytes
}

fn file(bytes: &[u8]) -> Arc<dyn File> {
    let disk = SimDisk::new();
    disk.plant("/d/f", bytes).unwrap();
    disk.open_dir(Path::new("/d")).unwrap().open("f", Access::Read).unwrap()
}

fn walk(file: &dyn File) -> (u64, u64, Evidence) {
    let mut reader = RecordReader::new(file, PLACE(), 0, 0).unwrap();
    let mut count = 0;
    while let Some(record) = reader.next_record().unwrap() {
        assert_eq!(record.seqno.get(), count + 1);
        assert_eq!(record.payload, vec![count as u8; count as usize * 3]);
        count += 1;
    }
    let end = reader.offset();
    (count, end, reader.evidence_after(end).unwrap())
}

#[test]
fn a_walk_takes_in_all_and_ends_where_nothing_was_written() {
    let mut bytes = records(6);
    let len = bytes.len() as u64;
    bytes.resize(bytes.len() + 1000, 0);
    assert_eq!(walk(file(&bytes).as_ref()), (6, len, Evidence::default()));
}

#[test]
fn damage_ends_the_walk_and_later_records_bear_witness() {
    let bytes = records(6);
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        let (count, end, evidence) = walk(file(&damaged).as_ref());
        assert!(count < 6 && end <= at as u64);
        assert_eq!(evidence.any_record, count < 5, "byte {at}");
        assert_eq!(evidence.durable, if count < 5 { 64 } else { 0 }, "byte {at}");
    }
}

#[test]
fn records_behind_what_was_never_written_bear_witness() {
    let disk = SimDisk::new();
    disk.plant("/d/other", b"").unwrap();
    let dir = disk.open_dir(Path::new("/d")).unwrap();
    for (number, at) in [0, 8, 4088, 4096, 300_000, 1 << 20].into_iter().enumerate() {
        let file = dir.create(&number.to_string()).unwrap();
        file.allocate(2 << 20).unwrap();
        let payload = Payload::new(b"far away");
        let frame = Frame::new(RecordType::Batch, SeqNo::new(1).unwrap(), 1, 0, 0);
        let (head, _) = frame.encode(&payload, PLACE(), at).unwrap();
        write_all_at(file.as_ref(), &head, at).unwrap();
        write_all_at(file.as_ref(), payload.bytes(), at + head.len() as u64).unwrap();
        let mut reader = RecordReader::new(file.as_ref(), PLACE(), 0, 0).unwrap();
        assert!(reader.evidence_after(0).unwrap().any_record, "at {at}");
        assert_eq!(reader.evidence_after(at + 8).unwrap(), Evidence::default(), "behind {at}");
    }
}

#[test]
fn a_file_full_of_likely_records_is_given_up_in_bounded_time() {
    let mut bytes = vec![0; 1 << 20];
    for at in (0..bytes.len()).step_by(32) {
        let rest = (bytes.len() - at) as u32;
        bytes[at..at + 4].copy_from_slice(&rest.to_le_bytes());
        bytes[at + 8] = RecordType::Batch as u8;
    }
    let file = file(&bytes);
    let mut reader = RecordReader::new(file.as_ref(), PLACE(), 0, 0).unwrap();
    assert!(reader.next_record().unwrap().is_none());
    assert!(reader.evidence_after(0).unwrap().undecided);
}
