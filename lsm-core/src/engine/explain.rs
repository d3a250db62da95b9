//! Reads that tell what they did. They go the way of every other read, and count as such.

use std::ops::Bound;
use std::sync::Arc;

use crate::base::error::Result;
use crate::base::slice::Slice;
use crate::engine::keyspaces::KeyspaceState;
use crate::engine::scan::{ScanSource, Span};
use crate::engine::snapshots::SnapshotPin;
use crate::engine::state::Engine;
use crate::key::order::Order;
use crate::options::progress::CallOptions;
use crate::options::read::ReadOptions;
use crate::read::access::Access;
use crate::read::explain::{Explanation, Place, RangeExplanation};
use crate::read::itinerary::{Fate, Itinerary};
use crate::read::recorder::Recorder;
use crate::table::notes::Counts;

/// After so many pairs whoever waits is told how far it is.
const PAIRS_A_WORD: u64 = 256;

/// Which way a scan is to go, and how far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Walk {
    /// After so many pairs it ends.
    pub limit: Option<u64>,
    /// From the end to the beginning.
    pub is_reverse: bool,
}

impl Engine {
    /// Looks up a key, and tells how.
    pub fn explain_get(
        &self,
        access: impl Access,
        keyspace: &KeyspaceState,
        key: &[u8],
        at: Option<&SnapshotPin>,
    ) -> Result<Explanation> {
        let mut recorder = Recorder::new(self.env.clock.as_ref());
        let way = (access, &mut recorder);
        let stored = keyspace.order.stored(key)?;
        let len =
            self.get_told(way, keyspace, &stored, (at, true), |found| found.bytes().len() as u64)?;
        Ok(recorder.finish(&keyspace.name, key, len))
    }

    /// Walks through a range, and tells how.
    pub fn explain_range(
        &self,
        keyspace: &Arc<KeyspaceState>,
        (span, how): (Span, ReadOptions),
        at: Option<&SnapshotPin>,
        walk: Walk,
        options: &mut CallOptions<'_>,
    ) -> Result<RangeExplanation> {
        let clock = self.env.clock.as_ref();
        let begun = clock.monotonic();
        options.begin(|| begun);
        let is_empty = span.is_empty();
        let shown = |bound: &Bound<Slice>| shown(&keyspace.order, bound);
        let (lower, upper) = (shown(&span.lower), shown(&span.upper));
        let source = self.scan(keyspace, span, at, how)?;
        let mut told = RangeExplanation {
            keyspace: keyspace.name.clone(),
            lower,
            upper,
            at: source.as_of().seqno,
            is_reverse: walk.is_reverse,
            limit: walk.limit,
            is_complete: true,
            pairs: 0,
            entries: Default::default(),
            sources: Vec::new(),
            tables_excluded: source.tables_outside(),
            tables_not_reached: 0,
            reads: Counts::default(),
            took: Default::default(),
        };
        if !is_empty {
            walk_through(&source, walk, options, &mut told)?;
        }
        let is_table = |place: &Place| !matches!(place, Place::Memtable { .. });
        let read = told.sources.iter().filter(|source| is_table(&source.place)).count() as u64;
        told.tables_not_reached = source.tables_inside().saturating_sub(read);
        told.took = clock.monotonic().saturating_sub(begun);
        Ok(told)
    }
}

fn walk_through(
    source: &ScanSource,
    walk: Walk,
    options: &mut CallOptions<'_>,
    told: &mut RangeExplanation,
) -> Result<()> {
    let itinerary: Arc<Itinerary> = Arc::default();
    let mut passed = source.passed();
    let mut scan = source.timed_seek(|| {
        let mut scan = source.open_told(Fate::default(), Some(&itinerary))?;
        match walk.limit {
            Some(0) => {}
            _ if walk.is_reverse => scan.seek_last()?,
            _ => scan.seek_first()?,
        }
        Ok(scan)
    })?;
    told.is_complete = walk.limit != Some(0);
    while scan.is_valid() {
        passed.note();
        told.pairs += 1;
        if told.pairs % PAIRS_A_WORD == 0 {
            options.check_time(|| source.now())?;
            options.report(told.pairs, 0)?;
        }
        if walk.limit.is_some_and(|limit| told.pairs >= limit) {
            told.is_complete = false;
            break;
        }
        if walk.is_reverse { scan.prev()? } else { scan.next()? }
    }
    told.entries = scan.watch().entries();
    told.sources = itinerary.sources();
    for source in &told.sources {
        told.reads.add(&source.reads);
    }
    Ok(())
}

fn shown(order: &Order, bound: &Bound<Slice>) -> Bound<Vec<u8>> {
    match bound {
        Bound::Included(key) => Bound::Included(order.shown(key).into_owned()),
        Bound::Excluded(key) => Bound::Excluded(order.shown(key).into_owned()),
        Bound::Unbounded => Bound::Unbounded,
    }
}
