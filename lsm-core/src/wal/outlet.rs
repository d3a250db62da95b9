//! A file that is filled from front to back: counted into its CRC, and synced at the end.
//!
//! Where there is a scheduler, a job of its own writes it: one side fills buffers and hands them
//! over, and waits for the system and the disk only when a few are on their way already. Once the
//! outlet is gone, the job writes nothing more.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::base::checksum::FileCrc;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::planted::{Bug, planted};
use crate::base::sync::Mutex;
use crate::env::fs::{DIRECT_GRAIN, File, write_all_past_cache};
use crate::env::schedule::{Job, Scheduler, Signal, Step};

/// A buffer is handed over when it holds so many bytes.
pub const BUFFER_BYTES: usize = 512 << 10;
/// So many may be on their way at a time.
const BUFFERS: usize = 4;

/// The side that is filled.
#[derive(Debug)]
pub struct Outlet {
    way: Way,
    buffer: Buffer,
}

/// Bytes on their way. They lie in memory as in the file, so that the system need not copy them.
#[derive(Debug, Default)]
struct Buffer {
    bytes: Vec<u8>,
    /// They begin here.
    from: usize,
    /// There is no more room from here on.
    until: usize,
}

#[derive(Debug)]
enum Way {
    /// Whoever fills it writes it.
    Itself(Pen),
    /// A job does.
    Job(Handover),
}

/// What writes the file.
#[derive(Debug)]
struct Pen {
    file: Arc<dyn File>,
    at: u64,
    crc: FileCrc,
}

/// Whoever fills, and waits for the job.
#[derive(Debug)]
struct Handover {
    scheduler: Arc<dyn Scheduler>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    belt: Mutex<Belt>,
    /// Wakes the job.
    wake: Arc<Signal>,
    /// Wakes whoever waits for it.
    progress: Signal,
}

/// What is on its way.
#[derive(Debug, Default)]
struct Belt {
    full: VecDeque<Buffer>,
    empty: Vec<Buffer>,
    /// Nothing follows: what is there is to be written and synced, or let go of.
    order: Option<Order>,
    /// What came of it, once there is nothing more to do.
    outcome: Option<Result<u32>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Finish,
    LetGo,
}

/// The job.
struct Copyist {
    shared: Arc<Shared>,
    pen: Pen,
    outcome: Option<Result<u32>>,
}

impl Outlet {
    /// Writes `file` from `at` on, where what stands before has the CRC `crc`. If there is a
    /// scheduler a job does, and whoever fills it must be free to wait.
    pub fn open(
        scheduler: Option<Arc<dyn Scheduler>>,
        file: Arc<dyn File>,
        (at, crc): (u64, FileCrc),
    ) -> Result<Self> {
        let pen = Pen { file, at, crc };
        let way = match scheduler {
            Some(scheduler) => Way::Job(Handover::to_job(scheduler, pen)?),
            None => Way::Itself(pen),
        };
        let mut buffer = Buffer::default();
        buffer.begin(at);
        Ok(Self { way, buffer })
    }

    /// Takes in the next bytes. The error may be that of bytes before.
    pub fn put(&mut self, mut bytes: &[u8]) -> Result<()> {
        loop {
            let (now, later) = bytes.split_at(self.buffer.room().min(bytes.len()));
            self.buffer.bytes.extend_from_slice(now);
            if later.is_empty() {
                return Ok(());
            }
            self.empty()?;
            bytes = later;
        }
    }

    /// Waits until everything is written and synced; answers the CRC of the file as a whole.
    pub fn finish(mut self) -> Result<u32> {
        self.empty()?;
        match &mut self.way {
            _ if planted(Bug::RewriteListedEarly) => Ok(0),
            Way::Itself(pen) => pen.sync(),
            Way::Job(job) => job.end(Order::Finish),
        }
    }

    /// Makes room in the buffer.
    fn empty(&mut self) -> Result<()> {
        match &mut self.way {
            Way::Itself(pen) => {
                pen.write(self.buffer.filled())?;
            }
            Way::Job(job) => self.buffer = job.exchange(std::mem::take(&mut self.buffer))?,
        }
        // Whatever is emptied before the end was full, up to a grain.
        self.buffer.begin(0);
        Ok(())
    }
}

impl Buffer {
    /// Forgets what it held; what comes next stands at `offset` of the file.
    fn begin(&mut self, offset: u64) {
        if self.bytes.capacity() == 0 {
            self.bytes.reserve_exact(BUFFER_BYTES + DIRECT_GRAIN);
        }
        let grain = self.bytes.as_ptr().align_offset(DIRECT_GRAIN).min(DIRECT_GRAIN);
        self.from = grain + (offset % DIRECT_GRAIN as u64) as usize;
        self.until = grain + BUFFER_BYTES;
        self.bytes.clear();
        self.bytes.resize(self.from, 0);
    }

    fn room(&self) -> usize {
        self.until.saturating_sub(self.bytes.len())
    }

    fn filled(&self) -> &[u8] {
        self.bytes.get(self.from..).unwrap_or_default()
    }
}

impl Handover {
    fn to_job(scheduler: Arc<dyn Scheduler>, pen: Pen) -> Result<Self> {
        let wake = Signal::new();
        let belt = Mutex::new(Belt::default());
        let shared = Arc::new(Shared { belt, wake: wake.clone(), progress: Signal::default() });
        let job = Box::new(Copyist { shared: shared.clone(), pen, outcome: None });
        scheduler.spawn("lsm-copyist", wake, job)?;
        Ok(Self { scheduler, shared })
    }

    /// A full buffer for an empty one.
    fn exchange(&self, full: Buffer) -> Result<Buffer> {
        self.wait(&|belt| belt.full.len() < BUFFERS || belt.outcome.is_some());
        let mut belt = self.shared.belt.lock();
        if let Some(outcome) = &belt.outcome {
            return Err(outcome.clone().err().unwrap_or_else(ended_early));
        }
        belt.full.push_back(full);
        let empty = belt.empty.pop().unwrap_or_default();
        drop(belt);
        self.shared.wake.notify();
        Ok(empty)
    }

    fn end(&self, order: Order) -> Result<u32> {
        self.shared.belt.lock().order = Some(order);
        self.shared.wake.notify();
        self.wait(&|belt| belt.outcome.is_some());
        self.shared.belt.lock().outcome.clone().unwrap_or_else(|| Err(ended_early()))
    }

    fn wait(&self, is_ready: &dyn Fn(&Belt) -> bool) {
        let shared = &self.shared;
        let _always_true =
            self.scheduler.wait(&shared.progress, None, &mut || is_ready(&shared.belt.lock()));
    }
}

impl Drop for Handover {
    fn drop(&mut self) {
        // Whoever lets go of it is about to take the file away.
        let _nothing_was_to_become_of_it = self.end(Order::LetGo);
    }
}

impl Pen {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        write_all_past_cache(self.file.as_ref(), bytes, self.at)?;
        self.crc.update(bytes);
        self.at += bytes.len() as u64;
        Ok(())
    }

    fn sync(&self) -> Result<u32> {
        if !planted(Bug::RewriteSyncSkipped) {
            self.file.sync_data()?;
        }
        Ok(self.crc.clone().finish())
    }
}

impl Copyist {
    fn next(&self) -> (Option<Buffer>, Option<Order>) {
        let mut belt = self.shared.belt.lock();
        let order = belt.order;
        let full = if order == Some(Order::LetGo) { None } else { belt.full.pop_front() };
        (full, order)
    }

    fn write(&mut self, buffer: Buffer) -> Step {
        if let Err(error) = self.pen.write(buffer.filled()) {
            return self.end(Err(error));
        }
        self.shared.belt.lock().empty.push(buffer);
        self.shared.progress.notify();
        Step::Again
    }

    fn end(&mut self, outcome: Result<u32>) -> Step {
        self.outcome = Some(outcome);
        Step::Done
    }
}

impl Job for Copyist {
    fn step(&mut self) -> Step {
        match self.next() {
            (Some(buffer), _) => self.write(buffer),
            (None, None) => Step::Idle(None),
            (None, Some(Order::Finish)) => {
                let synced = self.pen.sync();
                self.end(synced)
            }
            (None, Some(Order::LetGo)) => self.end(Err(ended_early())),
        }
    }
}

impl Drop for Copyist {
    fn drop(&mut self) {
        // Told only now: whoever hears of it knows that no write is under way.
        let outcome = self.outcome.take().unwrap_or_else(|| Err(ended_early()));
        self.shared.belt.lock().outcome = Some(outcome);
        self.shared.progress.notify();
    }
}

fn ended_early() -> Error {
    Error::new(ErrorKind::Internal, "the copy of the log ended before it was whole")
}

#[cfg(test)]
mod tests;
