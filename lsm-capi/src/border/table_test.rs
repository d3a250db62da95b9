//! Handles mean one thing or nothing, whoever uses them and however late.

#![allow(clippy::disallowed_methods, reason = "threads that use handles at once")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use lsm_core::ErrorKind;

use crate::border::handle::{Handle, Kind};
use crate::border::table::Table;
use crate::border::thread::in_callback;

/// Counts those that are alive.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, Ordering::SeqCst);
        Self(alive.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn kind_of<T>(result: lsm_core::Result<T>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

/// What a handle led to, and then does no more.
fn taken<T: Clone + Send + Sync>(table: &'static Table<T>, word: usize) -> T {
    let content = table.share(word).unwrap().clone();
    table.remove(word).unwrap();
    content
}

#[test]
fn a_handle_is_good_until_it_is_taken_and_never_again() {
    static TABLE: Table<String> = Table::new(Kind::Batch);
    let first = TABLE.insert("one".to_owned()).unwrap();
    assert_eq!(*TABLE.share(first).unwrap(), "one");
    assert_eq!(taken(&TABLE, first), "one");
    assert_eq!(kind_of(TABLE.remove(first)), Some(ErrorKind::Closed));
    // The place is used again, under another handle.
    let second = TABLE.insert("two".to_owned()).unwrap();
    assert_ne!(first, second);
    assert_eq!(kind_of(TABLE.share(first)), Some(ErrorKind::Closed));
    assert_eq!(kind_of(TABLE.own(first)), Some(ErrorKind::Closed));
    assert_eq!(taken(&TABLE, second), "two");
}

#[test]
fn what_is_no_handle_of_the_kind_is_refused() {
    static TABLE: Table<u8> = Table::new(Kind::Batch);
    let mine = TABLE.insert(1).unwrap();
    let other = mine & (usize::MAX >> 8) | (Kind::Iter as usize) << 56;
    for word in [0, 1, 0x7fff_ffff_f000, usize::MAX, other, &raw const mine as usize] {
        assert_eq!(kind_of(TABLE.share(word)), Some(ErrorKind::InvalidArgument), "{word:x}");
    }
    // Places that were never made, and generations that were never reached.
    for (index, generation) in [(1, 1), (1 << 20, 1), (0xff_ffff, 7), (0, 2), (0, 0)] {
        let word = Handle { index, generation }.to_word(Kind::Batch);
        assert_eq!(kind_of(TABLE.share(word)), Some(ErrorKind::Closed), "{word:x}");
    }
    let told = TABLE.share(other).err().unwrap().to_string();
    assert_eq!(told, "an lsm_iter was given where an lsm_batch belongs");
    assert_eq!(taken(&TABLE, mine), 1);
}

#[test]
fn who_has_it_alone_has_it_alone() {
    static TABLE: Table<u8> = Table::new(Kind::Iter);
    let word = TABLE.insert(1).unwrap();
    let owned = TABLE.own(word).unwrap();
    assert_eq!(kind_of(TABLE.own(word)), Some(ErrorKind::Busy));
    assert_eq!(kind_of(TABLE.share(word)), Some(ErrorKind::Busy));
    // A callback must not wait for the call that it is in.
    assert_eq!(in_callback(|| kind_of(TABLE.remove(word))), Some(ErrorKind::Busy));
    drop(owned);
    let (one, two) = (TABLE.share(word).unwrap(), TABLE.share(word).unwrap());
    assert_eq!(kind_of(TABLE.own(word)), Some(ErrorKind::Busy));
    drop((one, two));
    assert_eq!(taken(&TABLE, word), 1);
}

#[test]
fn a_place_that_has_used_up_its_generations_is_left_alone() {
    static TABLE: Table<u8> = Table::new(Kind::Value);
    let word = TABLE.insert(1).unwrap();
    let (handle, slot) = TABLE.find(word).unwrap();
    TABLE.remove(word).unwrap();
    let again = TABLE.insert(2).unwrap();
    assert_eq!(Handle::from_word(again, Kind::Value).unwrap().index, handle.index);
    // As if it had been used four billion times.
    let last = Handle { index: handle.index, generation: u32::MAX };
    slot.state.store(crate::border::table::state_of(u32::MAX, 1 << 31), Ordering::SeqCst);
    assert_eq!(taken(&TABLE, last.to_word(Kind::Value)), 2);
    for _ in 0..100 {
        let next = Handle::from_word(TABLE.insert(3).unwrap(), Kind::Value).unwrap();
        assert_ne!(next.index, handle.index);
    }
}

#[test]
fn many_more_than_one_segment_find_their_places() {
    static TABLE: Table<usize> = Table::new(Kind::Value);
    let words: Vec<usize> = (0..5000).map(|number| TABLE.insert(number).unwrap()).collect();
    for (number, word) in words.iter().enumerate() {
        assert_eq!(*TABLE.share(*word).unwrap(), number);
    }
    for (number, word) in words.iter().enumerate().rev() {
        assert_eq!(taken(&TABLE, *word), number);
    }
}

/// Threads that make, use and take each other's handles: each content is dropped once, and nobody
/// gets into one that is gone.
#[test]
fn threads_take_each_content_once() {
    static TABLE: Table<Counted> = Table::new(Kind::Snapshot);
    static WORDS: [AtomicUsize; 8] = [const { AtomicUsize::new(0) }; 8];
    let alive = Arc::new(AtomicUsize::new(0));
    let taken = Arc::new(AtomicUsize::new(0));
    let work = |seed: usize| {
        let (alive, taken) = (alive.clone(), taken.clone());
        move || {
            let mut made = 0;
            for turn in 0..20_000_usize {
                let place = &WORDS[(turn.wrapping_mul(seed * 2 + 1) >> 3) % WORDS.len()];
                match turn % 4 {
                    0 => {
                        let new = TABLE.insert(Counted::new(&alive)).unwrap();
                        made += 1;
                        let old = place.swap(new, Ordering::SeqCst);
                        taken.fetch_add(usize::from(TABLE.remove(old).is_ok()), Ordering::SeqCst);
                    }
                    1 => {
                        let _owned = TABLE.own(place.load(Ordering::SeqCst));
                    }
                    2 => {
                        let old = place.load(Ordering::SeqCst);
                        taken.fetch_add(usize::from(TABLE.remove(old).is_ok()), Ordering::SeqCst);
                    }
                    _ => {
                        if let Ok(shared) = TABLE.share(place.load(Ordering::SeqCst)) {
                            assert!(shared.0.load(Ordering::SeqCst) > 0);
                        }
                    }
                }
            }
            made
        }
    };
    let threads: Vec<_> = (1..5).map(|seed| thread::spawn(work(seed))).collect();
    let made: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    let left =
        WORDS.iter().filter(|word| TABLE.remove(word.load(Ordering::SeqCst)).is_ok()).count();
    assert_eq!(taken.load(Ordering::SeqCst) + left, made);
    assert_eq!(alive.load(Ordering::SeqCst), 0);
}
