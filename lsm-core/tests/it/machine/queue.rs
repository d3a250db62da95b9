//! Queues and stacks: keys come at one end and are deleted at one end, and whoever asks for the
//! first or the last one must not step over every delete again.
//!
//! Entries are counted, so nothing here depends on what else the machine does. A deleted key is two
//! entries, its delete and its value.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use lsm_core::api::db::Db;
use lsm_core::base::slice::Slice;
use lsm_core::options::database::Options;
use lsm_core::stats::counters::Counter;

use crate::machine::kit::{Dice, TempDir};

const MILLION: u64 = 1_000_000;
/// What a question may cost beside the entries that nobody has met before.
const STEPS_EACH: u64 = 64;

fn key(at: u64) -> [u8; 12] {
    let mut key = *b"job/\0\0\0\0\0\0\0\0";
    key[4..].copy_from_slice(&at.to_be_bytes());
    key
}

fn at_of(pair: &(Slice, Slice)) -> u64 {
    u64::from_be_bytes(pair.0[4..].try_into().unwrap())
}

fn steps(db: &Db) -> u64 {
    counted(db, Counter::ScannedEntries)
}

fn counted(db: &Db, counter: Counter) -> u64 {
    db.stats().counters[counter as usize].1
}

fn open(dir: &TempDir, options: Options) -> Db {
    Db::builder(dir.db()).options(options).open().unwrap()
}

/// Memtables so small that puts and deletes lie in tables of several levels.
fn small() -> Options {
    Options::new().memory_limit(32 << 20).memtable_bytes(512 << 10)
}

fn fill(db: &Db, keys: u64) {
    (0..keys).for_each(|at| drop(db.put(key(at), [7; 20]).unwrap()));
}

/// Entries stepped over by whoever takes all but one key from the front, and asks for the first
/// after every `gap` of them.
fn consume(db: &Db, keys: u64, gap: u64) -> (u64, u64) {
    let (before, mut asked) = (steps(db), 0);
    for at in 0..keys - 1 {
        db.delete(key(at)).unwrap();
        if at % gap == 0 {
            assert_eq!(db.first().unwrap().as_ref().map(at_of), Some(at + 1));
            asked += 1;
        }
    }
    (asked, steps(db) - before)
}

/// Each deleted key may be met a few times, by whoever asks first and by whoever proves it dead.
fn check(what: &str, (asked, steps): (u64, u64), deleted: u64) {
    println!("{what}: {steps} steps for {asked} questions and {deleted} deletes");
    assert!(steps <= asked * STEPS_EACH + deleted * 2 * 3, "{what} costs {steps} steps");
}

#[test]
fn a_queue_of_a_million_deletes_is_scanned_in_few_steps() {
    let dir = TempDir::new();
    let db = open(&dir, Options::new());
    fill(&db, MILLION);
    check("a million", consume(&db, MILLION, 64), MILLION);
    let before = steps(&db);
    for _ in 0..100 {
        assert_eq!(db.first().unwrap().as_ref().map(at_of), Some(MILLION - 1));
        assert_eq!(db.last().unwrap().as_ref().map(at_of), Some(MILLION - 1));
    }
    check("the last one of a million", (200, steps(&db) - before), 0);
    db.close().unwrap();
}

#[test]
fn a_queue_in_tables_of_several_levels_is_scanned_in_few_steps() {
    let dir = TempDir::new();
    let db = open(&dir, small());
    fill(&db, 100_000);
    check("in tables", consume(&db, 100_000, 7), 100_000);
    db.flush().unwrap();
    // Compaction takes the deletes away, but for those of level 0, and it does so unasked.
    let until = Instant::now() + Duration::from_secs(20);
    let left = || db.stats().keyspaces.iter().map(|keyspace| keyspace.deletes).sum::<u64>();
    while left() > 25_000 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
    let written = [Counter::FlushedBytes, Counter::CompactionBytesWritten];
    let written: u64 = written.iter().map(|counter| counted(&db, *counter)).sum();
    let by_user = counted(&db, Counter::UserBytesWritten);
    println!("{} deletes are left; {written} bytes of tables for {by_user}", left());
    assert!(left() <= 25_000, "{} deletes are left", left());
    assert!(written <= 3 * by_user, "{written} bytes of tables written for {by_user}");
    db.close().unwrap();
}

/// Deletes lie in one table and values in another, and after reopening nobody knows of them.
#[test]
fn deletes_in_a_table_over_values_in_another_are_stepped_over_twice_and_no_more() {
    let dir = TempDir::new();
    let db = open(&dir, Options::new());
    let deleted = 100_000;
    fill(&db, deleted + 1);
    db.flush().unwrap();
    // What it sees keeps the values where they are.
    let old = db.snapshot().unwrap();
    (0..deleted).for_each(|at| drop(db.delete(key(at)).unwrap()));
    db.flush().unwrap();
    let before = steps(&db);
    (0..1000).for_each(|_| assert_eq!(db.first().unwrap().as_ref().map(at_of), Some(deleted)));
    check("two tables", (1000, steps(&db) - before), deleted);
    assert_eq!(db.at(&old).first().unwrap().as_ref().map(at_of), Some(0));
    drop(old);
    db.close().unwrap();

    let db = open(&dir, Options::new().background_threads(1));
    (0..1000).for_each(|_| assert_eq!(db.first().unwrap().as_ref().map(at_of), Some(deleted)));
    check("two tables, reopened", (1000, steps(&db)), deleted);
    db.close().unwrap();
}

#[test]
fn one_that_lives_among_deletes_is_found_from_both_sides_in_few_steps() {
    let dir = TempDir::new();
    let db = open(&dir, Options::new());
    let (keys, middle) = (100_000, 50_000);
    fill(&db, keys);
    let others = (0..keys).filter(|at| *at != middle);
    others.for_each(|at| drop(db.delete(key(at)).unwrap()));
    let before = steps(&db);
    for _ in 0..1000 {
        assert_eq!(db.first().unwrap().as_ref().map(at_of), Some(middle));
        assert_eq!(db.last().unwrap().as_ref().map(at_of), Some(middle));
        assert_eq!(db.range(key(middle + 1)..).next().transpose().unwrap(), None);
        assert_eq!(db.iter().count(), 1);
    }
    check("one in the middle", (4000, steps(&db) - before), keys);
    // Whoever comes back to life is seen at once, and the others are not looked at again.
    let mut dice = Dice(1);
    let before = steps(&db);
    for _ in 0..1000 {
        let at = dice.below(middle);
        db.put(key(at), b"again").unwrap();
        assert_eq!(db.first().unwrap().as_ref().map(at_of), Some(at));
        db.delete(key(at)).unwrap();
        assert_eq!(db.first().unwrap().as_ref().map(at_of), Some(middle));
    }
    check("some come back", (2000, steps(&db) - before), 2000);
    db.close().unwrap();
}

#[test]
fn a_stack_is_scanned_in_few_steps() {
    let dir = TempDir::new();
    let db = open(&dir, small());
    let keys = 100_000;
    fill(&db, keys);
    let before = steps(&db);
    for at in (1..keys).rev() {
        db.delete(key(at)).unwrap();
        assert_eq!(db.last().unwrap().as_ref().map(at_of), Some(at - 1));
        if at % 10 == 0 {
            db.put(key(at), b"again").unwrap();
            assert_eq!(db.last().unwrap().as_ref().map(at_of), Some(at));
            db.delete(key(at)).unwrap();
        }
    }
    check("a stack", (keys + keys / 10, steps(&db) - before), keys);
    db.close().unwrap();
}

#[test]
fn a_snapshot_that_sees_the_values_slows_nobody_down_and_sees_them() {
    let dir = TempDir::new();
    let db = open(&dir, small());
    let keys = 100_000;
    fill(&db, keys);
    let old = db.snapshot().unwrap();
    check("beside a snapshot", consume(&db, keys, 5), keys);
    assert_eq!(db.at(&old).first().unwrap().as_ref().map(at_of), Some(0));
    assert_eq!(db.at(&old).count(..).unwrap(), keys);
    assert_eq!(db.count(..).unwrap(), 1);
    drop(old);
    db.close().unwrap();
}

/// Snapshots from the middle of a queue's life do not use what was found out later.
#[test]
fn snapshots_of_any_age_step_over_a_few_times_what_was_deleted_since() {
    let dir = TempDir::new();
    let db = open(&dir, small());
    let keys = 40_000;
    fill(&db, keys);
    let mut old = Vec::new();
    for at in 0..keys - 1 {
        db.delete(key(at)).unwrap();
        assert_eq!(db.first().unwrap().as_ref().map(at_of), Some(at + 1));
        if at % 4_000 == 3_999 || (at > 39_000 && at % 100 == 0) {
            old.push((at + 1, db.snapshot().unwrap()));
        }
    }
    for (first, snapshot) in &old {
        let before = steps(&db);
        assert_eq!(db.at(snapshot).first().unwrap().as_ref().map(at_of), Some(*first));
        let (since, steps) = (keys - first, steps(&db) - before);
        println!("{first} deleted before, {since} since: {steps} steps");
        assert!(steps <= since * 2 * 3 + STEPS_EACH, "{steps} steps, {since} deleted since");
    }
    drop(old);
    db.close().unwrap();
}

/// A hundred wait at any time: the deletes go away with the tables that they make, and what is
/// written for that is within reason.
#[test]
fn a_queue_that_runs_for_long_stays_small_and_is_written_once_or_twice() {
    let dir = TempDir::new();
    let db = open(&dir, small());
    let keys = 150_000;
    let before = steps(&db);
    for at in 0..keys {
        db.put(key(at), [7; 100]).unwrap();
        if at >= 100 {
            assert_eq!(db.first().unwrap().as_ref().map(at_of), Some(at - 100));
            db.delete(key(at - 100)).unwrap();
        }
    }
    check("a hundred waiting", (keys, steps(&db) - before), keys);
    db.flush().unwrap();
    db.compact(..).unwrap();
    let written = [Counter::FlushedBytes, Counter::CompactionBytesWritten];
    let written: u64 = written.iter().map(|counter| counted(&db, *counter)).sum();
    let by_user = counted(&db, Counter::UserBytesWritten);
    println!("{written} bytes of tables written for {by_user} of the user");
    assert!(written <= 2 * by_user, "{written} bytes of tables written for {by_user}");
    assert!(db.approximate_bytes(..).unwrap() < 100 << 10);
    db.close().unwrap();
}

/// A key that its writer puts where nothing lived, and takes away again.
struct Blinker {
    /// Odd while the key is there for sure, and even while it is not; plus one during a change.
    state: AtomicU64,
    at: AtomicU64,
}

const BLINKERS: u64 = 3;
const PART: u64 = 500;

/// Half of the time long enough for somebody to look.
fn pause(dice: &mut Dice) {
    if dice.below(2) == 0 {
        std::thread::sleep(Duration::from_micros(dice.below(2000)));
    }
}

fn blink(db: &Db, blinker: &Blinker, number: u64, is_over: &AtomicBool) {
    let mut dice = Dice(number);
    let mut round = 0;
    while !is_over.load(Ordering::Relaxed) {
        let at = number * PART + dice.below(PART);
        db.put(key(at), b"here").unwrap();
        blinker.at.store(at, Ordering::Release);
        round += 4;
        blinker.state.store(round + 1, Ordering::Release);
        pause(&mut dice);
        blinker.state.store(round + 2, Ordering::Release);
        db.delete(key(at)).unwrap();
        blinker.state.store(round + 3, Ordering::Release);
        pause(&mut dice);
        blinker.state.store(round + 4, Ordering::Release);
    }
}

/// One look at a part of the keys, both ways; true if nothing changed meanwhile.
fn look(db: &Db, blinker: &Blinker, number: u64) -> bool {
    let before = blinker.state.load(Ordering::Acquire);
    let at = blinker.at.load(Ordering::Acquire);
    let part = || db.range(key(number * PART)..key((number + 1) * PART));
    let first = part().next().transpose().unwrap();
    let last = part().next_back().transpose().unwrap();
    let is_same = before == blinker.state.load(Ordering::Acquire);
    let expected = match before % 4 {
        1 => Some(at),
        3 => None,
        _ => return false,
    };
    if is_same {
        assert_eq!(first.as_ref().map(at_of), expected, "the first of part {number}");
        assert_eq!(last.as_ref().map(at_of), expected, "the last of part {number}");
    }
    is_same
}

/// Writers put keys where nothing lives while scanners leap over that; every key that is there for
/// sure is seen.
fn blinking(budget: Duration) {
    let dir = TempDir::new();
    let options = Options::new().memory_limit(32 << 20).memtable_bytes(256 << 10);
    let db = open(&dir, options);
    fill(&db, BLINKERS * PART);
    (0..BLINKERS * PART).for_each(|at| drop(db.delete(key(at)).unwrap()));
    let blinkers: Vec<Blinker> =
        (0..BLINKERS).map(|_| Blinker { state: 0.into(), at: 0.into() }).collect();
    let (is_over, looks) = (AtomicBool::new(false), AtomicU64::new(0));
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let (db, blinkers, is_over, looks) = (&db, &blinkers, &is_over, &looks);
        for (number, blinker) in (0..).zip(blinkers) {
            scope.spawn(move || blink(db, blinker, number, is_over));
        }
        for seed in 0..3 {
            scope.spawn(move || {
                let mut dice = Dice(100 + seed);
                while !is_over.load(Ordering::Relaxed) {
                    let number = dice.below(BLINKERS);
                    let is_sure = look(db, &blinkers[number as usize], number);
                    looks.fetch_add(u64::from(is_sure), Ordering::Relaxed);
                }
            });
        }
        while begun.elapsed() < budget {
            std::thread::sleep(Duration::from_millis(10));
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let looks = looks.into_inner();
    let (scans, steps) = (counted(&db, Counter::Scans), steps(&db));
    println!("{looks} looks prove something; {steps} steps in {scans} scans");
    assert!(looks > 20, "only {looks} looks prove something");
    db.close().unwrap();
}

#[test]
fn what_comes_to_life_among_deletes_is_seen_at_once_by_all_threads() {
    blinking(Duration::from_secs(3));
}

#[test]
#[ignore = "a minute: make prove"]
fn prove_what_comes_to_life_among_deletes_is_seen_at_once_by_all_threads() {
    blinking(Duration::from_secs(60));
}
