//! What an append costs, mapped against written: 140-byte records, plain and synced, by one to
//! eight threads, alone and beside a thread that syncs in a loop.
//!
//! The two ways alternate in one run, so that what the machine does meanwhile meets both. Each
//! measurement runs in a process of its own, which makes its memory and its written bytes its own.
//! `--quick` makes fewer and shorter rounds. Lengths of time are in microseconds.

#![allow(unsafe_code, reason = "only the system knows what processor time was used")]
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a program for people, on the real machine, that may fail"
)]

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lsm_core::env::os::world::real;
use lsm_core::journal::handle::Journal;
use lsm_core::journal::options::JournalOptions;
use lsm_core::options::durability::Durability;
use lsm_core::options::log_mode::LogMode;
use lsm_core::record::frame::FRAME_LEN;

const RECORD: usize = 140;
const PAYLOAD: usize = RECORD - FRAME_LEN;
/// So many appends end a measurement early: what is measured is the append, and not how fast the
/// disk takes in the gigabytes that a second of appends leaves behind.
const OPS_MAX: usize = 300_000;
const THREADS: [usize; 4] = [1, 2, 4, 8];

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Case {
    mode: LogMode,
    is_durable: bool,
    threads: usize,
    has_syncer: bool,
}

/// What came of it. Times are in nanoseconds.
#[derive(Clone, Debug, Default)]
struct Figures {
    ops: f64,
    seconds: f64,
    p50: f64,
    p99: f64,
    p999: f64,
    p9999: f64,
    cpu: f64,
    written: f64,
    resident: f64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|word| word == "--measure") {
        return measure_here(&arguments[at + 1..]);
    }
    let is_quick = arguments.iter().any(|word| word == "--quick");
    let (rounds, millis) = if is_quick { (1, 120) } else { (5, 220) };
    let start = Instant::now();
    let dir = TempDir::new();
    println!(
        "{RECORD}-byte records; {rounds} rounds of {millis} ms or {OPS_MAX} appends for each \
         figure; medians"
    );
    println!("{}", machine(&dir.0));
    println!("the harness itself, per operation: {:.3} us\n", harness_cost() / 1e3);
    for (is_durable, has_syncer) in [(false, false), (false, true), (true, false), (true, true)] {
        let what = if is_durable { "Durable append" } else { "Buffered append" };
        let beside = if has_syncer { ", beside a thread that syncs in a loop" } else { "" };
        println!("{what}{beside}");
        println!(
            "threads  way       ops/s  ratio     p50     p99   p99.9  p99.99  CPU/op  \
             written/op  resident"
        );
        for threads in THREADS {
            let case = |mode| Case { mode, is_durable, threads, has_syncer };
            let ways = [case(LogMode::Write), case(LogMode::Mapped)];
            print_pair(ways, &compare(ways, rounds, millis));
        }
        println!();
    }
    println!("took {:.0} s", start.elapsed().as_secs_f64());
}

/// Runs both in turn, and answers the medians of each and of the ratio between them.
fn compare(ways: [Case; 2], rounds: usize, millis: u64) -> ([Figures; 2], f64) {
    let mut all: [Vec<Figures>; 2] = [Vec::new(), Vec::new()];
    for round in 0..rounds {
        // Who goes first changes with every round.
        for turn in 0..2 {
            let way = (round + turn) % 2;
            all[way].push(measure(ways[way], millis));
        }
    }
    let rate = |figures: &Figures| figures.ops / figures.seconds;
    let ratios = all[0].iter().zip(&all[1]).map(|(write, mapped)| rate(mapped) / rate(write));
    let ratio = median(ratios.collect());
    (all.map(|figures| medians(&figures)), ratio)
}

fn medians(all: &[Figures]) -> Figures {
    let of = |field: fn(&Figures) -> f64| median(all.iter().map(field).collect());
    Figures {
        ops: of(|f| f.ops / f.seconds),
        seconds: 1.0,
        p50: of(|f| f.p50),
        p99: of(|f| f.p99),
        p999: of(|f| f.p999),
        p9999: of(|f| f.p9999),
        cpu: of(|f| f.cpu),
        written: of(|f| f.written),
        resident: of(|f| f.resident),
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn print_pair(ways: [Case; 2], (figures, ratio): &([Figures; 2], f64)) {
    for (case, figures) in ways.iter().zip(figures) {
        let is_mapped = case.mode == LogMode::Mapped;
        let (way, ratio) = if is_mapped {
            ("mapped", format!("{ratio:.2}"))
        } else {
            ("write", String::from("1"))
        };
        println!(
            "{:7}  {way:6} {:9.0} {ratio:>6} {:7.2} {:7.1} {:7.1} {:7.0} {:7.2} {:9.0} B {:5.1} MB",
            case.threads,
            figures.ops,
            figures.p50 / 1e3,
            figures.p99 / 1e3,
            figures.p999 / 1e3,
            figures.p9999 / 1e3,
            figures.cpu / 1e3,
            figures.written,
            figures.resident / 1e6,
        );
    }
}

/// Measures a case in a process of its own.
fn measure(case: Case, millis: u64) -> Figures {
    let mode = if case.mode == LogMode::Mapped { "mapped" } else { "write" };
    let words = [mode, if case.is_durable { "durable" } else { "buffered" }];
    let output = Command::new(std::env::current_exe().unwrap())
        .arg("--measure")
        .args(words)
        .args([case.threads.to_string(), case.has_syncer.to_string(), millis.to_string()])
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "a measurement failed");
    let text = String::from_utf8(output.stdout).unwrap();
    let values: Vec<f64> = text.split_whitespace().map(|word| word.parse().unwrap()).collect();
    Figures {
        ops: values[0],
        seconds: values[1],
        p50: values[2],
        p99: values[3],
        p999: values[4],
        p9999: values[5],
        cpu: values[6],
        written: values[7],
        resident: values[8],
    }
}

/// The process of its own.
fn measure_here(arguments: &[String]) {
    let case = Case {
        mode: if arguments[0] == "mapped" { LogMode::Mapped } else { LogMode::Write },
        is_durable: arguments[1] == "durable",
        threads: arguments[2].parse().unwrap(),
        has_syncer: arguments[3] == "true",
    };
    let time = Duration::from_millis(arguments[4].parse().unwrap());
    let dir = TempDir::new();
    let options = JournalOptions { log_mode: case.mode, ..JournalOptions::default() };
    let (journal, _) =
        Journal::open(&real(), &dir.0.join("db"), options, &mut |_, _| Ok(())).unwrap();
    // Past the first small segments, which are made one after the other.
    run(&journal, Case { is_durable: false, has_syncer: false, ..case }, time / 5);
    journal.sync().unwrap();

    let written = written_bytes();
    let Run { mut times, seconds, cpu } = run(&journal, case, time);
    journal.sync().unwrap();
    assert_eq!(journal.is_mapped(), case.mode == LogMode::Mapped);
    let written = written_bytes() - written;
    times.sort_unstable();
    let ops = times.len() as f64;
    let at = |part: f64| times[((ops * part) as usize).min(times.len() - 1)];
    let quantiles = [at(0.5), at(0.99), at(0.999), at(0.9999)].map(f64::from);
    // The measured times take up room too: four bytes for each.
    let resident = peak_resident() - 4.0 * capacity_of(case, time) as f64;
    println!(
        "{ops} {seconds} {} {}",
        words(&quantiles),
        words(&[cpu / ops, written / ops, resident])
    );
}

fn words(values: &[f64]) -> String {
    values.iter().map(f64::to_string).collect::<Vec<_>>().join(" ")
}

/// Room for the times of all threads, made resident before anything is measured.
fn capacity_of(case: Case, time: Duration) -> usize {
    (time.as_micros() as usize * 2).min(OPS_MAX).max(case.threads)
}

/// How long each append took, in nanoseconds, and how long all of them took.
struct Run {
    times: Vec<u32>,
    seconds: f64,
    cpu: f64,
}

/// Appends for this long.
fn run(journal: &Journal, case: Case, time: Duration) -> Run {
    let barrier = Barrier::new(case.threads + usize::from(case.has_syncer) + 1);
    let is_over = AtomicBool::new(false);
    let durability = if case.is_durable { Durability::Durable } else { Durability::Buffered };
    let append_all = || {
        let mut times = vec![1; capacity_of(case, time) / case.threads];
        let mut count = 0;
        let batch = [7; PAYLOAD];
        barrier.wait();
        let start = Instant::now();
        let mut last = start;
        while last - start < time && count < times.len() {
            journal.append(&batch, 1, durability).unwrap();
            let now = Instant::now();
            times[count] = (now - last).as_nanos() as u32;
            (last, count) = (now, count + 1);
        }
        times.truncate(count);
        times
    };
    std::thread::scope(|scope| {
        if case.has_syncer {
            scope.spawn(|| {
                barrier.wait();
                while !is_over.load(Ordering::Relaxed) {
                    journal.sync().unwrap();
                }
            });
        }
        let threads: Vec<_> = (0..case.threads).map(|_| scope.spawn(append_all)).collect();
        // The room for the times is there by now, and costs the measured time nothing.
        barrier.wait();
        let (cpu, start) = (cpu_time(), Instant::now());
        let times: Vec<Vec<u32>> =
            threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        let (cpu, seconds) = (cpu_time() - cpu, start.elapsed().as_secs_f64());
        is_over.store(true, Ordering::Relaxed);
        Run { times: times.concat(), seconds, cpu }
    })
}

/// What the loop above costs without the append.
fn harness_cost() -> f64 {
    const TURNS: u32 = 1_000_000;
    let mut times = vec![1; TURNS as usize];
    let start = Instant::now();
    let mut last = start;
    for time in &mut times {
        let now = Instant::now();
        *time = (now - last).as_nanos() as u32;
        last = now;
    }
    black_box(&times);
    start.elapsed().as_nanos() as f64 / f64::from(TURNS)
}

fn status(file: &str, field: &str) -> f64 {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    let value = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    value.unwrap_or(f64::NAN)
}

fn written_bytes() -> f64 {
    status("/proc/self/io", "write_bytes:")
}

fn peak_resident() -> f64 {
    status("/proc/self/status", "VmHWM:") * 1024.0
}

/// Processor time of this process in nanoseconds, all threads together.
fn cpu_time() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the answer is written to `time`, which lives as long as the call.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

fn machine(dir: &Path) -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let mounts = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let ours = mounts.filter(|mount| mount.len() > 2 && dir.starts_with(mount[1]));
    let kind = ours.max_by_key(|mount| mount[1].len());
    let kind = kind.map_or("an unknown file system", |mount| mount[2]).to_owned();
    format!("Linux {}, {cpus} processors, {kind}", release.trim())
}

/// A directory that goes away with this value.
struct TempDir(PathBuf);

impl TempDir {
    fn new() -> Self {
        let temp = std::env::temp_dir().canonicalize().unwrap();
        let path = temp.join(format!("lsm-bench-{}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _gone_already = fs::remove_dir_all(&self.0);
    }
}
