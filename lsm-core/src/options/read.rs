//! What can be chosen for reads.

use crate::base::error::{Error, ErrorKind, Result};

/// How is read. What is not chosen is as without options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadOptions {
    fill_cache: bool,
    cached_only: bool,
    verify: bool,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { fill_cache: true, cached_only: false, verify: false }
    }
}

impl ReadOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Chooses whether blocks that have to be read stay in the cache, which they do by default.
    /// What is there is used in any case.
    #[must_use]
    pub fn fill_cache(mut self, yes: bool) -> Self {
        self.fill_cache = yes;
        self
    }

    /// Chooses to leave the disk alone: what would need it answers `Busy`. A cursor then stays
    /// where it is.
    #[must_use]
    pub fn cached_only(mut self, yes: bool) -> Self {
        self.cached_only = yes;
        self
    }

    /// Chooses to believe nothing of a table that is in memory: everything is read and checked
    /// anew, from the header of the file on, and nothing of it is kept.
    #[must_use]
    pub fn verify(mut self, yes: bool) -> Self {
        self.verify = yes;
        self
    }

    /// Blocks that have to be read stay in the cache.
    #[must_use]
    pub fn fills_cache(&self) -> bool {
        self.fill_cache
    }

    /// The disk is left alone.
    #[must_use]
    pub fn is_cached_only(&self) -> bool {
        self.cached_only
    }

    /// Nothing that is in memory is believed.
    #[must_use]
    pub fn is_verifying(&self) -> bool {
        self.verify
    }

    /// Refuses what cannot be meant, and says why.
    pub fn check(&self) -> Result<()> {
        if self.cached_only && self.verify {
            let message = "verify reads the disk, and cached_only leaves it alone";
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        Ok(())
    }
}
