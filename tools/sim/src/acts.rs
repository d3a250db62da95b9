//! Acts: what a seed does to a database, as text that can be replayed and shortened.
//!
//! An act is a letter and up to four numbers, which mean something only to the life that they are
//! played in: any number is legal, so an act keeps its meaning when others are taken away.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use lsm_core::env::sim::rng::Rng;

/// Clients have keys of their own, so that what two of them do at once has one outcome.
pub const CLIENTS: u64 = 3;

/// Letters, with how often they come and what they are.
pub const LETTERS: &[(char, u64, &str)] = &[
    ('p', 60, "put"),
    ('d', 14, "delete"),
    ('r', 7, "delete a range"),
    ('b', 20, "write a batch"),
    ('c', 8, "write a batch if something is so"),
    ('m', 20, "merge"),
    ('L', 5, "put a large value"),
    ('g', 14, "get"),
    ('s', 10, "scan"),
    ('n', 5, "take a snapshot"),
    ('N', 10, "read a snapshot"),
    ('u', 3, "drop a snapshot"),
    ('h', 4, "hold an iterator or a cursor"),
    ('H', 8, "move one that is held"),
    ('k', 5, "make a keyspace"),
    ('q', 2, "drop a keyspace"),
    ('f', 7, "flush"),
    ('C', 5, "compact"),
    ('y', 4, "sync"),
    ('i', 6, "let a little time pass"),
    ('j', 8, "step the background"),
    ('P', 2, "pause or go on in the background"),
    ('w', 2, "wait until nothing is left to do"),
    ('v', 2, "verify"),
    ('S', 2, "ask for statistics and a diagnosis"),
    ('T', 3, "let hours pass"),
    ('B', 1, "set the clock back"),
    ('R', 4, "open or refresh a reader beside"),
    ('!', 16, "arm a fault"),
    ('M', 5, "mend, and hold everything against the model"),
    ('x', 5, "power cut or kill in the middle of something"),
    ('o', 3, "close and open"),
    ('e', 2, "close, damage a file, open, undo the damage"),
];

/// One thing that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Act {
    /// What.
    pub verb: char,
    /// How: the life that it is played in knows.
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

/// A seed with its acts: one line, which replays them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Makes the configuration and every choice of the world.
    pub seed: u64,
    /// What is done, in order.
    pub acts: Vec<Act>,
}

impl Script {
    /// What a seed does. Each seed leaves letters out and prefers others, so that rare mixtures
    /// come up too.
    #[must_use]
    pub fn write(seed: u64) -> Self {
        let mut rng = Rng::new(seed ^ 0x5eed_ac75);
        let weigh = |rng: &mut Rng, verb: char, weight: u64| match rng.below(6) {
            0 if verb != 'p' => 0,
            1 => weight * 3,
            _ => weight,
        };
        let cast: Vec<(char, u64)> = LETTERS
            .iter()
            .map(|(verb, weight, _)| (*verb, weigh(&mut rng, *verb, *weight)))
            .collect();
        let total: u64 = cast.iter().map(|(_, weight)| weight).sum();
        let length = 30 + rng.below(60);
        let acts = (0..length).map(|_| {
            let mut ticket = rng.below(total);
            let chosen = cast.iter().find(|(_, weight)| {
                let is_it = ticket < *weight;
                ticket = ticket.wrapping_sub(*weight);
                is_it
            });
            let verb = chosen.map_or('p', |(verb, _)| *verb);
            Act { verb, args: std::array::from_fn(|_| rng.below(1 << 16)) }
        });
        Self { seed, acts: acts.collect() }
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed={}", self.seed)?;
        self.acts.iter().try_for_each(|act| write!(f, " {act}"))
    }
}

impl FromStr for Script {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let seed = words.next().and_then(|word| word.strip_prefix("seed="));
        let seed = seed.ok_or("a script begins with seed=NUMBER")?;
        let seed = seed.parse().map_err(|_| format!("{seed:?} is no seed"))?;
        Ok(Self { seed, acts: words.map(str::parse).collect::<Result<_, _>>()? })
    }
}

/// A key of a client, out of few.
#[must_use]
pub fn key_of(client: u64, number: u64) -> Vec<u8> {
    let start = char::from(b'a' + (client % CLIENTS) as u8);
    match number % 32 {
        0 => vec![start as u8],
        1 => format!("{start}{}", "l".repeat(700)).into_bytes(),
        n => format!("{start}{:02}", (n + number / 32) % 24).into_bytes(),
    }
}

/// A value that names the write it came from. Its first letter is what a filter goes by.
#[must_use]
pub fn value_of(number: u64, serial: u64) -> Arc<[u8]> {
    let size = match number % 64 {
        0 => 0,
        1..=3 => 1400,
        4..=8 => 300,
        _ => 8 + number % 60,
    };
    value_of_size(number, serial, size)
}

/// The same of this size.
#[must_use]
pub fn value_of_size(number: u64, serial: u64, size: u64) -> Arc<[u8]> {
    let letter = ["v", "x", "o", "v"][(number / 64 % 4) as usize];
    let name = format!("{letter}{serial}.");
    let filler = name.bytes().cycle().zip(0u64..).map(|(byte, at)| byte ^ (at / 64) as u8);
    filler.take(size as usize).collect()
}
