//! The whole engine: fills, point reads, scans, seeks and openings, against RocksDB where its
//! library is.
//!
//! `cargo bench -p lsm-core --bench engine -- [--records N] [--rounds N] [--only ours|rocksdb] \
//!  [--fills] [--open] [--cpu] [--many]`
//!
//! 16-byte keys and 100-byte values; every value that is read is checked. The stores alternate,
//! each in a fresh directory of its own, set alike: 64 MiB memtables, a cache that holds
//! everything, filters of 10 bits, LZ4. `LSM_ROCKSDB` names the peer's library
//! (`librocksdb.so` with its C API); without it only this engine is measured. Rates are medians
//! over the rounds. `--fills` leaves out what comes after the fills, `--open` all but the openings.
//! `--cpu` counts seconds of the processor instead, those of background threads included: on a
//! machine that has other things to do, they say more than those on the wall. `--many` measures
//! only lookups of many keys at once, against the same lookups one after the other.

#![allow(unsafe_code, reason = "the peer is loaded through its C interface")]
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a program for people, on the real machine, that may fail"
)]

mod dying;
mod many;
mod rocksdb;
mod store;
mod workload;

use std::ops::Range;
use std::path::{Path, PathBuf};

use rocksdb::RocksDb;
use store::{Nothing, Ours, Store, cache_bytes};
use workload::{Shuffled, key_of, number_of, value_of};

const SEEK_PAIRS: usize = 10;
/// Records in a batch.
const BATCH: usize = 100;
/// How many of the rows below only write.
const FILLS: usize = 4;
/// Where the rows of the openings begin.
const OPEN: usize = 9;
const NAMES: [&str; 11] = [
    "sequential fill",
    "batches of 100",
    "random fill",
    "overwrite",
    "point reads",
    "missing keys",
    "scan forward",
    "scan backward",
    "seek + 10",
    "open after kill",
    "open after close",
];

struct Settings {
    records: u64,
    rounds: usize,
    rows: Range<usize>,
    clock: libc::clockid_t,
    only: Option<String>,
    is_many: bool,
    peer: Option<PathBuf>,
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [word, name, dir] = words.as_slice() {
        if word == dying::WORD {
            let store = open(name, Path::new(dir), &settings_of(&[]));
            dying::fill_and_die(store.as_ref());
        }
    }
    let settings = settings_of(&words);
    let mut stores: Vec<&str> = vec!["nothing", "ours"];
    if settings.peer.is_some() {
        stores.push("rocksdb");
    }
    stores.retain(|name| settings.only.as_deref().is_none_or(|only| only == *name));
    if settings.is_many {
        return many::compare(&stores, &settings);
    }
    let mut rates = vec![vec![Vec::new(); settings.rows.len()]; stores.len()];
    for round in 0..settings.rounds {
        for (at, name) in stores.iter().enumerate() {
            let measured = measure(name, &settings, round as u64);
            for (all, rate) in rates[at].iter_mut().zip(measured) {
                all.push(rate);
            }
        }
    }
    report(&stores, &NAMES[settings.rows], &mut rates);
}

fn settings_of(words: &[String]) -> Settings {
    let mut settings = Settings {
        records: 1_000_000,
        rounds: 3,
        rows: 0..NAMES.len(),
        clock: libc::CLOCK_MONOTONIC,
        only: None,
        is_many: false,
        peer: std::env::var_os("LSM_ROCKSDB").map(PathBuf::from),
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut number = || words.next().and_then(|it| it.parse().ok()).unwrap();
        match word.as_str() {
            "--records" => settings.records = number(),
            "--rounds" => settings.rounds = number() as usize,
            "--quick" => (settings.records, settings.rounds) = (100_000, 1),
            "--only" => settings.only = words.next().cloned(),
            "--fills" => settings.rows = 0..FILLS,
            "--open" => settings.rows = OPEN..NAMES.len(),
            "--cpu" => settings.clock = libc::CLOCK_PROCESS_CPUTIME_ID,
            "--many" => settings.is_many = true,
            // Cargo says so to every benchmark.
            "--bench" => {}
            _ => panic!(
                "`{word}` is not known: --records N, --rounds N, --quick, --only NAME, --fills, \
                 --open, --cpu, --many"
            ),
        }
    }
    settings
}

fn open(name: &str, dir: &Path, settings: &Settings) -> Box<dyn Store> {
    let cache = cache_bytes(settings.records);
    let peer = settings.peer.as_deref().unwrap_or(Path::new(""));
    match name {
        "nothing" => Box::new(Nothing(settings.records)),
        "ours" => Box::new(Ours::open(dir, cache)),
        _ => Box::new(RocksDb::open(peer, dir, cache)),
    }
}

/// A store in a directory that goes when it does.
struct Fresh {
    store: Option<Box<dyn Store>>,
    dir: PathBuf,
}

impl Fresh {
    fn open(name: &str, settings: &Settings) -> Self {
        let mut fresh = Self::closed(name);
        fresh.store = Some(open(name, &fresh.dir, settings));
        fresh
    }

    fn closed(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("lsm-bench-{}-{name}", std::process::id()));
        let _none_there = std::fs::remove_dir_all(&dir);
        Self { store: None, dir }
    }

    fn store(&self) -> &dyn Store {
        self.store.as_deref().unwrap()
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        self.store = None;
        let _nothing_was_made = std::fs::remove_dir_all(&self.dir);
    }
}

/// Operations a second of each row that is asked for.
fn measure(name: &str, settings: &Settings, round: u64) -> Vec<f64> {
    let mut rates = Vec::new();
    if settings.rows.start < OPEN {
        rates.extend(run(name, settings, round));
    }
    if settings.rows.end > OPEN {
        rates.extend(openings(name, settings));
    }
    rates
}

/// Operations a second of each workload before the openings.
fn run(name: &str, settings: &Settings, round: u64) -> Vec<f64> {
    let count = settings.records;
    let timed = |work: &mut dyn FnMut() -> u64| {
        let begun = seconds(settings.clock);
        let done = work();
        done as f64 / (seconds(settings.clock) - begun)
    };
    let fill = |store: &dyn Store, numbers: &mut dyn Iterator<Item = u64>| {
        timed(&mut || {
            let mut done = 0;
            for number in &mut *numbers {
                store.put(&key_of(number), &value_of(number));
                done += 1;
            }
            done
        })
    };
    let mut rates = Vec::new();
    let fresh = Fresh::open(name, settings);
    rates.push(fill(fresh.store(), &mut (0..count)));
    drop(fresh);

    let fresh = Fresh::open(name, settings);
    rates.push(timed(&mut || fill_in_batches(fresh.store(), count, round)));
    drop(fresh);

    let fresh = Fresh::open(name, settings);
    let store = fresh.store();
    rates.push(fill(store, &mut Shuffled::new(count, round)));
    rates.push(fill(store, &mut Shuffled::new(count, round + 100)));
    if settings.rows.end == FILLS {
        return rates;
    }
    store.settle();
    let mut value = Vec::new();
    let mut read = |number: u64, is_there: bool| {
        let mut key = key_of(number);
        if !is_there {
            // Between two keys that are there, so that bounds do not tell.
            key[15] = b':';
        }
        let found = store.get(&key, &mut value);
        let is_right = found == is_there && (!found || value == value_of(number));
        assert!(is_right || name == "nothing", "{name} reads {number} wrong");
    };
    // Once before, so that what is measured is a cache that is warm.
    Shuffled::new(count, round + 1).for_each(|number| read(number, true));
    for is_there in [true, false] {
        rates.push(timed(&mut || {
            Shuffled::new(count, round + 2).map(|number| read(number, is_there)).count() as u64
        }));
    }
    for is_forward in [true, false] {
        rates.push(timed(&mut || scan(store, is_forward, count)));
    }
    rates.push(timed(&mut || {
        let mut keys = Shuffled::new(count, round + 3).take((count / 5) as usize).map(key_of);
        let mut pairs = 0;
        store.seeks(&mut keys, SEEK_PAIRS, &mut |key, value| {
            assert_eq!(value, value_of(number_of(key)));
            pairs += 1;
        });
        assert!(pairs > count / 5 * 9);
        count / 5
    }));
    rates
}

/// Openings a second of a database that another process left behind, and of one that was closed.
fn openings(name: &str, settings: &Settings) -> [f64; 2] {
    if name == "nothing" {
        return [f64::NAN; 2];
    }
    let mut killed = Fresh::closed(name);
    dying::leave_behind(name, &killed.dir);
    let after_kill = reopening(name, settings, &mut killed);
    dying::check(killed.store());
    drop(killed);

    let mut closed = Fresh::open(name, settings);
    fill_in_batches(closed.store(), settings.records, 7);
    closed.store().settle();
    [after_kill, reopening(name, settings, &mut closed)]
}

fn reopening(name: &str, settings: &Settings, fresh: &mut Fresh) -> f64 {
    fresh.store = None;
    let begun = seconds(settings.clock);
    fresh.store = Some(open(name, &fresh.dir, settings));
    1.0 / (seconds(settings.clock) - begun)
}

/// Keys in random order, a hundred at a time.
fn fill_in_batches(store: &dyn Store, count: u64, round: u64) -> u64 {
    let mut pairs = Vec::with_capacity(BATCH);
    let mut numbers = Shuffled::new(count, round);
    loop {
        pairs.clear();
        pairs.extend(numbers.by_ref().take(BATCH).map(|number| (key_of(number), value_of(number))));
        if pairs.is_empty() {
            return count;
        }
        store.put_all(&pairs);
    }
}

/// What a clock of the system shows.
fn seconds(clock: libc::clockid_t) -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` has room for the answer.
    assert_eq!(unsafe { libc::clock_gettime(clock, &raw mut time) }, 0);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn scan(store: &dyn Store, is_forward: bool, count: u64) -> u64 {
    let mut seen = 0;
    store.scan(is_forward, &mut |key, value| {
        let number = if is_forward { seen } else { count - 1 - seen };
        // Every value is looked at; one in eight is made anew and compared.
        assert!(key == key_of(number) && value.len() == 100);
        if number % 8 == 0 {
            assert_eq!(value, value_of(number));
        }
        seen += 1;
    });
    assert_eq!(seen, count);
    seen
}

fn report(stores: &[&str], names: &[&str], rates: &mut [Vec<Vec<f64>>]) {
    print!("{:<18}", "operations a second");
    stores.iter().for_each(|name| print!("{name:>12}"));
    println!("{:>16}", "ours / rocksdb");
    let place = |name: &str| stores.iter().position(|it| *it == name);
    for (row, name) in names.iter().enumerate() {
        let medians: Vec<f64> = rates.iter_mut().map(|all| median(&mut all[row])).collect();
        print!("{name:<18} ");
        let decimals = |rate: f64| if rate < 100.0 { 2 } else { 0 };
        medians.iter().for_each(|&rate| print!("{rate:>12.*}", decimals(rate)));
        match (place("ours"), place("rocksdb")) {
            (Some(ours), Some(peer)) => println!("{:>16.2}", medians[ours] / medians[peer]),
            _ => println!(),
        }
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
