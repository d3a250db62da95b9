//! LevelDB's C interface over this engine: a program written for LevelDB links or preloads it
//! unchanged.
//!
//! The first group holds what the interface rests on, bottom to top; the second the interface
//! itself, a file for each section of `leveldb/c.h`. What C promises about its pointers is trusted
//! in `boundary`, and nowhere else: the other files hold no unsafe code but the attribute that
//! exports a name.

#![allow(non_camel_case_types, reason = "these names are C's")]

pub mod failure;

pub mod boundary;

pub mod comparator;
pub mod order;

pub mod place;

pub mod filter;

pub mod choices;

pub mod door;
pub mod property;

pub mod database;

pub mod iterator;

pub mod batch;

pub mod options;

pub mod environment;
pub mod library;
