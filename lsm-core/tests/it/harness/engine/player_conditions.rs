//! Conditions of the random model: what is required of a key, and whether that is so by the
//! reference.

use std::sync::Arc;

use lsm_core::api::batch::Batch;
use lsm_core::api::keyspace::Keyspace;
use lsm_core::api::snapshot::Snapshot;

use crate::harness::engine::acts::key_of;
use crate::harness::engine::reference::{Pairs, Swept, swept};
use crate::machine::kit::Dice;

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holds {
    Yes,
    /// A key that is as absent as before may have been written to and forgotten.
    Maybe,
    No,
}

fn of(is_so: bool) -> Holds {
    if is_so { Holds::Yes } else { Holds::No }
}

/// What there is.
pub struct Today<'a> {
    pub keyspace: &'a Keyspace,
    pub pairs: &'a Pairs,
    /// A filter takes values away, or changes them, without a write.
    pub is_swept: bool,
    /// True of a key whose value it may have changed by now.
    pub is_in_doubt: &'a dyn Fn(&[u8]) -> bool,
}

/// What there was.
pub struct Old<'a> {
    pub snapshot: &'a Snapshot,
    pub pairs: &'a Pairs,
    /// True of a key whose value may have gone without a write.
    pub may_have_expired: &'a dyn Fn(&[u8]) -> bool,
}

/// Adds a condition to the batch, of a key of `now`, most often one that holds.
pub fn require(
    batch: &mut Batch,
    today: Today<'_>,
    old: Option<Old<'_>>,
    dice: &mut Dice,
) -> Holds {
    let Today { keyspace, pairs: now, is_swept, is_in_doubt } = today;
    let there = now.keys().nth(dice.below(now.len().max(1) as u64) as usize);
    let key = match there {
        Some(key) if dice.below(3) > 0 => key.clone(),
        _ => key_of(dice.below(1 << 16)),
    };
    let value = now.get(&key);
    let known = |is_so: bool| if is_in_doubt(&key) { Holds::Maybe } else { of(is_so) };
    match (dice.below(8), value, old) {
        (0..=3, _, Some(old)) => {
            batch.require_unchanged(keyspace, &key, old.snapshot);
            match (old.pairs.get(&key), value) {
                // Every write has a value of its own.
                (Some(then), Some(now)) if Arc::ptr_eq(then, now) => Holds::Yes,
                (Some(then), Some(now)) if is_swept => match swept(then) {
                    Swept::Becomes(other) if other[..] == now[..] => Holds::Maybe,
                    _ => Holds::No,
                },
                (Some(then), None) if is_swept && swept(then) == Swept::Goes => Holds::Maybe,
                (None, None) => Holds::Maybe,
                (Some(_), None) if (old.may_have_expired)(&key) => Holds::Maybe,
                _ => Holds::No,
            }
        }
        (4, ..) | (_, None, _) => {
            batch.require_absent(keyspace, &key);
            known(value.is_none())
        }
        (5, Some(value), _) => {
            let other = [value, b"?".as_slice()].concat();
            batch.require_value(keyspace, &key, other);
            Holds::No
        }
        (_, Some(value), _) => {
            batch.require_value(keyspace, &key, value);
            known(true)
        }
    }
}
