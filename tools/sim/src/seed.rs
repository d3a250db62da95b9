//! One seed: its life, lived once, or twice to see whether both are the same.

use std::panic::{AssertUnwindSafe, catch_unwind};

use lsm_core::base::planted::{Bug, plant};

use crate::acts::Script;
use crate::life::Life;
use crate::tally::Tally;

/// One of so many seeds is lived twice.
const TWICE: u64 = 50;

/// Lives a script.
///
/// # Errors
///
/// What must not be, or a panic.
pub fn live(script: &Script) -> Result<(Tally, u64), String> {
    let lived = catch_unwind(AssertUnwindSafe(|| Life::begin(script.seed)?.live(script)));
    lived.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        Err(format!("panicked: {}", text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("?")))
    })
}

/// Lives what a seed has written.
///
/// # Errors
///
/// What must not be; so is a second life that differs from the first.
pub fn live_seed(seed: u64) -> Result<Tally, String> {
    let script = Script::write(seed);
    let (mut tally, trace) = live(&script)?;
    if seed % TWICE == 0 {
        let (_, again) = live(&script)?;
        if again != trace {
            return Err(format!("a second life has trace {again:x}, the first {trace:x}"));
        }
        tally.twice = 1;
    }
    Ok(tally)
}

/// One bug for as long as this lives; then none, also when something fails.
#[derive(Debug)]
pub struct Planted;

impl Planted {
    /// Commits this bug on this thread.
    #[must_use]
    pub fn new(bug: Option<Bug>) -> Self {
        plant(bug);
        Self
    }
}

impl Drop for Planted {
    fn drop(&mut self) {
        plant(None);
    }
}
