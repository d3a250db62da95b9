//! One open directory: the root of everything that is done in it.
//!
//! All goes through the descriptor that was opened once, by plain names. Whatever happens to the
//! directory's path afterwards, the files stay the ones of this directory.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "the real directory")]

#[cfg(test)]
mod tests;

use std::ffi::CString;
use std::fs;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::sort::sort_by;
use crate::env::fs::{Access, Claim, Directory, Entry, EntryKind, File, Lock, Medium};
use crate::env::os::file::OsFile;
use crate::env::os::lock::{OsLock, SlotClaim, is_claimed};
#[cfg(target_os = "linux")]
use crate::env::os::medium::traits_of;
use crate::env::os::sys::{self, Mode};

/// A directory of the system.
#[derive(Debug)]
pub struct OsDirectory {
    dir: fs::File,
    path: PathBuf,
}

impl OsDirectory {
    /// A directory that was opened as one.
    pub(super) fn new(dir: fs::File, path: PathBuf) -> Self {
        Self { dir, path }
    }

    /// As the `claim` of every directory, with what only the system's claims can answer.
    pub fn claim_slot(&self, name: &str, offset: u64, len: u64) -> Result<SlotClaim> {
        let (name, path) = self.resolve(name)?;
        SlotClaim::take(self.dir.as_fd(), &name, &path, offset, len)
    }

    /// The name for the system, and the path for messages.
    fn resolve(&self, name: &str) -> Result<(CString, PathBuf)> {
        match sys::plain_name(name) {
            Some(plain) => Ok((plain, self.path.join(name))),
            None => {
                let message = format!("{name:?} is not a plain file name");
                Err(Error::new(ErrorKind::InvalidArgument, message).at_path(&self.path))
            }
        }
    }
}

impl Directory for OsDirectory {
    fn path(&self) -> &Path {
        &self.path
    }

    fn create(&self, name: &str) -> Result<Arc<dyn File>> {
        let (name, path) = self.resolve(name)?;
        Ok(Arc::new(OsFile::create(self.dir.as_fd(), &name, path)?))
    }

    fn open(&self, name: &str, access: Access) -> Result<Arc<dyn File>> {
        let (name, path) = self.resolve(name)?;
        Ok(Arc::new(OsFile::open(self.dir.as_fd(), &name, path, access)?))
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        let (from, path) = self.resolve(from)?;
        let (to, _) = self.resolve(to)?;
        sys::rename_at(self.dir.as_fd(), &from, &to)
            .map_err(|error| Error::from_io("rename the file", &path, error))
    }

    fn unlink(&self, name: &str) -> Result<()> {
        let (name, path) = self.resolve(name)?;
        sys::unlink_at(self.dir.as_fd(), &name)
            .map_err(|error| Error::from_io("delete the file", &path, error))
    }

    fn list(&self) -> Result<Vec<Entry>> {
        let entries = sys::list(self.dir.as_fd())
            .map_err(|error| Error::from_io("list the directory", &self.path, error))?;
        let mut entries: Vec<Entry> =
            entries.into_iter().map(|(name, mode)| Entry { name, kind: kind_of(mode) }).collect();
        sort_by(&mut entries, |left, right| left.name.cmp(&right.name));
        Ok(entries)
    }

    fn sync(&self) -> Result<()> {
        self.dir.sync_all().map_err(|error| Error::from_io("sync the directory", &self.path, error))
    }

    fn medium(&self) -> Result<Medium> {
        let failed =
            |error| Error::from_io("ask about the directory's file system", &self.path, error);
        let (free_bytes, is_read_only) = sys::space(self.dir.as_fd()).map_err(failed)?;
        #[cfg(target_os = "linux")]
        let (is_network, allows_mapped_log) =
            traits_of(sys::file_system_magic(self.dir.as_fd()).map_err(failed)?);
        #[cfg(not(target_os = "linux"))]
        let (is_network, allows_mapped_log) = (false, false);
        Ok(Medium { free_bytes, is_read_only, is_network, allows_mapped_log })
    }

    fn lock(&self, name: &str) -> Result<Box<dyn Lock>> {
        let (name, path) = self.resolve(name)?;
        Ok(Box::new(OsLock::take(self.dir.as_fd(), &name, &path, Access::ReadWrite)?))
    }

    fn share(&self, name: &str) -> Result<Box<dyn Lock>> {
        let (name, path) = self.resolve(name)?;
        Ok(Box::new(OsLock::take(self.dir.as_fd(), &name, &path, Access::Read)?))
    }

    fn claim(&self, name: &str, offset: u64, len: u64) -> Result<Box<dyn Claim>> {
        Ok(Box::new(self.claim_slot(name, offset, len)?))
    }

    fn is_claimed(&self, name: &str, offset: u64, len: u64) -> Result<bool> {
        let (name, path) = self.resolve(name)?;
        is_claimed(self.dir.as_fd(), &name, &path, offset, len)
    }
}

fn kind_of(mode: Mode) -> EntryKind {
    if mode.is_regular() {
        EntryKind::File
    } else if mode.is_directory() {
        EntryKind::Directory
    } else {
        EntryKind::Other
    }
}
