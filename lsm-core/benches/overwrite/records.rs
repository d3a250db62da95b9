//! Keys, values and the order in which they come: the same for every store.

/// Sixteen decimal digits.
pub(crate) fn key_of(number: u64) -> [u8; 16] {
    let mut key = [b'0'; 16];
    let mut rest = number;
    for digit in key.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    key
}

/// The number that a key was made of.
pub(crate) fn number_of(key: &[u8]) -> u64 {
    key.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}

/// A hundred bytes that belong to the number and that compress to about half.
pub(crate) fn value_of(number: u64) -> [u8; 100] {
    let mut value = [b' '; 100];
    for (place, word) in value.chunks_exact_mut(8).zip(words_of(number)).take(6) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    value
}

/// The words that a value begins with.
pub(crate) fn words_of(number: u64) -> impl Iterator<Item = u64> {
    let mut state = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    std::iter::repeat_with(move || {
        state ^= state >> 29;
        state = state.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state
    })
}

/// Numbers below `count` in an order that looks random, each once.
pub(crate) struct Shuffled {
    count: u64,
    mask: u64,
    state: u64,
    left: u64,
}

impl Shuffled {
    pub(crate) fn new(count: u64, seed: u64) -> Self {
        let mask = count.next_power_of_two() - 1;
        Self { count, mask, state: seed & mask, left: mask + 1 }
    }
}

impl Iterator for Shuffled {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        // A full-period generator over the next power of two; numbers too large are passed over.
        while self.left > 0 {
            self.left -= 1;
            self.state =
                self.state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(11) & self.mask;
            // Its low bits follow each other too plainly: they are mixed, one to one.
            let mut mixed = self.state;
            mixed ^= mixed >> 7;
            mixed = mixed.wrapping_mul(0x9e37_79b1) & self.mask;
            mixed ^= mixed >> 9;
            mixed = mixed.wrapping_mul(0x85eb_ca6b) & self.mask;
            mixed ^= mixed >> 11;
            if mixed < self.count {
                return Some(mixed);
            }
        }
        None
    }
}
