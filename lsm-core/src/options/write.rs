//! What can be chosen for one write.

use std::time::Duration;

use crate::base::error::{Error, ErrorKind, Result};
use crate::options::durability::Durability;
use crate::options::expiry::Expiry;

/// How a write is made. What is not chosen is as the database has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteOptions {
    durability: Option<Durability>,
    timeout: Option<Duration>,
    low_priority: bool,
    expiry: Expiry,
}

impl WriteOptions {
    /// As the database has it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Chooses when the write is durable.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = Some(durability);
        self
    }

    /// Chooses how long the write may wait: for memory, for the log, and if it is `Durable`, for
    /// the sync. Afterwards it answers `TimedOut`.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Chooses to let other writes go first: while writers are held back because the background
    /// is behind, this one waits four times as long, and pays for itself alone.
    #[must_use]
    pub fn low_priority(mut self, yes: bool) -> Self {
        self.low_priority = yes;
        self
    }

    /// Chooses when the value that is put expires: a `Duration` after the write, at a
    /// `SystemTime`, or an `Expiry`.
    #[must_use]
    pub fn expiry(mut self, expiry: impl Into<Expiry>) -> Self {
        self.expiry = expiry.into();
        self
    }

    /// Chooses how long after the write the value that is put expires.
    #[must_use]
    pub fn ttl(self, ttl: Duration) -> Self {
        self.expiry(ttl)
    }

    /// When a value that is put expires.
    #[must_use]
    pub fn get_expiry(&self) -> Expiry {
        self.expiry
    }

    /// Refuses an expiry where nothing is put.
    pub fn refuse_expiry(&self) -> Result<()> {
        if self.expiry == Expiry::Usual {
            return Ok(());
        }
        let message = "only a put expires; in a batch each put says so for itself";
        Err(Error::new(ErrorKind::InvalidArgument, message))
    }

    /// Others go first.
    #[must_use]
    pub fn is_low_priority(&self) -> bool {
        self.low_priority
    }

    /// The chosen durability.
    #[must_use]
    pub fn get_durability(&self) -> Option<Durability> {
        self.durability
    }

    /// The chosen limit of waiting.
    #[must_use]
    pub fn get_timeout(&self) -> Option<Duration> {
        self.timeout
    }
}
