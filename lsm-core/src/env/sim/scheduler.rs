//! One client and its background jobs in one thread, interleaved by a seed.
//!
//! Whenever the client waits, the jobs are stepped, one chosen at random after another. Time stands
//! still while anything can run, and jumps to the next deadline when nothing can. If there is no
//! deadline either, the program waits for something that will never come, and that is a panic.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use super::clock::SimClock;
use super::content::fold;
use super::rng::Rng;
use crate::base::checksum::hash64;
use crate::base::error::Result;
use crate::base::sync::Mutex;
use crate::env::clock::Clock;
use crate::env::schedule::{Job, Scheduler, Signal, Step};

/// So many steps without the clock moving are a loop.
const MAX_STEPS_AT_ONE_TIME: u64 = 10_000_000;

/// Runs jobs by the seed.
pub struct SimScheduler {
    clock: SimClock,
    jobs: Mutex<Jobs>,
}

struct Jobs {
    waiting: Vec<Entry>,
    running: Option<&'static str>,
    rng: Rng,
    steps: u64,
    trace_hash: u64,
    /// Counts the kills: a job that was taken out before one is not put back.
    kills: u64,
}

struct Entry {
    name: &'static str,
    wake: Arc<Signal>,
    job: Box<dyn Job>,
    /// The signal's count when the last step began; none if there is more to do at once.
    seen: Option<u64>,
    deadline: Option<Duration>,
}

impl Entry {
    fn can_run(&self, now: Duration) -> bool {
        self.seen != Some(self.wake.epoch()) || self.deadline.is_some_and(|moment| moment <= now)
    }
}

impl std::fmt::Debug for SimScheduler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "scheduler of {} jobs", self.job_count())
    }
}

impl SimScheduler {
    /// A scheduler without jobs.
    #[must_use]
    pub fn new(clock: SimClock, seed: u64) -> Self {
        let jobs = Jobs {
            waiting: Vec::new(),
            running: None,
            rng: Rng::new(seed),
            steps: 0,
            trace_hash: 0,
            kills: 0,
        };
        Self { clock, jobs: Mutex::new(jobs) }
    }

    /// Steps one job that can run; answers false if none can.
    pub fn run_one(&self) -> bool {
        let now = self.clock.monotonic();
        let mut jobs = self.jobs.lock();
        let can_run: Vec<usize> = (0..jobs.waiting.len())
            .filter(|index| jobs.waiting.get(*index).is_some_and(|entry| entry.can_run(now)))
            .collect();
        let chosen = jobs.rng.below(can_run.len() as u64) as usize;
        let Some(index) = can_run.get(chosen) else { return false };
        let mut entry = jobs.waiting.remove(*index);
        jobs.steps += 1;
        jobs.trace_hash = fold(jobs.trace_hash, hash64(entry.name.as_bytes()));
        jobs.running = Some(entry.name);
        let kills = jobs.kills;
        drop(jobs);

        // The count is read before the step, so that a notification during it is not lost.
        let seen = entry.wake.epoch();
        let step = entry.job.step();

        let mut jobs = self.jobs.lock();
        jobs.running = None;
        (entry.seen, entry.deadline) = match step {
            Step::Again => (None, None),
            Step::Idle(deadline) => (Some(seen), deadline),
            Step::Done => (None, None),
        };
        if step != Step::Done && jobs.kills == kills {
            // At its old place: the order of the jobs is a matter of the seed alone.
            let place = (*index).min(jobs.waiting.len());
            jobs.waiting.insert(place, entry);
            return true;
        }
        // The job may call back when it is dropped.
        drop(jobs);
        drop(entry);
        true
    }

    /// Steps jobs until none can run. The clock stands still.
    pub fn run_until_idle(&self) {
        let mut steps = 0;
        while self.run_one() {
            steps += 1;
            self.check_progress(steps);
        }
    }

    /// Drops all jobs as they are, as the death of the process does.
    pub fn kill(&self) {
        let mut jobs = self.jobs.lock();
        jobs.kills += 1;
        let dead = std::mem::take(&mut jobs.waiting);
        drop(jobs);
        drop(dead);
    }

    /// How many jobs there are.
    #[must_use]
    pub fn job_count(&self) -> usize {
        let jobs = self.jobs.lock();
        jobs.waiting.len() + usize::from(jobs.running.is_some())
    }

    /// How many steps were taken.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.jobs.lock().steps
    }

    /// A hash over which job was stepped when: equal runs have equal ones.
    #[must_use]
    pub fn trace_hash(&self) -> u64 {
        self.jobs.lock().trace_hash
    }

    /// Moves the clock to the next deadline; answers false if there is none.
    fn advance(&self, own: Option<Duration>) -> bool {
        let jobs = self.jobs.lock();
        let next = jobs.waiting.iter().filter_map(|entry| entry.deadline).chain(own).min();
        next.is_some_and(|moment| {
            self.clock.advance_to(moment);
            true
        })
    }

    fn is_killed(&self) -> bool {
        self.jobs.lock().kills > 0
    }

    /// Waiting inside a step would deadlock in a world with threads.
    #[allow(clippy::panic, reason = "the program under test is wrong, and only tests run here")]
    fn check_may_wait(&self) {
        if let Some(name) = self.jobs.lock().running {
            panic!("the job {name:?} waits inside its step");
        }
    }

    #[allow(clippy::panic, reason = "the program under test is wrong, and only tests run here")]
    fn check_progress(&self, steps: u64) {
        if steps > MAX_STEPS_AT_ONE_TIME {
            panic!("a loop: {steps} steps at one moment; {}", self.describe());
        }
    }

    #[allow(clippy::panic, reason = "the program under test is wrong, and only tests run here")]
    fn deadlock(&self) -> ! {
        panic!("deadlock: the client waits without a deadline and {}", self.describe());
    }

    fn describe(&self) -> String {
        let jobs = self.jobs.lock();
        let mut text = format!("{} jobs are there", jobs.waiting.len());
        for entry in &jobs.waiting {
            let _ = write!(text, ", {:?} idle until {:?}", entry.name, entry.deadline);
        }
        text
    }
}

impl Scheduler for SimScheduler {
    fn wait(
        &self,
        _signal: &Signal,
        deadline: Option<Duration>,
        ready: &mut dyn FnMut() -> bool,
    ) -> bool {
        self.check_may_wait();
        let mut steps = 0;
        loop {
            if ready() {
                return true;
            }
            // Whatever a dead process would wait for, nobody will do it.
            let is_late = deadline.is_some_and(|deadline| self.clock.monotonic() >= deadline);
            if is_late || self.is_killed() {
                return false;
            }
            if self.run_one() {
                steps += 1;
                self.check_progress(steps);
            } else if self.advance(deadline) {
                steps = 0;
            } else {
                self.deadlock();
            }
        }
    }

    fn spawn(&self, name: &'static str, wake: Arc<Signal>, job: Box<dyn Job>) -> Result<()> {
        let entry = Entry { name, wake, job, seen: None, deadline: None };
        let mut jobs = self.jobs.lock();
        if jobs.kills == 0 {
            jobs.waiting.push(entry);
            return Ok(());
        }
        drop(jobs);
        drop(entry);
        Ok(())
    }
}
