//! Scripts of the whole engine: a database on a simulated disk, one letter for each call.
//!
//! ```text
//! P put, Buffered        D put, Durable          V put, Volatile       E delete
//! R delete a range       B batch in two keyspaces, with a range        L batch larger than memory
//! M fill the memtable    S sync                  F flush               C compact
//! K make a keyspace      Q drop the newest one   T take a snapshot     U drop all snapshots
//! O close and reopen     X die and reopen        I idle for four seconds
//! Y put for half an hour Z let an hour pass    A merge in the newest keyspace
//! W put large, Buffered  G put large, Durable    N put large, Volatile
//! ```
//!
//! And in chosen scripts only, so that there are not more of the others:
//!
//! ```text
//! H put into a keyspace that a filter sweeps, which the first one makes    J compact that keyspace
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
use lsm_core::base::error::{Error, ErrorKind, Result};
use lsm_core::env::clock::Clock;
use lsm_core::env::sim::crash::Moment;
use lsm_core::env::sim::disk::SimDisk;
use lsm_core::env::sim::world::SimWorld;
use lsm_core::options::durability::Durability;
use lsm_core::options::keyspace::{KeyspaceOptions, Strategy};
use lsm_core::options::log_mode::LogMode;
use lsm_core::options::memory::MemtableKind;
use lsm_core::options::write::WriteOptions;

use crate::harness::disk::{complaint, keeps_cache};
use crate::harness::engine::reference::{
    Candidates, Change, Contents, DEFAULT, History, Pairs, SWEPT, Shown, describe, is_garbage,
};
use crate::harness::engine::subject::{KEYS, Setup, Trouble, kill, open, show};
use crate::harness::engine::sweeper::swept;
use crate::harness::images::Crash;
use crate::harness::scripted::{ScriptRun, Scripted};
use crate::machine::kit::mode_name;

/// Bytes of a value that stands apart.
const LARGE: usize = 4_500;

impl Scripted for Setup {
    type Run = Run;

    const ALL: [Self; 2] = [
        Self { mode: LogMode::Write, memtable: MemtableKind::Tree },
        Self { mode: LogMode::Mapped, memtable: MemtableKind::SkipList },
    ];
    const VERBS: &'static str = "PDVERBLMSFCKQTUOXIYZAWGN";
    const READ_BACK: &'static str = "WGNH";
    /// Memory is flushed, tables are merged.
    const CHORES: &'static str = "IFMCI";
    const REPLAY: &'static str = "LSM_ENGINE";

    fn name(self) -> &'static str {
        mode_name(self.mode)
    }
}

/// A run of a script.
pub struct Run {
    setup: Setup,
    disk: SimDisk,
    history: History,
    violation: Option<String>,
    may_fail_reads: bool,
    world: Option<SimWorld>,
    db: Option<Db>,
    snapshots: Vec<(Snapshot, Contents)>,
    seed: u64,
    /// How often it was opened.
    lives: u64,
    keyspaces: u32,
}

impl ScriptRun for Run {
    type Of = Setup;

    fn closed(setup: Setup, disk: SimDisk, seed: u64) -> Self {
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
            lives: 0,
            keyspaces: 0,
        }
    }

    fn open(&mut self) {
        let candidates = self.history.candidates(self.now(), keeps_cache(&self.disk));
        self.open_as(&candidates);
    }

    fn verb(&mut self, verb: char) {
        match verb {
            'P' => drop(self.put(Durability::Buffered)),
            'D' => drop(self.put(Durability::Durable)),
            'V' => drop(self.put(Durability::Volatile)),
            'W' => drop(self.put_sized(Durability::Buffered, LARGE)),
            'G' => drop(self.put_sized(Durability::Durable, LARGE)),
            'N' => drop(self.put_sized(Durability::Volatile, LARGE)),
            'E' => self.delete(),
            'R' => self.delete_range(),
            'B' => self.batch(),
            'L' => self.large_batch(),
            'M' => (0..4).for_each(|_| drop(self.put_sized(Durability::Buffered, 1500))),
            'S' => self.sync_all(),
            'F' => self.flush(),
            'C' => drop(self.with(|db| db.compact(..))),
            'K' => self.make_keyspace(),
            'Q' => self.drop_keyspace(),
            'T' => self.take_snapshot(),
            'U' => self.snapshots.clear(),
            'O' => self.close_and_reopen(),
            'X' => self.die_and_reopen(),
            'I' => self.idle(),
            'Y' => self.put_expiring(),
            'Z' => self.pass_an_hour(),
            'A' => self.merge(),
            'H' => self.put_swept(),
            'J' => self.sweep(),
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

    fn kill(&mut self) {
        let handles = (self.db.take(), std::mem::take(&mut self.snapshots));
        if let Some(world) = self.world.take() {
            kill(&world, handles);
        }
    }

    fn crash(&mut self, moment: &Moment, crash: Crash) {
        let candidates = self.history.candidates(moment.op_number, crash == Crash::Kill);
        self.kill();
        self.disk = crash.image(moment);
        self.history = History::new();
        self.open_as(&candidates);
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

    fn promises(&self, at: u64) -> impl Fn(bool, &Shown) -> Result<(), String> {
        let (killed, cut) = (self.history.candidates(at, true), self.history.candidates(at, false));
        move |is_kill, found| if is_kill { killed.check(found) } else { cut.check(found) }
    }

    fn is_open(&self) -> bool {
        self.db.is_some()
    }

    fn fault(&self) -> Option<Error> {
        self.db.as_ref()?.fault()
    }

    fn resume(&mut self) -> Result<()> {
        let Some(db) = &self.db else { return Ok(()) };
        db.resume()?;
        self.history.note_durable(self.now());
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        self.db.as_ref().map_or(Ok(()), Db::sync)
    }

    fn put(&mut self, durability: Durability) -> bool {
        self.put_sized(durability, 40)
    }

    fn may_fail_reads(&mut self, may: bool) {
        self.may_fail_reads = may;
    }

    fn look_again(&self) -> Result<(), String> {
        match self.look() {
            Err(Trouble::Failed(_)) if self.may_fail_reads => Ok(()),
            looked => looked.map_err(|trouble| trouble.to_string()),
        }
    }

    fn verify(&self) -> Result<()> {
        self.db.as_ref().map_or(Ok(()), Db::verify)
    }
}

impl Run {
    fn fail(&mut self, why: String) {
        self.violation.get_or_insert(why);
    }

    /// What readers see must be what was answered.
    fn look(&self) -> Result<(), Trouble> {
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
    fn put_sized(&mut self, durability: Durability, size: usize) -> bool {
        let (key, value) = (self.key(), self.value(size));
        let change = Change::Put(DEFAULT.to_owned(), key.clone().into(), value.clone());
        self.commit(vec![change], durability, |db, options| {
            db.put_with(key, &value, options).map(drop)
        })
    }

    /// Puts what is there for half an hour.
    fn put_expiring(&mut self) {
        let (key, value) = (self.key(), self.value(60));
        let (name, end) = (DEFAULT.to_owned(), Some(self.history.now() + 30));
        let change = Change::PutUntil(name, key.clone().into(), value.clone(), end);
        self.commit(vec![change], Durability::Buffered, |db, options| {
            db.put_with(key, &value, &options.ttl(Duration::from_secs(1800))).map(drop)
        });
    }

    /// Operands for the newest keyspace that takes any, of a key that a batch puts and of others.
    fn merge(&mut self) {
        let Some((name, keyspace)) = self.newest().filter(|(name, _)| name != DEFAULT) else {
            return;
        };
        let (operand, key): (Arc<[u8]>, _) = (self.value(3), self.key());
        let merge =
            |key: &str| Change::Merge(name.clone(), key.as_bytes().to_vec(), operand.clone(), None);
        let changes = vec![merge("a"), merge(&key), merge("a")];
        self.commit(changes, Durability::Buffered, |db, options| {
            let mut batch = Batch::new();
            batch.merge(&keyspace, "a", &operand).merge(&keyspace, &key, &operand);
            db.write_with(batch.merge(&keyspace, "a", &operand), options).map(drop)
        });
    }

    /// Garbage, something old and something of use, over what the last one has put.
    fn put_swept(&mut self) {
        if self.swept().is_none() {
            let changes = vec![Change::Make(SWEPT.to_owned())];
            let options = swept().strategy(Strategy::Leveled { ratio: 2 }).block_bytes(512);
            let options = options.blob_threshold(64);
            self.commit(changes, Durability::Durable, |db, _| {
                db.keyspace_with(SWEPT, options).map(drop)
            });
        }
        let Some(keyspace) = self.swept() else { return };
        let count = self.history.commit_count();
        let pairs = ["x", "old", "of use"].into_iter().zip(count..).map(|(start, at)| {
            // Every second one stands apart.
            let digits = if at % 2 == 0 { 100 } else { 1 };
            let value: Arc<[u8]> = format!("{start} {at:0digits$}").into_bytes().into();
            (KEYS[at % KEYS.len()].as_bytes().to_vec(), value)
        });
        let pairs: Vec<(Vec<u8>, Arc<[u8]>)> = pairs.collect();
        let put = |(key, value): &(Vec<u8>, Arc<[u8]>)| {
            Change::Put(SWEPT.to_owned(), key.clone(), value.clone())
        };
        let changes = pairs.iter().map(put).collect();
        self.commit(changes, Durability::Buffered, |db, options| {
            let mut batch = Batch::new();
            pairs.iter().for_each(|(key, value)| drop(batch.put(&keyspace, key, value)));
            db.write_with(&batch, options).map(drop)
        });
    }

    /// The keyspace that is swept, if it is there: asking for it by its name alone would make one
    /// that is not.
    fn swept(&self) -> Option<Keyspace> {
        let db = self.db.as_ref()?;
        let is_there = db.keyspace_names().iter().any(|name| name == SWEPT);
        if is_there { db.keyspace(SWEPT).ok() } else { None }
    }

    /// Has the filter shown everything: nothing that it sweeps is left, if no snapshot sees it.
    fn sweep(&mut self) {
        let Some(keyspace) = self.swept() else { return };
        if !self.with(|_| keyspace.compact(..)) || !self.snapshots.is_empty() {
            return;
        }
        for pair in keyspace.iter() {
            match pair {
                Ok((key, value)) if is_garbage(&value) => {
                    let stats = self.db.as_ref().map(Db::stats);
                    let known = stats.map(|stats| (stats.fault, stats.damage));
                    self.fail(format!("{key:?} was not swept: {value:?}, {known:?}"));
                }
                Ok(_) => {}
                Err(error) => return self.history.note_failure(&error),
            }
        }
    }

    fn pass_an_hour(&mut self) {
        let Some(world) = &self.world else { return };
        world.clock.set_wall_millis(world.clock.wall_millis() + 3_600_000);
        world.scheduler.run_until_idle();
        self.history.pass(60);
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
        let newest = names
            .iter()
            .filter(|name| *name != SWEPT)
            .max_by_key(|name| (name.len(), (*name).clone()));
        match newest {
            Some(name) => Some((name.clone(), db.keyspace(name).ok()?)),
            None => Some((DEFAULT.to_owned(), db.default_keyspace().clone())),
        }
    }

    fn batch(&mut self) {
        let Some((name, other)) = self.newest() else { return };
        let value = self.value(70);
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
        let is_written = self.commit(changes, Durability::Buffered, |db, options| {
            let mut batch = Batch::new();
            match db.get(b"b")? {
                Some(before) => batch.require_value(db, b"b", before),
                None => batch.require_absent(db, b"b"),
            };
            batch.put(db, b"b", &value).put(&other, b"a", &value).put(&other, b"x", &value);
            batch.delete(db, b"a").put(db, b"d", &value);
            batch.delete_range(db, (Bound::Excluded(b"b"), Bound::Unbounded));
            batch.put(db, b"e", &value);
            db.write_with(&batch, options).map(drop)
        });
        if is_written {
            self.conflict();
        }
    }

    /// A batch whose condition does not hold, behind one that has given the key a value.
    fn conflict(&mut self) {
        let Some(db) = &self.db else { return };
        let mut batch = Batch::new();
        batch.require_absent(db, b"b").put(db, b"a", b"never");
        match db.write(&batch) {
            Ok(_) => self.fail("a batch was written against its condition".to_owned()),
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            Err(error) => self.history.note_failure(&error),
        }
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

    fn sync_all(&mut self) {
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
        // In every second one, what a batch puts stands apart.
        let threshold = if self.keyspaces % 2 == 0 { 64 } else { 4096 };
        let chosen = chosen.merge_operator("append").blob_threshold(threshold);
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

    fn open_as(&mut self, candidates: &Candidates) {
        self.seed += 1;
        self.lives += 1;
        let (world, opened) = open(&self.disk, self.setup, self.seed, self.lives);
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
