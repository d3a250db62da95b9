//! Operands, in the random model.

use lsm_core::api::batch::Batch;
use lsm_core::base::error::ErrorKind;
use lsm_core::{Expiry, MergeOperator, Result};

use super::Player;
use crate::harness::engine::acts::{Act, key_of, value_of};
use crate::harness::engine::player_reads::{Done, said, same};
use crate::harness::engine::reference::{Change, merged};
use crate::machine::kit::Dice;

/// An operator of the model's own: it keeps the end of everything, and combines nothing.
pub struct Tail;

impl MergeOperator for Tail {
    fn name(&self) -> &str {
        "model.tail"
    }

    fn merge(
        &self,
        _: &[u8],
        base: Option<&[u8]>,
        operands: &[&[u8]],
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let mut value: Option<Vec<u8>> = base.map(<[u8]>::to_vec);
        for operand in operands {
            value = Some(merged(self.name(), value.as_deref(), operand));
        }
        out.extend_from_slice(&value.unwrap_or_default());
        Ok(())
    }
}

/// The operator of a keyspace with these options.
pub fn operator_of(number: u64) -> Option<&'static str> {
    let all =
        [None, Some("append"), Some("max"), Some("model.tail"), Some("bit_or"), Some("append")];
    all[(number / 3 % 6) as usize]
}

impl Player {
    /// Merges operands: one, one with an end of its own, several of a few keys in one batch, or so
    /// many of one key that it is put anew.
    pub(super) fn merge(&mut self, act: &Act) -> Done {
        let [a, b, c, d] = act.args;
        let (name, keyspace) = self.keyspace(a)?;
        let id = self.contents.id(&name).unwrap();
        let options = self.durability(d);
        self.serial += 1;
        let operand = |number: u64, serial| {
            let value = value_of(number, serial);
            let short = &value[..value.len().min(9)];
            std::sync::Arc::from(short)
        };
        if self.contents.operator(id).is_none() {
            let refused = keyspace.merge(key_of(b), b"never").map(drop).map_err(|e| e.kind());
            return same("a merge without an operator", refused, Err(ErrorKind::InvalidArgument));
        }
        let key = key_of(b);
        let (expiry, end) = self.some_expiry(c / 5);
        match c % 5 {
            0 => {
                let operand = operand(c, self.serial);
                keyspace.merge_with(&key, &operand, &options.expiry(expiry)).map_err(said)?;
                self.change(&[Change::Merge(name, key, operand, Some(end))]);
            }
            1 => {
                let (mut dice, mut batch, mut changes) = (Dice(c ^ d << 16), Batch::new(), vec![]);
                for _ in 0..dice.below(12) {
                    let key = key_of(b + dice.below(3));
                    let operand = operand(dice.below(1 << 16), self.serial);
                    let (expiry, end) = match dice.below(4) {
                        0 => (expiry, Some(end)),
                        _ => (Expiry::Usual, None),
                    };
                    batch.merge_expiring(&keyspace, &key, &operand, expiry);
                    changes.push(Change::Merge(name.clone(), key, operand, end));
                }
                self.db()?.write_with(&batch, &options).map_err(said)?;
                self.change(&changes);
            }
            2 => {
                for at in 0..c / 5 % 24 {
                    let operand = operand(c + at, self.serial);
                    keyspace.merge_with(&key, &operand, &options).map_err(said)?;
                    self.change(&[Change::Merge(name.clone(), key.clone(), operand, None)]);
                }
            }
            _ => {
                let operand = operand(c, self.serial);
                keyspace.merge_with(&key, &operand, &options).map_err(said)?;
                self.change(&[Change::Merge(name, key, operand, None)]);
            }
        }
        self.check_expiry(a, b)
    }
}
