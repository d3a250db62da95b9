//! The write-ahead log: a chain of segments, written by one process each, read by the next.

pub mod seam;

pub mod segment;

pub mod tail;

mod crowd;

pub mod log;

pub mod chain;

pub mod outlet;

pub mod rewrite;
