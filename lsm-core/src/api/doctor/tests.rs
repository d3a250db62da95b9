//! Each finding, brought about by facts alone.

use std::time::Duration;

use super::{BackgroundFacts, Diagnosis, Facts, FileFacts, Finding, KeyspaceFacts, Severity};
use crate::api::doctor::{HeldFacts, SnapshotFacts};
use crate::api::stats::{KeyspaceStats, LevelStats, TimingStats};
use crate::base::error::{Error, ErrorKind};
use crate::extend::event::PaceCause;
use crate::options::database::Options;
use crate::options::durability::Durability;
use crate::options::keyspace::{Compression, KeyspaceOptions};

/// The facts of a database that is well and has work behind it.
fn well() -> Facts {
    let mut facts = Facts::default();
    facts.stats.cache.hits = 1_000_000;
    facts.stats.cache.misses = 5_000;
    facts.stats.cache.frames = 5_000;
    facts.stats.memory.limit = 256 << 20;
    facts.stats.memory.used = 100 << 20;
    facts.stats.counters = vec![("gets", 100_000), ("gets_found", 90_000), ("get_blocks", 95_000)];
    facts.stats.keyspaces = vec![keyspace_stats(|_| {})];
    facts.keyspaces = vec![keyspace(|_| {})];
    facts
}

fn keyspace_stats(change: impl FnOnce(&mut KeyspaceStats)) -> KeyspaceStats {
    let mut stats = KeyspaceStats {
        name: "default".to_owned(),
        entries: 1_000_000,
        bytes: 100 << 20,
        runs: 3,
        space_amplification: Some(1.1),
        levels: vec![LevelStats { level: 0, runs: 2, ..LevelStats::default() }],
        ..KeyspaceStats::default()
    };
    change(&mut stats);
    stats
}

fn keyspace(change: impl FnOnce(&mut KeyspaceFacts)) -> KeyspaceFacts {
    let mut facts = KeyspaceFacts {
        name: "default".to_owned(),
        stored_bytes: 50 << 20,
        unpacked_bytes: 100 << 20,
        ..KeyspaceFacts::default()
    };
    change(&mut facts);
    facts
}

/// The one finding that a change of a well database makes.
fn found(change: impl FnOnce(&mut Facts)) -> Finding {
    let mut facts = well();
    change(&mut facts);
    let mut all = Diagnosis::of(&facts).findings;
    assert_eq!(all.len(), 1, "{all:#?}");
    let found = all.pop().unwrap();
    for text in [&found.seen, &found.advice] {
        assert!(text.starts_with(|it: char| !it.is_lowercase()) && text.ends_with('.'), "{text}");
    }
    found
}

fn option(change: impl FnOnce(Options) -> Options) -> impl FnOnce(&mut Facts) {
    |facts| facts.options = change(Options::new())
}

fn is(finding: &Finding, name: &str, severity: Severity, option: Option<&str>) {
    let told = (finding.name, finding.severity, finding.option);
    assert_eq!(told, (name, severity, option), "{finding}");
}

#[test]
fn a_database_that_is_well_or_new_has_no_findings_and_is_said_to_be_well() {
    for facts in [well(), Facts::default()] {
        let diagnosis = Diagnosis::of(&facts);
        assert!(diagnosis.is_healthy(), "{diagnosis}");
        assert_eq!(diagnosis.to_string(), "healthy: nothing was found that is wrong or slow\n");
        assert_eq!(diagnosis.to_json(), r#"{"is_healthy":true,"findings":[]}"#);
    }
}

#[test]
fn a_fault_and_a_full_disk_come_first() {
    let fault = Error::new(ErrorKind::Io, "the sync failed");
    let it = found(|facts| facts.stats.fault = Some(fault.clone()));
    is(&it, "takes_no_writes", Severity::Critical, None);
    assert!(it.seen.contains("the sync failed"), "{it}");
    let full = Error::new(ErrorKind::NoSpace, "no space");
    let it = found(|facts| facts.stats.fault = Some(full.clone()));
    is(&it, "disk_full", Severity::Critical, None);
    let it = found(|facts| facts.refused = Some(full.clone()));
    is(&it, "disk_full", Severity::Critical, None);
    let failing = |failure: &Error| BackgroundFacts {
        failure: Some(failure.clone()),
        failures_in_a_row: 7,
        ..BackgroundFacts::default()
    };
    let it = found(|facts| facts.background = failing(&full));
    is(&it, "disk_full", Severity::Critical, None);
    let it = found(|facts| facts.background = failing(&fault));
    is(&it, "background_fails", Severity::Critical, None);
    assert!(it.seen.contains("7 times"), "{it}");
    // One full disk is told once, and before what is only worth knowing.
    let mut facts = well();
    facts.options = Options::new().durability(Durability::Volatile);
    facts.stats.fault = Some(full.clone());
    facts.background = failing(&full);
    let diagnosis = Diagnosis::of(&facts);
    let names: Vec<&str> = diagnosis.findings.iter().map(|it| it.name).collect();
    assert_eq!(names, ["disk_full", "volatile"]);
    assert!(diagnosis.to_string().starts_with("critical: disk_full\n  The database takes no"));
    let json = diagnosis.to_json();
    let wanted = r#"{"is_healthy":false,"findings":[{"name":"disk_full","severity":"critical","#;
    assert!(json.starts_with(wanted), "{json}");
    assert!(diagnosis.finding("volatile").is_some() && diagnosis.finding("other").is_none());
}

#[test]
fn what_the_opening_found_is_told() {
    let it = found(|facts| facts.report.dropped_bytes = 5 << 10);
    is(&it, "recovery_lost_bytes", Severity::Warning, Some("durability"));
    assert!(it.seen.contains("5.0 KiB"), "{it}");
    let it = found(|facts| facts.report.notes = vec!["a head was damaged".to_owned()]);
    is(&it, "opening_met_trouble", Severity::Info, None);
    assert!(it.seen.contains("a head was damaged"), "{it}");
    let it = found(|facts| facts.report.unknown = vec!["notes.txt".into()]);
    is(&it, "unknown_files", Severity::Info, None);
    assert!(it.seen.contains("notes.txt"), "{it}");
}

#[test]
fn what_was_chosen_and_what_was_switched_off_is_told() {
    let it = found(option(|options| options.read_only(true)));
    is(&it, "read_only", Severity::Info, Some("read_only"));
    let it = found(option(|options| options.durability(Durability::Volatile)));
    is(&it, "volatile", Severity::Info, Some("durability"));
    let it = found(|facts| facts.stats.counters.push(("strategies_failed", 1)));
    is(&it, "strategy_dismissed", Severity::Warning, Some("strategy"));
    let it = found(|facts| facts.stats.listeners.panics = 2);
    is(&it, "listener_panicked", Severity::Warning, Some("listener"));
    let it = found(|facts| {
        facts.keyspaces = vec![KeyspaceFacts {
            options: KeyspaceOptions::new().merge_operator("own"),
            lacks_operator: true,
            ..KeyspaceFacts::default()
        }];
    });
    is(&it, "operator_missing", Severity::Warning, Some("merge_operator"));
    let it = found(|facts| {
        facts.keyspaces = vec![KeyspaceFacts {
            options: KeyspaceOptions::new().compaction_filter("own"),
            lacks_filter: true,
            ..KeyspaceFacts::default()
        }];
    });
    is(&it, "filter_missing", Severity::Warning, Some("compaction_filter"));
    let it = found(|facts| facts.stats.counters.push(("compaction_filter_failures", 3)));
    is(&it, "filter_failed", Severity::Warning, Some("compaction_filter"));
    let it = found(|facts| facts.background.pauses = 1);
    is(&it, "background_paused", Severity::Warning, Some("pause_background"));
}

#[test]
fn files_that_readers_keep_are_told() {
    let held = |bytes, oldest| {
        move |facts: &mut Facts| facts.held = Some(HeldFacts { files: 7, bytes, oldest })
    };
    let it = found(held(5 << 10, Some((4711, 99))));
    is(&it, "files_held_by_readers", Severity::Info, None);
    assert!(it.seen.contains("7 files with 5.0 KiB") && it.seen.contains("4711"), "{it}");
    let it = found(held(3 << 30, None));
    is(&it, "files_held_by_readers", Severity::Warning, None);
}

#[test]
fn writes_that_nobody_syncs_are_told_once_there_are_many() {
    let unsynced = |writes| {
        move |facts: &mut Facts| {
            facts.options = Options::new().sync_interval(None);
            facts.unsynced_writes = writes;
        }
    };
    let it = found(unsynced(5000));
    is(&it, "log_not_synced", Severity::Warning, Some("sync_interval"));
    assert!(it.seen.contains("5000"), "{it}");
    let mut facts = well();
    unsynced(10)(&mut facts);
    assert!(Diagnosis::of(&facts).is_healthy());
    // The background syncs within a second.
    facts.options = Options::new();
    facts.unsynced_writes = 5000;
    assert!(Diagnosis::of(&facts).is_healthy());
}

#[test]
fn writers_that_are_held_back_are_told_for_what() {
    let held = |cause| move |facts: &mut Facts| facts.stats.pacing.cause = Some(cause);
    let causes = [
        (PaceCause::Flush, "memtable_bytes"),
        (PaceCause::Runs, "background_threads"),
        (PaceCause::Debt, "background_threads"),
        (PaceCause::Memory, "memory_limit"),
    ];
    for (cause, option) in causes {
        is(&found(held(cause)), "writers_held_back", Severity::Warning, Some(option));
    }
    let it = found(|facts| facts.stats.pacing.waited_for_debt = Duration::from_secs(3));
    is(&it, "writers_were_held_back", Severity::Info, Some("background_threads"));
    let it = found(|facts| facts.stats.counters.push(("paced_for_memory_micros", 2_000_000)));
    is(&it, "writers_were_held_back", Severity::Info, Some("memory_limit"));
    let mut facts = well();
    held(PaceCause::Runs)(&mut facts);
    facts.options = Options::new().background_threads(1);
    let diagnosis = Diagnosis::of(&facts);
    let it = diagnosis.finding("background_threads_few").unwrap();
    is(it, "background_threads_few", Severity::Warning, Some("background_threads"));
}

#[test]
fn a_limit_of_writes_is_told_when_it_holds_something_back() {
    let at_limit = |facts: &mut Facts| {
        facts.options = Options::new().write_bytes_per_second(1 << 20);
        facts.background.is_throttled = true;
    };
    let it = found(at_limit);
    is(&it, "writes_throttled", Severity::Info, Some("write_bytes_per_second"));
    assert!(it.seen.contains("1.0 MiB"), "{it}");
    let mut facts = well();
    at_limit(&mut facts);
    facts.stats.pacing.cause = Some(PaceCause::Runs);
    let severity = Diagnosis::of(&facts).finding("writes_throttled").unwrap().severity;
    assert_eq!(severity, Severity::Warning);
}

#[test]
fn memory_that_is_too_little_is_told_by_what_it_is_needed_for() {
    let it = found(|facts| {
        facts.stats.cache.misses = 500_000;
        facts.stats.cache.evictions = 400_000;
    });
    is(&it, "memory_limit_small", Severity::Warning, Some("memory_limit"));
    assert!(it.seen.contains("33 %") && it.advice.contains("256.0 MiB"), "{it}");
    // What was read for the first time had to be read.
    let mut facts = well();
    facts.stats.cache.misses = 500_000;
    assert!(Diagnosis::of(&facts).is_healthy());
    let it = found(|facts| {
        facts.stats.memory.used = 300 << 20;
        facts.stats.memory.by_kind = vec![("memtable", 200 << 20), ("block", 100 << 20)];
    });
    is(&it, "memory_over_limit", Severity::Warning, Some("memory_limit"));
    assert!(it.seen.contains("200.0 MiB memtable"), "{it}");
    let it = found(|facts| facts.stats.memory.by_kind = vec![("pin", 80 << 20)]);
    is(&it, "memory_pinned", Severity::Warning, Some("memory_limit"));
}

#[test]
fn files_that_are_opened_again_and_again_are_told() {
    let files = |opened| {
        move |facts: &mut Facts| {
            facts.options = Options::new().open_files_max(16);
            facts.stats.tables = 400;
            facts.files = Some(FileFacts { reads: 10_000, opened });
        }
    };
    let it = found(files(5000));
    is(&it, "open_files_max_small", Severity::Warning, Some("open_files_max"));
    let mut facts = well();
    files(100)(&mut facts);
    assert!(Diagnosis::of(&facts).is_healthy());
}

#[test]
fn runs_that_pile_up_are_told_with_what_keeps_them() {
    let runs = |facts: &mut Facts| {
        let level = LevelStats { level: 0, runs: 20, ..LevelStats::default() };
        facts.stats.keyspaces = vec![keyspace_stats(|it| it.levels = vec![level])];
    };
    let it = found(runs);
    is(&it, "level_zero_piles_up", Severity::Warning, Some("background_threads"));
    assert_eq!(it.keyspace.as_deref(), Some("default"));
    let mut facts = well();
    runs(&mut facts);
    facts.background.pauses = 1;
    let diagnosis = Diagnosis::of(&facts);
    let option = diagnosis.finding("level_zero_piles_up").unwrap().option;
    assert_eq!(option, Some("pause_background"));
    facts.background = BackgroundFacts { is_throttled: true, ..BackgroundFacts::default() };
    let diagnosis = Diagnosis::of(&facts);
    let option = diagnosis.finding("level_zero_piles_up").unwrap().option;
    assert_eq!(option, Some("write_bytes_per_second"));
}

#[test]
fn lookups_that_read_for_nothing_are_told() {
    let gets =
        |found, blocks| vec![("gets", 10_000), ("gets_found", found), ("get_blocks", blocks)];
    let bare = || keyspace(|it| it.options = KeyspaceOptions::new().filter_bits_per_key(0));
    let it = found(|facts| {
        facts.keyspaces = vec![bare()];
        facts.stats.counters = gets(1000, 10_000);
    });
    is(&it, "filters_off", Severity::Warning, Some("filter_bits_per_key"));
    assert!(it.seen.contains("90 %"), "{it}");
    // Where every key that is asked for exists, filters are no loss.
    let mut facts = well();
    facts.keyspaces = vec![bare()];
    facts.stats.counters = gets(10_000, 10_000);
    assert!(Diagnosis::of(&facts).is_healthy());
    let it = found(|facts| facts.stats.counters = gets(9000, 70_000));
    is(&it, "lookups_read_many_blocks", Severity::Warning, Some("strategy"));
}

#[test]
fn memtables_that_the_log_makes_small_are_told() {
    let it = found(|facts| {
        facts.options = Options::new().memtable_bytes(32 << 20).log_bytes_max(1 << 20);
        facts.stats.counters.push(("flushes", 50));
    });
    is(&it, "log_bytes_max_small", Severity::Warning, Some("log_bytes_max"));
    assert!(it.seen.contains("512.0 KiB") && it.seen.contains("32.0 MiB"), "{it}");
}

#[test]
fn syncs_that_are_slow_are_told() {
    let timing = TimingStats {
        name: "sync_wait",
        count: 100,
        p50: Duration::from_millis(80),
        p99: Duration::from_millis(300),
        ..TimingStats::default()
    };
    let it = found(|facts| facts.stats.timings = vec![timing]);
    is(&it, "syncs_slow", Severity::Warning, Some("durability"));
}

#[test]
fn deletes_that_pile_up_are_told_with_what_keeps_them() {
    let dense = |facts: &mut Facts| {
        facts.stats.keyspaces = vec![keyspace_stats(|it| it.deletes = 600_000)];
    };
    let it = found(dense);
    is(&it, "deletes_pile_up", Severity::Warning, Some("strategy"));
    assert!(it.seen.contains("60 %"), "{it}");
    let it = found(|facts| {
        dense(facts);
        facts.oldest_snapshot = Some(SnapshotFacts { age: Duration::ZERO, writes_since: 1 });
    });
    assert_eq!(it.option, Some("snapshot"), "{it}");
    let it = found(|facts| facts.keyspaces = vec![keyspace(|it| it.range_deletes = 5000)]);
    is(&it, "range_deletes_pile_up", Severity::Warning, Some("delete_range"));
    let counted = [("scanned_entries", 1_000_000), ("scanned_pairs", 100)];
    let it = found(|facts| facts.stats.counters.extend(counted));
    is(&it, "scans_pass_garbage", Severity::Warning, None);
}

#[test]
fn a_snapshot_that_is_held_for_long_is_told_once_much_was_written_since() {
    let held = |age, writes_since| {
        move |facts: &mut Facts| {
            let age = Duration::from_secs(age);
            facts.oldest_snapshot = Some(SnapshotFacts { age, writes_since });
        }
    };
    let it = found(held(3600, 50_000));
    is(&it, "snapshot_old", Severity::Warning, Some("snapshot"));
    assert!(it.seen.contains("3600s") && it.seen.contains("50000"), "{it}");
    for (age, writes) in [(3600, 10), (10, 50_000)] {
        let mut facts = well();
        held(age, writes)(&mut facts);
        assert!(Diagnosis::of(&facts).is_healthy());
    }
}

#[test]
fn space_and_work_that_are_wasted_are_told() {
    let it = found(|facts| {
        facts.stats.keyspaces = vec![keyspace_stats(|it| it.space_amplification = Some(4.0))];
    });
    is(&it, "space_wasted", Severity::Warning, Some("strategy"));
    let it = found(|facts| {
        facts.stats.amplification.write = Some(45.0);
        facts.stats.counters.push(("user_bytes_written", 1 << 30));
    });
    is(&it, "write_amplification", Severity::Info, Some("memtable_bytes"));
    let it = found(|facts| facts.keyspaces = vec![keyspace(|it| it.stored_bytes = 99 << 20)]);
    is(&it, "compression_ineffective", Severity::Info, Some("compression"));
    let mut facts = well();
    facts.keyspaces = vec![keyspace(|it| {
        it.stored_bytes = 100 << 20;
        it.options = KeyspaceOptions::new().compression(Compression::None);
    })];
    assert!(Diagnosis::of(&facts).is_healthy());
}
