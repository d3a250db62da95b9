//! Pairs in columns: from a cursor into chunks, and as Python's buffers.

pub(crate) mod chunk;

pub(crate) mod memory;
pub(crate) mod scan;

pub(crate) mod matrix;
