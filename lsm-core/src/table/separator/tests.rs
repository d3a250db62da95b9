//! Separators are between what they separate, and no longer than they need to be.

#![allow(clippy::unwrap_used)]

use std::cmp::Ordering;

use crate::env::sim::rng::Rng;
use crate::key::trailer::entry_order;
use crate::table::separator::{OLDEST, separate};

fn check(last: &[u8], trailer: u64, next: (&[u8], u64)) -> Vec<u8> {
    let mut key = Vec::new();
    let found = separate(last, trailer, next.0, &mut key);
    assert_ne!(entry_order((last, trailer), (&key, found)), Ordering::Greater, "{last:?}");
    assert_eq!(entry_order((&key, found), next), Ordering::Less, "{last:?} {next:?}");
    assert!(key.len() >= 4 && key.len() <= last.len());
    key
}

#[test]
fn separators_are_between() {
    assert_eq!(check(b"\0\0\0\0apple", 5, (b"\0\0\0\0banana", 9)), b"\0\0\0\0b");
    assert_eq!(check(b"\0\0\0\0apple", 5, (b"\0\0\0\0apricot", 9)), b"\0\0\0\0apr");
    assert_eq!(check(b"\0\0\0\0apple", 5, (b"\0\0\0\0applepie", 9)), b"\0\0\0\0apple");
    assert_eq!(check(b"\0\0\0\0apple", 5, (b"\0\0\0\0b", 9)), b"\0\0\0\0apple");
    assert_eq!(check(b"\0\0\0\0", 5, (b"\0\0\0\0", 4)), b"\0\0\0\0");
    assert_eq!(check(b"\0\0\0\0zoo", 5, (b"\0\0\x01\0a", 4)), b"\0\0\0\0zoo", "a full key");
}

#[test]
fn only_versions_of_one_key_need_a_trailer() {
    let mut key = Vec::new();
    assert_eq!(separate(b"\0\0\0\0a", 77, b"\0\0\0\0a", &mut key), 77);
    assert_eq!(separate(b"\0\0\0\0a", 77, b"\0\0\0\0aa", &mut key), OLDEST);
}

#[test]
fn separators_by_chance_are_between() {
    let mut rng = Rng::new(1);
    for _ in 0..100_000 {
        let mut one = || {
            let len = 4 + rng.below(6) as usize;
            let key: Vec<u8> =
                (0..len).map(|_| [0, 1, 0xfe, 0xff][rng.below(4) as usize]).collect();
            (key, rng.below(4))
        };
        let (a, b) = (one(), one());
        if entry_order((&a.0, a.1), (&b.0, b.1)) == Ordering::Less {
            check(&a.0, a.1, (&b.0, b.1));
        }
    }
}
