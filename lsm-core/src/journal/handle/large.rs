//! Large values, and the batches that refer to them.

use std::sync::Arc;

use crate::base::error::Result;
use crate::blob::record::Packed;
use crate::blob::reference::BlobRef;
use crate::blob::store::Blobs;
use crate::blob::tail::Reserved;
use crate::journal::blobs::{self, NewBlob};
use crate::journal::handle::{Journal, check_batch};
use crate::key::seqno::SeqNo;
use crate::record::frame::Payload;

impl Journal {
    /// The same for a batch with references: to values that were written since the log had been
    /// rewritten so many times.
    pub fn try_append_since(
        &self,
        restarts: Option<u64>,
        payload: &Payload<'_>,
        count: u32,
    ) -> Result<Option<SeqNo>> {
        self.state.check_writable()?;
        check_batch(payload.bytes().len(), count)?;
        let first = self.state.log.try_append_since(restarts, payload, count)?;
        if first.is_some() {
            self.state.wake_flusher();
        }
        Ok(first)
    }

    /// The same for a batch with references, as in `try_append_since`.
    pub fn reserve_since(&self, restarts: Option<u64>, count: u32) -> Result<SeqNo> {
        self.state.check_writable()?;
        check_batch(0, count)?;
        self.state.log.reserve(restarts, count)
    }

    /// Large values.
    #[must_use]
    pub fn blobs(&self) -> &Arc<Blobs> {
        &self.state.blobs
    }

    /// How often the log was rewritten: asked before large values are written.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.state.log.restarts()
    }

    /// Writes a large value, and answers the reference to it. What is answered beside it is kept
    /// until the reference is in memory, or given up.
    pub fn write_apart(&self, packed: Packed<'_>) -> Result<(BlobRef, Reserved)> {
        self.state.check_writable()?;
        blobs::write_apart(&self.state, packed)
    }

    /// Creates a file of large values under a number that was never used. Nothing lists it yet: a
    /// `commit` does, or `discard_blobs` takes it away.
    pub fn new_blob(&self) -> Result<NewBlob> {
        self.state.check_writable()?;
        blobs::new_blob(&self.state)
    }

    /// Takes away files of large values that were made and then not listed.
    pub fn discard_blobs(&self, numbers: &[u64]) -> Result<()> {
        self.state.check_writable()?;
        blobs::discard_blobs(&self.state, numbers)
    }

    /// Unlinks files of large values that were removed by an edit and that nobody reads any more.
    pub fn unlink_blobs(&self, numbers: &[u64]) -> Result<()> {
        self.state.check_writable()?;
        blobs::unlink_blobs(&self.state, numbers)
    }
}
