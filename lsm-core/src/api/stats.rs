//! Statistics: everything that is counted and measured, as plain data.

use std::time::Duration;

use crate::base::error::Error;
use crate::cache::pool::CacheStats;
use crate::extend::event::PaceCause;
use crate::stats::usage::Usage;

mod gather;
mod metrics;
mod report;
mod text;

/// What was counted and measured since the opening, and what there is at this moment.
///
/// Counters and durations only grow. What is read while the database works is a sum of moments:
/// two numbers need not fit each other to the last unit. `Display` is a text for people, `to_json`
/// one for programs.
#[non_exhaustive]
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Every counter by its name, in a fixed order.
    pub counters: Vec<(&'static str, u64)>,
    /// How long things took.
    pub timings: Vec<TimingStats>,
    /// The keyspaces, by name.
    pub keyspaces: Vec<KeyspaceStats>,
    /// Memtables.
    pub memtables: MemtableStats,
    /// The block cache.
    pub cache: CacheStats,
    /// Memory by what it is held for.
    pub memory: MemoryStats,
    /// How many bytes the live log segments hold; `None` at a moment when the manifest is being
    /// changed.
    pub log_bytes: Option<u64>,
    /// Table files that are part of a tree.
    pub tables: u64,
    /// The length of all of them.
    pub table_bytes: u64,
    /// Large values, which stand apart from their keys.
    pub blobs: BlobStats,
    /// Live snapshots of different moments.
    pub snapshots: u64,
    /// Holding back writers.
    pub pacing: PacingStats,
    /// How much more is written, read and stored than was asked for.
    pub amplification: Amplification,
    /// Damage that was found in the background, and that is still there.
    pub damage: Vec<DamageStats>,
    /// Why the database takes no writes, if it takes none.
    pub fault: Option<Error>,
    /// Listeners.
    pub listeners: ListenerStats,
}

/// How long one kind of thing took.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimingStats {
    /// What was timed.
    pub name: &'static str,
    /// Only about one in 64 was timed.
    pub is_sampled: bool,
    /// How many were timed.
    pub count: u64,
    /// All that were timed together.
    pub sum: Duration,
    /// The mean.
    pub mean: Duration,
    /// Half of them took at most this long. Percentiles are up to 6 % too high, never too low.
    pub p50: Duration,
    /// 90 % took at most this long.
    pub p90: Duration,
    /// 99 % took at most this long.
    pub p99: Duration,
    /// 99.9 % took at most this long.
    pub p999: Duration,
    /// The longest one.
    pub max: Duration,
}

/// A place where stored bytes are wrong.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DamageStats {
    /// The name of the file.
    pub file: String,
    /// The byte where it begins, if that can be told.
    pub offset: Option<u64>,
    /// What is wrong.
    pub message: String,
    /// No compaction takes the table any more, until it is asked for or `Db::resume`.
    pub is_set_aside: bool,
}

/// One keyspace.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyspaceStats {
    /// Its name.
    pub name: String,
    /// The levels that hold something, from the top.
    pub levels: Vec<LevelStats>,
    /// About how many bytes its tables take.
    pub bytes: u64,
    /// How many entries are in them, older versions and deletes included.
    pub entries: u64,
    /// How many of those are deletes.
    pub deletes: u64,
    /// How many runs there are: a lookup may have to ask a table of each.
    pub runs: u64,
    /// At most so many times as much is stored as is alive; `None` if there are no tables.
    pub space_amplification: Option<f64>,
    /// What it takes, and how much of that is alive; `None` while that cannot be told without the
    /// disk, since not all tables were used yet. `Keyspace::usage` asks the disk.
    pub usage: Option<Usage>,
    /// How many bytes it may take on disk and in memory together; 0 for any number.
    pub quota_bytes: u64,
    /// True if it takes more, so that puts are refused.
    pub is_over_quota: bool,
    /// How many writes were refused for that since the opening.
    pub quota_refusals: u64,
}

/// One level of a keyspace.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LevelStats {
    /// Its number; 0 is where flushes arrive.
    pub level: u8,
    /// Its runs.
    pub runs: u64,
    /// Tables, or parts of tables that hold other keyspaces too.
    pub tables: u64,
    /// About how many bytes they take.
    pub bytes: u64,
    /// Their entries.
    pub entries: u64,
    /// Deletes among them.
    pub deletes: u64,
}

/// Memtables.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemtableStats {
    /// Memory of the one where writes go.
    pub active_bytes: u64,
    /// Its entries.
    pub active_entries: u64,
    /// How many wait for their flush.
    pub sealed: u64,
    /// Their memory.
    pub sealed_bytes: u64,
}

/// Large values, which stand apart from their keys. What is written and read is counted from the
/// opening on.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlobStats {
    /// Files of large values.
    pub files: u64,
    /// The length of all of them.
    pub bytes: u64,
    /// Bytes in them that nothing refers to any more, as far as merges have found out.
    pub garbage_bytes: u64,
    /// Values that writes have put there.
    pub values_written: u64,
    /// Bytes that this took.
    pub bytes_written: u64,
    /// Values that were read there.
    pub values_read: u64,
    /// Bytes that were read for that.
    pub bytes_read: u64,
    /// Bytes that merges have moved to other files, to give space back.
    pub bytes_moved: u64,
}

/// Memory by what it is held for.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryStats {
    /// How much should be used at most.
    pub limit: u64,
    /// How much is used by what is counted.
    pub used: u64,
    /// The same by kind.
    pub by_kind: Vec<(&'static str, u64)>,
}

/// Holding back writers.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PacingStats {
    /// What writers wait for now; `None` if nobody is held back.
    pub cause: Option<PaceCause>,
    /// What each KiB written costs now.
    pub per_kib: Duration,
    /// How often a writer has waited.
    pub waits: u64,
    /// How long writers waited for flushes, all together.
    pub waited_for_flush: Duration,
    /// How long because there were too many runs.
    pub waited_for_runs: Duration,
    /// How long because too many bytes were to be merged.
    pub waited_for_debt: Duration,
}

/// How much more is written, read and stored than was asked for. `None` where nothing was asked.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Amplification {
    /// Bytes written to log and tables for each byte of a key or a value since the opening.
    pub write: Option<f64>,
    /// Tables whose span held the key, for each lookup of a key.
    pub tables_per_get: Option<f64>,
    /// Blocks of entries looked at, in the cache or not, for each lookup of a key.
    pub blocks_per_get: Option<f64>,
    /// At most so many times as much is stored in tables as is alive, over all keyspaces. The
    /// largest run of each is taken for alive: it holds each key once.
    pub space: Option<f64>,
}

/// Listeners.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListenerStats {
    /// How many are told of events.
    pub listening: u64,
    /// How many were switched off since they panicked.
    pub panics: u64,
}

impl Stats {
    /// The counter of this name.
    #[must_use]
    pub fn counter(&self, name: &str) -> Option<u64> {
        self.counters.iter().find(|(known, _)| *known == name).map(|(_, count)| *count)
    }

    /// The timing of this name.
    #[must_use]
    pub fn timing(&self, name: &str) -> Option<&TimingStats> {
        self.timings.iter().find(|timing| timing.name == name)
    }

    /// The keyspace of this name; the default one is `default`.
    #[must_use]
    pub fn keyspace(&self, name: &str) -> Option<&KeyspaceStats> {
        self.keyspaces.iter().find(|keyspace| keyspace.name == name)
    }

    /// True if the database takes writes.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.fault.is_none()
    }
}
