//! The background jobs: each takes the most urgent piece of work that nobody is at, and does it in
//! steps.
//!
//! Memory for the next writes is taken up before anything else, for that takes no time and saves
//! them some. Flushes come next, one at a time and the oldest memtable first, because writers wait
//! for them: even a merge that has begun is set aside for one. Then comes what somebody asked for
//! and waits for, then what the strategies want. What fails is left alone for a while; a fault
//! that does not pass by itself stops writes (see `health`), but for damage in a table that is
//! read, which concerns that table alone (see `damage`).

use std::sync::Arc;
use std::time::Duration;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::sync::Ordering;
use crate::engine::state::Engine;
use crate::engine::task::{Progress, Task};
use crate::env::schedule::{Job, Step};
use crate::journal::jobs::JobPlace;

/// Memory that no memtable has taken for so long is given back.
const STOCK_REST: Duration = Duration::from_secs(1);

/// A job is in the middle of a step. What is done is said before the tables that it took are let
/// go of, and whoever only looks for work has them for a moment, too: so whoever waits until they
/// are gone waits for the end of the step.
struct InStep(Arc<Engine>);

impl InStep {
    fn begin(engine: &Arc<Engine>) -> Self {
        engine.steps.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(engine))
    }
}

impl Drop for InStep {
    fn drop(&mut self) {
        let Self(engine) = self;
        if engine.steps.fetch_sub(1, Ordering::AcqRel) == 1 && engine.quiet.is_waited_for() {
            engine.progress.notify();
        }
    }
}

/// One job.
pub struct Worker {
    engine: Arc<Engine>,
    task: Option<Task>,
    /// What it goes back to after a flush.
    set_aside: Option<Task>,
    /// What the stock of memory said when this had nothing to do for the first time, and when.
    rest: Option<(Duration, u64)>,
    _place: JobPlace,
}

impl Worker {
    /// A job that has nothing to do yet.
    #[must_use]
    pub fn new(engine: Arc<Engine>, place: JobPlace) -> Self {
        Self { engine, task: None, set_aside: None, rest: None, _place: place }
    }

    /// Goes on with what there is to do, if there is something just now.
    fn work(&mut self) -> Result<Step> {
        if self.engine.view.load().active.page_in() {
            return Ok(Step::Again);
        }
        if !matches!(self.task, Some(Task::Flush(_))) {
            if let Some(flush) = self.engine.claim_flush() {
                self.set_aside = self.task.replace(flush);
            }
        }
        if let Some(task) = &mut self.task {
            let progress = task.step(&self.engine)?;
            self.engine.give_way();
            match progress {
                Progress::Done => self.task = self.set_aside.take(),
                Progress::Unwanted => self.cancel(),
                Progress::More => {}
                Progress::Waiting => return Ok(Step::Idle(self.engine.retry_at())),
                Progress::Early(_) if self.engine.sweep() => {}
                Progress::Early(until) => return Ok(Step::Idle(Some(until))),
            }
            return Ok(Step::Again);
        }
        if self.engine.sweep() {
            return Ok(Step::Again);
        }
        let _next = self.engine.sweep_retired();
        self.task = self.engine.claim();
        let is_idle = self.task.is_none();
        Ok(if is_idle { Step::Idle(self.idle_until()) } else { Step::Again })
    }

    /// When to look again if nobody wakes it. Gives back memory that nobody has taken for a while.
    fn idle_until(&mut self) -> Option<Duration> {
        let ask_at = self.engine.sweep_retired();
        let retry_at = self.engine.look_again_at().into_iter().chain(ask_at).min();
        let stock = &self.engine.stock;
        if !stock.has_any() {
            self.rest = None;
            return retry_at;
        }
        let (now, changes) = (self.engine.env.clock.monotonic(), stock.changes());
        let (since, _) = *self.rest.insert(match self.rest {
            Some(rest) if rest.1 == changes => rest,
            _ => (now, changes),
        });
        let until = since.saturating_add(STOCK_REST);
        if now < until {
            return Some(retry_at.map_or(until, |retry_at| retry_at.min(until)));
        }
        stock.give_back();
        self.rest = None;
        retry_at
    }

    /// Gives up what it is at, and goes back to what was set aside.
    fn cancel(&mut self) {
        if let Some(task) = self.task.take() {
            task.cancel(&self.engine);
        }
        self.task = self.set_aside.take();
    }

    fn cancel_all(&mut self) {
        while self.task.is_some() {
            self.cancel();
        }
    }
}

impl Job for Worker {
    fn step(&mut self) -> Step {
        let _in_step = InStep::begin(&self.engine);
        if self.engine.is_stopping.load(Ordering::Acquire) {
            self.cancel_all();
            return Step::Done;
        }
        match self.work() {
            Ok(step) => step,
            Err(error) => {
                let damaged = self.task.as_ref().map(|task| task.damaged_inputs(&error));
                self.cancel();
                self.engine.note_failure(error, &damaged.unwrap_or_default());
                Step::Again
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.cancel_all();
        if !self.engine.is_stopping.load(Ordering::Acquire) {
            // It panicked. What it did is done no more: writers would wait for ever.
            let message = "a background job of the database has ended unexpectedly";
            self.engine.health.report_final(Error::new(ErrorKind::Internal, message));
            self.engine.progress.notify();
            self.engine.note_fault();
        }
    }
}
