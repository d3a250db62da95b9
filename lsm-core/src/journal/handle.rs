//! The open journal: what the engine calls.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::sync::{AtomicBool, AtomicU64, Ordering};
use crate::blob::store::Blobs;
use crate::env::schedule::{Job, Signal};
use crate::env::world::Env;
use crate::journal::flusher::Flusher;
use crate::journal::jobs::{JobPlace, Jobs};
use crate::journal::keeper::Keeper;
use crate::journal::names::NewNames;
use crate::journal::options::{JournalOptions, OpenReport};
use crate::journal::recovery::{
    Recovered, Replay, bounded, install_copy, listed_of, new_copy, recover, witness_of,
};
use crate::journal::rescue::Rescue;
use crate::journal::state::{State, facts_of};
use crate::journal::tables::{self, NewTable, check_edits, check_options};
use crate::journal::turn::Turn;
use crate::journal::verify;
use crate::key::keyspace::KeyspaceId;
use crate::key::seqno::SeqNo;
use crate::options::durability::Durability;
use crate::options::log_mode::LogMode;
use crate::record::frame::{FRAME_COUNT_MAX, Payload};
use crate::version::catalog::Catalog;
use crate::version::edit::Edit;
use crate::wal::chain::Chain;
use crate::wal::log::Log;
use crate::wal::segment::Segment;

mod large;
mod readers;

/// The most bytes that one batch can hold.
pub const BATCH_BYTES_MAX: usize = 2 << 30;
/// The most bytes that the name of a keyspace can have.
pub const KEYSPACE_NAME_MAX: usize = 255;

/// The durable ground of one database, open for writing. Any number of threads may share it.
#[derive(Debug)]
pub struct Journal {
    state: Arc<State>,
}

impl Journal {
    /// Opens the database at `path`, handing every batch that the log still holds to `replay`, in
    /// commit order. If this fails, nothing that was there has been changed, but for new files
    /// that the next opening clears away.
    pub fn open(
        env: &Env,
        path: &Path,
        options: JournalOptions,
        replay: &mut Replay<'_>,
    ) -> Result<(Self, OpenReport)> {
        options.check()?;
        let new_names = NewNames::default();
        let recovered = recover(env, path, &options, &new_names, replay)?;
        let (journal, report) = Self::of(env, recovered, options, new_names)?;
        journal.start_jobs()?;
        Ok((journal, report))
    }

    fn of(
        env: &Env,
        recovered: Recovered,
        options: JournalOptions,
        new_names: NewNames,
    ) -> Result<(Self, OpenReport)> {
        let Recovered { dir, hold, manifest, blobs, end, next_seqno, mut report, retired } =
            recovered;
        let medium = dir.medium()?;
        if medium.is_network {
            let note = "the directory is reached over a network or through a user's process: \
                        whether a sync reaches the disk, and a lock holds, is theirs to say";
            report.notes.push(note.to_owned());
        }
        let is_mapped = match options.log_mode {
            LogMode::Write => false,
            LogMode::Mapped => true,
            LogMode::Auto => medium.allows_mapped_log,
        };
        let keeper_wake = Signal::new();
        let log = Log::new(env.scheduler.clone(), keeper_wake.clone(), end, next_seqno);
        let log = log.referring_to(blobs.clone());
        log.set_facts(facts_of(manifest.catalog()));
        let journal = Self {
            state: Arc::new(State {
                env: env.clone(),
                dir,
                new_names,
                is_read_only: hold.writer().is_none(),
                retired,
                hold,
                segment_bytes: AtomicU64::new(options.segment_bytes_min),
                options,
                is_mapped,
                log,
                blobs,
                blob_turn: Turn::new(()),
                manifest: Turn::new(manifest),
                opened_at: next_seqno,
                keeper_wake,
                flusher_wake: Signal::new(),
                is_flusher_asleep: AtomicBool::new(true),
                is_sync_wanted: AtomicBool::new(false),
                is_closing: AtomicBool::new(false),
                is_time_kept: AtomicBool::new(false),
                jobs: Jobs::new(),
            }),
        };
        Ok((journal, report))
    }

    fn start_jobs(&self) -> Result<()> {
        let state = &self.state;
        let wake = state.keeper_wake.clone();
        self.spawn("lsm-keeper", wake, |state, place| Box::new(Keeper::new(state, place)))?;
        if let Some(interval) = state.options.sync_interval {
            let wake = state.flusher_wake.clone();
            self.spawn("lsm-flusher", wake, |state, place| {
                Box::new(Flusher::new(state, interval, place))
            })?;
        }
        Ok(())
    }

    fn spawn(
        &self,
        name: &'static str,
        wake: Arc<Signal>,
        job: impl FnOnce(Arc<State>, JobPlace) -> Box<dyn Job>,
    ) -> Result<()> {
        // The job gives up its place when it is dropped, also if it could not be started.
        let place = self.state.jobs.add();
        self.state.env.scheduler.spawn(name, wake, job(self.state.clone(), place))
    }

    /// Appends a batch of `count` entries and answers the sequence number of its last one. With
    /// `Durable` it returns when the batch, and every logged one before it, is durable.
    pub fn append(&self, batch: &[u8], count: u32, durability: Durability) -> Result<SeqNo> {
        self.append_before(batch, count, durability, None)
    }

    /// As `append`, giving up when the clock reaches `deadline`.
    pub fn append_before(
        &self,
        batch: &[u8],
        count: u32,
        durability: Durability,
        deadline: Option<Duration>,
    ) -> Result<SeqNo> {
        check_batch(batch.len(), count)?;
        let last = |first: SeqNo| first.after(u64::from(count - 1)).unwrap_or(SeqNo::MAX);
        if durability == Durability::Volatile {
            return self.reserve(count).map(last);
        }
        let payload = Payload::new(batch);
        let last = loop {
            match self.try_append(&payload, count)? {
                Some(first) => break last(first),
                None => self.wait_room(deadline)?,
            }
        };
        if durability == Durability::Durable {
            self.sync_to(last, deadline)?;
        }
        Ok(last)
    }

    /// Appends a batch of `count` entries if that can be done without waiting, and answers the
    /// sequence number of its first one. `None` if a log segment must be made first: then
    /// `wait_room`, and try again.
    pub fn try_append(&self, payload: &Payload<'_>, count: u32) -> Result<Option<SeqNo>> {
        self.try_append_since(None, payload, count)
    }

    /// Waits until the log segment is there that `try_append` has asked for.
    pub fn wait_room(&self, deadline: Option<Duration>) -> Result<()> {
        self.state.check_writable()?;
        self.state.log.wait_room(deadline)
    }

    /// Takes the sequence numbers of a batch of `count` entries that is not logged, and answers
    /// the first.
    pub fn reserve(&self, count: u32) -> Result<SeqNo> {
        self.reserve_since(None, count)
    }

    /// Returns once every logged batch up to `seqno` is durable.
    pub fn sync_to(&self, seqno: SeqNo, deadline: Option<Duration>) -> Result<()> {
        self.state.check_writable()?;
        if seqno >= self.state.log.next_seqno() {
            let message = "a sequence number is waited for that no write was given";
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        self.state.log.sync_to(seqno, deadline)
    }

    /// Makes everything appended so far durable.
    pub fn sync(&self) -> Result<()> {
        self.state.check_writable()?;
        self.state.log.sync_all(None)
    }

    /// Every logged batch up to this sequence number is durable.
    #[must_use]
    pub fn durable_seqno(&self) -> SeqNo {
        SeqNo::new(self.state.log.durable_next().saturating_sub(1)).unwrap_or(SeqNo::MAX)
    }

    /// Lets the next batch begin a new segment, and answers the number of the one that ends.
    pub fn rotate(&self) -> Result<u64> {
        self.state.check_writable()?;
        Ok(self.state.log.rotate())
    }

    /// Has a job make durable what was appended so far, for a `commit` that is going to follow.
    pub fn sync_soon(&self) {
        self.state.sync_soon();
    }

    /// The segment that was appended to last; 0 if there is none.
    pub fn log_number(&self) -> Result<u64> {
        self.state.check_open()?;
        Ok(self.state.log.end().number)
    }

    /// Makes edits durable as one, after everything appended so far. What the tables among them
    /// hold must be durable already; their names become so here. `then` sees the catalog with the
    /// edits before anybody can make others, so versions are installed in the order of the edits.
    pub fn commit(&self, edits: &[Edit], then: &mut dyn FnMut(&Catalog)) -> Result<()> {
        self.commit_with(None, &mut |_| Ok(edits.to_vec()), &mut |catalog, _| then(catalog))
    }

    /// As `commit`, with edits that `plan` makes from the catalog as it is just before them, such
    /// as those that it leaves of others (`Catalog::without_dropped`). `then` sees them too. If the
    /// edits rest on nothing that was written behind `last`, the log is made durable only so far.
    pub fn commit_with(
        &self,
        last: Option<SeqNo>,
        plan: &mut dyn FnMut(&Catalog) -> Result<Vec<Edit>>,
        then: &mut dyn FnMut(&Catalog, &[Edit]),
    ) -> Result<()> {
        self.state.check_writable()?;
        let mut manifest = self.state.take_manifest_behind_log(last)?;
        let edits = plan(manifest.catalog())?;
        check_edits(&self.state, &manifest, &edits)?;
        self.state.commit_then(&mut manifest, &edits, &mut |catalog| then(catalog, &edits))
    }

    /// Creates a table file under a number that was never used. Nothing lists it yet: a `commit`
    /// does, or `discard_tables` takes it away.
    pub fn new_table(&self) -> Result<NewTable> {
        self.state.check_writable()?;
        tables::new_table(&self.state)
    }

    /// Takes away table files that were made and then not listed, also after a `commit` that failed
    /// and may be found after a restart all the same.
    pub fn discard_tables(&self, numbers: &[u64]) -> Result<()> {
        self.state.check_writable()?;
        tables::discard_tables(&self.state, numbers)
    }

    /// Unlinks table files that were removed by an edit and that nobody here reads any more, and
    /// answers those that are gone: others wait for `sweep_retired`. One that the database still
    /// lists is refused.
    pub fn unlink_tables(&self, numbers: &[u64]) -> Result<Vec<u64>> {
        self.state.check_writable()?;
        tables::unlink_tables(&self.state, numbers)
    }

    /// Makes a keyspace; `Exists` if the name is taken. `options` is the text of what was chosen
    /// for it; empty leaves everything as it is by default.
    pub fn create_keyspace(&self, name: &str, options: &str) -> Result<KeyspaceId> {
        self.state.check_writable()?;
        if name.is_empty() || name.len() > KEYSPACE_NAME_MAX {
            let message = format!("the name of a keyspace has 1 to {KEYSPACE_NAME_MAX} bytes");
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        check_options(options)?;
        let mut manifest = self.state.take_manifest_behind_log(None)?;
        let catalog = manifest.catalog();
        if catalog.keyspaces.values().any(|taken| taken == name) {
            return Err(Error::new(ErrorKind::Exists, "there is a keyspace of that name"));
        }
        let id = KeyspaceId::new(catalog.next_keyspace);
        let mut edits = vec![Edit::KeyspaceCreated { id, name: name.to_owned() }];
        if !options.is_empty() {
            edits.push(Edit::KeyspaceOptions { id, text: options.to_owned() });
        }
        let committed = self.state.commit(&mut manifest, &edits);
        // A reader, or the next opening, may find it all the same: the number stays its own.
        committed.inspect_err(|_| manifest.burn_keyspace(id))?;
        Ok(id)
    }

    /// What the database consists of.
    pub fn catalog(&self) -> Result<Catalog> {
        self.state.check_open()?;
        Ok(self.state.take_manifest().catalog().clone())
    }

    /// How many bytes the live log segments hold. Does not wait: `None` while the manifest is being
    /// changed. The sum cannot wrap, and is not asked whether it does: who asks may do so before it
    /// is known whether there is a seal, and tools that watch memory rightly complain.
    #[must_use]
    pub fn log_bytes(&self) -> Option<u64> {
        let manifest = self.state.manifest.try_take()?;
        let logs = &manifest.catalog().logs;
        let sealed = logs.values().map(|log| log.seal.map_or(0, |seal| seal.end));
        let is_open = |number| logs.get(&number).is_some_and(|log| log.seal.is_none());
        let open = self.state.log.open_ends().into_iter();
        let open = open.filter(|(number, _)| is_open(*number)).map(|(_, end)| end);
        Some(sealed.chain(open).fold(0, u64::wrapping_add))
    }

    /// True if records reach the log through a mapping.
    #[must_use]
    pub fn is_mapped(&self) -> bool {
        if self.check_not_forked().is_err() {
            return false;
        }
        self.state.log.active().map_or(self.state.is_mapped, |active| active.is_mapped())
    }

    /// The fault that stopped writing, if one did. Batches after `durable_seqno` are in doubt.
    #[must_use]
    pub fn fault(&self) -> Option<Error> {
        self.check_not_forked().err().or_else(|| self.state.log.fault())
    }

    /// Takes up writing again after a fault, once its cause is mended: copies what the log holds
    /// into new files. Fails, and changes nothing, if part of it can no longer be read.
    pub fn resume(&self) -> Result<()> {
        let state = &self.state;
        state.check_writable()?;
        if state.log.fault().is_none() {
            return Ok(());
        }
        if state.jobs.running() < jobs_of(&state.options) {
            let message = "a background job has failed: close the database and open it again";
            return Err(Error::new(ErrorKind::Internal, message));
        }
        state.log.wait_for_syncer();
        let mut manifest = state.take_manifest();
        if state.log.fault().is_none() {
            // Somebody else was faster, and what was appended since is none of our business.
            return Ok(());
        }
        let end = state.log.end();
        let listed = bounded(listed_of(manifest.catalog()), &end);
        let witness = witness_of(manifest.catalog(), state.env.host.as_ref());
        let chain = Chain::open(state.dir.as_ref(), &listed, &witness)?;
        // Without a job: jobs that want the manifest must not meet somebody who waits with it.
        let by_itself = (None, chain.clock_millis());
        let mut copy = new_copy(&state.env, &state.dir, &mut manifest, by_itself)?;
        // What is written from now on goes to files that are made from now on. Whoever is about to
        // write to one of before is refused by the log.
        state.blobs.end();
        let in_doubt = state.blobs.in_doubt();
        let copies = Blobs::new(state.dir.clone());
        let rescue = Rescue::begin(&state.env, &state.dir, &mut manifest, &copies, true)?;
        let catalog = manifest.catalog().clone();
        let read = chain.read(&mut |batch| {
            rescue.check(&catalog, &copies, &batch)?;
            copy.add(&batch)
        });
        let read = read.and_then(|read| {
            rescue.check_whole(&in_doubt, &copies)?;
            Ok(read)
        });
        let read = read.inspect_err(|_| rescue.discard(state.dir.as_ref()))?;
        let Some(retired) = &state.retired else { return Ok(()) };
        let places = (state.dir.as_ref(), retired.as_ref());
        let end = install_copy(places, &mut manifest, (&read, copy), &rescue)?;
        rescue.install(retired.as_ref(), manifest.catalog().edit, &state.blobs);
        state.blobs.settle_doubt();
        state.log.restart(end, state.log.next_seqno());
        state.log.set_facts(facts_of(manifest.catalog()));
        Ok(())
    }

    /// Checks what the ground consists of: heads, manifest, log, and the CRC of every sealed
    /// segment. `told` hears of the bytes that were read, and can end it.
    pub fn verify(&self, told: &mut dyn FnMut(u64) -> Result<()>) -> Result<()> {
        self.state.check_open()?;
        verify::verify(&self.state, told)
    }

    /// Something expires: the time of the end is written down, even if nothing else is.
    pub fn keep_time(&self) {
        self.state.is_time_kept.store(true, Ordering::Release);
    }

    /// The sequence number that the next entry gets.
    #[must_use]
    pub fn next_seqno(&self) -> SeqNo {
        self.state.log.next_seqno()
    }

    /// Refuses a call in a child process that a fork has made.
    #[inline]
    pub fn check_not_forked(&self) -> Result<()> {
        self.state.check_not_forked()
    }

    /// Makes everything durable, marks the database as closed in order, and lets go of it. Who
    /// calls it again is told that it is closed.
    pub fn close(&self) -> Result<()> {
        let state = &self.state;
        state.check_open()?;
        state.is_closing.store(true, Ordering::Release);
        state.keeper_wake.notify();
        state.flusher_wake.notify();
        state.jobs.wait(state.env.scheduler.as_ref());
        // The keeper is gone: whoever came before this, and waits for a segment, must not wait on.
        let unused = state.log.end_supply();
        let closed = if state.is_read_only { Ok(()) } else { self.seal(unused.as_deref()) };
        // What a reader needs still is cleared away by a later opening.
        let _left_behind = state.retired.as_ref().map(|retired| retired.sweep());
        // Other handles may live on, and answer that it is closed: the directory is free.
        state.hold.release();
        closed
    }

    /// Marks the database as closed in order.
    fn seal(&self, unused: Option<&Segment>) -> Result<()> {
        let state = &self.state;
        if let Some(fault) = state.log.fault() {
            let message = "the database was closed as a crash would leave it";
            return Err(fault.as_cause_of(ErrorKind::ReadOnly, message));
        }
        state.blobs.end();
        state.log.seal()?;
        state.log.sync_blobs()?;
        if let Some(unused) = unused {
            unused.give_back_room();
        }
        let read = state.read_finished();
        let mut manifest = state.take_manifest();
        let mut edits = state.seal(&manifest, read)?;
        let next_seqno = state.log.next_seqno();
        if next_seqno > state.opened_at {
            edits.push(Edit::NextSeqno(next_seqno));
        }
        let is_time_kept = state.is_time_kept.load(Ordering::Acquire)
            && manifest.catalog().clock_millis < state.env.clock.wall_millis();
        let has_ends = !state.blobs.ends_to_tell().is_empty();
        if !edits.is_empty() || is_time_kept || has_ends {
            state.commit(&mut manifest, &edits)?;
        }
        if manifest.is_written() { manifest.close() } else { Ok(()) }
    }

    /// Lets go of everything as the death of the process would.
    #[cfg(any(test, lsm_sim))]
    pub fn abandon(self) {
        self.state.is_closing.store(true, Ordering::Release);
        self.state.keeper_wake.notify();
        self.state.flusher_wake.notify();
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // A handle that was closed, or that a fork has copied, refuses and touches nothing. Who
        // wants to know how closing went calls `close`.
        let _unheard = self.close();
    }
}

/// How many jobs an open journal has.
fn jobs_of(options: &JournalOptions) -> usize {
    1 + usize::from(options.sync_interval.is_some())
}

#[inline]
fn check_batch(bytes: usize, count: u32) -> Result<()> {
    let is_fit = (1..=FRAME_COUNT_MAX).contains(&count) && bytes <= BATCH_BYTES_MAX;
    if is_fit { Ok(()) } else { Err(unfit(count)) }
}

#[cold]
fn unfit(count: u32) -> Error {
    if count == 0 {
        return Error::new(ErrorKind::InvalidArgument, "a batch holds at least one entry");
    }
    let message =
        format!("a batch holds at most {FRAME_COUNT_MAX} entries and {BATCH_BYTES_MAX} bytes");
    Error::new(ErrorKind::TooLarge, message)
}
