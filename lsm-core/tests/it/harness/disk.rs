//! The simulated disk as the stories want it: where the database lies, the rules that hold for
//! every disk, and what its faults have taken.

use std::collections::BTreeMap;

use lsm_core::env::sim::disk::SimDisk;
use lsm_core::env::sim::faults::{Effect, Fault};
use lsm_core::env::sim::rules::{NoWriteAfterFailure, SyncedBeforeRename};

pub const PATH: &str = "/data/db";

/// The files of a disk, by path.
pub type Files = BTreeMap<String, Vec<u8>>;

/// An empty disk with the rules that hold for every disk.
pub fn new_disk() -> SimDisk {
    let disk = SimDisk::new();
    watch(&disk);
    disk
}

pub fn watch(disk: &SimDisk) {
    disk.add_rule(NoWriteAfterFailure::default());
    disk.add_rule(SyncedBeforeRename);
}

/// The first rule that was broken. The lock file is never synced, and nothing hangs on it.
pub fn complaint(disk: &SimDisk) -> Option<String> {
    disk.violations().into_iter().find(|complaint| !complaint.contains("/db.lock"))
}

/// False if a failed sync has taken what the page cache held: then also a batch that was only
/// acknowledged may be gone.
pub fn keeps_cache(disk: &SimDisk) -> bool {
    let is_drop = |fault: &Fault| fault.effect == Effect::SyncFails { drops_cache: true };
    !disk.fault_strikes().iter().any(|(fault, strikes)| is_drop(fault) && *strikes > 0)
}

pub fn files_of(disk: &SimDisk) -> Files {
    let paths = disk.paths().into_iter().filter_map(|path| path.to_str().map(str::to_owned));
    paths.filter_map(|path| disk.contents(&path).ok().map(|bytes| (path, bytes))).collect()
}
