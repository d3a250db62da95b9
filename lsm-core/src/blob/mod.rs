//! Large values apart from their keys, in files that are written once.
//!
//! A value above the threshold of its keyspace goes into a blob file when it is put. Log, memtable
//! and tables hold a reference: where it stands, how long it is, and its check. What merges move is
//! the reference; the value moves only when too much around it is of no use any more.

pub mod reference;

pub mod record;

pub mod file;

pub mod tail;

pub mod store;
