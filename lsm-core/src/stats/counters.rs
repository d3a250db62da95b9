//! Counters that every thread adds to without meeting another.
//!
//! The owner of a lane alone changes what is counted in it, by a load and a store. Threads beyond
//! the number of lanes, and those that are ending, share the last one, where every change is one
//! locked instruction.

use crate::base::lane::lane_below;
use crate::base::sync::{AtomicU64, Ordering};
use crate::stats::looked::Looked;

/// What is counted.
#[allow(missing_docs, reason = "each name says what it counts")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Counter {
    Writes,
    RecordsWritten,
    BytesWritten,
    UserBytesWritten,
    LogBytesWritten,
    Gets,
    GetsFound,
    GetTables,
    GetBlocks,
    GetsFiltered,
    Scans,
    ScannedPairs,
    ScannedEntries,
    Flushes,
    FlushedBytes,
    Compactions,
    CompactionBytesRead,
    CompactionBytesWritten,
    TablesMoved,
    TablesDropped,
    TablesDeleted,
    BackgroundFailures,
    StrategiesFailed,
    CompactionFilterRemoved,
    CompactionFilterReplaced,
    CompactionFilterFailures,
    WritesPaced,
    PacedForFlushMicros,
    PacedForRunsMicros,
    PacedForDebtMicros,
    PacedForMemoryMicros,
    ScrubbedBytes,
    ScrubRounds,
}

impl Counter {
    /// Every counter with its name, in order.
    pub const ALL: [(Self, &'static str); 33] = [
        (Self::Writes, "writes"),
        (Self::RecordsWritten, "records_written"),
        (Self::BytesWritten, "bytes_written"),
        (Self::UserBytesWritten, "user_bytes_written"),
        (Self::LogBytesWritten, "log_bytes_written"),
        (Self::Gets, "gets"),
        (Self::GetsFound, "gets_found"),
        (Self::GetTables, "get_tables"),
        (Self::GetBlocks, "get_blocks"),
        (Self::GetsFiltered, "gets_filtered"),
        (Self::Scans, "scans"),
        (Self::ScannedPairs, "scanned_pairs"),
        (Self::ScannedEntries, "scanned_entries"),
        (Self::Flushes, "flushes"),
        (Self::FlushedBytes, "flushed_bytes"),
        (Self::Compactions, "compactions"),
        (Self::CompactionBytesRead, "compaction_bytes_read"),
        (Self::CompactionBytesWritten, "compaction_bytes_written"),
        (Self::TablesMoved, "tables_moved"),
        (Self::TablesDropped, "tables_dropped"),
        (Self::TablesDeleted, "tables_deleted"),
        (Self::BackgroundFailures, "background_failures"),
        (Self::StrategiesFailed, "strategies_failed"),
        (Self::CompactionFilterRemoved, "compaction_filter_removed"),
        (Self::CompactionFilterReplaced, "compaction_filter_replaced"),
        (Self::CompactionFilterFailures, "compaction_filter_failures"),
        (Self::WritesPaced, "writes_paced"),
        (Self::PacedForFlushMicros, "paced_for_flush_micros"),
        (Self::PacedForRunsMicros, "paced_for_runs_micros"),
        (Self::PacedForDebtMicros, "paced_for_debt_micros"),
        (Self::PacedForMemoryMicros, "paced_for_memory_micros"),
        (Self::ScrubbedBytes, "scrubbed_bytes"),
        (Self::ScrubRounds, "scrub_rounds"),
    ];
}

/// The share that has no owner; those before it have one each.
const SHARED: usize = 63;

/// One lane's share, on cache lines of its own.
#[derive(Debug)]
#[repr(align(128))]
struct Share([AtomicU64; Counter::ALL.len()]);

impl Default for Share {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

/// All counters of one database.
#[derive(Debug)]
pub struct Counters {
    shares: Box<[Share]>,
}

impl Default for Counters {
    fn default() -> Self {
        Self::new()
    }
}

impl Counters {
    /// All at zero.
    #[must_use]
    pub fn new() -> Self {
        Self { shares: std::iter::repeat_with(Share::default).take(SHARED + 1).collect() }
    }

    /// Adds to a counter.
    #[inline]
    pub fn add(&self, counter: Counter, count: u64) {
        self.add_all([(counter, count)]);
    }

    /// Adds to several counters.
    #[inline]
    pub fn add_all<const N: usize>(&self, counts: [(Counter, u64); N]) {
        let Some(lane) = lane_below(SHARED) else { return self.add_shared(&counts) };
        let Some(share) = self.shares.get(lane) else { return };
        for (counter, count) in counts {
            if let Some(place) = share.0.get(counter as usize) {
                // Nobody else changes it.
                place.store(place.load(Ordering::Relaxed).wrapping_add(count), Ordering::Relaxed);
            }
        }
    }

    #[cold]
    fn add_shared(&self, counts: &[(Counter, u64)]) {
        let Some(share) = self.shares.get(SHARED) else { return };
        for (counter, count) in counts {
            if let Some(place) = share.0.get(*counter as usize) {
                place.fetch_add(*count, Ordering::Relaxed);
            }
        }
    }

    /// Counts lookups of so many keys, of which so many were found, and where they looked.
    #[inline]
    pub fn add_gets(&self, looked: &Looked, gets: u64, found: u64) {
        self.add(Counter::Gets, gets);
        if found > 0 {
            self.add(Counter::GetsFound, found);
        }
        if looked.tables > 0 {
            self.add(Counter::GetTables, u64::from(looked.tables));
            self.add(Counter::GetBlocks, u64::from(looked.blocks));
            self.add(Counter::GetsFiltered, u64::from(looked.filtered));
        }
    }

    /// What has been counted so far.
    #[must_use]
    pub fn sum(&self, counter: Counter) -> u64 {
        let places = self.shares.iter().filter_map(|share| share.0.get(counter as usize));
        places.fold(0, |sum, place| sum.wrapping_add(place.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests;
