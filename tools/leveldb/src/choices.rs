//! Sections "Read options" and "Write options".

#![allow(unsafe_code, reason = "exported names are unsafe attributes")]

use lsm_core::{Durability, Snapshot, WriteOptions};

use crate::boundary::untold;

/// A snapshot as C holds it.
#[derive(Debug)]
pub struct leveldb_snapshot_t(pub Snapshot);

/// How something is read. Checksums are always verified, and the cache looks after itself.
#[derive(Debug, Default)]
pub struct leveldb_readoptions_t {
    /// What the read sees; the newest if there is none.
    pub snapshot: Option<Snapshot>,
}

/// How something is written.
#[derive(Debug, Default)]
pub struct leveldb_writeoptions_t {
    /// It survives power loss, and not only the death of the process, once the call is back.
    pub sync: bool,
}

impl leveldb_writeoptions_t {
    /// The same for the engine.
    #[must_use]
    pub fn engine(&self) -> WriteOptions {
        let durability = if self.sync { Durability::Durable } else { Durability::Buffered };
        WriteOptions::new().durability(durability)
    }
}

/// Makes the usual read options.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_readoptions_create() -> Box<leveldb_readoptions_t> {
    Box::default()
}

/// Frees them.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_readoptions_destroy(options: Option<Box<leveldb_readoptions_t>>) {
    untold((), || drop(options));
}

/// Taken, and without effect: every block is verified when it is read.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_readoptions_set_verify_checksums(
    _options: Option<&mut leveldb_readoptions_t>,
    _yes: u8,
) {
}

/// Taken, and without effect: a scan does not drive others out of the cache.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_readoptions_set_fill_cache(
    _options: Option<&mut leveldb_readoptions_t>,
    _yes: u8,
) {
}

/// Chooses the snapshot to read; NULL for the newest.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_readoptions_set_snapshot(
    options: Option<&mut leveldb_readoptions_t>,
    snapshot: Option<&leveldb_snapshot_t>,
) {
    let Some(options) = options else { return };
    untold((), || options.snapshot = snapshot.map(|snapshot| snapshot.0.clone()));
}

/// Makes the usual write options.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_writeoptions_create() -> Box<leveldb_writeoptions_t> {
    Box::default()
}

/// Frees them.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_writeoptions_destroy(options: Option<Box<leveldb_writeoptions_t>>) {
    untold((), || drop(options));
}

/// Chooses whether a write is durable once the call is back.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_writeoptions_set_sync(
    options: Option<&mut leveldb_writeoptions_t>,
    yes: u8,
) {
    if let Some(options) = options {
        options.sync = yes != 0;
    }
}
