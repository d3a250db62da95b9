//! The benchmarks of lsm on its peers.
//!
//! The modules stand bottom to top. C is called in `library`, `level` and the peers that have a C
//! interface, and nowhere else.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    reason = "a tool has files, threads and an environment of its own"
)]

mod library;

mod level;
#[cfg(any(feature = "fjall", feature = "redb"))]
mod locked;
mod rocksdb_settings;

#[cfg(feature = "fjall")]
mod fjall;
mod leveldb;
mod lmdb;
#[cfg(feature = "redb")]
mod redb;
mod rocksdb;
mod sqlite;

#[cfg(not(all(feature = "fjall", feature = "redb")))]
mod absent;

pub mod peers;

mod compare;

mod configurations;

pub mod program;
