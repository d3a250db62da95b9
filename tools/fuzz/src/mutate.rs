//! Inputs made of others by chance: what a replay tries where there is no fuzzer.

use lsm_core::env::sim::rng::Rng;

/// Numbers at which something ends.
const ENDS: [u64; 12] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    1 << 48,
    (1 << 56) - 1,
    u64::MAX >> 1,
    u64::MAX,
];

/// No input becomes longer by this.
pub const LEN_MAX: usize = 16 << 10;

/// An input of chance, made of those that there are.
#[must_use]
pub fn mutated(inputs: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    let pick = |rng: &mut Rng| match inputs {
        [] => &[][..],
        some => &some[rng.below(some.len() as u64) as usize],
    };
    let mut bytes = pick(rng).to_vec();
    for _ in 0..=rng.below(4) {
        let other = pick(rng);
        change(&mut bytes, other, rng);
    }
    bytes.truncate(LEN_MAX);
    bytes
}

fn change(bytes: &mut Vec<u8>, other: &[u8], rng: &mut Rng) {
    let len = bytes.len() as u64;
    let at = rng.below(len) as usize;
    match rng.below(9) {
        0 | 1 if len > 0 => bytes[at] ^= 1 << rng.below(8),
        2 if len > 0 => bytes[at] = rng.below(256) as u8,
        3 if len > 0 => bytes[at] = bytes[at].wrapping_add([1, 255][rng.below(2) as usize]),
        4 => bytes.truncate(at),
        5 => {
            let width = [1, 2, 4, 8][rng.below(4) as usize];
            let number = ENDS[rng.below(ENDS.len() as u64) as usize].to_le_bytes();
            let end = bytes.len().min(at + width);
            let width = end - at;
            bytes[at..end].copy_from_slice(&number[..width]);
        }
        6 => {
            let end = at + rng.below(32).min(len - at as u64) as usize;
            bytes.drain(at..end);
        }
        7 => {
            let end = at + rng.below(64).min(len - at as u64) as usize;
            let piece = bytes[at..end].to_vec();
            bytes.splice(at..at, piece);
        }
        _ => {
            let from = rng.below(other.len() as u64) as usize;
            let to = from + rng.below((other.len() - from) as u64 + 1) as usize;
            bytes.splice(at..at, other[from..to].iter().copied());
        }
    }
}
