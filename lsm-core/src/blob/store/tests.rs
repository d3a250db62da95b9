//! Which files of large values may be given up.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use crate::blob::file::BlobEntry;
use crate::blob::store::Blobs;
use crate::env::fs::FileSystem;
use crate::env::sim::disk::SimDisk;

/// Workers look for files that nothing refers to while another one shows the tables that refer to
/// this one.
#[test]
fn a_file_that_is_listed_is_not_settled_before_its_tables_are_shown() {
    let disk = SimDisk::new();
    disk.create_dir(Path::new("/db")).unwrap();
    let blobs = Blobs::new(disk.open_dir(Path::new("/db")).unwrap());
    let held = blobs.list(7, &BlobEntry { file_id: 3, place: 7, bytes: Some(200) }, 200);
    let file = blobs.get(7).unwrap();
    assert!(!blobs.is_settled(&file));
    drop(held);
    assert!(blobs.is_settled(&file));
}
