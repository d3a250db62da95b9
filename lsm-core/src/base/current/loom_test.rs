//! Loads against updates: values stay whole, none is lost, and what was told of is there.

use std::sync::Arc;

use super::Current;
use crate::base::sync::model::{Bound, finds, holds, spawn};
use crate::base::sync::{AtomicUsize, Ordering};

const BOUND: Bound = Bound { preemptions: 3, seconds: 8 };

type Pair = (usize, usize);

fn raise(pair: &Pair) -> Pair {
    (pair.0 + 1, pair.1 + 1)
}

fn read_beside(is_told_early: bool) {
    let current = Arc::new(Current::new((0, 0)));
    let told = Arc::new(AtomicUsize::new(0));
    let readers = [0, 1].map(|_| {
        let (current, told) = (Arc::clone(&current), Arc::clone(&told));
        spawn(move || {
            let least = told.load(Ordering::Acquire);
            let first = current.load();
            let second = current.load();
            assert!(first.0 == first.1 && least <= first.0 && first.0 <= second.0);
        })
    });
    for count in 1..3 {
        if is_told_early {
            told.store(count, Ordering::Release);
        }
        current.update(raise);
        told.store(count, Ordering::Release);
    }
    readers.into_iter().for_each(|reader| reader.join().unwrap());
}

fn update_beside(is_in_two_steps: bool) {
    let current = Arc::new(Current::new((0, 0)));
    let others = [0, 1].map(|_| {
        let current = Arc::clone(&current);
        spawn(move || {
            if is_in_two_steps {
                let before = current.load();
                current.update(|_| raise(&before));
            } else {
                current.update(raise);
            }
        })
    });
    others.into_iter().for_each(|other| other.join().unwrap());
    assert_eq!(*current.load(), (2, 2));
}

#[test]
fn what_was_told_of_is_there() {
    holds("current, two readers", BOUND, || read_beside(false));
    finds("current, told too early", BOUND, None, || read_beside(true));
}

#[test]
fn no_update_is_lost() {
    holds("current, two writers", BOUND, || update_beside(false));
    finds("current, updated in two steps", BOUND, None, || update_beside(true));
}
