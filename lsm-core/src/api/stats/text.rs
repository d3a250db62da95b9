//! Statistics as text, for people and for programs.

use std::fmt;
use std::time::Duration;

use super::{KeyspaceStats, Stats, TimingStats};
use crate::base::json::Json;
use crate::stats::usage::Usage;

impl Stats {
    /// All of it as one JSON object, on one line. Durations are in nanoseconds, and what there is
    /// none of is `null`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut json = Json::default();
        json.object(None, |json| {
            json.object(Some("counters"), |json| numbers(json, &self.counters));
            json.object(Some("timings"), |json| {
                self.timings.iter().for_each(|timing| timing_json(json, timing));
            });
            json.list("keyspaces", |json| {
                self.keyspaces.iter().for_each(|keyspace| keyspace_json(json, keyspace));
            });
            self.memory_json(json);
            json.maybe("log_bytes", self.log_bytes);
            json.plain("tables", self.tables);
            json.plain("table_bytes", self.table_bytes);
            json.object(Some("blobs"), |json| {
                json.plain("files", self.blobs.files);
                json.plain("bytes", self.blobs.bytes);
                json.plain("garbage_bytes", self.blobs.garbage_bytes);
                json.plain("values_written", self.blobs.values_written);
                json.plain("bytes_written", self.blobs.bytes_written);
                json.plain("values_read", self.blobs.values_read);
                json.plain("bytes_read", self.blobs.bytes_read);
                json.plain("bytes_moved", self.blobs.bytes_moved);
            });
            json.plain("snapshots", self.snapshots);
            self.pacing_json(json);
            json.object(Some("amplification"), |json| {
                let amplification = &self.amplification;
                json.maybe("write", amplification.write);
                json.maybe("tables_per_get", amplification.tables_per_get);
                json.maybe("blocks_per_get", amplification.blocks_per_get);
                json.maybe("space", amplification.space);
            });
            self.damage_json(json);
            let fault = self.fault.as_ref().map(ToString::to_string);
            json.string("fault", fault.as_deref());
            json.object(Some("listeners"), |json| {
                json.plain("listening", self.listeners.listening);
                json.plain("panics", self.listeners.panics);
            });
        });
        json.finish()
    }

    fn damage_json(&self, json: &mut Json) {
        json.list("damage", |json| {
            for damage in &self.damage {
                json.object(None, |json| {
                    json.string("file", Some(&damage.file));
                    json.maybe("offset", damage.offset);
                    json.string("message", Some(&damage.message));
                    json.plain("is_set_aside", damage.is_set_aside);
                });
            }
        });
    }

    fn memory_json(&self, json: &mut Json) {
        json.object(Some("memtables"), |json| {
            json.plain("active_bytes", self.memtables.active_bytes);
            json.plain("active_entries", self.memtables.active_entries);
            json.plain("sealed", self.memtables.sealed);
            json.plain("sealed_bytes", self.memtables.sealed_bytes);
        });
        json.object(Some("cache"), |json| {
            json.plain("hits", self.cache.hits);
            json.plain("misses", self.cache.misses);
            json.plain("evictions", self.cache.evictions);
            json.plain("blocks", self.cache.frames);
            json.plain("bytes", self.cache.bytes);
            json.plain("capacity", self.cache.capacity);
        });
        json.object(Some("memory"), |json| {
            json.plain("limit", self.memory.limit);
            json.plain("used", self.memory.used);
            json.object(Some("by_kind"), |json| numbers(json, &self.memory.by_kind));
        });
    }

    fn pacing_json(&self, json: &mut Json) {
        let pacing = &self.pacing;
        json.object(Some("pacing"), |json| {
            json.string("cause", pacing.cause.map(|cause| cause.name()));
            json.plain("per_kib", pacing.per_kib.as_nanos());
            json.plain("waits", pacing.waits);
            json.plain("waited_for_flush", pacing.waited_for_flush.as_nanos());
            json.plain("waited_for_runs", pacing.waited_for_runs.as_nanos());
            json.plain("waited_for_debt", pacing.waited_for_debt.as_nanos());
        });
    }
}

fn numbers(json: &mut Json, all: &[(&'static str, u64)]) {
    all.iter().for_each(|(name, number)| json.plain(name, number));
}

fn timing_json(json: &mut Json, timing: &TimingStats) {
    json.object(Some(timing.name), |json| {
        json.plain("is_sampled", timing.is_sampled);
        json.plain("count", timing.count);
        json.plain("sum", timing.sum.as_nanos());
        json.plain("mean", timing.mean.as_nanos());
        json.plain("p50", timing.p50.as_nanos());
        json.plain("p90", timing.p90.as_nanos());
        json.plain("p99", timing.p99.as_nanos());
        json.plain("p999", timing.p999.as_nanos());
        json.plain("max", timing.max.as_nanos());
    });
}

fn keyspace_json(json: &mut Json, keyspace: &KeyspaceStats) {
    json.object(None, |json| {
        json.string("name", Some(&keyspace.name));
        json.plain("runs", keyspace.runs);
        json.plain("bytes", keyspace.bytes);
        json.plain("entries", keyspace.entries);
        json.plain("deletes", keyspace.deletes);
        json.maybe("space_amplification", keyspace.space_amplification);
        json.plain("quota_bytes", keyspace.quota_bytes);
        json.plain("is_over_quota", keyspace.is_over_quota);
        json.plain("quota_refusals", keyspace.quota_refusals);
        if let Some(usage) = &keyspace.usage {
            usage_json(json, usage);
        }
        json.list("levels", |json| {
            for level in &keyspace.levels {
                json.object(None, |json| {
                    json.plain("level", level.level);
                    json.plain("runs", level.runs);
                    json.plain("tables", level.tables);
                    json.plain("bytes", level.bytes);
                    json.plain("entries", level.entries);
                    json.plain("deletes", level.deletes);
                });
            }
        });
    });
}

/// Left out while it is not known.
fn usage_json(json: &mut Json, usage: &Usage) {
    json.object(Some("usage"), |json| {
        json.plain("disk_bytes", usage.disk_bytes);
        json.plain("memory_bytes", usage.memory_bytes);
        json.plain("memory_entries", usage.memory_entries);
        json.plain("table_entries", usage.table_entries);
        json.plain("data_bytes", usage.data_bytes);
        json.plain("live_bytes", usage.live_bytes);
        json.plain("live_bytes_min", usage.live_bytes_min);
        json.plain("live_bytes_max", usage.live_bytes_max);
        json.plain("garbage_bytes", usage.garbage_bytes);
        json.plain("garbage_bytes_min", usage.garbage_bytes_min);
        json.plain("garbage_bytes_max", usage.garbage_bytes_max);
        json.object(Some("live_keys"), |json| {
            json.plain("estimate", usage.live_keys.estimate);
            json.plain("at_least", usage.live_keys.at_least);
            json.plain("at_most", usage.live_keys.at_most);
        });
    });
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.fault {
            Some(fault) => writeln!(f, "health: takes no writes: {fault}")?,
            None => writeln!(f, "health: good")?,
        }
        for damage in &self.damage {
            let at = damage.offset.map_or_else(String::new, |offset| format!(" at {offset}"));
            writeln!(f, "damage: {}{at}: {}", damage.file, damage.message)?;
        }
        for keyspace in &self.keyspaces {
            keyspace_text(f, keyspace)?;
        }
        writeln!(f, "tables: {}, {} bytes", self.tables, self.table_bytes)?;
        let it = &self.blobs;
        if it.files > 0 {
            write!(f, "large values: {} files, {} bytes, ", it.files, it.bytes)?;
            writeln!(f, "{} of them garbage", it.garbage_bytes)?;
        }
        if let Some(bytes) = self.log_bytes {
            writeln!(f, "log: {bytes} bytes")?;
        }
        let it = &self.memtables;
        let (entries, bytes) = (it.active_entries, it.active_bytes);
        write!(f, "memtables: {entries} entries in {bytes} bytes, ")?;
        writeln!(f, "{} waiting with {} bytes", it.sealed, it.sealed_bytes)?;
        let it = &self.cache;
        write!(f, "cache: {} of {} bytes, {} hits, ", it.bytes, it.capacity, it.hits)?;
        writeln!(f, "{} misses, {} evictions", it.misses, it.evictions)?;
        write!(f, "memory: {} of {} bytes", self.memory.used, self.memory.limit)?;
        for (kind, bytes) in self.memory.by_kind.iter().filter(|(_, bytes)| *bytes > 0) {
            write!(f, ", {kind} {bytes}")?;
        }
        writeln!(f)?;
        self.pacing_text(f)?;
        self.amplification_text(f)?;
        writeln!(f, "timings:")?;
        for it in self.timings.iter().filter(|it| it.count > 0) {
            write!(
                f,
                "  {:<10} {:>9} timed, mean {:?}, p50 {:?}, ",
                it.name, it.count, it.mean, it.p50
            )?;
            writeln!(f, "p99 {:?}, p99.9 {:?}, max {:?}", it.p99, it.p999, it.max)?;
        }
        writeln!(f, "counters:")?;
        for (name, count) in self.counters.iter().filter(|(_, count)| *count > 0) {
            writeln!(f, "  {name} {count}")?;
        }
        Ok(())
    }
}

impl Stats {
    fn pacing_text(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let it = &self.pacing;
        match it.cause {
            Some(cause) => {
                write!(f, "pacing: {:?} for each KiB, waiting for {}", it.per_kib, cause.name())?;
            }
            None => write!(f, "pacing: nobody is held back")?,
        }
        let waited = [it.waited_for_flush, it.waited_for_runs, it.waited_for_debt];
        let all = waited.iter().fold(Duration::ZERO, |sum, it| sum.saturating_add(*it));
        writeln!(f, "; {} waits of {all:?} together", it.waits)
    }

    fn amplification_text(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let it = &self.amplification;
        let figures = [
            ("write", it.write),
            ("tables per get", it.tables_per_get),
            ("blocks per get", it.blocks_per_get),
            ("space at most", it.space),
        ];
        write!(f, "amplification:")?;
        for (name, figure) in figures {
            match figure {
                Some(figure) => write!(f, " {name} {figure:.2}")?,
                None => write!(f, " {name} -")?,
            }
        }
        writeln!(f)
    }
}

fn keyspace_text(f: &mut fmt::Formatter<'_>, keyspace: &KeyspaceStats) -> fmt::Result {
    let KeyspaceStats { name, bytes, entries, .. } = keyspace;
    writeln!(f, "keyspace {name}: {entries} entries in {bytes} bytes")?;
    if keyspace.quota_bytes > 0 {
        let over = if keyspace.is_over_quota { "over" } else { "within" };
        let (quota, refusals) = (keyspace.quota_bytes, keyspace.quota_refusals);
        writeln!(f, "  {over} its quota of {quota} bytes, {refusals} writes refused")?;
    }
    if let Some(it) = &keyspace.usage {
        write!(
            f,
            "  live {} bytes ({} to {}), ",
            it.live_bytes, it.live_bytes_min, it.live_bytes_max
        )?;
        let (least, most) = (it.garbage_bytes_min, it.garbage_bytes_max);
        writeln!(f, "garbage {} bytes ({least} to {most})", it.garbage_bytes)?;
    }
    for it in &keyspace.levels {
        write!(f, "  level {}: {} runs, {} tables, ", it.level, it.runs, it.tables)?;
        writeln!(f, "{} bytes, {} entries, {} deletes", it.bytes, it.entries, it.deletes)?;
    }
    Ok(())
}
