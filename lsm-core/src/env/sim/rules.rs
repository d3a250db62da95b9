//! Rules on the order of operations, held against every operation as it happens.
//!
//! A test that looks only at what survives must be lucky to find a missing sync; a rule sees the
//! operation that came too early. A rule is a value with memory, or a closure.

use std::collections::BTreeSet;
use std::path::Path;

use super::op::{Op, OpKind};
use super::state::State;
use crate::base::error::Error;
use crate::env::fs::Access;

/// Looks at every operation after it has happened; answers what is wrong with it.
pub trait Rule: Send {
    /// `failure` is what the operation answered, if it failed.
    fn observe(&mut self, op: &Op, failure: Option<&Error>, disk: &View<'_>) -> Option<String>;
}

impl<F> Rule for F
where
    F: FnMut(&Op, Option<&Error>, &View<'_>) -> Option<String> + Send,
{
    fn observe(&mut self, op: &Op, failure: Option<&Error>, disk: &View<'_>) -> Option<String> {
        self(op, failure, disk)
    }
}

/// What a rule may ask of the disk.
#[derive(Debug)]
pub struct View<'a>(pub(super) &'a State);

impl View<'_> {
    /// True if a power cut now would leave the path, bytes and names, as readers see it.
    #[must_use]
    pub fn is_durable(&self, path: &Path) -> bool {
        self.0.is_durable(path)
    }

    /// True if the bytes are durable, under whatever name.
    #[must_use]
    pub fn is_synced(&self, path: &Path) -> bool {
        self.0.file_at(path).is_ok_and(|file| self.0.is_synced(file))
    }

    /// True if readers see the path.
    #[must_use]
    pub fn exists(&self, path: &Path) -> bool {
        self.0.node_at(path).is_ok()
    }
}

/// After a failed write a file is not written again, and after a failed sync it is neither written
/// nor synced again. Calls that were only interrupted do not count.
#[derive(Debug, Default)]
pub struct NoWriteAfterFailure {
    not_written: BTreeSet<u64>,
    not_synced: BTreeSet<u64>,
}

impl Rule for NoWriteAfterFailure {
    fn observe(&mut self, op: &Op, failure: Option<&Error>, _disk: &View<'_>) -> Option<String> {
        let file = op.file?;
        let is_write = matches!(op.kind, OpKind::Write | OpKind::Store);
        let wrong = if is_write && self.not_synced.contains(&file) {
            Some("a write after a failed sync")
        } else if is_write && self.not_written.contains(&file) {
            Some("a write after a failed write")
        } else if op.kind.is_sync() && self.not_synced.contains(&file) {
            Some("a sync after a failed sync")
        } else {
            None
        };
        let code = failure.map(Error::os_code);
        let is_failure = code.is_some_and(|code| !matches!(code, Some(libc::EINTR | libc::EAGAIN)));
        if is_failure && is_write {
            self.not_written.insert(file);
        }
        if is_failure && op.kind.is_sync() {
            self.not_synced.insert(file);
        }
        wrong.map(str::to_owned)
    }
}

/// Nothing is changed, synced, locked or opened for writing.
#[derive(Debug, Default)]
pub struct NoWriteInReadOnlyMode;

impl Rule for NoWriteInReadOnlyMode {
    fn observe(&mut self, op: &Op, _failure: Option<&Error>, _: &View<'_>) -> Option<String> {
        let is_write = op.kind.is_crash_point()
            || op.kind == OpKind::Lock
            || op.access == Some(Access::ReadWrite);
        is_write.then(|| "a write in read-only mode".to_owned())
    }
}

/// What gets another name, to take the place of something, has its bytes on the medium by then.
#[derive(Debug, Default)]
pub struct SyncedBeforeRename;

impl Rule for SyncedBeforeRename {
    fn observe(&mut self, op: &Op, failure: Option<&Error>, disk: &View<'_>) -> Option<String> {
        let target = op.target.as_ref()?;
        let is_early = failure.is_none() && !disk.is_synced(target);
        is_early.then(|| "a rename of bytes that are not synced".to_owned())
    }
}
