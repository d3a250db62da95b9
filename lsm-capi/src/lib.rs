//! The C face of the engine: one module for each section of `include/lsm.h`, in its order.
//!
//! The header is made from these modules, and `tests/header.rs` fails when the two differ.

#![allow(non_camel_case_types, reason = "these names are C's")]

pub mod version;

pub mod status;

#[cfg(test)]
mod status_test;
