//! What a lookup or a scan did, as plain data.

use std::ops::Bound;
use std::time::Duration;

use crate::key::seqno::SeqNo;
use crate::stats::looked::{Origin, Part};
use crate::table::notes::Counts;

/// What a lookup of one key did: which places it asked, in their order, what each said, and what
/// that cost. `Display` is a text for people, `to_json` one for programs.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The keyspace.
    pub keyspace: String,
    /// The key.
    pub key: Vec<u8>,
    /// The lookup saw writes up to this number.
    pub at: SeqNo,
    /// What it found.
    pub answer: Answer,
    /// The number of what decided: of the newest entry of the key, or of the range tombstone that
    /// covers it. Numbers of old entries become 0 when nobody can tell them apart any more.
    pub seqno: Option<SeqNo>,
    /// How long the value is.
    pub value_bytes: Option<u64>,
    /// The places, from the newest to the oldest, up to the one that decided.
    pub steps: Vec<Step>,
    /// All of them together.
    pub totals: Totals,
}

/// What is known of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It has a value.
    Found,
    /// The newest entry deletes it.
    Deleted,
    /// The newest entry has a value that has expired.
    Expired,
    /// A range tombstone that is newer than every entry covers it.
    Covered,
    /// The newest entry is a merge operand: what it comes to depends on older ones.
    Operand,
    /// There is nothing of it.
    Missing,
}

impl Answer {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Deleted => "deleted",
            Self::Expired => "expired",
            Self::Covered => "covered",
            Self::Operand => "operand",
            Self::Missing => "missing",
        }
    }
}

/// A place that may hold entries of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A memtable. Number 0 is where writes go; those that wait for their flush have the numbers
    /// from 1 on, the newest first.
    Memtable {
        /// Which one.
        number: u64,
    },
    /// A table of a run.
    Table {
        /// The level.
        level: u8,
        /// The number of the run in the level.
        run: u64,
        /// The number in the name of the file.
        file: u64,
    },
    /// A run as a whole.
    Run {
        /// The level.
        level: u8,
        /// Its number in the level.
        run: u64,
    },
}

/// What a filter says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The key is not there.
    No,
    /// It may be.
    Maybe,
}

/// One place that a lookup came to.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Where.
    pub place: Place,
    /// Nothing was asked there: the key lies in the span of no table of that run.
    pub is_excluded: bool,
    /// What the filter said; `None` if none was asked.
    pub filter: Option<Verdict>,
    /// How many range tombstones there are in that place: they were searched.
    pub range_tombstones: u64,
    /// The newest of them over the key.
    pub covered_by: Option<SeqNo>,
    /// What was read of the table, in order.
    pub reads: Vec<ReadPart>,
    /// The number of the newest entry of the key there.
    pub entry: Option<SeqNo>,
    /// What the place said: `Missing` if it knows nothing of the key.
    pub answer: Answer,
    /// How long that took, what is told here included.
    pub took: Duration,
}

/// A part of a table that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadPart {
    /// Which.
    pub part: Part,
    /// Where it was.
    pub from: Origin,
}

/// What a lookup cost as a whole.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Memtables that were asked.
    pub memtables: u64,
    /// Tables that were asked: those whose span holds the key.
    pub tables: u64,
    /// Runs that were passed by, since the key lies in no span of theirs.
    pub excluded: u64,
    /// Tables whose filter said no.
    pub filtered: u64,
    /// Tables that were opened for it.
    pub opened: u64,
    /// Blocks of entries that were looked into.
    pub blocks: u64,
    /// Filters, indexes and blocks of entries that were in memory.
    pub from_memory: u64,
    /// Those that had to be read.
    pub from_disk: u64,
    /// Bytes that were read from files, for whatever.
    pub bytes_read: u64,
    /// Range tombstones that were searched.
    pub range_tombstones: u64,
    /// How long all took.
    pub took: Duration,
}

/// What a scan of a range did: what it merged, what it passed over, and what that cost. `Display`
/// is a text for people, `to_json` one for programs.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeExplanation {
    /// The keyspace.
    pub keyspace: String,
    /// Where the range begins.
    pub lower: Bound<Vec<u8>>,
    /// Where it ends.
    pub upper: Bound<Vec<u8>>,
    /// The scan saw writes up to this number.
    pub at: SeqNo,
    /// It went from the end to the beginning.
    pub is_reverse: bool,
    /// It was to end after so many pairs.
    pub limit: Option<u64>,
    /// It came to the end of the range, and not to its limit before.
    pub is_complete: bool,
    /// Pairs that it showed.
    pub pairs: u64,
    /// What became of the entries that it came to.
    pub entries: Entries,
    /// Memtables and tables that it read, the newest first.
    pub sources: Vec<Source>,
    /// Tables of the keyspace whose span lies outside the range.
    pub tables_excluded: u64,
    /// Tables whose span reaches into the range, and that the scan did not get to.
    pub tables_not_reached: u64,
    /// What was read of all sources.
    pub reads: Counts,
    /// How long it took.
    pub took: Duration,
}

/// What became of the entries that a scan came to.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entries {
    /// All of them.
    pub all: u64,
    /// They were pairs.
    pub pairs: u64,
    /// Older entries of keys that were decided.
    pub older: u64,
    /// Newer than what the scan might see.
    pub too_new: u64,
    /// They delete their key.
    pub deleted: u64,
    /// Their values have expired.
    pub expired: u64,
    /// A range tombstone covers them.
    pub covered: u64,
    /// They were the first behind the range.
    pub outside: u64,
    /// How often the scan leapt over a stretch of keys of which it was known that none lives.
    pub leaps: u64,
    /// How often it sought its way past many entries of no use at once.
    pub skips: u64,
}

/// What a scan read from.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Where.
    pub place: Place,
    /// How many entries are in it, inside the range or not.
    pub entries: u64,
    /// How many range tombstones.
    pub range_tombstones: u64,
    /// What was read of it, if it is a table.
    pub reads: Counts,
}
