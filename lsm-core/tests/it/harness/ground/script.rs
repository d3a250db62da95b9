//! Scripts: a database on a simulated disk, driven by one letter for each operation.
//!
//! ```text
//! B append, Buffered     D append, Durable      V append, Volatile    L append more than a segment
//! S sync                 R rotate the log       K make a keyspace     T retire the old log
//! C close and reopen     X die and reopen       I idle for some seconds
//! F flush into a table, which takes the place of the one before
//! ```

use std::path::Path;
use std::time::Duration;

use lsm_core::base::error::Result;
use lsm_core::env::sim::crash::Moment;
use lsm_core::env::sim::disk::SimDisk;
use lsm_core::env::sim::faults::{Effect, Fault};
use lsm_core::env::sim::rules::{NoWriteAfterFailure, SyncedBeforeRename};
use lsm_core::env::sim::world::SimWorld;
use lsm_core::journal::handle::Journal;
use lsm_core::journal::options::{JournalOptions, OpenReport};
use lsm_core::options::durability::Durability;
use lsm_core::options::log_mode::LogMode;
use lsm_core::version::edit::Edit;

use crate::harness::ground::reference::{History, Recovered};
use crate::harness::ground::tables::{Batch, Versions, read_tables};
use crate::harness::images::Crash;

pub const PATH: &str = "/data/db";
pub const VERBS: &str = "BDVLSRKTFCXI";

/// Small enough that a script of three letters sees everything happen.
pub fn options(mode: LogMode) -> JournalOptions {
    JournalOptions {
        log_mode: mode,
        segment_bytes_min: 4096,
        segment_bytes_max: 8192,
        sync_interval: Some(Duration::from_secs(1)),
        ..JournalOptions::default()
    }
}

pub fn mode_name(mode: LogMode) -> &'static str {
    match mode {
        LogMode::Write => "write",
        LogMode::Mapped => "mapped",
        LogMode::Auto => "auto",
    }
}

/// An empty disk with the rules that hold for every disk.
pub fn new_disk() -> SimDisk {
    let disk = SimDisk::new();
    watch(&disk);
    disk
}

pub fn watch(disk: &SimDisk) {
    disk.add_rule(NoWriteAfterFailure::default());
    disk.add_rule(SyncedBeforeRename);
}

/// The first rule that was broken. The lock file is never synced, and nothing hangs on it.
pub fn complaint(disk: &SimDisk) -> Option<String> {
    disk.violations().into_iter().find(|complaint| !complaint.contains("/db.lock"))
}

/// Opens the database on a disk; answers what was replayed.
pub fn open(
    disk: &SimDisk,
    mode: LogMode,
    seed: u64,
) -> (SimWorld, Result<(Journal, OpenReport, Recovered)>) {
    let world = SimWorld::from_disk(disk.clone(), seed);
    let mut recovered = Recovered::default();
    let opened =
        Journal::open(&world.env(), Path::new(PATH), options(mode), &mut |catalog, batch| {
            if batch.first > catalog.flushed {
                recovered.batches.push((batch.first.get(), batch.count, batch.payload.to_vec()));
            }
            Ok(())
        });
    let opened = opened.and_then(|(journal, report)| match read_tables(&journal) {
        Ok(flushed) => {
            recovered.batches.splice(..0, flushed);
            recovered.keyspaces = journal.catalog()?.keyspaces.into_values().collect();
            Ok((journal, report, recovered))
        }
        Err(error) => {
            kill(&world, journal);
            Err(error)
        }
    });
    (world, opened)
}

/// Opens, and lets go of it as a crash would; answers what was recovered.
pub fn peek(disk: &SimDisk, mode: LogMode, seed: u64) -> Result<Recovered> {
    let (world, opened) = open(disk, mode, seed);
    opened.map(|(journal, _, recovered)| {
        kill(&world, journal);
        recovered
    })
}

/// The death of the process.
pub fn kill(world: &SimWorld, journal: Journal) {
    journal.abandon();
    world.scheduler.kill();
}

/// False if a failed sync has taken what the page cache held: then also a batch that was only
/// acknowledged may be gone.
pub fn keeps_cache(disk: &SimDisk) -> bool {
    let is_drop = |fault: &Fault| fault.effect == Effect::SyncFails { drops_cache: true };
    !disk.fault_strikes().iter().any(|(fault, strikes)| is_drop(fault) && *strikes > 0)
}

/// A run of a script.
pub struct Run {
    pub mode: LogMode,
    pub disk: SimDisk,
    pub history: History,
    /// What contradicted a promise while the script ran.
    pub violation: Option<String>,
    world: Option<SimWorld>,
    journal: Option<Journal>,
    seed: u64,
    batches: u32,
    keyspaces: u32,
    /// What an engine would have in memory and in tables.
    live: Vec<Batch>,
    versions: Option<Versions>,
    /// Operations on the disks that went before this one.
    base: u64,
}

impl Run {
    /// A new database on this disk.
    pub fn begin(disk: SimDisk, mode: LogMode, seed: u64) -> Self {
        let mut run = Self {
            mode,
            disk,
            history: History::default(),
            violation: None,
            world: None,
            journal: None,
            seed,
            batches: 0,
            keyspaces: 0,
            live: Vec::new(),
            versions: None,
            base: 0,
        };
        run.open();
        run
    }

    /// The whole script, as it would be without a crash.
    pub fn all(disk: SimDisk, mode: LogMode, script: &str, seed: u64) -> Self {
        let mut run = Self::begin(disk, mode, seed);
        script.chars().for_each(|verb| run.verb(verb));
        run
    }

    pub fn journal(&self) -> Option<&Journal> {
        self.journal.as_ref()
    }

    /// One letter. Failures are noted: with a sound disk there must be none.
    pub fn verb(&mut self, verb: char) {
        match verb {
            'B' => drop(self.append(Durability::Buffered, 40)),
            'D' => drop(self.append(Durability::Durable, 40)),
            'V' => drop(self.append(Durability::Volatile, 40)),
            'L' => drop(self.append(Durability::Buffered, 9000)),
            'S' => self.sync(),
            'R' => self.with(|journal| journal.rotate().map(drop)),
            'K' => self.create_keyspace(),
            'T' => self.retire(),
            'F' => self.flush(),
            'C' => self.close_and_reopen(),
            'X' => self.die_and_reopen(),
            'I' => self.idle(),
            other => panic!("no verb is called {other:?}"),
        }
        if let Some(first) = complaint(&self.disk) {
            self.fail(format!("the disk's rules were broken: {first}"));
        }
    }

    /// Goes back to a moment of this disk, crashes there, and goes on with what is left.
    pub fn crash(&mut self, moment: &Moment, crash: Crash) {
        self.kill();
        let at = self.base + moment.op_number;
        self.history.rewind(at);
        self.disk = crash.image(moment);
        self.base = at;
        self.reopen(crash == Crash::Kill);
    }

    /// Ends the run as a crash would.
    pub fn kill(&mut self) {
        if let (Some(world), Some(journal)) = (self.world.take(), self.journal.take()) {
            kill(&world, journal);
        }
    }

    fn fail(&mut self, why: String) {
        self.violation.get_or_insert(why);
    }

    fn now(&self) -> u64 {
        self.base + self.disk.op_count()
    }

    fn with(&mut self, act: impl FnOnce(&Journal) -> Result<()>) {
        if let Some(journal) = &self.journal {
            if let Err(error) = act(journal) {
                self.history.note_failure(&error);
            }
        }
    }

    /// Appends; true if that was acknowledged.
    pub fn append(&mut self, durability: Durability, size: usize) -> bool {
        let Some(journal) = &self.journal else { return false };
        self.batches += 1;
        let count = self.batches % 3 + 1;
        let payload: Vec<u8> = (0..size).map(|at| (self.batches as usize * 7 + at) as u8).collect();
        let issued = self.now();
        let index = (durability != Durability::Volatile)
            .then(|| self.history.issue_batch(issued, count, payload.clone()));
        let result = journal.append(&payload, count, durability);
        let returned = self.now();
        let is_acknowledged = result.is_ok();
        match (result, index) {
            (Ok(last), Some(index)) => {
                let first = last.get() - u64::from(count - 1);
                self.history.acknowledge_batch(index, returned, first);
                self.live.push((first, count, payload));
                if durability == Durability::Durable {
                    self.history.note_durable(returned);
                }
            }
            (Ok(_), None) => {}
            (Err(error), index) => {
                if let Some(index) = index {
                    self.history.refuse_batch(index, &error);
                }
                self.history.note_failure(&error);
            }
        }
        is_acknowledged
    }

    fn sync(&mut self) {
        let Some(journal) = &self.journal else { return };
        let result = journal.sync();
        self.note_sync(result);
    }

    fn note_sync(&mut self, result: Result<()>) {
        match result {
            Ok(()) => self.history.note_durable(self.now()),
            Err(error) => self.history.note_failure(&error),
        }
    }

    fn create_keyspace(&mut self) {
        let Some(journal) = &self.journal else { return };
        self.keyspaces += 1;
        let name = format!("k{}", self.keyspaces);
        let index = self.history.issue_keyspace(self.now(), &name);
        match journal.create_keyspace(&name, "") {
            Ok(_) => {
                self.history.acknowledge_keyspace(index, self.now());
                self.history.note_durable(self.now());
            }
            Err(error) => self.history.note_failure(&error),
        }
    }

    /// Everything before a new segment leaves, in tables and in the log.
    fn retire(&mut self) {
        self.with(|journal| journal.rotate().map(drop));
        let start = self.history.batch_count();
        if !self.append(Durability::Buffered, 40) {
            return;
        }
        let index = self.history.issue_retirement(self.now(), start);
        let (Some(journal), Some(versions)) = (&self.journal, &mut self.versions) else { return };
        let mut edits = versions.removals();
        edits.push(Edit::LogStart(journal.log_number().unwrap()));
        match versions.commit(journal, &edits) {
            Ok(()) => {
                self.live.drain(..self.live.len() - 1);
                self.history.acknowledge_retirement(index, self.now());
                self.history.note_durable(self.now());
            }
            Err(error) => self.history.note_failure(&error),
        }
    }

    /// Everything appended so far goes into a table.
    fn flush(&mut self) {
        if !self.append(Durability::Buffered, 40) {
            return;
        }
        let (Some(journal), Some(versions)) = (&self.journal, &mut self.versions) else { return };
        let result = versions.flush(journal, &self.live);
        self.note_sync(result);
    }

    fn idle(&mut self) {
        let Some(world) = &self.world else { return };
        for _ in 0..4 {
            world.clock.advance(Duration::from_secs(1));
            world.scheduler.run_until_idle();
        }
        if self.journal.as_ref().is_some_and(|journal| journal.fault().is_none()) {
            self.history.note_durable(self.now());
        }
    }

    fn close_and_reopen(&mut self) {
        let Some(journal) = self.journal.take() else { return };
        match journal.close() {
            Ok(()) => self.history.note_durable(self.now()),
            Err(error) => self.history.note_failure(&error),
        }
        self.open();
    }

    fn die_and_reopen(&mut self) {
        self.kill();
        self.open();
    }

    fn open(&mut self) {
        self.reopen(true);
    }

    fn reopen(&mut self, is_process_crash: bool) {
        self.seed += 1;
        let (world, opened) = open(&self.disk, self.mode, self.seed);
        self.world = Some(world);
        match opened {
            Ok((journal, _, recovered)) => {
                let is_kill = is_process_crash && keeps_cache(&self.disk);
                if let Err(why) = self.history.check(self.now(), is_kill, &recovered) {
                    self.fail(format!("reopened after the process died: {why}"));
                }
                self.history.note_recovered(self.now(), &recovered);
                self.live = recovered.batches;
                self.versions = Some(Versions::of(&journal));
                self.journal = Some(journal);
            }
            Err(error) => self.history.note_failure(&error),
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.kill();
    }
}
