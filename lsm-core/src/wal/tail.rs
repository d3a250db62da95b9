//! The end of the log, as it is while the lock on it is held: the segment that is being written,
//! those before it that are not durable yet, and the one that comes next.
//!
//! Invariants: a record's watermark never exceeds what a sync has covered; of the segments that are
//! not durable, the oldest come first; a segment that took half a record takes no more.

use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::planted::{Bug, planted};
use crate::key::seqno::SeqNo;
use crate::record::frame::{Frame, Payload, RecordType, padded_len};
use crate::wal::seam::Seam;
use crate::wal::segment::Segment;

/// How a chain of segments ended, or where a segment stands now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChainEnd {
    /// The segment; 0 if there is none.
    pub number: u64,
    /// Where its last record ends.
    pub end: u64,
    /// The check of that record.
    pub check: u64,
    /// How much of it is known durable.
    pub durable: u64,
}

/// A segment that will get no more records and is durable.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The segment.
    pub segment: Arc<Segment>,
    /// Where its last record ends.
    pub end: u64,
    /// The check of that record.
    pub check: u64,
    /// The sequence number that comes next.
    pub next_seqno: SeqNo,
}

/// Facts that the next seam writes down.
#[derive(Clone, Copy, Debug, Default)]
pub struct SeamFacts {
    /// The last manifest edit that is durable.
    pub edit: u64,
    /// The largest wall clock seen, in milliseconds.
    pub clock_millis: u64,
}

#[derive(Debug)]
pub(super) struct Tail {
    pub(super) active: Option<Active>,
    pub(super) before: ChainEnd,
    pub(super) supply: Supply,
    pub(super) unsynced: Vec<Active>,
    pub(super) finished: Vec<Finished>,
    pub(super) next_seqno: SeqNo,
    pub(super) facts: SeamFacts,
    pub(super) fault: Option<Error>,
    pub(super) scratch: Vec<u8>,
    /// How often the log was rewritten and begun again.
    pub(super) restarts: u64,
    /// How many callers wait for the next segment.
    pub(super) waiting: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Active {
    pub(super) segment: Arc<Segment>,
    /// Where the segment before it ended.
    pub(super) before: ChainEnd,
    pub(super) end: u64,
    pub(super) check: u64,
    pub(super) durable: u64,
    /// The largest watermark that a record in it carries.
    pub(super) vouched: u64,
    /// Where the last record ends that is not a mere marker.
    pub(super) data_end: u64,
    pub(super) is_full: bool,
    pub(super) has_asked: bool,
    /// How far pages were present when more were asked for last.
    pub(super) asked_from: Option<u64>,
    /// The sequence number that comes after its last record.
    pub(super) next_seqno: SeqNo,
}

/// The segment after the active one.
#[derive(Debug)]
pub(super) enum Supply {
    Absent,
    Wanted(u64),
    Ready(Arc<Segment>),
    Failed(Error),
    /// No segment is made any more: the log is being closed.
    Over,
}

impl Tail {
    pub(super) fn new(before: ChainEnd, next_seqno: SeqNo) -> Self {
        Self {
            active: None,
            before,
            supply: Supply::Absent,
            unsynced: Vec::new(),
            finished: Vec::new(),
            next_seqno,
            facts: SeamFacts::default(),
            fault: None,
            scratch: Vec::new(),
            restarts: 0,
            waiting: 0,
        }
    }

    pub(super) fn check_fault(&self) -> Result<()> {
        match &self.fault {
            Some(fault) => {
                let message = "the log takes no writes since an earlier fault";
                Err(fault.as_cause_of(ErrorKind::ReadOnly, message))
            }
            None => Ok(()),
        }
    }

    /// Refuses what was written beside a log that was rewritten meanwhile.
    pub(super) fn check_restarts(&self, restarts: Option<u64>) -> Result<()> {
        if restarts.is_none_or(|restarts| restarts == self.restarts) {
            return Ok(());
        }
        let message = "writing was taken up again while a large value was written: try again";
        Err(Error::new(ErrorKind::Busy, message))
    }

    pub(super) fn durable_end(&self) -> ChainEnd {
        match self.unsynced.first().or(self.active.as_ref()) {
            Some(first) if first.durable > 0 || planted(Bug::LogUnsyncedNamedDurable) => {
                first.chain_end()
            }
            Some(first) => ChainEnd { durable: first.before.end, ..first.before },
            None => self.before,
        }
    }

    pub(super) fn end(&self) -> ChainEnd {
        self.active.as_ref().map_or(self.before, Active::chain_end)
    }

    pub(super) fn has_room(&self, need: u64) -> bool {
        self.active
            .as_ref()
            .is_some_and(|active| !active.is_full && active.end + need <= active.segment.capacity())
    }

    pub(super) fn is_active_unsynced(&self) -> bool {
        self.active.as_ref().is_some_and(|active| active.durable < active.end)
    }

    /// Makes `segment` the active one, its seam naming where the chain ended.
    pub(super) fn begin(&mut self, segment: Arc<Segment>) -> Result<()> {
        let before = self.active.as_ref().map_or(self.before, Active::chain_end);
        let seam = Seam {
            number: before.number,
            end: before.end,
            check: before.check,
            durable: before.durable,
            edit: self.facts.edit,
            clock_millis: self.facts.clock_millis,
        };
        let fresh = Active {
            check: segment.header_check(),
            segment,
            before,
            end: Segment::start(),
            durable: 0,
            vouched: 0,
            data_end: 0,
            is_full: false,
            has_asked: false,
            asked_from: None,
            next_seqno: self.next_seqno,
        };
        let previous = self.active.replace(fresh);
        let seqno = self.next_seqno;
        let payload = seam.encode();
        if let Err(error) = self.write(RecordType::Seam, seqno, 0, &Payload::new(&payload), seqno) {
            // The seam may have reached the file all the same: what it names as ended has ended.
            self.active = previous.map(|active| Active { is_full: true, ..active });
            return Err(error);
        }
        if let Some(previous) = previous {
            self.before = previous.chain_end();
            if previous.durable < previous.end {
                self.unsynced.push(previous);
            } else {
                self.finished.push(previous.finish());
            }
        }
        Ok(())
    }

    /// Places a record in the active segment. Answers whether that is half full.
    pub(super) fn write(
        &mut self,
        record_type: RecordType,
        seqno: SeqNo,
        count: u32,
        payload: &Payload<'_>,
        next_seqno: SeqNo,
    ) -> Result<bool> {
        let active = self.active.as_mut().ok_or_else(no_active)?;
        let frame = Frame::new(record_type, seqno, count, active.check, active.durable);
        let (head, check) = frame
            .encode(payload, active.segment.place(), active.end)
            .ok_or_else(|| Error::new(ErrorKind::TooLarge, "the batch does not fit one record"))?;
        if let Err(error) = active.segment.write(active.end, &head, payload, &mut self.scratch) {
            if !planted(Bug::LogAppendAfterFailedAppend) {
                active.is_full = true;
            }
            if active.segment.is_mapped() {
                self.fault = Some(error.clone());
            }
            return Err(error.and_maybe_committed());
        }
        active.end += padded_len(payload.bytes().len());
        active.check = check;
        active.vouched = frame.durable;
        active.next_seqno = next_seqno;
        if record_type != RecordType::Marker {
            active.data_end = active.end;
        }
        self.next_seqno = next_seqno;
        let capacity = active.segment.capacity();
        Ok(active.end > capacity / 2)
    }

    /// Asks for the next segment ahead of need, once.
    pub(super) fn ask_ahead(&mut self) -> bool {
        match &mut self.active {
            Some(active) if !active.has_asked && matches!(self.supply, Supply::Absent) => {
                active.has_asked = true;
                self.supply = Supply::Wanted(0);
                true
            }
            _ => false,
        }
    }

    /// True if pages are wanted and nobody was asked for them yet: who makes them present does not
    /// have to be told with every record.
    pub(super) fn ask_pages(&mut self) -> bool {
        let Some(active) = &mut self.active else { return false };
        let present = Some(active.segment.populated());
        let is_new = active.segment.wants_pages() && active.asked_from != present;
        if is_new {
            active.asked_from = present;
        }
        is_new
    }

    /// Takes in that these parts are durable up to the end they had.
    pub(super) fn note_synced(&mut self, parts: &[Active]) {
        for part in parts {
            let number = part.segment.number();
            let active = self.active.iter_mut();
            for live in active.chain(&mut self.unsynced).filter(|a| a.segment.number() == number) {
                live.durable = live.durable.max(part.end);
            }
        }
        let is_synced = |active: &Active| active.durable >= active.end;
        let done = self.unsynced.iter().take_while(|active| is_synced(active)).count();
        self.finished.extend(self.unsynced.drain(..done).map(Active::finish));
    }
}

impl Active {
    pub(super) fn chain_end(&self) -> ChainEnd {
        ChainEnd {
            number: self.segment.number(),
            end: self.end,
            check: self.check,
            durable: self.durable,
        }
    }

    pub(super) fn finish(self) -> Finished {
        self.segment.release();
        Finished {
            segment: self.segment,
            end: self.end,
            check: self.check,
            next_seqno: self.next_seqno,
        }
    }

    pub(super) fn is_unvouched(&self) -> bool {
        self.durable >= self.data_end && self.vouched < self.data_end
    }
}

fn no_active() -> Error {
    Error::new(ErrorKind::Internal, "a record is appended without a segment")
}
