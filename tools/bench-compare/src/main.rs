//! `lsm-bench-compare`: this engine and its peers, measured side by side.

use std::process::ExitCode;

#[allow(clippy::disallowed_methods, reason = "a program has arguments")]
fn main() -> ExitCode {
    lsm_bench_compare::program::run(std::env::args_os().skip(1))
}
