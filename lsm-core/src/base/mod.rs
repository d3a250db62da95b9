//! The vocabulary: no I/O, no threads, no clock.

pub mod error;
pub mod planted;

pub mod room;

pub mod checksum;
pub mod codec;
pub mod contain;
pub mod json;
pub mod lz4;
pub mod scratch;
pub mod slice;
pub mod sort;
pub mod sync;
pub mod zstd;

pub mod budget;
pub mod compress;
pub mod copy;
pub mod current;
pub mod lane;

pub mod epoch;
