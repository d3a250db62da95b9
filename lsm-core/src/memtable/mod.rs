//! What was written last, in memory and in order: one writer, readers that take no lock.

pub mod options;

pub mod stock;

mod arena;
mod filter;
mod tombstones;

mod skiplist;
mod tree;

pub mod cursor;

pub mod handle;

#[cfg(all(test, lsm_loom))]
mod loom_test;
#[cfg(test)]
mod tests;
