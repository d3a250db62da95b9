//! What a cached block costs: found, and loaded in another one's place; against a map of counted
//! blocks under a lock, which alternates with it in one run.
//!
//! Each thread reads blocks of its own, in a random order that is made beforehand, and looks at one
//! byte of each. All figures are nanoseconds of processor time per operation: the best of the
//! rounds, because what else the machine does only ever adds to them, and the median after a slash.

#![allow(unsafe_code, reason = "only the system knows what processor time was used")]
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a program for people, on the real machine, that may fail"
)]

use std::collections::HashMap;
use std::fmt::{Display, Formatter};
use std::hint::black_box;
use std::sync::{Arc, Barrier, Mutex};

use lsm_core::base::budget::Budget;
use lsm_core::base::epoch::Epoch;
use lsm_core::cache::pool::Cache;
use lsm_core::cache::purpose::Use;
use lsm_core::cache::slots::Slots;

const BLOCK: usize = 4096;
const ORDER: usize = 1 << 14;
const ROUNDS: usize = 15;

/// Random numbers below `below`, the same in every run.
fn order(seed: u64, from: usize, below: usize) -> Vec<usize> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        from + (state % below as u64) as usize
    };
    (0..ORDER).map(|_| next()).collect()
}

/// Nanoseconds per operation of each of `threads`, which run `turn(thread, index)` side by side.
fn measure(threads: usize, blocks: usize, passes: usize, turn: &(dyn Fn(usize) + Sync)) -> f64 {
    let barrier = Barrier::new(threads);
    let times: Vec<f64> = std::thread::scope(|scope| {
        let run = |thread: usize| {
            let barrier = &barrier;
            move || {
                let order = order(thread as u64 + 1, thread * blocks, blocks);
                order.iter().for_each(|index| turn(*index));
                barrier.wait();
                let start = cpu_time();
                for _ in 0..passes {
                    for index in &order {
                        turn(*index);
                    }
                }
                (cpu_time() - start) / (passes * ORDER) as f64
            }
        };
        let all: Vec<_> = (0..threads).map(|thread| scope.spawn(run(thread))).collect();
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    times.iter().sum::<f64>() / threads as f64
}

/// Processor time of this thread in nanoseconds.
fn cpu_time() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the answer is written to `time`, which lives as long as the call.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// The best and the median.
#[derive(Clone, Copy)]
struct Figure(f64, f64);

impl Display for Figure {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.1}/{:.1}", self.0, self.1)
    }
}

fn figure(mut values: Vec<f64>) -> Figure {
    values.sort_by(f64::total_cmp);
    Figure(values[0], values[values.len() / 2])
}

/// A hit: of `blocks` blocks per thread.
fn hits(blocks: usize) {
    let cache = Cache::new(Budget::new(1 << 30), 1 << 30);
    let slots = Slots::new(2 * blocks);
    type Map = HashMap<(u64, usize), Arc<Vec<u8>>>;
    let map = Mutex::new(Map::new());
    for index in 0..2 * blocks {
        let load = &mut || Ok(vec![index as u8; BLOCK]);
        cache.get_or_load(&slots, index, Use::Point, load).unwrap();
        map.lock().unwrap().insert((1, index), Arc::new(vec![index as u8; BLOCK]));
    }
    let ours = |index: usize| {
        let frame = cache.get(&slots, index).unwrap();
        assert_eq!(black_box(frame[64]), index as u8);
    };
    let theirs = |index: usize| {
        let frame = Arc::clone(map.lock().unwrap().get(&(1, index)).unwrap());
        assert_eq!(black_box(frame[64]), index as u8);
    };
    let mut figures: [Vec<f64>; 4] = Default::default();
    for _ in 0..ROUNDS {
        figures[0].push(measure(1, blocks, 40, &ours));
        figures[1].push(measure(2, blocks, 40, &ours));
        figures[2].push(measure(1, blocks, 20, &theirs));
        figures[3].push(measure(2, blocks, 20, &theirs));
    }
    let [one, two, map_one, map_two] = figures.map(figure);
    println!(
        "hit of {:6} KiB  1 thread {one}  2 threads {two}  ({:.2} x)   map under a lock \
         {map_one} ({:.2} x ours), {map_two} ({:.2} x ours)",
        2 * blocks * BLOCK / 1024,
        two.0 / one.0,
        map_one.0 / one.0,
        map_two.0 / two.0,
    );
}

/// What the parts of it cost by themselves, and the harness.
fn parts() {
    let rounds = |turn: &(dyn Fn(usize) + Sync)| {
        figure((0..ROUNDS).map(|_| measure(1, 512, 40, turn)).collect())
    };
    let epoch = Epoch::new();
    let counted = Arc::new(1u8);
    let nothing = rounds(&|index| assert!(black_box(index) < 512));
    let pin = rounds(&|_| drop(epoch.pin()));
    let count = rounds(&|_| drop(black_box(Arc::clone(&counted))));
    println!("a pin {pin}, a count up and down {count}, the harness {nothing}");
}

/// A miss: every block is loaded in the place of another one.
fn misses(threads: usize) {
    const BLOCKS: usize = 8192;
    let cache = Cache::new(Budget::new(1 << 30), 4 << 20);
    let slots = Slots::new(threads * BLOCKS);
    let image = vec![1; BLOCK];
    let copy = || {
        measure(threads, BLOCKS, 4, &|_| {
            black_box(image.clone());
        })
    };
    let turn = |index: usize| {
        let load = &mut || Ok(image.clone());
        black_box(cache.get_or_load(&slots, index, Use::Point, load).unwrap());
    };
    let all = figure((0..ROUNDS).map(|_| measure(threads, BLOCKS, 4, &turn)).collect());
    let copy = figure((0..ROUNDS).map(|_| copy()).collect());
    println!(
        "miss, load and evict, {threads} threads: {all}, of which the load itself {copy}; {:?}",
        cache.stats()
    );
}

fn main() {
    println!("4 KiB blocks, nanoseconds per operation: best/median of {ROUNDS} rounds");
    parts();
    for blocks in [64, 1024, 16384] {
        hits(blocks);
    }
    misses(1);
    misses(2);
}
