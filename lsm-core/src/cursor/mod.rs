//! Moving over sorted entries: the one interface inside the engine, and what is built on it alone.

pub mod contract;
