//! The engine: one open database, a file for each verb.

pub mod damage;
pub mod desk;
pub mod plugins;
pub mod quota;

pub mod keyspaces;
pub mod merging;
pub mod pacer;
pub mod quiet;
pub mod reader;
pub mod snapshots;
pub mod throttle;

pub mod state;

pub mod conditions;
pub mod expiry;
pub mod notice;
pub mod pager;
pub mod read;
pub mod scan;
pub mod sink;
pub mod told;

pub mod explain;
pub mod gather;

pub mod account;
pub mod limits;

pub mod split;

pub mod memory;

pub mod pacing;

pub mod install;
pub mod write;

pub mod operands;

pub mod blobs;

pub mod task;

pub mod claim;

pub mod keyspace_verbs;
pub mod maintain;
pub mod replay;
pub mod scrub;
pub mod worker;

pub mod follow;

pub mod close;
pub mod renewal;

pub mod open;

#[cfg(all(test, lsm_loom))]
mod loom_test;
