//! What users choose: plain data, checked before anything is touched.

pub mod comparator;
pub mod expiry;

pub mod durability;
pub mod keyspace;
pub mod log_mode;
pub mod memory;
pub mod progress;
pub mod read;

pub mod database;
pub mod write;
