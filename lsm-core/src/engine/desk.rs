//! The desk: what the background jobs are at, and what they were asked to do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::base::error::Error;
use crate::base::sync::{AtomicBool, Mutex};
use crate::compaction::busy::Busy;
use crate::compaction::manual::Request;
use crate::compaction::parts::{Helper, Parts};
use crate::compaction::plan::Plan;
use crate::key::keyspace::KeyspaceId;

/// What is going on in the background. One lock covers it, never held across I/O.
#[derive(Debug, Default)]
pub struct Desk {
    /// Somebody flushes: one at a time, the oldest memtable first.
    pub is_flushing: bool,
    /// What running compactions have claimed, by tree.
    pub busy: BTreeMap<KeyspaceId, Busy>,
    /// Parts of running compactions, of which others may take some.
    parts: Vec<(KeyspaceId, u64, Arc<Parts>)>,
    /// So many have asked that nothing be merged unless somebody waits for it.
    pub pauses: usize,
    /// Nothing is begun before this moment, since the last try failed.
    pub retry_at: Option<Duration>,
    /// How the last failed try failed.
    pub failure: Option<Error>,
    /// How many tries have failed.
    pub failures: u64,
    /// How many have failed since one went well.
    pub failures_in_a_row: u32,
    /// Compactions that somebody asked for and waits for.
    pub asked: Vec<Arc<Asked>>,
}

/// A compaction that somebody waits for.
#[derive(Debug)]
pub struct Asked {
    /// The tree.
    pub keyspace: KeyspaceId,
    /// What is to be compacted.
    pub request: Request,
    /// Nothing is left to do.
    pub is_done: AtomicBool,
    /// Nobody waits any more: what is done for it alone is given up.
    pub is_given_up: AtomicBool,
    /// What was begun for it.
    pub begun: Mutex<Vec<Begun>>,
}

/// A merge that was begun for somebody who waits.
#[derive(Debug)]
pub struct Begun {
    /// How many entries it reads.
    pub entries: u64,
    /// Who knows how many of them it has read.
    pub parts: Arc<Parts>,
}

impl Asked {
    /// Somebody asks for this.
    #[must_use]
    pub fn new(keyspace: KeyspaceId, request: Request) -> Arc<Self> {
        let (is_done, is_given_up) = (AtomicBool::new(false), AtomicBool::new(false));
        Arc::new(Self { keyspace, request, is_done, is_given_up, begun: Mutex::default() })
    }

    /// How many entries were read for it, and how many there are to read as far as it is known.
    #[must_use]
    pub fn entries_read(&self) -> (u64, u64) {
        self.begun.lock().iter().fold((0, 0), |(read, all), begun| {
            (read + begun.parts.entries_read().min(begun.entries), all + begun.entries)
        })
    }
}

impl Desk {
    /// True if no job is at anything.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        !self.is_flushing && self.busy.is_empty()
    }

    /// Claims what a plan needs; `None` if another job has some of it.
    pub fn claim(&mut self, plan: &Plan) -> Option<u64> {
        let ticket = self.busy.entry(plan.keyspace).or_default().claim(plan);
        self.forget_idle(plan.keyspace);
        ticket
    }

    /// Gives back what a compaction had claimed.
    pub fn release(&mut self, keyspace: KeyspaceId, ticket: u64) {
        if let Some(busy) = self.busy.get_mut(&keyspace) {
            busy.release(ticket);
        }
        self.parts.retain(|(tree, theirs, _)| (*tree, *theirs) != (keyspace, ticket));
        self.forget_idle(keyspace);
    }

    fn forget_idle(&mut self, keyspace: KeyspaceId) {
        if self.busy.get(&keyspace).is_some_and(Busy::is_idle) {
            self.busy.remove(&keyspace);
        }
    }

    /// Lets others take parts of a compaction.
    pub fn share(&mut self, keyspace: KeyspaceId, ticket: u64, parts: Arc<Parts>) {
        self.parts.push((keyspace, ticket, parts));
    }

    /// A part that nobody does yet.
    #[must_use]
    pub fn take_part(&self) -> Option<Helper> {
        self.parts.iter().find_map(|(_, _, parts)| parts.take())
    }
}
