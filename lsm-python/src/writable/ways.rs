//! What the verbs of a mapping have in common.

use lsm_core::{Batch, ReadOptions, SeqNo};
use pyo3::prelude::*;

use crate::border::errors::Outcome;
use crate::border::input::{Durable, Seconds};
use crate::border::write::How;
use crate::readable::Readable;
use crate::seen::Seen;
use crate::view::KeyspaceView;
use crate::writable::Writable;

impl Writable {
    pub(super) fn how(
        &self,
        durability: Option<Durable>,
        timeout: Option<Seconds>,
        low_priority: bool,
    ) -> Outcome<How> {
        Ok(How::new(self.seen()?.life.usual, durability, timeout, low_priority))
    }

    pub(crate) fn write(&self, py: Python<'_>, how: &How, batch: &Batch) -> Outcome<SeqNo> {
        let db = &self.seen()?.life.db;
        how.write(py, &self.seen()?.life, batch.bytes(), |options| db.write_with(batch, options))
    }

    /// The same keyspace, seen in another way.
    pub(super) fn viewed(
        slf: &Bound<'_, Self>,
        of: Option<lsm_core::Snapshot>,
        options: ReadOptions,
    ) -> Outcome<Py<KeyspaceView>> {
        let seen = slf.get().seen()?;
        seen.life.check()?;
        let view = Seen::new(&seen.life, seen.keyspace.clone(), of, options);
        KeyspaceView::make(slf.py(), view, Readable::owner(slf.as_super()))
    }
}
