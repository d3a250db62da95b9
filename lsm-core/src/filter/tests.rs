//! Never a false no; a false yes as rarely as it should be.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use crate::base::checksum::hash64;
use crate::filter::{FilterBuilder, is_well_formed, may_contain};

fn key(number: u64) -> u64 {
    hash64(&number.to_le_bytes())
}

fn filter_of(bits: u32, keys: u64) -> Vec<u8> {
    let mut builder = FilterBuilder::new(bits);
    (0..keys).for_each(|number| builder.add(key(number)));
    assert_eq!(builder.len() as u64, keys);
    let len = builder.encoded_len();
    let mut out = vec![1; 5];
    builder.finish(&mut out);
    assert!(builder.is_empty());
    let filter = out.split_off(5);
    assert_eq!(filter.len(), len);
    filter
}

/// Wrong answers among so many questions, in a million.
fn wrong(filter: &[u8], asked: u64) -> u64 {
    let is_wrong = |number: &u64| may_contain(filter, key(number + (1 << 40)));
    (0..asked).filter(is_wrong).count() as u64 * 1_000_000 / asked
}

#[test]
fn no_key_that_was_added_is_denied() {
    for bits in [0, 1, 2, 3, 7, 10, 16, 31, 32, 100] {
        for keys in [0, 1, 2, 51, 52, 1000, 30_000] {
            let filter = filter_of(bits, keys);
            assert!(is_well_formed(&filter));
            let is_there = |number| may_contain(&filter, key(number));
            assert!((0..keys).all(is_there), "{bits} bits, {keys} keys");
        }
    }
}

#[test]
fn hashes_at_the_borders_are_found() {
    let hashes = [0, 1, u64::MAX, 1 << 32, (1 << 32) - 1, u64::MAX << 32];
    let mut builder = FilterBuilder::new(10);
    hashes.iter().for_each(|&hash| builder.add(hash));
    (0..5000).for_each(|number| builder.add(key(number)));
    let mut filter = Vec::new();
    builder.finish(&mut filter);
    assert!(hashes.iter().all(|&hash| may_contain(&filter, hash)));
}

#[test]
fn wrong_answers_are_as_rare_as_the_bits_allow() {
    // Bits, and at least and at most so many wrong answers in a million. A bloom filter without
    // lines would give 8200 at 10 bits.
    for (bits, least, most) in [
        (4, 130_000, 160_000),
        (8, 20_000, 25_000),
        (10, 8000, 10_500),
        (16, 400, 1100),
        (24, 0, 120),
    ] {
        for keys in [60_000, 1_000_000] {
            let rate = wrong(&filter_of(bits, keys), 400_000);
            assert!(least <= rate && rate <= most, "{bits} bits, {keys} keys: {rate} in a million");
        }
    }
    assert_eq!(wrong(&filter_of(10, 0), 1000), 0, "nothing is in an empty filter");
}

#[test]
fn versions_of_a_key_count_once() {
    let mut builder = FilterBuilder::new(10);
    for number in [1, 1, 1, 2, 2, 3] {
        builder.add(key(number));
    }
    assert_eq!(builder.len(), 3);
}

#[test]
fn bytes_that_make_no_filter_deny_nothing() {
    let filter = filter_of(10, 400);
    let absent = (1 << 40..).map(key).find(|&hash| !may_contain(&filter, hash)).unwrap();
    for len in 0..filter.len() {
        assert!(may_contain(&filter[..len], absent), "cut to {len}");
        assert!(!is_well_formed(&filter[..len]));
    }
    let longer = [&filter[..], &[0; 64]].concat();
    assert!(may_contain(&longer, absent) && may_contain(&[0xff; 640], absent));
    for len in 0..300 {
        assert!(may_contain(&vec![0; len], absent), "{len} zeros");
    }
    for (at, byte, note) in [
        (0, 0, "no type"),
        (0, 2, "another type"),
        (1, 0, "no bits"),
        (1, 33, "too many bits"),
        (2, 0, "no probes"),
        (2, 17, "too many probes"),
        (3, 1, "a reserved byte"),
        (4, 0xff, "other lines"),
        (7, 1, "many lines"),
        (16, 1, "a reserved byte"),
        (63, 1, "the last reserved byte"),
    ] {
        let mut damaged = filter.clone();
        damaged[at] = byte;
        assert!(!is_well_formed(&damaged), "{note}");
        // The bits for people and the reserved bytes are not looked at in each question: no answer
        // depends on them.
        let is_looked_at = matches!(at, 0 | 2 | 4..8);
        assert_eq!(may_contain(&damaged, absent), is_looked_at, "{note}");
    }
}

#[test]
fn every_flipped_byte_gets_an_answer() {
    let mut filter = filter_of(10, 100);
    for at in 0..filter.len() {
        for change in [1, 0x80, 0xff] {
            filter[at] ^= change;
            let _any_answer = (0..50).filter(|n| may_contain(&filter, key(*n))).count();
            filter[at] ^= change;
        }
    }
}

#[test]
fn a_filter_stands_as_it_is_drawn() {
    let mut builder = FilterBuilder::new(2);
    // Two probes of the upper half, 1: times the step, and again times the step, their top bits.
    builder.add(1 << 32);
    let mut filter = Vec::new();
    builder.finish(&mut filter);
    let mut drawn = vec![1, 2, 2, 0, 1, 0, 0, 0, 1];
    drawn.resize(128, 0);
    let step = 0x9e37_79b9_u32;
    for bit in [step >> 23, step.wrapping_mul(step) >> 23] {
        drawn[64 + bit as usize / 8] |= 1 << (bit % 8);
    }
    assert_eq!(filter, drawn);
}
