//! Section "accounting": what a keyspace takes, what lies in a range of it, and keys that split it.

use lsm_core::{Estimate, Usage};

use crate::border::call::done;
use crate::border::pointers::Sized32;
use crate::bytes::{lsm_slice, lsm_value};
use crate::db::open;
use crate::error::lsm_error;
use crate::handles::lsm_db;
use crate::read::keep;
use crate::status::lsm_status;
use crate::write::range;

/// A number that lies between two that are known. Both bounds always hold.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lsm_estimate {
    /// The best guess.
    pub estimate: u64,
    /// It is no less than this.
    pub at_least: u64,
    /// It is no more than this.
    pub at_most: u64,
}

/// What a keyspace takes, and how much of that is alive. Begin with LSM_USAGE_INIT.
///
/// Data is counted before it is packed: an entry counts for its key, its value and 12 bytes, a
/// deleted range for its two ends and 16. What a reader sees now is live; the rest is garbage,
/// which a compaction of everything gives back, but for what snapshots still see.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lsm_usage {
    /// sizeof(lsm_usage).
    pub struct_size: u32,
    /// 1 if it takes more than its quota, and is given no new values.
    pub is_over_quota: u32,
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
    /// About how many bytes on disk a compaction of everything would give back.
    pub reclaimable_bytes: u64,
    /// Keys that a reader sees: the best guess.
    pub live_keys: u64,
    /// They are no fewer.
    pub live_keys_min: u64,
    /// They are no more.
    pub live_keys_max: u64,
    /// What the keyspace may take, on disk and in memory together; 0 if there is no limit.
    pub quota_bytes: u64,
    /// How many writes were refused for that since the opening.
    pub quota_refusals: u64,
}

impl Sized32 for lsm_usage {
    const NAME: &'static str = "lsm_usage";
}

impl lsm_estimate {
    const NONE: Self = Self { estimate: 0, at_least: 0, at_most: 0 };

    fn of(estimate: Estimate) -> Self {
        let Estimate { estimate, at_least, at_most } = estimate;
        Self { estimate, at_least, at_most }
    }
}

fn usage_of(usage: &Usage) -> lsm_usage {
    lsm_usage {
        struct_size: size_of::<lsm_usage>() as u32,
        is_over_quota: u32::from(usage.is_over_quota),
        disk_bytes: usage.disk_bytes,
        memory_bytes: usage.memory_bytes,
        memory_entries: usage.memory_entries,
        table_entries: usage.table_entries,
        data_bytes: usage.data_bytes,
        live_bytes: usage.live_bytes,
        live_bytes_min: usage.live_bytes_min,
        live_bytes_max: usage.live_bytes_max,
        garbage_bytes: usage.garbage_bytes,
        garbage_bytes_min: usage.garbage_bytes_min,
        garbage_bytes_max: usage.garbage_bytes_max,
        reclaimable_bytes: usage.reclaimable_bytes(),
        live_keys: usage.live_keys.estimate,
        live_keys_min: usage.live_keys.at_least,
        live_keys_max: usage.live_keys.at_most,
        quota_bytes: usage.quota_bytes,
        quota_refusals: usage.quota_refusals,
    }
}

/// Fills in `usage`: what the keyspace of this handle takes. Opens tables that were not opened yet.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_keyspace_usage(
    db: *const lsm_db,
    usage: *mut lsm_usage,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let told = border.options_out(usage)?;
        *told = usage_of(&open(db)?.keyspace.usage()?);
        Ok(())
    })
}

/// About how many keys a reader sees from `begin` on, before `end`; an absent end is no bound. A
/// range of few blocks is counted; of others an index and a few blocks of each run are read at
/// either end, whatever lies between them.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_approximate_range_count(
    db: *const lsm_db,
    begin: lsm_slice,
    end: lsm_slice,
    count: *mut lsm_estimate,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let told = border.out("count", count)?.first(lsm_estimate::NONE);
        let found = open(db)?.keyspace.approximate_count(range(border, begin, end)?)?;
        told.set(lsm_estimate::of(found));
        Ok(())
    })
}

/// About how many bytes the keys from `begin` on, before `end`, take on disk: at least the blocks
/// that lie between the two as a whole, at most those that hold some of it too.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_approximate_range_size(
    db: *const lsm_db,
    begin: lsm_slice,
    end: lsm_slice,
    size: *mut lsm_estimate,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let told = border.out("size", size)?.first(lsm_estimate::NONE);
        let found = open(db)?.keyspace.approximate_size(range(border, begin, end)?)?;
        told.set(lsm_estimate::of(found));
        Ok(())
    })
}

/// Keys that cut the range from `begin` on, before `end`, into at most `parts` parts of about the
/// same size, so that several threads can each read one: ascending, and strictly inside. `points`
/// has room for `parts` - 1 values, and may be NULL for one part; `count` is told how many there
/// are, which may be fewer. Give them back by lsm_values_free(). `parts` is from 1 to 65,536.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_split_points(
    db: *const lsm_db,
    begin: lsm_slice,
    end: lsm_slice,
    parts: usize,
    points: *mut lsm_value,
    count: *mut usize,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let told = border.out("count", count)?.first(0);
        // No more than there can be are touched, whatever the caller says of the room.
        let room = if parts > PARTS_MAX { 0 } else { parts.saturating_sub(1) };
        let values = border.array_out("points", points, room)?;
        values.fill(lsm_value::NONE);
        let span = range(border, begin, end)?;
        let found = open(db)?.keyspace.split_points(span, parts)?;
        let count = found.len().min(values.len());
        keep(found.into_iter().map(Some).collect(), values)?;
        told.set(count);
        Ok(())
    })
}

/// A range is cut into no more parts.
const PARTS_MAX: usize = 1 << 16;
