//! What the whole engine promises, on the simulated disk.

mod accounting;
mod blobs;
mod comparators;
pub mod conditions;
mod contained;
pub mod crash;
mod cursors;
mod default_keyspace;
mod doctor;
mod edges;
pub mod expiry;
mod explain;
mod face;
mod filter;
mod limits;
mod lives;
mod long_calls;
mod mended;
pub mod merge;
pub mod model;
mod overtaken;
mod own_strategy;
mod quiet;
mod read_options;
pub mod readers;
mod scrub;
pub mod single_delete;
mod stats;

mod blobs_ends;
pub mod blobs_followed;
pub mod faults;
