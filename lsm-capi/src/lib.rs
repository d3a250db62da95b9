//! The C face of the engine: one module for each section of `include/lsm.h`, in its order.
//!
//! The header is made from these modules, and `tests/header.rs` fails when the two differ. `border`
//! is what all of them stand on. The functions here are safe for Rust to call only in so far as
//! they are never called from Rust: they believe what `include/lsm.h` asks of a caller in C.

#![allow(non_camel_case_types, reason = "these names are C's")]
#![allow(unsafe_code, reason = "exported names are unsafe attributes; proofs.rs lists the rest")]

mod border;

pub mod version;

pub mod status;

pub mod error;

pub mod bytes;

pub mod handles;

pub mod callbacks;

pub mod operator;

pub mod comparator;
pub mod filter;

pub mod options;

pub mod db;

pub mod keyspace;

pub mod read;

pub mod write;

pub mod batch;

pub mod snapshot;

pub mod condition;
pub mod expiry;
pub mod merging;

pub mod iter;

pub mod maintain;

pub mod inspect;

pub mod salvage;

pub mod explain;

pub mod account;

#[cfg(test)]
mod status_test;
