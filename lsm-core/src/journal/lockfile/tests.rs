//! The lock file: who writes, who reads, and that damage to it harms nothing.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::path::Path;
use std::sync::Arc;

use crate::base::error::ErrorKind;
use crate::env::fs::{Access, Directory, FileSystem, write_all_at};
use crate::env::sim::disk::SimDisk;
use crate::journal::lockfile::{
    ReaderSlot, SLOTS_MAX, announce_writer, has_writer, keep_readers_out, readers, slot_offset,
    take,
};

fn dir(disk: &SimDisk) -> Arc<dyn Directory> {
    disk.create_dir(Path::new("/db")).unwrap();
    disk.open_dir(Path::new("/db")).unwrap()
}

fn slot() -> ReaderSlot {
    ReaderSlot { process_id: 9, epoch: 8, edit: 7, seqno: 6, lease_millis: 5000, nonce: 4 }
}

#[test]
fn a_slot_verifies_in_its_own_place_only() {
    let bytes = slot().encode(3);
    assert_eq!(ReaderSlot::decode(&bytes, 3), Some(slot()));
    assert_eq!(ReaderSlot::decode(&bytes, 4), None);
    for bit in 0..bytes.len() * 8 {
        let mut other = bytes;
        other[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(ReaderSlot::decode(&other, 3), None, "bit {bit}");
    }
}

#[test]
fn a_reader_counts_while_it_holds_its_slot() {
    let disk = SimDisk::new();
    let dir = dir(&disk);
    let _lock = take(dir.as_ref(), true).unwrap();
    let file = dir.open("db.lock", Access::ReadWrite).unwrap();
    for number in [0, 64, 300, SLOTS_MAX - 1] {
        write_all_at(file.as_ref(), &slot().encode(number), slot_offset(number)).unwrap();
    }
    assert_eq!(readers(dir.as_ref()).unwrap(), [], "nobody holds a slot");
    let _last = dir.claim("db.lock", slot_offset(SLOTS_MAX - 1), 64).unwrap();
    let claim = dir.claim("db.lock", slot_offset(64), 64).unwrap();
    assert_eq!(readers(dir.as_ref()).unwrap(), [slot(), slot()]);
    drop(claim);
    assert_eq!(readers(dir.as_ref()).unwrap(), [slot()]);
}

#[test]
fn a_slot_that_is_held_and_cannot_be_read_needs_everything() {
    let disk = SimDisk::new();
    let dir = dir(&disk);
    let _lock = take(dir.as_ref(), true).unwrap();
    let file = dir.open("db.lock", Access::ReadWrite).unwrap();
    let _claim = dir.claim("db.lock", slot_offset(0), 64).unwrap();
    assert_eq!(readers(dir.as_ref()).unwrap(), [], "it was not written yet");
    let mut bytes = slot().encode(0);
    bytes[20] ^= 1;
    write_all_at(file.as_ref(), &bytes, slot_offset(0)).unwrap();
    let unknown = ReaderSlot { lease_millis: u64::MAX, ..ReaderSlot::default() };
    assert_eq!(readers(dir.as_ref()).unwrap(), [unknown]);
    // Half of a slot at the end of the file was never written whole.
    write_all_at(file.as_ref(), &bytes[..9], slot_offset(1)).unwrap();
    assert_eq!(readers(dir.as_ref()).unwrap(), [unknown]);
}

#[test]
fn readers_see_a_writer_and_whoever_destroys_sees_them() {
    let disk = SimDisk::new();
    let dir = dir(&disk);
    assert!(!has_writer(dir.as_ref()), "there is no file yet");
    let _lock = take(dir.as_ref(), true).unwrap();
    let claim = announce_writer(dir.as_ref()).unwrap();
    assert!(has_writer(dir.as_ref()));
    drop(claim);
    assert!(!has_writer(dir.as_ref()));
    let reader = dir.claim("db.lock", slot_offset(7), 64).unwrap();
    assert_eq!(keep_readers_out(dir.as_ref()).unwrap_err().kind(), ErrorKind::Locked);
    drop(reader);
    let _alone = keep_readers_out(dir.as_ref()).unwrap();
    let refused = dir.claim("db.lock", slot_offset(7), 64).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Busy);
}

#[test]
fn a_second_writer_is_refused() {
    let disk = SimDisk::new();
    let dir = dir(&disk);
    let _lock = take(dir.as_ref(), true).unwrap();
    assert_eq!(take(dir.as_ref(), true).unwrap_err().kind(), ErrorKind::Locked);
}
