//! Events: what happens inside a database that a program may want to know of.

use std::ffi::OsString;
use std::time::Duration;

use crate::base::error::Error;

/// Something that happened. More may come with later versions.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub enum Event {
    /// A memtable is being written to a table.
    #[non_exhaustive]
    FlushBegan {
        /// How many entries it holds, of all keyspaces.
        entries: u64,
        /// How much memory it takes.
        bytes: u64,
    },
    /// A memtable was written, and the table is durable and read from.
    #[non_exhaustive]
    Flushed {
        /// The number in the table's name; none if nothing was left to write.
        table: Option<u64>,
        /// How long the table is.
        bytes: u64,
        /// How long it took.
        duration: Duration,
    },
    /// Tables are being merged, moved or dropped.
    #[non_exhaustive]
    CompactionBegan {
        /// The keyspace.
        keyspace: String,
        /// Why.
        reason: Reason,
        /// The uppermost level that something is taken from.
        from: u8,
        /// The level where the result will stand.
        to: u8,
        /// How many tables, or parts of tables, are taken.
        tables: u64,
    },
    /// Tables were merged, moved or dropped, durably.
    #[non_exhaustive]
    Compacted {
        /// The keyspace.
        keyspace: String,
        /// Why.
        reason: Reason,
        /// The uppermost level that something was taken from.
        from: u8,
        /// The level where the result stands.
        to: u8,
        /// How many bytes were read; none if tables were only moved or dropped.
        read: u64,
        /// How many bytes were written.
        written: u64,
        /// How long it took.
        duration: Duration,
    },
    /// Background work failed. It is tried again, unless `BecameReadOnly` follows.
    #[non_exhaustive]
    WorkFailed {
        /// How.
        error: Error,
    },
    /// A strategy of the program's own panicked, or gave an answer that cannot be followed. Until
    /// the next opening the keyspace is merged as `leveled:10`.
    #[non_exhaustive]
    StrategyFailed {
        /// The keyspace.
        keyspace: String,
        /// The strategy's name.
        strategy: String,
        /// What it did.
        why: String,
    },
    /// A compaction filter of the program's own failed or panicked while tables were merged: the
    /// values that it failed at were kept as they are.
    #[non_exhaustive]
    FilterFailed {
        /// The keyspace.
        keyspace: String,
        /// The filter's name.
        filter: String,
        /// How often it failed since this was told last.
        failures: u64,
        /// How it failed the first time.
        why: String,
    },
    /// Stored bytes are wrong: the error says where. Told once for each place, by whoever meets it
    /// in the background: a scrub, or a compaction, which leaves the table alone from then on.
    #[non_exhaustive]
    DamageFound {
        /// What is wrong, in which file, and at which byte.
        error: Error,
    },
    /// The file of a table that nobody needs any more was deleted.
    #[non_exhaustive]
    TableDeleted {
        /// The number that was in its name.
        table: u64,
    },
    /// Writers are held back, more or less than before, or not any more.
    #[non_exhaustive]
    PacingChanged {
        /// What they wait for; `None` if nobody is held back now.
        cause: Option<PaceCause>,
        /// What each KiB written costs from now on.
        per_kib: Duration,
    },
    /// The database takes no writes until `Db::resume`. Told by the first call or background job
    /// that meets the fault.
    #[non_exhaustive]
    BecameReadOnly {
        /// The fault.
        error: Error,
    },
    /// The database takes writes again.
    Resumed,
    /// A keyspace was made.
    #[non_exhaustive]
    KeyspaceCreated {
        /// Its name.
        name: String,
    },
    /// A keyspace was dropped.
    #[non_exhaustive]
    KeyspaceDropped {
        /// Its name.
        name: String,
    },
    /// The database was opened. Comes before everything else.
    #[non_exhaustive]
    Recovered {
        /// What the opening found.
        report: OpenReport,
    },
}

/// Why something is done; for statistics and for people.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A level has outgrown its size.
    LevelFull,
    /// Reads look in too many places.
    TooManyRuns,
    /// Much of what is stored is no longer seen.
    SpaceWasted,
    /// Many of the entries are deletes.
    TombstoneDense,
    /// A delete has waited too long.
    DeleteOld,
    /// Somebody asked.
    Manual,
    /// Everything in it has expired.
    Expired,
    /// The keyspace keeps nothing that is this old.
    TooOld,
    /// The keyspace keeps only so many bytes.
    TooLarge,
    /// A strategy of the user's has its own reasons.
    Other,
}

impl Reason {
    /// Its name, for people and for logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LevelFull => "level_full",
            Self::TooManyRuns => "too_many_runs",
            Self::SpaceWasted => "space_wasted",
            Self::TombstoneDense => "tombstone_dense",
            Self::DeleteOld => "delete_old",
            Self::Manual => "manual",
            Self::Expired => "expired",
            Self::TooOld => "too_old",
            Self::TooLarge => "too_large",
            Self::Other => "other",
        }
    }
}

/// What writers wait for.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaceCause {
    /// A flush.
    Flush,
    /// A merge, because there are too many runs.
    Runs,
    /// A merge, because there are too many bytes.
    Debt,
    /// Memory: a flush, or that readers let go of what they hold.
    Memory,
}

impl PaceCause {
    /// Its name, for people and for logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Flush => "flush",
            Self::Runs => "runs",
            Self::Debt => "debt",
            Self::Memory => "memory",
        }
    }
}

/// What an opening found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// The database was made just now.
    pub is_new: bool,
    /// It had been closed in order.
    pub was_clean: bool,
    /// Batches that were replayed from the log.
    pub batches: u64,
    /// Bytes behind the end of the log or the manifest that were torn and given up.
    pub dropped_bytes: u64,
    /// Names in the directory that are not ours, or that cannot be told; they were left alone.
    pub unknown: Vec<OsString>,
    /// Trouble that was met and did no harm.
    pub notes: Vec<String>,
}
