//! Salvage: what can be read of a damaged database becomes a new one, and a report tells what
//! could not.
//!
//! The damaged directory is only read. What the manifest says is followed as far as it can be
//! read; where it cannot, tables and log speak for themselves. A block that does not verify costs
//! the keys between its neighbours, and nothing else.

pub mod report;

pub mod findings;

pub mod inventory;

pub mod known;
pub mod scan;

pub mod log;
pub mod table;

pub mod entries;
pub mod large;

pub mod merge;
pub mod rebuild;

pub mod run;

pub mod call;
