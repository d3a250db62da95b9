//! Pins hold stamps back, and threads share the lanes.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "threads of the real world"
)]

use std::sync::Barrier;

use super::{Epoch, LANES};
use crate::base::sync::fixed::Mutex;
use crate::base::sync::{AtomicUsize, Ordering};

/// One of the tests takes all lanes: the others wait for it.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn a_pin_holds_back_what_was_unlinked_after_it() {
    let _alone = ALONE.lock();
    let epoch = Epoch::new();
    let before = epoch.stamp();
    assert!(before < epoch.oldest());
    let pin = epoch.pin().unwrap();
    let after = epoch.stamp();
    assert!(before < epoch.oldest());
    assert!(after >= epoch.oldest());
    // A turn inside a turn changes nothing.
    drop(epoch.pin().unwrap());
    assert!(after >= epoch.oldest());
    drop(pin);
    assert!(after < epoch.oldest());
}

#[test]
fn another_threads_pin_holds_back_too() {
    let _alone = ALONE.lock();
    let epoch = Epoch::new();
    let (pinned, stamped) = (Barrier::new(2), Barrier::new(2));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let pin = epoch.pin().unwrap();
            pinned.wait();
            stamped.wait();
            drop(pin);
        });
        pinned.wait();
        let stamp = epoch.stamp();
        assert!(stamp >= epoch.oldest());
        // Pins from now on do not matter.
        let _pin = epoch.pin().unwrap();
        stamped.wait();
        while stamp >= epoch.oldest() {
            std::thread::yield_now();
        }
    });
}

#[test]
fn epochs_do_not_know_each_other() {
    let _alone = ALONE.lock();
    let (one, other) = (Epoch::new(), Epoch::new());
    let _pin = one.pin().unwrap();
    assert!(other.stamp() < other.oldest());
}

#[test]
fn what_is_counted_adds_up() {
    let _alone = ALONE.lock();
    let epoch = Epoch::new();
    for _ in 0..10 {
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    (0..100).for_each(|_| epoch.pin().iter().for_each(|pin| pin.count(1)))
                });
            }
        });
    }
    assert_eq!(epoch.tally(), 3000);
}

#[test]
fn threads_past_the_last_lane_are_told_so_until_others_end() {
    let _alone = ALONE.lock();
    let epoch = Epoch::new();
    for _ in 0..2 {
        let refused = AtomicUsize::new(0);
        let all_there = Barrier::new(LANES + 8);
        std::thread::scope(|scope| {
            for _ in 0..LANES + 8 {
                scope.spawn(|| {
                    let is_refused = epoch.pin().is_none();
                    refused.fetch_add(usize::from(is_refused), Ordering::Relaxed);
                    all_there.wait();
                });
            }
        });
        assert!(refused.load(Ordering::Relaxed) >= 8);
    }
    // The lanes are there again.
    std::thread::scope(|scope| scope.spawn(|| assert!(epoch.pin().is_some())).join().unwrap());
    assert_eq!(epoch.oldest(), u64::MAX);
}
