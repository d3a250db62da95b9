//! What an open database consists of.

use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::base::budget::{Budget, Charge};
use crate::base::current::Current;
use crate::base::error::{Error, Result};
use crate::base::sync::{AtomicBool, AtomicU64, AtomicUsize, Mutex, Ordering};
use crate::blob::store::Blobs;
use crate::cache::pool::Cache;
use crate::engine::damage::Damage;
use crate::engine::desk::Desk;
use crate::engine::keyspaces::Keyspaces;
use crate::engine::merging::Merging;
use crate::engine::pacer::Pacer;
use crate::engine::plugins::Plugins;
use crate::engine::quiet::Quiet;
use crate::engine::reader::Reader;
use crate::engine::snapshots::Snapshots;
use crate::engine::throttle::Throttle;
use crate::env::schedule::Signal;
use crate::env::world::Env;
use crate::health::Health;
use crate::journal::handle::Journal;
use crate::journal::jobs::Jobs;
use crate::key::seqno::SeqNo;
use crate::memtable::handle::{Inserter, Memtable};
use crate::memtable::stock::Stock;
use crate::options::database::Options;
use crate::read::dead::DeadRanges;
use crate::read::view::View;
use crate::stats::counters::Counters;
use crate::stats::timings::Timings;
use crate::version::garbage::Garbage;
use crate::version::shelf::Shelf;

/// Tells one open database from another, and keeps nothing of it alive.
#[derive(Debug, Default)]
pub struct Identity;

/// What a scan takes along of its database, which it may outlive.
#[derive(Debug)]
pub struct Home {
    /// The database, for as long as somebody else keeps it.
    pub engine: Weak<Engine>,
    /// Where scans need not look.
    pub dead: Arc<DeadRanges>,
    /// What was counted.
    pub counters: Arc<Counters>,
    /// How long things took.
    pub timings: Arc<Timings>,
    /// Large values.
    pub blobs: Arc<Blobs>,
}

impl Home {
    /// For a database that is about to be opened.
    #[must_use]
    pub fn new(
        engine: &Weak<Engine>,
        env: &Env,
        budget: &Arc<Budget>,
        blobs: &Arc<Blobs>,
    ) -> Arc<Self> {
        Arc::new(Self {
            engine: engine.clone(),
            dead: DeadRanges::new(budget),
            counters: Arc::new(Counters::new()),
            timings: Arc::new(Timings::new(env.clock.clone())),
            blobs: blobs.clone(),
        })
    }
}

/// One open database. Handles, snapshots and background jobs share it.
#[derive(Debug)]
pub struct Engine {
    // Constant after the opening.
    /// Which database this is, for what was made for one.
    pub identity: Arc<Identity>,
    /// The world.
    pub env: Env,
    /// Where it lies.
    pub path: PathBuf,
    /// What was chosen.
    pub options: Options,
    /// The ground: log, manifest, directory.
    pub journal: Journal,
    /// Where table files are opened from.
    pub shelf: Arc<Shelf>,
    /// Resident blocks.
    pub cache: Arc<Cache>,
    /// Who holds how much memory.
    pub budget: Arc<Budget>,
    /// Memory of memtables that are gone.
    pub stock: Arc<Stock>,
    /// How many jobs are in the middle of a step.
    pub steps: AtomicUsize,
    /// What background work may take at any time.
    pub reserved: Vec<Charge>,
    /// What was counted.
    pub counters: Arc<Counters>,
    /// How long things took.
    pub timings: Arc<Timings>,
    /// What scans take along.
    pub home: Arc<Home>,
    /// What the program plugged in.
    pub plugins: Plugins,
    /// How the writer is followed; none in a database that is written here.
    pub reader: Option<Reader>,

    // Each with a lock of its own, or none.
    /// What there is to read.
    pub view: Current<View>,
    /// The last sequence number that readers see.
    pub visible: AtomicU64,
    /// Where scans need not look, because nothing lives there.
    pub dead: Arc<DeadRanges>,
    /// Moments that somebody still reads at.
    pub snapshots: Arc<Snapshots>,
    /// What keeps chains of merge operands short.
    pub merging: Merging,
    /// The trees there are.
    pub keyspaces: Keyspaces,
    /// Held while it is looked at what keyspaces take.
    pub quotas: Mutex<()>,
    /// How far writers are held back.
    pub pacer: Pacer,
    /// How fast background work writes.
    pub throttle: Arc<Throttle>,
    /// Whether it is quiet.
    pub quiet: Quiet,
    /// Whether writes are taken.
    pub health: Health,
    /// Where stored bytes are wrong, as far as the background has met it.
    pub damage: Damage,
    /// Listeners know of the present fault.
    pub is_fault_told: AtomicBool,
    /// Memtables that wait for their flush.
    pub sealed: AtomicUsize,
    /// How many entries the flush that runs has read.
    pub flush_read: AtomicU64,
    /// The database is closing or closed: calls are refused.
    pub is_closing: AtomicBool,
    /// Background jobs give up what they are at, and end.
    pub is_stopping: AtomicBool,
    /// Background jobs that have not ended.
    pub jobs: Arc<Jobs>,
    /// Tables that nobody needs any more.
    pub garbage: Arc<Garbage>,
    /// When readers in other processes are asked next about files that wait for them.
    pub ask_readers_at: Mutex<Option<Duration>>,
    /// Wakes the background jobs.
    pub work: Arc<Signal>,
    /// Tells waiting callers that a background job got further.
    pub progress: Arc<Signal>,

    /// The commit lock: who holds it gives out sequence numbers and fills the memtable. Before
    /// every other lock of the engine.
    pub writer: Mutex<Writer>,
    /// What the background jobs are at.
    pub desk: Mutex<Desk>,
}

/// The one who writes.
#[derive(Debug)]
pub struct Writer {
    /// Where writes go.
    pub memtable: Arc<Memtable>,
    /// The right to write there.
    pub inserter: Inserter,
    /// It holds entries that the log does not.
    pub has_volatile: bool,
    /// So many bytes may still come to the log before the memtable is flushed.
    pub log_left: u64,
    /// So many bytes of large values, too.
    pub apart_left: u64,
}

impl Engine {
    /// Refuses a call on a database that is closed, or that a fork has copied.
    #[inline]
    pub fn check_open(&self) -> Result<()> {
        self.check_not_closing()?;
        self.journal.check_not_forked()
    }

    #[inline]
    fn check_not_closing(&self) -> Result<()> {
        if self.is_closing.load(Ordering::Acquire) {
            return Err(Error::closed());
        }
        Ok(())
    }

    /// Refuses a write on a database that is closed, read-only or at fault.
    #[inline]
    pub fn check_writable(&self) -> Result<()> {
        self.check_not_read_only()?;
        self.health.check()
    }

    /// Refuses a write that `check_writable` has let pass, if that has changed meanwhile: nobody
    /// forks or becomes a reader in the midst of a write.
    #[inline]
    pub fn check_still_writable(&self) -> Result<()> {
        self.check_not_closing()?;
        self.health.check()
    }

    /// Refuses a write on a database that is closed or read-only.
    #[inline]
    pub fn check_not_read_only(&self) -> Result<()> {
        self.check_open()?;
        if self.options.is_read_only() {
            return Err(Error::read_only());
        }
        Ok(())
    }

    /// The last sequence number that readers see.
    #[inline]
    #[must_use]
    pub fn visible(&self) -> SeqNo {
        SeqNo::new(self.visible.load(Ordering::Acquire)).unwrap_or(SeqNo::MAX)
    }

    /// The moment that decides what has expired: never before one that was seen earlier, in this
    /// opening or in one before.
    #[must_use]
    pub fn now_millis(&self) -> u64 {
        self.env.clock.wall_millis()
    }

    /// The moment `timeout` from now.
    #[must_use]
    pub fn deadline(&self, timeout: Option<Duration>) -> Option<Duration> {
        timeout.map(|timeout| self.env.clock.monotonic().saturating_add(timeout))
    }
}
