//! Keys and values: made of a number, and recognised by it.
//!
//! A key is the number in decimal digits, as many as the key has bytes. A value is made of pieces
//! of 128 bytes, the first half of each noise that belongs to the number, the second half spaces:
//! about half of it can be packed away, however long it is.

/// Numbers are below this, so that what is there can be kept as bits.
pub const NUMBERS_MAX: u64 = 1 << 32;
/// The digits of such a number all stand among the last so many.
const DIGITS: usize = 16;
const PIECE_BYTES: usize = 128;
const SPACES: [u8; PIECE_BYTES] = [b' '; PIECE_BYTES];
/// What a key ends with that no number has: it stands between two that are there.
const MISSING: u8 = b'.';

/// How long keys and values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Digits of a key, at least one.
    pub key_bytes: usize,
    /// Bytes of a value, at least one.
    pub value_bytes: usize,
}

impl Shape {
    /// How many numbers there are keys for.
    #[must_use]
    pub fn numbers(&self) -> u64 {
        let digits = self.key_bytes.min(DIGITS) as u32;
        10_u64.pow(digits).min(NUMBERS_MAX)
    }

    /// The bytes of a pair.
    #[must_use]
    pub fn pair_bytes(&self) -> u64 {
        (self.key_bytes + self.value_bytes) as u64
    }

    /// Makes `key` the key of a number.
    pub fn key(&self, number: u64, key: &mut Vec<u8>) {
        key.clear();
        self.push_key(number, key);
    }

    /// Makes `key` one that is never put, right behind the key of a number.
    pub fn missing_key(&self, number: u64, key: &mut Vec<u8>) {
        self.key(number, key);
        key.push(MISSING);
    }

    /// Appends the key of a number.
    pub fn push_key(&self, number: u64, keys: &mut Vec<u8>) {
        keys.resize(keys.len() + self.key_bytes, b'0');
        let mut rest = number;
        for digit in keys.iter_mut().rev().take(self.key_bytes) {
            if rest == 0 {
                break;
            }
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
    }

    /// Makes `value` the value of a number.
    pub fn value(&self, number: u64, value: &mut Vec<u8>) {
        value.clear();
        self.push_value(number, value);
    }

    /// Appends the value of a number.
    pub fn push_value(&self, number: u64, values: &mut Vec<u8>) {
        let mut noise = Noise::of(number);
        let mut left = self.value_bytes;
        while left > 0 {
            let piece = left.min(PIECE_BYTES);
            noise.push(piece.div_ceil(2), values);
            values.resize(values.len() + piece / 2, b' ');
            left -= piece;
        }
    }

    /// True if this is the value of the number, every byte of it.
    #[must_use]
    pub fn is_value(&self, number: u64, value: &[u8]) -> bool {
        let mut noise = Noise::of(number);
        value.len() == self.value_bytes
            && value.chunks(PIECE_BYTES).all(|piece| {
                let (own, rest) = piece.split_at(piece.len().div_ceil(2));
                noise.is(own) && SPACES.starts_with(rest)
            })
    }
}

/// The number that a key was made of, if it was made so.
#[must_use]
pub fn number_of(key: &[u8]) -> Option<u64> {
    let (lead, tail) = key.split_at(key.len().saturating_sub(DIGITS));
    let digits: [u8; DIGITS] = tail.try_into().unwrap_or_else(|_| padded(tail));
    let digits = u128::from_le_bytes(digits);
    let (high, low) = (eight_digits(digits as u64)?, eight_digits((digits >> 64) as u64)?);
    let number = high * 100_000_000 + low;
    (!key.is_empty() && lead.iter().all(|digit| *digit == b'0')).then_some(number)
}

/// The last digits, with those before them that a short key leaves out.
#[cold]
fn padded(tail: &[u8]) -> [u8; DIGITS] {
    let mut digits = [b'0'; DIGITS];
    for (place, digit) in digits.iter_mut().rev().zip(tail.iter().rev()) {
        *place = *digit;
    }
    digits
}

/// The number in eight digits, the first of them lowest in the word; all at once, because every
/// pair of a scan goes through here.
fn eight_digits(word: u64) -> Option<u64> {
    const HIGH: u64 = 0xf0f0_f0f0_f0f0_f0f0;
    const ZEROS: u64 = 0x3030_3030_3030_3030;
    const SIX: u64 = 0x0606_0606_0606_0606;
    if word & HIGH != ZEROS || word.wrapping_add(SIX) & HIGH != ZEROS {
        return None;
    }
    // Neighbours are joined: digits to pairs, pairs to fours, fours to the whole.
    let join = |word: u64, bits: u32, mask: u64, scale: u64| {
        (word & mask).wrapping_mul(scale).wrapping_add((word >> bits) & mask)
    };
    let word = join(word & !HIGH, 8, 0x00ff_00ff_00ff_00ff, 10);
    let word = join(word, 16, 0x0000_ffff_0000_ffff, 100);
    Some(join(word, 32, 0x0000_0000_ffff_ffff, 10_000))
}

/// Bytes that look random, the same for the same number: words that do not wait for each other.
struct Noise {
    state: u64,
}

impl Noise {
    fn of(number: u64) -> Self {
        Self { state: mix(number) }
    }

    fn word(&mut self) -> [u8; 8] {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state).to_le_bytes()
    }

    fn push(&mut self, count: usize, bytes: &mut Vec<u8>) {
        for _ in 0..count / 8 {
            bytes.extend_from_slice(&self.word());
        }
        if count % 8 > 0 {
            bytes.extend(self.word().iter().take(count % 8));
        }
    }

    fn is(&mut self, bytes: &[u8]) -> bool {
        let mut words = bytes.chunks_exact(8);
        let is_same = words.by_ref().all(|word| word == self.word());
        let rest = words.remainder();
        is_same && (rest.is_empty() || self.word().starts_with(rest))
    }
}

/// A number that shows nothing of the one it is made of, and of no other.
#[must_use]
pub fn mix(number: u64) -> u64 {
    let mut mixed = number ^ 0x2545_f491_4f6c_dd1d;
    mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 32)
}

#[cfg(test)]
mod tests;
