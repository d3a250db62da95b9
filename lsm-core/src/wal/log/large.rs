//! Large values, which are durable before the records that refer to them.

use crate::base::error::{Error, Result};
use crate::base::sync::Ordering;
use crate::wal::log::{Log, Syncing};

impl Log {
    /// Returns once every large value that was written by now is durable.
    pub fn sync_blobs(&self) -> Result<()> {
        let Some(blobs) = self.blobs.get() else { return Ok(()) };
        let target = blobs.written();
        while !blobs.is_synced_to(target) {
            self.check_fault().map_err(Error::and_maybe_committed)?;
            if let Some(_syncing) = Syncing::begin(self) {
                self.sync_blobs_now().map_err(Error::and_maybe_committed)?;
                continue;
            }
            let mut may_go_on = || !self.is_syncing.load(Ordering::Acquire);
            let _always_true = self.scheduler.wait(&self.changed, None, &mut may_go_on);
        }
        Ok(())
    }

    /// Makes large values durable. Only the syncer calls this.
    pub(super) fn sync_blobs_now(&self) -> Result<()> {
        let Some(blobs) = self.blobs.get() else { return Ok(()) };
        // Whoever was the syncer before may have failed: nothing is synced again.
        self.check_fault()?;
        blobs.sync().inspect_err(|error| {
            self.tail.lock().fault.get_or_insert(error.clone());
        })
    }
}
