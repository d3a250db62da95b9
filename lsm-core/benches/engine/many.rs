//! Many keys looked up at once, against the same keys one after the other.
//!
//! The two take turns, a batch each, so that whatever else the machine does slows both; what counts
//! is the time of the processor, and the ratio.

use std::time::Duration;

use crate::store::Store;
use crate::workload::{Shuffled, key_of, value_of, words_of};
use crate::{Fresh, Settings, median};

/// How many keys are looked up at once.
const BATCHES: [usize; 3] = [8, 32, 100];
/// So many keys are looked up in a round, each way.
const KEYS: usize = 400_000;

pub(crate) fn compare(stores: &[&str], settings: &Settings) {
    println!("nanoseconds a key   {:>12}{:>12}{:>12}", "one by one", "at once", "ratio");
    for name in stores {
        let fresh = Fresh::open(name, settings);
        let store = fresh.store();
        for number in Shuffled::new(settings.records, 1) {
            store.put(&key_of(number), &value_of(number));
        }
        store.settle();
        // Twice before, so that what is measured is a cache that is warm.
        for seed in [2, 3] {
            let all: Vec<u64> = Shuffled::new(settings.records, seed).collect();
            read(store, &all, 64, false);
        }
        for batch in BATCHES {
            let [mut single, mut many] = [Vec::new(), Vec::new()];
            for round in 0..settings.rounds {
                let (one, all) = round_of(store, settings, batch, round as u64);
                single.push(one);
                many.push(all);
            }
            let (one, all) = (median(&mut single), median(&mut many));
            println!("{name:<12}{batch:>4}    {one:>12.0}{all:>12.0}{:>12.2}", one / all);
        }
    }
}

fn round_of(store: &dyn Store, settings: &Settings, batch: usize, round: u64) -> (f64, f64) {
    let numbers: Vec<u64> = Shuffled::new(settings.records, round + 4).take(2 * KEYS).collect();
    let mut spent = [Duration::ZERO; 2];
    // A turn takes some batches, beside which the look at the clock is little.
    for (turn, numbers) in numbers.chunks(batch * 512usize.div_ceil(batch)).enumerate() {
        spent[turn % 2] += read(store, numbers, batch, turn % 2 == 1);
    }
    let keys = (numbers.len() / 2) as f64;
    let [one, all] = spent.map(|spent| spent.as_nanos() as f64 / keys);
    (one, all)
}

/// Looks the numbers up, so many at a time; answers what that took of this thread's time.
fn read(store: &dyn Store, numbers: &[u64], batch: usize, is_at_once: bool) -> Duration {
    let keys: Vec<[u8; 16]> = numbers.iter().map(|number| key_of(*number)).collect();
    let mut found = 0;
    let begun = of_thread();
    for (keys, numbers) in keys.chunks(batch).zip(numbers.chunks(batch)) {
        store.get_all(keys, is_at_once, &mut |at, value| {
            // A look at both ends of the value; all of it is compared elsewhere.
            let is_right = value.len() == 100
                && value[99] == b' '
                && value[..8] == words_of(numbers[at]).next().unwrap().to_le_bytes();
            found += usize::from(is_right);
        });
    }
    let spent = of_thread() - begun;
    assert_eq!(found, numbers.len());
    spent
}

/// The time that this thread has had of the processor.
fn of_thread() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock exists on every machine that this runs on, and the place is ours.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
