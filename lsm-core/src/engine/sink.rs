//! Where background work gets its table files from.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::base::error::Result;
use crate::cache::pool::Cache;
use crate::engine::state::Engine;
use crate::engine::throttle::Throttle;
use crate::env::clock::Clock;
use crate::env::fs::{File, Window};
use crate::journal::blobs::NewBlob;
use crate::journal::tables::NewTable;
use crate::output::Sink;
use crate::table::reader::Table;
use crate::version::tree::TableFile;

/// A file of which it is noted how much is written.
#[derive(Debug)]
struct Metered {
    file: Arc<dyn File>,
    throttle: Arc<Throttle>,
    clock: Arc<dyn Clock>,
}

impl File for Metered {
    fn path(&self) -> &Path {
        self.file.path()
    }

    fn len(&self) -> Result<u64> {
        self.file.len()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<usize> {
        let written = self.file.write_at(bytes, offset)?;
        self.throttle.note(written as u64, self.clock.monotonic());
        Ok(written)
    }

    fn allocate(&self, len: u64) -> Result<()> {
        self.file.allocate(len)
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.file.set_len(len)
    }

    fn sync_data(&self) -> Result<()> {
        self.file.sync_data()
    }

    fn sync_all(&self) -> Result<()> {
        self.file.sync_all()
    }

    fn map(&self, offset: u64, len: u64) -> Result<Box<dyn Window>> {
        self.file.map(offset, len)
    }
}

/// The journal's tables, read through the engine's cache.
pub struct JournalSink(Arc<Engine>);

// A derived one would have every library carry what prints a whole engine, though none does.
impl fmt::Debug for JournalSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JournalSink").finish_non_exhaustive()
    }
}

impl JournalSink {
    /// Those of this engine.
    #[must_use]
    pub fn of(engine: &Arc<Engine>) -> Arc<dyn Sink> {
        Arc::new(Self(Arc::clone(engine)))
    }
}

impl Sink for JournalSink {
    fn new_table(&self) -> Result<NewTable> {
        let new = self.0.journal.new_table()?;
        if !self.0.throttle.is_on() {
            return Ok(new);
        }
        let (throttle, clock) = (self.0.throttle.clone(), self.0.env.clock.clone());
        Ok(NewTable { file: Arc::new(Metered { file: new.file, throttle, clock }), ..new })
    }

    fn discard(&self, numbers: &[u64]) {
        // What stays is cleared away by the next opening.
        let _left_behind = self.0.journal.discard_tables(numbers);
    }

    fn open(&self, file: &Arc<TableFile>) -> Result<Arc<Table>> {
        file.table().cloned()
    }

    fn cache(&self) -> Arc<Cache> {
        self.0.cache.clone()
    }

    fn new_blob(&self) -> Result<NewBlob> {
        let new = self.0.journal.new_blob()?;
        if !self.0.throttle.is_on() {
            return Ok(new);
        }
        let (throttle, clock) = (self.0.throttle.clone(), self.0.env.clock.clone());
        Ok(NewBlob { file: Arc::new(Metered { file: new.file, throttle, clock }), ..new })
    }

    fn discard_blobs(&self, numbers: &[u64]) {
        let _left_behind = self.0.journal.discard_blobs(numbers);
    }
}
