//! Workloads that look keys up.

use crate::store::Result;
use crate::workload::hand::{Hand, wrong};

/// Random keys, each as likely as the others.
pub fn read_at_random(hand: &mut Hand<'_>) -> Result<()> {
    while hand.meter.goes_on() {
        let number = hand.any();
        hand.get(number)?;
        hand.meter.done(1, hand.shape.pair_bytes());
    }
    Ok(())
}

/// Keys that were never put, between those that are there.
pub fn read_missing(hand: &mut Hand<'_>) -> Result<()> {
    while hand.meter.goes_on() {
        let number = hand.any();
        hand.shape.missing_key(number, &mut hand.key);
        if hand.session.get(&hand.key, &mut hand.value)? {
            return Err(wrong(number, "has another one behind it that nobody has put"));
        }
        hand.meter.done(1, hand.key.len() as u64);
    }
    Ok(())
}

/// Random keys, a batch at a time.
pub fn read_batches(hand: &mut Hand<'_>) -> Result<()> {
    let mut batch = Batch::default();
    while hand.meter.goes_on() {
        let count = hand.flags.batch_size.min(hand.meter.left());
        batch.choose(hand, count);
        batch.read(hand)?;
        hand.meter.done(count, count * hand.shape.pair_bytes());
    }
    Ok(())
}

/// Keys that are looked up together.
#[derive(Default)]
struct Batch {
    /// Their numbers, and whether they are there.
    asked: Vec<(u64, bool)>,
    /// Which of them were found with the right value.
    found: Vec<Option<bool>>,
    keys: Vec<u8>,
}

impl Batch {
    fn choose(&mut self, hand: &mut Hand<'_>, count: u64) {
        self.asked.clear();
        self.keys.clear();
        for _ in 0..count {
            let number = hand.any();
            self.asked.push((number, hand.truth.has(number)));
            hand.shape.push_key(number, &mut self.keys);
        }
    }

    fn read(&mut self, hand: &mut Hand<'_>) -> Result<()> {
        let Self { asked, found, keys } = self;
        found.clear();
        found.resize(asked.len(), None);
        let keys: Vec<&[u8]> = keys.chunks_exact(hand.shape.key_bytes).collect();
        let shape = hand.shape;
        hand.session.get_all(&keys, &mut |at, value| {
            if let (Some((number, _)), Some(found)) = (asked.get(at), found.get_mut(at)) {
                *found = Some(shape.is_value(*number, value));
            }
        })?;
        for ((number, is_there), found) in asked.iter().zip(found) {
            match found {
                Some(true) if *is_there || !hand.is_alone => hand.meter.tally.found += 1,
                None if !is_there => {}
                None => return Err(wrong(*number, "is there, and was not found")),
                Some(true) => return Err(wrong(*number, "is not there, but found")),
                Some(false) => return Err(wrong(*number, "has another value")),
            }
        }
        Ok(())
    }
}
