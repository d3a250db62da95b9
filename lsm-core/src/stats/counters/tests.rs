//! Tests of the counters.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "threads that count at once"
)]

use std::sync::Barrier;

use super::{Counter, Counters, SHARED};
use crate::base::lane::lane_below;
use crate::stats::sample::{ONE_IN, is_due};

#[test]
fn every_counter_has_its_own_name_and_place() {
    let counters = Counters::new();
    for (number, (counter, _)) in Counter::ALL.iter().enumerate() {
        assert_eq!(*counter as usize, number);
        counters.add(*counter, number as u64 + 1);
    }
    for (number, (counter, name)) in Counter::ALL.iter().enumerate() {
        assert_eq!(counters.sum(*counter), number as u64 + 1, "{name}");
        assert_eq!(Counter::ALL.iter().filter(|(_, other)| other == name).count(), 1, "{name}");
    }
}

#[test]
fn more_threads_than_lanes_lose_nothing() {
    const THREADS: usize = SHARED + 10;
    let counters = Counters::new();
    // Twice, so that lanes are handed on too.
    for _ in 0..2 {
        let all_there = Barrier::new(THREADS);
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    assert!(lane_below(SHARED).is_none_or(|lane| lane < SHARED));
                    assert!(lane_below(0).is_none());
                    // So that some of them share.
                    all_there.wait();
                    (0..1000).for_each(|_| counters.add(Counter::Gets, 1));
                });
            }
        });
    }
    assert_eq!(counters.sum(Counter::Gets), 2 * THREADS as u64 * 1000);
}

#[test]
fn about_one_in_64_is_sampled_and_the_first_always() {
    std::thread::spawn(|| {
        assert!(is_due(0) && is_due(1));
        let many = 64_000;
        let due = (0..many).filter(|_| is_due(0)).count() as u32;
        assert!((many / ONE_IN).abs_diff(due) < 100, "{due}");
        assert!((0..100).all(|_| is_due(100)), "other kinds are timed always");
    })
    .join()
    .unwrap();
}
