//! Workloads: what one thread does in each, and the table of all of them.

pub mod hand;

pub mod pairs;

pub mod queue;
pub mod reads;
pub mod walks;
pub mod writes;

pub mod ycsb;

pub mod table;
