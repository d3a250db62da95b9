//! `lsm-sim`: whole lives of databases in a simulated world.

use std::process::ExitCode;

#[cfg(all(lsm_sim, lsm_planted))]
#[allow(clippy::disallowed_methods, reason = "a program has arguments")]
fn main() -> ExitCode {
    lsm_sim::command::run(std::env::args().skip(1))
}

/// Without the simulated world there is nothing to run.
#[cfg(not(all(lsm_sim, lsm_planted)))]
#[allow(clippy::print_stdout, reason = "a program says why it does nothing")]
fn main() -> ExitCode {
    println!("this needs the test-only build: make sim");
    ExitCode::FAILURE
}
