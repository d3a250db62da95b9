//! The shelf: where table files are opened from, and through which cache they are read.

use std::sync::Arc;

use crate::base::error::Result;
use crate::cache::pool::Cache;
use crate::env::fs::Directory;
use crate::table::opening::Expect;
use crate::table::reader::Table;
use crate::version::handles::{Handles, open_table};
use crate::version::tree::{OpenTable, TableMeta};

/// A directory of tables and a cache for them.
#[derive(Debug)]
pub struct Shelf {
    dir: Arc<dyn Directory>,
    cache: Arc<Cache>,
    /// Set where not every file stays open.
    handles: Option<Arc<Handles>>,
}

impl Shelf {
    /// Tables of this directory, of which `open_files_max` stay open at most; all if that is 0.
    #[must_use]
    pub fn new(dir: Arc<dyn Directory>, cache: Arc<Cache>, open_files_max: usize) -> Arc<Self> {
        let handles = (open_files_max > 0).then(|| Handles::new(dir.clone(), open_files_max));
        Arc::new(Self { dir, cache, handles })
    }
}

impl Shelf {
    /// How often files were read, and how often one was opened for that; `None` where all stay
    /// open.
    #[must_use]
    pub fn usage(&self) -> Option<(u64, u64)> {
        self.handles.as_ref().map(|handles| handles.usage())
    }
}

impl OpenTable for Shelf {
    fn open(&self, meta: &TableMeta) -> Result<Arc<Table>> {
        let file = match &self.handles {
            Some(handles) => handles.lend(meta.number)?,
            None => open_table(self.dir.as_ref(), meta.number)?,
        };
        let expect = Expect { file_id: meta.file_id, bytes: meta.bytes };
        Table::open(file, expect, self.cache.clone())
    }
}
