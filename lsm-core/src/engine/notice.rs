//! Faults told to listeners, and waits for the disk timed.

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::sync::Ordering;
use crate::engine::keyspaces::KeyspaceState;
use crate::engine::state::Engine;
use crate::extend::event::Event;
use crate::key::keyspace::KeyspaceId;
use crate::stats::counters::Counter;
use crate::stats::timings::Timing;

impl Engine {
    /// Tells listeners of a fault that stops writes, if there is one that they do not know of. To
    /// be called where an error was met, with no lock held.
    #[cold]
    pub fn note_fault(&self) {
        // What a fork has copied is not at fault.
        if self.journal.check_not_forked().is_err() {
            return;
        }
        let Some(error) = self.health.fault().or_else(|| self.journal.fault()) else { return };
        if !self.is_fault_told.swap(true, Ordering::AcqRel) {
            self.plugins.listeners.tell(|| Event::BecameReadOnly { error });
        }
    }

    /// Takes in that stored bytes are wrong, and tells listeners if they do not know of the place.
    #[cold]
    pub fn note_damage(&self, error: &Error, table: Option<u64>) {
        if self.damage.note(error, table) {
            self.plugins.listeners.tell(|| Event::DamageFound { error: error.clone() });
        }
    }

    /// Takes in that a write was not taken: whether for want of room, and what faults there are.
    #[cold]
    pub fn note_refused(&self, error: &Error) {
        if error.kind() == ErrorKind::NoSpace {
            self.health.note_full(self.visible(), error.clone());
        }
        self.note_fault();
    }

    /// Tells listeners that a fault is over, if they know of one.
    pub fn note_resumed(&self) {
        if self.is_fault_told.swap(false, Ordering::AcqRel) {
            self.plugins.listeners.tell(|| Event::Resumed);
        }
    }

    /// Tells listeners that the strategy of a keyspace was dismissed, if they do not know of it. To
    /// be called with no lock held.
    pub fn note_strategy(&self, keyspace: &KeyspaceState) {
        let Some((strategy, why)) = keyspace.strategist.take_fault() else { return };
        self.counters.add(Counter::StrategiesFailed, 1);
        self.plugins.listeners.tell(|| Event::StrategyFailed {
            keyspace: keyspace.name.clone(),
            strategy: strategy.to_owned(),
            why,
        });
    }

    /// Tells listeners that the compaction filter of a keyspace failed, if they do not know of it.
    /// To be called with no lock held.
    pub fn note_sieve(&self, keyspace: KeyspaceId) {
        let sieve = self.keyspaces.by_id(keyspace).and_then(|keyspace| keyspace.sieve.clone());
        let Some(sieve) = sieve else { return };
        let Some((failures, why)) = sieve.take_failures() else { return };
        self.counters.add(Counter::CompactionFilterFailures, failures);
        self.plugins.listeners.tell(|| Event::FilterFailed {
            keyspace: sieve.keyspace().to_owned(),
            filter: sieve.name().to_owned(),
            failures,
            why,
        });
    }

    /// Takes in that a plan of a keyspace's strategy is done and installed.
    pub fn note_plan_done(&self, keyspace: KeyspaceId) {
        let view = self.view.load();
        let Some(keyspace) = self.keyspaces.by_id(keyspace) else { return };
        if let Some(tree) = view.version.tree(keyspace.id) {
            keyspace.strategist.note_done(tree);
        }
        self.note_strategy(&keyspace);
    }

    /// Waits for the disk, and takes in how long that took.
    pub fn wait_synced(&self, sync: impl FnOnce() -> Result<()>) -> Result<()> {
        let begun = self.timings.begin(Timing::SyncWait);
        let synced = sync();
        match &synced {
            Ok(()) => self.timings.end(Timing::SyncWait, begun),
            Err(_) => self.note_fault(),
        }
        synced
    }
}
