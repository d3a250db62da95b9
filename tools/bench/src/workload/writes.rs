//! Workloads that only write.

use crate::distribution::Permutation;
use crate::generator::mix;
use crate::store::Result;
use crate::workload::hand::Hand;

/// All keys in their order.
pub fn fill_in_order(hand: &mut Hand<'_>) -> Result<()> {
    let mut number = 0;
    while hand.meter.goes_on() {
        hand.put(number)?;
        hand.meter.done(1, hand.shape.pair_bytes());
        number += 1;
    }
    Ok(())
}

/// All keys, each once, in an order that looks random.
pub fn fill_at_random(hand: &mut Hand<'_>) -> Result<()> {
    let order = order_of(hand);
    let mut place = 0;
    while hand.meter.goes_on() {
        hand.put(order.at(place))?;
        hand.meter.done(1, hand.shape.pair_bytes());
        place += 1;
    }
    Ok(())
}

/// The same in batches.
pub fn fill_in_batches(hand: &mut Hand<'_>) -> Result<()> {
    let order = order_of(hand);
    let mut place = 0;
    while hand.meter.goes_on() {
        let count = hand.flags.batch_size.min(hand.meter.left());
        put_batch(hand, (place..place + count).map(|place| order.at(place)))?;
        hand.meter.done(count, count * hand.shape.pair_bytes());
        place += count;
    }
    Ok(())
}

/// The order in which this thread writes all keys of a fill.
fn order_of(hand: &Hand<'_>) -> Permutation {
    Permutation::new(hand.meter.left(), mix(hand.flags.seed).wrapping_add(hand.number))
}

fn put_batch(hand: &mut Hand<'_>, numbers: impl Iterator<Item = u64> + Clone) -> Result<()> {
    let Hand { shape, key: keys, value: values, .. } = hand;
    keys.clear();
    values.clear();
    for number in numbers.clone() {
        shape.push_key(number, keys);
        shape.push_value(number, values);
    }
    let values = values.chunks_exact(shape.value_bytes);
    let pairs: Vec<(&[u8], &[u8])> = keys.chunks_exact(shape.key_bytes).zip(values).collect();
    hand.session.put_all(&pairs)?;
    hand.meter.tally.written += pairs.len() as u64 * shape.pair_bytes();
    numbers.for_each(|number| hand.truth.add(number));
    Ok(())
}

/// Random keys among those that are there.
pub fn overwrite(hand: &mut Hand<'_>) -> Result<()> {
    while hand.meter.goes_on() {
        let number = hand.any();
        hand.put(number)?;
        hand.meter.done(1, hand.shape.pair_bytes());
    }
    Ok(())
}

/// Deletes keys in their order.
pub fn delete_in_order(hand: &mut Hand<'_>) -> Result<()> {
    let extent = hand.truth.extent().max(1);
    let mut number = 0;
    while hand.meter.goes_on() {
        hand.delete(number)?;
        hand.meter.done(1, hand.shape.key_bytes as u64);
        number = (number + 1) % extent;
    }
    Ok(())
}

/// Deletes random keys.
pub fn delete_at_random(hand: &mut Hand<'_>) -> Result<()> {
    while hand.meter.goes_on() {
        let number = hand.any();
        hand.delete(number)?;
        hand.meter.done(1, hand.shape.key_bytes as u64);
    }
    Ok(())
}
