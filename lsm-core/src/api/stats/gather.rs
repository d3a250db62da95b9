//! Collects the statistics of an open database.

use std::time::Duration;

use super::{
    Amplification, BlobStats, DamageStats, KeyspaceStats, LevelStats, ListenerStats, MemoryStats,
    MemtableStats, PacingStats, Stats, TimingStats,
};
use crate::base::budget::MemoryKind;
use crate::engine::state::Engine;
use crate::read::view::View;
use crate::stats::counters::Counter;
use crate::stats::histogram::Tally;
use crate::stats::timings::Timing;
use crate::version::tree::{Run, Tree};

impl Stats {
    pub(crate) fn of(engine: &Engine) -> Self {
        let view = engine.view.load();
        let counters = &engine.counters;
        let files = view.version.files();
        let (tables, table_bytes) = files.fold((0, 0_u64), |(count, bytes), file| {
            (count + 1, bytes.saturating_add(file.meta.bytes))
        });
        let keyspaces = keyspaces_of(engine, &view);
        let amplification = amplification_of(engine, &view);
        Self {
            counters: Counter::ALL.iter().map(|(it, name)| (*name, counters.sum(*it))).collect(),
            timings: Timing::ALL
                .iter()
                .map(|(it, name)| timing_of(name, it.is_sampled(), &engine.timings.read(*it)))
                .collect(),
            keyspaces,
            memtables: memtables_of(&view),
            cache: engine.cache.stats(),
            memory: memory_of(engine),
            log_bytes: engine.journal.log_bytes(),
            tables,
            table_bytes,
            blobs: blobs_of(engine, &view),
            snapshots: engine.snapshots.live().len() as u64,
            pacing: pacing_of(engine),
            amplification,
            damage: damage_of(engine, &view),
            fault: engine.journal.fault().or_else(|| engine.health.fault()),
            listeners: ListenerStats {
                listening: engine.plugins.listeners.listening(),
                panics: engine.plugins.listeners.panics(),
            },
        }
    }
}

fn damage_of(engine: &Engine, view: &View) -> Vec<DamageStats> {
    let is_there = |table: Option<u64>| table.is_none_or(|it| view.version.file(it).is_some());
    let known = engine.damage.known().into_iter().filter(|found| is_there(found.table));
    let stats = known.map(|found| DamageStats {
        is_set_aside: found.table.is_some_and(|table| engine.damage.is_set_aside(table)),
        file: found.file,
        offset: found.offset,
        message: found.message,
    });
    stats.collect()
}

fn timing_of(name: &'static str, is_sampled: bool, tally: &Tally) -> TimingStats {
    TimingStats {
        name,
        is_sampled,
        count: tally.count(),
        sum: tally.sum(),
        mean: tally.mean(),
        p50: tally.permille(500),
        p90: tally.permille(900),
        p99: tally.permille(990),
        p999: tally.permille(999),
        max: tally.max(),
    }
}

fn keyspaces_of(engine: &Engine, view: &View) -> Vec<KeyspaceStats> {
    let all = engine.keyspaces.all().into_iter();
    let stats = all.map(|keyspace| {
        let name = keyspace.name.clone();
        let mut stats = match view.version.tree(keyspace.id) {
            Some(tree) => tree_stats(name, tree),
            None => KeyspaceStats { name, ..KeyspaceStats::default() },
        };
        stats.usage = engine.known_usage(&keyspace, view);
        stats.quota_bytes = keyspace.quota.bytes();
        stats.is_over_quota = keyspace.quota.is_over();
        stats.quota_refusals = keyspace.quota.refusals();
        stats
    });
    stats.collect()
}

fn tree_stats(name: String, tree: &Tree) -> KeyspaceStats {
    let mut stats = KeyspaceStats { name, ..KeyspaceStats::default() };
    for run in &tree.runs {
        let mut level = match stats.levels.last() {
            Some(last) if last.level == run.level => stats.levels.pop().unwrap_or_default(),
            _ => LevelStats { level: run.level, ..LevelStats::default() },
        };
        level.runs += 1;
        for slice in &run.slices {
            level.tables += 1;
            level.bytes = level.bytes.saturating_add(slice.meta.bytes);
            level.entries = level.entries.saturating_add(slice.meta.entries);
            level.deletes = level.deletes.saturating_add(slice.meta.deletes);
        }
        stats.levels.push(level);
    }
    for level in &stats.levels {
        stats.runs += level.runs;
        stats.bytes = stats.bytes.saturating_add(level.bytes);
        stats.entries = stats.entries.saturating_add(level.entries);
        stats.deletes = stats.deletes.saturating_add(level.deletes);
    }
    stats.space_amplification = ratio(stats.bytes, largest_run(tree));
    stats
}

fn largest_run(tree: &Tree) -> u64 {
    tree.runs.iter().map(Run::bytes).max().unwrap_or(0)
}

fn memtables_of(view: &View) -> MemtableStats {
    let bytes = |sum: u64, it: usize| sum.saturating_add(it as u64);
    MemtableStats {
        active_bytes: view.active.bytes() as u64,
        active_entries: view.active.entries(),
        sealed: view.sealed.len() as u64,
        sealed_bytes: view.sealed.iter().map(|it| it.memtable.bytes()).fold(0, bytes),
    }
}

fn blobs_of(engine: &Engine, view: &View) -> BlobStats {
    let counts = engine.journal.blobs().counts();
    BlobStats {
        files: counts.files,
        bytes: counts.bytes,
        garbage_bytes: engine.blob_garbage(&view.version),
        values_written: counts.values_written,
        bytes_written: counts.bytes_written,
        values_read: counts.values_read,
        bytes_read: counts.bytes_read,
        bytes_moved: counts.bytes_moved,
    }
}

fn memory_of(engine: &Engine) -> MemoryStats {
    let name = |kind| match kind {
        MemoryKind::Memtable => "memtable",
        MemoryKind::Block => "block",
        MemoryKind::Index => "index",
        MemoryKind::LogWindow => "log_window",
        MemoryKind::Buffer => "buffer",
        MemoryKind::Pin => "pin",
        MemoryKind::Retired => "retired",
    };
    let budget = &engine.budget;
    MemoryStats {
        limit: budget.limit(),
        used: budget.used(),
        by_kind: MemoryKind::ALL.iter().map(|&it| (name(it), budget.used_by(it))).collect(),
    }
}

fn pacing_of(engine: &Engine) -> PacingStats {
    let pace = engine.pacer.pace();
    let waited = |counter| Duration::from_micros(engine.counters.sum(counter));
    PacingStats {
        cause: pace.map(|pace| pace.cause),
        per_kib: pace.map(|pace| pace.per_kib).unwrap_or_default(),
        waits: engine.counters.sum(Counter::WritesPaced),
        waited_for_flush: waited(Counter::PacedForFlushMicros),
        waited_for_runs: waited(Counter::PacedForRunsMicros),
        waited_for_debt: waited(Counter::PacedForDebtMicros),
    }
}

fn amplification_of(engine: &Engine, view: &View) -> Amplification {
    let sum = |counter| engine.counters.sum(counter);
    let blobs = engine.journal.blobs().counts();
    let written = sum(Counter::LogBytesWritten)
        .saturating_add(blobs.bytes_written)
        .saturating_add(blobs.bytes_moved)
        .saturating_add(sum(Counter::FlushedBytes))
        .saturating_add(sum(Counter::CompactionBytesWritten));
    let trees = view.version.trees.values();
    let (stored, alive) = trees.fold((0_u64, 0_u64), |(stored, alive), tree| {
        let bytes = tree.runs.iter().map(Run::bytes).fold(0, u64::saturating_add);
        (stored.saturating_add(bytes), alive.saturating_add(largest_run(tree)))
    });
    let stored = stored.saturating_add(blobs.bytes);
    let garbage = engine.blob_garbage(&view.version);
    let alive = alive.saturating_add(blobs.bytes.saturating_sub(garbage));
    Amplification {
        write: ratio(written, sum(Counter::UserBytesWritten)),
        tables_per_get: ratio(sum(Counter::GetTables), sum(Counter::Gets)),
        blocks_per_get: ratio(sum(Counter::GetBlocks), sum(Counter::Gets)),
        space: ratio(stored, alive),
    }
}

fn ratio(of: u64, to: u64) -> Option<f64> {
    (to > 0).then(|| of as f64 / to as f64)
}
