//! Opening: the ground is recovered, the log is replayed into memory, the trees are listed.

use std::path::Path;
use std::sync::{Arc, Weak};

use crate::base::budget::Budget;
use crate::base::current::Current;
use crate::base::error::Result;
use crate::base::sync::{AtomicBool, AtomicU64, AtomicUsize, Mutex};
use crate::cache::pool::Cache;
use crate::engine::damage::Damage;
use crate::engine::desk::Desk;
use crate::engine::keyspaces::Keyspaces;
use crate::engine::memory::{
    apart_share, blob_file_bytes, cache_floor, log_share, new_memtable, reserve, segment_bytes_max,
};
use crate::engine::merging::Merging;
use crate::engine::pacer::Pacer;
use crate::engine::plugins::Plugins;
use crate::engine::quiet::Quiet;
use crate::engine::reader::{Memtables, Reader, Reading};
use crate::engine::renewal::Renewal;
use crate::engine::replay::Replay;
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
use crate::journal::follow::Follower;
use crate::journal::handle::Journal;
use crate::journal::jobs::Jobs;
use crate::journal::options::{JournalOptions, OpenReport};
use crate::journal::turn::Turn;
use crate::memtable::handle::{Inserter, Memtable};
use crate::memtable::stock::Stock;
use crate::options::database::Options;
use crate::options::keyspace::KeyspaceOptions;
use crate::read::view::View;
use crate::version::catalog::Catalog;
use crate::version::current::Version;
use crate::version::garbage::Garbage;
use crate::version::pins::Pins;
use crate::version::shelf::Shelf;
use crate::wal::chain::Replayed;

impl Engine {
    /// Opens the database at `path`, and if it makes one, with such a default keyspace.
    pub fn open(
        env: &Env,
        path: &Path,
        options: &Options,
        plugins: Plugins,
        default_keyspace: Option<&KeyspaceOptions>,
    ) -> Result<(Arc<Self>, OpenReport)> {
        options.check_opening()?;
        plugins.strategies.check()?;
        plugins.orders.check()?;
        plugins.operators.check()?;
        plugins.filters.check()?;
        let options = &options.clone().fit_to(env.host.memory_bytes());
        options.check()?;
        let clock = SteadyClock::new(env.clock.clone());
        let env = &Env { clock: clock.clone(), ..env.clone() };
        let new = default_keyspace.map_or_else(|| Ok(String::new()), |it| text_of(it, &plugins));
        let (engine, report) = Self::open_by((env, &clock), path, (options, new), plugins)?;
        engine.begin(&report)?;
        Ok((engine, report))
    }

    /// Opens it in a world with this clock, and begins with nothing.
    fn open_by(
        (env, clock): (&Env, &Arc<SteadyClock>),
        path: &Path,
        (options, new): (&Options, Result<String>),
        plugins: Plugins,
    ) -> Result<(Arc<Self>, OpenReport)> {
        let budget = Budget::new(options.get_memory_limit());
        let mut replay = Replay::new(env.scheduler.as_ref(), options, &budget)?;
        let (journal, follower, report) = open_journal((env, path), (options, new), &mut replay)?;
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
        let (known, ground) = ((options, &budget, clock), (&journal, &work));
        let (view, writer, reader) = sides(known, ground, replay.finish()?, version, follower)?;
        let engine = Arc::new_cyclic(|engine| {
            let home = Home::new(engine, env, &budget, journal.blobs());
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
                reader,
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
                ask_readers_at: Mutex::new(None),
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
        let spawned = if self.reader.is_some() {
            self.spawn_renewal()
        } else {
            self.update_quotas();
            self.spawn_jobs()
        };
        if spawned.is_err() {
            let _the_first_error_counts = self.close();
        }
        spawned
    }

    /// A reader's only job. What it reads is needed from now on, and nothing older.
    fn spawn_renewal(self: &Arc<Self>) -> Result<()> {
        if let Some(reader) = &self.reader {
            let reading = reader.turn.take(self.env.scheduler.as_ref());
            // If it fails, the job tries again: until then more is kept than must be.
            let _said_later = self.renew(reader, &reading);
        }
        let renewal = Box::new(Renewal::new(self.clone(), self.jobs.add()));
        self.env.scheduler.spawn("lsm-reader", self.work.clone(), renewal)
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

/// Opens the ground, and has what its log holds replayed. There is a follower if it is only read.
fn open_journal(
    (env, path): (&Env, &Path),
    (options, new): (&Options, Result<String>),
    replay: &mut Replay<'_>,
) -> Result<(Journal, Option<Follower>, OpenReport)> {
    if options.is_read_only() {
        let lease = options.get_reader_lease();
        let (journal, follower, report) = Journal::open_read_only(env, path, lease, replay)?;
        return Ok((journal, Some(follower), report));
    }
    let mut take_in = |catalog: &Catalog, batch: Replayed<'_>| replay.take_in(catalog, &batch);
    let (journal, report) = Journal::open(env, path, journal_options(options, new), &mut take_in)?;
    Ok((journal, None, report))
}

/// What there is to read, who writes, and how another writer is followed if this process does not.
fn sides(
    (options, budget, clock): (&Options, &Arc<Budget>, &Arc<SteadyClock>),
    (journal, work): (&Journal, &Arc<Signal>),
    memtables: Memtables,
    version: Version,
    follower: Option<Follower>,
) -> Result<(View, Writer, Option<Reader>)> {
    begin_with(journal, options, &memtables)?;
    let (active, sealed) = (memtables.active.clone(), memtables.sealed.clone());
    let Some(follower) = follower else {
        let writer = first_writer((active.clone(), memtables.inserter), options, journal);
        let version = Arc::new(version);
        return Ok((View { active, sealed, version, sifted: 0 }, writer, None));
    };
    let pins = Pins::new(work.clone());
    let pin = pins.hold(version.edit);
    let version = Arc::new(version.pinned(pin));
    let place = follower.place();
    let turn = Turn::new(Reading { follower, memtables: Some(memtables), place });
    let reader = Reader { turn, pins, clock: clock.clone() };
    // Nobody writes here: what the log holds comes to memory in another way.
    let nobody = new_memtable(options, budget, &Weak::new())?;
    let writer = first_writer(nobody, options, journal);
    Ok((View { active, sealed, version, sifted: 0 }, writer, Some(reader)))
}

/// Where the tables are opened, with so many files at once as the options allow.
fn shelf_of(journal: &Journal, cache: &Arc<Cache>, options: &Options) -> Arc<Shelf> {
    Shelf::new(journal.directory(), cache.clone(), options.get_open_files_max())
}

/// Writes go on in this memtable. What was replayed is in the log still, and counts.
fn first_writer(
    (memtable, inserter): (Arc<Memtable>, Inserter),
    options: &Options,
    journal: &Journal,
) -> Writer {
    let log_left = log_share(options).saturating_sub(journal.log_bytes().unwrap_or_default());
    let apart_left = apart_share(options);
    Writer { memtable, inserter, has_volatile: false, log_left, apart_left }
}

/// Large values go on, and time does.
fn begin_with(journal: &Journal, options: &Options, memtables: &Memtables) -> Result<()> {
    if memtables.has_expiring {
        journal.keep_time();
    }
    let blobs = journal.blobs();
    blobs.configure(blob_file_bytes(options), options.get_open_files_max() == 0);
    blobs.note_flushed(journal.catalog()?.flushed);
    for (&number, &seqno) in &memtables.apart {
        if let Some(file) = blobs.get(number) {
            file.note_reference(seqno);
        }
    }
    Ok(())
}

/// What is stored of the options of the default keyspace; nothing if they are the usual ones.
fn text_of(options: &KeyspaceOptions, plugins: &Plugins) -> Result<String> {
    plugins.admit(options)?;
    let is_usual = *options == KeyspaceOptions::default();
    Ok(if is_usual { String::new() } else { options.to_string() })
}

fn journal_options(options: &Options, default_keyspace: Result<String>) -> JournalOptions {
    let segment_bytes_max = segment_bytes_max(options);
    JournalOptions {
        if_missing: options.get_if_missing(),
        log_mode: options.get_log_mode(),
        segment_bytes_min: segment_bytes_max.min(64 << 10),
        segment_bytes_max,
        sync_interval: options.get_sync_interval(),
        default_keyspace,
    }
}
