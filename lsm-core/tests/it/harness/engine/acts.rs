//! Acts: what the random model does to a database, as text that can be replayed and shortened.
//!
//! An act is a letter and up to four numbers, which mean something only to whoever plays it: any
//! number is legal, so an act keeps its meaning when those before it are taken away.

use std::fmt;
use std::ops::Bound;
use std::str::FromStr;
use std::sync::Arc;

use crate::machine::kit::Dice;

/// Letters with how often they come.
const WEIGHTS: &[(char, u64)] = &[
    // Writes.
    ('p', 60),
    ('d', 14),
    ('r', 6),
    ('b', 14),
    ('B', 14),
    ('X', 16),
    ('M', 40),
    ('!', 1),
    // Reads.
    ('g', 25),
    ('G', 5),
    ('i', 20),
    ('x', 8),
    ('c', 12),
    ('n', 5),
    ('h', 4),
    ('H', 10),
    ('j', 4),
    ('J', 14),
    // Snapshots.
    ('s', 6),
    ('u', 4),
    ('S', 14),
    // Keyspaces.
    ('k', 4),
    ('q', 1),
    // The background.
    ('f', 5),
    ('m', 4),
    ('y', 3),
    ('w', 3),
    ('e', 4),
    ('t', 2),
    ('T', 2),
    ('v', 2),
    ('a', 3),
    // Ends of lives.
    ('o', 2),
    ('z', 2),
];

/// One thing that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Act {
    pub verb: char,
    pub args: [u64; 4],
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.args;
        write!(f, "{}{a}.{b}.{c}.{d}", self.verb)
    }
}

impl FromStr for Act {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("{text:?} is no act");
        let verb = text.chars().next().ok_or_else(bad)?;
        let mut args = [0; 4];
        for (at, word) in text[verb.len_utf8()..].split('.').enumerate() {
            *args.get_mut(at).ok_or_else(bad)? = word.parse().map_err(|_| bad())?;
        }
        Ok(Self { verb, args })
    }
}

/// A play of so many acts. Each seed leaves some letters out, so that rare mixtures come up too.
pub fn write_play(seed: u64, length: usize) -> Vec<Act> {
    write_play_of(WEIGHTS, seed, length)
}

/// How often a letter comes where nearly all is deleted.
fn weight_among_deletes(verb: char, weight: u64) -> u64 {
    match verb {
        'p' | 'b' | 'B' | 'X' => weight / 2,
        'd' => weight * 8,
        'i' | 'x' | 'S' | 'H' | 'J' => weight * 2,
        _ => weight,
    }
}

/// The same, but that most writes are deletes, so that scans meet long runs of them.
pub fn write_play_among_deletes(seed: u64, length: usize) -> Vec<Act> {
    let weights =
        WEIGHTS.iter().map(|(verb, weight)| (*verb, weight_among_deletes(*verb, *weight)));
    write_play_of(&weights.collect::<Vec<_>>(), seed, length)
}

fn write_play_of(weights: &[(char, u64)], seed: u64, length: usize) -> Vec<Act> {
    let mut dice = Dice(seed);
    let is_left_out = |dice: &mut Dice, verb: char| verb != 'p' && dice.below(4) == 0;
    let cast: Vec<(char, u64)> =
        weights.iter().filter(|(verb, _)| !is_left_out(&mut dice, *verb)).copied().collect();
    let total: u64 = cast.iter().map(|(_, weight)| weight).sum();
    (0..length)
        .map(|_| {
            let mut ticket = dice.below(total);
            let chosen = cast.iter().find(|(_, weight)| {
                let is_it = ticket < *weight;
                ticket = ticket.wrapping_sub(*weight);
                is_it
            });
            let verb = chosen.map_or('p', |(verb, _)| *verb);
            Act { verb, args: std::array::from_fn(|_| dice.below(1 << 16)) }
        })
        .collect()
}

pub fn to_text(acts: &[Act]) -> String {
    acts.iter().map(Act::to_string).collect::<Vec<_>>().join(" ")
}

pub fn parse_play(text: &str) -> Vec<Act> {
    text.split_whitespace().map(|word| word.parse().unwrap()).collect()
}

/// A key out of few, many of which share a prefix.
pub fn key_of(number: u64) -> Vec<u8> {
    let n = number / 8;
    match number % 8 {
        0 if n % 97 == 5 => [vec![b'L'; 65_534], vec![b'0' + (n % 3) as u8]].concat(),
        0 if n % 23 == 1 => Vec::new(),
        0 => vec![[0x00, 0xff][(n % 2) as usize]; 1 + (n / 2 % 3) as usize],
        1..=3 => (0..1 + n % 5).map(|bit| b"ab"[(n >> (bit + 3) & 1) as usize]).collect(),
        4 | 5 => format!("prefix/of/many/{:02}", n % 40).into_bytes(),
        _ => format!("user{}/{}", n % 3, n / 3 % 30).into_bytes(),
    }
}

/// A value that names the write it came from.
pub fn value_of(number: u64, serial: u64) -> Arc<[u8]> {
    let size = match number % 400 {
        0 => 100 << 10,
        1..=4 => 20_000,
        5..=30 => 1500,
        31..=60 => 0,
        _ => number % 67,
    };
    let name = format!("#{serial}.");
    let filler = name.bytes().cycle().zip(0u64..).map(|(byte, at)| byte ^ (at / 64) as u8);
    filler.take(size as usize).collect()
}

/// One end of a range.
pub fn bound_of(number: u64) -> Bound<Vec<u8>> {
    match number % 7 {
        0 => Bound::Unbounded,
        1..=4 => Bound::Included(key_of(number / 7)),
        _ => Bound::Excluded(key_of(number / 7)),
    }
}

/// Takes acts away for as long as the rest still fails; answers what is left and how it fails.
pub fn shorten(
    mut acts: Vec<Act>,
    mut why: String,
    fails: &mut dyn FnMut(&[Act]) -> Option<String>,
) -> (Vec<Act>, String) {
    let mut chunk = acts.len().div_ceil(2).max(1);
    loop {
        let mut at = 0;
        let mut is_shorter = false;
        while at < acts.len() {
            let mut rest = acts.clone();
            rest.drain(at..(at + chunk).min(acts.len()));
            match fails(&rest) {
                Some(reason) => (acts, why, is_shorter) = (rest, reason, true),
                None => at += chunk,
            }
        }
        if chunk == 1 && !is_shorter {
            return (acts, why);
        }
        chunk = (chunk / 2).max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::{parse_play, shorten, to_text, write_play};

    #[test]
    fn a_play_is_read_back_from_its_text() {
        let play = write_play(7, 300);
        assert_eq!(parse_play(&to_text(&play)), play);
    }

    #[test]
    fn a_failing_play_is_shortened_to_what_fails() {
        let play = write_play(8, 200);
        let (first, second) = (play[40], play[171]);
        let mut fails = |acts: &[super::Act]| {
            (acts.contains(&first) && acts.contains(&second)).then(|| "both".to_owned())
        };
        let (rest, why) = shorten(play, String::new(), &mut fails);
        assert_eq!((rest, why.as_str()), (vec![first, second], "both"));
    }
}
