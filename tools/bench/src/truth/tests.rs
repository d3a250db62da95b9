//! What was added is there, and its neighbours are found, both ways.

use std::collections::BTreeSet;

use super::{CHUNK_BITS, Truth};
use crate::distribution::Random;
use crate::generator::{NUMBERS_MAX, Shape};

fn empty() -> Truth {
    Truth::new(Shape { key_bytes: 16, value_bytes: 100 })
}

#[test]
fn it_agrees_with_a_set() {
    let truth = empty();
    let mut model = BTreeSet::new();
    let mut random = Random::new(4);
    let places = [0, CHUNK_BITS - 200, 5 * CHUNK_BITS, NUMBERS_MAX - 400];
    for _ in 0..20_000 {
        let number = places[random.below(4) as usize] + random.below(400);
        if random.below(3) == 0 {
            truth.remove(number);
            model.remove(&number);
        } else {
            truth.add(number);
            model.insert(number);
        }
        let from = places[random.below(4) as usize] + random.below(400);
        assert_eq!(truth.has(from), model.contains(&from));
        assert_eq!(truth.at_or_after(from), model.range(from..).next().copied());
        assert_eq!(truth.at_or_before(from), model.range(..=from).next_back().copied());
    }
    assert_eq!(truth.count(), model.len() as u64);
}

#[test]
fn nothing_is_there_at_first_and_after_a_reset() {
    let truth = empty();
    assert_eq!(
        (truth.count(), truth.at_or_after(0), truth.at_or_before(u64::MAX)),
        (0, None, None)
    );
    truth.add(7);
    truth.widen(8);
    truth.reset(50);
    assert_eq!((truth.count(), truth.extent(), truth.at_or_after(0)), (0, 0, None));
    assert_eq!(truth.shape().value_bytes, 50);
}

#[test]
fn numbers_are_claimed_once_and_come_to_an_end() {
    let truth = Truth::new(Shape { key_bytes: 1, value_bytes: 1 });
    truth.widen(8);
    assert_eq!([truth.claim(), truth.claim(), truth.claim()], [Some(8), Some(9), None]);
}

#[test]
fn what_is_beyond_the_last_number_is_never_there() {
    let truth = empty();
    truth.add(NUMBERS_MAX);
    assert!(!truth.has(NUMBERS_MAX));
    assert_eq!(truth.count(), 0);
}
