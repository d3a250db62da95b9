//! Memory taken up by a job ahead of a replay: the system clears it, and the replay would wait.

use std::sync::Arc;

use crate::base::sync::Mutex;
use crate::env::schedule::{Job, Scheduler, Signal, Step};
use crate::memtable::handle::Memtable;

/// Whoever fills memtables. Once this is gone, the job ends.
#[derive(Debug)]
pub struct Pager {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// The one that is being filled; none when there is nothing more to do.
    memtable: Mutex<Option<Arc<Memtable>>>,
    wake: Arc<Signal>,
}

/// The job.
struct Ahead(Arc<Shared>);

impl Pager {
    /// Starts the job. One that cannot be started only saves no time.
    #[must_use]
    pub fn new(scheduler: &dyn Scheduler, memtable: &Arc<Memtable>) -> Self {
        let memtable = Mutex::new(Some(Arc::clone(memtable)));
        let shared = Arc::new(Shared { memtable, wake: Signal::new() });
        let job = Box::new(Ahead(Arc::clone(&shared)));
        let _only_slower = scheduler.spawn("lsm-pager", Arc::clone(&shared.wake), job);
        Self { shared }
    }

    /// Goes on ahead of this memtable, which has grown.
    pub fn follow(&self, memtable: &Arc<Memtable>) {
        self.shared.tell(Some(Arc::clone(memtable)));
    }
}

impl Drop for Pager {
    fn drop(&mut self) {
        self.shared.tell(None);
    }
}

impl Shared {
    fn tell(&self, memtable: Option<Arc<Memtable>>) {
        *self.memtable.lock() = memtable;
        self.wake.notify();
    }
}

impl Job for Ahead {
    fn step(&mut self) -> Step {
        let memtable = self.0.memtable.lock().clone();
        match memtable {
            Some(memtable) if memtable.page_in() => Step::Again,
            Some(_) => Step::Idle(None),
            None => Step::Done,
        }
    }
}

#[cfg(test)]
mod tests;
