//! Containing what a callback of the user's throws.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::base::planted::{Bug, planted};

/// What `callback` answers; `None` if it panicked. What it threw is dropped here, and if that
/// panics in its turn, it is leaked: nothing gets out.
pub fn contained<T>(callback: impl FnOnce() -> T) -> Option<T> {
    if planted(Bug::PanicsLetThrough) {
        return Some(callback());
    }
    match catch_unwind(AssertUnwindSafe(callback)) {
        Ok(answer) => Some(answer),
        Err(payload) => {
            // Its drop could panic again, and what that throws could too: there it ends.
            if let Err(thrown) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                std::mem::forget(thrown);
            }
            None
        }
    }
}
