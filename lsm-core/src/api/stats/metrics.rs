//! Statistics one number at a time, named as collectors of metrics want them.

use std::time::Duration;

use super::{KeyspaceStats, Stats, TimingStats};

/// Is given a name, labels as `kind="pin"` or nothing, and the value.
type Visit<'a> = dyn FnMut(&str, &str, f64) + 'a;

impl Stats {
    /// Tells every number by a name and labels as Prometheus has them: what only grows ends with
    /// `_total`, durations are in seconds, sizes in bytes. A number that there is none of now is
    /// left out.
    pub fn each_metric(&self, visit: &mut Visit<'_>) {
        for (name, count) in &self.counters {
            match name.strip_suffix("_micros") {
                Some(name) => {
                    visit(&format!("lsm_{name}_seconds_total"), "", *count as f64 / 1e6);
                }
                None => visit(&format!("lsm_{name}_total"), "", *count as f64),
            }
        }
        self.timings.iter().for_each(|timing| told(timing, visit));
        self.keyspaces.iter().for_each(|keyspace| kept(keyspace, visit));
        self.memory_metrics(visit);
        self.state_metrics(visit);
    }

    fn memory_metrics(&self, visit: &mut Visit<'_>) {
        visit("lsm_memtable_bytes", "state=\"active\"", self.memtables.active_bytes as f64);
        visit("lsm_memtable_bytes", "state=\"sealed\"", self.memtables.sealed_bytes as f64);
        visit("lsm_memtables_sealed", "", self.memtables.sealed as f64);
        visit("lsm_cache_hits_total", "", self.cache.hits as f64);
        visit("lsm_cache_misses_total", "", self.cache.misses as f64);
        visit("lsm_cache_evictions_total", "", self.cache.evictions as f64);
        visit("lsm_cache_bytes", "", self.cache.bytes as f64);
        visit("lsm_cache_capacity_bytes", "", self.cache.capacity as f64);
        visit("lsm_memory_limit_bytes", "", self.memory.limit as f64);
        for (kind, bytes) in &self.memory.by_kind {
            visit("lsm_memory_bytes", &format!("kind=\"{kind}\""), *bytes as f64);
        }
    }

    fn state_metrics(&self, visit: &mut Visit<'_>) {
        if let Some(bytes) = self.log_bytes {
            visit("lsm_log_bytes", "", bytes as f64);
        }
        visit("lsm_tables", "", self.tables as f64);
        visit("lsm_table_bytes", "", self.table_bytes as f64);
        let blobs = &self.blobs;
        for (name, number) in [
            ("lsm_blob_files", blobs.files),
            ("lsm_blob_bytes", blobs.bytes),
            ("lsm_blob_garbage_bytes", blobs.garbage_bytes),
            ("lsm_blob_values_written_total", blobs.values_written),
            ("lsm_blob_bytes_written_total", blobs.bytes_written),
            ("lsm_blob_values_read_total", blobs.values_read),
            ("lsm_blob_bytes_read_total", blobs.bytes_read),
            ("lsm_blob_bytes_moved_total", blobs.bytes_moved),
        ] {
            visit(name, "", number as f64);
        }
        visit("lsm_snapshots", "", self.snapshots as f64);
        visit("lsm_pace_seconds_per_kib", "", self.pacing.per_kib.as_secs_f64());
        visit("lsm_healthy", "", if self.is_healthy() { 1.0 } else { 0.0 });
        let amplification = &self.amplification;
        for (name, ratio) in [
            ("lsm_write_amplification", amplification.write),
            ("lsm_tables_per_get", amplification.tables_per_get),
            ("lsm_blocks_per_get", amplification.blocks_per_get),
            ("lsm_space_amplification", amplification.space),
        ] {
            if let Some(ratio) = ratio {
                visit(name, "", ratio);
            }
        }
    }
}

fn told(timing: &TimingStats, visit: &mut Visit<'_>) {
    let name = format!("lsm_{}_seconds", timing.name);
    let quantiles =
        [("0.5", timing.p50), ("0.9", timing.p90), ("0.99", timing.p99), ("0.999", timing.p999)];
    for (quantile, duration) in quantiles {
        visit(&name, &format!("quantile=\"{quantile}\""), duration.as_secs_f64());
    }
    visit(&format!("{name}_sum"), "", Duration::as_secs_f64(&timing.sum));
    visit(&format!("{name}_count"), "", timing.count as f64);
    visit(&format!("{name}_max"), "", timing.max.as_secs_f64());
}

fn kept(keyspace: &KeyspaceStats, visit: &mut Visit<'_>) {
    let label = format!("keyspace=\"{}\"", escaped(&keyspace.name));
    visit("lsm_keyspace_bytes", &label, keyspace.bytes as f64);
    visit("lsm_keyspace_entries", &label, keyspace.entries as f64);
    visit("lsm_keyspace_deletes", &label, keyspace.deletes as f64);
    visit("lsm_keyspace_runs", &label, keyspace.runs as f64);
    if let Some(ratio) = keyspace.space_amplification {
        visit("lsm_keyspace_space_amplification", &label, ratio);
    }
    if let Some(usage) = &keyspace.usage {
        visit("lsm_keyspace_memory_bytes", &label, usage.memory_bytes as f64);
        visit("lsm_keyspace_live_bytes", &label, usage.live_bytes as f64);
        visit("lsm_keyspace_garbage_bytes", &label, usage.garbage_bytes as f64);
    }
    if keyspace.quota_bytes > 0 {
        visit("lsm_keyspace_quota_bytes", &label, keyspace.quota_bytes as f64);
        let is_over = if keyspace.is_over_quota { 1.0 } else { 0.0 };
        visit("lsm_keyspace_over_quota", &label, is_over);
        visit("lsm_keyspace_quota_refusals_total", &label, keyspace.quota_refusals as f64);
    }
    for level in &keyspace.levels {
        let label = format!("{label},level=\"{}\"", level.level);
        visit("lsm_level_bytes", &label, level.bytes as f64);
        visit("lsm_level_tables", &label, level.tables as f64);
        visit("lsm_level_runs", &label, level.runs as f64);
    }
}

/// A name of the program's as the value of a label.
fn escaped(name: &str) -> String {
    name.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests;
