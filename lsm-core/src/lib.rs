//! An embeddable, ordered, durable key-value engine on a log-structured merge tree.
//!
//! The modules below are the architecture, bottom to top: a line, or a group between blank lines,
//! is a layer, and a module imports only from the layers above it in this list. `tests/tidy.rs`
//! reads the list and fails on anything else.

pub mod base;

pub mod env;

pub mod key;

pub mod extend;

pub mod options;
pub mod stats;

pub mod cursor;

pub mod filter;

pub mod cache;
pub mod record;

pub mod memtable;

pub mod table;

pub mod batch;

pub mod version;
pub mod wal;

pub mod journal;

pub mod survive;

pub mod read;

pub mod output;

pub mod compaction;
pub mod flush;
