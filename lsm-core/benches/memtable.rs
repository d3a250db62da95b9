//! What a memtable costs: the tree against the skip list, and against the ordered map of the
//! standard library, which has no readers beside its writer and no entries of two versions.
//!
//! 16-byte keys behind a keyspace's number, 100-byte values, half a million entries. The kinds take
//! turns in each round, so that what the machine does meanwhile meets all of them; the figures are
//! medians, in nanoseconds of this thread's processor time per operation. `--quick` makes one
//! round, and a number after `--entries` another size.

#![allow(unsafe_code, reason = "only the system knows what processor time was used")]
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a program for people, on the real machine, that may fail"
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lsm_core::base::checksum::hash64;
use lsm_core::cursor::contract::Cursor;
use lsm_core::key::trailer::NEWEST;
use lsm_core::memtable::handle::{Inserter, Memtable, new};
use lsm_core::memtable::options::MemtableOptions;
use lsm_core::options::memory::MemtableKind;

const VALUE: [u8; 100] = [7; 100];
const KINDS: [&str; 3] = ["tree", "skip list", "std map"];
const ROWS: [&str; 11] = [
    "insert, random",
    "insert, sequential",
    "get, hit",
    "get, miss",
    "get, hit beside a writer",
    "iterate forwards",
    "iterate backwards",
    "seek",
    "seek and 10",
    "iterate, sequential",
    "a new one and 100 inserts",
];

type Key = [u8; 20];
type Map = BTreeMap<(Key, u64), Vec<u8>>;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let is_quick = arguments.iter().any(|word| word == "--quick");
    let entries = arguments.iter().position(|word| word == "--entries");
    let entries = entries.map_or(500_000, |at| arguments[at + 1].parse().unwrap());
    let rounds = if is_quick { 1 } else { 5 };
    let mut figures = vec![vec![Vec::new(); KINDS.len()]; ROWS.len()];
    for round in 0..rounds {
        for turn in 0..KINDS.len() {
            let kind = (round + turn) % KINDS.len();
            let answers = match kind {
                0 => measure(MemtableKind::Tree, entries),
                1 => measure(MemtableKind::SkipList, entries),
                _ => measure_map(entries),
            };
            for (row, answer) in figures.iter_mut().zip(answers) {
                row[kind].push(answer);
            }
        }
    }
    println!("{entries} entries, {rounds} rounds; ns per operation, medians");
    println!(
        "{:28} {:>10} {:>10} {:>10} {:>12} {:>10}",
        "", KINDS[0], KINDS[1], KINDS[2], "skip / tree", "std / tree"
    );
    for (name, row) in ROWS.iter().zip(figures) {
        let [tree, list, map] = [0, 1, 2].map(|kind: usize| median(row[kind].clone()));
        println!(
            "{name:28} {tree:10.1} {list:10.1} {map:10.1} {:12.2} {:10.2}",
            list / tree,
            map / tree
        );
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The key with this number; numbers are spread over the whole space unless they are in order.
fn key(number: u64, is_spread: bool) -> Key {
    let mut key = [0; 20];
    key[3] = 1;
    let number = if is_spread { number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 12 } else { number };
    key[4..].copy_from_slice(format!("{number:016}").as_bytes().last_chunk::<16>().unwrap());
    key
}

/// Keys and hashes, in the order of insertion; half of the numbers are left out.
fn keys(entries: u64, is_spread: bool) -> Vec<(Key, u64)> {
    (0..entries)
        .map(|number| {
            let key = key(number * 2, is_spread);
            (key, hash64(&key))
        })
        .collect()
}

fn shuffled(mut keys: Vec<(Key, u64)>) -> Vec<(Key, u64)> {
    let mut dice = 88_172_645_463_325_252_u64;
    for at in (1..keys.len()).rev() {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        keys.swap(at, (dice % (at as u64 + 1)) as usize);
    }
    keys
}

fn per<T>(count: usize, work: impl FnOnce() -> T) -> (f64, T) {
    let start = processor_nanos();
    let answer = black_box(work());
    ((processor_nanos() - start) / count as f64, answer)
}

fn processor_nanos() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` has room for the answer.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) }, 0);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

fn fill(kind: MemtableKind, keys: &[(Key, u64)]) -> (Arc<Memtable>, Inserter) {
    let (memtable, mut inserter) = new(&MemtableOptions { kind, bytes: 72 << 20 }).unwrap();
    for (number, (key, hash)) in keys.iter().enumerate() {
        inserter.put(key, *hash, (number as u64) << 8 | 1, &VALUE).unwrap();
    }
    (memtable, inserter)
}

fn measure(kind: MemtableKind, entries: u64) -> [f64; ROWS.len()] {
    let random = keys(entries, true);
    let count = random.len();
    let sequence = keys(entries, false);
    let asked = shuffled(random.clone());
    let missing: Vec<(Key, u64)> = (0..entries)
        .map(|number| {
            let key = key(number * 2 + 1, true);
            (key, hash64(&key))
        })
        .collect();
    let (insert, (memtable, mut inserter)) = per(count, || fill(kind, &random));
    let (append, (ordered, _)) = per(count, || fill(kind, &sequence));
    let (hit, found) = per(count, || get_all(&memtable, &asked));
    assert_eq!(found, count);
    let (miss, found) = per(count, || get_all(&memtable, &missing));
    assert_eq!(found, 0);
    let (forwards, sum) = per(count, || walk(&memtable, true));
    assert_eq!(sum, count * 100);
    let (backwards, sum) = per(count, || walk(&memtable, false));
    assert_eq!(sum, count * 100);
    let (seek, _) = per(count, || seek_all(&memtable, &asked, 0));
    let (seek_10, _) = per(count, || seek_all(&memtable, &asked, 10));
    let (walk_ordered, _) = per(count, || walk(&ordered, true));
    let (small, _) = per(100 * 100, || {
        for _ in 0..100 {
            black_box(fill(kind, &random[..100]));
        }
    });
    let beside = beside_writer(&memtable, &mut inserter, &asked);
    let reads = [hit, miss, beside, forwards, backwards, seek, seek_10];
    let [hit, miss, beside, forwards, backwards, seek, seek_10] = reads;
    [insert, append, hit, miss, beside, forwards, backwards, seek, seek_10, walk_ordered, small]
}

fn get_all(memtable: &Memtable, asked: &[(Key, u64)]) -> usize {
    let found = asked.iter().filter(|(key, hash)| {
        memtable.get(key, *hash, NEWEST).is_some_and(|entry| entry.value[0] == 7)
    });
    found.count()
}

/// Readings while another thread overwrites the same keys as fast as it can.
fn beside_writer(memtable: &Memtable, inserter: &mut Inserter, asked: &[(Key, u64)]) -> f64 {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for (number, (key, hash)) in (1 << 30_u64..).zip(asked.iter().rev()) {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                inserter.put(key, *hash, number << 8 | 1, &VALUE).unwrap();
            }
        });
        let some = asked.len() / 4;
        let (cost, found) = per(some, || get_all(memtable, &asked[..some]));
        is_over.store(true, Ordering::Relaxed);
        assert_eq!(found, some);
        cost
    })
}

fn walk(memtable: &Memtable, is_forwards: bool) -> usize {
    let mut cursor = memtable.cursor();
    let mut sum = 0;
    if is_forwards { cursor.seek_first() } else { cursor.seek_last() }.unwrap();
    while cursor.is_valid() {
        sum += cursor.value().len() + usize::from(cursor.key()[0]);
        if is_forwards { cursor.next() } else { cursor.prev() }.unwrap();
    }
    sum
}

fn seek_all(memtable: &Memtable, asked: &[(Key, u64)], steps: usize) -> usize {
    let mut cursor = memtable.cursor();
    let mut sum = 0;
    for (key, _) in asked {
        cursor.seek(key, NEWEST).unwrap();
        for _ in 0..steps {
            if !cursor.is_valid() {
                break;
            }
            sum += cursor.value().len();
            cursor.next().unwrap();
        }
        sum += usize::from(cursor.is_valid());
    }
    sum
}

fn measure_map(entries: u64) -> [f64; ROWS.len()] {
    let random = keys(entries, true);
    let count = random.len();
    let sequence = keys(entries, false);
    let asked = shuffled(random.clone());
    let fill = |keys: &[(Key, u64)]| -> Map {
        let entry = |(number, (key, _)): (usize, &(Key, u64))| {
            ((*key, !((number as u64) << 8)), VALUE.to_vec())
        };
        let mut map = Map::new();
        for (key, value) in keys.iter().enumerate().map(entry) {
            map.insert(key, value);
        }
        map
    };
    let first = |map: &Map, key: &Key| {
        map.range((*key, 0)..).next().map(|(found, value)| (found.0, value[0]))
    };
    let (insert, map) = per(count, || fill(&random));
    let (append, ordered) = per(count, || fill(&sequence));
    let (hit, found) = per(count, || {
        asked.iter().filter(|(key, _)| first(&map, key).is_some_and(|it| it.0 == *key)).count()
    });
    assert_eq!(found, count);
    let (miss, _) = per(count, || {
        let strangers = (0..entries).map(|number| key(number * 2 + 1, true));
        strangers.filter(|key| first(&map, key).is_some_and(|it| it.0 == *key)).count()
    });
    let total =
        |map: &Map| map.iter().map(|(key, value)| value.len() + usize::from(key.0[0])).sum();
    let (forwards, _) = per(count, || -> usize { total(&map) });
    let (backwards, _) = per(count, || map.values().rev().map(|value| value.len()).sum::<usize>());
    let (seek, _) = per(count, || asked.iter().filter_map(|(key, _)| first(&map, key)).count());
    let (seek_10, _) = per(count, || {
        let some = |key: &Key| -> usize {
            let from = map.range((Bound::Included((*key, 0)), Bound::Unbounded));
            from.take(10).map(|(_, value)| value.len()).sum()
        };
        asked.iter().map(|(key, _)| some(key)).sum::<usize>()
    });
    let (walk_ordered, _) = per(count, || -> usize { total(&ordered) });
    let (small, _) = per(100 * 100, || {
        for _ in 0..100 {
            black_box(fill(&random[..100]));
        }
    });
    let beside = f64::NAN;
    [insert, append, hit, miss, beside, forwards, backwards, seek, seek_10, walk_ordered, small]
}
