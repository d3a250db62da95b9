//! Workloads that walk over pairs.

use crate::store::{Cursor, Result, Walk};
use crate::workload::hand::Hand;
use crate::workload::pairs::Pairs;

/// All pairs in their order.
pub fn read_in_order(hand: &mut Hand<'_>) -> Result<()> {
    walk_through(hand, true)
}

/// All pairs, backwards.
pub fn read_in_reverse(hand: &mut Hand<'_>) -> Result<()> {
    walk_through(hand, false)
}

/// From one end to the other: once, or again until the time is over.
fn walk_through(hand: &mut Hand<'_>, is_forward: bool) -> Result<()> {
    let is_repeated = hand.flags.duration > 0.0;
    let pair_bytes = hand.shape.pair_bytes();
    while hand.meter.goes_on() {
        let Hand { session, meter, truth, is_alone, .. } = hand;
        let (mut pairs, walk) = match is_forward {
            true => (Pairs::forward(truth, 0, *is_alone), Walk::FromFirst),
            false => (Pairs::backward(truth, *is_alone), Walk::FromLast),
        };
        session.cursor()?.walk(walk, &mut |key, value| {
            let is_right = pairs.take(key, value);
            meter.done(1, pair_bytes);
            if is_right && !meter.goes_on() {
                pairs.stop();
                return false;
            }
            is_right
        })?;
        if pairs.end()? == 0 || !is_repeated {
            break;
        }
    }
    Ok(())
}

/// A random place, and some pairs from there on, with one cursor.
pub fn seek_at_random(hand: &mut Hand<'_>) -> Result<()> {
    let (extent, wanted) = (hand.truth.extent().max(1), hand.flags.seek_nexts);
    let Hand { session, meter, truth, shape, random, key, is_alone, .. } = hand;
    let mut cursor = session.cursor()?;
    while meter.goes_on() {
        let number = random.below(extent);
        shape.key(number, key);
        let pairs = Pairs::forward(truth, number, *is_alone).at_most(wanted);
        let seen = read_from(cursor.as_mut(), key, pairs)?;
        meter.done(1, seen * shape.pair_bytes());
    }
    Ok(())
}

/// The same with a new cursor each time.
pub fn seek_anew(hand: &mut Hand<'_>) -> Result<()> {
    let wanted = hand.flags.seek_nexts;
    while hand.meter.goes_on() {
        let number = hand.any();
        let seen = scan(hand, number, wanted)?;
        hand.meter.done(1, seen * hand.shape.pair_bytes());
    }
    Ok(())
}

/// So many pairs from a number on, with a new cursor; answers how many there were.
pub fn scan(hand: &mut Hand<'_>, from: u64, wanted: u64) -> Result<u64> {
    hand.shape.key(from, &mut hand.key);
    let pairs = Pairs::forward(hand.truth, from, hand.is_alone).at_most(wanted);
    read_from(hand.session.cursor()?.as_mut(), &hand.key, pairs)
}

fn read_from(cursor: &mut dyn Cursor, key: &[u8], mut pairs: Pairs<'_>) -> Result<u64> {
    cursor.walk(Walk::From(key), &mut |key, value| pairs.take(key, value))?;
    pairs.end()
}
