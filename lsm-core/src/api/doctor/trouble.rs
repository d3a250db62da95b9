//! What is wrong: writes that are not taken, work that fails, what was lost or left.

use super::figures::size;
use super::{Facts, Finding, KeyspaceFacts, Severity};
use crate::base::error::{Error, ErrorKind};
use crate::options::durability::Durability;

/// So many writes without a sync are worth a word.
const UNSYNCED_MANY: u64 = 1000;
/// So many bytes in files that only readers need are more than worth a word.
const HELD_MANY: u64 = 1 << 30;

pub(super) fn look(facts: &Facts, findings: &mut Vec<Finding>) {
    findings.extend(fault(facts));
    findings.extend(background(facts));
    findings.extend(opening(facts));
    findings.extend(dismissed(facts));
    findings.extend(missing(facts));
    findings.extend(chosen(facts));
    findings.extend(unsynced(facts));
    findings.extend(held(facts));
}

fn held(facts: &Facts) -> Option<Finding> {
    let held = facts.held.as_ref()?;
    let (files, bytes) = (held.files, size(held.bytes));
    let seen = match held.oldest {
        Some((process, seqno)) => format!(
            "{files} files with {bytes} are kept for readers in other processes: process {process} \
             reads what is oldest, as of write {seqno}."
        ),
        None => format!("{files} files with {bytes} are kept for readers that have just gone."),
    };
    let advice = "Have that reader `refresh`, or drop its old snapshots and iterators, or end it: \
                  the files go then by themselves. One that hangs keeps them until its lease ends.";
    let is_much = held.bytes >= HELD_MANY;
    let severity = if is_much { Severity::Warning } else { Severity::Info };
    Some(Finding::new(severity, "files_held_by_readers", seen, advice))
}

fn fault(facts: &Facts) -> Option<Finding> {
    let fault = facts.stats.fault.as_ref()?;
    if fault.kind() == ErrorKind::NoSpace {
        let seen = format!("The database takes no writes since the disk was full: {fault}.");
        let advice = "Make room on the disk, then call `resume`: nothing has to be opened again.";
        return Some(Finding::new(Severity::Critical, "disk_full", seen, advice));
    }
    let seen = format!("The database takes no writes since a fault: {fault}.");
    let advice = "Mend what the fault names, then call `resume`; if that refuses, close the \
                  database and open it again. Reads go on meanwhile.";
    Some(Finding::new(Severity::Critical, "takes_no_writes", seen, advice))
}

fn background(facts: &Facts) -> Vec<Finding> {
    let background = &facts.background;
    let mut found = Vec::new();
    let is_full = |error: &Error| error.kind() == ErrorKind::NoSpace;
    let is_told = facts.stats.fault.as_ref().is_some_and(is_full);
    let is_behind = background.failure.as_ref().is_some_and(is_full);
    if let Some(refused) = facts.refused.as_ref().filter(|_| !is_told && !is_behind) {
        let seen = format!("The disk is full: the last write was not taken: {refused}.");
        let advice = "Make room on the disk: writes are taken again once there is, and nothing \
                      has to be resumed.";
        found.push(Finding::new(Severity::Critical, "disk_full", seen, advice));
    }
    if let Some(failure) = background.failure.as_ref().filter(|_| !is_told) {
        let tries = background.failures_in_a_row;
        if is_full(failure) {
            let seen = format!("The disk is full: {tries} flushes or merges failed: {failure}.");
            let advice = "Make room on the disk: the work is tried again by itself. Until then \
                          memtables and the log grow, and writers are held back.";
            found.push(Finding::new(Severity::Critical, "disk_full", seen, advice));
        } else {
            let seen = format!("Flushes or merges fail, {tries} times in a row now: {failure}.");
            let advice = "Mend what the error names; the work is tried again by itself. If it \
                          names a damaged file, `verify` tells what else is.";
            found.push(Finding::new(Severity::Critical, "background_fails", seen, advice));
        }
    }
    if background.pauses > 0 {
        let seen = format!(
            "Nothing is merged: `pause_background` was called {} times more often than \
             `resume_background`.",
            background.pauses
        );
        let advice = "Call `resume_background`: until then reads look in more and more tables, \
                      and space is not given back.";
        let finding = Finding::new(Severity::Warning, "background_paused", seen, advice);
        found.push(finding.caused_by("pause_background"));
    }
    found
}

fn opening(facts: &Facts) -> Vec<Finding> {
    let report = &facts.report;
    let mut found = Vec::new();
    if report.dropped_bytes > 0 {
        let bytes = size(report.dropped_bytes);
        let seen = format!(
            "The opening gave up {bytes} at the end of the log, which an unclean stop had torn."
        );
        let advice = "Writes that were not durable are gone: `durability=durable`, or `sync` at \
                      the right moments, keeps those that must not be.";
        let finding = Finding::new(Severity::Warning, "recovery_lost_bytes", seen, advice);
        found.push(finding.caused_by("durability"));
    }
    if !report.notes.is_empty() {
        let seen = format!("The opening met trouble: {}.", report.notes.join("; "));
        let advice = "It did no harm. If it comes again, look at the disk and at who else writes \
                      in the directory.";
        found.push(Finding::new(Severity::Info, "opening_met_trouble", seen, advice));
    }
    if let Some(first) = report.unknown.first() {
        let seen = format!(
            "There are {} names in the directory that are not the database's, `{}` among them.",
            report.unknown.len(),
            first.to_string_lossy()
        );
        let advice = "They are left alone; move them elsewhere, so that nobody takes them for a \
                      part of the database.";
        found.push(Finding::new(Severity::Info, "unknown_files", seen, advice));
    }
    found
}

fn dismissed(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    let strategies = facts.stats.counter("strategies_failed").unwrap_or(0);
    if strategies > 0 {
        let seen = format!("{strategies} strategies of the program's own were dismissed.");
        let advice = "Their keyspaces are merged as `leveled:10` until the next opening: mend the \
                      strategy; a listener is told what it did (`StrategyFailed`).";
        let finding = Finding::new(Severity::Warning, "strategy_dismissed", seen, advice);
        found.push(finding.caused_by("strategy"));
    }
    let failures = facts.stats.counter("compaction_filter_failures").unwrap_or(0);
    if failures > 0 {
        let seen = format!("Compaction filters failed {failures} times.");
        let advice = "The values that they failed at are kept: mend the filter; a listener is told \
                      what it did (`FilterFailed`).";
        let finding = Finding::new(Severity::Warning, "filter_failed", seen, advice);
        found.push(finding.caused_by("compaction_filter"));
    }
    let panics = facts.stats.listeners.panics;
    if panics > 0 {
        let seen = format!("{panics} listeners panicked and were switched off.");
        let advice = "They hear of nothing until the next opening: mend them.";
        let finding = Finding::new(Severity::Warning, "listener_panicked", seen, advice);
        found.push(finding.caused_by("listener"));
    }
    found
}

/// Keyspaces whose merge operator or compaction filter is not there.
fn missing(facts: &Facts) -> Vec<Finding> {
    let unfiltered = facts.keyspaces.iter().filter(|keyspace| keyspace.lacks_filter);
    let filter = |keyspace: &KeyspaceFacts| {
        let filter = keyspace.options.get_compaction_filter().unwrap_or_default();
        let seen = format!("The compaction filter `{filter}` is not registered.");
        let advice = "Merges keep everything in the keyspace: give the filter to the builder at \
                      each opening, and `compact` shows it what it has missed.";
        let finding = Finding::new(Severity::Warning, "filter_missing", seen, advice);
        finding.caused_by("compaction_filter").within(&keyspace.name)
    };
    let lacking = facts.keyspaces.iter().filter(|keyspace| keyspace.lacks_operator);
    let finding = |keyspace: &KeyspaceFacts| {
        let operator = keyspace.options.get_merge_operator().unwrap_or_default();
        let seen = format!("The merge operator `{operator}` is not registered.");
        let advice = "The keyspace cannot be opened, and its merge operands are kept as they are: \
                      give the operator to the builder at each opening.";
        let finding = Finding::new(Severity::Warning, "operator_missing", seen, advice);
        finding.caused_by("merge_operator").within(&keyspace.name)
    };
    lacking.map(finding).chain(unfiltered.map(filter)).collect()
}

fn chosen(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    if facts.options.is_read_only() {
        let seen = "The database was opened read-only: every write is refused.".to_owned();
        let advice = "That is what `read_only` asks for: open it without to write.";
        let finding = Finding::new(Severity::Info, "read_only", seen, advice);
        found.push(finding.caused_by("read_only"));
    }
    if facts.options.get_durability() == Durability::Volatile {
        let entries = facts.stats.memtables.active_entries;
        let seen = format!(
            "Writes are not logged unless they say so: a crash takes what was not flushed, of \
             {entries} entries in the active memtable."
        );
        let advice = "That is what `durability=volatile` asks for: `buffered` logs writes and \
                      waits for no disk.";
        let finding = Finding::new(Severity::Info, "volatile", seen, advice);
        found.push(finding.caused_by("durability"));
    }
    found
}

fn unsynced(facts: &Facts) -> Option<Finding> {
    let is_left = facts.options.get_sync_interval().is_none() && !facts.options.is_read_only();
    if !is_left || facts.unsynced_writes < UNSYNCED_MANY {
        return None;
    }
    let writes = facts.unsynced_writes;
    let seen = format!("A power cut would take the last {writes} writes: the log is not synced.");
    let advice = "`sync_interval` is off, so syncing is left to the program: call `sync`, or give \
                  it an interval.";
    let finding = Finding::new(Severity::Warning, "log_not_synced", seen, advice);
    Some(finding.caused_by("sync_interval"))
}
