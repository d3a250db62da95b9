//! Who is waited for, and for how long nobody is.

use std::sync::Arc;

use super::*;
use crate::base::error::Result;
use crate::env::schedule::{Job, Signal};

/// Counts how often somebody lingers, and lets so many come meanwhile.
#[derive(Debug, Default)]
struct Lingering {
    times: AtomicUsize,
    crowd: Crowd,
    come: usize,
}

impl Lingering {
    /// A sync of a caller that came with so many others, which all go when it has ended.
    fn sync_of(&self, callers: usize) {
        let here: Vec<_> = (0..callers).map(|_| self.crowd.enter()).collect();
        self.crowd.gather(self);
        self.crowd.disperse();
        drop(here);
        // Those who came while somebody lingered go, too.
        self.crowd.present.store(0, Ordering::Relaxed);
    }

    fn times(&self) -> usize {
        self.times.load(Ordering::Relaxed)
    }
}

impl Scheduler for Lingering {
    fn wait(&self, _: &Signal, _: Option<Duration>, ready: &mut dyn FnMut() -> bool) -> bool {
        ready()
    }

    fn linger(&self, limit: Duration, ready: &mut dyn FnMut() -> bool) {
        assert!(limit <= PATIENCE && !ready());
        (0..self.come).for_each(|_| std::mem::forget(self.crowd.enter()));
        self.times.fetch_add(1, Ordering::Relaxed);
    }

    fn spawn(&self, _: &'static str, _: Arc<Signal>, _: Box<dyn Job>) -> Result<()> {
        Ok(())
    }
}

#[test]
fn one_caller_waits_for_nobody() {
    let scheduler = Lingering::default();
    (0..3).for_each(|_| scheduler.sync_of(1));
    assert_eq!(scheduler.times(), 0);
}

#[test]
fn those_who_were_there_are_waited_for_as_long_as_some_come() {
    let scheduler = Lingering { come: 2, ..Lingering::default() };
    scheduler.sync_of(3);
    assert_eq!(scheduler.times(), 0);
    for round in 1..5 {
        scheduler.sync_of(1);
        assert_eq!(scheduler.times(), round);
    }
    scheduler.sync_of(3);
    assert_eq!(scheduler.times(), 4, "all are there");
}

#[test]
fn whoever_came_during_a_sync_is_counted_once() {
    let scheduler = Lingering { come: 1, ..Lingering::default() };
    let crowd = &scheduler.crowd;
    let first = crowd.enter();
    crowd.gather(&scheduler);
    let second = crowd.enter();
    crowd.disperse();
    drop(first);
    // Of two, one is here, and the other one comes back.
    crowd.gather(&scheduler);
    assert_eq!(scheduler.times(), 1);
    crowd.disperse();
    drop(second);
}

#[test]
fn after_waiting_in_vain_the_next_syncs_begin_at_once() {
    let scheduler = Lingering::default();
    for round in 0..2 * (HASTY + 1) {
        // Two came, and only one comes back.
        scheduler.sync_of(2);
        drop(scheduler.crowd.enter());
        scheduler.crowd.gather(&scheduler);
        assert_eq!(scheduler.times(), 1 + round / (HASTY + 1), "round {round}");
    }
    let before = scheduler.times();
    (0..2 * HASTY).for_each(|_| scheduler.sync_of(1));
    assert!(scheduler.times() <= before + 1, "who is alone waits once at most");
}
