//! Hot paths allocate nothing: once things are warm, neither a lookup, nor a write, nor a step of a
//! cursor asks the allocator for anything. It is counted here, in a program of its own, because an
//! allocator is one for a whole program.

#![allow(
    unsafe_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    missing_docs,
    reason = "a test on the real machine, which may fail"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::PathBuf;

use lsm_core::{Db, Options};

std::thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is passed on as it came; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    /// # Safety
    ///
    /// As the trait says.
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: passed on to the caller.
        unsafe { System.alloc(layout) }
    }

    /// # Safety
    ///
    /// As the trait says.
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: passed on to the caller.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often this thread asks for memory during `work`.
fn count(work: impl FnOnce()) -> u64 {
    let before = COUNT.with(Cell::get);
    work();
    COUNT.with(Cell::get) - before
}

/// A directory that goes away with this value.
struct Temp(PathBuf);

impl Temp {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("lsm-allocs-{name}-{}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        let _gone_already = std::fs::remove_dir_all(&self.0);
    }
}

const RECORDS: u64 = 20_000;
const VALUE: [u8; 100] = [7; 100];

fn key_of(index: u64) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&index.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    key[8..].copy_from_slice(&index.to_be_bytes());
    key
}

/// A database with all records; in tables if they are flushed.
fn filled(temp: &Temp, is_flushed: bool) -> Db {
    let options = Options::new().memory_limit(128 << 20);
    let db = Db::builder(temp.0.join("db")).options(options).open().unwrap();
    for index in 0..RECORDS {
        db.put(key_of(index), VALUE).unwrap();
    }
    if is_flushed {
        db.flush().unwrap();
    }
    db
}

fn get_all(db: &Db, value: &mut Vec<u8>) {
    for index in 0..RECORDS {
        assert!(db.get_into(key_of(index), value).unwrap());
        assert_eq!(value.as_slice(), VALUE);
    }
}

#[test]
fn a_lookup_allocates_nothing() {
    for (name, is_flushed) in [("memtable", false), ("tables", true)] {
        let temp = Temp::new(name);
        let db = filled(&temp, is_flushed);
        let mut value = Vec::with_capacity(1 << 10);
        get_all(&db, &mut value);
        assert_eq!(count(|| get_all(&db, &mut value)), 0, "{name}");
        let missing = count(|| {
            (RECORDS..2 * RECORDS)
                .for_each(|index| assert!(!db.get_into(key_of(index), &mut value).unwrap()));
        });
        assert_eq!(missing, 0, "{name}");
    }
}

#[test]
fn a_write_allocates_nothing() {
    let temp = Temp::new("put");
    let db = filled(&temp, false);
    let put = |from: u64| {
        (from..from + RECORDS).for_each(|index| assert!(db.put(key_of(index), VALUE).is_ok()));
    };
    // The memtable's filter grows now and then while it is small.
    put(RECORDS);
    assert_eq!(count(|| put(2 * RECORDS)), 0);
}

#[test]
fn a_step_of_a_cursor_allocates_nothing() {
    for (name, is_flushed) in [("cursor-memtable", false), ("cursor-tables", true)] {
        let temp = Temp::new(name);
        let db = filled(&temp, is_flushed);
        let mut cursor = db.range(..).cursor();
        let mut walk = || {
            cursor.seek_first().unwrap();
            let mut entries = 0;
            while let Some((_, value)) = cursor.next().unwrap() {
                assert_eq!(value, VALUE);
                entries += 1;
            }
            while cursor.prev().unwrap().is_some() {
                entries += 1;
            }
            assert_eq!(entries, 2 * RECORDS);
        };
        walk();
        walk();
        assert_eq!(count(walk), 0, "{name}");
    }
}
