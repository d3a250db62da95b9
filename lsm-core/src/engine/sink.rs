//! Where background work gets its table files from.

use std::sync::Arc;

use crate::base::error::Result;
use crate::cache::pool::Cache;
use crate::engine::state::Engine;
use crate::journal::tables::NewTable;
use crate::output::Sink;
use crate::table::reader::Table;
use crate::version::tree::TableFile;

/// The journal's tables, read through the engine's cache.
#[derive(Debug)]
pub struct JournalSink(Arc<Engine>);

impl JournalSink {
    /// Those of this engine.
    #[must_use]
    pub fn of(engine: &Arc<Engine>) -> Arc<dyn Sink> {
        Arc::new(Self(Arc::clone(engine)))
    }
}

impl Sink for JournalSink {
    fn new_table(&self) -> Result<NewTable> {
        self.0.journal.new_table()
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
}
