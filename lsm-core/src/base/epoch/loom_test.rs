//! A pin against a writer that unlinks and frees. Real is all of `Epoch` but how threads claim
//! lanes.

use std::sync::Arc;

use super::Epoch;
use crate::base::sync::model::{Bound, Mistake, finds, holds, spawn};
use crate::base::sync::{AtomicUsize, Ordering, Plain};

struct Shared {
    epoch: Epoch,
    /// 1 while it points at the memory.
    word: AtomicUsize,
    memory: Plain,
}

impl Shared {
    fn new() -> Arc<Self> {
        let (epoch, word, memory) = (Epoch::new(), AtomicUsize::new(1), Plain::new());
        Arc::new(Self { epoch, word, memory })
    }

    fn read(&self) {
        let pin = self.epoch.pin().unwrap();
        if self.word.load(Ordering::SeqCst) == 1 {
            self.memory.read();
        }
        drop(pin);
    }

    fn take_away(&self) {
        self.word.store(0, Ordering::SeqCst);
        let stamp = self.epoch.stamp();
        if stamp < self.epoch.oldest() {
            self.memory.write();
        }
    }
}

const BOUND: Bound = Bound { preemptions: 3, seconds: 8 };

fn one_reader() {
    let shared = Shared::new();
    let reader = {
        let shared = Arc::clone(&shared);
        spawn(move || (0..2).for_each(|_| shared.read()))
    };
    shared.take_away();
    reader.join().unwrap();
}

fn two_readers() {
    let shared = Shared::new();
    let readers = [0, 1].map(|_| {
        let shared = Arc::clone(&shared);
        spawn(move || shared.read())
    });
    shared.take_away();
    readers.into_iter().for_each(|reader| reader.join().unwrap());
}

#[test]
fn nothing_is_freed_under_a_pin() {
    holds("epoch, one reader twice", BOUND, one_reader);
    holds("epoch, two readers", BOUND, two_readers);
}

#[test]
fn weaker_orderings_are_found() {
    finds("epoch", BOUND, Some(Mistake::SeqCst), one_reader);
    finds("epoch", BOUND, Some(Mistake::Release), one_reader);
}

/// The stamp is taken before the word is changed.
fn stamped_too_early() {
    let shared = Shared::new();
    let reader = {
        let shared = Arc::clone(&shared);
        spawn(move || shared.read())
    };
    let stamp = shared.epoch.stamp();
    let is_free = stamp < shared.epoch.oldest();
    shared.word.store(0, Ordering::SeqCst);
    if is_free {
        shared.memory.write();
    }
    reader.join().unwrap();
}

#[test]
fn looking_before_unlinking_is_found() {
    finds("epoch, looked too early", BOUND, None, stamped_too_early);
}
