//! A queue: what is put at the tail is taken from the head. Nearly all keys are deleted ones.

use crate::store::{Result, Walk};
use crate::workload::hand::{Hand, wrong};
use crate::workload::pairs::Pairs;

/// So many are put before the first one is taken.
const LENGTH: u64 = 1000;

/// Each thread has a queue of its own.
pub fn queue(hand: &mut Hand<'_>) -> Result<()> {
    let room = hand.shape.numbers() / hand.flags.threads;
    let first = hand.number * room;
    let (mut head, mut tail) = (first, first);
    while hand.meter.goes_on() {
        if tail - first == room {
            return Err("there are no more keys for the queue: --key_size is too small".into());
        }
        hand.put(tail)?;
        tail += 1;
        if tail - head > LENGTH {
            take(hand, first, head)?;
            head += 1;
        }
        hand.meter.done(1, hand.shape.pair_bytes());
    }
    hand.truth.widen(tail);
    Ok(())
}

/// Finds the first key of the queue, which must be its head, and deletes it.
fn take(hand: &mut Hand<'_>, first: u64, head: u64) -> Result<()> {
    let Hand { session, shape, truth, key, .. } = hand;
    shape.key(first, key);
    // The store has to look from the first key on; where the head is, the harness knows.
    let mut pairs = Pairs::forward(truth, head, true).at_most(1);
    session.cursor()?.walk(Walk::From(key), &mut |key, value| pairs.take(key, value))?;
    if pairs.end()? == 0 {
        return Err(wrong(head, "is the head of a queue, and was not found"));
    }
    hand.delete(head)
}
