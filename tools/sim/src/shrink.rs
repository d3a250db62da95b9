//! Shrinking: acts are taken away from a script for as long as what is left still fails.

use std::time::{Duration, Instant};

use crate::acts::Script;
use crate::seed::live;

/// Answers what is left when time is over, or nothing more can go, and how that fails.
#[must_use]
pub fn shrink(mut script: Script, mut why: String, budget: Duration) -> (Script, String) {
    let begun = Instant::now();
    let mut chunk = script.acts.len().div_ceil(2).max(1);
    loop {
        let mut at = 0;
        let mut is_shorter = false;
        while at < script.acts.len() {
            if begun.elapsed() > budget {
                return (script, why);
            }
            let mut rest = script.clone();
            rest.acts.drain(at..(at + chunk).min(script.acts.len()));
            match live(&rest) {
                Err(reason) => (script, why, is_shorter) = (rest, reason, true),
                Ok(_) => at += chunk,
            }
        }
        if chunk == 1 && !is_shorter {
            return (script, why);
        }
        chunk = (chunk / 2).max(1);
    }
}
