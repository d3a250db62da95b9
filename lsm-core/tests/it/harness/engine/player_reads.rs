//! The reads of the random model: each way to read a keyspace, held against the reference.

use std::collections::VecDeque;
use std::ops::Bound;
use std::sync::Arc;

use lsm_core::api::range::Range;
use lsm_core::api::read::Read;
use lsm_core::base::error::{Error, Result as Answer};
use lsm_core::base::slice::Slice;

use crate::harness::engine::acts::{Act, bound_of, key_of};
use crate::harness::engine::reference::{Pairs, is_in};
use crate::machine::kit::Dice;

pub type Done = Result<(), String>;
pub type Pair = (Vec<u8>, Arc<[u8]>);

pub fn said(error: Error) -> String {
    format!("{error:?}")
}

pub fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Done {
    if found == expected {
        return Ok(());
    }
    let short = |value: T| format!("{value:?}").chars().take(400).collect::<String>();
    Err(format!("{what}: found {}, expected {}", short(found), short(expected)))
}

/// An iterator that stays open while writes go on.
pub struct Held {
    pub range: Range,
    pub left: VecDeque<Pair>,
}

impl Held {
    pub fn finish(&mut self) -> Done {
        (0..=self.left.len()).try_for_each(|at| self.step(at % 2 == 0))
    }

    pub fn step(&mut self, is_back: bool) -> Done {
        let (met, expected) = match is_back {
            true => (self.range.next_back(), self.left.pop_back()),
            false => (self.range.next(), self.left.pop_front()),
        };
        let met = met.transpose().map_err(said)?;
        let met = met.map(|(key, value)| (key.to_vec(), Arc::from(&value[..])));
        same("an iterator from both ends", met, expected)
    }
}

pub fn within(pairs: &Pairs, lower: &Bound<Vec<u8>>, upper: &Bound<Vec<u8>>) -> VecDeque<Pair> {
    let is_within = |(key, _): &(&Vec<u8>, _)| is_in(*key, lower.as_ref(), upper.as_ref());
    pairs.iter().filter(is_within).map(|(key, value)| (key.clone(), value.clone())).collect()
}

pub fn same_pairs<'a>(
    what: &str,
    found: &[(Slice, Slice)],
    expected: impl Iterator<Item = (&'a Vec<u8>, &'a Arc<[u8]>)>,
) -> Done {
    let mut count = 0;
    for (key, value) in expected {
        let Some((met, has)) = found.get(count) else {
            return Err(format!("{what}: pair {count}, {}, is missing", key.escape_ascii()));
        };
        if met[..] != key[..] || has[..] != value[..] {
            let short = |bytes: &[u8]| bytes[..bytes.len().min(40)].escape_ascii().to_string();
            return Err(format!(
                "{what}: pair {count} is {}={}+{}, expected {}={}+{}",
                short(met),
                short(has),
                has.len(),
                short(key),
                short(value),
                value.len()
            ));
        }
        count += 1;
    }
    same(&format!("{what}: pairs"), found.len(), count)
}

pub const READS: [char; 6] = ['g', 'G', 'i', 'x', 'c', 'n'];

/// One read of a keyspace that holds `pairs`.
pub fn read<R: Read>(reader: &R, pairs: &Pairs, act: &Act) -> Done {
    let [_, b, c, d] = act.args;
    match act.verb {
        'g' => get(reader, pairs, &key_of(b), c),
        'G' => {
            // In no order, some of them twice, and more than are looked up together.
            let keys: Vec<Vec<u8>> = (0..c % 44).map(|at| key_of(b + at * 13 % 37)).collect();
            let found = reader.get_many(&keys).map_err(said)?;
            let found: Vec<_> =
                found.iter().map(|value| value.as_ref().map(|v| v.to_vec())).collect();
            let expected =
                keys.iter().map(|key| pairs.get(key).map(|value| value.to_vec())).collect();
            same("get_many", found, expected)
        }
        'i' => scan(reader, pairs, (bound_of(b), bound_of(c)), d),
        'x' => {
            let mut prefix = key_of(b);
            prefix.truncate(1 + c as usize % 12);
            let expected = pairs.iter().filter(|(key, _)| key.starts_with(&prefix));
            let what = format!("prefix {}", prefix.escape_ascii());
            if d % 2 == 0 {
                let found = reader.prefix(&prefix).collect::<Answer<Vec<_>>>().map_err(said)?;
                return same_pairs(&what, &found, expected);
            }
            let found = reader.prefix(&prefix).rev().collect::<Answer<Vec<_>>>().map_err(said)?;
            same_pairs(&what, &found, expected.rev())
        }
        'c' => walk(reader, pairs, (bound_of(b), bound_of(c)), d),
        _ => ends(reader, pairs),
    }
}

pub fn get<R: Read>(reader: &R, pairs: &Pairs, key: &[u8], how: u64) -> Done {
    let expected = pairs.get(key).map(|value| value.to_vec());
    let found = match how % 3 {
        0 => reader.get(key).map_err(said)?.map(|value| value.to_vec()),
        1 => {
            let mut buffer = b"something that was there".to_vec();
            reader.get_into(key, &mut buffer).map_err(said)?.then_some(buffer)
        }
        _ => {
            let is_there = reader.contains_key(key).map_err(said)?;
            return same("contains_key", is_there, expected.is_some());
        }
    };
    same(&format!("get {}", key[..key.len().min(40)].escape_ascii()), found, expected)
}

/// A range read forward, backward, from both ends, as keys or counted.
pub fn scan<R: Read>(
    reader: &R,
    pairs: &Pairs,
    (lower, upper): (Bound<Vec<u8>>, Bound<Vec<u8>>),
    how: u64,
) -> Done {
    let left = within(pairs, &lower, &upper);
    let range = reader.range((lower.clone(), upper.clone()));
    let expected = || left.iter().map(|(key, value)| (key, value));
    match how % 6 {
        0 => same_pairs("a range", &range.collect::<Answer<Vec<_>>>().map_err(said)?, expected()),
        1 => {
            let found = range.rev().collect::<Answer<Vec<_>>>().map_err(said)?;
            same_pairs("a range backward", &found, expected().rev())
        }
        2 => {
            let found = reader.count((lower, upper)).map_err(said)?;
            same("count", found, left.len() as u64)
        }
        3 => {
            let found = range.keys().collect::<Answer<Vec<_>>>().map_err(said)?;
            let found = found.iter().map(|key| key.to_vec()).collect();
            same("keys", found, left.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>())
        }
        _ => {
            let mut dice = Dice(how);
            let steps = left.len() + 3;
            let mut held = Held { range, left };
            (0..steps).try_for_each(|_| held.step(dice.below(2) == 0))
        }
    }
}

/// A cursor that seeks and turns round.
pub fn walk<R: Read>(
    reader: &R,
    pairs: &Pairs,
    (lower, upper): (Bound<Vec<u8>>, Bound<Vec<u8>>),
    seed: u64,
) -> Done {
    let all = within(pairs, &lower, &upper);
    let mut cursor = reader.cursor((lower, upper));
    let (mut dice, mut gap) = (Dice(seed), 0);
    let mut told = String::new();
    for _ in 0..dice.below(24) {
        let (met, expected) = match dice.below(8) {
            0 => {
                let key = key_of(dice.below(1 << 16));
                told.push_str(&format!(" seek({})", key[..key.len().min(30)].escape_ascii()));
                cursor.seek(&key).map_err(said)?;
                gap = all.iter().take_while(|(at, _)| *at < key).count();
                continue;
            }
            1 if dice.below(3) == 0 => {
                told.push_str(" first");
                cursor.seek_first().map_err(said)?;
                gap = 0;
                continue;
            }
            1 if dice.below(2) == 0 => {
                told.push_str(" last");
                cursor.seek_last().map_err(said)?;
                gap = all.len();
                continue;
            }
            1..=4 => {
                told.push_str(" next");
                let expected = all.get(gap).cloned();
                gap += usize::from(expected.is_some());
                (cursor.next().map_err(said)?, expected)
            }
            _ => {
                told.push_str(" prev");
                let expected = gap.checked_sub(1).and_then(|at| all.get(at)).cloned();
                gap -= usize::from(expected.is_some());
                (cursor.prev().map_err(said)?, expected)
            }
        };
        let met = met.map(|(key, value)| (key.to_vec(), Arc::from(value)));
        same(&format!("a cursor after{told}"), met, expected)?;
    }
    Ok(())
}

pub fn ends<R: Read>(reader: &R, pairs: &Pairs) -> Done {
    let bytes = |pair: Option<(Slice, Slice)>| pair.map(|(k, v)| (k.to_vec(), v.to_vec()));
    let expected =
        |pair: Option<(&Vec<u8>, &Arc<[u8]>)>| pair.map(|(k, v)| (k.clone(), v.to_vec()));
    let first = bytes(reader.first().map_err(said)?);
    same("first", first, expected(pairs.first_key_value()))?;
    let last = bytes(reader.last().map_err(said)?);
    same("last", last, expected(pairs.last_key_value()))
}
