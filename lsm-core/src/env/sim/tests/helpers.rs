//! Disks to begin with.

use std::path::Path;
use std::sync::Arc;

use super::super::disk::SimDisk;
use crate::env::fs::{Directory, File, FileSystem, write_all_at};

/// A disk with one durable, empty directory.
pub(super) fn disk_with_dir() -> (SimDisk, Arc<dyn Directory>) {
    let disk = SimDisk::new();
    disk.create_dir(Path::new("/db")).unwrap();
    disk.open_dir(Path::new("/")).unwrap().sync().unwrap();
    let dir = disk.open_dir(Path::new("/db")).unwrap();
    (disk, dir)
}

/// A new file with these bytes, of which nothing is synced.
pub(super) fn file_with(dir: &Arc<dyn Directory>, name: &str, bytes: &[u8]) -> Arc<dyn File> {
    let file = dir.create(name).unwrap();
    write_all_at(&*file, bytes, 0).unwrap();
    file
}

/// A new file with these bytes, durable under its name.
pub(super) fn durable_file(dir: &Arc<dyn Directory>, name: &str, bytes: &[u8]) -> Arc<dyn File> {
    let file = file_with(dir, name, bytes);
    file.sync_data().unwrap();
    dir.sync().unwrap();
    file
}
