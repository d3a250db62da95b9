//! Takes down what a lookup does, step by step.

use std::sync::Arc;
use std::time::Duration;

use crate::blob::reference::BlobRef;
use crate::env::clock::Clock;
use crate::key::seqno::SeqNo;
use crate::key::trailer::seqno_of;
use crate::memtable::handle::Memtable;
use crate::read::explain::{Answer, Explanation, Place, ReadPart, Step, Totals, Verdict};
use crate::read::trace::Trace;
use crate::read::visible::{Sight, can_expire};
use crate::stats::looked::{Looked, Origin, Part, Probe};
use crate::table::reader::Table;
use crate::version::tree::{Run, Slice};

/// Takes down one lookup.
#[derive(Debug)]
pub struct Recorder<'c> {
    clock: &'c dyn Clock,
    begun: Duration,
    /// When the present step began.
    since: Duration,
    seqno: SeqNo,
    looked: Looked,
    steps: Vec<Step>,
    memtables: u64,
    /// The table that is asked, as far as it was open before.
    known: Option<Arc<Table>>,
    opened: u64,
}

impl<'c> Recorder<'c> {
    /// Nothing was done yet.
    #[must_use]
    pub fn new(clock: &'c dyn Clock) -> Self {
        let now = clock.monotonic();
        Self {
            clock,
            begun: now,
            since: now,
            seqno: SeqNo::ZERO,
            looked: Looked::default(),
            steps: Vec::new(),
            memtables: 0,
            known: None,
            opened: 0,
        }
    }

    /// What was done, by a lookup of `key` that found a value so long or none.
    #[must_use]
    pub fn finish(mut self, keyspace: &str, key: &[u8], value_bytes: Option<u64>) -> Explanation {
        self.end_step();
        let merged = self.steps.iter().find(|step| step.answer == Answer::Operand);
        let last = self.steps.last().filter(|step| step.answer != Answer::Missing);
        let decided = merged.or(last);
        let seqno = decided.and_then(|step| match step.answer {
            Answer::Covered => step.covered_by,
            _ => step.entry,
        });
        let answer = match (merged, value_bytes) {
            (Some(_), Some(_)) => Answer::Found,
            (Some(_), None) => Answer::Expired,
            (None, _) => decided.map_or(Answer::Missing, |step| step.answer),
        };
        Explanation {
            keyspace: keyspace.to_owned(),
            key: key.to_vec(),
            at: self.seqno,
            answer,
            seqno,
            value_bytes,
            totals: self.totals(),
            steps: self.steps,
        }
    }

    fn totals(&self) -> Totals {
        let mut totals = Totals {
            memtables: self.memtables,
            tables: u64::from(self.looked.tables),
            filtered: u64::from(self.looked.filtered),
            blocks: u64::from(self.looked.blocks),
            opened: self.opened,
            took: self.clock.monotonic().saturating_sub(self.begun),
            ..Totals::default()
        };
        for step in &self.steps {
            totals.excluded += u64::from(step.is_excluded);
            totals.range_tombstones = totals.range_tombstones.saturating_add(step.range_tombstones);
            for read in &step.reads {
                let is_block =
                    !matches!(read.part, Part::Opening | Part::Tombstones | Part::Value(_));
                match read.from {
                    Origin::Memory => totals.from_memory += u64::from(is_block),
                    Origin::Disk(bytes) => {
                        totals.from_disk += u64::from(is_block);
                        totals.bytes_read = totals.bytes_read.saturating_add(bytes);
                    }
                }
            }
        }
        totals
    }

    fn end_step(&mut self) {
        let now = self.clock.monotonic();
        if let Some(step) = self.steps.last_mut() {
            step.took = now.saturating_sub(self.since);
        }
        self.since = now;
    }

    fn begin_step(&mut self, place: Place) -> Option<&mut Step> {
        self.end_step();
        self.steps.push(Step {
            place,
            is_excluded: false,
            filter: None,
            range_tombstones: 0,
            covered_by: None,
            reads: Vec::new(),
            entry: None,
            answer: Answer::Missing,
            took: Duration::ZERO,
        });
        self.steps.last_mut()
    }
}

impl Probe for Recorder<'_> {
    fn table(&mut self) {
        self.looked.table();
    }

    fn filtered(&mut self) {
        self.looked.filtered();
        if let Some(step) = self.steps.last_mut() {
            step.filter = Some(Verdict::No);
        }
    }

    fn entries(&mut self) {
        self.looked.entries();
    }

    fn looked(&self) -> Looked {
        self.looked
    }

    fn part(&mut self, part: Part, from: Origin) {
        if let Some(step) = self.steps.last_mut() {
            if matches!(part, Part::Filter(_)) {
                step.filter = Some(Verdict::Maybe);
            }
            step.reads.push(ReadPart { part, from });
        }
    }

    fn memtable_filter(&mut self, may_contain: bool) {
        if let Some(step) = self.steps.last_mut() {
            step.filter = Some(if may_contain { Verdict::Maybe } else { Verdict::No });
        }
    }
}

impl Trace for Recorder<'_> {
    fn begins(&mut self, seqno: SeqNo) {
        self.seqno = seqno;
    }

    fn memtable(&mut self, memtable: &Memtable) {
        let place = Place::Memtable { number: self.memtables };
        self.memtables += 1;
        let range_tombstones = memtable.range_deletes();
        if let Some(step) = self.begin_step(place) {
            step.range_tombstones = range_tombstones;
        }
    }

    fn run(&mut self, run: &Run, slice: Option<&Slice>) {
        self.known = slice.and_then(|slice| slice.file.opened().cloned());
        let (level, number) = (run.level, run.number);
        let place = match slice {
            Some(slice) => Place::Table { level, run: number, file: slice.file.meta.number },
            None => Place::Run { level, run: number },
        };
        if let Some(step) = self.begin_step(place) {
            step.is_excluded = slice.is_none();
            step.range_tombstones = slice.map_or(0, |slice| slice.file.meta.range_deletes);
        }
    }

    fn opened(&mut self, table: &Arc<Table>) {
        if self.known.take().is_some_and(|known| Arc::ptr_eq(&known, table)) {
            return;
        }
        self.opened += 1;
        self.part(Part::Opening, Origin::Disk(table.opened().bytes_read));
    }

    fn judged(&mut self, entry: Option<u64>, cover: SeqNo, sight: Option<Sight>) {
        let Some(step) = self.steps.last_mut() else { return };
        step.entry = entry.map(seqno_of);
        step.covered_by = Some(cover).filter(|cover| *cover > SeqNo::ZERO);
        step.answer = match (sight, step.covered_by) {
            (Some(Sight::Value), _) => Answer::Found,
            (Some(Sight::Nothing), _) if entry.is_some_and(can_expire) => Answer::Expired,
            (Some(Sight::Operand), _) => Answer::Operand,
            (Some(Sight::Nothing), _) => Answer::Deleted,
            (Some(Sight::Covered(_)), _) | (None, Some(_)) => Answer::Covered,
            (None, None) => Answer::Missing,
        };
    }

    fn apart(&mut self, reference: &BlobRef) {
        self.part(Part::Value(reference.file), Origin::Disk(u64::from(reference.len)));
    }
}
