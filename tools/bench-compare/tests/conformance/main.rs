//! Every store does what the traits say, held against a map: a benchmark of a store that answers
//! wrongly measures nothing. What is missing on the machine is left out, in words;
//! `LSM_PEERS=leveldb,sqlite` names those that must not be missing.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "tests may panic, and have files, threads and an environment of their own"
)]

mod memory;
mod story;

use lsm_bench::store::Engine;
use lsm_bench_compare::peers::peers;

use memory::{Fault, Memory};

/// Tells a store's story, unless the store is not here.
fn tell(engine: &dyn Engine) {
    let name = engine.name();
    let demanded = std::env::var("LSM_PEERS").unwrap_or_default();
    if let Err(failure) = story::is_there(engine) {
        assert!(!demanded.split(',').any(|one| one == name), "{name}: {failure}");
        eprintln!("left out: {name}: {failure}");
        return;
    }
    story::tell(engine).unwrap_or_else(|failure| panic!("{name}: {failure}"));
    assert!(!engine.version().is_empty());
    assert!(!engine.configuration(&story::setup()).is_empty());
}

/// The peer of a name.
fn tell_of(name: &str) {
    let peers = peers();
    let found = peers.iter().find(|peer| peer.name() == name);
    tell(found.unwrap_or_else(|| panic!("{name} is no peer")).as_ref());
}

#[test]
fn lsm_conforms() {
    tell(&lsm_bench::ours::Ours);
}

#[test]
fn rocksdb_conforms() {
    tell_of("rocksdb");
}

#[test]
fn rocksdb_tuned_conforms() {
    tell_of("rocksdb-tuned");
}

#[test]
fn rocksdb_default_conforms() {
    tell_of("rocksdb-default");
}

#[test]
fn leveldb_conforms() {
    tell_of("leveldb");
}

#[test]
fn lmdb_conforms() {
    tell_of("lmdb");
}

#[test]
fn sqlite_conforms() {
    tell_of("sqlite");
}

#[test]
fn fjall_conforms() {
    tell_of("fjall");
}

#[test]
fn redb_conforms() {
    tell_of("redb");
}

#[test]
fn every_peer_has_its_story() {
    let told = [
        "rocksdb",
        "rocksdb-tuned",
        "rocksdb-default",
        "leveldb",
        "lmdb",
        "sqlite",
        "fjall",
        "redb",
    ];
    let peers = peers();
    assert_eq!(peers.iter().map(|peer| peer.name()).collect::<Vec<_>>(), told);
}

#[test]
fn a_map_conforms() {
    story::tell(&Memory::new(None)).unwrap();
}

#[test]
fn faults_are_found() {
    for fault in Fault::ALL {
        let told = story::tell(&Memory::new(Some(fault)));
        assert!(told.is_err(), "{fault:?} was not found");
    }
}
