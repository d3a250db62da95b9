//! Following a manifest that another process writes: its edits are taken in as they come, and when
//! another manifest takes its place, that one is.
//!
//! What does not verify at the end may be on its way. What does not verify and has something behind
//! it that does is damage, unless the next look shows something else.

use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::env::fs::{Directory, File};
use crate::env::host::BootId;
use crate::record::frame::Place;
use crate::record::header::{FileHeader, HEADER_LEN};
use crate::record::reader::RecordReader;
use crate::version::catalog::Catalog;
use crate::version::head::{Head, read_heads};
use crate::version::replay::{open_named, replay};

/// How far a manifest has been followed.
#[derive(Clone, Debug)]
pub struct Following {
    dir: Arc<dyn Directory>,
    head: Head,
    file: Arc<dyn File>,
    header: FileHeader,
    offset: u64,
    check: u64,
    catalog: Catalog,
    boot: Option<BootId>,
}

impl Following {
    /// Reads the manifest that is current now. The caller has seen to it that no file which is
    /// looked up from now on goes.
    pub fn begin(dir: &Arc<dyn Directory>, boot: Option<BootId>) -> Result<Self> {
        let head = current_head(dir.as_ref())?;
        let (file, header) = open_named(dir.as_ref(), &head)?;
        let (offset, check) = (HEADER_LEN as u64, header.check());
        let catalog = Catalog::default();
        let dir = dir.clone();
        let mut new = Self { dir, head, file, header, offset, check, catalog, boot };
        new.read()?;
        Ok(new)
    }

    /// Takes in what has come since, which is nothing most of the time. After an error it stands
    /// where it stood.
    pub fn advance(&mut self) -> Result<()> {
        let head = current_head(self.dir.as_ref())?;
        if head.header.database_id != self.head.header.database_id {
            return Err(replaced(self.dir.as_ref()));
        }
        if head.manifest_id != self.head.manifest_id {
            let new = Self::begin(&self.dir, self.boot)?;
            if new.catalog.edit < self.catalog.edit {
                let message = "the manifest is older than what was read before: a stale copy";
                return Err(Error::corruption(new.file.path(), 0, message));
            }
            *self = new;
            return Ok(());
        }
        self.head = head;
        self.read()
    }

    /// What it adds up to so far.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// True if keyspaces have come or gone since what was taken in. Numbers of keyspaces are never
    /// given again.
    pub fn has_other_keyspaces(&self) -> Result<bool> {
        let head = current_head(self.dir.as_ref())?;
        if head.manifest_id == self.head.manifest_id && self.file.len()? == self.offset {
            return Ok(false);
        }
        let mut later = self.clone();
        later.advance()?;
        let known = |catalog: &Catalog| (catalog.next_keyspace, catalog.keyspaces.len());
        Ok(known(&later.catalog) != known(&self.catalog))
    }

    /// True if files of large values have come since what was taken in.
    pub fn has_later_blobs(&self) -> Result<bool> {
        let mut later = self.clone();
        later.advance()?;
        let is_new = |number: &u64| !self.catalog.blobs.contains_key(number);
        Ok(later.catalog.blobs.keys().any(is_new))
    }

    /// Tells whether two looks have shown the same.
    #[must_use]
    pub fn place(&self) -> (u64, u64, u64) {
        (self.head.generation, self.catalog.edit, self.offset)
    }

    fn read(&mut self) -> Result<()> {
        let file = self.file.as_ref();
        let place = Place::of(&self.header);
        if file.len()? > self.offset {
            let mut reader = RecordReader::new(file, place, self.offset, self.check)?;
            // An edit that makes no sense leaves part of itself behind.
            let mut catalog = self.catalog.clone();
            replay(&mut reader, file, &self.head, &mut catalog)?;
            let is_of_now = self.header.boot_id.is_some() && self.header.boot_id == self.boot;
            check_end(&mut reader, file, is_of_now)?;
            (self.offset, self.check) = (reader.offset(), reader.check());
            self.catalog = catalog;
        }
        if self.offset < self.head.durable {
            return Err(damaged(file, self.offset));
        }
        Ok(())
    }
}

/// Refuses a place that does not verify and has something behind it that does.
fn check_end(reader: &mut RecordReader<'_>, file: &dyn File, is_of_now: bool) -> Result<()> {
    let end = reader.offset();
    if reader.file_len() > end {
        let evidence = reader.evidence_after(end)?;
        let is_told = (evidence.any_record && is_of_now) || evidence.durable > end;
        if is_told || evidence.undecided {
            return Err(damaged(file, end));
        }
    }
    Ok(())
}

/// What is answered when the directory holds a database that was made later.
#[must_use]
pub fn replaced(dir: &dyn Directory) -> Error {
    let message = "another database has taken the place of the one that was opened";
    Error::new(ErrorKind::Closed, message).at_path(dir.path())
}

fn damaged(file: &dyn File, offset: u64) -> Error {
    let message = "an edit of the manifest that was durable does not verify";
    Error::corruption(file.path(), offset, message)
}

/// The head that counts. While both are replaced one of them is always there and whole.
fn current_head(dir: &dyn Directory) -> Result<Head> {
    let heads = read_heads(dir)?;
    heads.current.ok_or_else(|| {
        heads.damage.unwrap_or_else(|| {
            Error::new(ErrorKind::Corruption, "both heads are missing").at_path(dir.path())
        })
    })
}
