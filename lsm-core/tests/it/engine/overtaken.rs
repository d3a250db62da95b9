//! Whoever waits is overtaken: by the time that it goes on, somebody else has taken what it waited
//! for.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lsm_core::base::error::Result;
use lsm_core::env::schedule::{Job, Scheduler, Signal};
use lsm_core::env::sim::world::SimWorld;
use lsm_core::env::world::Env;
use lsm_core::{Db, Durability, KeyspaceOptions, Options, Read, WriteOptions};

use crate::harness::disk::{PATH, new_disk};

/// So many bytes fill a memtable.
const FULL: usize = 64 << 10;
/// Nobody is overtaken more often than this.
const TIMES: u64 = 3;

/// Lets somebody else write whenever a wait ends.
#[derive(Debug)]
struct Overtaking {
    inner: Arc<dyn Scheduler>,
    other: Mutex<Option<Db>>,
    is_at_it: AtomicBool,
    left: AtomicU64,
    overtaken: AtomicU64,
}

impl Scheduler for Overtaking {
    fn wait(
        &self,
        signal: &Signal,
        deadline: Option<Duration>,
        ready: &mut dyn FnMut() -> bool,
    ) -> bool {
        let is_ready = self.inner.wait(signal, deadline, ready);
        let other = self.other.lock().unwrap().clone();
        let Some(other) = other.filter(|_| is_ready) else { return is_ready };
        if !self.is_at_it.swap(true, Ordering::Relaxed) {
            if self.left.load(Ordering::Relaxed) > 0 {
                self.left.fetch_sub(1, Ordering::Relaxed);
                let at_once =
                    WriteOptions::new().timeout(Duration::ZERO).durability(Durability::Volatile);
                while other.put_with("other", [7; FULL], &at_once).is_ok() {}
                self.overtaken.fetch_add(u64::from(!ready()), Ordering::Relaxed);
            }
            self.is_at_it.store(false, Ordering::Relaxed);
        }
        is_ready
    }

    fn spawn(&self, name: &'static str, wake: Arc<Signal>, job: Box<dyn Job>) -> Result<()> {
        self.inner.spawn(name, wake, job)
    }
}

#[test]
fn a_writer_that_is_overtaken_by_others_waits_for_another_flush() {
    let world = SimWorld::from_disk(new_disk(), 5);
    let scheduler = Arc::new(Overtaking {
        inner: world.scheduler.clone(),
        other: Mutex::default(),
        is_at_it: AtomicBool::new(false),
        left: AtomicU64::new(0),
        overtaken: AtomicU64::new(0),
    });
    let env = Env { scheduler: scheduler.clone(), ..world.env() };
    let options = Options::new().memory_limit(16 << 20).memtable_bytes(FULL as u64);
    let builder = Db::builder(PATH).options(options.sync_interval(None)).env(env);
    let beside = KeyspaceOptions::new().blob_threshold(0);
    let db = builder.default_keyspace(beside).open().unwrap();
    *scheduler.other.lock().unwrap() = Some(db.clone());
    for at in 0..200_u64 {
        scheduler.left.store(TIMES, Ordering::Relaxed);
        db.put(at.to_be_bytes(), [7; FULL]).unwrap();
    }
    assert!(scheduler.overtaken.load(Ordering::Relaxed) > 20);
    *scheduler.other.lock().unwrap() = None;
    assert_eq!(db.count(..).unwrap(), 201);
    db.close().unwrap();
}
