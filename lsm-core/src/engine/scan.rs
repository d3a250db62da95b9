//! Opening scans: the sources of a range at one moment, and a cursor over what is visible in them.

use std::ops::{Bound, Range};
use std::sync::Arc;
use std::time::Duration;

use crate::base::error::{Error, Result};
use crate::base::slice::Slice;
use crate::blob::store::Blobs;
use crate::cache::purpose::Use;
use crate::cursor::concat::Concat;
use crate::cursor::merge::Merge;
use crate::cursor::skip::Source;
use crate::cursor::tombstone::Fragments;
use crate::engine::keyspaces::KeyspaceState;
use crate::engine::snapshots::SnapshotPin;
use crate::engine::state::{Engine, Home};
use crate::key::full::FullKey;
use crate::key::keyspace::KeyspaceId;
use crate::key::order::Order;
use crate::options::read::ReadOptions;
use crate::read::access::Access;
use crate::read::as_of::AsOf;
use crate::read::itinerary::Itinerary;
use crate::read::run::Run;
use crate::read::scan::{Reader, Scan};
use crate::read::source::{AnyCursor, RunPart};
use crate::read::trace::Watch;
use crate::read::view::View;
use crate::stats::counters::Counter;
use crate::stats::timings::Timing;
use crate::table::reader::Table;
use crate::version::tree::Slice as Part;

/// A range of user keys as they are stored.
#[derive(Clone, Debug)]
pub struct Span {
    /// Where it begins.
    pub lower: Bound<Slice>,
    /// Where it ends.
    pub upper: Bound<Slice>,
}

/// A scan that can be opened, more than once: everything it will read is held.
#[derive(Clone, Debug)]
pub struct ScanSource {
    home: Arc<Home>,
    view: Arc<View>,
    keyspace: Arc<KeyspaceState>,
    span: Span,
    as_of: AsOf,
    is_of_snapshot: bool,
    is_keys_only: bool,
    how: ReadOptions,
}

/// Counts the pairs that a scan passes, and adds them up when it is dropped: a scan may outlive the
/// database.
#[derive(Debug)]
pub struct Passed {
    pairs: u64,
    home: Arc<Home>,
}

impl Passed {
    /// One more.
    #[inline]
    pub fn note(&mut self) {
        self.pairs = self.pairs.wrapping_add(1);
    }
}

impl Drop for Passed {
    fn drop(&mut self) {
        self.home.counters.add(Counter::ScannedPairs, self.pairs);
    }
}

/// A scan that is open.
pub type OpenScan = Scan<Merge<Source<AnyCursor>>>;

impl Engine {
    /// Prepares a scan of `span`. Without `at`, it sees what is visible now.
    pub fn scan(
        &self,
        keyspace: &Arc<KeyspaceState>,
        span: Span,
        at: Option<&SnapshotPin>,
        how: ReadOptions,
    ) -> Result<ScanSource> {
        self.check_open()?;
        keyspace.check()?;
        self.watch_dead_ranges();
        // The view comes first: what is visible by then stands in it.
        let view = self.view_of(at);
        let as_of = at.map_or_else(|| self.as_of_now(), SnapshotPin::as_of);
        let as_of = AsOf { sifted: view.sifted, ..as_of };
        self.counters.add(Counter::Scans, 1);
        Ok(ScanSource {
            home: self.home.clone(),
            view,
            keyspace: keyspace.clone(),
            span,
            as_of,
            is_of_snapshot: at.is_some(),
            is_keys_only: false,
            how,
        })
    }

    /// Begins to watch what an earlier scan has asked for, unless somebody is writing just now:
    /// scans do not wait for writers. Where the writer is another process nothing can be watched.
    fn watch_dead_ranges(&self) {
        if self.dead.is_wanted() && self.reader.is_none() {
            if let Some(_writer) = self.writer.try_lock() {
                self.dead.watch(self.visible());
            }
        }
    }
}

impl ScanSource {
    /// Takes in that values will not be asked for.
    pub fn leave_out_values(&mut self) {
        self.is_keys_only = true;
    }

    /// The same over what is visible now; `None` if it is of a snapshot, which stays what it is.
    pub fn refreshed(&self) -> Result<Option<Self>> {
        if self.is_of_snapshot {
            return Ok(None);
        }
        let engine = self.home.engine.upgrade().ok_or_else(Error::closed)?;
        let newest = engine.scan(&self.keyspace, self.span.clone(), None, self.how)?;
        Ok(Some(Self { is_keys_only: self.is_keys_only, ..newest }))
    }

    /// How the keys are ordered, which the scan has in their stored form.
    #[must_use]
    pub fn order(&self) -> &Order {
        &self.keyspace.order
    }

    /// What is seen.
    pub(super) fn as_of(&self) -> AsOf {
        self.as_of
    }

    /// How many tables of the keyspace reach into the range.
    pub(super) fn tables_inside(&self) -> u64 {
        if self.span.is_empty() {
            return 0;
        }
        let (lower, upper) = self.span.hull(self.keyspace.id);
        let (lower, upper) = (Bound::Included(lower.bytes()), Bound::Included(upper.bytes()));
        let tree = self.view.version.tree(self.keyspace.id);
        let runs = tree.into_iter().flat_map(|tree| &tree.runs);
        runs.map(|run| run.within(lower, upper).len() as u64).sum()
    }

    /// How many do not.
    pub(super) fn tables_outside(&self) -> u64 {
        let tree = self.view.version.tree(self.keyspace.id);
        let all = tree.map_or(0, |tree| tree.slices().count() as u64);
        all.saturating_sub(self.tables_inside())
    }

    /// The value of the pair that a scan of this is at, read from where it stands apart.
    pub fn fetch(&self, scan: &OpenScan) -> Result<Slice> {
        if self.how.is_cached_only() {
            Use::Resident.check_disk()?;
        }
        self.home.blobs.fetch(scan.value())
    }

    /// Where large values are read that merge operands are applied to; none if the disk is left
    /// alone.
    fn blobs_of_bases(&self) -> Option<Arc<Blobs>> {
        let is_asked = self.keyspace.merger.is_some() && !self.how.is_cached_only();
        is_asked.then(|| self.home.blobs.clone())
    }

    /// Now, by the clock of the database.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.home.timings.now()
    }

    /// Counts what is passed.
    #[must_use]
    pub fn passed(&self) -> Passed {
        Passed { pairs: 0, home: self.home.clone() }
    }

    /// Opens it, at the entry that `seek` moves to.
    pub fn open_at(&self, seek: impl FnOnce(&mut OpenScan) -> Result<()>) -> Result<OpenScan> {
        self.timed_seek(|| {
            let mut scan = self.open()?;
            seek(&mut scan)?;
            Ok(scan)
        })
    }

    /// Seeks, and takes in how long that took.
    pub fn timed_seek<T>(&self, seek: impl FnOnce() -> Result<T>) -> Result<T> {
        let begun = self.home.timings.begin(Timing::Seek);
        let done = seek()?;
        self.home.timings.end(Timing::Seek, begun);
        Ok(done)
    }

    /// Opens it, at no entry.
    pub fn open(&self) -> Result<OpenScan> {
        self.open_told((), None)
    }

    /// The same, telling `watch` what becomes of each entry, and `itinerary` what is read.
    pub(super) fn open_told<W: Watch>(
        &self,
        watch: W,
        itinerary: Option<&Arc<Itinerary>>,
    ) -> Result<Scan<Merge<Source<AnyCursor>>, W>> {
        let keyspace = self.keyspace.id;
        let (lower, upper) = self.span.hull(keyspace);
        let (lower, upper) = (lower.bytes(), upper.bytes());
        let tree = self.view.version.tree(keyspace);
        let runs = tree.map_or(0, |tree| tree.runs.len());
        // Room for no more than there can be: a place is large.
        let mut sources = Vec::with_capacity(1 + self.view.sealed.len() + runs);
        let mut tombstones = Vec::new();
        for (number, memtable) in self.view.memtables().enumerate() {
            if let Some(itinerary) = itinerary {
                itinerary.memtable(memtable, number as u64);
            }
            if memtable.has_tombstones() {
                tombstones.push(memtable.tombstones());
            }
            if let Some((_, newest)) = memtable.seqno_range() {
                sources.push(Source::new(AnyCursor::Memory(memtable.cursor()), newest));
            }
        }
        let runs = tree.into_iter().flat_map(|tree| tree.runs.iter().enumerate());
        for (at, run) in runs {
            let within = run.within(Bound::Included(lower), Bound::Included(upper));
            let slices = run.slices.get(within.clone()).unwrap_or_default();
            for slice in slices.iter().filter(|slice| slice.file.meta.range_deletes > 0) {
                let stop = itinerary.map(|itinerary| itinerary.table(slice));
                let fragments = |table: &Arc<Table>, how| {
                    stop.iter().for_each(|stop| stop.opened(table));
                    table.tombstones_told(how, &mut stop.map(|stop| stop.notes))
                };
                tombstones.push(self.how.visit(&slice.file, Use::Scan, fragments)?);
            }
            sources.extend(self.run_source(slices, (at, within), itinerary)?);
        }
        let reader = Reader {
            keyspace,
            as_of: self.as_of,
            tombstones: merge_tombstones(&tombstones),
            is_keys_only: self.is_keys_only,
            merger: self.keyspace.merger.clone(),
            blobs: self.blobs_of_bases(),
        };
        let merge = Merge::new(sources);
        let (lower, upper) = (as_bytes(&self.span.lower), as_bytes(&self.span.upper));
        let (counters, dead) = (self.home.counters.clone(), self.home.dead.clone());
        let mut run = Run::new(counters, dead, self.as_of);
        if self.how.is_verifying() {
            run.leap_over_nothing();
        }
        Ok(Scan::watched(merge, reader, (lower, upper), watch).noting(run))
    }

    /// One source for the slices of a run, which stand there; none if there are none.
    fn run_source(
        &self,
        slices: &[Arc<Part>],
        (run, within): (usize, Range<usize>),
        itinerary: Option<&Arc<Itinerary>>,
    ) -> Result<Option<Source<AnyCursor>>> {
        let newest = slices.iter().map(|slice| slice.file.meta.seqno_max).max();
        let Some(newest) = newest else { return Ok(None) };
        let cursor = match slices {
            [slice] => {
                let stop = itinerary.map(|itinerary| itinerary.table(slice));
                let cursor = |table: &Arc<Table>, how| {
                    stop.iter().for_each(|stop| stop.opened(table));
                    Ok(table.cursor(how).noting(stop.map(|stop| stop.notes)))
                };
                AnyCursor::Table(self.how.visit(&slice.file, Use::Scan, cursor)?)
            }
            _ => {
                let Some(tree) = self.view.version.tree(self.keyspace.id) else { return Ok(None) };
                let (tree, slices, how) = (tree.clone(), within, self.how);
                let itinerary = itinerary.cloned();
                AnyCursor::Run(Concat::new(RunPart { tree, run, slices, how, itinerary }))
            }
        };
        Ok(Some(Source::new(cursor, newest)))
    }
}

fn merge_tombstones(all: &[Arc<Fragments>]) -> Arc<Fragments> {
    match all {
        [] => Fragments::empty(),
        [one] => one.clone(),
        _ => {
            let all: Vec<&Fragments> = all.iter().map(Arc::as_ref).collect();
            Arc::new(Fragments::merge(&all))
        }
    }
}

fn as_bytes(bound: &Bound<Slice>) -> Bound<&[u8]> {
    match bound {
        Bound::Included(key) => Bound::Included(key),
        Bound::Excluded(key) => Bound::Excluded(key),
        Bound::Unbounded => Bound::Unbounded,
    }
}

fn bytes_of(bound: &Bound<Slice>) -> Option<&[u8]> {
    match bound {
        Bound::Included(key) | Bound::Excluded(key) => Some(key),
        Bound::Unbounded => None,
    }
}

impl Span {
    /// True if no key can lie in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match (&self.lower, &self.upper) {
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
            (Bound::Included(lower), Bound::Included(upper)) => lower > upper,
            (
                Bound::Included(lower) | Bound::Excluded(lower),
                Bound::Included(upper) | Bound::Excluded(upper),
            ) => lower >= upper,
        }
    }

    /// What lies in this range and in another.
    #[must_use]
    pub fn within(self, other: Self) -> Self {
        let is_first = match (bytes_of(&self.lower), bytes_of(&other.lower)) {
            (Some(mine), Some(others)) if mine == others => {
                matches!(self.lower, Bound::Excluded(_))
            }
            (mine, others) => mine > others,
        };
        let is_last = match (bytes_of(&self.upper), bytes_of(&other.upper)) {
            (Some(mine), Some(others)) if mine == others => {
                matches!(self.upper, Bound::Excluded(_))
            }
            (Some(mine), Some(others)) => mine < others,
            (mine, _) => mine.is_some(),
        };
        Self {
            lower: if is_first { self.lower } else { other.lower },
            upper: if is_last { self.upper } else { other.upper },
        }
    }

    /// True if a key lies in it.
    #[must_use]
    pub fn contains(&self, key: &[u8]) -> bool {
        let is_behind = match &self.lower {
            Bound::Included(lower) => &**lower <= key,
            Bound::Excluded(lower) => &**lower < key,
            Bound::Unbounded => true,
        };
        let is_before = match &self.upper {
            Bound::Included(upper) => key <= &**upper,
            Bound::Excluded(upper) => key < &**upper,
            Bound::Unbounded => true,
        };
        is_behind && is_before
    }

    /// The full keys between which the range lies, both ends perhaps a little too far out.
    #[must_use]
    pub fn hull(&self, keyspace: KeyspaceId) -> (FullKey, FullKey) {
        let lower = match &self.lower {
            Bound::Included(key) | Bound::Excluded(key) => FullKey::new(keyspace, key),
            Bound::Unbounded => FullKey::first_of(keyspace),
        };
        let upper = match &self.upper {
            Bound::Included(key) | Bound::Excluded(key) => FullKey::new(keyspace, key),
            Bound::Unbounded => FullKey::end_of(keyspace),
        };
        (lower, upper)
    }
}
