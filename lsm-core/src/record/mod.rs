//! Self-checked framing, shared by the log and the manifest.
//!
//! `header` opens every file of ours; `frame` is one record; `reader` walks the records of a file
//! and, where the walk ends, looks for records that verify further on.

pub mod header;
pub mod names;

pub mod frame;

pub mod reader;
