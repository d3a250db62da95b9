//! What is slow: writers that are held back, reads that look in too many places or at the disk.

use std::time::Duration;

use super::figures::{is_part, percent, size};
use super::{Facts, Finding, Severity};
use crate::extend::event::PaceCause;

/// Waits that are shorter, all together, are not worth a word.
const WAITED_LONG: Duration = Duration::from_secs(1);
/// So many runs in level 0 are many: strategies begin to merge at a third of that.
const LEVEL_ZERO_MANY: u64 = 12;
/// So much has to be counted before a rate says anything.
const LOOKUPS_ENOUGH: u64 = 1000;
const BLOCKS_ENOUGH: u64 = 10_000;
const SYNCS_ENOUGH: u64 = 10;
const FLUSHES_ENOUGH: u64 = 4;
/// A sync that takes longer is slow for any disk.
const SYNC_SLOW: Duration = Duration::from_millis(100);
/// A lookup that asks so many tables, those whose filter said no left out, asks many.
const TABLES_MANY: f64 = 4.0;

pub(super) fn look(facts: &Facts, findings: &mut Vec<Finding>) {
    findings.extend(held_back(facts));
    findings.extend(were_held_back(facts));
    findings.extend(threads(facts));
    findings.extend(throttled(facts));
    findings.extend(cache(facts));
    findings.extend(open_files(facts));
    findings.extend(level_zero(facts));
    findings.extend(filters(facts));
    findings.extend(tables(facts));
    findings.extend(small_log(facts));
    findings.extend(syncs(facts));
}

fn held_back(facts: &Facts) -> Option<Finding> {
    let pacing = &facts.stats.pacing;
    let cause = pacing.cause?;
    let (what, option, advice) = match cause {
        PaceCause::Flush => (
            "a flush",
            "memtable_bytes",
            "Memtables fill faster than the disk takes them: the disk is the limit; larger \
             `memtable_bytes` carry longer bursts.",
        ),
        PaceCause::Runs => (
            "merges, since reads look in too many runs",
            "background_threads",
            "Merges are behind: give `background_threads` more where processors idle, or merge \
             less with `strategy=lazy:8`.",
        ),
        PaceCause::Debt => (
            "merges, since too many bytes are to be merged",
            "background_threads",
            "Merges are behind: give `background_threads` more where processors idle, make \
             memtables larger, or merge less with `strategy=lazy:8`.",
        ),
        PaceCause::Memory => (
            "memory",
            "memory_limit",
            "Memtables and what readers hold fill the limit: raise `memory_limit`, or close \
             iterators and drop values that are held.",
        ),
    };
    let seen = format!(
        "Writers wait for {what}: {:?} for each KiB now, and {} waits so far.",
        pacing.per_kib, pacing.waits
    );
    let finding = Finding::new(Severity::Warning, "writers_held_back", seen, advice);
    Some(finding.caused_by(option))
}

fn were_held_back(facts: &Facts) -> Option<Finding> {
    let pacing = &facts.stats.pacing;
    let micros = facts.stats.counter("paced_for_memory_micros").unwrap_or(0);
    let causes = [
        (pacing.waited_for_flush, "flushes", "memtable_bytes"),
        (pacing.waited_for_runs, "merges of too many runs", "background_threads"),
        (pacing.waited_for_debt, "merges of too many bytes", "background_threads"),
        (Duration::from_micros(micros), "memory", "memory_limit"),
    ];
    let all = causes.iter().fold(Duration::ZERO, |sum, (waited, ..)| sum.saturating_add(*waited));
    if pacing.cause.is_some() || all < WAITED_LONG {
        return None;
    }
    let (most, what, option) = causes.into_iter().max_by_key(|(waited, ..)| *waited)?;
    let seen = format!(
        "Nobody is held back now, but writers have waited {all:?} since the opening, {most:?} of \
         it for {what}."
    );
    let advice = "If bursts come again, look at the option that is named here while they last.";
    let finding = Finding::new(Severity::Info, "writers_were_held_back", seen, advice);
    Some(finding.caused_by(option))
}

fn threads(facts: &Facts) -> Option<Finding> {
    let pacing = &facts.stats.pacing;
    let waited = pacing.waited_for_runs.saturating_add(pacing.waited_for_debt);
    let is_behind =
        matches!(pacing.cause, Some(PaceCause::Runs | PaceCause::Debt)) || waited >= WAITED_LONG;
    if facts.options.get_background_threads() > 1 || !is_behind {
        return None;
    }
    let seen = format!("One thread flushes and merges, and writers have waited {waited:?} for it.");
    let advice = "`background_threads` is 1: give it 2 or more, so that a flush does not wait \
                  behind a merge.";
    let finding = Finding::new(Severity::Warning, "background_threads_few", seen, advice);
    Some(finding.caused_by("background_threads"))
}

fn throttled(facts: &Facts) -> Option<Finding> {
    let limit = facts.options.get_write_bytes_per_second();
    if limit == 0 || !facts.background.is_throttled {
        return None;
    }
    let severity = match facts.stats.pacing.cause {
        Some(_) => Severity::Warning,
        None => Severity::Info,
    };
    let seen = format!("Flushes and merges have written as much as they may: {} a second.", {
        size(limit)
    });
    let advice = "`write_bytes_per_second` holds merges back: raise it if tables pile up or \
                  writers are held back.";
    let finding = Finding::new(severity, "writes_throttled", seen, advice);
    Some(finding.caused_by("write_bytes_per_second"))
}

fn cache(facts: &Facts) -> Vec<Finding> {
    let (cache, memory) = (&facts.stats.cache, &facts.stats.memory);
    let mut found = Vec::new();
    let asked = cache.hits.saturating_add(cache.misses);
    let is_turning = cache.evictions >= cache.frames.saturating_mul(2);
    if asked >= BLOCKS_ENOUGH && is_turning && is_part(cache.misses, asked, 100) {
        let seen = format!(
            "{} of the blocks that reads asked for were not in the cache of {}: {} misses, and {} \
             blocks left since there was no room.",
            percent(cache.misses, asked),
            size(cache.capacity),
            cache.misses,
            cache.evictions
        );
        let advice = format!(
            "`memory_limit` of {} is smaller than what is read again and again: raise it, or read \
             once through with `fill_cache` off.",
            size(memory.limit)
        );
        let finding = Finding::new(Severity::Warning, "memory_limit_small", seen, &advice);
        found.push(finding.caused_by("memory_limit"));
    }
    let held = |kind| memory.by_kind.iter().find(|it| it.0 == kind).map_or(0, |it| it.1);
    if memory.limit > 0 && memory.used > memory.limit {
        let most = memory.by_kind.iter().max_by_key(|(_, bytes)| *bytes);
        let most = most.map_or(String::new(), |(kind, bytes)| format!(", {} {kind}", size(*bytes)));
        let (used, limit) = (size(memory.used), size(memory.limit));
        let seen = format!("{used} of memory are used, and the limit is {limit}{most}.");
        let advice = "Writers slow down until it fits: raise `memory_limit`, or close iterators \
                      and drop values that are held.";
        let finding = Finding::new(Severity::Warning, "memory_over_limit", seen, advice);
        found.push(finding.caused_by("memory_limit"));
    }
    let pinned = held("pin");
    if memory.limit > 0 && is_part(pinned, memory.limit, 250) {
        let seen = format!(
            "Values and iterators hold {} that the cache has let go of, {} of the limit.",
            size(pinned),
            percent(pinned, memory.limit)
        );
        let advice = "Long values are copied from now on: drop values that are done with, or copy \
                      those that are kept; otherwise raise `memory_limit`.";
        let finding = Finding::new(Severity::Warning, "memory_pinned", seen, advice);
        found.push(finding.caused_by("memory_limit"));
    }
    found
}

fn open_files(facts: &Facts) -> Option<Finding> {
    let files = facts.files?;
    let (most, tables) = (facts.options.get_open_files_max() as u64, facts.stats.tables);
    let is_often = files.reads >= LOOKUPS_ENOUGH && is_part(files.opened, files.reads, 50);
    if tables <= most || !is_often {
        return None;
    }
    let seen = format!(
        "{} of {} reads of table files had to open the file first: there are {tables} tables, and \
         {most} stay open.",
        files.opened, files.reads
    );
    let advice = "`open_files_max` is smaller than the number of tables that are read: raise it, \
                  or make tables larger with larger memtables.";
    let finding = Finding::new(Severity::Warning, "open_files_max_small", seen, advice);
    Some(finding.caused_by("open_files_max"))
}

fn level_zero(facts: &Facts) -> Vec<Finding> {
    let all = facts.stats.keyspaces.iter();
    let found = all.filter_map(|keyspace| {
        let top = keyspace.levels.iter().find(|level| level.level == 0)?;
        if top.runs < LEVEL_ZERO_MANY {
            return None;
        }
        let (name, runs, bytes) = (&keyspace.name, top.runs, size(top.bytes));
        let seen = format!("{runs} runs with {bytes} wait in level 0 of `{name}` to be merged.");
        let (option, advice) = if facts.background.pauses > 0 {
            ("pause_background", "Nothing is merged in a pause: call `resume_background`.")
        } else if facts.background.is_throttled {
            let advice = "`write_bytes_per_second` holds merges back: raise it.";
            ("write_bytes_per_second", advice)
        } else {
            let advice = "Merges are behind flushes, and each lookup may ask every run: give \
                          `background_threads` more, or make memtables larger.";
            ("background_threads", advice)
        };
        let finding = Finding::new(Severity::Warning, "level_zero_piles_up", seen, advice);
        Some(finding.within(name).caused_by(option))
    });
    found.collect()
}

fn filters(facts: &Facts) -> Vec<Finding> {
    let stats = &facts.stats;
    let count = |name| stats.counter(name).unwrap_or(0);
    let (gets, found) = (count("gets"), count("gets_found"));
    let missing = gets.saturating_sub(found);
    let is_much = gets >= LOOKUPS_ENOUGH && is_part(missing, gets, 300);
    // Lookups are not counted by keyspace: blocks that found nothing must have been many.
    let is_for_nothing = count("get_blocks") >= found.saturating_add(missing / 2);
    let bare = facts.keyspaces.iter().filter(|keyspace| {
        let has_tables = stats.keyspace(&keyspace.name).is_some_and(|it| it.entries > 0);
        keyspace.options.get_filter_bits_per_key() == 0 && has_tables
    });
    let found = bare.filter(|_| is_much && is_for_nothing).map(|keyspace| {
        let seen = format!(
            "{} of {gets} lookups found nothing, and `{}` has no filters: each of them reads a \
             block for each run.",
            percent(missing, gets),
            keyspace.name
        );
        let advice = "`filter_bits_per_key` is 0 in this keyspace: 10 keep nearly all such \
                      lookups away from blocks. It holds for tables that are written from then on.";
        let finding = Finding::new(Severity::Warning, "filters_off", seen, advice);
        finding.within(&keyspace.name).caused_by("filter_bits_per_key")
    });
    found.collect()
}

fn tables(facts: &Facts) -> Option<Finding> {
    let count = |name| facts.stats.counter(name).unwrap_or(0);
    let (gets, blocks) = (count("gets"), count("get_blocks"));
    let each = blocks as f64 / gets.max(1) as f64;
    if gets < LOOKUPS_ENOUGH || each < TABLES_MANY {
        return None;
    }
    let seen = format!("A lookup reads {each:.1} blocks of entries on average; one would do.");
    let advice = "Many runs hold the same keys, or filters are off: `explain_get` tells for a key; \
                  `strategy=leveled:10` keeps runs few, and `compact` makes them one.";
    let finding = Finding::new(Severity::Warning, "lookups_read_many_blocks", seen, advice);
    Some(finding.caused_by("strategy"))
}

fn small_log(facts: &Facts) -> Option<Finding> {
    let (log, memtable) = (facts.options.get_log_bytes_max(), facts.options.get_memtable_bytes());
    let flushes = facts.stats.counter("flushes").unwrap_or(0);
    // Half of the log is for the memtable where writes go.
    if log == 0 || log / 2 >= memtable / 4 || flushes < FLUSHES_ENOUGH {
        return None;
    }
    let seen = format!(
        "Memtables are flushed with about {} of writes, though they may take {}: {flushes} \
         flushes so far.",
        size(log / 2),
        size(memtable)
    );
    let advice = "`log_bytes_max` bounds them, for half of it is the active memtable's: raise it, \
                  or the same bytes are merged more often.";
    let finding = Finding::new(Severity::Warning, "log_bytes_max_small", seen, advice);
    Some(finding.caused_by("log_bytes_max"))
}

fn syncs(facts: &Facts) -> Option<Finding> {
    let waits = facts.stats.timing("sync_wait")?;
    if waits.count < SYNCS_ENOUGH || waits.p99 < SYNC_SLOW {
        return None;
    }
    let seen = format!(
        "Syncs of the log are slow: half of {} took up to {:?}, and 99 % up to {:?}.",
        waits.count, waits.p50, waits.p99
    );
    let advice = "The disk is slow or shared: write batches or from several threads, which share \
                  syncs, or `durability=buffered` where the last second may be lost.";
    let finding = Finding::new(Severity::Warning, "syncs_slow", seen, advice);
    Some(finding.caused_by("durability"))
}
