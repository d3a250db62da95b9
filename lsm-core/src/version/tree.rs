//! The tree of a keyspace: which part of which table stands where.
//!
//! A table file may hold several keyspaces: a flush writes all of them into one. The part of a file
//! that one tree has is a *slice*. Slices that follow each other without overlap are a *run*, and
//! runs are ordered from the newest data to the oldest: by level, and within a level by their
//! number, the higher the newer. For any key, an entry in an earlier run is newer than every entry
//! in a later one. Levels of one run each are leveled; more runs in a level are tiered.
//!
//! Everything here is immutable. A change makes a new tree that shares what it did not change.

use std::fmt::Debug;
use std::ops::{Bound, Range};
use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::planted::{Bug, planted};
use crate::base::sync::{AtomicBool, OnceLock, Ordering};
use crate::blob::reference::BlobUse;
use crate::key::full::{FullKey, PREFIX_LEN, keyspace_of};
use crate::key::keyspace::KeyspaceId;
use crate::key::seqno::SeqNo;
use crate::table::reader::Table;
use crate::version::garbage::Garbage;

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
    /// When the first of its merge operands was written; 0 if there is none.
    pub merge_min_millis: u64,
    /// How many of them give their value an end of its own.
    pub merge_ends: u64,
    /// What each keyspace has in files of large values, in order of both.
    pub blobs: Vec<BlobUse>,
}

impl TableMeta {
    /// The moment at which everything in it has expired and may be given up; `None` if something in
    /// it never does.
    #[must_use]
    pub fn over_millis(&self) -> Option<u64> {
        let is_all = self.expiry_max_millis != 0 && self.range_deletes == 0;
        let is_early = planted(Bug::TableDroppedAtFirstExpiry);
        let end = if is_early { self.expiry_min_millis } else { self.expiry_max_millis };
        is_all.then_some(end)
    }

    /// True if something in it had expired by this time.
    #[must_use]
    pub fn has_expired(&self, expired_millis: u64) -> bool {
        self.expiry_min_millis != 0 && self.expiry_min_millis <= expired_millis
    }

    /// True if everything in it had expired by this time.
    #[must_use]
    pub fn is_over(&self, expired_millis: u64) -> bool {
        self.over_millis().is_some_and(|moment| moment <= expired_millis)
    }
}

/// A table file that some tree needs, or that somebody still reads.
#[derive(Debug)]
pub struct TableFile {
    /// What is known of it.
    pub meta: TableMeta,
    /// Where its number goes when it is obsolete and nobody reads it any more.
    garbage: Option<Arc<Garbage>>,
    is_obsolete: AtomicBool,
    /// Where it is opened from.
    shelf: Option<Arc<dyn OpenTable>>,
    table: OnceLock<Arc<Table>>,
}

/// Opens table files.
pub trait OpenTable: Debug + Send + Sync {
    /// Opens a table and holds it against what is known of it.
    fn open(&self, meta: &TableMeta) -> Result<Arc<Table>>;
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

impl TableFile {
    /// A file that belongs to nothing: it is never taken for garbage.
    #[must_use]
    pub fn new(meta: TableMeta) -> Arc<Self> {
        Arc::new(Self {
            meta,
            garbage: None,
            is_obsolete: AtomicBool::new(false),
            shelf: None,
            table: OnceLock::new(),
        })
    }

    /// A file of a database, whose number goes to `garbage` when it is obsolete and dropped.
    #[must_use]
    pub fn listed(
        meta: TableMeta,
        garbage: Arc<Garbage>,
        shelf: Option<Arc<dyn OpenTable>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            meta,
            garbage: Some(garbage),
            is_obsolete: AtomicBool::new(false),
            shelf,
            table: OnceLock::new(),
        })
    }

    /// The table, opened when it is asked for first.
    #[inline]
    pub fn table(&self) -> Result<&Arc<Table>> {
        match self.table.get() {
            Some(table) => Ok(table),
            None => self.open(),
        }
    }

    /// The table, if it was asked for before.
    #[must_use]
    pub fn opened(&self) -> Option<&Arc<Table>> {
        self.table.get()
    }

    /// The table once more: nothing that is in memory of it is used.
    pub fn open_anew(&self) -> Result<Arc<Table>> {
        let shelf = self.shelf.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Internal, "a table is asked for that belongs to nothing")
        })?;
        shelf.open(&self.meta)
    }

    #[cold]
    fn open(&self) -> Result<&Arc<Table>> {
        // Two callers may open it at once; one of the two stays.
        let table = self.open_anew()?;
        Ok(self.table.get_or_init(|| table))
    }

    /// Takes in that the manifest does not list the file any more, durably.
    pub(crate) fn note_obsolete(&self) {
        self.is_obsolete.store(true, Ordering::Release);
        if let Some(garbage) = self.garbage.iter().find(|_| planted(Bug::IteratorsNotWaitedFor)) {
            garbage.push(self.meta.number);
        }
    }
}

impl Drop for TableFile {
    fn drop(&mut self) {
        let is_told = planted(Bug::IteratorsNotWaitedFor);
        let is_garbage = self.is_obsolete.load(Ordering::Relaxed) && !is_told;
        if let Some(garbage) = self.garbage.take().filter(|_| is_garbage) {
            garbage.push(self.meta.number);
        }
    }
}

impl TableMeta {
    /// Why this cannot be a table, if it cannot.
    pub fn check(&self) -> Result<(), &'static str> {
        match self {
            _ if self.number == 0 || self.bytes == 0 => Err("a table has no number or no bytes"),
            _ if self.seqno_min > self.seqno_max => Err("the numbers of a table run backwards"),
            _ if self.deletes > self.entries => Err("a table has more deletes than entries"),
            _ => Ok(()),
        }
    }
}

impl Slice {
    /// What it has in files of large values.
    pub fn blobs(&self) -> impl Iterator<Item = &BlobUse> {
        self.file.meta.blobs.iter().filter(|blob| blob.keyspace == self.meta.keyspace)
    }

    /// How many bytes of large values it refers to.
    #[must_use]
    pub fn apart_bytes(&self) -> u64 {
        self.blobs().fold(0, |sum: u64, blob| sum.saturating_add(blob.bytes))
    }
}

impl SliceMeta {
    /// Where its keys end.
    #[must_use]
    pub fn end(&self) -> Bound<&[u8]> {
        if self.is_largest_excluded {
            Bound::Excluded(&self.largest)
        } else {
            Bound::Included(&self.largest)
        }
    }

    /// True if all of it lies before `key`.
    #[inline]
    #[must_use]
    pub fn is_before(&self, key: &[u8]) -> bool {
        let largest = self.largest.as_slice();
        if self.is_largest_excluded { largest <= key } else { largest < key }
    }

    /// True if `key` lies in its span.
    #[inline]
    #[must_use]
    pub fn spans(&self, key: &[u8]) -> bool {
        self.smallest.as_slice() <= key && !self.is_before(key)
    }

    /// True if some key can be in both spans.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        !self.is_before(&other.smallest) && !other.is_before(&self.smallest)
    }

    fn is_before_start(&self, start: Bound<&[u8]>) -> bool {
        match start {
            Bound::Unbounded => false,
            Bound::Included(key) => self.is_before(key),
            Bound::Excluded(key) => self.largest.as_slice() <= key,
        }
    }

    fn begins_by(&self, end: Bound<&[u8]>) -> bool {
        match end {
            Bound::Unbounded => true,
            Bound::Included(key) => self.smallest.as_slice() <= key,
            Bound::Excluded(key) => self.smallest.as_slice() < key,
        }
    }

    /// Why this cannot be a slice, if it cannot.
    pub fn check(&self) -> Result<(), &'static str> {
        if usize::from(self.level) >= LEVELS {
            return Err("a slice stands on a level that there is not");
        }
        let is_key = |key: &[u8]| key.len() >= PREFIX_LEN && keyspace_of(key) == self.keyspace;
        let is_end =
            self.is_largest_excluded && self.largest == FullKey::end_of(self.keyspace).bytes();
        if !is_key(&self.smallest) || !(is_key(&self.largest) || is_end) {
            return Err("a slice has keys of another keyspace");
        }
        if self.is_before(&self.smallest) {
            return Err("a slice ends before it begins");
        }
        Ok(())
    }
}

impl Run {
    /// The slice whose span holds `key`.
    #[inline]
    #[must_use]
    pub fn slice_for(&self, key: &[u8]) -> Option<&Arc<Slice>> {
        let at = self.slices.partition_point(|slice| slice.meta.is_before(key));
        self.slices.get(at).filter(|slice| slice.meta.smallest.as_slice() <= key)
    }

    /// The slices that can hold a key between the bounds, in key order.
    #[must_use]
    pub fn overlapping(&self, start: Bound<&[u8]>, end: Bound<&[u8]>) -> &[Arc<Slice>] {
        self.slices.get(self.within(start, end)).unwrap_or_default()
    }

    /// Which slices these are.
    #[must_use]
    pub fn within(&self, start: Bound<&[u8]>, end: Bound<&[u8]>) -> Range<usize> {
        let from = self.slices.partition_point(|slice| slice.meta.is_before_start(start));
        let to = self.slices.partition_point(|slice| slice.meta.begins_by(end));
        from..to
    }

    /// About how many bytes it takes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.slices.iter().fold(0, |sum, slice| sum.saturating_add(slice.meta.bytes))
    }
}

impl Tree {
    /// True if it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Every slice, those of newer runs first.
    pub fn slices(&self) -> impl Iterator<Item = &Arc<Slice>> {
        self.runs.iter().flat_map(|run| &run.slices)
    }

    /// The runs of a level, newest first.
    #[must_use]
    pub fn level(&self, level: u8) -> &[Run] {
        let from = self.runs.partition_point(|run| run.level < level);
        let to = self.runs.partition_point(|run| run.level <= level);
        self.runs.get(from..to).unwrap_or_default()
    }

    /// About how many bytes each level takes.
    #[must_use]
    pub fn bytes_per_level(&self) -> [u64; LEVELS] {
        let mut bytes = [0u64; LEVELS];
        for run in &self.runs {
            if let Some(level) = bytes.get_mut(usize::from(run.level)) {
                *level = level.saturating_add(run.bytes());
            }
        }
        bytes
    }

    /// Puts a slice in its place, making the run if it is the first; refuses one that overlaps
    /// another of its run.
    pub fn insert(&mut self, slice: Arc<Slice>) -> Result<(), &'static str> {
        let (level, number) = (slice.meta.level, slice.meta.run);
        let run = match self.place_of(level, number) {
            Ok(at) => self.runs.get_mut(at),
            Err(at) => {
                self.runs.insert(at, Run { level, number, slices: Vec::new() });
                self.runs.get_mut(at)
            }
        };
        let run = run.ok_or("a run is not where it was found")?;
        let at = run.slices.partition_point(|other| other.meta.is_before(&slice.meta.smallest));
        if run.slices.get(at).is_some_and(|next| next.meta.overlaps(&slice.meta)) {
            return Err("slices of one run overlap");
        }
        run.slices.insert(at, slice);
        Ok(())
    }

    /// Takes a slice out; false if it is not where its facts say.
    pub fn remove(&mut self, slice: &SliceMeta, table: u64) -> bool {
        let Ok(at) = self.place_of(slice.level, slice.run) else { return false };
        let Some(run) = self.runs.get_mut(at) else { return false };
        let from = run.slices.partition_point(|other| other.meta.is_before(&slice.smallest));
        let is_it = run.slices.get(from).is_some_and(|found| found.file.meta.number == table);
        if is_it {
            run.slices.remove(from);
            if run.slices.is_empty() {
                self.runs.remove(at);
            }
        }
        is_it
    }

    /// Where a run stands, or where it would.
    fn place_of(&self, level: u8, number: u64) -> Result<usize, usize> {
        let key = |run: &Run| (run.level, u64::MAX - run.number);
        self.runs.binary_search_by_key(&(level, u64::MAX - number), key)
    }

    /// Holds the tree against everything that its readers rely on.
    pub fn check(&self, keyspace: KeyspaceId) -> Result<(), String> {
        let is_ordered =
            |a: &Run, b: &Run| (a.level, u64::MAX - a.number) < (b.level, u64::MAX - b.number);
        if !self.runs.is_sorted_by(is_ordered) {
            return Err("the runs are out of order".to_owned());
        }
        for run in &self.runs {
            let wrong = |why: &str| {
                Err(format!("run {} of level {} of {keyspace:?}: {why}", run.number, run.level))
            };
            if run.slices.is_empty() {
                return wrong("it is empty");
            }
            let is_apart = |a: &Arc<Slice>, b: &Arc<Slice>| a.meta.is_before(&b.meta.smallest);
            if !run.slices.is_sorted_by(is_apart) {
                return wrong("slices overlap or are out of order");
            }
            for slice in &run.slices {
                let meta = &slice.meta;
                if (meta.keyspace, meta.level, meta.run) != (keyspace, run.level, run.number) {
                    return wrong("a slice belongs elsewhere");
                }
                meta.check().or_else(wrong)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
