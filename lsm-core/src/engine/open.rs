//! Opening: the ground is recovered, the log is replayed into memory, the trees are listed.

use std::path::Path;
use std::sync::Arc;

use crate::base::budget::Budget;
use crate::base::current::Current;
use crate::base::error::Result;
use crate::base::sync::{AtomicBool, AtomicU64, AtomicUsize, Mutex};
use crate::cache::pool::Cache;
use crate::engine::damage::Damage;
use crate::engine::desk::Desk;
use crate::engine::keyspaces::Keyspaces;
use crate::engine::memory::{cache_floor, log_share, reserve, segment_bytes_max};
use crate::engine::merging::Merging;
use crate::engine::pacer::Pacer;
use crate::engine::plugins::Plugins;
use crate::engine::quiet::Quiet;
use crate::engine::replay::{Memtables, Replay};
use crate::engine::scrub::Scrub;
use crate::engine::snapshots::Snapshots;
use crate::engine::state::{Engine, Home, Identity, Writer};
use crate::engine::throttle::Throttle;
use crate::engine::worker::Worker;
use crate::env::clock::SteadyClock;
use crate::env::schedule::Signal;
use crate::env::world::Env;
use crate::extend::event::Event;
use crate::health::Health;
use crate::journal::handle::Journal;
use crate::journal::jobs::Jobs;
use crate::journal::options::{JournalOptions, OpenReport};
use crate::memtable::handle::{Inserter, Memtable};
use crate::memtable::stock::Stock;
use crate::options::database::Options;
use crate::read::view::View;
use crate::version::catalog::Catalog;
use crate::version::current::Version;
use crate::version::garbage::Garbage;
use crate::version::shelf::Shelf;
use crate::wal::chain::Replayed;

impl Engine {
    /// Opens the database at `path`.
    pub fn open(
        env: &Env,
        path: &Path,
        options: &Options,
        plugins: Plugins,
    ) -> Result<(Arc<Self>, OpenReport)> {
        options.check()?;
        plugins.strategies.check()?;
        plugins.orders.check()?;
        plugins.operators.check()?;
        let options = &options.clone().fit_to(env.host.memory_bytes());
        options.check()?;
        let clock = SteadyClock::new(env.clock.clone());
        let env = &Env { clock: clock.clone(), ..env.clone() };
        let (engine, report) = Self::open_by((env, &clock), path, options, plugins)?;
        engine.begin(&report)?;
        Ok((engine, report))
    }

    /// Opens it in a world with this clock, and begins with nothing.
    fn open_by(
        (env, clock): (&Env, &SteadyClock),
        path: &Path,
        options: &Options,
        plugins: Plugins,
    ) -> Result<(Arc<Self>, OpenReport)> {
        let budget = Budget::new(options.get_memory_limit());
        let mut replay = Replay::new(env.scheduler.as_ref(), options, &budget)?;
        let (journal, report) = open_journal((env, path), options, &mut replay)?;
        let catalog = journal.catalog()?;
        clock.raise(catalog.clock_millis);
        let work = Signal::new();
        let reserved = reserve(options, &budget, journal.is_mapped());
        let cache = Cache::new(budget.clone(), 0);
        cache.take_the_rest(cache_floor(options));
        let garbage = Garbage::new(work.clone());
        let shelf = shelf_of(&journal, &cache, options);
        let version = Version::from_catalog(&catalog, garbage.clone(), Some(shelf.clone()))?;
        let strategies = (!options.is_read_only()).then_some(&plugins.strategies);
        let keyspaces = Keyspaces::of(&catalog, strategies, &plugins)?;
        let Memtables { active, inserter, sealed, .. } = replayed(replay, &journal)?;
        let writer = first_writer((active.clone(), inserter), options, &journal);
        let view = View { active, sealed, version: Arc::new(version) };
        let engine = Arc::new_cyclic(|engine| {
            let home = Home::new(engine, env, &budget);
            Self {
                identity: Arc::new(Identity),
                env: env.clone(),
                path: path.to_path_buf(),
                options: options.clone(),
                shelf,
                cache,
                stock: Stock::new(&budget, options.get_memtable_bytes() as usize),
                steps: AtomicUsize::new(0),
                budget: budget.clone(),
                reserved,
                counters: home.counters.clone(),
                timings: home.timings.clone(),
                plugins,
                sealed: AtomicUsize::new(view.sealed.len()),
                view: Current::new(view),
                visible: AtomicU64::new(journal.next_seqno().get().saturating_sub(1)),
                dead: home.dead.clone(),
                quotas: Mutex::new(()),
                snapshots: Snapshots::new(),
                merging: Merging::default(),
                keyspaces,
                pacer: Pacer::default(),
                throttle: Arc::new(Throttle::new(options.get_write_bytes_per_second())),
                quiet: Quiet::new(env.clock.monotonic()),
                health: Health::new(),
                damage: Damage::default(),
                is_fault_told: AtomicBool::new(false),
                flush_read: AtomicU64::new(0),
                is_closing: AtomicBool::new(false),
                is_stopping: AtomicBool::new(false),
                jobs: Jobs::new(),
                work,
                progress: Signal::new(),
                garbage,
                writer: Mutex::new(writer),
                desk: Mutex::new(Desk::default()),
                journal,
                home,
            }
        });
        Ok((engine, report))
    }

    /// Tells how the opening went, and begins with what is done in the background.
    fn begin(self: &Arc<Self>, report: &OpenReport) -> Result<()> {
        self.plugins.listeners.tell(|| Event::Recovered { report: report.clone() });
        if self.options.is_read_only() {
            return Ok(());
        }
        self.update_quotas();
        let spawned = self.spawn_jobs();
        if spawned.is_err() {
            let _the_first_error_counts = self.close();
        }
        spawned
    }

    fn spawn_jobs(self: &Arc<Self>) -> Result<()> {
        let scheduler = &self.env.scheduler;
        for _ in 0..self.options.get_background_threads() {
            let worker = Box::new(Worker::new(self.clone(), self.jobs.add()));
            scheduler.spawn("lsm-worker", self.work.clone(), worker)?;
        }
        if self.options.get_scrub_bytes_per_second() > 0 {
            let scrub = Box::new(Scrub::new(self.clone(), self.jobs.add()));
            scheduler.spawn("lsm-scrub", self.work.clone(), scrub)?;
        }
        Ok(())
    }
}

/// Opens the ground, and has what its log holds replayed.
fn open_journal(
    (env, path): (&Env, &Path),
    options: &Options,
    replay: &mut Replay<'_>,
) -> Result<(Journal, OpenReport)> {
    let mut take_in = |catalog: &Catalog, batch: Replayed<'_>| replay.take_in(catalog, &batch);
    match options.is_read_only() {
        true => Journal::open_read_only(env, path, &mut take_in),
        false => Journal::open(env, path, journal_options(options), &mut take_in),
    }
}

/// Where the tables are opened, with so many files at once as the options allow.
fn shelf_of(journal: &Journal, cache: &Arc<Cache>, options: &Options) -> Arc<Shelf> {
    Shelf::new(journal.directory().clone(), cache.clone(), options.get_open_files_max())
}

/// What the log held. If something of it goes by the time, that is written down with the end.
fn replayed(replay: Replay<'_>, journal: &Journal) -> Result<Memtables> {
    let memtables = replay.finish()?;
    if memtables.has_expiring {
        journal.keep_time();
    }
    Ok(memtables)
}

/// Writes go on in this memtable. What was replayed is in the log still, and counts.
fn first_writer(
    (memtable, inserter): (Arc<Memtable>, Inserter),
    options: &Options,
    journal: &Journal,
) -> Writer {
    let log_left = log_share(options).saturating_sub(journal.log_bytes().unwrap_or_default());
    Writer { memtable, inserter, has_volatile: false, log_left }
}

fn journal_options(options: &Options) -> JournalOptions {
    let segment_bytes_max = segment_bytes_max(options);
    JournalOptions {
        if_missing: options.get_if_missing(),
        log_mode: options.get_log_mode(),
        segment_bytes_min: segment_bytes_max.min(64 << 10),
        segment_bytes_max,
        sync_interval: options.get_sync_interval(),
    }
}
