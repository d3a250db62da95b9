//! `lsm-bench`: this engine, measured.

use std::process::ExitCode;

use lsm_bench::ours::Ours;

#[allow(clippy::disallowed_methods, reason = "a program has arguments")]
fn main() -> ExitCode {
    lsm_bench::command::run(&[&Ours], std::env::args_os().skip(1))
}
