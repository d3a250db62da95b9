//! What a keyspace takes, and numbers that are known up to an error that they state.

/// A number that lies between two that are known. Both bounds always hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    /// The best guess.
    pub estimate: u64,
    /// It is no less than this.
    pub at_least: u64,
    /// It is no more than this.
    pub at_most: u64,
}

impl Estimate {
    /// A number that is known.
    #[must_use]
    pub fn exact(number: u64) -> Self {
        Self { estimate: number, at_least: number, at_most: number }
    }

    /// A guess between two bounds, moved between them if it is not.
    #[must_use]
    pub fn between(at_least: u64, at_most: u64, guess: u64) -> Self {
        let at_most = at_most.max(at_least);
        Self { estimate: guess.clamp(at_least, at_most), at_least, at_most }
    }

    /// True if there is no error.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.at_least == self.at_most
    }

    /// The sum of two numbers.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            estimate: self.estimate.saturating_add(other.estimate),
            at_least: self.at_least.saturating_add(other.at_least),
            at_most: self.at_most.saturating_add(other.at_most),
        }
    }

    /// What is left of it when `other`, a part of it, is taken away.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self {
            estimate: self.estimate.saturating_sub(other.estimate),
            at_least: self.at_least.saturating_sub(other.at_most),
            at_most: self.at_most.saturating_sub(other.at_least),
        }
    }
}

/// What a keyspace takes, and how much of that is alive.
///
/// Data is counted before it is packed: an entry counts for its key, its value and 12 bytes, a
/// deleted range for its two ends and 16. *Live* is what a reader sees at this moment; the rest is
/// *garbage*, which a compaction of everything gives back, but for what snapshots still see.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// About how many bytes its tables take on disk.
    pub disk_bytes: u64,
    /// About how much memory its entries take in memtables.
    pub memory_bytes: u64,
    /// How many entries are in memtables, deletes and older versions counted.
    pub memory_entries: u64,
    /// How many entries are in tables, deletes and older versions counted.
    pub table_entries: u64,
    /// Bytes of all entries and deleted ranges, in tables and in memory.
    pub data_bytes: u64,
    /// Bytes of them that a reader sees: the best guess.
    pub live_bytes: u64,
    /// They are no fewer.
    pub live_bytes_min: u64,
    /// They are no more.
    pub live_bytes_max: u64,
    /// Bytes of what is overwritten, deleted or expired, and of deletes: the best guess.
    pub garbage_bytes: u64,
    /// They are no fewer.
    pub garbage_bytes_min: u64,
    /// They are no more.
    pub garbage_bytes_max: u64,
    /// Keys that a reader sees.
    pub live_keys: Estimate,
    /// What the keyspace may take, on disk and in memory together; 0 if there is no limit.
    pub quota_bytes: u64,
    /// True if it takes more, and is given no new values.
    pub is_over_quota: bool,
    /// How many writes were refused for that since the opening.
    pub quota_refusals: u64,
}

impl Usage {
    /// About how many bytes on disk a compaction of everything would give back.
    #[must_use]
    pub fn reclaimable_bytes(&self) -> u64 {
        let share = u128::from(self.disk_bytes) * u128::from(self.garbage_bytes);
        u64::try_from(share / u128::from(self.data_bytes.max(1))).unwrap_or(u64::MAX)
    }
}
