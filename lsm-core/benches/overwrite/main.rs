//! What overwriting costs on the disk, in time and in reads afterwards, for each strategy.
//!
//! `cargo bench -p lsm-core --bench overwrite -- [--records N] [--times N] [--rounds N] \
//!  [--memtable KIB] [--strategies leveled:10,lazy:8,tiered:4]`
//!
//! Records of 16 and 100 bytes are put in random order, and then `--times` as many at random. The
//! strategies alternate, each in a fresh directory. Bytes are those that the kernel counts for this
//! process, the log's included; seconds are the processor's, on all threads. Then the database
//! comes to rest and is read. Medians over the rounds are printed.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a program for people, on the real machine, that may fail"
)]
#![allow(unsafe_code, reason = "the clock of the processor")]

mod records;

use std::path::{Path, PathBuf};
use std::time::Instant;

use lsm_core::{Db, Keyspace, KeyspaceOptions, Options};
use records::{Shuffled, key_of, number_of, value_of, words_of};

/// How many reads of each kind are measured.
const READS: u64 = 300_000;
/// How often the size of the directory is looked at.
const LOOKS: u64 = 200;
const NAMES: [&str; 15] = [
    "written by the kernel's count, per byte put",
    "written to tables, per byte flushed",
    "CPU seconds of overwriting",
    "seconds of overwriting",
    "seconds held back",
    "microseconds of a put, 99.9 %",
    "stored per byte of live data, mean",
    "stored per byte of live data, most",
    "CPU seconds until it rests",
    "stored per byte of live data, at rest",
    "runs at rest",
    "CPU microseconds of a get",
    "of a missing key",
    "of a seek and 10 pairs",
    "CPU nanoseconds of a pair in a scan",
];

struct Settings {
    records: u64,
    times: u64,
    rounds: usize,
    memtable_bytes: u64,
    strategies: Vec<String>,
}

fn main() {
    let settings = settings();
    let mut columns = vec![vec![Vec::new(); NAMES.len()]; settings.strategies.len()];
    for round in 0..settings.rounds {
        for (column, strategy) in columns.iter_mut().zip(&settings.strategies) {
            let figures = run(strategy, &settings, round as u64);
            column.iter_mut().zip(figures).for_each(|(all, figure)| all.push(figure));
        }
    }
    print!("{:<46}", format!("{} records, {} times", settings.records, settings.times));
    settings.strategies.iter().for_each(|strategy| print!("{strategy:>12}"));
    println!();
    for (row, name) in NAMES.iter().enumerate() {
        print!("{name:<46}");
        columns.iter_mut().for_each(|column| print!("{:>12.2}", median(&mut column[row])));
        println!();
    }
}

fn settings() -> Settings {
    let mut settings = Settings {
        records: 2_000_000,
        times: 3,
        rounds: 3,
        memtable_bytes: 4 << 20,
        strategies: ["leveled:10", "lazy:8", "tiered:4"].map(str::to_owned).to_vec(),
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || words.next().and_then(|it| it.parse::<u64>().ok()).unwrap();
        match word.as_str() {
            "--records" => settings.records = number(),
            "--times" => settings.times = number(),
            "--rounds" => settings.rounds = number() as usize,
            "--memtable" => settings.memtable_bytes = number() << 10,
            "--strategies" => {
                settings.strategies = words.next().unwrap().split(',').map(str::to_owned).collect();
            }
            // Cargo says so to every benchmark.
            "--bench" => {}
            _ => panic!("`{word}` is not known"),
        }
    }
    settings
}

/// A directory that goes when it does.
struct Dir(PathBuf);

impl Dir {
    fn new() -> Self {
        let dir = std::env::temp_dir().join(format!("lsm-overwrite-{}", std::process::id()));
        let _none_there = std::fs::remove_dir_all(&dir);
        Self(dir)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _nothing_was_made = std::fs::remove_dir_all(&self.0);
    }
}

/// The figures of one strategy, as `NAMES` has them.
fn run(strategy: &str, settings: &Settings, round: u64) -> Vec<f64> {
    let dir = Dir::new();
    let options = Options::new()
        .memory_limit((settings.records * 192).max(256 << 20) + 4 * settings.memtable_bytes)
        .memtable_bytes(settings.memtable_bytes);
    let db = Db::builder(&dir.0).options(options).open().unwrap();
    let chosen = KeyspaceOptions::parse(&format!("strategy={strategy}")).unwrap();
    let records = db.keyspace_with("records", chosen).unwrap();
    for number in Shuffled::new(settings.records, round) {
        records.put(key_of(number), value_of(number)).unwrap();
    }
    // All begin with one run of everything.
    db.flush().unwrap();
    records.compact(..).unwrap();
    db.wait_idle().unwrap();
    let live = db.stats().table_bytes as f64;
    let mut figures = overwrite(&db, &records, settings, &dir.0);
    let spaces = figures.split_off(6);
    figures.extend(spaces.iter().map(|bytes| bytes / live));

    let cpu = cpu_seconds();
    db.flush().unwrap();
    db.wait_idle().unwrap();
    figures.push(cpu_seconds() - cpu);
    let stats = db.stats();
    figures.push(stats.table_bytes as f64 / live);
    figures.push(stats.keyspace("records").unwrap().runs as f64);
    figures.extend(read(&records, settings));
    figures
}

/// What overwriting costs: the first six figures, and then the bytes of the directory, the mean and
/// the most.
fn overwrite(db: &Db, records: &Keyspace, settings: &Settings, dir: &Path) -> Vec<f64> {
    let puts = settings.records * settings.times;
    let count = |name: &str| db.stats().counter(name).unwrap();
    let before = (written_by_kernel(), count("flushed_bytes"), count("compaction_bytes_written"));
    let held = |db: &Db| {
        let stats = db.stats();
        let micros = ["flush", "runs", "debt", "memory"]
            .map(|why| stats.counter(&format!("paced_for_{why}_micros")).unwrap());
        micros.iter().sum::<u64>() as f64 / 1e6
    };
    let (cpu, begun, held_before) = (cpu_seconds(), Instant::now(), held(db));
    let mut nanos: Vec<u32> = Vec::with_capacity(puts as usize);
    let mut sizes = Vec::new();
    for (at, word) in words_of(7).take(puts as usize).enumerate() {
        let number = word % settings.records;
        let (key, value) = (key_of(number), value_of(number));
        let moment = Instant::now();
        records.put(key, value).unwrap();
        nanos.push(moment.elapsed().as_nanos().try_into().unwrap_or(u32::MAX));
        if (at as u64) % (puts / LOOKS) == 0 {
            sizes.push(tables_in(dir) as f64);
        }
    }
    nanos.sort_unstable();
    let flushed = (count("flushed_bytes") - before.1) as f64;
    let merged = (count("compaction_bytes_written") - before.2) as f64;
    vec![
        (written_by_kernel() - before.0) as f64 / (puts * 116) as f64,
        (flushed + merged) / flushed,
        cpu_seconds() - cpu,
        begun.elapsed().as_secs_f64(),
        held(db) - held_before,
        f64::from(nanos[nanos.len() / 1000 * 999]) / 1e3,
        sizes.iter().sum::<f64>() / sizes.len() as f64,
        sizes.iter().copied().fold(0.0, f64::max),
    ]
}

/// CPU time of a get, of one that finds nothing, of a seek with ten pairs, and of a pair of a scan.
fn read(records: &Keyspace, settings: &Settings) -> Vec<f64> {
    let mut value = Vec::new();
    let mut get = |number: u64, is_there: bool| {
        let mut key = key_of(number);
        if !is_there {
            key[15] = b':';
        }
        let found = records.get_into(key, &mut value).unwrap();
        assert!(found == is_there && (!found || value == value_of(number)));
    };
    // Once before, so that what is measured is a cache that is warm.
    (0..settings.records).for_each(|number| get(number, true));
    let mut figures = Vec::new();
    for is_there in [true, false] {
        let cpu = cpu_seconds();
        words_of(9).take(READS as usize).for_each(|word| get(word % settings.records, is_there));
        figures.push((cpu_seconds() - cpu) * 1e6 / READS as f64);
    }
    let mut cursor = records.cursor(..);
    let cpu = cpu_seconds();
    for word in words_of(11).take(READS as usize / 10) {
        cursor.seek(&key_of(word % settings.records)).unwrap();
        (0..10)
            .for_each(|_| assert!(cursor.next().unwrap().is_none_or(|(key, _)| key.len() == 16)));
    }
    figures.push((cpu_seconds() - cpu) * 1e6 / (READS / 10) as f64);
    let cpu = cpu_seconds();
    let mut cursor = records.cursor(..);
    let mut pairs = 0;
    while let Some((key, _)) = cursor.next().unwrap() {
        assert_eq!(number_of(key), pairs);
        pairs += 1;
    }
    assert_eq!(pairs, settings.records);
    figures.push((cpu_seconds() - cpu) * 1e9 / pairs as f64);
    figures
}

/// The bytes of the table files in a directory.
fn tables_in(dir: &Path) -> u64 {
    let files = std::fs::read_dir(dir).unwrap().filter_map(Result::ok);
    let tables = files.filter(|file| file.path().extension().is_some_and(|end| end == "sst"));
    tables.filter_map(|file| file.metadata().ok()).map(|meta| meta.len()).sum()
}

fn written_by_kernel() -> u64 {
    let text = std::fs::read_to_string("/proc/self/io").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("write_bytes: "));
    line.unwrap().parse().unwrap()
}

fn cpu_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` has room for the answer.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) }, 0);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
