//! Names that a failed sync took along.

use std::path::Path;

use super::NewNames;
use crate::base::error::ErrorKind;
use crate::env::fs::FileSystem as _;
use crate::env::sim::disk::SimDisk;

#[test]
fn whoever_was_begun_before_a_failed_sync_is_never_listed() {
    let disk = SimDisk::new();
    let path = Path::new("/db");
    disk.create_dir(path).unwrap();
    let names = NewNames::default();
    let dir = names.watch(disk.open_dir(path).unwrap());
    names.begin(1);
    dir.sync().unwrap();
    names.check(1).unwrap();
    names.begin(2);
    disk.inject("sync_dir(db)#1:eio-keep".parse().unwrap());
    assert!(dir.sync().is_err());
    names.begin(3);
    dir.sync().unwrap();
    for number in [1, 2] {
        assert_eq!(names.check(number).unwrap_err().kind(), ErrorKind::Busy);
    }
    names.check(3).unwrap();
    names.end(3);
    assert!(names.check(3).is_err(), "nobody knows when it was begun");
}
