//! The world of one process: the engine in it, other clients that act while one waits, what the
//! engine tells of, and the death of the process.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lsm_core::base::sync::Mutex;
use lsm_core::env::schedule::{Job, Scheduler, Signal};
use lsm_core::env::sim::disk::SimDisk;
use lsm_core::env::sim::rng::Rng;
use lsm_core::env::sim::rules::{NoWriteAfterFailure, SyncedBeforeRename};
use lsm_core::env::sim::scheduler::SimScheduler;
use lsm_core::env::sim::world::SimWorld;
use lsm_core::env::world::Env;
use lsm_core::{
    Builder, CompactionFilter, Db, Event, FilterContext, FilterDecision, Options, Result,
    SalvageReport,
};

use crate::deed::{Answer, Deed};
use crate::interrupt::Interrupts;
use crate::model::swept;
use crate::swarm::{FILTER, Kept};

/// Where the database lies.
pub const PATH: &str = "/data/db";

/// A process that asks the disk for more than this does not come to an end.
const OPERATIONS_MAX: u64 = 300_000;

/// When the world began, in milliseconds since 1970.
const START: u64 = 1_700_000_000_000;

/// A minute of the model as the wall clock has it.
#[must_use]
pub fn millis_of(minute: u64) -> u64 {
    START + minute * 60_000
}

/// An empty disk with the rules that hold for every disk.
#[must_use]
pub fn new_disk() -> SimDisk {
    let disk = SimDisk::new();
    watch(&disk);
    disk
}

/// Has a disk watch over the order of operations.
pub fn watch(disk: &SimDisk) {
    disk.add_rule(NoWriteAfterFailure::default());
    disk.add_rule(SyncedBeforeRename);
}

/// The first rule that was broken. The lock file is never synced, and nothing hangs on it.
#[must_use]
pub fn complaint(disk: &SimDisk) -> Option<String> {
    disk.violations().into_iter().find(|complaint| !complaint.contains("/db.lock"))
}

/// Something that another client did meanwhile, for the model to take in.
#[derive(Clone, Debug)]
pub struct Done {
    /// What.
    pub deed: Deed,
    /// When it was begun and answered, in disk operations.
    pub times: (u64, u64),
    /// What it answered.
    pub answer: Answer,
    /// The last number before it, if it is not that of what was taken in last.
    pub last: Option<u64>,
}

/// Other clients, who act while one waits.
#[derive(Debug, Default)]
pub struct Meanwhile(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    db: Option<Db>,
    disk: Option<SimDisk>,
    rng: Option<Rng>,
    left: VecDeque<Deed>,
    done: Vec<Done>,
}

impl Meanwhile {
    /// These deeds are done as soon as somebody waits, at moments that the seed chooses.
    pub fn arm(&self, (db, disk): (Db, SimDisk), seed: u64, deeds: Vec<Deed>) {
        *self.0.lock() = Inner {
            db: Some(db),
            disk: Some(disk),
            rng: Some(Rng::new(seed)),
            left: deeds.into(),
            done: Vec::new(),
        };
    }

    /// What was done; nothing is any more.
    pub fn disarm(&self) -> Vec<Done> {
        std::mem::take(&mut *self.0.lock()).done
    }

    /// Does one deed, perhaps.
    fn poll(&self) {
        let (deed, db, disk) = {
            let mut inner = self.0.lock();
            let is_time = inner.rng.as_mut().is_some_and(|rng| rng.chance(1, 3));
            if !is_time || inner.left.is_empty() {
                return;
            }
            // Whoever waits within a deed waits alone.
            let (Some(db), Some(disk)) = (inner.db.take(), inner.disk.clone()) else { return };
            let Some(deed) = inner.left.pop_front() else { return };
            (deed, db, disk)
        };
        let done = perform(&db, &disk, deed);
        let mut inner = self.0.lock();
        inner.db = Some(db);
        inner.done.push(done);
    }
}

/// Does a deed, and notes when.
#[must_use]
pub fn perform(db: &Db, disk: &SimDisk, deed: Deed) -> Done {
    let begun = disk.op_count();
    let answer = deed.perform(db);
    Done { deed, times: (begun, disk.op_count()), answer, last: None }
}

/// The scheduler of the simulation, with other clients.
#[derive(Debug)]
struct Crowd {
    inner: Arc<SimScheduler>,
    meanwhile: Arc<Meanwhile>,
}

impl Scheduler for Crowd {
    fn wait(
        &self,
        signal: &Signal,
        deadline: Option<Duration>,
        ready: &mut dyn FnMut() -> bool,
    ) -> bool {
        self.inner.wait(signal, deadline, &mut || {
            if ready() {
                return true;
            }
            self.meanwhile.poll();
            ready()
        })
    }

    fn spawn(&self, name: &'static str, wake: Arc<Signal>, job: Box<dyn Job>) -> Result<()> {
        self.inner.spawn(name, wake, job)
    }
}

/// What the engine has told of.
#[derive(Debug, Default)]
pub struct Told {
    /// Work that failed, faults, damage.
    pub troubles: AtomicU64,
    /// Flushes, and merges.
    pub work: AtomicU64,
}

impl Told {
    fn take_in(&self, event: &Event) {
        let count = match event {
            Event::WorkFailed { .. } | Event::BecameReadOnly { .. } | Event::DamageFound { .. } => {
                &self.troubles
            }
            Event::Flushed { .. } | Event::Compacted { .. } => &self.work,
            _ => return,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// Takes away or changes values by their first letter.
struct Sweeper;

impl CompactionFilter for Sweeper {
    fn name(&self) -> &str {
        FILTER
    }

    fn filter(&self, _: &[u8], value: &[u8], _: &FilterContext<'_>) -> Result<FilterDecision> {
        Ok(match swept(value) {
            None => FilterDecision::Remove,
            Some(other) if other == value => FilterDecision::Keep,
            Some(other) => FilterDecision::Replace(other),
        })
    }
}

/// One process.
#[derive(Debug)]
pub struct Process {
    /// Its world.
    pub world: SimWorld,
    /// Its other clients.
    pub meanwhile: Arc<Meanwhile>,
    /// What the engine told it.
    pub told: Arc<Told>,
    /// Who acts between its operations.
    pub interrupts: Interrupts,
}

impl Process {
    /// A process on this disk, in this minute.
    #[must_use]
    pub fn new(disk: &SimDisk, seed: u64, minute: u64) -> Self {
        let world = SimWorld::from_disk(disk.clone(), seed);
        world.clock.set_wall_millis(millis_of(minute));
        let interrupts = Interrupts::new();
        interrupts.once(OPERATIONS_MAX, || panic!("a loop: {OPERATIONS_MAX} operations"));
        Self { world, meanwhile: Arc::default(), told: Arc::default(), interrupts }
    }

    /// Opens the database.
    ///
    /// # Errors
    ///
    /// What the engine answers.
    pub fn open(&self, options: &Options, default: &Kept) -> Result<Db> {
        self.open_at(PATH, options, default)
    }

    /// The same of another directory.
    ///
    /// # Errors
    ///
    /// What the engine answers.
    pub fn open_at(&self, path: &str, options: &Options, default: &Kept) -> Result<Db> {
        let told = self.told.clone();
        let builder = self.builder(path, options, default);
        builder.listener(move |event: &Event| told.take_in(event)).open()
    }

    /// Salvages the database into this directory.
    ///
    /// # Errors
    ///
    /// What the engine answers.
    pub fn salvage(&self, options: &Options, default: &Kept, to: &str) -> Result<SalvageReport> {
        self.builder(PATH, options, default).salvage(to)
    }

    fn builder(&self, path: &str, options: &Options, default: &Kept) -> Builder {
        let crowd =
            Crowd { inner: self.world.scheduler.clone(), meanwhile: self.meanwhile.clone() };
        let env = Env { scheduler: Arc::new(crowd), ..self.world.env() };
        let env = self.interrupts.world(&env);
        let builder = Db::builder(path).options(options.clone()).env(env);
        builder.default_keyspace(default.options.clone()).compaction_filter(Sweeper)
    }

    /// The death of the process: as in a forked child, the handles touch nothing when they go.
    pub fn kill<T>(&self, handles: T) {
        let _left = self.meanwhile.disarm();
        self.world.disk.set_forked(true);
        self.world.scheduler.kill();
        drop(handles);
        self.world.disk.set_forked(false);
    }
}
