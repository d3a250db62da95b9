//! The vocabulary: no I/O, no threads, no clock.

pub mod error;

pub mod checksum;
pub mod codec;
pub mod planted;
pub mod sync;
