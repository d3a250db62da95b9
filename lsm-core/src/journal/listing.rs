//! What lies in a database directory, sorted by what its names say.

use std::collections::BTreeSet;
use std::ffi::OsString;

use crate::base::error::{Error, ErrorKind, Result};
use crate::env::fs::{Directory, EntryKind};
use crate::record::names::{FileName, UNFINISHED};

/// The names in a directory.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// The lock file is there.
    pub has_lock: bool,
    /// A head is there.
    pub has_head: bool,
    /// A salvage into this directory has not ended.
    pub is_unfinished: bool,
    /// Log segments, by number.
    pub logs: BTreeSet<u64>,
    /// Manifests, by number.
    pub manifests: BTreeSet<u64>,
    /// Tables, by number.
    pub tables: BTreeSet<u64>,
    /// Files of large values, by number.
    pub blobs: BTreeSet<u64>,
    /// Whatever is not ours.
    pub foreign: Vec<OsString>,
}

impl Listing {
    /// Reads the directory. A name of ours that is not a regular file is refused.
    pub fn read(dir: &dyn Directory) -> Result<Self> {
        let mut listing = Self::default();
        for entry in dir.list()? {
            let Some(name) = FileName::parse(&entry.name) else {
                listing.foreign.push(entry.name);
                continue;
            };
            if entry.kind != EntryKind::File {
                let message = "a name of the database's own is not a regular file";
                let path = dir.path().join(&entry.name);
                return Err(Error::new(ErrorKind::Format, message).at_path(&path));
            }
            match name {
                FileName::Lock => listing.has_lock = true,
                FileName::Head => listing.has_head = true,
                FileName::Scratch => {}
                FileName::Unfinished => listing.is_unfinished = true,
                FileName::Log(number) => drop(listing.logs.insert(number)),
                FileName::Manifest(number) => drop(listing.manifests.insert(number)),
                FileName::Table(number) => drop(listing.tables.insert(number)),
                FileName::Blob(number) => drop(listing.blobs.insert(number)),
            }
        }
        Ok(listing)
    }

    /// A number above every one in use.
    #[must_use]
    pub fn number_floor(&self) -> u64 {
        let last = self.logs.last().max(self.manifests.last()).max(self.tables.last());
        let last = last.max(self.blobs.last());
        last.map_or(1, |last| last.saturating_add(1))
    }

    /// Refuses what a salvage has left half made: it looks whole, and is not.
    pub fn check_finished(&self, dir: &dyn Directory) -> Result<()> {
        if !self.is_unfinished {
            return Ok(());
        }
        let message = "a salvage into this directory was not finished: destroy what it has made, \
                       and salvage again";
        Err(Error::new(ErrorKind::Format, message).at_path(&dir.path().join(UNFINISHED)))
    }

    /// Refuses a directory without heads in which no database may be made: one that holds
    /// somebody else's files, or what is left of a database that lost its heads.
    pub fn check_may_create(&self, dir: &dyn Directory) -> Result<()> {
        if let Some(name) = self.foreign.first() {
            let message = "this directory holds other files and no database; nothing was changed";
            return Err(Error::new(ErrorKind::Format, message).at_path(&dir.path().join(name)));
        }
        if !self.logs.is_empty() || !self.tables.is_empty() || !self.blobs.is_empty() {
            let message = "both heads of the database are missing, and its data is there";
            return Err(Error::new(ErrorKind::Corruption, message).at_path(dir.path()));
        }
        Ok(())
    }
}
