//! Tags: a byte of each key's hash, looked at eight at a time.

const WORD: usize = 8;
const ONES: u64 = 0x0101_0101_0101_0101;
const LOW7: u64 = 0x7f7f_7f7f_7f7f_7f7f;
/// Multiplied with eight bytes of 0 or 1, brings them together as bits of the top byte.
const GATHER: u64 = 0x0102_0408_1020_4080;

/// So many tags are looked at together, at most.
pub const GROUP: usize = 64;

/// Which of up to `GROUP` tags, in whole words, are this one: a bit each, without a branch that
/// depends on where they are.
#[inline(always)]
#[must_use]
pub fn matching(tags: &[u8], tag: u8) -> u64 {
    let wanted = u64::from(tag) * ONES;
    let mut matches = 0u64;
    for (at, word) in tags.chunks_exact(WORD).take(GROUP / WORD).enumerate() {
        let word = word.first_chunk::<WORD>().map_or(0, |word| u64::from_le_bytes(*word)) ^ wanted;
        // The top bit of each byte that is zero, and of no other; then those bits together.
        let equal = !(((word & LOW7) + LOW7) | word | LOW7);
        matches |= ((equal >> 7).wrapping_mul(GATHER) >> 56) << (at * WORD);
    }
    matches
}
