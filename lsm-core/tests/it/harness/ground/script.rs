//! Scripts: a database on a simulated disk, driven by one letter for each operation.
//!
//! ```text
//! B append, Buffered     D append, Durable      V append, Volatile    L append more than a segment
//! S sync                 R rotate the log       K make a keyspace     T retire the old log
//! C close and reopen     X die and reopen       I idle for some seconds
//! F flush into a table, which takes the place of the one before
//! ```

use std::time::Duration;

use lsm_core::base::error::{Error, Result};
use lsm_core::env::sim::crash::Moment;
use lsm_core::env::sim::disk::SimDisk;
use lsm_core::env::sim::world::SimWorld;
use lsm_core::journal::handle::Journal;
use lsm_core::options::durability::Durability;
use lsm_core::version::edit::Edit;

use crate::harness::disk::{complaint, keeps_cache};
use crate::harness::ground::reference::{History, Recovered};
use crate::harness::ground::subject::{Ground, kill, open};
use crate::harness::ground::tables::{Batch, Versions};
use crate::harness::images::Crash;
use crate::harness::scripted::{ScriptRun, Scripted};
use crate::machine::kit::mode_name;

impl Scripted for Ground {
    type Run = Run;

    const ALL: [Self; 2] = [Self::WRITTEN, Self::MAPPED];
    const VERBS: &'static str = "BDVLSRKTFCXI";
    const READ_BACK: &'static str = "";
    const CHORES: &'static str = "";
    const REPLAY: &'static str = "LSM_REPLAY";

    fn name(self) -> &'static str {
        mode_name(self.mode)
    }
}

/// A run of a script.
pub struct Run {
    ground: Ground,
    disk: SimDisk,
    pub history: History,
    violation: Option<String>,
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

impl ScriptRun for Run {
    type Of = Ground;

    fn closed(ground: Ground, disk: SimDisk, seed: u64) -> Self {
        Self {
            ground,
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
        }
    }

    fn open(&mut self) {
        self.reopen(true);
    }

    fn verb(&mut self, verb: char) {
        match verb {
            'B' => drop(self.append(Durability::Buffered, 40)),
            'D' => drop(self.append(Durability::Durable, 40)),
            'V' => drop(self.append(Durability::Volatile, 40)),
            'L' => drop(self.append(Durability::Buffered, 9000)),
            'S' => self.sync_all(),
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

    fn kill(&mut self) {
        if let (Some(world), Some(journal)) = (self.world.take(), self.journal.take()) {
            kill(&world, journal);
        }
    }

    fn crash(&mut self, moment: &Moment, crash: Crash) {
        self.kill();
        let at = self.base + moment.op_number;
        self.history.rewind(at);
        self.disk = crash.image(moment);
        self.base = at;
        self.reopen(crash == Crash::Kill);
    }

    fn disk(&self) -> &SimDisk {
        &self.disk
    }

    fn violation(&self) -> Option<&String> {
        self.violation.as_ref()
    }

    fn failures(&self) -> &[String] {
        self.history.failures()
    }

    fn promises(&self, at: u64) -> impl Fn(bool, &Recovered) -> Result<(), String> {
        move |is_kill, found| self.history.check(at, is_kill, found)
    }

    fn is_open(&self) -> bool {
        self.journal.is_some()
    }

    fn fault(&self) -> Option<Error> {
        self.journal.as_ref()?.fault()
    }

    fn resume(&mut self) -> Result<()> {
        let Some(journal) = &self.journal else { return Ok(()) };
        journal.resume()?;
        self.history.note_durable(self.now());
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        self.journal.as_ref().map_or(Ok(()), Journal::sync)
    }

    fn put(&mut self, durability: Durability) -> bool {
        self.append(durability, 40)
    }
}

impl Run {
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
    fn append(&mut self, durability: Durability, size: usize) -> bool {
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

    fn sync_all(&mut self) {
        if self.is_open() {
            let result = self.sync();
            self.note_sync(result);
        }
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

    fn reopen(&mut self, is_process_crash: bool) {
        self.seed += 1;
        let (world, opened) = open(&self.disk, self.ground.mode, self.seed);
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
