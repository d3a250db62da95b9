//! What a background job is at.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::sync::Ordering;
use crate::compaction::job::Merging;
use crate::compaction::parts::Helper;
use crate::compaction::plan::PlanKind;
use crate::engine::damage::is_damage;
use crate::engine::desk::Asked;
use crate::engine::snapshots::Sieving;
use crate::engine::state::Engine;
use crate::extend::event::Event;
use crate::flush::Flush;
use crate::read::view::Sealed;
use crate::record::names;
use crate::stats::counters::Counter;
use crate::stats::timings::Timing;
use crate::version::edit::Edit;

/// Work that a job has taken on.
#[derive(Debug)]
pub enum Task {
    /// A memtable becomes a table.
    Flush(Box<FlushTask>),
    /// Tables become others.
    Merge(Box<MergeTask>),
    /// A part of what another job merges.
    Help(Box<Helper>),
}

/// A memtable on its way.
#[derive(Debug)]
pub struct FlushTask {
    /// The memtable.
    pub sealed: Arc<Sealed>,
    /// The work.
    pub flush: Flush,
    /// When it was taken on, by the clock of the timings.
    pub begun: Duration,
}

/// A plan that is being done.
#[derive(Debug)]
pub struct MergeTask {
    /// Under which it was claimed.
    pub ticket: u64,
    /// The work.
    pub merging: Merging,
    /// The name of the keyspace.
    pub name: String,
    /// Whom it is done for, if somebody asked.
    pub asked: Option<Arc<Asked>>,
    /// When it was taken on, by the clock of the timings.
    pub begun: Duration,
    /// Kept until the end, if a filter is shown what is written.
    pub sieving: Option<Sieving>,
}

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is more to do.
    More,
    /// Others have to get further first.
    Waiting,
    /// Enough was written for now: there is more to do at this moment.
    Early(Duration),
    /// All is done and installed.
    Done,
    /// Nobody wants it any more: it is to be cancelled.
    Unwanted,
}

impl Task {
    /// Does the next piece.
    pub fn step(&mut self, engine: &Engine) -> Result<Progress> {
        if let Some(held_up) = self.held_up(engine) {
            return Ok(held_up);
        }
        let is_done = match self {
            Self::Flush(task) => {
                let is_done = task.flush.step()?;
                engine.flush_read.store(task.flush.entries_read(), Ordering::Relaxed);
                is_done
            }
            Self::Merge(task) => {
                let is_done = task.merging.step()?;
                if task.merging.parts().has_work() {
                    engine.work.notify();
                }
                is_done
            }
            Self::Help(helper) => {
                let is_done = helper.step();
                if is_done {
                    engine.work.notify();
                }
                is_done
            }
        };
        if !is_done {
            return Ok(Progress::More);
        }
        match self {
            Self::Flush(task) => task.install(engine)?,
            Self::Merge(task) => task.install(engine)?,
            Self::Help(_) => {}
        }
        Ok(Progress::Done)
    }

    /// The tables that it reads and that an error tells to be damaged.
    #[must_use]
    pub fn damaged_inputs(&self, error: &Error) -> Vec<u64> {
        match self {
            Self::Merge(task) if is_damage(error) => task.damaged_inputs(error),
            _ => Vec::new(),
        }
    }

    /// Why there is nothing to be done just now. A flush waits for nothing: writers may wait for
    /// it.
    fn held_up(&self, engine: &Engine) -> Option<Progress> {
        match self {
            Self::Flush(_) => None,
            Self::Merge(task) if task.is_unwanted() => Some(Progress::Unwanted),
            Self::Merge(task) if task.merging.is_waiting() => Some(Progress::Waiting),
            Self::Merge(_) | Self::Help(_) => engine.early_until().map(Progress::Early),
        }
    }

    /// Gives it up: what was made is taken away, what was claimed is given back.
    pub fn cancel(self, engine: &Engine) {
        match self {
            Self::Flush(mut task) => {
                task.flush.discard();
                engine.flush_read.store(0, Ordering::Relaxed);
                engine.desk.lock().is_flushing = false;
            }
            Self::Merge(mut task) => {
                task.merging.discard();
                engine.note_sieve(task.merging.plan().keyspace);
                engine.desk.lock().release(task.merging.plan().keyspace, task.ticket);
            }
            // Its drop gives the part back: before the one who waits for that is woken.
            Self::Help(helper) => drop(helper),
        }
        engine.work.notify();
    }
}

impl FlushTask {
    fn install(&mut self, engine: &Engine) -> Result<()> {
        let mut edits = self.flush.edits();
        edits.push(Edit::Flushed(self.sealed.last));
        edits.extend(self.sealed.log_start.map(Edit::LogStart));
        engine.install(edits, Some(&self.sealed))?;
        engine.flush_read.store(0, Ordering::Relaxed);
        engine.quiet.note_flush(engine.env.clock.monotonic());
        engine.keyspaces.all().iter().for_each(|keyspace| keyspace.strategist.note_news());
        let bytes = self.flush.table().map_or(0, |table| table.bytes());
        engine.counters.add(Counter::Flushes, 1);
        engine.counters.add(Counter::FlushedBytes, bytes);
        let duration = engine.timings.now().saturating_sub(self.begun);
        engine.timings.record(Timing::Flush, duration);
        let table = self.flush.table().map(|table| table.number());
        engine.plugins.listeners.tell(|| Event::Flushed { table, bytes, duration });
        engine.note_end_of_work(|desk| desk.is_flushing = false);
        Ok(())
    }
}

impl MergeTask {
    fn damaged_inputs(&self, error: &Error) -> Vec<u64> {
        let inputs = self.merging.plan().slices().map(|slice| slice.file.meta.number);
        let name = error.path().and_then(Path::file_name);
        match name {
            Some(name) => inputs.filter(|number| name == names::table(*number).as_str()).collect(),
            // One of them holds other entries than it should.
            None if error.kind() == ErrorKind::Corruption => inputs.collect(),
            None => Vec::new(),
        }
    }

    fn is_unwanted(&self) -> bool {
        self.asked.as_ref().is_some_and(|asked| asked.is_given_up.load(Ordering::Acquire))
    }

    fn install(&mut self, engine: &Engine) -> Result<()> {
        let Self { ticket, merging, name, begun, sieving, .. } = self;
        let plan = merging.plan();
        let sifted = merging.sifted();
        // Before anybody who waits for the result may go on.
        engine.note_sieve(plan.keyspace);
        engine.counters.add(Counter::CompactionFilterRemoved, sifted.removed);
        engine.counters.add(Counter::CompactionFilterReplaced, sifted.replaced);
        match sifted.total() {
            0 => engine.install(merging.edits(), None)?,
            _ => engine.install_sifted(merging.edits())?,
        }
        // From here on snapshots see what the filter has left, wherever they read.
        *sieving = None;
        engine.note_plan_done(plan.keyspace);
        let slices = plan.slices().count() as u64;
        let written = merging.written().fold(0, |sum, table| sum + table.bytes());
        match plan.kind {
            PlanKind::Merge => {
                engine.counters.add(Counter::Compactions, 1);
                engine.counters.add(Counter::CompactionBytesRead, plan.bytes());
                engine.counters.add(Counter::CompactionBytesWritten, written);
            }
            PlanKind::Move => engine.counters.add(Counter::TablesMoved, slices),
            PlanKind::Drop => engine.counters.add(Counter::TablesDropped, slices),
        }
        let is_merge = plan.kind == PlanKind::Merge;
        let duration = engine.timings.now().saturating_sub(*begun);
        if is_merge {
            engine.timings.record(Timing::Compaction, duration);
        }
        engine.plugins.listeners.tell(|| Event::Compacted {
            keyspace: std::mem::take(name),
            reason: plan.reason,
            from: plan.from_level(),
            to: plan.output_level,
            read: if is_merge { plan.bytes() } else { 0 },
            written,
            duration,
        });
        engine.note_end_of_work(|desk| desk.release(plan.keyspace, *ticket));
        Ok(())
    }
}
