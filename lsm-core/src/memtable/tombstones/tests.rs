//! Range tombstones: held against a plain list, and read while they are written.

#![allow(clippy::disallowed_methods, reason = "a test that needs threads")]

use std::thread;

use crate::base::sync::{AtomicU64, Ordering};
use crate::cursor::tombstone::Tombstone;
use crate::key::seqno::SeqNo;
use crate::memtable::tombstones::Tombstones;

fn seqno(number: u64) -> SeqNo {
    SeqNo::new(number).unwrap()
}

fn tombstone(start: u64, len: u64, number: u64) -> Tombstone {
    let key = |number: u64| number.to_be_bytes().to_vec();
    Tombstone { start: key(start), end: key(start + len), seqno: seqno(number) }
}

#[test]
fn every_key_has_the_tombstone_that_a_plain_list_gives_it() {
    let tombstones = Tombstones::default();
    assert!(!tombstones.has_any() && tombstones.whole().is_empty());
    let mut list: Vec<(u64, u64, u64)> = Vec::new();
    for number in 1..400_u64 {
        let (start, len) = (number * 7919 % 200, 1 + number * 31 % 40);
        tombstones.add(tombstone(start, len, number));
        list.push((start, start + len, number));
        for key in (0..250).step_by(3) {
            for ceiling in [0, number / 2, number, u64::from(u32::MAX)] {
                let over = list.iter().filter(|(start, end, number)| {
                    (*start..*end).contains(&key) && *number <= ceiling
                });
                let wanted = over.map(|(.., number)| *number).max().unwrap_or(0);
                let bytes = key.to_be_bytes();
                assert_eq!(tombstones.covering(&bytes, seqno(ceiling)), seqno(wanted));
                if number % 50 == 0 {
                    assert_eq!(tombstones.whole().covering(&bytes, seqno(ceiling)), seqno(wanted));
                }
            }
        }
    }
    assert!(tombstones.bytes() > 0);
}

#[test]
fn readers_find_every_tombstone_that_was_added_before() {
    let (tombstones, done) = (Tombstones::default(), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while done.load(Ordering::Acquire) < 3000 {
                    let number = done.load(Ordering::Acquire);
                    if number > 0 {
                        let key = (number * 2).to_be_bytes();
                        assert_eq!(tombstones.covering(&key, SeqNo::MAX), seqno(number));
                        assert_eq!(tombstones.whole().covering(&key, SeqNo::MAX), seqno(number));
                    }
                }
            });
        }
        for number in 1..=3000 {
            tombstones.add(tombstone(number * 2, 1, number));
            done.store(number, Ordering::Release);
        }
    });
}
