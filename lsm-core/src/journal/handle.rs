//! The open journal: what the engine calls.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::sync::{AtomicBool, AtomicU64, Ordering};
use crate::env::schedule::{Job, Signal};
use crate::env::world::Env;
use crate::journal::flusher::Flusher;
use crate::journal::jobs::{JobPlace, Jobs};
use crate::journal::keeper::Keeper;
use crate::journal::lockfile;
use crate::journal::options::{JournalOptions, OpenReport};
use crate::journal::recovery::{
    Recovered, Replay, bounded, listed_of, recover, rewrite_log, witness_of,
};
use crate::journal::state::{State, facts_of};
use crate::journal::turn::Turn;
use crate::key::keyspace::KeyspaceId;
use crate::key::seqno::SeqNo;
use crate::options::durability::Durability;
use crate::options::log_mode::LogMode;
use crate::record::frame::{FRAME_COUNT_MAX, Payload};
use crate::version::catalog::Catalog;
use crate::version::edit::Edit;
use crate::wal::chain::read_chain;
use crate::wal::log::Log;

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
        let Recovered { dir, lock, manifest, end, next_seqno, mut report } =
            recover(env, path, &options, replay)?;
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
        log.set_facts(facts_of(manifest.catalog()));
        let journal = Self {
            state: Arc::new(State {
                env: env.clone(),
                dir,
                lock,
                options,
                is_mapped,
                log,
                manifest: Turn::new(manifest),
                segment_bytes: AtomicU64::new(options.segment_bytes_min),
                opened_at: next_seqno,
                keeper_wake,
                flusher_wake: Signal::new(),
                is_flusher_asleep: AtomicBool::new(true),
                is_closing: AtomicBool::new(false),
                jobs: Jobs::new(),
            }),
        };
        journal.start_jobs()?;
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
        let state = &self.state;
        state.check_open()?;
        check_batch(batch, count)?;
        let first = match durability {
            Durability::Volatile => state.log.reserve(count)?,
            _ => state.log.append(&Payload::new(batch), count, deadline)?,
        };
        let last = first.after(u64::from(count - 1)).unwrap_or(SeqNo::MAX);
        if durability == Durability::Durable {
            state.log.sync_to(last, deadline)?;
        }
        if durability != Durability::Volatile {
            state.wake_flusher();
        }
        Ok(last)
    }

    /// Returns once every logged batch up to `seqno` is durable.
    pub fn wait_durable(&self, seqno: SeqNo, deadline: Option<Duration>) -> Result<()> {
        self.state.check_open()?;
        if seqno >= self.state.log.next_seqno() {
            let message = "a sequence number is waited for that no write was given";
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        self.state.log.sync_to(seqno, deadline)
    }

    /// Makes everything appended so far durable.
    pub fn sync(&self) -> Result<()> {
        self.state.check_open()?;
        self.state.log.sync_all(None)
    }

    /// Every logged batch up to this sequence number is durable.
    #[must_use]
    pub fn durable_seqno(&self) -> SeqNo {
        SeqNo::new(self.state.log.durable_next().saturating_sub(1)).unwrap_or(SeqNo::MAX)
    }

    /// Lets the next batch begin a new segment, and answers the number of the one that ends.
    pub fn rotate(&self) -> Result<u64> {
        self.state.check_open()?;
        Ok(self.state.log.rotate())
    }

    /// The segment that was appended to last; 0 if there is none.
    pub fn log_number(&self) -> Result<u64> {
        self.state.check_open()?;
        Ok(self.state.log.end().number)
    }

    /// Makes edits durable as one, after everything appended so far.
    pub fn commit(&self, edits: &[Edit]) -> Result<()> {
        self.state.check_open()?;
        self.check_edits(edits)?;
        self.state.commit_behind_log(edits)
    }

    /// Everything else in the catalog follows from what the journal does itself.
    fn check_edits(&self, edits: &[Edit]) -> Result<()> {
        let refuse = |message: &str| Err(Error::new(ErrorKind::InvalidArgument, message));
        let active = self.state.log.end().number;
        for edit in edits {
            match edit {
                Edit::LogStart(start) if *start > active => {
                    return refuse("the log segment that is being written cannot be retired");
                }
                Edit::LogStart(start) if *start < self.catalog()?.log_start => {
                    return refuse("the log was rewritten, and its segments have other numbers");
                }
                Edit::LogStart(_) | Edit::KeyspaceDropped(_) => {}
                _ => return refuse("this edit is the journal's own to make"),
            }
        }
        Ok(())
    }

    /// Makes a keyspace; `Exists` if the name is taken.
    pub fn create_keyspace(&self, name: &str) -> Result<KeyspaceId> {
        self.state.check_open()?;
        if name.is_empty() || name.len() > KEYSPACE_NAME_MAX {
            let message = format!("the name of a keyspace has 1 to {KEYSPACE_NAME_MAX} bytes");
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        self.state.log.sync_all(None)?;
        let mut manifest = self.state.take_manifest();
        let catalog = manifest.catalog();
        if catalog.keyspaces.values().any(|taken| taken == name) {
            return Err(Error::new(ErrorKind::Exists, "there is a keyspace of that name"));
        }
        let id = KeyspaceId::new(catalog.next_keyspace);
        let edit = Edit::KeyspaceCreated { id, name: name.to_owned() };
        self.state.commit(&mut manifest, &[edit])?;
        Ok(id)
    }

    /// What the database consists of.
    pub fn catalog(&self) -> Result<Catalog> {
        self.state.check_open()?;
        Ok(self.state.take_manifest().catalog().clone())
    }

    /// True if records reach the log through a mapping.
    #[must_use]
    pub fn is_mapped(&self) -> bool {
        if self.state.lock.is_forked() {
            return false;
        }
        self.state.log.active().map_or(self.state.is_mapped, |active| active.is_mapped())
    }

    /// The fault that stopped writing, if one did. Batches after `durable_seqno` are in doubt.
    #[must_use]
    pub fn fault(&self) -> Option<Error> {
        if self.state.lock.is_forked() {
            return Some(lockfile::forked());
        }
        self.state.log.fault()
    }

    /// Takes up writing again after a fault, once its cause is mended: copies what the log holds
    /// into new files. Fails, and changes nothing, if part of it can no longer be read.
    pub fn resume(&self) -> Result<()> {
        let state = &self.state;
        state.check_open()?;
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
        let read = read_chain(state.dir.as_ref(), &listed, &witness, &mut |_| Ok(()))?;
        let end = rewrite_log(&state.env, state.dir.as_ref(), &mut manifest, &read)?;
        state.log.restart(end, state.log.next_seqno());
        state.log.set_facts(facts_of(manifest.catalog()));
        Ok(())
    }

    /// Makes everything durable, marks the database as closed in order, and lets go of it.
    pub fn close(self) -> Result<()> {
        self.close_once()
    }

    fn close_once(&self) -> Result<()> {
        let state = &self.state;
        state.check_open()?;
        state.is_closing.store(true, Ordering::Release);
        state.keeper_wake.notify();
        state.flusher_wake.notify();
        state.jobs.wait(state.env.scheduler.as_ref());

        if let Some(fault) = state.log.fault() {
            let message = "the database was closed as a crash would leave it";
            return Err(fault.as_cause_of(ErrorKind::ReadOnly, message));
        }
        state.log.seal()?;
        if let Some(unused) = state.log.take_unused() {
            unused.give_back_room();
        }
        let mut manifest = state.take_manifest();
        let mut edits = state.seal_finished(manifest.catalog())?;
        let next_seqno = state.log.next_seqno();
        if next_seqno > state.opened_at {
            edits.push(Edit::NextSeqno(next_seqno));
        }
        if !edits.is_empty() {
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
        let _unheard = self.close_once();
    }
}

/// How many jobs an open journal has.
fn jobs_of(options: &JournalOptions) -> usize {
    1 + usize::from(options.sync_interval.is_some())
}

fn check_batch(batch: &[u8], count: u32) -> Result<()> {
    if count == 0 {
        return Err(Error::new(ErrorKind::InvalidArgument, "a batch holds at least one entry"));
    }
    if count > FRAME_COUNT_MAX || batch.len() > BATCH_BYTES_MAX {
        let message =
            format!("a batch holds at most {FRAME_COUNT_MAX} entries and {BATCH_BYTES_MAX} bytes");
        return Err(Error::new(ErrorKind::TooLarge, message));
    }
    Ok(())
}
