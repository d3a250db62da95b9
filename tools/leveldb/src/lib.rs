//! LevelDB's C interface over this engine: a program written for LevelDB links or preloads it
//! unchanged.
//!
//! The modules stand bottom to top. `failure`, `place`, `opening`, `order`, `door` and `property`
//! are what the interface rests on; the others are the interface itself, a file for a section or
//! two of `leveldb/c.h`. What C promises about its pointers is trusted in `boundary`, and nowhere
//! else: the other files hold no unsafe code but the attribute that exports a name.

#![allow(non_camel_case_types, reason = "these names are C's")]

pub mod failure;

pub mod boundary;

pub mod comparator;
pub mod filter;
pub mod place;

pub mod opening;
pub mod order;

pub mod door;

pub mod property;

pub mod batch;
pub mod choices;
pub mod environment;
pub mod iterator;
pub mod library;

pub mod options;

pub mod database;
