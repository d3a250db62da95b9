//! What can be chosen for one write.

use std::time::Duration;

use crate::options::durability::Durability;

/// How a write is made. What is not chosen is as the database has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteOptions {
    durability: Option<Durability>,
    timeout: Option<Duration>,
    low_priority: bool,
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
