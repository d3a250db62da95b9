//! Section "looking inside": numbers about a database, for programs and for people.

use std::ffi::c_void;
use std::time::Duration;

use lsm_core::{Result, Slice, Stats};

use crate::border::call::done;
use crate::border::pointers::Sized32;
use crate::bytes::{lsm_slice, lsm_value};
use crate::callbacks::{Context, lsm_metric_fn, measurer, micros};
use crate::db::open;
use crate::error::lsm_error;
use crate::handles::{Seen, lsm_db, seen};
use crate::maintain::told;
use crate::options::{lsm_call_options, lsm_read_options};
use crate::read::reader;
use crate::status::lsm_status;
use crate::write::range;

/// The numbers that are asked for most. Begin with LSM_STATS_INIT; see lsm_describe() for all.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lsm_stats {
    /// sizeof(lsm_stats).
    pub struct_size: u32,
    /// Levels of this keyspace that hold something.
    pub level_count: u32,
    /// About how many bytes of this keyspace's tables are alive.
    pub live_bytes: u64,
    /// The length of all tables and files of large values.
    pub disk_bytes: u64,
    /// What the live segments of the log hold.
    pub wal_bytes: u64,
    /// Memory of memtables, those that wait for their flush included.
    pub memtable_bytes: u64,
    /// What the block cache holds.
    pub cache_bytes: u64,
    /// Memory of blocks that values and iterators hold, and that the cache has let go of.
    pub pinned_bytes: u64,
    /// All memory that is counted against the limit.
    pub memory_bytes: u64,
    /// About how many entries this keyspace has, older versions and deletes included.
    pub entries_estimate: u64,
    /// Live snapshots of different moments.
    pub snapshots: u64,
    /// How long writers were held back, since the opening.
    pub stall_micros: u64,
    /// Bytes of keys and values that were written since the opening.
    pub bytes_written_user: u64,
    /// Bytes that were written to log, tables and files of large values for that.
    pub bytes_written_disk: u64,
    /// Blocks that were in the cache when they were asked for.
    pub cache_hits: u64,
    /// Blocks that had to be read.
    pub cache_misses: u64,
    /// Files of large values, which stand apart from their keys.
    pub blob_files: u64,
    /// The length of all of them.
    pub blob_bytes: u64,
    /// Bytes in them that nothing refers to any more, as far as merges have found out.
    pub blob_garbage_bytes: u64,
}

impl Sized32 for lsm_stats {
    const NAME: &'static str = "lsm_stats";
}

/// Fills in `stats`: of the keyspace of this handle, and of the whole database.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_stats_read(
    db: *const lsm_db,
    stats: *mut lsm_stats,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let told = border.options_out(stats)?;
        *told = stats_of(&*open(db)?)?;
        Ok(())
    })
}

fn stats_of(seen: &Seen) -> Result<lsm_stats> {
    let stats = seen.database.db.stats();
    let entries_estimate = seen.keyspace.approximate_len()?;
    let keyspace = stats.keyspace(seen.keyspace.name());
    let live = keyspace.map_or(0.0, |keyspace| {
        keyspace.bytes as f64 / keyspace.space_amplification.unwrap_or(1.0).max(1.0)
    });
    let held = |kind: &str| {
        stats.memory.by_kind.iter().find(|(name, _)| *name == kind).map_or(0, |(_, bytes)| *bytes)
    };
    let count = |name| stats.counter(name).unwrap_or(0);
    Ok(lsm_stats {
        struct_size: size_of::<lsm_stats>() as u32,
        level_count: keyspace.map_or(0, |keyspace| keyspace.levels.len() as u32),
        live_bytes: live as u64,
        disk_bytes: stats.table_bytes.saturating_add(stats.blobs.bytes),
        wal_bytes: stats.log_bytes.unwrap_or(0),
        memtable_bytes: stats.memtables.active_bytes + stats.memtables.sealed_bytes,
        cache_bytes: stats.cache.bytes,
        pinned_bytes: held("pin"),
        memory_bytes: stats.memory.used,
        entries_estimate,
        snapshots: stats.snapshots,
        stall_micros: micros(waited(&stats)),
        bytes_written_user: count("user_bytes_written"),
        bytes_written_disk: count("log_bytes_written")
            + count("flushed_bytes")
            + count("compaction_bytes_written")
            + stats.blobs.bytes_written
            + stats.blobs.bytes_moved,
        cache_hits: stats.cache.hits,
        cache_misses: stats.cache.misses,
        blob_files: stats.blobs.files,
        blob_bytes: stats.blobs.bytes,
        blob_garbage_bytes: stats.blobs.garbage_bytes,
    })
}

fn waited(stats: &Stats) -> Duration {
    let pacing = &stats.pacing;
    pacing.waited_for_flush + pacing.waited_for_runs + pacing.waited_for_debt
}

/// Tells every number there is, one after the other, for a program that collects them.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_metrics_visit(
    db: *const lsm_db,
    visit: lsm_metric_fn,
    context: *mut c_void,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |_| {
        let tell = measurer(visit, Context(context))?;
        let stats = open(db)?.database.db.stats();
        stats.each_metric(&mut |name, labels, value| tell(name, labels, value));
        Ok(())
    })
}

/// Everything about the database as JSON: counters, percentiles of durations, levels of each
/// keyspace, memory, cache, amplification. Cheap enough for every second.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_describe(
    db: *const lsm_db,
    json: *mut lsm_value,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let told = border.out("json", json)?.first(lsm_value::NONE);
        let text = open(db)?.database.db.stats().to_json();
        told.set(lsm_value::keep(Slice::from(text))?);
        Ok(())
    })
}

/// The same as a text for people.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_describe_text(
    db: *const lsm_db,
    text: *mut lsm_value,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let told = border.out("text", text)?.first(lsm_value::NONE);
        let text = open(db)?.database.db.stats().to_string();
        told.set(lsm_value::keep(Slice::from(text))?);
        Ok(())
    })
}

/// The readers in this and other processes, for which the writer keeps files, as JSON: a list of
/// objects with `process_id`, `edit`, the change of the manifest that it needs the files of and of
/// those behind it, `seqno`, the last write that it sees, and `lease_left_ms`, how long files stay
/// if nothing more is heard of it. One without a slot in the lock file is not among them.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_readers(
    db: *const lsm_db,
    json: *mut lsm_value,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let told = border.out("json", json)?.first(lsm_value::NONE);
        let readers = open(db)?.database.db.readers()?;
        let texts: Vec<String> = readers.iter().map(lsm_core::ReaderInfo::to_json).collect();
        told.set(lsm_value::keep(Slice::from(format!("[{}]", texts.join(","))))?);
        Ok(())
    })
}

/// About how many bytes the keys from `begin` on, before `end`, take on disk. An absent end is no
/// bound.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_approximate_bytes(
    db: *const lsm_db,
    begin: lsm_slice,
    end: lsm_slice,
    bytes: *mut u64,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let told = border.out("bytes", bytes)?.first(0);
        told.set(open(db)?.keyspace.approximate_bytes(range(border, begin, end)?)?);
        Ok(())
    })
}

/// About how many entries the keyspace has, those in memory and on every level counted: at least as
/// many as there are keys, but for what is deleted.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_approximate_count(
    db: *const lsm_db,
    count: *mut u64,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let told = border.out("count", count)?.first(0);
        told.set(open(db)?.keyspace.approximate_len()?);
        Ok(())
    })
}

/// How many keys there are from `begin` on, before `end`: reads every one of them. `progress` of
/// the call's options is told of keys.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_count(
    db: *const lsm_db,
    options_or_null: *const lsm_read_options,
    begin: lsm_slice,
    end: lsm_slice,
    call_options_or_null: *const lsm_call_options,
    count: *mut u64,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let counted = border.out("count", count)?.first(0);
        let seen = seen(db)?;
        let range = range(border, begin, end)?;
        let reader = reader(border, &seen, options_or_null)?;
        let found = told(border, call_options_or_null, |options| match &reader {
            None => seen.keyspace.count_with(range, options),
            Some(reader) => reader.count_with(range, options),
        })?;
        counted.set(found);
        Ok(())
    })
}
