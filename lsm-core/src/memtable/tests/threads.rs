//! Readers beside the writer: what was published before is there, and everything is in order.

#![allow(clippy::disallowed_methods, reason = "tests that need threads")]

use std::thread;

use super::helpers::{Dice, Reader, Walker, Writer, all};
use crate::base::sync::{AtomicU64, Ordering};

/// Entries for each kind.
const COUNT: u64 = 12_000;

/// How the key of an entry follows from its number, so that readers can tell what has to be there.
#[derive(Clone, Copy, Debug)]
enum Pattern {
    Spread,
    Rising,
    Falling,
    FewKeys,
}

impl Pattern {
    fn key(self, number: u64) -> Vec<u8> {
        match self {
            Self::Spread => {
                let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                format!("\0\0\0\x01user{spread:020}").into_bytes()
            }
            Self::Rising => format!("k{number:012}").into_bytes(),
            Self::Falling => format!("k{:012}", COUNT - number).into_bytes(),
            Self::FewKeys => format!("key{}", number % 7).into_bytes(),
        }
    }
}

fn trailer(number: u64) -> u64 {
    number << 8 | 1
}

/// Asks for entries of which it is known that they were put.
fn look_up(reader: &Reader, pattern: Pattern, known: u64, dice: &mut Dice) {
    for _ in 0..16 {
        // The newest ones are where the tree changes.
        let back = if dice.roll(2) == 0 { dice.roll(8) } else { dice.roll(known as usize) };
        let number = known.saturating_sub(back as u64).max(1);
        let key = pattern.key(number);
        let found = reader.get(&key, trailer(number));
        assert_eq!(found, Some((trailer(number), key.clone())), "{pattern:?} {number} of {known}");
    }
}

/// Walks some way from somewhere: in order, and nothing that is known to be there is left out.
fn walk(walk: &mut Walker, pattern: Pattern, known: u64, dice: &mut Dice) {
    let start = 1 + dice.roll(known as usize) as u64;
    let is_forwards = dice.roll(2) == 0;
    // As one looks who may see this entry and no newer one.
    walk.seek(&pattern.key(start), trailer(start) | 0xff);
    let sought = Some((pattern.key(start), trailer(start), pattern.key(start)));
    assert_eq!(walk.now(), sought, "{pattern:?}: sought and not met");
    let mut last: Option<(Vec<u8>, u64)> = None;
    let mut met = Vec::new();
    for _ in 0..200 {
        let Some((key, now, value)) = walk.now() else { break };
        assert_eq!(key, pattern.key(now >> 8), "{pattern:?}");
        assert_eq!(key, value);
        if let Some((before, trailer)) = &last {
            let is_after = (before, !*trailer) < (&key, !now);
            assert_eq!(is_after, is_forwards, "{pattern:?} out of order at {now}");
        }
        met.push((key.clone(), !now));
        last = Some((key, now));
        if is_forwards { walk.next() } else { walk.prev() }
    }
    met.sort();
    let (Some(first), Some(end)) = (met.first(), met.last()) else {
        panic!("{pattern:?}: {start} of {known} is not there");
    };
    // A sample, for all of them would take too long.
    for _ in 0..200 {
        let number = 1 + dice.roll(known as usize) as u64;
        let entry = (pattern.key(number), !trailer(number));
        if (first..=end).contains(&&entry) {
            assert!(met.binary_search(&entry).is_ok(), "{pattern:?}: {number} of {known} left out");
        }
    }
}

fn run(pattern: Pattern, seed: u64, (reader, mut writer): (Reader, Writer)) {
    let published = AtomicU64::new(0);
    thread::scope(|scope| {
        for thread in 1..3 {
            let (reader, published) = (reader.clone(), &published);
            scope.spawn(move || {
                let mut dice = Dice::new(seed * 10 + thread);
                let mut cursor = reader.walk();
                loop {
                    let known = published.load(Ordering::Acquire);
                    if known > 0 {
                        look_up(&reader, pattern, known, &mut dice);
                        walk(&mut cursor, pattern, known, &mut dice);
                    }
                    if known == COUNT {
                        break;
                    }
                }
            });
        }
        scope.spawn(|| {
            for number in 1..=COUNT {
                let key = pattern.key(number);
                writer.insert(&key, trailer(number), &key).unwrap();
                published.store(number, Ordering::Release);
            }
        });
    });
    let mut cursor = reader.walk();
    cursor.seek_first();
    for _ in 0..COUNT {
        assert!(cursor.now().is_some());
        cursor.next();
    }
    assert_eq!(cursor.now(), None);
}

#[test]
fn readers_see_all_that_was_published_in_order_while_nodes_split() {
    for pattern in [Pattern::Spread, Pattern::Rising, Pattern::Falling, Pattern::FewKeys] {
        for (kind, pair) in (0..).zip(all()) {
            run(pattern, kind + 1, pair);
        }
    }
}
