//! The border: what stands between a call from C and the engine, bottom to top.
//!
//! C hands over plain pointers and numbers. Handles are numbers that only look like pointers and
//! are looked up in tables; pointers are checked as far as they can be; whatever is thrown is
//! caught.

pub(crate) mod fork;
pub(crate) mod handle;

pub(crate) mod thread;

pub(crate) mod table;

pub(crate) mod shared;

pub(crate) mod pointers;

pub(crate) mod call;

#[cfg(test)]
mod shared_test;
#[cfg(test)]
mod table_test;
