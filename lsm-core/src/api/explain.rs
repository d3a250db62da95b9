//! Explained reads: how they are asked for, and what they tell as text and as JSON.
//!
//! ```
//! use lsm_core::read::explain::Answer;
//! use lsm_core::{Db, ExplainOptions, Result};
//!
//! fn main() -> Result<()> {
//!     let path = std::env::temp_dir().join(format!("lsm-explain-{}", std::process::id()));
//!     let db = Db::open(&path)?;
//!     db.put("apple", "red")?;
//!     let told = db.explain_get("apple")?;
//!     assert_eq!((told.answer, told.totals.memtables), (Answer::Found, 1));
//!     println!("{told}");
//!     let told = db.explain_range_with("a".., ExplainOptions::new().limit(10))?;
//!     assert_eq!((told.pairs, told.is_complete), (1, true));
//!     for finding in db.doctor()?.findings {
//!         println!("{finding}");
//!     }
//!     db.close()?;
//!     Db::destroy(&path)?;
//!     Ok(())
//! }
//! ```

use std::fmt::{self, Write};

use crate::engine::explain::Walk;
use crate::options::progress::CallOptions;
use crate::read::explain::{Answer, Place};

mod json;

mod text;

/// How an explained scan goes: forward to the end of its range, unless something else is chosen.
#[derive(Debug, Default)]
pub struct ExplainOptions<'a> {
    walk: Walk,
    call: CallOptions<'a>,
}

impl<'a> ExplainOptions<'a> {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Chooses after how many pairs the scan ends; `None` for the end of the range.
    #[must_use]
    pub fn limit(mut self, pairs: impl Into<Option<u64>>) -> Self {
        self.walk.limit = pairs.into();
        self
    }

    /// Chooses to go from the end of the range to its beginning.
    #[must_use]
    pub fn reverse(mut self, yes: bool) -> Self {
        self.walk.is_reverse = yes;
        self
    }

    /// Chooses who is told how many pairs were passed, and how long the scan may take.
    #[must_use]
    pub fn call(mut self, options: CallOptions<'a>) -> Self {
        self.call = options;
        self
    }

    pub(crate) fn parts(self) -> (Walk, CallOptions<'a>) {
        (self.walk, self.call)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memtable { number: 0 } => f.write_str("the active memtable"),
            Self::Memtable { number } => write!(f, "immutable memtable {number}"),
            Self::Table { level, run, file } => {
                write!(f, "table {file}, level {level}, run {run}")
            }
            Self::Run { level, run } => write!(f, "level {level}, run {run}"),
        }
    }
}

/// A key as it can be shown: what is not printable in ASCII is escaped as in Rust and Python.
pub(super) fn shown(key: &[u8]) -> String {
    let mut text = String::with_capacity(key.len());
    // Writing to a string cannot fail.
    let _always_fits = write!(text, "{}", key.escape_ascii());
    text
}

#[cfg(test)]
mod tests;
