//! What can be chosen for an opening that only reads, beside a writer in another process.

use std::time::Duration;

use crate::base::error::{Error, ErrorKind, Result};
use crate::options::database::Options;

/// How long a reader that gives no sign of life keeps files, if nothing is chosen.
pub(super) const LEASE_USUAL: Duration = Duration::from_secs(60);
const LEASE_MIN: Duration = Duration::from_millis(100);
const REFRESH_MIN: Duration = Duration::from_millis(1);

impl Options {
    /// Chooses how often a reader looks what the writer has done: at most so long after a write it
    /// sees it. Without, it shows what there was when it was opened until it is told to `refresh`.
    /// Only with `read_only`; 1 ms at least.
    #[must_use]
    pub fn refresh_every(mut self, interval: Option<Duration>) -> Self {
        self.refresh_every = interval;
        self
    }

    /// Chooses how long the writer keeps files for this reader when nothing is heard of it: it
    /// hangs, or was stopped. A living one is heard of three times as often, and one that has died
    /// is not waited for. What it reads after that may answer `Busy`, until it is refreshed, and is
    /// never wrong. 100 ms at least; a minute if nothing is chosen.
    #[must_use]
    pub fn reader_lease(mut self, lease: Duration) -> Self {
        self.reader_lease = lease;
        self
    }

    /// How often a reader looks what the writer has done; `None` if it waits to be told.
    #[must_use]
    pub fn get_refresh_every(&self) -> Option<Duration> {
        self.refresh_every
    }

    /// How long the writer keeps files for a reader of which nothing is heard.
    #[must_use]
    pub fn get_reader_lease(&self) -> Duration {
        self.reader_lease
    }

    /// Refuses what contradicts itself in an opening, and may be said in parts before.
    pub fn check_opening(&self) -> Result<()> {
        if self.refresh_every.is_some() && !self.read_only {
            let message = "refresh_every is for openings with read_only: a writer sees its writes";
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        self.check()
    }

    pub(super) fn check_reading(&self) -> Result<()> {
        let refuse = |message: &str| Err(Error::new(ErrorKind::InvalidArgument, message));
        if self.refresh_every.is_some_and(|every| every < REFRESH_MIN) {
            return refuse("refresh_every is none, or at least 1 ms");
        }
        if self.reader_lease < LEASE_MIN {
            return refuse("reader_lease is at least 100 ms");
        }
        Ok(())
    }
}
