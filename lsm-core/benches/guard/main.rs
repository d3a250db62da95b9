//! Instructions for each of the hot operations, held against the figures that are committed.
//!
//! `cargo bench -p lsm-core --bench guard` runs them once under callgrind, which counts
//! instructions and not time, so that the answer does not depend on what else the machine does. It
//! fails when an operation needs 5 % more than `figures.txt` says. `REWRITE=1` writes the file
//! anew, after a change that is worth its price or that made something cheaper. Figures of another
//! compiler say less: against those, 25 % are let pass.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a program for people, on the real machine, that may fail"
)]

mod callgrind;
mod figures;
mod ops;

use std::process::ExitCode;

use figures::Figures;

/// The word that makes this program the one that is counted.
const COUNTED: &str = "--counted";
/// An operation may take so much more than the figures say.
const TOLERANCE: f64 = 0.05;
/// The same where another compiler made the figures.
const TOLERANCE_OF_OTHERS: f64 = 0.25;

fn main() -> ExitCode {
    if std::env::args().any(|word| word == COUNTED) {
        ops::run();
        return ExitCode::SUCCESS;
    }
    let measured = Figures::measured();
    if std::env::var_os("REWRITE").is_some() {
        measured.write();
        println!("the figures are written anew");
        return ExitCode::SUCCESS;
    }
    let committed = Figures::committed();
    let is_like = committed.compiler == measured.compiler;
    if !is_like {
        println!("made by {}, and this is {}", committed.compiler, measured.compiler);
    }
    let tolerance = if is_like { TOLERANCE } else { TOLERANCE_OF_OTHERS };
    let grown = measured.compare(&committed, tolerance);
    let (failed, passed) = (grown, measured.ops.len() - grown);
    println!("{passed} passed, {failed} failed");
    if grown == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
