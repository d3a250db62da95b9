//! Moving over sorted entries: the one interface inside the engine, and what is built on it alone.

pub mod contract;

pub mod rank;
pub mod skip;
pub mod tombstone;

pub mod concat;
pub mod cover;
pub mod merge;

#[cfg(test)]
pub(crate) mod testing;
