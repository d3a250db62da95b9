//! Held against another decoder: what an encoder made, what was put together by hand, and what no
//! encoder made.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use crate::base::lz4::unpack;

/// Numbers that look like chance, the same ones in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as usize % end
    }

    fn noise(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.below(256) as u8).collect()
    }
}

/// What the other decoder says, if it becomes exactly so long.
fn expected(packed: &[u8], len: usize) -> Option<Vec<u8>> {
    let mut out = vec![0xAA; len];
    let done = lz4_flex::block::decompress_into(packed, &mut out).ok()?;
    (done == len).then_some(out)
}

fn ours(packed: &[u8], len: usize) -> Option<Vec<u8>> {
    let mut out = vec![0x55; len];
    unpack(packed, &mut out).map(|()| out)
}

fn push_length(packed: &mut Vec<u8>, mut len: usize) {
    while len >= 255 {
        packed.push(255);
        len -= 255;
    }
    packed.push(len as u8);
}

/// A sequence: literals, and a match behind them if there is one.
fn push(packed: &mut Vec<u8>, literals: &[u8], matched: Option<(usize, usize)>) {
    let more = matched.map_or(0, |(_, len)| len - 4);
    packed.push((literals.len().min(15) << 4 | more.min(15)) as u8);
    if literals.len() >= 15 {
        push_length(packed, literals.len() - 15);
    }
    packed.extend_from_slice(literals);
    if let Some((distance, _)) = matched {
        packed.extend_from_slice(&(distance as u16).to_le_bytes());
        if more >= 15 {
            push_length(packed, more - 15);
        }
    }
}

#[test]
fn every_distance_repeats_for_every_length_with_much_and_no_room_behind() {
    let mut chance = Chance(1);
    for distance in (1..70).chain([255, 256, 257, 1000, 65_535]) {
        let before = chance.noise(distance + distance % 3);
        for len in (4..80).chain([255, 256, 257, 258, 300, 1000, 70_000]) {
            for behind in [0, 1, 5, 31, 32, 33, 100] {
                let tail = chance.noise(behind);
                let mut packed = Vec::new();
                push(&mut packed, &before, Some((distance, len)));
                push(&mut packed, &tail, None);
                let mut plain = before.clone();
                for _ in 0..len {
                    plain.push(plain[plain.len() - distance]);
                }
                plain.extend_from_slice(&tail);
                let unpacked = ours(&packed, plain.len());
                assert_eq!(unpacked, Some(plain), "{distance} for {len}, {behind} behind");
            }
        }
    }
}

#[test]
fn what_an_encoder_made_comes_back() {
    let mut chance = Chance(2);
    for round in 0..3000 {
        let mut plain = Vec::new();
        let pieces = chance.below(40);
        for _ in 0..pieces {
            let len = 1 + chance.below([4, 20, 100, 700][round % 4]);
            match chance.below(4) {
                0 => plain.extend_from_slice(&chance.noise(len)),
                1 => plain.resize(plain.len() + len, b' '),
                2 => plain.extend((0..len).map(|at| b"0001002"[at % (1 + round % 7)])),
                _ => {
                    let from = chance.below(plain.len() + 1);
                    plain.extend_from_within(from..plain.len().min(from + len));
                }
            }
        }
        let packed = lz4_flex::block::compress(&plain);
        assert_eq!(ours(&packed, plain.len()), Some(plain.clone()), "round {round}");
        assert_eq!(ours(&packed, plain.len() + 1), None, "round {round}");
        assert!(plain.is_empty() || ours(&packed, plain.len() - 1).is_none(), "round {round}");
    }
}

#[test]
fn what_no_encoder_made_gets_the_answer_of_the_other_decoder() {
    let mut chance = Chance(3);
    let mut accepted = 0;
    for round in 0..200_000 {
        let mut packed = Vec::new();
        let mut len = 0;
        for _ in 0..1 + chance.below(6) {
            let literals = chance.below([3, 20, 60][round % 3]);
            let distance = chance.below(len + literals + 2);
            let matched = 4 + chance.below([6, 30, 400][round / 3 % 3]);
            push(&mut packed, &chance.noise(literals), Some((distance, matched)));
            len += literals + matched;
        }
        let tail = chance.below(40);
        push(&mut packed, &chance.noise(tail), None);
        len += tail;
        if round % 2 == 0 {
            let place = chance.below(packed.len());
            packed[place] = chance.below(256) as u8;
        }
        if round % 5 == 0 {
            packed.truncate(chance.below(packed.len() + 1));
        }
        let other = expected(&packed, len);
        accepted += usize::from(other.is_some());
        assert_eq!(ours(&packed, len), other, "{packed:?} to {len}");
    }
    assert!(accepted > 10_000, "only {accepted} were well formed");
}

#[test]
fn rubbish_gets_an_answer() {
    let mut chance = Chance(4);
    for round in 0..300_000 {
        let len = chance.below(60);
        let rubbish = chance.noise(len);
        let _ = ours(&rubbish, round % 300);
    }
    assert_eq!(ours(&[], 0), None);
    assert_eq!(ours(&[0], 0), Some(Vec::new()));
}
