//! `make install` as its users meet it: what it puts where, and that programs build against it.
//!
//! Everything happens in folders of the tests' own, whose names have spaces. What a test needs and
//! a machine lacks is said and passed over, but where `CI` is set it fails the test.

#![cfg(target_os = "linux")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test of files, compilers and the loader"
)]

mod tree;

mod sources;

mod consumers;
mod examples;
mod library;
mod manual;
mod script;
mod versions;
