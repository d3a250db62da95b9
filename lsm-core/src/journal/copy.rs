//! The copy of a log, made while the log is read.
//!
//! Whether it is needed is known at the end of the reading; until then it is a leftover, which
//! goes with whoever gives it up, or with the next opening.

use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::env::fs::Directory;
use crate::env::schedule::Scheduler;
use crate::record::header::FileHeader;
use crate::record::names;
use crate::version::edit::{Edit, Seal};
use crate::wal::chain::{ChainRead, Replayed};
use crate::wal::rewrite::{Rewrite, Rewritten};
use crate::wal::seam::Seam;
use crate::wal::tail::ChainEnd;

/// Surviving batches on their way into one new segment.
#[derive(Debug)]
pub struct LogCopy {
    scheduler: Option<Arc<dyn Scheduler>>,
    dir: Arc<dyn Directory>,
    header: FileHeader,
    clock_millis: u64,
    rewrite: Option<Rewrite>,
    batches: u64,
    /// There may be a file that nobody wants.
    is_stray: bool,
}

impl LogCopy {
    /// Nothing was copied, and there is no file. What is copied has been written by `clock_millis`.
    /// With a scheduler a job writes the copy, and whoever makes it waits.
    #[must_use]
    pub fn new(
        scheduler: Option<Arc<dyn Scheduler>>,
        dir: Arc<dyn Directory>,
        header: FileHeader,
        clock_millis: u64,
    ) -> Self {
        let (rewrite, batches, is_stray) = (None, 0, false);
        Self { scheduler, dir, header, clock_millis, rewrite, batches, is_stray }
    }

    /// The number in its name.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.header.number
    }

    /// Copies a batch under the numbers it had.
    pub fn add(&mut self, batch: &Replayed<'_>) -> Result<()> {
        if self.rewrite.is_none() {
            self.begin()?;
        }
        self.batches += 1;
        self.rewrite.as_mut().map_or(Ok(()), |rewrite| rewrite.add(batch))
    }

    fn begin(&mut self) -> Result<()> {
        // The dead process may have left names, those of the heads above all, that only the page
        // cache has. What is made from here on must not outlive them.
        self.dir.sync()?;
        self.is_stray = true;
        let seam = Seam { clock_millis: self.clock_millis, ..Seam::default() };
        let (scheduler, header) = (self.scheduler.clone(), self.header.clone());
        self.rewrite = Some(Rewrite::create(scheduler, self.dir.as_ref(), header, seam)?);
        Ok(())
    }

    /// Makes the copy durable. Answers the edits that list it, and where the log goes on behind it.
    /// Without batches there is no file to list. From here on the file is the caller's.
    pub fn finish(mut self, read: &ChainRead) -> Result<(Vec<Edit>, ChainEnd)> {
        if self.batches != read.batches {
            let message = "the copy of the log holds other batches than the log";
            return Err(Error::new(ErrorKind::Internal, message));
        }
        let Some(rewrite) = self.rewrite.take() else {
            return Ok((Vec::new(), ChainEnd::default()));
        };
        let Rewritten { end, check, crc } = rewrite.finish()?;
        self.is_stray = false;
        let (number, file_id) = (self.header.number, self.header.file_id);
        let seal = Seal { end, check, crc, next_seqno: read.next_seqno };
        let edits = vec![Edit::LogAdded { number, file_id }, Edit::LogSealed { number, seal }];
        Ok((edits, ChainEnd { number, end, check, durable: end }))
    }
}

impl Drop for LogCopy {
    fn drop(&mut self) {
        // Whoever writes it has to end first.
        self.rewrite = None;
        if self.is_stray {
            // A copy that is not whole is of no use, and the space may be what is missing.
            let _left_behind = self.dir.unlink(&names::log(self.header.number));
        }
    }
}
