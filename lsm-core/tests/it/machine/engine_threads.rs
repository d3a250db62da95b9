//! Threads of the machine on the real file system: writers, readers, scanners, snapshots, flushes
//! and compactions at once. Every reader holds what it sees against rules that no mixture of two
//! moments keeps.
//!
//! * The keys `pair/0` to `pair/9` are always written in one batch, with one value.
//! * The keys of `sum/` hold numbers whose sum never changes: one is raised as another is lowered.
//! * Each writer counts up in a key of its own, which no reader sees go back.
//! * Keys `log/W/N` are only ever added, in order, and taken away from the front by range deletes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use lsm_core::api::batch::Batch;
use lsm_core::api::db::Db;
use lsm_core::api::keyspace::Keyspace;
use lsm_core::api::read::Read;
use lsm_core::options::database::Options;
use lsm_core::options::durability::Durability;
use lsm_core::options::keyspace::{KeyspaceOptions, Strategy};
use lsm_core::options::memory::MemtableKind;
use lsm_core::options::write::WriteOptions;

use crate::machine::kit::{Dice, TempDir};

const WRITERS: u64 = 3;
const ACCOUNTS: u64 = 8;
const TOTAL: u64 = ACCOUNTS * 1000;

fn number(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes[..8].try_into().unwrap())
}

fn key(kind: &str, of: u64, at: u64) -> String {
    format!("{kind}/{of}/{at:08}")
}

struct Stage<'a> {
    db: &'a Db,
    other: &'a Keyspace,
    is_over: AtomicBool,
    /// What each writer was told last.
    told: [AtomicU64; WRITERS as usize],
    acts: AtomicU64,
}

impl Stage<'_> {
    fn goes_on(&self) -> bool {
        self.acts.fetch_add(1, Ordering::Relaxed);
        !self.is_over.load(Ordering::Relaxed)
    }

    fn write(&self, writer: u64) {
        let mut dice = Dice(writer);
        let padding = [writer as u8; 200];
        for count in 1u64.. {
            let mut batch = Batch::new();
            let value =
                [count.to_le_bytes().as_slice(), &padding[..dice.below(200) as usize]].concat();
            batch.put(self.db, key("count", writer, 0), &value);
            batch.put(self.other, key("count", writer, 0), &value);
            batch.put(self.other, key("log", writer, count), &value);
            if dice.below(50) == 0 {
                let until = key("log", writer, count.saturating_sub(dice.below(200)));
                batch.delete_range(self.other, key("log", writer, 0)..until);
            }
            if writer == 0 {
                (0..10).for_each(|at| drop(batch.put(self.db, key("pair", 0, at), &value)));
            }
            if writer == 1 {
                self.transfer(&mut dice, &mut batch);
            }
            let durability = match dice.below(300) {
                0 => Durability::Durable,
                _ => Durability::Buffered,
            };
            self.db.write_with(&batch, &WriteOptions::new().durability(durability)).unwrap();
            self.told[writer as usize].store(count, Ordering::Release);
            let own = self.db.get(key("count", writer, 0)).unwrap().expect("a writer's own write");
            assert_eq!(number(&own), count, "a writer sees what it wrote");
            if !self.goes_on() {
                return;
            }
        }
    }

    /// Only one writer does this.
    fn transfer(&self, dice: &mut Dice, batch: &mut Batch) {
        let (from, to) = (dice.below(ACCOUNTS), dice.below(ACCOUNTS));
        let balance = |account| number(&self.db.get(key("sum", 0, account)).unwrap().unwrap());
        let amount = dice.below(100).min(balance(from));
        if from != to {
            let (less, more) = (balance(from) - amount, balance(to) + amount);
            batch.put(self.db, key("sum", 0, from), less.to_le_bytes());
            batch.put(self.db, key("sum", 0, to), more.to_le_bytes());
        }
    }

    fn read(&self, seed: u64) {
        let mut dice = Dice(1000 + seed);
        let mut seen = [0; WRITERS as usize];
        while self.goes_on() {
            let writer = dice.below(WRITERS);
            let told = self.told[writer as usize].load(Ordering::Acquire);
            let found = match dice.below(2) {
                0 => self.db.get(key("count", writer, 0)),
                _ => self.other.get(key("count", writer, 0)),
            };
            let now = found.unwrap().map_or(0, |value| number(&value));
            let before = &mut seen[writer as usize];
            assert!(now >= told, "writer {writer} was told {told} and a reader sees {now}");
            assert!(now >= *before, "writer {writer} goes back from {before} to {now}");
            *before = now;
            let keys: Vec<String> = (0..10).map(|at| key("pair", 0, at)).collect();
            let pairs = self.db.get_many(&keys).unwrap();
            assert!(pairs.iter().all(|pair| *pair == pairs[0]), "a batch is seen in part");
        }
    }

    fn scan(&self, seed: u64) {
        let mut dice = Dice(2000 + seed);
        while self.goes_on() {
            check(self.db.default_keyspace(), dice.below(2) == 0);
            let writer = dice.below(WRITERS);
            let (from, to) = (key("log", writer, 0), key("log", writer, u64::MAX));
            let mut numbers: Vec<u64> = match dice.below(2) {
                0 => self.other.range(from..to).map(|pair| number(&pair.unwrap().1)).collect(),
                _ => {
                    let back = self.other.range(from..to).rev();
                    let mut numbers: Vec<u64> = back.map(|pair| number(&pair.unwrap().1)).collect();
                    numbers.reverse();
                    numbers
                }
            };
            numbers.dedup();
            let is_whole = numbers.windows(2).all(|two| two[1] == two[0] + 1);
            assert!(is_whole, "writer {writer}'s log has a hole: {numbers:?}");
        }
    }

    fn snap(&self) {
        while self.goes_on() {
            let snapshot = self.db.snapshot().unwrap();
            let (old, other) = (self.db.at(&snapshot), self.other.at(&snapshot));
            let look = || {
                let counts: Vec<_> =
                    (0..WRITERS).map(|w| old.get(key("count", w, 0)).unwrap()).collect();
                let others = (0..WRITERS).map(|w| other.get(key("count", w, 0)).unwrap());
                assert!(counts.iter().cloned().eq(others), "two keyspaces at one moment differ");
                let pairs: Vec<_> = old.iter().map(|pair| pair.unwrap()).collect();
                (counts, pairs, other.iter().keys().filter_map(|key| key.ok()).count())
            };
            let first = look();
            check(&old, true);
            std::thread::sleep(Duration::from_millis(20));
            assert!(look() == first, "a snapshot changes");
        }
    }

    fn tidy_up(&self) {
        let mut dice = Dice(3000);
        while self.goes_on() {
            match dice.below(4) {
                0 => self.db.flush().unwrap(),
                1 => self.db.compact(..).unwrap(),
                2 => self.other.compact(key("log", 1, 0)..).unwrap(),
                _ => self.db.sync().unwrap(),
            }
            std::thread::sleep(Duration::from_millis(dice.below(10)));
        }
    }

    fn make_and_drop(&self) {
        for round in 0u64.. {
            let name = format!("short/{round}");
            let keyspace = self.db.keyspace(&name).unwrap();
            (0..50).for_each(|at| drop(keyspace.put(key("x", round, at), [7; 100]).unwrap()));
            assert_eq!(keyspace.count(..).unwrap(), 50);
            assert!(self.db.drop_keyspace(&name).unwrap());
            keyspace.put("late", "late").unwrap_err();
            if !self.goes_on() {
                return;
            }
        }
    }
}

/// The rules that hold at every moment.
fn check<R: Read>(reader: &R, is_forward: bool) {
    let values = |kind: &str| -> Vec<Vec<u8>> {
        let range = reader.prefix(format!("{kind}/"));
        let value = |pair: lsm_core::base::error::Result<(_, lsm_core::base::slice::Slice)>| {
            pair.unwrap().1.to_vec()
        };
        if is_forward { range.map(value).collect() } else { range.rev().map(value).collect() }
    };
    let pairs = values("pair");
    assert!(pairs.is_empty() || pairs.len() == 10, "{} of a batch of ten", pairs.len());
    assert!(pairs.iter().all(|pair| *pair == pairs[0]), "a batch is seen in part");
    let sum: u64 = values("sum").iter().map(|value| number(value)).sum();
    assert_eq!(sum, TOTAL, "money is made or lost");
}

fn options(memtable: MemtableKind) -> Options {
    Options::new().memory_limit(32 << 20).memtable_bytes(128 << 10).memtable(memtable)
}

fn story(memtable: MemtableKind, budget: Duration) {
    let dir = TempDir::new();
    let db = Db::builder(dir.db()).options(options(memtable)).open().unwrap();
    let tiered = KeyspaceOptions::new().strategy(Strategy::Tiered { runs_max: 3 });
    let other = db.keyspace_with("other", tiered).unwrap();
    for account in 0..ACCOUNTS {
        db.put(key("sum", 0, account), (TOTAL / ACCOUNTS).to_le_bytes()).unwrap();
    }
    let stage = Stage {
        db: &db,
        other: &other,
        is_over: AtomicBool::new(false),
        told: Default::default(),
        acts: AtomicU64::new(0),
    };
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let stage = &stage;
        (0..WRITERS).for_each(|writer| drop(scope.spawn(move || stage.write(writer))));
        (0..2).for_each(|reader| drop(scope.spawn(move || stage.read(reader))));
        (0..2).for_each(|scanner| drop(scope.spawn(move || stage.scan(scanner))));
        scope.spawn(|| stage.snap());
        scope.spawn(|| stage.tidy_up());
        scope.spawn(|| stage.make_and_drop());
        // A thread that panics ends the others.
        while begun.elapsed() < budget && stage.db.fault().is_none() {
            std::thread::sleep(Duration::from_millis(10));
        }
        stage.is_over.store(true, Ordering::Relaxed);
    });
    let told: Vec<u64> = stage.told.iter().map(|told| told.load(Ordering::Relaxed)).collect();
    let acts = stage.acts.load(Ordering::Relaxed);
    db.verify().unwrap();
    db.close().unwrap();

    let db = Db::builder(dir.db()).options(options(memtable)).open().unwrap();
    assert_eq!(db.keyspace_names(), ["other"]);
    let other = db.keyspace("other").unwrap();
    for (writer, told) in (0..WRITERS).zip(&told) {
        for keyspace in [&*db, &other] {
            let found = keyspace.get(key("count", writer, 0)).unwrap().unwrap();
            assert_eq!(number(&found), *told, "after reopening");
        }
    }
    check(db.default_keyspace(), true);
    db.verify().unwrap();
    println!("{memtable:?}: {acts} rounds of ten threads, batches written: {told:?}");
}

/// Counters that many raise at once lose nothing, though memtables become tables meanwhile.
#[test]
fn raising_counters_together_loses_none() {
    const RAISES: u64 = 2000;
    let dir = TempDir::new();
    let options = Options::new().memory_limit(16 << 20).memtable_bytes(64 << 10);
    let db = Db::builder(dir.db()).options(options).open().unwrap();
    let won = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (db, won) = (&db, &won);
            scope.spawn(move || {
                for round in 0..RAISES {
                    let raise =
                        |old: Option<&[u8]>| Some((old.map_or(0, number) + 1).to_le_bytes());
                    db.fetch_update(key("counter", 0, round % 3), raise).unwrap();
                    let is_first = db.insert_if_absent(key("once", 0, round), [thread; 200]);
                    won.fetch_add(u64::from(is_first.unwrap().is_some()), Ordering::Relaxed);
                }
            });
        }
    });
    let sum = db.prefix("counter/").map(|pair| number(&pair.unwrap().1)).sum::<u64>();
    assert_eq!((sum, won.into_inner()), (4 * RAISES, RAISES));
}

#[test]
fn ten_threads_share_one_database() {
    story(MemtableKind::Tree, Duration::from_secs(3));
    story(MemtableKind::SkipList, Duration::from_secs(2));
}

#[test]
#[ignore = "a minute: make prove"]
fn prove_ten_threads_share_one_database() {
    story(MemtableKind::Tree, Duration::from_secs(30));
    story(MemtableKind::SkipList, Duration::from_secs(20));
}
