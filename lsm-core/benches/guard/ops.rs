//! The operations that are counted. Each stands in a function of its own, which is not inlined, so
//! that it can be found by its name.

use std::hint::black_box;
use std::path::PathBuf;

use lsm_core::{Batch, Db, Options, Read};

/// Records in each database.
const RECORDS: u64 = 20_000;
const BATCH: u64 = 100;
const MANY: u64 = 32;
/// How often what takes longer is done.
const TIMES: u64 = 2_000;
const SEEK_PAIRS: u64 = 10;

/// What all databases flush, at the latest when they are closed: four fills, and the deletes.
const FLUSHED: u64 = 4 * RECORDS + TIMES;

/// One operation: what it is called, the function that does it, and how often that does it.
pub(crate) struct Op {
    pub(crate) name: &'static str,
    pub(crate) function: &'static str,
    pub(crate) count: u64,
}

/// All of them.
pub(crate) const OPS: &[Op] = &[
    Op { name: "put, ascending", function: "guard_put_ascending", count: RECORDS },
    Op { name: "put, random", function: "guard_put_random", count: RECORDS },
    Op { name: "record of a batch of 100", function: "guard_batch", count: RECORDS },
    Op { name: "delete", function: "guard_delete", count: TIMES },
    Op { name: "get from a memtable", function: "guard_get_memtable", count: RECORDS },
    Op { name: "get from a cached table", function: "guard_get_table", count: RECORDS },
    Op { name: "get_many of 32, each", function: "guard_get_many", count: TIMES / MANY * MANY },
    Op { name: "missing key", function: "guard_missing", count: RECORDS },
    Op { name: "seek and 10 pairs", function: "guard_seek", count: TIMES },
    Op { name: "the same, new cursor", function: "guard_new_cursor", count: TIMES },
    Op { name: "pair of a scan forward", function: "guard_forward", count: RECORDS },
    Op { name: "pair of a scan backward", function: "guard_backward", count: RECORDS },
    Op { name: "snapshot", function: "guard_snapshot", count: TIMES },
    Op { name: "entry of a flush", function: "flush::Flush::step", count: FLUSHED },
    Op { name: "entry of a merge", function: "part::Part::step", count: RECORDS },
];

/// Does all of them once.
pub(crate) fn run() {
    let ascending = Fresh::new("ascending");
    guard_put_ascending(&ascending.db);
    drop(ascending);
    let random = Fresh::new("random");
    guard_put_random(&random.db);
    guard_get_memtable(&random.db);
    guard_delete(&random.db);
    drop(random);
    let batches = Fresh::new("batches");
    guard_batch(&batches.db);
    drop(batches);
    let tables = Fresh::new("tables");
    fill_tables(&tables.db);
    guard_get_table(&tables.db);
    guard_get_many(&tables.db);
    guard_missing(&tables.db);
    guard_seek(&tables.db);
    guard_new_cursor(&tables.db);
    guard_forward(&tables.db);
    guard_backward(&tables.db);
    guard_snapshot(&tables.db);
}

/// A table of all records, merged from two: one flush and one merge.
fn fill_tables(db: &Db) {
    for part in 0..2 {
        for number in (0..RECORDS).filter(|number| number % 2 == part) {
            db.put(key_of(number), value_of(number)).unwrap();
        }
        db.flush().unwrap();
    }
    db.compact(..).unwrap();
    db.wait_idle().unwrap();
    // Everything is in the cache when it is counted.
    assert_eq!(db.iter().count() as u64, RECORDS);
    (0..RECORDS).for_each(|number| assert!(db.contains_key(key_of(number)).unwrap()));
}

#[inline(never)]
fn guard_put_ascending(db: &Db) {
    for number in 0..RECORDS {
        db.put(key_of(number), value_of(number)).unwrap();
    }
}

#[inline(never)]
fn guard_put_random(db: &Db) {
    for number in numbers() {
        db.put(key_of(number), value_of(number)).unwrap();
    }
}

#[inline(never)]
fn guard_batch(db: &Db) {
    let mut batch = Batch::new();
    let mut numbers = numbers();
    for _ in 0..RECORDS / BATCH {
        batch.clear();
        for number in numbers.by_ref().take(BATCH as usize) {
            batch.put(db, key_of(number), value_of(number));
        }
        db.write(&batch).unwrap();
    }
}

#[inline(never)]
fn guard_delete(db: &Db) {
    for number in numbers().take(TIMES as usize) {
        db.delete(key_of(number)).unwrap();
    }
}

#[inline(never)]
fn guard_get_memtable(db: &Db) {
    for number in numbers() {
        assert!(black_box(db.get(key_of(number)).unwrap()).is_some());
    }
}

#[inline(never)]
fn guard_get_table(db: &Db) {
    let mut value = Vec::new();
    for number in numbers() {
        assert!(db.get_into(key_of(number), &mut value).unwrap());
        black_box(&value);
    }
}

#[inline(never)]
fn guard_get_many(db: &Db) {
    let mut numbers = numbers();
    for _ in 0..TIMES / MANY {
        let keys = numbers.by_ref().take(MANY as usize).map(key_of);
        black_box(db.get_many(keys).unwrap());
    }
}

#[inline(never)]
fn guard_missing(db: &Db) {
    for number in numbers() {
        let mut key = key_of(number);
        key[15] = b':';
        assert!(!db.contains_key(key).unwrap());
    }
}

#[inline(never)]
fn guard_seek(db: &Db) {
    let mut cursor = db.cursor(..);
    for number in numbers().take(TIMES as usize) {
        cursor.seek(&key_of(number)).unwrap();
        for _ in 0..SEEK_PAIRS {
            black_box(cursor.next().unwrap());
        }
    }
}

#[inline(never)]
fn guard_new_cursor(db: &Db) {
    for number in numbers().take(TIMES as usize) {
        let mut cursor = db.cursor(..);
        cursor.seek(&key_of(number)).unwrap();
        for _ in 0..SEEK_PAIRS {
            black_box(cursor.next().unwrap());
        }
    }
}

#[inline(never)]
fn guard_forward(db: &Db) {
    let mut cursor = db.cursor(..);
    while black_box(cursor.next().unwrap()).is_some() {}
}

#[inline(never)]
fn guard_backward(db: &Db) {
    let mut cursor = db.cursor(..);
    cursor.seek_last().unwrap();
    while black_box(cursor.prev().unwrap()).is_some() {}
}

#[inline(never)]
fn guard_snapshot(db: &Db) {
    (0..TIMES).for_each(|_| drop(black_box(db.snapshot())));
}

/// All numbers once, in an order that looks random: the step has no factor of `RECORDS`.
fn numbers() -> impl Iterator<Item = u64> {
    (0..RECORDS).map(|at| at * 7_919 % RECORDS)
}

fn key_of(number: u64) -> [u8; 16] {
    let mut key = [b'0'; 16];
    let mut rest = number;
    for digit in key.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    key
}

/// A hundred bytes that compress to about half.
fn value_of(number: u64) -> [u8; 100] {
    let mut value = [b' '; 100];
    let mut state = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for place in value.chunks_exact_mut(8).take(6) {
        state ^= state >> 29;
        state = state.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        place.copy_from_slice(&state.to_le_bytes());
    }
    value
}

/// A database in a directory that goes when it does.
struct Fresh {
    db: Db,
    dir: PathBuf,
}

impl Fresh {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("lsm-guard-{}-{name}", std::process::id()));
        let options = Options::new().memory_limit(256 << 20).memtable_bytes(64 << 20);
        Self { db: Db::builder(&dir).options(options).open().unwrap(), dir }
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        self.db.clone().close().unwrap();
        std::fs::remove_dir_all(&self.dir).unwrap();
    }
}
