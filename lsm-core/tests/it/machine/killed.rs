//! The whole engine under SIGKILL: a process writes to a database with small memtables, in two
//! keyspaces, with range deletes and large values, while a second thread of it flushes, merges and
//! verifies, and tells each acknowledged batch through a pipe. It is killed at random moments, in
//! openings and merges too. What is there afterwards is what an exact prefix of the batches makes,
//! and no acknowledged batch is missing from it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::{Duration, Instant};

use lsm_core::{Batch, Db, Durability, Keyspace, KeyspaceOptions, LogMode, Options, WriteOptions};

use crate::machine::kit::{Dice, MODES, TempDir, again, mode_name, mode_of, role, tell};

/// Keys of each keyspace.
const KEYS: u64 = 400;
/// Values of this length stand apart.
const LARGE: usize = 1000;

fn options(mode: LogMode) -> Options {
    Options::new()
        .memory_limit(16 << 20)
        .memtable_bytes(64 << 10)
        .background_threads(2)
        .log_mode(mode)
        .log_segment_bytes_max(128 << 10)
}

fn key(index: u64) -> Vec<u8> {
    format!("key {index:04}").into_bytes()
}

/// One change of one key, or of a range of keys.
enum Change {
    Put(Vec<u8>, Vec<u8>),
    Delete(Vec<u8>),
    DeleteRange(Vec<u8>, Vec<u8>),
}

/// The changes of batch number `index`, by keyspace: they depend on nothing else.
fn changes_of(index: u64) -> Vec<(usize, Change)> {
    let mut dice = Dice(index.wrapping_mul(0x5851_f42d_4c95_7f2d));
    let mut changes = vec![(0, Change::Put(b"last".to_vec(), index.to_le_bytes().to_vec()))];
    for _ in 0..1 + dice.below(6) {
        let (keyspace, at) = (dice.below(2) as usize, dice.below(KEYS));
        let len = match dice.below(8) {
            0 => LARGE as u64 + dice.below(4000),
            _ => dice.below(300),
        };
        changes.push(match dice.below(20) {
            0..3 => (keyspace, Change::Delete(key(at))),
            3 => (keyspace, Change::DeleteRange(key(at), key(at + dice.below(30)))),
            _ => (keyspace, Change::Put(key(at), vec![(index % 251) as u8; len as usize])),
        });
    }
    changes
}

/// What two keyspaces hold.
#[derive(Clone, Default, PartialEq, Eq)]
struct Content([BTreeMap<Vec<u8>, Vec<u8>>; 2]);

impl Content {
    fn apply(&mut self, index: u64) {
        for (keyspace, change) in changes_of(index) {
            let pairs = &mut self.0[keyspace];
            match change {
                Change::Put(key, value) => drop(pairs.insert(key, value)),
                Change::Delete(key) => drop(pairs.remove(&key)),
                Change::DeleteRange(from, to) => pairs.retain(|key, _| *key < from || *key >= to),
            }
        }
    }

    fn of(db: &Db) -> Self {
        let pairs = |keyspace: &Keyspace| {
            let pair = |pair: lsm_core::Result<(lsm_core::Slice, lsm_core::Slice)>| {
                pair.map(|(key, value)| (key.to_vec(), value.to_vec())).unwrap()
            };
            keyspace.iter().map(pair).collect()
        };
        Self([pairs(db.default_keyspace()), pairs(&second(db))])
    }
}

/// The other keyspace, whose large values stand apart.
fn second(db: &Db) -> Keyspace {
    let options = KeyspaceOptions::new().blob_threshold(LARGE as u64);
    db.keyspace_with("second", options).unwrap()
}

/// The number of the last batch that the database shows.
fn last_of(db: &Db) -> u64 {
    let last = db.get("last").unwrap();
    last.map_or(0, |bytes| u64::from_le_bytes(bytes[..].try_into().unwrap()))
}

#[test]
#[ignore = "the other process of this story, which starts it"]
fn child() {
    let Some(role) = role() else { return };
    let (path, mode) = (Path::new(&role[0]), mode_of(&role[1]));
    let mut dice = Dice(role[2].parse().unwrap());
    loop {
        tell("open");
        let db = Db::builder(path).options(options(mode)).open().unwrap();
        let second = second(&db);
        let index = last_of(&db);
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| write(&db, &second, index, &mut dice));
            let mut chores = Dice(index);
            while !writer.is_finished() {
                chore(&db, &second, &mut chores);
            }
        });
        match dice.below(2) {
            0 => db.close().unwrap(),
            _ => drop(db),
        }
    }
}

fn write(db: &Db, second: &Keyspace, mut index: u64, dice: &mut Dice) {
    let keyspaces = [db.default_keyspace(), second];
    while dice.below(1500) > 0 {
        index += 1;
        let mut batch = Batch::new();
        for (keyspace, change) in changes_of(index) {
            match change {
                Change::Put(key, value) => batch.put(keyspaces[keyspace], key, value),
                Change::Delete(key) => batch.delete(keyspaces[keyspace], key),
                Change::DeleteRange(from, to) => batch.delete_range(keyspaces[keyspace], from..to),
            };
        }
        let durability = match dice.below(60) {
            0 => Durability::Durable,
            _ => Durability::Buffered,
        };
        db.write_with(&batch, &WriteOptions::new().durability(durability)).unwrap();
        tell(&format!("batch {index}"));
    }
}

/// What is done beside the writer.
fn chore(db: &Db, second: &Keyspace, dice: &mut Dice) {
    match dice.below(8) {
        0 => db.flush().unwrap(),
        1 => db.compact(..).unwrap(),
        2 => second.compact(..).unwrap(),
        3 => db.sync().unwrap(),
        4 => db.verify().unwrap(),
        _ => std::thread::sleep(Duration::from_micros(dice.below(8000))),
    }
}

/// A database and what its killed processes have told.
struct Life {
    dir: TempDir,
    mode: LogMode,
    /// The last batch that was acknowledged.
    told: u64,
    /// What the first so many batches make.
    known: (u64, Content),
    kills: u64,
    kills_in_opening: u64,
    /// Kills since the database was looked at.
    unseen: u64,
}

impl Life {
    fn new(mode: LogMode) -> Self {
        let (dir, known) = (TempDir::new(), (0, Content::default()));
        Self { dir, mode, told: 0, known, kills: 0, kills_in_opening: 0, unseen: 0 }
    }

    /// Starts a process and kills it after a while.
    fn kill_one(&mut self, dice: &mut Dice) {
        let seed = dice.below(u64::MAX).to_string();
        let path = self.dir.db();
        let role = [path.to_str().unwrap(), mode_name(self.mode), &seed];
        let mut child = again(module_path!(), &role).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while lines.next().expect("the process begins").unwrap() != "@open" {}
        let delay = match dice.below(3) {
            0 => dice.below(4_000),
            _ => dice.below(200_000),
        };
        let (told, is_opening) = std::thread::scope(|scope| {
            let reader = scope.spawn(|| hear(lines));
            std::thread::sleep(Duration::from_micros(delay));
            child.kill().unwrap();
            let status = child.wait().unwrap();
            let signal = std::os::unix::process::ExitStatusExt::signal(&status);
            assert_eq!(signal, Some(9), "the process failed before it was killed");
            reader.join().unwrap()
        });
        self.told = self.told.max(told);
        self.kills += 1;
        self.unseen += 1;
        self.kills_in_opening += u64::from(is_opening);
    }

    /// Opens the database and holds it against what the batches make.
    fn check(&mut self, seed: u64) {
        let mode = mode_name(self.mode);
        let db = Db::builder(self.dir.db()).options(options(self.mode)).open();
        let db = db.unwrap_or_else(|error| panic!("{mode}, seed {seed}: {error:?}"));
        let last = last_of(&db);
        let acknowledged = self.told;
        assert!(last >= acknowledged, "{mode}, seed {seed}: {last} of {acknowledged} batches");
        assert!(last <= acknowledged + self.unseen, "one in flight for each kill");
        while self.known.0 < last {
            self.known.0 += 1;
            self.known.1.apply(self.known.0);
        }
        assert!(self.known.0 == last, "{mode}, seed {seed}: batches were there once and are not");
        let is_same = Content::of(&db) == self.known.1;
        assert!(is_same, "{mode}, seed {seed}: not what {last} batches make");
        db.verify().unwrap();
        db.close().unwrap();
        self.told = last;
        self.unseen = 0;
    }
}

/// The last batch that a process told of, and whether an opening was the last that it began.
fn hear(lines: impl Iterator<Item = std::io::Result<String>>) -> (u64, bool) {
    let (mut told, mut is_opening) = (0, true);
    for line in lines {
        let line = line.unwrap();
        let Some(line) = line.strip_prefix('@') else { continue };
        is_opening = line == "open";
        if let Some(index) = line.strip_prefix("batch ") {
            told = index.parse().unwrap();
        }
    }
    (told, is_opening)
}

/// Kills until the time is over or enough were killed. Answers how many were in an opening.
fn story(mode: LogMode, limit: Duration, kills: u64, seed: u64) -> u64 {
    let start = Instant::now();
    let mut dice = Dice(seed);
    let (mut databases, mut killed, mut in_opening, mut batches) = (0, 0, 0, 0);
    while killed < kills && start.elapsed() < limit {
        let mut life = Life::new(mode);
        for _ in 0..8.min(kills - killed) {
            life.kill_one(&mut dice);
            if dice.below(3) > 0 {
                life.check(seed);
            }
        }
        life.check(seed);
        databases += 1;
        killed += life.kills;
        in_opening += life.kills_in_opening;
        batches += life.told;
    }
    println!(
        "{}: {killed} kills ({in_opening} in an opening) of {databases} databases, {batches} \
         batches, all there and whole, {:.1} s (seed {seed})",
        mode_name(mode),
        start.elapsed().as_secs_f64()
    );
    assert!(killed > 0 && batches > 0);
    in_opening
}

#[test]
fn every_acknowledged_batch_of_the_engine_survives_kill_nine() {
    for mode in MODES {
        story(mode, Duration::from_secs(5), 16, 1);
    }
}

#[test]
#[ignore = "more than a minute: make prove runs it"]
fn prove_kill_nine_of_the_engine() {
    for mode in MODES {
        assert!(story(mode, Duration::from_secs(32), u64::MAX, 2) > 0, "none was in an opening");
    }
}
