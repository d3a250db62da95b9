//! The six mixes of the Yahoo! Cloud Serving Benchmark, with its choices of keys.

use crate::distribution::{Permutation, Zipfian};
use crate::store::Result;
use crate::workload::hand::Hand;
use crate::workload::walks::scan;

/// A scan reads from 1 to so many pairs.
const SCAN_MAX: u64 = 100;

/// Of a hundred operations, so many of each kind; the others read.
#[derive(Clone, Copy, Default)]
struct Mix {
    updates: u64,
    inserts: u64,
    scans: u64,
    /// A key is read and then written.
    changes: u64,
    /// What was inserted last is chosen most often.
    is_latest: bool,
}

/// Half reads, half updates.
pub fn a(hand: &mut Hand<'_>) -> Result<()> {
    run(hand, Mix { updates: 50, ..Mix::default() })
}

/// Reads, and an update in twenty.
pub fn b(hand: &mut Hand<'_>) -> Result<()> {
    run(hand, Mix { updates: 5, ..Mix::default() })
}

/// Reads alone.
pub fn c(hand: &mut Hand<'_>) -> Result<()> {
    run(hand, Mix::default())
}

/// Reads of what came last, and an insert in twenty.
pub fn d(hand: &mut Hand<'_>) -> Result<()> {
    run(hand, Mix { inserts: 5, is_latest: true, ..Mix::default() })
}

/// Short scans, and an insert in twenty.
pub fn e(hand: &mut Hand<'_>) -> Result<()> {
    run(hand, Mix { inserts: 5, scans: 95, ..Mix::default() })
}

/// Half reads, half reads that are followed by a write of the same key.
pub fn f(hand: &mut Hand<'_>) -> Result<()> {
    run(hand, Mix { changes: 50, ..Mix::default() })
}

fn run(hand: &mut Hand<'_>, mix: Mix) -> Result<()> {
    let chooser = Chooser::new(hand.truth.extent().max(1), hand.flags.seed, mix.is_latest);
    while hand.meter.goes_on() {
        let bytes = operation(hand, &mix, &chooser)?;
        hand.meter.done(1, bytes);
    }
    Ok(())
}

/// Does one operation; answers how many bytes were written or read.
fn operation(hand: &mut Hand<'_>, mix: &Mix, chooser: &Chooser) -> Result<u64> {
    let pair = hand.shape.pair_bytes();
    let mut chance = hand.random.below(100);
    let mut is_chosen = |share: u64| {
        let is_chosen = chance < share;
        chance = chance.wrapping_sub(share);
        is_chosen
    };
    if is_chosen(mix.inserts) {
        let number = hand.truth.claim().ok_or("there are no more keys to insert")?;
        return hand.put(number).map(|()| pair);
    }
    let number = chooser.number(hand);
    if is_chosen(mix.updates) {
        return hand.put(number).map(|()| pair);
    }
    if is_chosen(mix.scans) {
        let wanted = 1 + hand.random.below(SCAN_MAX);
        return scan(hand, number, wanted).map(|seen| seen * pair);
    }
    hand.get(number)?;
    if is_chosen(mix.changes) {
        hand.put(number)?;
        return Ok(2 * pair);
    }
    Ok(pair)
}

/// Which key is next.
struct Chooser {
    zipfian: Zipfian,
    /// Where the ranks stand: popular keys are not neighbours.
    order: Permutation,
    is_latest: bool,
}

impl Chooser {
    fn new(extent: u64, seed: u64, is_latest: bool) -> Self {
        let (zipfian, order) = (Zipfian::new(extent), Permutation::new(extent, seed));
        Self { zipfian, order, is_latest }
    }

    fn number(&self, hand: &mut Hand<'_>) -> u64 {
        let rank = self.zipfian.rank(&mut hand.random);
        match self.is_latest {
            true => hand.truth.extent().saturating_sub(1 + rank),
            false => self.order.at(rank),
        }
    }
}
