//! The calls for readers: of one that reads beside a writer, and of the writer who keeps files for
//! them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::base::error::Result;
use crate::env::fs::Directory;
use crate::env::world::Env;
use crate::journal::follow::{Follow, Follower};
use crate::journal::followed::Followed;
use crate::journal::handle::Journal;
use crate::journal::lockfile::{self, ReaderSlot};
use crate::journal::names::NewNames;
use crate::journal::options::{JournalOptions, OpenReport};
use crate::journal::read_only::recover_read_only;
use crate::journal::recovery::next_seqno_of;
use crate::version::catalog::Catalog;
use crate::wal::chain::follow::Reached;

impl Journal {
    /// Opens the database at `path` for reading alone, whether somebody writes it or not, as `open`
    /// does but for this: it changes nothing but this reader's slot in the lock file, and every
    /// call that writes answers `ReadOnly`. What the writer does from then on the follower sees.
    pub fn open_read_only(
        env: &Env,
        path: &Path,
        lease: Duration,
        into: &mut dyn Follow,
    ) -> Result<(Self, Follower, OpenReport)> {
        let (recovered, follower) = recover_read_only(env, path, lease, into)?;
        let (options, new_names) = (JournalOptions::default(), NewNames::default());
        let (journal, report) = Self::of(env, recovered, options, new_names)?;
        if let Some(catalog) = follower.catalog().filter(|_| !report.was_clean) {
            journal.follow_log(catalog, follower.reached());
        }
        Ok((journal, follower, report))
    }

    /// Unlinks what no reader in another process needs any more, and answers the names.
    pub fn sweep_retired(&self) -> Result<Vec<String>> {
        self.state.check_writable()?;
        self.state.retired.as_ref().map_or(Ok(Vec::new()), |retired| retired.sweep())
    }

    /// How many files the database no longer needs, and a reader in another process may; and how
    /// long they are.
    #[must_use]
    pub fn retired_held(&self) -> (u64, u64) {
        self.state.retired.as_ref().map(|retired| retired.held()).unwrap_or_default()
    }

    /// True if there are any.
    #[must_use]
    pub fn has_retired(&self) -> bool {
        self.state.retired.as_ref().is_some_and(|retired| retired.has_any())
    }

    /// The readers that hold a slot now.
    pub fn readers(&self) -> Result<Vec<ReaderSlot>> {
        self.state.check_open()?;
        match lockfile::readers(self.state.dir.as_ref()) {
            Err(error) if error.is_not_found() => Ok(Vec::new()),
            readers => readers,
        }
    }

    /// Takes in how far a reader has followed.
    pub fn follow(&self, catalog: &Catalog, reached: Reached) {
        self.state.take_manifest().follow(catalog);
        self.state.blobs.follow(&catalog.blobs);
        self.follow_log(catalog, reached);
    }

    /// Files of large values that nobody here reads any more are forgotten.
    pub fn forget_blobs(&self, numbers: &[u64]) {
        for number in numbers {
            let _place = self.state.blobs.forget(*number);
        }
    }

    /// The same, where nothing of the manifest has changed. What is durable of the log only the
    /// writer knows.
    pub fn follow_log(&self, catalog: &Catalog, reached: Reached) {
        let next_seqno = next_seqno_of(reached.next_seqno, catalog);
        self.state.log.follow(reached.end, next_seqno, catalog.flushed);
    }

    /// The directory, for whoever opens its tables.
    #[must_use]
    pub fn directory(&self) -> Arc<dyn Directory> {
        let dir = self.state.dir.clone();
        if !self.state.is_read_only {
            return dir;
        }
        Arc::new(Followed::new(dir, self.state.take_manifest().catalog().database_id))
    }
}
