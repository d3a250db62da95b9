//! Iterators and cursors that are held while others write, and where they ought to be.

use lsm_core::{Cursor, Range};

use super::{Life, Lived};
use crate::acts::key_of;
use crate::deed::there;
use crate::model::describe_pair;

type Pair = (Vec<u8>, Vec<u8>);

/// One of either, over a keyspace without a filter.
pub(super) enum Held {
    /// What is left between its two ends.
    Range(Range, Vec<Pair>),
    /// What it sees, and before which of that it stands.
    Cursor(Box<Cursor>, Vec<Pair>, usize),
}

impl Life {
    pub(super) fn hold(&mut self, a: u64, b: u64) -> Lived {
        let name = self.name(a);
        if self.now.space(name).is_none_or(|space| space.kept.is_swept) {
            return Ok(());
        }
        let space = match there(&self.db()?, name) {
            Ok(space) => space,
            Err(error) => return self.explain(&error),
        };
        let pairs = self.now.pairs(name).map(|(key, entry)| (key.clone(), entry.value.to_vec()));
        let pairs: Vec<Pair> = pairs.collect();
        if self.held.len() >= 3 {
            self.held.remove(0);
        }
        self.held.push(match b % 2 {
            0 => Held::Range(space.iter(), pairs),
            _ => Held::Cursor(Box::new(space.cursor(..)), pairs, 0),
        });
        Ok(())
    }

    pub(super) fn move_held(&mut self, a: u64, b: u64, c: u64) -> Lived {
        let count = self.held.len();
        let Some(at) = (a as usize).checked_rem(count) else { return Ok(()) };
        let mut held = self.held.swap_remove(at);
        for step in 0..1 + b % 6 {
            match held.step(b >> step, key_of(c + step, c)) {
                Ok(()) => {}
                // One that has failed may stand anywhere.
                Err(Failed::Answer(error)) => return self.explain(&error),
                Err(Failed::Wrong(why)) => return Err(why),
            }
        }
        self.count_done();
        self.held.push(held);
        Ok(())
    }
}

pub(super) enum Failed {
    Answer(lsm_core::Error),
    Wrong(String),
}

impl Held {
    fn step(&mut self, dice: u64, key: Vec<u8>) -> Result<(), Failed> {
        match self {
            Self::Range(range, left) => {
                let is_forward = dice % 2 == 0;
                let met = if is_forward { range.next() } else { range.next_back() };
                let met = met.transpose().map_err(Failed::Answer)?;
                let met = met.map(|(key, value)| (key.to_vec(), value.to_vec()));
                let own = match is_forward {
                    _ if left.is_empty() => None,
                    true => Some(left.remove(0)),
                    false => left.pop(),
                };
                same("an iterator", met, own)
            }
            Self::Cursor(cursor, pairs, place) => {
                if dice % 5 == 0 {
                    *place = pairs.partition_point(|(there, _)| *there < key);
                    return cursor.seek(&key).map_err(Failed::Answer);
                }
                let is_forward = dice % 3 > 0;
                let met = if is_forward { cursor.next() } else { cursor.prev() };
                let met = met.map_err(Failed::Answer)?;
                let met = met.map(|(key, value)| (key.to_vec(), value.to_vec()));
                let at = if is_forward { Some(*place) } else { place.checked_sub(1) };
                let own = at.and_then(|at| pairs.get(at)).cloned();
                if own.is_some() {
                    *place = if is_forward { *place + 1 } else { *place - 1 };
                }
                same("a cursor", met, own)
            }
        }
    }
}

fn same(what: &str, met: Option<Pair>, own: Option<Pair>) -> Result<(), Failed> {
    if met == own {
        return Ok(());
    }
    let text = |pair: Option<Pair>| pair.map(|(key, value)| describe_pair(&key, &value));
    Err(Failed::Wrong(format!("{what} that is held meets {:?}, not {:?}", text(met), text(own))))
}
