//! Table files of which no more than so many stay open. The one that was read least recently is
//! closed, and opened again when it is read.
//!
//! That is safe because a name is never used twice, and stays as long as somebody may read the
//! file. What is read from a file that somebody has put in its place does not verify.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::sync::Mutex;
use crate::env::fs::{Access, Directory, File, Window};
use crate::record::names;

/// The files that are open.
#[derive(Debug)]
pub struct Handles {
    dir: Arc<dyn Directory>,
    most: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    /// By table number, with the time of the last read.
    files: BTreeMap<u64, (u64, Arc<dyn File>)>,
    /// So many reads there were.
    reads: u64,
    /// So many of them had to open the file.
    opened: u64,
}

/// A table file that need not be open.
#[derive(Debug)]
struct Lent {
    number: u64,
    path: PathBuf,
    handles: Arc<Handles>,
}

impl Handles {
    /// None is open yet, and no more than `most` stay open, which is one at least.
    #[must_use]
    pub fn new(dir: Arc<dyn Directory>, most: usize) -> Arc<Self> {
        Arc::new(Self { dir, most: most.max(1), open: Mutex::default() })
    }

    /// The file of this table, which is there.
    pub fn lend(self: &Arc<Self>, number: u64) -> Result<Arc<dyn File>> {
        let _it_is_there = self.file(number)?;
        let path = self.dir.path().join(names::table(number));
        Ok(Arc::new(Lent { number, path, handles: self.clone() }))
    }

    /// How often files were read, and how often one was opened for that.
    #[must_use]
    pub fn usage(&self) -> (u64, u64) {
        let open = self.open.lock();
        (open.reads, open.opened)
    }

    /// The same, open. It stays so as long as it is held.
    fn file(&self, number: u64) -> Result<Arc<dyn File>> {
        if let Some(file) = self.open.lock().read(number) {
            return Ok(file);
        }
        let file = open_table(self.dir.as_ref(), number)?;
        let closed = self.open.lock().add(number, file.clone(), self.most);
        drop(closed);
        Ok(file)
    }
}

/// Opens the file of a table that the database needs.
pub fn open_table(dir: &dyn Directory, number: u64) -> Result<Arc<dyn File>> {
    let name = names::table(number);
    dir.open(&name, Access::Read).map_err(|error| {
        if !error.is_not_found() {
            return error;
        }
        let message = "a table that the database needs is missing";
        Error::new(ErrorKind::Corruption, message).at_path(&dir.path().join(&name))
    })
}

impl Open {
    fn read(&mut self, number: u64) -> Option<Arc<dyn File>> {
        self.reads = self.reads.wrapping_add(1);
        let (read_at, file) = self.files.get_mut(&number)?;
        *read_at = self.reads;
        Some(file.clone())
    }

    /// Adds a file, and answers those that are to be closed: not under the lock.
    fn add(&mut self, number: u64, file: Arc<dyn File>, most: usize) -> Vec<Arc<dyn File>> {
        self.opened = self.opened.wrapping_add(1);
        let before = self.files.insert(number, (self.reads, file));
        let mut closed: Vec<_> = before.into_iter().map(|(_, file)| file).collect();
        while self.files.len() > most {
            let oldest = self.files.iter().filter(|(at, _)| **at != number);
            let oldest = oldest.min_by_key(|(_, (read_at, _))| *read_at).map(|(at, _)| *at);
            let Some((_, file)) = oldest.and_then(|oldest| self.files.remove(&oldest)) else {
                break;
            };
            closed.push(file);
        }
        closed
    }
}

impl Lent {
    fn open(&self) -> Result<Arc<dyn File>> {
        self.handles.file(self.number)
    }

    fn refuse(&self) -> Error {
        Error::new(ErrorKind::Internal, "a table is only read").at_path(&self.path)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        // If it is read in another way too, it is opened again.
        let closed = self.handles.open.lock().files.remove(&self.number);
        drop(closed);
    }
}

impl File for Lent {
    fn path(&self) -> &Path {
        &self.path
    }

    fn len(&self) -> Result<u64> {
        self.open()?.len()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        self.open()?.read_at(buffer, offset)
    }

    fn write_at(&self, _: &[u8], _: u64) -> Result<usize> {
        Err(self.refuse())
    }

    fn allocate(&self, _: u64) -> Result<()> {
        Err(self.refuse())
    }

    fn set_len(&self, _: u64) -> Result<()> {
        Err(self.refuse())
    }

    fn sync_data(&self) -> Result<()> {
        Err(self.refuse())
    }

    fn sync_all(&self) -> Result<()> {
        Err(self.refuse())
    }

    fn map(&self, _: u64, _: u64) -> Result<Box<dyn Window>> {
        Err(self.refuse())
    }
}
