//! What cursors read of a table, added up for whoever explains a scan.

use std::sync::Arc;

use crate::base::sync::Mutex;
use crate::stats::looked::{Looked, Origin, Part, Probe};

/// What was read of one table so far.
#[derive(Debug, Default)]
pub struct Notes(Mutex<Counts>);

/// The same as plain data.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The file was opened for this; of several, at least one was.
    pub is_opened: bool,
    /// Blocks of indexes that were in memory.
    pub indexes_from_memory: u64,
    /// Blocks of indexes that were not.
    pub indexes_from_disk: u64,
    /// Blocks of entries that were in memory.
    pub blocks_from_memory: u64,
    /// Blocks of entries that were not.
    pub blocks_from_disk: u64,
    /// How often the file was read: blocks that follow each other come together, and so does what
    /// opening it needs.
    pub disk_reads: u64,
    /// How many bytes of it.
    pub bytes_read: u64,
}

impl Counts {
    /// Adds those of another table.
    pub fn add(&mut self, other: &Self) {
        self.is_opened |= other.is_opened;
        self.indexes_from_memory += other.indexes_from_memory;
        self.indexes_from_disk += other.indexes_from_disk;
        self.blocks_from_memory += other.blocks_from_memory;
        self.blocks_from_disk += other.blocks_from_disk;
        self.disk_reads += other.disk_reads;
        self.bytes_read = self.bytes_read.saturating_add(other.bytes_read);
    }
}

/// Takes down what cursors read, or nothing.
pub type Notebook = Option<Arc<Notes>>;

impl Notes {
    /// What was read so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        *self.0.lock()
    }
}

impl Probe for Notebook {
    fn table(&mut self) {}

    fn filtered(&mut self) {}

    fn entries(&mut self) {}

    fn looked(&self) -> Looked {
        Looked::default()
    }

    #[inline]
    fn part(&mut self, part: Part, from: Origin) {
        if let Some(notes) = self {
            notes.add(part, from);
        }
    }
}

impl Notes {
    #[cold]
    fn add(&self, part: Part, from: Origin) {
        let mut counts = self.0.lock();
        let is_from_memory = from == Origin::Memory;
        match part {
            Part::Index(_) if is_from_memory => counts.indexes_from_memory += 1,
            Part::Index(_) => counts.indexes_from_disk += 1,
            Part::Entries(..) if is_from_memory => counts.blocks_from_memory += 1,
            Part::Entries(..) => counts.blocks_from_disk += 1,
            Part::Opening => counts.is_opened = true,
            Part::Tombstones | Part::Filter(_) | Part::Value(_) => {}
        }
        if let Origin::Disk(bytes) = from {
            counts.disk_reads += u64::from(bytes > 0);
            counts.bytes_read = counts.bytes_read.saturating_add(bytes);
        }
    }
}
