//! Files that the database no longer needs, and that a reader in another process may: they wait
//! here until none does.
//!
//! A file that some edit has removed may go when every live reader names that edit or a later one.
//! Readers are asked when there is something to unlink, and at no other time, so that writing costs
//! nothing for them. What is still here when the database is closed, or dies, is a leftover that
//! the next opening takes up.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::error::Result;
use crate::base::planted::{Bug, planted};
use crate::base::sync::Mutex;
use crate::env::clock::Clock;
use crate::env::fs::{Access, Directory, File};
use crate::journal::lockfile::readers_in;
use crate::version::unlink::Unlink;

/// The files that wait, and who is asked about them.
#[derive(Debug)]
pub struct Retired {
    dir: Arc<dyn Directory>,
    lock_file: Arc<dyn File>,
    clock: Arc<dyn Clock>,
    waiting: Mutex<BTreeMap<String, Waiting>>,
}

/// A file that waits.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    /// The edit that removed it.
    edit: u64,
    /// How long it is, as far as that can be told.
    bytes: u64,
}

impl Retired {
    /// Nothing waits. `lock_file` is the one that the writer has locked.
    #[must_use]
    pub fn new(
        dir: Arc<dyn Directory>,
        lock_file: Arc<dyn File>,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        Arc::new(Self { dir, lock_file, clock, waiting: Mutex::default() })
    }

    /// True if something waits.
    #[must_use]
    pub fn has_any(&self) -> bool {
        !self.waiting.lock().is_empty()
    }

    /// How many files wait, and how long they are together.
    #[must_use]
    pub fn held(&self) -> (u64, u64) {
        let waiting = self.waiting.lock();
        let bytes = waiting.values().fold(0u64, |sum, file| sum.saturating_add(file.bytes));
        (waiting.len() as u64, bytes)
    }

    /// Unlinks what no reader needs any more, and answers its names.
    pub fn sweep(&self) -> Result<Vec<String>> {
        let waiting = self.waiting.lock().clone();
        if waiting.is_empty() {
            return Ok(Vec::new());
        }
        let oldest = self.oldest_needed()?;
        let mut gone = Vec::new();
        for (name, Waiting { edit, .. }) in waiting {
            if edit <= oldest {
                self.unlink_now(&name)?;
                self.waiting.lock().remove(&name);
                gone.push(name);
            }
        }
        Ok(gone)
    }

    /// Files that no edit from this one on lists are needed by nobody.
    fn oldest_needed(&self) -> Result<u64> {
        if planted(Bug::ReadersNotAsked) {
            return Ok(u64::MAX);
        }
        let now = self.clock.machine_millis();
        let readers = readers_in(self.dir.as_ref(), self.lock_file.as_ref())?.into_iter();
        let live = readers.filter(|reader| reader.lease_millis > now);
        Ok(live.map(|reader| reader.edit).min().unwrap_or(u64::MAX))
    }

    fn unlink_now(&self, name: &str) -> Result<()> {
        match self.dir.unlink(name) {
            Err(error) if !error.is_not_found() => Err(error),
            _ => Ok(()),
        }
    }
}

impl Unlink for Retired {
    fn unlink(&self, name: &str, edit: u64) -> Result<bool> {
        // Who cannot be asked may need it.
        if self.oldest_needed().unwrap_or(0) < edit {
            let file = self.dir.open(name, Access::Read).and_then(|file| file.len());
            let bytes = match file {
                Err(error) if error.is_not_found() => return Ok(true),
                found => found.unwrap_or(0),
            };
            self.waiting.lock().insert(name.to_owned(), Waiting { edit, bytes });
            return Ok(false);
        }
        self.unlink_now(name)?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
