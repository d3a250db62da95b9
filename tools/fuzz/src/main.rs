//! Lists the targets, writes what they begin with, runs inputs, and drives the fuzzer.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a program for the command line"
)]

#[cfg(lsm_sim)]
mod command;

#[cfg(lsm_sim)]
fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match command::run(&words) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[cfg(not(lsm_sim))]
fn main() -> std::process::ExitCode {
    eprintln!("lsm-fuzz needs the simulated world: call it by make fuzz, or make fuzz-replay");
    std::process::ExitCode::FAILURE
}
