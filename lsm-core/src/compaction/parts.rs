//! The parts of a merge, for whoever has time to do one.
//!
//! The job that does the merge takes one part after the other. Other workers may take some as well;
//! the job then waits for them to bring theirs back.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::sort::sort_by_key;
use crate::base::sync::{AtomicU64, Mutex, Ordering};
use crate::compaction::part::Part;

/// The parts of one merge.
#[derive(Debug, Default)]
pub struct Parts {
    shared: Mutex<Shared>,
    /// Entries that were read so far.
    read: AtomicU64,
}

#[derive(Debug, Default)]
struct Shared {
    waiting: VecDeque<(usize, Part)>,
    running: usize,
    done: Vec<(usize, Part)>,
    error: Option<Error>,
    is_over: bool,
}

impl Parts {
    /// Adds parts, in the order of their keys.
    pub fn fill(&self, parts: Vec<Part>) {
        let mut shared = self.shared.lock();
        shared.waiting = parts.into_iter().enumerate().collect();
    }

    /// A part that nobody does yet.
    #[must_use]
    pub fn take(self: &Arc<Self>) -> Option<Helper> {
        let mut shared = self.shared.lock();
        if shared.is_over || shared.error.is_some() {
            return None;
        }
        let (index, part) = shared.waiting.pop_front()?;
        shared.running += 1;
        drop(shared);
        Some(Helper { home: Arc::clone(self), index, part: Some(part) })
    }

    /// True if somebody may take a part.
    #[must_use]
    pub fn has_work(&self) -> bool {
        let shared = self.shared.lock();
        !shared.is_over && shared.error.is_none() && !shared.waiting.is_empty()
    }

    /// How many entries were read so far, by whoever does a part.
    #[must_use]
    pub fn entries_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// True once all parts are done; the error of one that failed.
    pub fn is_done(&self) -> Result<bool> {
        let shared = self.shared.lock();
        match &shared.error {
            Some(error) => Err(error.clone()),
            None => Ok(shared.waiting.is_empty() && shared.running == 0),
        }
    }

    /// The parts that are done, in the order of their keys.
    #[must_use]
    pub fn into_done(&self) -> Vec<Part> {
        let mut done = std::mem::take(&mut self.shared.lock().done);
        sort_by_key(&mut done, |(index, _)| *index);
        done.into_iter().map(|(_, part)| part).collect()
    }

    /// Gives up all parts. Those that somebody does are given up at their next step.
    pub fn cancel(&self) {
        let mut shared = self.shared.lock();
        shared.is_over = true;
        let waiting = std::mem::take(&mut shared.waiting);
        let done = std::mem::take(&mut shared.done);
        drop(shared);
        drop(waiting);
        done.into_iter().for_each(|(_, mut part)| part.discard());
    }

    fn is_over(&self) -> bool {
        self.shared.lock().is_over
    }

    fn bring_back(&self, index: usize, mut part: Part, result: Result<()>) {
        let mut shared = self.shared.lock();
        shared.running = shared.running.saturating_sub(1);
        match result {
            Ok(()) if !shared.is_over => shared.done.push((index, part)),
            result => {
                if let Err(error) = result {
                    shared.error.get_or_insert(error);
                }
                drop(shared);
                part.discard();
            }
        }
    }
}

/// A part that somebody does.
#[derive(Debug)]
pub struct Helper {
    home: Arc<Parts>,
    index: usize,
    part: Option<Part>,
}

impl Helper {
    /// Does the next piece; true when there is nothing more to do. What went wrong is told to the
    /// job that the part belongs to.
    pub fn step(&mut self) -> bool {
        let Some(mut part) = self.part.take() else { return true };
        let before = part.entries_read();
        let result = if self.home.is_over() { Ok(true) } else { part.step() };
        self.home.read.fetch_add(part.entries_read() - before, Ordering::Relaxed);
        match result {
            Ok(false) => {
                self.part = Some(part);
                false
            }
            result => {
                self.home.bring_back(self.index, part, result.map(drop));
                true
            }
        }
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        if let Some(part) = self.part.take() {
            let error = Error::new(ErrorKind::Aborted, "a part of a compaction was given up");
            self.home.bring_back(self.index, part, Err(error));
        }
    }
}
