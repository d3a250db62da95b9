//! Files that wait: for readers that live, and for no others.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;

use crate::env::fs::{Access, Directory, FileSystem, write_all_at};
use crate::env::sim::clock::SimClock;
use crate::env::sim::disk::SimDisk;
use crate::journal::lockfile::{ReaderSlot, slot_offset, take};
use crate::journal::retired::Retired;
use crate::version::unlink::Unlink;

const LEASE_MILLIS: u64 = 5000;

fn say(dir: &dyn Directory, slot: u64, edit: u64, lease_millis: u64) {
    let file = dir.open("db.lock", Access::ReadWrite).unwrap();
    let reader = ReaderSlot { process_id: 1, epoch: 2, edit, seqno: 3, lease_millis, nonce: 4 };
    write_all_at(file.as_ref(), &reader.encode(slot), slot_offset(slot)).unwrap();
}

#[test]
fn a_file_goes_when_no_live_reader_names_an_edit_from_before_its_removal() {
    let disk = SimDisk::new();
    disk.create_dir(Path::new("/db")).unwrap();
    let dir = disk.open_dir(Path::new("/db")).unwrap();
    let lock = take(dir.as_ref(), true).unwrap();
    let clock = SimClock::new();
    clock.set_wall_millis(1000);
    let retired = Retired::new(dir.clone(), lock.file().clone(), Arc::new(clock.clone()));
    for name in ["a", "b", "c", "d"] {
        dir.create(name).unwrap();
    }
    assert!(retired.unlink("a", 7).unwrap(), "nobody reads");
    assert!(retired.unlink("a", 7).unwrap(), "it is gone already");

    let claim = dir.claim("db.lock", slot_offset(9), 64).unwrap();
    say(dir.as_ref(), 9, 6, LEASE_MILLIS);
    assert!(retired.unlink("b", 6).unwrap(), "the reader's edit has removed it");
    assert!(!retired.unlink("c", 7).unwrap());
    assert!(!retired.unlink("d", 8).unwrap());
    assert!(retired.unlink("none", 8).unwrap(), "what is not there is gone");
    write_all_at(dir.open("d", Access::ReadWrite).unwrap().as_ref(), b"123", 0).unwrap();
    assert!(!retired.unlink("d", 8).unwrap());
    assert_eq!((retired.held(), retired.sweep().unwrap()), ((2, 3), vec![]));

    say(dir.as_ref(), 9, 7, LEASE_MILLIS);
    assert_eq!(retired.sweep().unwrap(), ["c"]);
    clock.set_wall_millis(LEASE_MILLIS);
    assert_eq!(retired.sweep().unwrap(), ["d"], "the lease has run out");
    assert!(!retired.has_any() && retired.sweep().unwrap().is_empty());

    clock.set_wall_millis(1000);
    dir.create("e").unwrap();
    assert!(!retired.unlink("e", 8).unwrap());
    drop(claim);
    assert_eq!(retired.sweep().unwrap(), ["e"], "the reader has died");
    assert_eq!(dir.list().unwrap().len(), 1);
}
