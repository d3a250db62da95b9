//! The durable ground of a database: its directory, lock, manifest and log, opened, recovered,
//! written and closed in an order that survives a crash at any moment.
//!
//! The engine above adds memory and tables; the order of syncs is decided here and nowhere else.

pub mod options;

pub mod jobs;
pub mod listing;
pub mod lockfile;
pub mod names;
pub mod turn;

pub mod directory;
pub mod readers;
pub mod retired;

pub mod header;

pub mod copy;
pub mod destroy;
pub mod rescue;

pub mod leftovers;

pub mod recovery;

pub mod follow;

pub mod followed;

pub mod read_only;

pub mod state;

pub mod blobs;
pub mod flusher;
pub mod keeper;

pub mod tables;
pub mod verify;

pub mod handle;
