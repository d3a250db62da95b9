//! Programs in C, C++ and other languages, built with the library as a user would, and run.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test of files, compilers and programs"
)]

mod tools;

mod abi;
mod c;
mod cpp;
mod examples;
mod fuzz;
mod readme;
