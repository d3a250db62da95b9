//! The filter: never a wrong no, seldom a wrong yes, whatever it was told to expect.

use crate::base::checksum::hash64;
use crate::memtable::filter::{Filter, FilterWriter};

fn fill(budget: usize, entry: usize, count: u64) -> Filter {
    let (filter, mut writer) = (Filter::default(), FilterWriter::new(budget));
    for number in 0..count {
        let hash = hash64(&number.to_le_bytes());
        filter.add(&mut writer, hash, number, || number as usize * entry).unwrap();
        assert!(filter.may_contain(hash));
    }
    for number in 0..count {
        assert!(filter.may_contain(hash64(&number.to_le_bytes())), "{number} is lost");
    }
    filter
}

fn wrong_per_mille(filter: &Filter) -> usize {
    let strangers = 1_000_000_000..1_000_100_000_u64;
    let wrong = strangers.filter(|number| filter.may_contain(hash64(&number.to_le_bytes())));
    wrong.count() / 100
}

#[test]
fn an_empty_filter_says_no_and_takes_nothing() {
    let filter = Filter::default();
    assert!(!filter.may_contain(0) && !filter.may_contain(u64::MAX));
    assert_eq!(filter.bytes(), 0);
}

#[test]
fn few_keys_take_little() {
    let filter = fill(64 << 20, 136, 300);
    assert!(filter.bytes() <= 1024, "{}", filter.bytes());
    assert!(wrong_per_mille(&filter) <= 15);
}

#[test]
fn a_filter_keeps_its_promise_beyond_what_was_expected() {
    // As planned, tiny entries, a budget that is long exceeded, a budget of nothing.
    for (budget, entry) in [(64 << 20, 136), (64 << 20, 24), (1 << 16, 136), (0, 0)] {
        let filter = fill(budget, entry, 300_000);
        let wrong = wrong_per_mille(&filter);
        assert!(wrong <= 40, "{budget} {entry}: {wrong} of 1000 are wrong");
        let bits = filter.bytes() * 8 / 300_000;
        assert!(bits <= 120, "{budget} {entry}: {bits} bits for each key");
    }
}
