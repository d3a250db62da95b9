//! The live log: where records are appended, in order, and made durable, together.
//!
//! Appending is one short critical section: take the next sequence numbers, finish the header, and
//! place the record. Syncing is apart from it: one caller at a time is the syncer and covers all
//! that was appended before it began; everybody else waits for its answer. Segments come from
//! outside, ahead of need (`wanted`, `offer`), so that no file is created while the lock is held.
//!
//! After a failed append the segment takes no more records, and the next one says where it ended.
//! After a failed sync, or a lost mapping, the log takes nothing more at all: what was appended
//! since the last good sync is in doubt, and stays so until the log is rewritten.
//!
//! Invariants: a record's watermark never exceeds what a sync has covered; no segment is synced
//! before all earlier ones are; `durable_next` never passes a record that is not durable.

use std::sync::Arc;
use std::time::Duration;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::planted::{Bug, planted};
use crate::base::sync::{AtomicBool, AtomicU64, Mutex, OnceLock, Ordering};
use crate::blob::store::Blobs;
use crate::env::schedule::{Scheduler, Signal};
use crate::key::seqno::SeqNo;
use crate::record::frame::{Payload, RecordType, padded_len};
use crate::wal::crowd::Crowd;
use crate::wal::seam::SEAM_LEN;
use crate::wal::segment::Segment;
use crate::wal::tail::{Active, ChainEnd, Finished, SeamFacts, Supply, Tail};

/// What came of vouching.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vouch {
    /// It has been done, or there is nothing to vouch for.
    Nothing,
    /// A marker was appended, and is not durable yet.
    Marked,
    /// There is no room for a marker: the manifest has to do it.
    Elsewhere,
}

/// The log that is being written.
#[derive(Debug)]
pub struct Log {
    scheduler: Arc<dyn Scheduler>,
    tail: Mutex<Tail>,
    /// Sequence numbers below this are durable.
    durable_next: AtomicU64,
    is_syncing: AtomicBool,
    crowd: Crowd,
    changed: Arc<Signal>,
    work: Arc<Signal>,
    /// Large values that records refer to: they are durable before the records are.
    blobs: OnceLock<Arc<Blobs>>,
}

/// Room that a batch leaves free, for the seal, which holds an edit's number.
const SEAL_ROOM: u64 = padded_len(8);

mod large;

impl Log {
    /// A log that continues the chain `before`. `work` is notified when a segment or pages are
    /// wanted.
    #[must_use]
    pub fn new(
        scheduler: Arc<dyn Scheduler>,
        work: Arc<Signal>,
        before: ChainEnd,
        next_seqno: SeqNo,
    ) -> Self {
        Self {
            scheduler,
            tail: Mutex::new(Tail::new(before, next_seqno)),
            durable_next: AtomicU64::new(next_seqno.get()),
            is_syncing: AtomicBool::new(false),
            crowd: Crowd::default(),
            changed: Signal::new(),
            work,
            blobs: OnceLock::new(),
        }
    }

    /// The same log, whose records refer to large values among these.
    #[must_use]
    pub fn referring_to(self, blobs: Arc<Blobs>) -> Self {
        let _it_is_the_first = self.blobs.set(blobs);
        self
    }

    /// How often the log was rewritten and begun again.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.tail.lock().restarts
    }

    /// Appends a batch of `count` entries; answers the sequence number of the first. `None` if a
    /// segment is wanted first. Never waits.
    pub fn try_append(&self, payload: &Payload<'_>, count: u32) -> Result<Option<SeqNo>> {
        self.try_append_since(None, payload, count)
    }

    /// The same for a batch with references to values that were written when the log had been
    /// rewritten `restarts` times: a later rewriting does not know them.
    pub fn try_append_since(
        &self,
        restarts: Option<u64>,
        payload: &Payload<'_>,
        count: u32,
    ) -> Result<Option<SeqNo>> {
        let mut tail = self.tail.lock();
        let tail = &mut *tail;
        tail.check_fault()?;
        tail.check_restarts(restarts)?;
        let next = tail
            .next_seqno
            .after(u64::from(count))
            .ok_or_else(|| Error::new(ErrorKind::TooLarge, "the sequence numbers have run out"))?;
        let need = padded_len(payload.bytes().len()) + SEAL_ROOM;
        if !tail.has_room(need) && !self.begin_segment(tail, need)? {
            return Ok(None);
        }
        let first = tail.next_seqno;
        let is_half_full = tail.write(RecordType::Batch, first, count, payload, next)?;
        let wants_pages = tail.ask_pages();
        if is_half_full && tail.ask_ahead() || wants_pages {
            self.work.notify();
        }
        Ok(Some(first))
    }

    /// Waits until a segment that `try_append` has asked for is there; answers the reason if there
    /// will be none. A reason that is left behind would be told to somebody later, when it is none.
    pub fn wait_room(&self, deadline: Option<Duration>) -> Result<()> {
        self.tail.lock().waiting += 1;
        let mut has_answer = || !matches!(self.tail.lock().supply, Supply::Wanted(1..));
        let is_answered = self.scheduler.wait(&self.changed, deadline, &mut has_answer);
        let mut tail = self.tail.lock();
        tail.waiting -= 1;
        if let Supply::Failed(error) = &tail.supply {
            let error = error.clone();
            tail.supply = Supply::Absent;
            return Err(error);
        }
        if is_answered {
            return Ok(());
        }
        let message = "the deadline passed while a log segment was being made";
        Err(Error::new(ErrorKind::TimedOut, message))
    }

    /// Goes on in the next segment; false if there is none yet, which is then asked for.
    fn begin_segment(&self, tail: &mut Tail, need: u64) -> Result<bool> {
        let room = Segment::start() + padded_len(SEAM_LEN) + need;
        match std::mem::replace(&mut tail.supply, Supply::Absent) {
            Supply::Ready(segment) if segment.capacity() >= room => {
                tail.begin(segment)?;
                Ok(true)
            }
            Supply::Failed(error) => Err(error),
            Supply::Over => {
                tail.supply = Supply::Over;
                Err(Error::closed())
            }
            Supply::Wanted(bytes) => {
                tail.supply = Supply::Wanted(bytes.max(room));
                Ok(false)
            }
            Supply::Ready(_) | Supply::Absent => {
                tail.supply = Supply::Wanted(room);
                self.work.notify();
                Ok(false)
            }
        }
    }

    /// Takes `count` sequence numbers for a batch that is not logged; answers the first. `restarts`
    /// is as in `try_append_since`.
    pub fn reserve(&self, restarts: Option<u64>, count: u32) -> Result<SeqNo> {
        let mut tail = self.tail.lock();
        tail.check_fault()?;
        tail.check_restarts(restarts)?;
        let first = tail.next_seqno;
        tail.next_seqno = first
            .after(u64::from(count))
            .ok_or_else(|| Error::new(ErrorKind::TooLarge, "the sequence numbers have run out"))?;
        Ok(first)
    }

    /// Closes the active segment, so that the next record begins another one. Answers its number;
    /// 0 if there is none.
    pub fn rotate(&self) -> u64 {
        let mut tail = self.tail.lock();
        if let Some(active) = &mut tail.active {
            active.is_full = true;
        }
        tail.end().number
    }

    /// True if no record will ever go into a segment below `start`.
    #[must_use]
    pub fn has_left(&self, start: u64) -> bool {
        let tail = self.tail.lock();
        let end = tail.end().number;
        let is_open = tail.active.as_ref().is_some_and(|active| !active.is_full);
        start <= end || (start == end.saturating_add(1) && !is_open)
    }

    /// The size that the next segment must at least have, if one is wanted.
    #[must_use]
    pub fn wanted(&self) -> Option<u64> {
        match self.tail.lock().supply {
            Supply::Wanted(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Hands over the next segment, or the reason why there is none.
    pub fn offer(&self, segment: Result<Segment>) {
        let mut tail = self.tail.lock();
        let is_ahead_of_need = matches!(tail.supply, Supply::Wanted(0)) || tail.waiting == 0;
        tail.supply = match segment {
            Ok(segment) => Supply::Ready(Arc::new(segment)),
            // Nobody waits for it, and by the time somebody does it may work.
            Err(_) if is_ahead_of_need => Supply::Absent,
            Err(error) => Supply::Failed(error),
        };
        drop(tail);
        self.changed.notify();
    }

    /// Nobody makes segments any more: whoever waits for one is told so, and so is whoever would.
    /// Answers the one that was made ahead of need.
    pub fn end_supply(&self) -> Option<Arc<Segment>> {
        let supply = std::mem::replace(&mut self.tail.lock().supply, Supply::Over);
        self.changed.notify();
        match supply {
            Supply::Ready(segment) => Some(segment),
            _ => None,
        }
    }

    /// What the next seam is to say.
    pub fn set_facts(&self, facts: SeamFacts) {
        self.tail.lock().facts = facts;
    }

    /// The segment being written, for whoever looks after its pages.
    #[must_use]
    pub fn active(&self) -> Option<Arc<Segment>> {
        self.tail.lock().active.as_ref().map(|active| active.segment.clone())
    }

    /// The sequence number that comes next.
    #[must_use]
    pub fn next_seqno(&self) -> SeqNo {
        self.tail.lock().next_seqno
    }

    /// Sequence numbers below this are durable.
    #[must_use]
    pub fn durable_next(&self) -> u64 {
        self.durable_next.load(Ordering::Acquire)
    }

    /// How far the log is known durable: never a segment of which nothing is.
    #[must_use]
    pub fn durable_end(&self) -> ChainEnd {
        self.tail.lock().durable_end()
    }

    /// Where the chain ends now.
    #[must_use]
    pub fn end(&self) -> ChainEnd {
        self.tail.lock().end()
    }

    /// How long each segment is that this process has written, and that is not described to the
    /// manifest yet, by its number.
    #[must_use]
    pub fn open_ends(&self) -> Vec<(u64, u64)> {
        let tail = self.tail.lock();
        let finished = tail.finished.iter().map(|it| (it.segment.number(), it.end));
        let unsynced = tail.unsynced.iter().chain(&tail.active);
        finished.chain(unsynced.map(|it| (it.segment.number(), it.end))).collect()
    }

    /// Stops the log: nothing is taken any more, and whoever waits is told why.
    pub fn stop(&self, fault: Error) {
        self.tail.lock().fault.get_or_insert(fault);
        self.offer(Err(self.check_fault().err().unwrap_or_else(stopped)));
    }

    /// The fault that stopped the log, if one did.
    #[must_use]
    pub fn fault(&self) -> Option<Error> {
        self.tail.lock().fault.clone()
    }

    /// Segments that ended and are durable, and that were not sealed yet.
    #[must_use]
    pub fn finished(&self) -> Vec<Finished> {
        self.tail.lock().finished.clone()
    }

    /// From now on this segment is sealed, or never will be.
    pub fn forget_finished(&self, number: u64) {
        self.tail.lock().finished.retain(|finished| finished.segment.number() != number);
    }

    /// Returns once no sync is under way. After a fault none begins any more.
    pub fn wait_for_syncer(&self) {
        let mut is_idle = || !self.is_syncing.load(Ordering::Acquire);
        let _always_true = self.scheduler.wait(&self.changed, None, &mut is_idle);
    }

    /// Begins again behind another chain, with nothing in doubt.
    pub fn restart(&self, before: ChainEnd, next_seqno: SeqNo) {
        let mut tail = self.tail.lock();
        let (restarts, waiting) = (tail.restarts + 1, tail.waiting);
        *tail = Tail { restarts, waiting, ..Tail::new(before, next_seqno) };
        drop(tail);
        self.durable_next.store(next_seqno.get(), Ordering::Release);
        self.changed.notify();
    }

    /// Takes in how far somebody else has written, and up to which number that is known durable.
    pub fn follow(&self, end: ChainEnd, next_seqno: SeqNo, durable: SeqNo) {
        self.restart(end, next_seqno);
        self.durable_next.store(durable.get().saturating_add(1), Ordering::Release);
    }

    /// True if something appended is not durable yet.
    #[must_use]
    pub fn is_unsynced(&self) -> bool {
        let tail = self.tail.lock();
        tail.fault.is_none() && (!tail.unsynced.is_empty() || tail.is_active_unsynced())
    }

    /// Appends a record that says how much is durable, unless one has said so. Without it, damage
    /// to the last batches could not be told from a torn write.
    pub fn vouch(&self) -> Result<Vouch> {
        let mut tail = self.tail.lock();
        let tail = &mut *tail;
        let is_due = tail.active.as_ref().is_some_and(Active::is_unvouched);
        if tail.fault.is_some() || !is_due {
            return Ok(Vouch::Nothing);
        }
        if !tail.has_room(2 * SEAL_ROOM) {
            return Ok(Vouch::Elsewhere);
        }
        let (seqno, edit) = (tail.next_seqno, tail.facts.edit.to_le_bytes());
        tail.write(RecordType::Marker, seqno, 0, &Payload::new(&edit), seqno)?;
        Ok(Vouch::Marked)
    }

    /// Takes in that the manifest says that the log is durable up to here.
    pub fn note_vouched(&self, position: ChainEnd) {
        if let Some(active) = &mut self.tail.lock().active {
            if active.segment.number() == position.number {
                active.vouched = active.vouched.max(position.durable);
            }
        }
    }

    /// Ends the active segment in order and makes it durable, so that every byte of it is vouched
    /// for. The log takes nothing more.
    pub fn seal(&self) -> Result<()> {
        {
            let mut tail = self.tail.lock();
            let tail = &mut *tail;
            tail.check_fault()?;
            let (seqno, edit) = (tail.next_seqno, tail.facts.edit.to_le_bytes());
            if tail.has_room(SEAL_ROOM) {
                tail.write(RecordType::Seal, seqno, 0, &Payload::new(&edit), seqno)?;
            }
        }
        self.sync_all(None)?;
        let mut tail = self.tail.lock();
        if let Some(active) = tail.active.take() {
            tail.before = active.chain_end();
            tail.finished.push(active.finish());
        }
        Ok(())
    }

    /// Returns once every sequence number up to and including `seqno` is durable.
    pub fn sync_to(&self, seqno: SeqNo, deadline: Option<Duration>) -> Result<()> {
        self.sync_until(deadline, || self.durable_next() > seqno.get())
    }

    /// As `sync_to`, without a deadline, and like `sync_all` it never succeeds after a fault.
    pub fn sync_behind(&self, seqno: SeqNo) -> Result<()> {
        self.check_fault().map_err(Error::and_maybe_committed)?;
        self.sync_to(seqno, None)
    }

    /// Returns once everything appended so far is durable. Never succeeds after a fault: what it
    /// took may have been durable before.
    pub fn sync_all(&self, deadline: Option<Duration>) -> Result<()> {
        self.check_fault().map_err(Error::and_maybe_committed)?;
        let (target, next, restarts) = {
            let tail = self.tail.lock();
            (tail.end(), tail.next_seqno.get(), tail.restarts)
        };
        self.sync_until(deadline, || {
            let tail = self.tail.lock();
            let durable = tail.durable_end();
            let is_there = (durable.number, durable.durable) >= (target.number, target.end)
                && self.durable_next() >= next;
            // A log that was rewritten is durable, and its places are others.
            is_there || tail.restarts != restarts
        })
    }

    fn sync_until(&self, deadline: Option<Duration>, is_done: impl Fn() -> bool) -> Result<()> {
        let _present = self.crowd.enter();
        loop {
            if is_done() {
                return Ok(());
            }
            self.check_fault().map_err(Error::and_maybe_committed)?;
            if let Some(_syncing) = Syncing::begin(self) {
                self.crowd.gather(self.scheduler.as_ref());
                self.sync_now().map_err(Error::and_maybe_committed)?;
                continue;
            }
            let mut may_go_on = || is_done() || !self.is_syncing.load(Ordering::Acquire);
            if !self.scheduler.wait(&self.changed, deadline, &mut may_go_on) {
                let message = "the deadline passed while the log was being synced";
                return Err(Error::new(ErrorKind::TimedOut, message).and_maybe_committed());
            }
        }
    }

    fn check_fault(&self) -> Result<()> {
        self.tail.lock().check_fault()
    }

    /// Syncs what is there now, unless somebody else is at it. Never waits for another caller.
    pub fn sync_unless_busy(&self) -> Result<()> {
        match Syncing::begin(self) {
            Some(_syncing) => self.sync_now(),
            None => Ok(()),
        }
    }

    /// Syncs what is there now, oldest first. Only the syncer calls this.
    fn sync_now(&self) -> Result<()> {
        let (parts, next_seqno) = {
            let tail = self.tail.lock();
            // Whoever was the syncer before may have failed: its file is never synced again.
            tail.check_fault()?;
            let mut parts = tail.unsynced.clone();
            parts.extend(tail.active.iter().filter(|active| active.durable < active.end).cloned());
            if planted(Bug::LogSyncedOutOfOrder) && parts.len() > 1 {
                parts.remove(0);
            }
            (parts, tail.next_seqno)
        };
        self.sync_blobs_now()?;
        for part in &parts {
            if let Err(error) = part.segment.sync(part.durable, part.end) {
                if !planted(Bug::LogUsedAfterFailedSync) {
                    self.tail.lock().fault.get_or_insert(error.clone());
                }
                return Err(error);
            }
        }
        self.tail.lock().note_synced(&parts);
        self.crowd.disperse();
        self.durable_next.fetch_max(next_seqno.get(), Ordering::AcqRel);
        Ok(())
    }
}

/// The right to sync, which one caller at a time has, and gives up also when it panics.
struct Syncing<'a>(&'a Log);

impl<'a> Syncing<'a> {
    fn begin(log: &'a Log) -> Option<Self> {
        // Not `then_some`: a right that was not had must not be given up.
        (!log.is_syncing.swap(true, Ordering::AcqRel)).then(|| Self(log))
    }
}

impl Drop for Syncing<'_> {
    fn drop(&mut self) {
        self.0.is_syncing.store(false, Ordering::Release);
        self.0.changed.notify();
    }
}

fn stopped() -> Error {
    Error::new(ErrorKind::Internal, "the log has stopped")
}
