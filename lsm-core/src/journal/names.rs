//! Which names of new tables may be made durable.
//!
//! When the sync of a directory fails, it is unknown for ever which of the names that were new just
//! then reach the medium: a later sync that succeeds says nothing of them. Tables are created by
//! many at a time, and whoever syncs the directory syncs the names of all. So each new table
//! remembers how many syncs had failed when it was begun, and is not listed once another has.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::sync::{AtomicU64, Mutex, Ordering};
use crate::env::fs::{Access, Claim, Directory, Entry, File, Lock, Medium};

/// A directory whose failed syncs are counted.
#[derive(Debug)]
struct Counted {
    inner: Arc<dyn Directory>,
    failed: Arc<AtomicU64>,
}

impl Directory for Counted {
    fn path(&self) -> &Path {
        self.inner.path()
    }

    fn create(&self, name: &str) -> Result<Arc<dyn File>> {
        self.inner.create(name)
    }

    fn open(&self, name: &str, access: Access) -> Result<Arc<dyn File>> {
        self.inner.open(name, access)
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.inner.rename(from, to)
    }

    fn unlink(&self, name: &str) -> Result<()> {
        self.inner.unlink(name)
    }

    fn list(&self) -> Result<Vec<Entry>> {
        self.inner.list()
    }

    fn sync(&self) -> Result<()> {
        let synced = self.inner.sync();
        self.failed.fetch_add(u64::from(synced.is_err()), Ordering::AcqRel);
        synced
    }

    fn medium(&self) -> Result<Medium> {
        self.inner.medium()
    }

    fn lock(&self, name: &str) -> Result<Box<dyn Lock>> {
        self.inner.lock(name)
    }

    fn share(&self, name: &str) -> Result<Box<dyn Lock>> {
        self.inner.share(name)
    }

    fn claim(&self, name: &str, offset: u64, len: u64) -> Result<Box<dyn Claim>> {
        self.inner.claim(name, offset, len)
    }

    fn is_claimed(&self, name: &str, offset: u64, len: u64) -> Result<bool> {
        self.inner.is_claimed(name, offset, len)
    }
}

/// Tables that were created and that nothing lists yet.
#[derive(Debug, Default)]
pub struct NewNames {
    /// How many syncs of the directory have failed.
    failed: Arc<AtomicU64>,
    /// How many syncs had failed when each was begun, by the tables' numbers.
    tables: Mutex<BTreeMap<u64, u64>>,
}

impl NewNames {
    /// The same directory, each of whose failed syncs is noted here.
    #[must_use]
    pub fn watch(&self, dir: Arc<dyn Directory>) -> Arc<dyn Directory> {
        Arc::new(Counted { inner: dir, failed: Arc::clone(&self.failed) })
    }

    /// A table is about to be created.
    pub fn begin(&self, number: u64) {
        self.tables.lock().insert(number, self.failed.load(Ordering::Acquire));
    }

    /// Refuses a table whose name a failed sync may have lost: it is to be made again. Called after
    /// a sync that succeeded, in the same turn of the manifest: all syncs of the directory are made
    /// in one, so none can fail in between.
    pub fn check(&self, number: u64) -> Result<()> {
        let then = self.tables.lock().get(&number).copied().unwrap_or(0);
        if then == self.failed.load(Ordering::Acquire) {
            return Ok(());
        }
        let message = "a sync of the directory failed while the table was made";
        Err(Error::new(ErrorKind::Busy, message))
    }

    /// The table is listed, or gone.
    pub fn end(&self, number: u64) {
        self.tables.lock().remove(&number);
    }
}

#[cfg(test)]
mod tests;
