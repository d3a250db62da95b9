//! Bytes as files: on a simulated disk, where nothing outlives an input.

use std::path::Path;
use std::sync::Arc;

use lsm_core::env::fs::{Access, Directory, File};
use lsm_core::env::sim::disk::SimDisk;
use lsm_core::env::sim::world::SimWorld;

/// Where the database lies.
pub const PATH: &str = "/data/db";

/// A directory with these files.
#[must_use]
pub fn directory(files: &[(&str, &[u8])]) -> Arc<dyn Directory> {
    let disk = SimDisk::new();
    for (name, bytes) in files {
        disk.plant(&format!("{PATH}/{name}"), bytes).unwrap();
    }
    let env = SimWorld::from_disk(disk, 1).env();
    env.fs.open_dir(Path::new(PATH)).unwrap()
}

/// One file.
#[must_use]
pub fn file(name: &str, bytes: &[u8]) -> Arc<dyn File> {
    directory(&[(name, bytes)]).open(name, Access::Read).unwrap()
}
