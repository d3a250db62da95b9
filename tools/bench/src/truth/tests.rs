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

#[test]
fn what_was_removed_is_passed_over() {
    let truth = empty();
    let (first, last) = (3, 3 * CHUNK_BITS / 2);
    (first..=last).for_each(|number| truth.add(number));
    (first + 1..last).for_each(|number| truth.remove(number));
    assert_eq!(truth.at_or_after(first + 1), Some(last));
    assert_eq!(truth.at_or_before(last - 1), Some(first));
    truth.remove(last);
    assert_eq!(truth.at_or_after(first + 1), None);
    truth.add(last - 1);
    assert_eq!((truth.at_or_after(first + 1), truth.count()), (Some(last - 1), 2));
}

#[test]
fn threads_that_add_and_remove_in_the_same_words_lose_nothing() {
    let truth = empty();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let truth = &truth;
            scope.spawn(move || {
                // Each thread has every fourth number, so that all of them meet in each word.
                for number in (0..40_000).map(|place| (place % 100) * 4 + thread) {
                    truth.add(number);
                    truth.remove(number);
                }
                truth.add(200 + thread);
            });
        }
    });
    let there: Vec<u64> = (0..4).map(|thread| 200 + thread).collect();
    let mut found = Vec::new();
    let mut next = truth.at_or_after(0);
    while let Some(number) = next {
        found.push(number);
        next = truth.at_or_after(number + 1);
    }
    assert_eq!(found, there);
}
