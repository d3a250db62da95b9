//! The tree of a keyspace: which part of which table stands where.
//!
//! A table file may hold several keyspaces: a flush writes all of them into one. The part of a file
//! that one tree has is a *slice*. Slices that follow each other without overlap are a *run*, and
//! runs are ordered from the newest data to the oldest: by level, and within a level by their
//! number, the higher the newer. For any key, an entry in an earlier run is newer than every entry
//! in a later one. Levels of one run each are leveled; more runs in a level are tiered.
//!
//! Everything here is immutable. A change makes a new tree that shares what it did not change.

use std::sync::Arc;

use crate::key::keyspace::KeyspaceId;
use crate::key::seqno::SeqNo;

/// Levels are numbered from 0, where flushes arrive.
pub const LEVELS: usize = 7;

/// What the manifest knows of a table file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableMeta {
    /// The number in its name.
    pub number: u64,
    /// The id in its header.
    pub file_id: u64,
    /// Its length.
    pub bytes: u64,
    /// CRC-32 of the file as a whole.
    pub crc: u32,
    /// Entries, range tombstones not counted.
    pub entries: u64,
    /// Deletes of single keys among them.
    pub deletes: u64,
    /// Range tombstones.
    pub range_deletes: u64,
    /// The smallest sequence number in it, range tombstones included.
    pub seqno_min: SeqNo,
    /// The largest one.
    pub seqno_max: SeqNo,
    /// When the oldest data in it was written, in milliseconds by the catalog's clock.
    pub created_millis: u64,
    /// The first moment at which an entry expires; 0 if none does.
    pub expiry_min_millis: u64,
    /// The moment at which everything in it has expired; 0 if something never does.
    pub expiry_max_millis: u64,
}

/// A table file that some tree needs.
#[derive(Debug)]
pub struct TableFile {
    /// What is known of it.
    pub meta: TableMeta,
}

/// What the manifest knows of a slice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SliceMeta {
    /// The tree it belongs to.
    pub keyspace: KeyspaceId,
    /// Where in the tree.
    pub level: u8,
    /// Which run of the level.
    pub run: u64,
    /// The smallest full key, spans of range tombstones included.
    pub smallest: Vec<u8>,
    /// The largest full key, or where the last range tombstone ends.
    pub largest: Vec<u8>,
    /// `largest` itself is not in the slice: it is only the end of a range tombstone.
    pub is_largest_excluded: bool,
    /// About how many bytes of the file it takes.
    pub bytes: u64,
    /// How many entries.
    pub entries: u64,
    /// How many deletes of single keys.
    pub deletes: u64,
}

/// A part of a table file.
#[derive(Clone, Debug)]
pub struct Slice {
    /// Where it stands and what it spans.
    pub meta: SliceMeta,
    /// The file.
    pub file: Arc<TableFile>,
}

/// Slices in key order, without overlap.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// The level it stands in.
    pub level: u8,
    /// Its number there.
    pub number: u64,
    /// Its parts.
    pub slices: Vec<Arc<Slice>>,
}

/// The runs of a keyspace, from the newest to the oldest.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// Ordered by level ascending, then by number descending.
    pub runs: Vec<Run>,
}
