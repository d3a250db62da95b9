//! The lock file: who writes, who reads, and that damage to it harms nothing.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::path::Path;
use std::sync::Arc;

use crate::base::error::ErrorKind;
use crate::env::fs::{Access, Directory, FileSystem, write_all_at};
use crate::env::sim::disk::SimDisk;
use crate::journal::lockfile::{ReaderSlot, SLOTS, live_readers, slot_offset, take};

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
fn a_reader_counts_while_it_holds_its_slot_and_its_lease() {
    let disk = SimDisk::new();
    let dir = dir(&disk);
    let lock = take(dir.as_ref(), true).unwrap();
    let file = dir.open("db.lock", Access::ReadWrite).unwrap();
    for number in [0, SLOTS - 1] {
        write_all_at(file.as_ref(), &slot().encode(number), slot_offset(number)).unwrap();
    }
    assert_eq!(live_readers(lock.as_ref(), 1000).unwrap(), [], "nobody holds a slot");
    disk.claim("/db/db.lock", slot_offset(SLOTS - 1), 64).unwrap();
    assert_eq!(live_readers(lock.as_ref(), 1000).unwrap(), [slot()]);
    assert_eq!(live_readers(lock.as_ref(), 5000).unwrap(), [], "the lease has run out");
}

#[test]
fn a_second_writer_is_refused() {
    let disk = SimDisk::new();
    let dir = dir(&disk);
    let _lock = take(dir.as_ref(), true).unwrap();
    assert_eq!(take(dir.as_ref(), true).unwrap_err().kind(), ErrorKind::Locked);
}
