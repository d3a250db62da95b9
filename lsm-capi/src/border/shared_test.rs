//! A handle that all threads use is closed once, and its content goes when the last one is out.

#![allow(clippy::disallowed_methods, reason = "threads that use handles at once")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use lsm_core::ErrorKind;

use crate::border::handle::Kind;
use crate::border::shared::prepare;
use crate::border::table::Table;

/// Tells when it is dropped.
struct Told {
    is_gone: Arc<AtomicBool>,
    dropped: Arc<AtomicUsize>,
}

impl Told {
    fn new(dropped: &Arc<AtomicUsize>) -> Self {
        Self { is_gone: Arc::default(), dropped: dropped.clone() }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        assert!(!self.is_gone.swap(true, Ordering::SeqCst), "dropped twice");
        self.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn the_content_goes_when_the_last_user_is_out() {
    static TABLE: Table<Told> = Table::new(Kind::Db);
    prepare();
    let dropped = Arc::default();
    let word = TABLE.insert(Told::new(&dropped)).unwrap();
    let (one, two) = (TABLE.borrow(word).unwrap(), TABLE.borrow(word).unwrap());
    TABLE.retire(word).unwrap();
    assert_eq!(TABLE.retire(word).unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(TABLE.borrow(word).err().unwrap().kind(), ErrorKind::Closed);
    drop(one);
    assert_eq!(dropped.load(Ordering::SeqCst), 0);
    // In whatever order they leave.
    drop(two);
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
    let next = TABLE.insert(Told::new(&dropped)).unwrap();
    assert!(TABLE.borrow(word).is_err() && TABLE.borrow(next).is_ok());
    TABLE.retire(next).unwrap();
    assert_eq!(dropped.load(Ordering::SeqCst), 2);
}

#[test]
fn one_thread_uses_many_at_once_and_not_without_bound() {
    static TABLE: Table<u8> = Table::new(Kind::Db);
    prepare();
    let word = TABLE.insert(7).unwrap();
    let mut held = Vec::new();
    let refused = loop {
        match TABLE.borrow(word) {
            Ok(one) => held.push(one),
            Err(error) => break error,
        }
        assert!(held.len() < 100);
    };
    assert_eq!((refused.kind(), held.len()), (ErrorKind::Busy, 16));
    // They may end in any order.
    held.swap_remove(3);
    assert_eq!(*TABLE.borrow(word).unwrap(), 7);
    TABLE.retire(word).unwrap();
    drop(held);
    assert!(TABLE.borrow(word).is_err());
}

/// Readers of one handle after the other, while a closer retires each: nobody reads what is gone,
/// and each goes exactly once, at once when the last reader leaves.
#[test]
fn readers_never_see_what_is_gone() {
    static TABLE: Table<Told> = Table::new(Kind::Db);
    static WORD: AtomicUsize = AtomicUsize::new(0);
    static IS_OVER: AtomicBool = AtomicBool::new(false);
    static SEEN: AtomicUsize = AtomicUsize::new(0);
    prepare();
    let dropped: Arc<AtomicUsize> = Arc::default();
    WORD.store(TABLE.insert(Told::new(&dropped)).unwrap(), Ordering::SeqCst);
    let read = || {
        while !IS_OVER.load(Ordering::SeqCst) {
            if let Ok(told) = TABLE.borrow(WORD.load(Ordering::SeqCst)) {
                for _ in 0..20 {
                    assert!(!told.is_gone.load(Ordering::SeqCst), "read after the end");
                }
                SEEN.fetch_add(1, Ordering::SeqCst);
            }
        }
    };
    let readers: Vec<_> = (0..3).map(|_| thread::spawn(read)).collect();
    let mut turns = 0;
    while turns < 3000 || SEEN.load(Ordering::SeqCst) < 3000 {
        turns += 1;
        let new = TABLE.insert(Told::new(&dropped)).unwrap();
        let old = WORD.swap(new, Ordering::SeqCst);
        TABLE.retire(old).unwrap();
        assert!(TABLE.retire(old).is_err());
    }
    IS_OVER.store(true, Ordering::SeqCst);
    readers.into_iter().for_each(|reader| reader.join().unwrap());
    TABLE.retire(WORD.load(Ordering::SeqCst)).unwrap();
    assert_eq!(dropped.load(Ordering::SeqCst), turns + 1);
}

#[test]
fn a_thread_that_ends_leaves_its_record_to_the_next() {
    static TABLE: Table<u8> = Table::new(Kind::Db);
    prepare();
    let word = TABLE.insert(1).unwrap();
    for _ in 0..200 {
        thread::spawn(move || assert_eq!(*TABLE.borrow(word).unwrap(), 1)).join().unwrap();
    }
    TABLE.retire(word).unwrap();
}
