//! The one source of chance in a simulation: splitmix64, so that a seed is the whole story.

/// A generator; equal seeds give equal sequences, on every platform and for ever.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// A generator at the start of the sequence of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next sixty-four bits.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `bound`; zero if there is none. The bias of the division does not matter to a
    /// test.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.draw().checked_rem(bound).unwrap_or(0)
    }

    /// True `times` out of `of` times.
    pub fn chance(&mut self, times: u64, of: u64) -> bool {
        self.below(of) < times
    }

    /// Random bytes of which none is zero, so that no part of them can be taken for a hole.
    pub fn garbage(&mut self, bytes: &mut [u8]) {
        for piece in bytes.chunks_mut(8) {
            for (place, byte) in piece.iter_mut().zip(self.draw().to_le_bytes()) {
                *place = if byte == 0 { 0xa5 } else { byte };
            }
        }
    }
}
