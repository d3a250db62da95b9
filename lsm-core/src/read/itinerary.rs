//! Takes down what a scan reads from, and what becomes of the entries that it comes to.

use std::sync::Arc;

use crate::base::sort::sort_by_key;
use crate::base::sync::Mutex;
use crate::memtable::handle::Memtable;
use crate::read::explain::{Entries, Place, Source};
use crate::read::trace::{Met, Watch};
use crate::read::visible::{Sight, can_expire};
use crate::stats::looked::{Origin, Part, Probe};
use crate::table::notes::{Counts, Notes};
use crate::table::reader::Table;
use crate::version::tree::Slice;

/// The sources of one scan.
#[derive(Debug, Default)]
pub struct Itinerary(Mutex<Vec<(Source, Arc<Notes>)>>);

/// What is taken down of one table.
#[derive(Clone, Debug)]
pub struct Stop {
    /// Where cursors write.
    pub notes: Arc<Notes>,
    /// The table, as far as it was open before.
    known: Option<Arc<Table>>,
}

impl Itinerary {
    /// A memtable is read.
    pub fn memtable(&self, memtable: &Memtable, number: u64) {
        let source = Source {
            place: Place::Memtable { number },
            entries: memtable.entries(),
            range_tombstones: memtable.range_deletes(),
            reads: Counts::default(),
        };
        self.0.lock().push((source, Arc::default()));
    }

    /// A table is about to be read.
    #[must_use]
    pub fn table(&self, slice: &Slice) -> Stop {
        let (level, run) = (slice.meta.level, slice.meta.run);
        let place = Place::Table { level, run, file: slice.file.meta.number };
        let known = slice.file.opened().cloned();
        let mut sources = self.0.lock();
        if let Some((_, notes)) = sources.iter().find(|(source, _)| source.place == place) {
            return Stop { notes: notes.clone(), known };
        }
        let source = Source {
            place,
            entries: slice.meta.entries,
            range_tombstones: slice.file.meta.range_deletes,
            reads: Counts::default(),
        };
        let notes: Arc<Notes> = Arc::default();
        sources.push((source, notes.clone()));
        Stop { notes, known }
    }

    /// What was read of each, the newest first.
    #[must_use]
    pub fn sources(&self) -> Vec<Source> {
        let all = self.0.lock();
        let mut all: Vec<Source> = all
            .iter()
            .map(|(source, notes)| Source { reads: notes.counts(), ..source.clone() })
            .collect();
        sort_by_key(&mut all, |source| match source.place {
            Place::Memtable { number } => (0, 0, number),
            Place::Table { level, run, .. } | Place::Run { level, run } => {
                (1, level, u64::MAX - run)
            }
        });
        all
    }
}

impl Stop {
    /// The table is open.
    pub fn opened(&self, table: &Arc<Table>) {
        if !self.known.as_ref().is_some_and(|known| Arc::ptr_eq(known, table)) {
            let bytes = table.opened().bytes_read;
            Some(self.notes.clone()).part(Part::Opening, Origin::Disk(bytes));
        }
    }
}

/// What becomes of entries, counted.
#[derive(Debug, Default)]
pub struct Fate(Entries);

impl Fate {
    /// What was counted so far.
    #[must_use]
    pub fn entries(&self) -> Entries {
        self.0
    }
}

impl Watch for Fate {
    fn met(&mut self, what: Met) {
        let all = &mut self.0;
        all.all += 1;
        let count = match what {
            Met::Pair => &mut all.pairs,
            Met::Older => &mut all.older,
            Met::TooNew => &mut all.too_new,
            Met::Outside => &mut all.outside,
            Met::Dead(_, Sight::Covered(_)) => &mut all.covered,
            Met::Dead(trailer, _) if can_expire(trailer) => &mut all.expired,
            Met::Dead(..) => &mut all.deleted,
        };
        *count += 1;
    }

    fn leapt(&mut self) {
        self.0.leaps += 1;
    }

    fn skipped(&mut self) {
        self.0.skips += 1;
    }
}
