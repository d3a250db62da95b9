//! What counting and sampling costs: a cached lookup as it is, and the part of it that counts.
//!
//! Both alternate in one run, in rounds that are short enough to fit between two interruptions.
//! All figures are nanoseconds per operation, the best of the rounds, because what else the machine
//! does only ever adds to them.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a program for people, on the real machine, that may fail"
)]

use std::hint::black_box;
use std::time::Instant;

use lsm_core::env::os::world::real;
use lsm_core::stats::counters::Counters;
use lsm_core::stats::looked::Looked;
use lsm_core::stats::timings::{Timing, Timings};
use lsm_core::{Db, Result};

const KEYS: u64 = 20_000;
const ROUNDS: usize = 1000;
const PER_ROUND: u64 = 1000;

fn nanos(count: u64, mut work: impl FnMut(u64)) -> f64 {
    let begun = Instant::now();
    (0..count).for_each(&mut work);
    begun.elapsed().as_nanos() as f64 / count as f64
}

/// What `Engine::get` does beside looking the key up.
fn count_one(counters: &Counters, timings: &Timings) {
    let begun = timings.begin(Timing::Get);
    let mut looked = Looked::default();
    looked.tables = black_box(looked.tables + 1);
    looked.blocks = black_box(looked.blocks + 1);
    counters.add_gets(&looked, 1, black_box(1));
    timings.end(Timing::Get, begun);
}

fn main() -> Result<()> {
    let path = std::env::temp_dir().join(format!("lsm-bench-stats-{}", std::process::id()));
    let db = Db::open(&path)?;
    for key in 0..KEYS {
        db.put(key.to_be_bytes(), [7; 100])?;
    }
    db.flush()?;
    let (counters, timings) = (Counters::new(), Timings::new(real().clock));
    let (mut get, mut counting) = (f64::MAX, f64::MAX);
    for round in 0..ROUNDS as u64 {
        let one = |at: u64| {
            let key = (round + at).wrapping_mul(0x9e37_79b9_7f4a_7c15) % KEYS;
            black_box(db.get(key.to_be_bytes()).unwrap());
        };
        get = get.min(nanos(PER_ROUND, one));
        counting = counting.min(nanos(PER_ROUND, |_| count_one(&counters, &timings)));
    }
    println!("a cached get, all included      {get:8.2} ns");
    println!("counting and sampling by itself {counting:8.2} ns");
    println!("that is                         {:8.2} %", 100.0 * counting / get);
    db.close()?;
    std::fs::remove_dir_all(&path).ok();
    Ok(())
}
