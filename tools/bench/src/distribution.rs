//! Which keys are next: in an order that looks random, at random, or some far more often.

use crate::generator::mix;

/// Random numbers, the same for the same seed.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    /// Begins at a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: mix(seed) }
    }

    /// Any number.
    pub fn word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// A number below `count`, which is not 0; each as likely as the others.
    pub fn below(&mut self, count: u64) -> u64 {
        ((u128::from(self.word()) * u128::from(count)) >> 64) as u64
    }

    /// From 0 to below 1.
    pub fn fraction(&mut self) -> f64 {
        (self.word() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The numbers below a count in another order: each stands at one place, and any place can be asked
/// for.
#[derive(Clone, Copy, Debug)]
pub struct Permutation {
    count: u64,
    mask: u64,
    shift: u32,
    seed: u64,
}

/// Odd, so that multiplying by them loses nothing.
const FACTORS: [u64; 3] = [0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93, 0xbf58_476d_1ce4_e5b9];

impl Permutation {
    /// One order of so many numbers.
    #[must_use]
    pub fn new(count: u64, seed: u64) -> Self {
        let mask = count.next_power_of_two() - 1;
        let shift = mask.count_ones().div_ceil(2).max(1);
        Self { count, mask, shift, seed: mix(seed) }
    }

    /// The number at a place below the count.
    #[must_use]
    pub fn at(&self, place: u64) -> u64 {
        // Steps of a ring through all numbers of so many bits: it comes back to one below the
        // count, at the latest to `place` itself.
        let mut number = place;
        loop {
            number = self.step(number);
            if number < self.count {
                return number;
            }
        }
    }

    /// One to one over the numbers of so many bits.
    fn step(&self, number: u64) -> u64 {
        let mut number = number ^ (self.seed & self.mask);
        for factor in FACTORS {
            number = number.wrapping_add(self.seed >> 7).wrapping_mul(factor) & self.mask;
            number ^= number >> self.shift;
        }
        number
    }
}

/// Ranks of which the first come far more often: the one at place `k` as often as `1 / k` raised to
/// 0.99, by the formula that YCSB uses too (J. Gray and others, 1994).
#[derive(Clone, Copy, Debug)]
pub struct Zipfian {
    count: u64,
    alpha: f64,
    zeta: f64,
    eta: f64,
}

/// How uneven it is.
pub const THETA: f64 = 0.99;
/// So many terms of the sum are added up one by one.
const TERMS: u64 = 1000;

impl Zipfian {
    /// Ranks below `count`, which is not 0.
    #[must_use]
    pub fn new(count: u64) -> Self {
        let zeta = zeta(count);
        let spread = 1.0 - (2.0 / count as f64).powf(1.0 - THETA);
        let eta = spread / (1.0 - zeta_exact(2) / zeta);
        Self { count, alpha: 1.0 / (1.0 - THETA), zeta, eta }
    }

    /// The next rank.
    pub fn rank(&self, random: &mut Random) -> u64 {
        let share = random.fraction();
        let sum = share * self.zeta;
        if sum < 1.0 {
            return 0;
        }
        if sum < zeta_exact(2) {
            return 1.min(self.count - 1);
        }
        let rank = self.count as f64 * (self.eta * share - self.eta + 1.0).powf(self.alpha);
        (rank as u64).min(self.count - 1)
    }
}

/// What all ranks below `count` weigh together.
fn zeta(count: u64) -> f64 {
    if count <= TERMS {
        return zeta_exact(count);
    }
    // The rest is an integral, half of the first and last terms, and nearly nothing.
    let (from, to) = (TERMS as f64, count as f64);
    let area = (to.powf(1.0 - THETA) - from.powf(1.0 - THETA)) / (1.0 - THETA);
    zeta_exact(TERMS) + area + (to.powf(-THETA) - from.powf(-THETA)) / 2.0
}

fn zeta_exact(count: u64) -> f64 {
    if count == 2 {
        return 1.0 + 0.5_f64.powf(THETA);
    }
    (1..=count).rev().map(|place| (place as f64).powf(-THETA)).sum()
}

#[cfg(test)]
mod tests;
