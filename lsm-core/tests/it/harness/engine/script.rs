//! Scripts of the whole engine: a database on a simulated disk, one letter for each call.
//!
//! ```text
//! P put, Buffered        D put, Durable          V put, Volatile       E delete
//! R delete a range       B batch in two keyspaces, with a range        L batch larger than memory
//! M fill the memtable    S sync                  F flush               C compact
//! K make a keyspace      Q drop the newest one   T take a snapshot     U drop all snapshots
//! O close and reopen     X die and reopen        I idle for four seconds
//! ```
//!
//! Memtables have 4 KiB and log segments 8 KiB at most, so that short scripts see both end.

use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use lsm_core::api::batch::Batch;
use lsm_core::api::db::Db;
use lsm_core::api::keyspace::Keyspace;
use lsm_core::api::snapshot::Snapshot;
use lsm_core::base::error::Result;
use lsm_core::env::sim::crash::Moment;
use lsm_core::env::sim::disk::SimDisk;
use lsm_core::env::sim::world::SimWorld;
use lsm_core::options::durability::Durability;
use lsm_core::options::keyspace::{KeyspaceOptions, Strategy};
use lsm_core::options::write::WriteOptions;

use crate::harness::engine::reference::{
    Candidates, Change, Contents, DEFAULT, History, Pairs, Shown, describe,
};
use crate::harness::engine::subject::{KEYS, Setup, Trouble, kill, open, show};
use crate::harness::ground::script::{complaint, keeps_cache};
use crate::harness::images::Crash;

pub const VERBS: &str = "PDVERBLMSFCKQTUOXI";

/// A run of a script.
pub struct Run {
    pub setup: Setup,
    pub disk: SimDisk,
    pub history: History,
    /// What contradicted a promise while the script ran.
    pub violation: Option<String>,
    /// The disk may refuse to read.
    pub may_fail_reads: bool,
    world: Option<SimWorld>,
    db: Option<Db>,
    snapshots: Vec<(Snapshot, Contents)>,
    seed: u64,
    keyspaces: u32,
}

impl Run {
    /// A new database on this disk.
    pub fn begin(disk: SimDisk, setup: Setup, seed: u64) -> Self {
        let mut run = Self::closed(disk, setup, seed);
        run.open();
        run
    }

    fn closed(disk: SimDisk, setup: Setup, seed: u64) -> Self {
        Self {
            setup,
            disk,
            history: History::new(),
            violation: None,
            may_fail_reads: false,
            world: None,
            db: None,
            snapshots: Vec::new(),
            seed,
            keyspaces: 0,
        }
    }

    /// The whole script, as it would be without a crash.
    pub fn all(disk: SimDisk, setup: Setup, script: &str) -> Self {
        Self::troubled(disk, setup, script, false)
    }

    /// The same on a disk that may refuse to read.
    pub fn troubled(disk: SimDisk, setup: Setup, script: &str, may_fail_reads: bool) -> Self {
        let mut run = Self::closed(disk, setup, 1);
        run.may_fail_reads = may_fail_reads;
        run.open();
        script.chars().for_each(|verb| run.verb(verb));
        run
    }

    pub fn db(&self) -> Option<&Db> {
        self.db.as_ref()
    }

    /// One letter. Failures are noted: with a sound disk there must be none.
    pub fn verb(&mut self, verb: char) {
        match verb {
            'P' => drop(self.put(Durability::Buffered, 40)),
            'D' => drop(self.put(Durability::Durable, 40)),
            'V' => drop(self.put(Durability::Volatile, 40)),
            'E' => self.delete(),
            'R' => self.delete_range(),
            'B' => self.batch(),
            'L' => self.large_batch(),
            'M' => (0..4).for_each(|_| drop(self.put(Durability::Buffered, 1500))),
            'S' => self.sync(),
            'F' => self.flush(),
            'C' => drop(self.with(|db| db.compact(..))),
            'K' => self.make_keyspace(),
            'Q' => self.drop_keyspace(),
            'T' => self.take_snapshot(),
            'U' => self.snapshots.clear(),
            'O' => self.close_and_reopen(),
            'X' => self.die_and_reopen(),
            'I' => self.idle(),
            other => panic!("no verb is called {other:?}"),
        }
        if let Some(first) = complaint(&self.disk) {
            self.fail(format!("the disk's rules were broken: {first}"));
        }
        match self.look() {
            Err(Trouble::Failed(error)) if self.may_fail_reads => self.history.note_failure(&error),
            Err(trouble) => self.fail(format!("after {verb}: {trouble}")),
            Ok(()) => {}
        }
    }

    /// Ends the run as a crash would.
    pub fn kill(&mut self) {
        let handles = (self.db.take(), std::mem::take(&mut self.snapshots));
        if let Some(world) = self.world.take() {
            kill(&world, handles);
        }
    }

    pub fn fail(&mut self, why: String) {
        self.violation.get_or_insert(why);
    }

    /// What readers see must be what was answered.
    pub fn look(&self) -> Result<(), Trouble> {
        let Some(db) = &self.db else { return Ok(()) };
        self.history.visible(self.now()).check(&show(db)?)?;
        for (snapshot, contents) in &self.snapshots {
            let mut seen = Pairs::new();
            for pair in db.at(snapshot).iter() {
                let (key, value) = pair?;
                seen.insert(key.to_vec(), Arc::from(&value[..]));
            }
            let id = contents.id(DEFAULT).unwrap();
            if seen != *contents.pairs(id) {
                let seen = describe(&Shown::from([(DEFAULT.to_owned(), seen)]));
                return Err(format!("snapshot {:?} sees {seen}", snapshot.seqno()).into());
            }
        }
        Ok(())
    }

    fn now(&self) -> u64 {
        self.disk.op_count()
    }

    fn with(&mut self, act: impl FnOnce(&Db) -> Result<()>) -> bool {
        let Some(db) = &self.db else { return false };
        match act(db) {
            Ok(()) => true,
            Err(error) => {
                self.history.note_failure(&error);
                false
            }
        }
    }

    /// One commit: what the reference does, and what the database does.
    fn commit(
        &mut self,
        changes: Vec<Change>,
        durability: Durability,
        act: impl FnOnce(&Db, &WriteOptions) -> Result<()>,
    ) -> bool {
        let Some(db) = &self.db else { return false };
        self.history.issue(self.now(), changes, durability != Durability::Volatile);
        let answer = act(db, &WriteOptions::new().durability(durability));
        let now = self.now();
        self.history.answer(now, answer.as_ref().map(|_| ()));
        if answer.is_ok() && durability == Durability::Durable {
            self.history.note_durable(now);
        }
        answer.is_ok()
    }

    fn value(&self, size: usize) -> Arc<[u8]> {
        let start = format!("{}.", self.history.commit_count());
        (0..size).map(|at| *start.as_bytes().get(at).unwrap_or(&(at as u8))).collect()
    }

    fn key(&self) -> String {
        KEYS[self.history.commit_count() % KEYS.len()].to_owned()
    }

    /// Puts; true if that was acknowledged.
    pub fn put(&mut self, durability: Durability, size: usize) -> bool {
        let (key, value) = (self.key(), self.value(size));
        let change = Change::Put(DEFAULT.to_owned(), key.clone().into(), value.clone());
        self.commit(vec![change], durability, |db, options| {
            db.put_with(key, &value, options).map(drop)
        })
    }

    fn delete(&mut self) {
        let key = self.key();
        let change = Change::Delete(DEFAULT.to_owned(), key.clone().into());
        self.commit(vec![change], Durability::Buffered, |db, options| {
            db.delete_with(key, options).map(drop)
        });
    }

    fn delete_range(&mut self) {
        let (lower, upper) = (Bound::Included(b"b".to_vec()), Bound::Excluded(b"d".to_vec()));
        let change = Change::DeleteRange(DEFAULT.to_owned(), lower, upper);
        self.commit(vec![change], Durability::Buffered, |db, options| {
            db.delete_range_with("b".."d", options).map(drop)
        });
    }

    /// A handle of the newest keyspace, the default one if there is no other.
    fn newest(&self) -> Option<(String, Keyspace)> {
        let db = self.db.as_ref()?;
        let names = db.keyspace_names();
        let newest = names.iter().max_by_key(|name| (name.len(), (*name).clone()));
        match newest {
            Some(name) => Some((name.clone(), db.keyspace(name).ok()?)),
            None => Some((DEFAULT.to_owned(), db.default_keyspace().clone())),
        }
    }

    fn batch(&mut self) {
        let Some((name, other)) = self.newest() else { return };
        let value = self.value(30);
        let put =
            |name: &str, key: &[u8]| Change::Put(name.to_owned(), key.to_vec(), value.clone());
        let changes = vec![
            put(DEFAULT, b"b"),
            put(&name, b"a"),
            put(&name, b"x"),
            Change::Delete(DEFAULT.to_owned(), b"a".to_vec()),
            put(DEFAULT, b"d"),
            Change::DeleteRange(
                DEFAULT.to_owned(),
                Bound::Excluded(b"b".to_vec()),
                Bound::Unbounded,
            ),
            put(DEFAULT, b"e"),
        ];
        self.commit(changes, Durability::Buffered, |db, options| {
            let mut batch = Batch::new();
            batch.put(db, b"b", &value).put(&other, b"a", &value).put(&other, b"x", &value);
            batch.delete(db, b"a").put(db, b"d", &value);
            batch.delete_range(db, (Bound::Excluded(b"b"), Bound::Unbounded));
            batch.put(db, b"e", &value);
            db.write_with(&batch, options).map(drop)
        });
    }

    fn large_batch(&mut self) {
        let Some((name, other)) = self.newest() else { return };
        let value = self.value(900);
        let keys: Vec<String> = (0..10).map(|at| format!("{}{at}", KEYS[at % 5])).collect();
        let put = |key: &String| Change::Put(name.clone(), key.clone().into(), value.clone());
        let changes = keys.iter().map(put).collect();
        self.commit(changes, Durability::Buffered, |db, options| {
            let mut batch = Batch::new();
            keys.iter().for_each(|key| drop(batch.put(&other, key, &value)));
            db.write_with(&batch, options).map(drop)
        });
    }

    fn sync(&mut self) {
        if self.with(Db::sync) {
            self.history.note_durable(self.now());
        }
    }

    fn flush(&mut self) {
        if self.with(|db| db.flush()) {
            self.history.note_flushed(self.now());
        }
    }

    fn make_keyspace(&mut self) {
        self.keyspaces += 1;
        let name = format!("k{}", self.keyspaces);
        let strategy = match self.keyspaces % 3 {
            1 => Strategy::Tiered { runs_max: 2 },
            2 => Strategy::Leveled { ratio: 2 },
            _ => Strategy::Leveled { ratio: 10 },
        };
        let chosen = KeyspaceOptions::new().strategy(strategy).block_bytes(512);
        let changes = vec![Change::Make(name.clone())];
        self.commit(changes, Durability::Durable, |db, _| {
            db.keyspace_with(&name, chosen).map(drop)
        });
    }

    fn drop_keyspace(&mut self) {
        let newest = self.newest().map(|(name, _)| name).filter(|name| name != DEFAULT);
        let Some(name) = newest else { return };
        let changes = vec![Change::Drop(name.clone())];
        self.commit(changes, Durability::Durable, |db, _| db.drop_keyspace(&name).map(drop));
    }

    fn take_snapshot(&mut self) {
        let Some(db) = &self.db else { return };
        match db.snapshot() {
            // What is in doubt has an uncertain place in a snapshot.
            Ok(snapshot) if self.history.visible(self.now()).len() == 1 => {
                self.snapshots.push((snapshot, self.history.current()));
            }
            Ok(_) => {}
            Err(error) => self.history.note_failure(&error),
        }
    }

    fn idle(&mut self) {
        let Some(world) = &self.world else { return };
        for _ in 0..4 {
            world.clock.advance(Duration::from_secs(1));
            world.scheduler.run_until_idle();
        }
        if self.db.as_ref().is_some_and(|db| db.fault().is_none()) {
            self.history.note_durable(self.now());
        }
    }

    fn close_and_reopen(&mut self) {
        let Some(db) = self.db.take() else { return self.open() };
        match db.close() {
            Ok(()) => self.history.note_flushed(self.now()),
            Err(error) => self.history.note_failure(&error),
        }
        self.snapshots.clear();
        self.open();
    }

    fn die_and_reopen(&mut self) {
        self.kill();
        self.open();
    }

    fn open(&mut self) {
        let candidates = self.history.candidates(self.now(), keeps_cache(&self.disk));
        self.open_as(&candidates);
    }

    /// Goes back to a moment of this disk, crashes there, and goes on with what is left.
    pub fn crash(&mut self, moment: &Moment, crash: Crash) {
        let candidates = self.history.candidates(moment.op_number, crash == Crash::Kill);
        self.kill();
        self.disk = crash.image(moment);
        self.history = History::new();
        self.open_as(&candidates);
    }

    fn open_as(&mut self, candidates: &Candidates) {
        self.seed += 1;
        let (world, opened) = open(&self.disk, self.setup, self.seed);
        self.world = Some(world);
        let db = match opened {
            Ok(db) => self.db.insert(db),
            Err(error) => return self.history.note_failure(&error),
        };
        match show(db) {
            Ok(shown) => {
                if let Err(why) = candidates.check(&shown) {
                    self.fail(format!("reopened: {why}"));
                }
                self.history.note_opened(self.now(), &shown);
            }
            Err(Trouble::Failed(error)) if self.may_fail_reads => {
                self.history.note_failure(&error);
                self.kill();
            }
            Err(trouble) => self.fail(format!("opened, and then: {trouble}")),
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.kill();
    }
}
