//! Tables: sorted entries in a file that never changes.

pub mod block;

pub mod contents;
pub mod handle;
pub mod notes;
pub mod options;
pub mod separator;

pub mod footer;
pub mod output;
pub mod partition;
pub mod properties;
pub mod seal;

pub mod source;
pub mod tally;
pub mod top;
pub mod writer;

pub mod ahead;
pub mod builder;
pub mod opening;
pub mod page;

pub mod reader;

pub mod cursor;
pub mod rank;
pub mod scrub;
pub mod verify;

#[cfg(test)]
mod tests;
