//! What the stock keeps, what it refuses, and that memtables live off it.

use std::sync::Arc;

use super::*;
use crate::base::checksum::hash64;
use crate::env::os::memory::LARGE_PAGE;
use crate::memtable::handle::new_from;
use crate::memtable::options::MemtableOptions;

const LEN: usize = 2 * LARGE_PAGE;

fn stock(limit: u64, bytes_max: usize) -> (Arc<Budget>, Arc<Stock>) {
    let budget = Budget::new(limit);
    let stock = Stock::new(&budget, bytes_max);
    (budget, stock)
}

#[test]
fn what_was_kept_comes_back_and_counts_until_then() {
    let (budget, stock) = stock(1 << 30, 2 * LEN);
    assert!(stock.take(LEN).is_none());
    let region = Region::new(LEN).unwrap();
    let start = region.start();
    stock.keep(region, LEN);
    assert_eq!(budget.used(), LEN as u64);
    assert!(stock.has_any());
    assert!(stock.take(LARGE_PAGE).is_none(), "of another length");
    let before = stock.changes();
    assert_eq!(stock.take(LEN).unwrap().start(), start);
    assert_eq!(budget.used(), 0);
    assert!(stock.changes() > before && !stock.has_any());
}

#[test]
fn what_is_small_hardly_touched_or_too_much_is_not_kept() {
    let (budget, stock) = stock(4 * LEN as u64, 2 * LEN);
    stock.keep(Region::new(KEPT_MIN / 2).unwrap(), KEPT_MIN / 2);
    stock.keep(Region::new(LEN).unwrap(), LEN / 2);
    assert!(!stock.has_any());
    stock.keep(Region::new(KEPT_MIN).unwrap(), KEPT_MIN);
    assert!(stock.take(KEPT_MIN).is_some() && !stock.has_any());
    let others = budget.charge(MemoryKind::Block, 4 * LEN as u64 - 1);
    stock.keep(Region::new(LEN).unwrap(), LEN);
    assert!(!stock.has_any(), "the limit does not allow it");
    drop(others);
    for _ in 0..3 {
        stock.keep(Region::new(LEN).unwrap(), LEN);
    }
    assert_eq!(budget.used(), 2 * LEN as u64);
    stock.give_back();
    assert!(budget.used() == 0 && !stock.has_any());
}

#[test]
fn a_memtable_is_filled_right_in_the_memory_of_another() {
    let (budget, stock) = stock(1 << 30, 32 << 20);
    let mut places = Vec::new();
    for round in 0..3_u64 {
        let options = MemtableOptions { bytes: 32 << 20, ..MemtableOptions::default() };
        let (memtable, mut inserter) = new_from(&options, &Arc::downgrade(&stock)).unwrap();
        inserter.charge_to(&budget);
        let (value, mut number) = ([round as u8; 1000], 0_u64);
        while memtable.bytes() < options.bytes {
            let key = (number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).to_be_bytes();
            inserter.put(&key, hash64(&key), number << 8 | 1, &value).unwrap();
            number += 1;
        }
        for number in (0..number).step_by(97) {
            let key = (number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).to_be_bytes();
            let found = memtable.get(&key, hash64(&key), u64::MAX).unwrap();
            assert_eq!(found.value, value);
        }
        drop((memtable, inserter));
        let mut kept: Vec<usize> =
            stock.kept.lock().iter().map(|(region, _)| region.start().as_ptr() as usize).collect();
        kept.sort_unstable();
        places.push(kept);
    }
    // 2, 4, 8 and 16 MiB.
    assert!(places[0].len() >= 3, "{places:?}");
    assert!(places[0] == places[1] && places[1] == places[2], "{places:?}");
}

#[test]
fn memory_of_another_memtable_counts_before_it_is_filled() {
    let (budget, stock) = stock(1 << 30, 32 << 20);
    let options = MemtableOptions { bytes: 32 << 20, ..MemtableOptions::default() };
    let mut used = Vec::new();
    for _ in 0..2 {
        let (memtable, mut inserter) = new_from(&options, &Arc::downgrade(&stock)).unwrap();
        inserter.charge_to(&budget);
        let mut number = 0_u64;
        // A little more than the chunks up to 8 MiB hold together.
        while memtable.bytes() < 18 << 20 {
            let key = number.to_be_bytes();
            inserter.put(&key, hash64(&key), number << 8 | 1, &[7; 1000]).unwrap();
            number += 1;
        }
        let kept: u64 = stock.kept.lock().iter().map(|(_, charge)| charge.bytes()).sum();
        used.push(budget.used() - kept);
        // Fills the last chunk nearly to its end, so that it is kept.
        while memtable.bytes() < 30 << 20 {
            let key = number.to_be_bytes();
            inserter.put(&key, hash64(&key), number << 8 | 1, &[7; 1000]).unwrap();
            number += 1;
        }
    }
    assert!(used[0] < 22 << 20, "pages that nobody has touched: {used:?}");
    assert!(
        (32 << 20..36 << 20).contains(&used[1]),
        "a chunk that was touched to its end: {used:?}"
    );
}
