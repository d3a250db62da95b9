//! What takes more than it must: deletes, old versions, bytes that do not pack.

use std::time::Duration;

use super::figures::{is_part, percent, size};
use super::{Facts, Finding, KeyspaceFacts, Severity};
use crate::options::keyspace::Compression;

/// What is smaller is not worth a word.
const ENTRIES_ENOUGH: u64 = 10_000;
const BYTES_ENOUGH: u64 = 16 << 20;
const BYTES_MUCH: u64 = 64 << 20;
/// So many range tombstones are many: each lookup and each scan of their keyspace holds them all.
const RANGES_MANY: u64 = 1000;
/// A snapshot that is held longer, while so much is written, keeps what it need not.
const SNAPSHOT_OLD: Duration = Duration::from_secs(600);
const WRITES_MANY: u64 = 1000;
/// So many times as much.
const STORED_MANY: f64 = 3.0;
const WRITTEN_MANY: f64 = 30.0;
/// So many entries for each pair.
const PASSED_MANY: u64 = 10;

pub(super) fn look(facts: &Facts, findings: &mut Vec<Finding>) {
    findings.extend(deletes(facts));
    findings.extend(scans(facts));
    findings.extend(snapshot(facts));
    findings.extend(wasted(facts));
    findings.extend(written(facts));
    for keyspace in &facts.keyspaces {
        findings.extend(range_deletes(keyspace));
        findings.extend(packing(keyspace));
    }
}

fn deletes(facts: &Facts) -> Vec<Finding> {
    let all = facts.stats.keyspaces.iter();
    let dense =
        all.filter(|it| it.entries >= ENTRIES_ENOUGH && is_part(it.deletes, it.entries, 400));
    let found = dense.map(|it| {
        let seen = format!(
            "{} of the {} entries of `{}` are deletes: reads pass over them.",
            percent(it.deletes, it.entries),
            it.entries,
            it.name
        );
        let (option, advice) = if facts.background.pauses > 0 {
            ("pause_background", "Nothing is merged in a pause: call `resume_background`.")
        } else if facts.oldest_snapshot.is_some() {
            ("snapshot", "A snapshot may still see what they delete: drop it, then `compact`.")
        } else {
            let advice = "They go when they are merged into the last level: `compact` does it \
                          now, and `strategy=leveled:10` sooner than others.";
            ("strategy", advice)
        };
        let finding = Finding::new(Severity::Warning, "deletes_pile_up", seen, advice);
        finding.within(&it.name).caused_by(option)
    });
    found.collect()
}

fn range_deletes(keyspace: &KeyspaceFacts) -> Option<Finding> {
    if keyspace.range_deletes < RANGES_MANY {
        return None;
    }
    let seen = format!(
        "The tables of `{}` hold {} range tombstones, which lookups and scans search.",
        keyspace.name, keyspace.range_deletes
    );
    let advice = "They go when they are merged into the last level: `compact` does it now; delete \
                  fewer and wider ranges, or drop a keyspace as a whole.";
    let finding = Finding::new(Severity::Warning, "range_deletes_pile_up", seen, advice);
    Some(finding.within(&keyspace.name).caused_by("delete_range"))
}

fn scans(facts: &Facts) -> Option<Finding> {
    let count = |name| facts.stats.counter(name).unwrap_or(0);
    let (entries, pairs) = (count("scanned_entries"), count("scanned_pairs"));
    if entries < ENTRIES_ENOUGH || entries / PASSED_MANY < pairs {
        return None;
    }
    let seen = format!("Scans looked at {entries} entries to show {pairs} pairs.");
    let advice = "The rest are deletes and old versions: `explain_range` tells which and where, \
                  and `compact` of that range takes them away.";
    Some(Finding::new(Severity::Warning, "scans_pass_garbage", seen, advice))
}

fn snapshot(facts: &Facts) -> Option<Finding> {
    let it = facts
        .oldest_snapshot
        .filter(|it| it.age >= SNAPSHOT_OLD && it.writes_since >= WRITES_MANY)?;
    let seen = format!(
        "A snapshot has been held for {:?}, and {} writes came since.",
        Duration::from_secs(it.age.as_secs()),
        it.writes_since
    );
    let advice = "What it sees is kept on disk and passed over by reads: drop it, or take a new \
                  one now and then.";
    Some(Finding::new(Severity::Warning, "snapshot_old", seen, advice).caused_by("snapshot"))
}

fn wasted(facts: &Facts) -> Vec<Finding> {
    let all = facts.stats.keyspaces.iter().filter(|it| it.bytes >= BYTES_MUCH);
    let found = all.filter_map(|it| {
        let ratio = it.space_amplification.filter(|ratio| *ratio >= STORED_MANY)?;
        let (name, bytes) = (&it.name, size(it.bytes));
        let seen = format!(
            "`{name}` takes {bytes} in {} runs, up to {ratio:.1} times what is alive.",
            it.runs
        );
        let advice = "Old versions lie in several runs: `compact` gives the space back, and \
                      `strategy=leveled:10` or `lazy:8` keeps it low.";
        let finding = Finding::new(Severity::Warning, "space_wasted", seen, advice);
        Some(finding.within(name).caused_by("strategy"))
    });
    found.collect()
}

fn written(facts: &Facts) -> Option<Finding> {
    let user = facts.stats.counter("user_bytes_written").unwrap_or(0);
    let ratio = facts.stats.amplification.write.filter(|ratio| *ratio >= WRITTEN_MANY)?;
    if user < BYTES_MUCH {
        return None;
    }
    let seen = format!(
        "{ratio:.0} bytes were written to the disk for each of {} of keys and values.",
        size(user)
    );
    let advice = "Small memtables are merged often: raise `memtable_bytes` (or `memory_limit`, \
                  of which they are a part), or merge less with `strategy=lazy:8`.";
    let finding = Finding::new(Severity::Info, "write_amplification", seen, advice);
    Some(finding.caused_by("memtable_bytes"))
}

fn packing(keyspace: &KeyspaceFacts) -> Option<Finding> {
    let (stored, unpacked) = (keyspace.stored_bytes, keyspace.unpacked_bytes);
    let is_packed = keyspace.options.get_compression() != Compression::None;
    if !is_packed || unpacked < BYTES_ENOUGH || !is_part(stored, unpacked, 950) {
        return None;
    }
    let seen = format!(
        "Packing saves next to nothing in `{}`: {} take {}.",
        keyspace.name,
        size(unpacked),
        size(stored)
    );
    let advice = "The values are packed already, or random: `compression=none` saves the work.";
    let finding = Finding::new(Severity::Info, "compression_ineffective", seen, advice);
    Some(finding.within(&keyspace.name).caused_by("compression"))
}
