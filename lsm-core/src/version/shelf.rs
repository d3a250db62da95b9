//! The shelf: where table files are opened from, and through which cache they are read.

use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::cache::pool::Cache;
use crate::env::fs::{Access, Directory};
use crate::record::names;
use crate::table::opening::Expect;
use crate::table::reader::Table;
use crate::version::tree::{OpenTable, TableMeta};

/// A directory of tables and a cache for them.
#[derive(Debug)]
pub struct Shelf {
    dir: Arc<dyn Directory>,
    cache: Arc<Cache>,
}

impl Shelf {
    /// Tables of this directory.
    #[must_use]
    pub fn new(dir: Arc<dyn Directory>, cache: Arc<Cache>) -> Arc<Self> {
        Arc::new(Self { dir, cache })
    }
}

impl OpenTable for Shelf {
    fn open(&self, meta: &TableMeta) -> Result<Arc<Table>> {
        let name = names::table(meta.number);
        let file = self.dir.open(&name, Access::Read).map_err(|error| {
            if !error.is_not_found() {
                return error;
            }
            let message = "a table that the database needs is missing";
            Error::new(ErrorKind::Corruption, message).at_path(&self.dir.path().join(&name))
        })?;
        let expect = Expect { file_id: meta.file_id, bytes: meta.bytes };
        Table::open(file, expect, self.cache.clone())
    }
}
