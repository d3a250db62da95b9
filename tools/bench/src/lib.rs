//! Benchmarks of lsm, and of whatever else is put behind the same traits.

pub mod store;
