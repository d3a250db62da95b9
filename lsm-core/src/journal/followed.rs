//! The directory as a reader sees it who stands beside a writer: a file that is missing there was
//! deleted, and one that is of another database was put in its place. Neither is damage.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::env::fs::{Access, Claim, Directory, Entry, File, Lock, Medium};
use crate::journal::follow::vanished;
use crate::record::header::{FileHeader, FileKind};
use crate::record::names::FileName;
use crate::version::follow::replaced;
use crate::version::head::{FoundHeads, read_heads};

/// What a reader opens: tables, and files of large values.
fn kind_of(name: &str) -> FileKind {
    match FileName::parse(OsStr::new(name)) {
        Some(FileName::Blob(_)) => FileKind::Blob,
        _ => FileKind::Table,
    }
}

/// A directory whose files may go.
#[derive(Debug)]
pub struct Followed {
    inner: Arc<dyn Directory>,
    database_id: [u8; 16],
}

impl Followed {
    /// The same directory, in which this database lay.
    #[must_use]
    pub fn new(inner: Arc<dyn Directory>, database_id: [u8; 16]) -> Self {
        Self { inner, database_id }
    }

    /// What to answer if the database is not there any more, or another one is.
    fn is_gone(&self) -> Option<Error> {
        let dir = self.inner.as_ref();
        match read_heads(dir) {
            Ok(FoundHeads { present: 0, .. }) => Some(vanished(dir)),
            Ok(FoundHeads { current: Some(head), .. }) => {
                (head.header.database_id != self.database_id).then(|| replaced(dir))
            }
            _ => None,
        }
    }

    fn foreign(&self, file: &dyn File) -> Error {
        let message = "the file belongs to another database";
        self.is_gone().unwrap_or_else(|| Error::corruption(file.path(), 0, message))
    }

    fn deleted(&self, name: &str) -> Error {
        if let Some(error) = self.is_gone() {
            return error;
        }
        let message = "the writer has deleted a file that this view needs, because the reader's \
                       lease ran out or it has no slot: refresh, or take a new snapshot, and \
                       read again";
        Error::new(ErrorKind::Busy, message).at_path(&self.inner.path().join(name))
    }
}

impl Directory for Followed {
    fn path(&self) -> &Path {
        self.inner.path()
    }

    fn create(&self, name: &str) -> Result<Arc<dyn File>> {
        self.inner.create(name)
    }

    fn open(&self, name: &str, access: Access) -> Result<Arc<dyn File>> {
        let opened = self.inner.open(name, access);
        let opened = opened.map_err(|error| match error.is_not_found() {
            true => self.deleted(name),
            false => error,
        })?;
        // What is wrong with a header says whoever needs it.
        match FileHeader::read(opened.as_ref(), kind_of(name)) {
            Ok(header) if header.database_id != self.database_id => {
                Err(self.foreign(opened.as_ref()))
            }
            _ => Ok(opened),
        }
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
        self.inner.sync()
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
