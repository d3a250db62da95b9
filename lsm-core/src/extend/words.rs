//! Events in words, and how much they matter: what a log is made of.

use std::fmt;

use crate::extend::event::{Event, OpenReport};

/// How much an event matters, the most important first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something is wrong and needs somebody.
    Error,
    /// Something is wrong that the database deals with.
    Warn,
    /// What an operator may want to know.
    Info,
    /// Each step.
    Debug,
}

impl Event {
    /// How much it matters.
    #[must_use]
    pub fn level(&self) -> Level {
        match self {
            Self::BecameReadOnly { .. } | Self::DamageFound { .. } => Level::Error,
            Self::WorkFailed { .. } | Self::StrategyFailed { .. } | Self::FilterFailed { .. } => {
                Level::Warn
            }
            Self::Recovered { report } if report.dropped_bytes > 0 || !report.notes.is_empty() => {
                Level::Warn
            }
            Self::FlushBegan { .. } | Self::CompactionBegan { .. } | Self::TableDeleted { .. } => {
                Level::Debug
            }
            Self::Flushed { .. }
            | Self::Compacted { .. }
            | Self::PacingChanged { .. }
            | Self::Resumed
            | Self::KeyspaceCreated { .. }
            | Self::KeyspaceDropped { .. }
            | Self::Recovered { .. } => Level::Info,
        }
    }
}

/// One sentence without a full stop.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FlushBegan { entries, bytes } => {
                write!(f, "flushing {entries} entries that take {bytes} bytes of memory")
            }
            Self::Flushed { table: Some(table), bytes, duration } => {
                write!(f, "flushed to table {table} of {bytes} bytes in {duration:.1?}")
            }
            Self::Flushed { table: None, .. } => f.write_str("flushed, with nothing left to write"),
            Self::CompactionBegan { keyspace, reason, from, to, tables } => {
                let why = reason.name();
                write!(f, "compacting {tables} tables of keyspace \"{keyspace}\" ")?;
                write!(f, "from level {from} to {to} ({why})")
            }
            Self::Compacted { keyspace, reason, from, to, read, written, duration } => {
                let why = reason.name();
                write!(f, "compacted keyspace \"{keyspace}\" from level {from} to {to} ({why}): ")?;
                write!(f, "{read} bytes read, {written} written, in {duration:.1?}")
            }
            Self::WorkFailed { error } => write!(f, "background work failed: {error}"),
            Self::DamageFound { error } => write!(f, "damage was found: {error}"),
            Self::StrategyFailed { keyspace, strategy, why } => {
                write!(f, "strategy \"{strategy}\" of keyspace \"{keyspace}\" is dismissed: {why}")
            }
            Self::FilterFailed { keyspace, filter, failures, why } => {
                write!(f, "compaction filter \"{filter}\" of keyspace \"{keyspace}\" failed ")?;
                write!(f, "{failures} times, and what it failed at is kept: {why}")
            }
            Self::TableDeleted { table } => write!(f, "table {table} is deleted"),
            Self::PacingChanged { cause: Some(cause), per_kib } => {
                let cause = cause.name();
                write!(f, "writers are held back for each KiB by {per_kib:.1?} ({cause})")
            }
            Self::PacingChanged { cause: None, .. } => f.write_str("writers are held back no more"),
            Self::BecameReadOnly { error } => {
                write!(f, "the database takes no writes until it is resumed: {error}")
            }
            Self::Resumed => f.write_str("the database takes writes again"),
            Self::KeyspaceCreated { name } => write!(f, "keyspace \"{name}\" is made"),
            Self::KeyspaceDropped { name } => write!(f, "keyspace \"{name}\" is dropped"),
            Self::Recovered { report } => recovered(report, f),
        }
    }
}

fn recovered(report: &OpenReport, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if report.is_new {
        return f.write_str("the database is made");
    }
    let how = if report.was_clean { "clean" } else { "recovered" };
    write!(f, "the database is open, {how}: {} batches replayed", report.batches)?;
    if report.dropped_bytes > 0 {
        write!(f, ", {} torn bytes given up", report.dropped_bytes)?;
    }
    if !report.unknown.is_empty() {
        write!(f, ", {} unknown files left alone", report.unknown.len())?;
    }
    report.notes.iter().try_for_each(|note| write!(f, "; {note}"))
}

#[cfg(test)]
mod tests;
