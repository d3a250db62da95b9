//! Every number of the statistics is told, under a name that a collector takes.

use std::time::Duration;

use super::Stats;
use crate::api::stats::{KeyspaceStats, LevelStats, TimingStats};

fn told(stats: &Stats) -> Vec<(String, String, f64)> {
    let mut all = Vec::new();
    stats.each_metric(&mut |name, labels, value| {
        all.push((name.to_owned(), labels.to_owned(), value));
    });
    all
}

fn value(stats: &Stats, name: &str, labels: &str) -> Option<f64> {
    told(stats).into_iter().find(|it| it.0 == name && it.1 == labels).map(|it| it.2)
}

#[test]
fn counters_and_durations_are_in_base_units() {
    let timing = TimingStats {
        name: "get",
        p99: Duration::from_millis(3),
        sum: Duration::from_secs(2),
        count: 5,
        ..TimingStats::default()
    };
    let stats = Stats {
        counters: vec![("gets", 7), ("paced_for_runs_micros", 1_500_000)],
        timings: vec![timing],
        ..Stats::default()
    };
    assert_eq!(value(&stats, "lsm_gets_total", ""), Some(7.0));
    assert_eq!(value(&stats, "lsm_paced_for_runs_seconds_total", ""), Some(1.5));
    assert_eq!(value(&stats, "lsm_get_seconds", "quantile=\"0.99\""), Some(0.003));
    assert_eq!(value(&stats, "lsm_get_seconds_sum", ""), Some(2.0));
    assert_eq!(value(&stats, "lsm_get_seconds_count", ""), Some(5.0));
    assert_eq!(value(&stats, "lsm_healthy", ""), Some(1.0));
}

#[test]
fn a_name_of_the_programs_does_not_end_its_label() {
    let level = LevelStats { level: 2, tables: 4, ..LevelStats::default() };
    let keyspace = KeyspaceStats {
        name: "a\"b\\".to_owned(),
        levels: vec![level],
        ..KeyspaceStats::default()
    };
    let stats = Stats { keyspaces: vec![keyspace], ..Stats::default() };
    let label = "keyspace=\"a\\\"b\\\\\",level=\"2\"";
    assert_eq!(value(&stats, "lsm_level_tables", label), Some(4.0));
}

#[test]
fn names_are_what_collectors_take_and_no_pair_comes_twice() {
    let stats = Stats { counters: vec![("gets", 1)], ..Stats::default() };
    let all = told(&stats);
    let is_plain = |name: &str| name.bytes().all(|it| it == b'_' || it.is_ascii_lowercase());
    assert!(all.iter().all(|(name, _, _)| is_plain(name) && name.starts_with("lsm_")));
    let mut pairs: Vec<_> = all.iter().map(|(name, labels, _)| (name, labels)).collect();
    pairs.sort();
    pairs.dedup();
    assert_eq!(pairs.len(), all.len());
}
