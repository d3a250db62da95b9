//! The owner's list, measured on the machine's own file system. Other work on the machine must not
//! make these fail: each takes the best of several runs, and stops at the first that is good.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use lsm_core::api::db::Db;
use lsm_core::base::error::Result;
use lsm_core::cursor::contract::Cursor;
use lsm_core::cursor::merge::Merge;
use lsm_core::key::full::head_of;
use lsm_core::options::database::Options;
use lsm_core::options::durability::Durability;
use lsm_core::options::write::WriteOptions;

use crate::machine::kit::{Dice, TempDir, again, role};

const RUNS: usize = 8;

/// Keys in no order, each number's its own.
fn key(number: u64) -> String {
    format!("key{:013}", number * 6_364_136 % 10_000_019)
}

/// Writes a second, and the time that all but one of a hundred writes stay below.
fn write_speed() -> (f64, Duration) {
    let dir = TempDir::new();
    let db = Db::open(dir.db()).unwrap();
    let mut times = Vec::with_capacity(100_000);
    let begun = Instant::now();
    for at in 0..100_000 {
        let before = Instant::now();
        db.put(key(at), [at as u8; 100]).unwrap();
        times.push(before.elapsed());
    }
    let rate = times.len() as f64 / begun.elapsed().as_secs_f64();
    db.close().unwrap();
    times.sort_unstable();
    (rate, times[times.len() * 99 / 100])
}

#[test]
fn more_than_20_000_writes_a_second_with_p99_below_a_millisecond() {
    let mut tried = Vec::new();
    for _ in 0..RUNS {
        let (rate, p99) = write_speed();
        tried.push((rate, p99));
        if rate > 20_000.0 && p99 < Duration::from_millis(1) {
            println!("{rate:.0} writes a second, p99 {p99:?}");
            return;
        }
    }
    panic!("none of {RUNS} runs was fast enough: {tried:?}");
}

/// A sorted run in memory, which counts how often its keys are looked at.
struct Counted<'a> {
    keys: Vec<Vec<u8>>,
    at: usize,
    looks: &'a AtomicU64,
}

impl Cursor for Counted<'_> {
    fn seek(&mut self, key: &[u8], _: u64) -> Result<()> {
        self.at = self.keys.partition_point(|known| known.as_slice() < key);
        Ok(())
    }

    fn seek_before(&mut self, key: &[u8], trailer: u64) -> Result<()> {
        self.seek(key, trailer)?;
        self.prev()
    }

    fn seek_first(&mut self) -> Result<()> {
        self.at = 0;
        Ok(())
    }

    fn seek_last(&mut self) -> Result<()> {
        self.at = self.keys.len().wrapping_sub(1);
        Ok(())
    }

    fn next(&mut self) -> Result<()> {
        self.at = self.at.wrapping_add(1);
        Ok(())
    }

    fn prev(&mut self) -> Result<()> {
        self.at = self.at.wrapping_sub(1);
        Ok(())
    }

    fn is_valid(&self) -> bool {
        self.at < self.keys.len()
    }

    fn key(&self) -> &[u8] {
        self.looks.fetch_add(1, Ordering::Relaxed);
        &self.keys[self.at]
    }

    fn head(&self) -> u64 {
        head_of(&self.keys[self.at])
    }

    fn trailer(&self) -> u64 {
        0
    }

    fn value(&self) -> &[u8] {
        &[]
    }
}

/// Looks at keys for each pair that a merge of `runs` runs passes. No two neighbours lie in one run
/// but by chance, and all keys begin alike, so that nothing is decided without a look.
fn looks_for_each_pair(runs: usize) -> f64 {
    const PAIRS: usize = 32_000;
    let (mut dice, looks) = (Dice(5), AtomicU64::new(0));
    let mut keys: Vec<Vec<Vec<u8>>> = vec![Vec::new(); runs];
    for at in 0..PAIRS {
        let key = format!("a long beginning that all keys have in common/{at:08}");
        keys[dice.below(runs as u64) as usize].push(key.into_bytes());
    }
    let source = |keys| Counted { keys, at: usize::MAX, looks: &looks };
    let mut merge = Merge::new(keys.into_iter().map(source).collect());
    merge.seek_first().unwrap();
    let mut passed = 0;
    while merge.is_valid() {
        passed += 1;
        merge.next().unwrap();
    }
    assert_eq!(passed, PAIRS);
    looks.into_inner() as f64 / PAIRS as f64
}

/// A comparison looks at two keys, and log K of them choose the next pair.
#[test]
fn a_merge_of_k_runs_is_of_n_log_k() {
    for (runs, log) in [(4, 2.0), (16, 4.0), (64, 6.0), (256, 8.0)] {
        let looks = looks_for_each_pair(runs);
        println!("{runs} runs: {looks:.1} looks at keys for each pair");
        assert!(looks <= 2.0 * log + 6.0, "{runs} runs cost {looks} looks at keys for each pair");
    }
}

#[test]
fn readers_are_parallel_to_one_writer() {
    let dir = TempDir::new();
    let options = Options::new().memory_limit(32 << 20).memtable_bytes(1 << 20);
    let db = Db::builder(dir.db()).options(options).open().unwrap();
    (0..20_000).for_each(|at| drop(db.put(key(at), at.to_le_bytes()).unwrap()));
    let (is_over, reads, writes) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for reader in 0..3 {
            let (db, is_over, reads) = (&db, &is_over, &reads);
            scope.spawn(move || {
                let mut dice = Dice(reader);
                while !is_over.load(Ordering::Relaxed) {
                    let at = dice.below(20_000);
                    assert!(db.get(key(at)).unwrap().is_some(), "key {at} is gone");
                    reads.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let until = Instant::now() + Duration::from_secs(1);
        for at in (20_000u64..).take_while(|_| Instant::now() < until) {
            db.put(key(at), at.to_le_bytes()).unwrap();
            writes.fetch_add(1, Ordering::Relaxed);
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let (reads, writes) = (reads.into_inner(), writes.into_inner());
    println!("in one second {writes} writes of one writer beside {reads} reads of three readers");
    assert!(reads > 1000 && writes > 1000);
}

/// Writes until it is killed.
#[test]
#[ignore = "the other process of this story, which starts it"]
fn child() {
    let Some(role) = role() else { return };
    let options = Options::new().memory_limit(16 << 20).memtable_bytes(256 << 10);
    let db = Db::builder(&role[0]).options(options).open().unwrap();
    let start = db.get("count").unwrap().map_or(0, |count| number(&count));
    for at in start + 1.. {
        let durability = match at % 64 {
            0 => Durability::Durable,
            _ => Durability::Buffered,
        };
        let mut batch = db.batch();
        batch.put(&db, "count", at.to_le_bytes()).put(&db, key(at), at.to_le_bytes().repeat(20));
        db.write_with(&batch, &WriteOptions::new().durability(durability)).unwrap();
        if at % 16 == 0 {
            println!("\n@{at}");
        }
    }
}

fn number(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes[..8].try_into().unwrap())
}

/// Kills a writing process with SIGKILL; every write that it acknowledged is there afterwards.
#[test]
fn every_acknowledged_write_is_there_after_a_kill() {
    use std::io::{BufRead, BufReader};
    let dir = TempDir::new();
    let path = dir.db();
    let mut total = 0;
    for round in 0..12u64 {
        let role = [path.to_str().unwrap()];
        let mut child = again(module_path!(), &role).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut told = 0;
        let mut until = None;
        for line in lines {
            let Ok(at) = line.unwrap().strip_prefix('@').unwrap_or("").parse::<u64>() else {
                continue;
            };
            told = at;
            let until = *until.get_or_insert(at + 400 * (1 + round * 5 % 11));
            if at >= until {
                // What is told meanwhile is read to its end.
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        let db = Db::open(&path).unwrap();
        let found = number(&db.get("count").unwrap().unwrap());
        assert!(found >= told, "round {round}: {told} was acknowledged, and {found} is there");
        for at in 1..=found {
            let value = db.get(key(at)).unwrap();
            assert_eq!(value.map(|value| number(&value)), Some(at), "round {round} of {found}");
        }
        db.verify().unwrap();
        // Half of the time the next process finds what this one has left unclosed.
        if round % 2 == 0 {
            db.close().unwrap()
        } else {
            drop(db)
        }
        total = found;
    }
    println!("{total} writes in twelve killed processes, none lost");
}
