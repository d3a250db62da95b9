//! Closing: no calls any more, then the last flush, then the jobs, then the ground.
//!
//! The order matters: a flush needs the jobs, the jobs need the ground, and nothing may be written
//! once the last flush has begun.

use crate::base::error::{Error, Result};
use crate::base::planted::{Bug, planted};
use crate::base::sync::Ordering;
use crate::engine::state::Engine;
use crate::options::progress::CallOptions;

/// A memtable that is larger is flushed, so that the next opening need not replay it.
const FLUSHED_WHEN_CLOSED: usize = 1 << 20;

impl Engine {
    /// Closes the database. Callers after the first one get `Closed`.
    pub fn close(&self) -> Result<()> {
        self.journal.check_not_forked()?;
        if self.is_closing.swap(true, Ordering::AcqRel) {
            return Err(Error::closed());
        }
        self.progress.notify();
        let flushed = if self.options.is_read_only() { Ok(()) } else { self.flush_at_close() };
        self.is_stopping.store(true, Ordering::Release);
        self.work.notify();
        self.jobs.wait(self.env.scheduler.as_ref());
        self.stock.give_back();
        if let Some(reader) = &self.reader {
            // Whoever is at a refresh ends it; the slot is somebody else's from then on.
            reader.turn.take(self.env.scheduler.as_ref()).follower.close();
        }
        if self.has_expiring_tables() {
            self.journal.keep_time();
        }
        let closed = self.journal.close();
        flushed.and(closed)
    }

    /// Flushes what the log does not hold, or holds much of.
    fn flush_at_close(&self) -> Result<()> {
        let failures = self.desk.lock().failures;
        let switched = self.switch_at_close();
        let is_lossy = self.view.load().sealed.iter().any(|sealed| sealed.has_volatile);
        match switched.and_then(|()| self.wait_until_flushed(&mut CallOptions::new(), failures)) {
            Err(error) if is_lossy || self.writer.lock().has_volatile => Err(error),
            // The log has it all.
            _ => Ok(()),
        }
    }

    /// Hands the last memtable to the flush, if it must be flushed or is large.
    fn switch_at_close(&self) -> Result<()> {
        let mut writer = self.writer.lock();
        let is_large = writer.memtable.bytes() > FLUSHED_WHEN_CLOSED;
        let is_lossy = writer.has_volatile && !planted(Bug::VolatileLostAtClose);
        if writer.memtable.is_empty() || !(is_lossy || is_large) {
            return Ok(());
        }
        if self.has_fault() {
            return Err(self.failure("there is a fault, and nothing is flushed"));
        }
        self.switch_memtable(&mut writer)
    }
}
