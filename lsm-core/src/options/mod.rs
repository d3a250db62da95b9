//! What users choose: plain data, checked before anything is touched.

pub mod durability;
pub mod keyspace;
