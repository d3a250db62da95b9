//! The memory ahead is there, and the job ends with whoever it works for.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::base::budget::Budget;
use crate::base::checksum::hash64;
use crate::env::sim::world::SimWorld;
use crate::memtable::handle::{Inserter, new};
use crate::memtable::options::MemtableOptions;

/// Fills a memtable with so many MiB.
fn fill(inserter: &mut Inserter, numbers: std::ops::Range<u64>) {
    for number in numbers {
        let key = number.to_be_bytes();
        inserter.put(&key, hash64(&key), 1, &[7; 1 << 20]).unwrap();
    }
}

#[test]
fn what_is_ahead_of_a_memtable_is_taken_up_for_as_long_as_somebody_fills_it() {
    let (world, budget) = (SimWorld::new(1), Budget::new(1 << 30));
    let options = MemtableOptions { bytes: 64 << 20, ..MemtableOptions::default() };
    let (memtable, mut inserter) = new(&options).unwrap();
    inserter.charge_to(&budget);
    fill(&mut inserter, 0..10);
    let pager = Pager::new(world.env().scheduler.as_ref(), &memtable);
    world.scheduler.run_until_idle();
    assert!(!memtable.page_in(), "it is there already");
    fill(&mut inserter, 10..20);
    pager.follow(&memtable);
    world.scheduler.run_until_idle();
    assert!(!memtable.page_in(), "it is there already");
    drop(pager);
    world.scheduler.run_until_idle();
    assert_eq!(world.scheduler.job_count(), 0);
    assert_eq!(Arc::strong_count(&memtable), 2, "the inserter has it, and this test");
}
