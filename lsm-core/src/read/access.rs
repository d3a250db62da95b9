//! How a reader gets at tables, and at their blocks.

use std::sync::Arc;

use crate::base::error::Result;
use crate::cache::purpose::Use;
use crate::options::read::ReadOptions;
use crate::table::reader::Table;
use crate::version::tree::TableFile;

/// How a reader gets at tables. A type of its own for those who have chosen nothing, so that usual
/// reads have nothing to look at.
pub trait Access: Copy {
    /// Nothing was chosen.
    const IS_USUAL: bool = false;

    /// Lets `look` see a table, and how its blocks are to be asked for, which is as `how` says
    /// unless the reader wants it otherwise.
    fn visit<T>(
        self,
        file: &TableFile,
        how: Use,
        look: impl FnOnce(&Arc<Table>, Use) -> Result<T>,
    ) -> Result<T>;

    /// The same as plain data.
    fn options(self) -> ReadOptions;
}

/// As it is where nothing was chosen.
#[derive(Clone, Copy, Debug)]
pub struct Usual;

impl Access for Usual {
    const IS_USUAL: bool = true;

    #[inline]
    fn visit<T>(
        self,
        file: &TableFile,
        how: Use,
        look: impl FnOnce(&Arc<Table>, Use) -> Result<T>,
    ) -> Result<T> {
        look(file.table()?, how)
    }

    fn options(self) -> ReadOptions {
        ReadOptions::new()
    }
}

impl Access for ReadOptions {
    fn visit<T>(
        self,
        file: &TableFile,
        how: Use,
        look: impl FnOnce(&Arc<Table>, Use) -> Result<T>,
    ) -> Result<T> {
        if self.is_verifying() {
            // None of its blocks is in the cache, and none comes there.
            let how = if how == Use::Scan { Use::Bypass } else { Use::Aside };
            return look(&file.open_anew()?, how);
        }
        let how = match (self.is_cached_only(), self.fills_cache()) {
            (true, _) => Use::Resident,
            (false, true) => how,
            (false, false) => Use::Aside,
        };
        if file.opened().is_none() {
            how.check_disk()?;
        }
        look(file.table()?, how)
    }

    fn options(self) -> ReadOptions {
        self
    }
}
