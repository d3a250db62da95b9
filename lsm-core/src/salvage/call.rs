//! The calls.

use std::path::Path;

use crate::api::db::{Builder, Db};
use crate::base::error::Result;
use crate::env::os::world::real;
use crate::options::progress::CallOptions;
use crate::salvage::report::SalvageReport;
use crate::salvage::run;

impl Db {
    /// Rebuilds what can be read of the damaged database at `path` in `new_path`, a directory that
    /// is made, and tells what was lost.
    ///
    /// The damaged directory is only read, not even locked but against writers: `Locked` while
    /// somebody has it open to write. Where the manifest can be read the new database has the
    /// same keyspaces with the same options; without it, keyspaces are called `recovered-7` after
    /// their numbers. A damaged block of a table costs its own keys, a damaged record of the log
    /// its own batch. If the call fails or is stopped, the new database goes again with its
    /// directory; where the process dies meanwhile, `salvage.unfinished` stays beside it,
    /// and it is refused until it was destroyed.
    ///
    /// ```
    /// # use lsm_core::Db;
    /// # fn main() -> lsm_core::Result<()> {
    /// # let path = std::env::temp_dir().join(format!("lsm-salvage-{}", std::process::id()));
    /// # let new_path = path.with_extension("new");
    /// # let db = Db::open(&path)?;
    /// # db.put("key", "value")?;
    /// # db.close()?;
    /// let report = Db::salvage(&path, &new_path)?;
    /// for range in &report.lost {
    ///     println!("{}: from {:?} to {:?}", range.keyspace, range.from, range.to);
    /// }
    /// assert!(report.is_complete);
    /// let db = Db::open(&new_path)?;
    /// # db.close()?;
    /// # Db::destroy(&path)?;
    /// # Db::destroy(&new_path)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn salvage(path: impl AsRef<Path>, new_path: impl AsRef<Path>) -> Result<SalvageReport> {
        Self::builder(path).salvage(new_path)
    }
}

impl Builder {
    /// As `Db::salvage`, of the database at the builder's path. The options are those of the new
    /// database; strategies of the program's own are registered there.
    pub fn salvage(self, new_path: impl AsRef<Path>) -> Result<SalvageReport> {
        self.salvage_with(new_path, CallOptions::new())
    }

    /// As `salvage`, telling how many bytes of the damaged files are read, and stopped when it is
    /// told to.
    pub fn salvage_with(
        self,
        new_path: impl AsRef<Path>,
        mut options: CallOptions<'_>,
    ) -> Result<SalvageReport> {
        let env = self.env.clone().unwrap_or_else(real);
        run::salvage(&self, &env, new_path.as_ref(), &mut options)
    }
}
