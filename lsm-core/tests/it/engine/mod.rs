//! What the whole engine promises, on the simulated disk.

mod accounting;
mod blobs;
mod comparators;
mod conditions;
mod contained;
mod crash;
mod cursors;
mod default_keyspace;
mod doctor;
mod edges;
mod expiry;
mod explain;
mod face;
mod filter;
mod limits;
mod lives;
mod long_calls;
mod merge;
mod model;
mod overtaken;
mod own_strategy;
mod quiet;
mod read_options;
mod readers;
mod scrub;
mod single_delete;
mod stats;

mod blobs_ends;
mod blobs_followed;
mod faults;

#[cfg(lsm_planted)]
mod planted;
